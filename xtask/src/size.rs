//! What a page downloads: the loader and engine of each variant, raw and gzip.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{bail, ensure, Context, Result};
use flate2::write::GzEncoder;
use flate2::Compression;

use crate::build::variant::Variant;
use crate::build::OUTPUT;
use crate::workspace::Workspace;

/// The most that a single-threaded variant may weigh with gzip, JavaScript included.
const BUDGET: usize = 250_000;
/// The package's script as a page without a bundler loads it.
const SCRIPT: &str = "pkg/dist/headwater.min.js";

/// Bytes of a file or of several.
#[derive(Clone, Copy, Default)]
struct Weight {
    raw: usize,
    gzip: usize,
}

impl Weight {
    fn of(path: &Path) -> Result<Weight> {
        let bytes = fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
        Ok(Weight { raw: bytes.len(), gzip: gzip(&bytes)? })
    }

    fn plus(self, other: Weight) -> Weight {
        Weight { raw: self.raw + other.raw, gzip: self.gzip + other.gzip }
    }
}

fn gzip(bytes: &[u8]) -> Result<usize> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes)?;
    Ok(encoder.finish()?.len())
}

/// A line of the table.
struct Row {
    variant: Variant,
    glue: Weight,
    wasm: Weight,
}

/// Prints the table.
pub fn print(workspace: &Workspace) -> Result<()> {
    table(workspace).map(drop)
}

/// Prints the table and fails where a single-threaded one of the variants is over the budget.
pub fn run(workspace: &Workspace, variants: &[Variant]) -> Result<()> {
    let (script, rows) = table(workspace)?;
    ensure!(!rows.is_empty(), "nothing is built: run `cargo xtask build` first");
    for row in rows.iter().filter(|row| variants.contains(&row.variant) && !row.variant.threads()) {
        let total = script.plus(row.glue).plus(row.wasm).gzip;
        if total > BUDGET {
            bail!("{} is {} with gzip, over the budget of {}", row.variant, kilobytes(total), kilobytes(BUDGET));
        }
    }
    println!("Within the budget of {} for a single-threaded variant with gzip.", kilobytes(BUDGET));
    Ok(())
}

fn table(workspace: &Workspace) -> Result<(Weight, Vec<Row>)> {
    let script = workspace.path(SCRIPT);
    let script = if script.is_file() { Weight::of(&script)? } else { Weight::default() };
    let mut rows = Vec::new();
    for variant in Variant::ALL {
        let directory = workspace.path(OUTPUT).join(variant.name());
        let file = |name: &str| -> PathBuf { directory.join(name) };
        if file("headwater_web_bg.wasm").is_file() {
            rows.push(Row {
                variant,
                glue: Weight::of(&file("headwater_web.js"))?,
                wasm: Weight::of(&file("headwater_web_bg.wasm"))?,
            });
        }
    }
    println!("{:<22}{:>10}{:>10}{:>10}{:>12}{:>12}", "download", "script", "glue", "wasm", "total", "with gzip");
    for row in &rows {
        let total = script.plus(row.glue).plus(row.wasm);
        println!(
            "{:<22}{:>10}{:>10}{:>10}{:>12}{:>12}",
            row.variant.name(),
            kilobytes(script.raw),
            kilobytes(row.glue.raw),
            kilobytes(row.wasm.raw),
            kilobytes(total.raw),
            kilobytes(total.gzip)
        );
    }
    Ok((script, rows))
}

fn kilobytes(bytes: usize) -> String {
    format!("{:.1} kB", bytes as f64 / 1000.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_add_up() {
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), vec![b'a'; 10_000]).unwrap();
        let one = Weight::of(file.path()).unwrap();
        assert_eq!(one.raw, 10_000);
        assert!(one.gzip < 200, "{}", one.gzip);
        let two = one.plus(one);
        assert_eq!((two.raw, two.gzip), (20_000, 2 * one.gzip));
        assert_eq!(kilobytes(two.raw), "20.0 kB");
    }
}
