//! Builds the npm package: `crates/web` in every edition and variant to `pkg/dist/wasm/`, then the TypeScript.

pub mod edition;
mod glue;
pub mod model;
mod needs;
mod order;
pub mod variant;
mod wasm;

use std::time::Instant;

use anyhow::Result;
use clap::Args;

use crate::npm;
use crate::size;
use crate::workspace::Workspace;
use edition::Edition;
use variant::Variant;
use wasm::Module;

/// Where the package's WebAssembly goes.
pub const OUTPUT: &str = "pkg/dist/wasm";

/// What `build` takes.
#[derive(Args, Default)]
pub struct Options {
    /// Build only these variants of the WebAssembly (repeat or separate by commas). All by default.
    #[arg(long, value_enum, value_delimiter = ',')]
    pub variant: Vec<Variant>,
    /// Build only these editions (repeat or separate by commas). All by default.
    #[arg(long, value_enum, value_delimiter = ',')]
    pub edition: Vec<Edition>,
    /// For quick tries: only the whole edition and the `simd` variant unless others are named, and no pass of wasm-opt.
    #[arg(long)]
    pub dev: bool,
    /// Leave the TypeScript as it is.
    #[arg(long)]
    pub only_wasm: bool,
    /// A package for certain models.
    #[command(flatten)]
    pub model: model::Options,
}

impl Options {
    /// The variants asked for.
    fn variants(&self) -> Vec<Variant> {
        match (self.variant.is_empty(), self.dev) {
            (false, _) => self.variant.clone(),
            (true, true) => vec![Variant::Simd],
            (true, false) => Variant::ALL.to_vec(),
        }
    }

    /// The editions asked for.
    fn editions(&self) -> Vec<Edition> {
        match (self.edition.is_empty(), self.dev) {
            (false, _) => self.edition.clone(),
            (true, true) => vec![Edition::Whole],
            (true, false) => Edition::ALL.to_vec(),
        }
    }
}

/// Builds what the options ask for and prints its size.
///
/// # Errors
/// Names the command or the file that failed.
pub fn run(workspace: &Workspace, options: &Options) -> Result<()> {
    if !options.model.models.is_empty() {
        return model::run(workspace, &options.model, &options.variants(), !options.dev);
    }
    // Variant by variant: the editions of one share what is compiled.
    for variant in options.variants() {
        for edition in options.editions() {
            let start = Instant::now();
            let module = Module {
                target: format!("wasm-{variant}"),
                features: edition.features().to_owned(),
                only: None,
                output: workspace.path(OUTPUT).join(edition.folder()).join(variant.name()),
            };
            wasm::build(workspace, &module, variant, !options.dev)?;
            println!("Built {edition} {variant} in {:.1} s", start.elapsed().as_secs_f64());
        }
    }
    if !options.only_wasm {
        npm::script(workspace, "pkg", "build")?;
    }
    size::print(workspace)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variants_and_editions_default_to_all_and_in_a_quick_build_to_one() {
        let quick = Options { dev: true, ..Options::default() };
        assert_eq!(quick.variants(), [Variant::Simd]);
        assert_eq!(Options::default().variants(), Variant::ALL);
        assert_eq!((quick.editions().len(), Options::default().editions().len()), (1, 3));
        let named = Options { dev: true, variant: vec![Variant::SimdThreads], ..Options::default() };
        assert_eq!(named.variants(), [Variant::SimdThreads]);
    }
}
