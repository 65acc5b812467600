//! A package for a page that runs certain models: a script, its types and a module with the layers, operations and kernels
//! that those need, and no others.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{bail, Context, Result};
use clap::{Args, ValueEnum};

use super::needs::Needs;
use super::variant::Variant;
use super::wasm::{self, Module};
use crate::npm;
use crate::process;
use crate::size;
use crate::workspace::Workspace;

/// Where packages for models go unless another folder is asked for.
pub const OUTPUT: &str = "target/for";

/// Families of operations and layers. All are compiled: of each, the module carries what was selected.
const FAMILIES: &str = "layers,headwater/all-layers,headwater/ops-scan,headwater/ops-indexing,headwater/ops-layout,\
    headwater/ops-linalg,headwater/ops-einsum,headwater/ops-volumes,headwater/ops-spectral,headwater/ops-images,\
    headwater/ops-attention,headwater/ops-quantize,headwater/ops-recurrent,headwater/optimizers-more";

/// The engines of a module.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Engine {
    /// The processor.
    Cpu,
    /// The processor, and the GPU where there is one.
    #[default]
    Both,
}

/// What a package for models is made of.
#[derive(Args, Default)]
#[group(skip)]
pub struct Options {
    /// Instead of the npm package, build one for a page that runs these models (files of TensorFlow.js layers models;
    /// repeat or separate by commas).
    #[arg(long = "for", value_delimiter = ',', value_name = "MODEL.json")]
    pub models: Vec<PathBuf>,
    /// With --for: layers beside those of the models, by Keras's class names.
    #[arg(long, value_delimiter = ',', requires = "models")]
    pub layers: Vec<String>,
    /// With --for: the losses, metrics and optimizers to train with, by TensorFlow.js's names. All by default.
    #[arg(long, value_delimiter = ',', requires = "models", conflicts_with = "predict_only")]
    pub training: Vec<String>,
    /// With --for: leave out gradients, optimizers and all that only training needs.
    #[arg(long, requires = "models")]
    pub predict_only: bool,
    /// With --for: the engines.
    #[arg(long, value_enum, default_value = "both", requires = "models")]
    pub engine: Engine,
    /// With --for: the page's own script to bundle; it imports `headwater/predict` or `headwater/lean`.
    #[arg(long, requires = "models")]
    pub entry: Option<PathBuf>,
    /// With --for: the folder to write; by default one with the first model's name in `target/for/`.
    #[arg(long, requires = "models")]
    pub output: Option<PathBuf>,
}

impl Options {
    /// The folder to write.
    fn output(&self, workspace: &Workspace) -> Result<PathBuf> {
        if let Some(output) = &self.output {
            // The commands run in folders of their own.
            return std::path::absolute(output).with_context(|| output.display().to_string());
        }
        let Some(model) = self.models.first() else { bail!("--for needs a model") };
        let stem = model.file_stem().filter(|stem| *stem != "model");
        let folder = model.parent().and_then(Path::file_name);
        let Some(name) = stem.or(folder) else { bail!("{} has no name to call the package by", model.display()) };
        Ok(workspace.path(OUTPUT).join(name))
    }

    /// Features of `crates/web`.
    fn features(&self, needs: &Needs) -> String {
        let gpu = "gpu,headwater-gpu/linalg,headwater-gpu/scan,headwater-gpu/sort";
        let engines = if self.engine == Engine::Both { gpu } else { "" };
        let training = if self.predict_only { "" } else { "training" };
        let distributions = if needs.distributions() { "headwater/ops-distributions" } else { "" };
        format!("{FAMILIES},{distributions},{engines},{training}")
    }
}

