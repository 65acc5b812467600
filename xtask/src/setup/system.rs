//! A browser and a software Vulkan driver: what the tests need of the operating system.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{bail, Result};

use crate::process;
use crate::workspace::Workspace;

/// Where browsers lie that are not on the search path.
const BROWSERS: [&str; 3] = [
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/opt/google/chrome/chrome",
];
const DRIVERS: &str = "/usr/share/vulkan/icd.d";
const LOADERS: [&str; 3] = ["/usr/lib/x86_64-linux-gnu", "/usr/lib/aarch64-linux-gnu", "/usr/lib64"];

/// Chromium or Chrome: `CHROMIUM` where it is set, else the first one found.
pub fn chromium() -> Option<PathBuf> {
    if let Some(path) = std::env::var_os("CHROMIUM") {
        return Some(path.into());
    }
    ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"]
        .into_iter()
        .find_map(process::find)
        .or_else(|| BROWSERS.iter().map(PathBuf::from).find(|path| path.is_file()))
}

/// The file that tells the Vulkan loader of lavapipe, Mesa's software driver.
pub fn lavapipe() -> Option<PathBuf> {
    lavapipe_in(Path::new(DRIVERS))
}

fn lavapipe_in(directory: &Path) -> Option<PathBuf> {
    let mut files: Vec<PathBuf> = fs::read_dir(directory).ok()?.flatten().map(|entry| entry.path()).collect();
    files.sort();
    files.into_iter().find(|file| {
        file.file_name().is_some_and(|name| name.to_string_lossy().starts_with("lvp_icd"))
            && file.extension().is_some_and(|extension| extension == "json")
    })
}

fn has_vulkan_loader() -> bool {
    LOADERS.iter().any(|directory| Path::new(directory).join("libvulkan.so.1").exists())
}

/// The Debian packages that are missing.
fn missing() -> Vec<&'static str> {
    let mut packages = Vec::new();
    if chromium().is_none() {
        packages.push("chromium");
    }
    if cfg!(target_os = "linux") {
        if lavapipe().is_none() {
            packages.push("mesa-vulkan-drivers");
        }
        if !has_vulkan_loader() {
            packages.push("libvulkan1");
        }
    }
    packages
}

#[cfg(unix)]
fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

#[cfg(not(unix))]
fn is_root() -> bool {
    false
}

/// Installs what is missing through apt-get, where that exists and this is root; elsewhere says what to install.
pub fn ensure(workspace: &Workspace) -> Result<()> {
    let packages = missing();
    if packages.is_empty() {
        return Ok(());
    }
    let list = packages.join(" ");
    if process::find("apt-get").is_none() {
        bail!("the tests need these (by Debian's names): {list}; install them, or name a browser with CHROMIUM=<path>");
    }
    if !is_root() {
        bail!("the tests need packages that are missing: run `sudo apt-get install {list}`");
    }
    println!("Installing {list}");
    let root = workspace.path("");
    let apt = || {
        let mut apt = process::command("apt-get", &root);
        apt.env("DEBIAN_FRONTEND", "noninteractive");
        apt
    };
    process::run(apt().args(["update", "-qq"]))?;
    process::run(apt().args(["install", "-y", "-qq", "--no-install-recommends"]).args(&packages))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lavapipe_is_told_from_other_drivers() {
        let directory = tempfile::tempdir().unwrap();
        assert_eq!(lavapipe_in(&directory.path().join("none")), None);
        for name in ["intel_icd.x86_64.json", "lvp_icd.x86_64.json", "lvp_icd.x86_64.bak", "radeon_icd.x86_64.json"] {
            fs::write(directory.path().join(name), "{}").unwrap();
        }
        assert_eq!(lavapipe_in(directory.path()), Some(directory.path().join("lvp_icd.x86_64.json")));
    }
}
