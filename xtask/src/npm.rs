//! Node and npm.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{bail, ensure, Context, Result};
use sha2::{Digest, Sha256};

use crate::process;
use crate::workspace::Workspace;

/// The oldest Node that the package and its tests support.
const OLDEST_NODE: u32 = 20;

/// Fails unless Node and npm are there and new enough.
pub fn check_node(workspace: &Workspace) -> Result<()> {
    let hint = format!("install Node.js {OLDEST_NODE} or newer from your system's packages or https://nodejs.org");
    if process::find("node").is_none() || process::find("npm").is_none() {
        bail!("Node.js and npm are needed and not on the PATH: {hint}");
    }
    let version = process::output(process::command("node", &workspace.path("")).arg("--version"))?;
    let major = major_of(&version).with_context(|| format!("`node --version` says {version:?}"))?;
    ensure!(major >= OLDEST_NODE, "Node.js {version} is too old: {hint}");
    Ok(())
}

/// The first number of a version such as `v20.1.0`.
fn major_of(version: &str) -> Option<u32> {
    version.strip_prefix('v')?.split('.').next()?.parse().ok()
}

/// Installs the packages that `directory`'s lock file names, unless they are there. A directory without `package.json` is an
/// error: it names what is missing.
pub fn install(workspace: &Workspace, directory: &str) -> Result<()> {
    let at = workspace.path(directory);
    ensure!(at.join("package.json").is_file(), "{directory}/package.json is missing");
    let wanted = fingerprint(&at)?;
    let stamp = at.join("node_modules/.headwater-installed");
    if fs::read_to_string(&stamp).is_ok_and(|installed| installed == wanted) {
        return Ok(());
    }
    println!("Installing the npm packages of {directory}");
    let mode = if at.join("package-lock.json").is_file() { "ci" } else { "install" };
    process::run(process::command("npm", &at).args([mode, "--no-audit", "--no-fund", "--loglevel=error"]))?;
    fs::create_dir_all(at.join("node_modules"))?;
    // Taken again: `npm install` writes the lock file.
    fs::write(&stamp, fingerprint(&at)?).with_context(|| format!("cannot write {}", stamp.display()))
}

/// Changes when the wanted packages change.
fn fingerprint(directory: &Path) -> Result<String> {
    let mut hash = Sha256::new();
    for name in ["package.json", "package-lock.json"] {
        match fs::read(directory.join(name)) {
            Ok(text) => hash.update(text),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => hash.update(b"none"),
            Err(error) => return Err(error).with_context(|| format!("cannot read {}", directory.join(name).display())),
        }
    }
    Ok(hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
}

/// Runs a script of `directory`'s `package.json`.
pub fn script(workspace: &Workspace, directory: &str, name: &str) -> Result<()> {
    process::run(process::command("npm", &workspace.path(directory)).args(["run", "--silent", name]))
        .with_context(|| format!("in {directory}"))
}

/// A program that a package of `directory` brings.
pub fn program(workspace: &Workspace, directory: &str, name: &str) -> PathBuf {
    workspace.path(directory).join("node_modules/.bin").join(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nodes_major_version_is_read() {
        assert_eq!(major_of("v20.20.2"), Some(20));
        assert_eq!(major_of("v9.0.0"), Some(9));
        assert_eq!(major_of("20.1"), None);
        assert_eq!(major_of("vNext"), None);
    }

    #[test]
    fn the_fingerprint_follows_both_files() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path();
        fs::write(path.join("package.json"), "{}").unwrap();
        let bare = fingerprint(path).unwrap();
        assert_eq!(bare, fingerprint(path).unwrap());
        fs::write(path.join("package-lock.json"), "{}").unwrap();
        let locked = fingerprint(path).unwrap();
        assert_ne!(bare, locked);
        fs::write(path.join("package.json"), "{ }").unwrap();
        assert_ne!(locked, fingerprint(path).unwrap());
    }
}
