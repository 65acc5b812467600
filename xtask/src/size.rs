//! What a page downloads: the loader and engine of each variant, raw and gzip.

use std::fs;
use std::io::Write;
use std::path::Path;

use anyhow::{bail, ensure, Context, Result};
use flate2::write::GzEncoder;
use flate2::Compression;

use crate::build::variant::Variant;
use crate::workspace::Workspace;

/// A script as a page without a bundler loads it, and the most that it may weigh with a single-threaded variant and gzip.
struct Script {
    name: &'static str,
    path: &'static str,
    /// Where its modules are, a folder for each variant.
    modules: &'static str,
    budget: usize,
}

/// What models and their training need, all operations, everything, and what predictions of the demo's model need.
const SCRIPTS: [Script; 4] = [
    Script { name: "lean", path: "pkg/dist/headwater.lean.min.js", modules: "pkg/dist/wasm/lean", budget: 243_000 },
    Script { name: "core", path: "pkg/dist/headwater.core.min.js", modules: "pkg/dist/wasm/core", budget: 300_000 },
    Script { name: "whole", path: "pkg/dist/headwater.min.js", modules: "pkg/dist/wasm", budget: 436_000 },
    Script {
        name: "for mobilenet",
        path: "target/for/mobilenet_v2_uint8/index.js",
        modules: "target/for/mobilenet_v2_uint8/wasm",
        budget: 140_000,
    },
];

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
    name: &'static str,
    budget: usize,
    variant: Variant,
    parts: [Weight; 3],
}

impl Row {
    fn total(&self) -> Weight {
        self.parts.into_iter().fold(Weight::default(), Weight::plus)
    }
}

/// Prints the table.
pub fn print(workspace: &Workspace) -> Result<()> {
    table(workspace).map(drop)
}

/// Prints the table of one script and its modules.
pub fn print_package(script: &Path, modules: &Path) -> Result<()> {
    print_rows(&rows("", 0, script, modules)?);
    Ok(())
}

/// Prints the table and fails where a single-threaded one of the variants is over a budget.
pub fn run(workspace: &Workspace, variants: &[Variant]) -> Result<()> {
    let rows = table(workspace)?;
    ensure!(!rows.is_empty(), "nothing is built: run `cargo xtask build` first");
    for row in rows.iter().filter(|row| variants.contains(&row.variant) && !row.variant.threads()) {
        let (total, budget) = (row.total().gzip, row.budget);
        if total > budget {
            bail!(
                "{} on {} is {} with gzip, over the budget of {}",
                row.name,
                row.variant,
                kilobytes(total),
                kilobytes(budget)
            );
        }
    }
    let budgets: Vec<String> = SCRIPTS.iter().map(|s| format!("{} {}", kilobytes(s.budget), s.name)).collect();
    println!("Within the budgets for a single-threaded variant with gzip: {}.", budgets.join(", "));
    Ok(())
}

fn table(workspace: &Workspace) -> Result<Vec<Row>> {
    let mut all = Vec::new();
    for script in &SCRIPTS {
        let (path, modules) = (workspace.path(script.path), workspace.path(script.modules));
        all.extend(rows(script.name, script.budget, &path, &modules)?);
    }
    print_rows(&all);
    Ok(all)
}

/// A row for each variant that is built.
fn rows(name: &'static str, budget: usize, script: &Path, modules: &Path) -> Result<Vec<Row>> {
    let mut rows = Vec::new();
    for variant in Variant::ALL {
        let directory = modules.join(variant.name());
        let [glue, wasm] = ["headwater_web.js", "headwater_web_bg.wasm"].map(|name| directory.join(name));
        if script.is_file() && wasm.is_file() {
            let parts = [Weight::of(script)?, Weight::of(&glue)?, Weight::of(&wasm)?];
            rows.push(Row { name, budget, variant, parts });
        }
    }
    Ok(rows)
}

fn print_rows(rows: &[Row]) {
    println!("{:<30}{:>10}{:>10}{:>10}{:>12}{:>12}", "download", "script", "glue", "wasm", "total", "with gzip");
    for row in rows {
        let [script, glue, wasm] = row.parts.map(|part| kilobytes(part.raw));
        let total = row.total();
        println!(
            "{:<30}{script:>10}{glue:>10}{wasm:>10}{:>12}{:>12}",
            format!("{} on {}", row.name, row.variant).trim_start(),
            kilobytes(total.raw),
            kilobytes(total.gzip)
        );
    }
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