/// Builds the package and prints its size.
///
/// # Errors
/// Names the file that cannot be read, or the command that failed.
pub fn run(workspace: &Workspace, options: &Options, variants: &[Variant], optimize: bool) -> Result<()> {
    let output = options.output(workspace)?;
    fs::create_dir_all(&output).with_context(|| format!("cannot make {}", output.display()))?;
    let script = output.join("index.js");
    bundle(workspace, options, &script)?;
    let mut needs = Needs::default();
    for model in &options.models {
        let text = fs::read_to_string(model).with_context(|| format!("cannot read {}", model.display()))?;
        let json = serde_json::from_str(&text).with_context(|| model.display().to_string())?;
        needs.model(&json).with_context(|| model.display().to_string())?;
    }
    options.layers.iter().for_each(|layer| needs.layer(layer));
    needs.script(&fs::read_to_string(&script).with_context(|| format!("cannot read {}", script.display()))?);
    if !options.predict_only {
        needs.training(&options.training);
    }
    // The lean entry looks for its modules in a folder of their own.
    let folder = output.join(if options.predict_only { "wasm" } else { "wasm/lean" });
    for variant in variants {
        let module = Module {
            // Not where the package's modules are compiled: they would be compiled anew each time.
            target: format!("wasm-{variant}-for"),
            features: options.features(&needs),
            only: Some(needs.words()),
            output: folder.join(variant.name()),
        };
        wasm::build(workspace, &module, *variant, optimize)?;
    }
    types(workspace, options, &output)?;
    println!("{}:", output.display());
    size::print_package(&script, &folder)
}

/// The entry among the package's sources.
fn entry(options: &Options) -> &'static str {
    match (options.predict_only, options.engine) {
        (true, Engine::Cpu) => "predict",
        (true, Engine::Both) => "predict-gpu",
        (false, _) => "lean",
    }
}

fn bundle(workspace: &Workspace, options: &Options, script: &Path) -> Result<()> {
    let source = |name: &str| workspace.path("pkg/src").join(name).with_extension("ts").display().to_string();
    let entry = match &options.entry {
        Some(path) => std::path::absolute(path)?.display().to_string(),
        None => source(entry(options)),
    };
    process::run(
        process::command(npm::program(workspace, "xtask", "esbuild"), &workspace.path(""))
            .args([
                "--bundle",
                "--minify",
                "--format=esm",
                "--target=es2022",
                "--external:node:*",
                "--log-level=warning",
            ])
            .arg(format!("--alias:headwater/predict={}", source("predict")))
            .arg(format!("--alias:headwater/lean={}", source("lean")))
            .arg(entry)
            .arg(format!("--outfile={}", script.display())),
    )
}

/// Writes the types of the script, where it is not the page's own.
fn types(workspace: &Workspace, options: &Options, output: &Path) -> Result<()> {
    if options.entry.is_some() {
        return Ok(());
    }
    process::run(
        process::command(npm::program(workspace, "pkg", "tsc"), &workspace.path("pkg"))
            .args(["--emitDeclarationOnly", "--outDir"])
            .arg(output.join("types")),
    )?;
    let declarations = output.join("index.d.ts");
    fs::write(&declarations, format!("export * from './types/{}.js';\n", entry(options)))
        .with_context(|| format!("cannot write {}", declarations.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_package_is_called_as_its_model() {
        let output = |model: &str| {
            let options = Options { models: vec![model.into()], ..Options::default() };
            options.output(&Workspace::here()).unwrap()
        };
        assert!(output("models/cat/model.json").ends_with("target/for/cat"));
        assert!(output("models/dog.json").ends_with("target/for/dog"));
    }

    #[test]
    fn engines_and_training_are_features() {
        let options = Options { engine: Engine::Cpu, predict_only: true, ..Options::default() };
        let (mut needs, features) = (Needs::default(), options.features(&Needs::default()));
        assert!(!features.contains("gpu") && !features.contains("training") && !features.contains("distributions"));
        needs.script("run('lgamma')");
        let features = Options::default().features(&needs);
        assert!(features.contains("gpu") && features.contains("training") && features.contains("distributions"));
    }
}
