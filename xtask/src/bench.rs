//! Measures the package beside other libraries in one browser: `bench/`, with what it needs set up and served.

use std::fs;
use std::path::PathBuf;

use anyhow::{ensure, Context, Result};
use clap::Args;

use crate::assets;
use crate::build;
use crate::process;
use crate::serve::Site;
use crate::setup::{self, system, Needs};
use crate::workspace::Workspace;

/// What `bench` takes.
#[derive(Args)]
pub struct Options {
    /// Only these tables: kernels, inference, training, cold, download.
    #[arg(long)]
    only: Option<String>,
    /// Only these networks of the training table: cnn, resnet, lstm, transformer.
    #[arg(long)]
    networks: Option<String>,
    /// Only these columns, such as `headwater-1,tfjs-1`.
    #[arg(long)]
    columns: Option<String>,
    /// Times every column takes its turn.
    #[arg(long)]
    rounds: Option<u32>,
    /// Three rounds, and no GPU.
    #[arg(long)]
    quick: bool,
    /// Measure what was built before.
    #[arg(long)]
    no_build: bool,
}

/// The schema of TFLite files, as a package of the Python index ships it.
const SCHEMA: &str = "tflite-micro";
const SCHEMA_FILE: &str = "tflite_micro-";

/// Sets up, builds, and runs the benchmark; it prints tables and writes `bench-results/`.
///
/// # Errors
/// Names the step that failed. A library that fails is no error: its cells say so.
pub fn run(workspace: &Workspace, options: &Options) -> Result<()> {
    setup::run(workspace, Needs { browser: true, bench: true, ..Needs::BUILD })?;
    make_models(workspace)?;
    if !options.no_build {
        build::run(workspace, &build::Options::default())?;
    }
    let site = Site::start(&workspace.path(""), 0)?;
    let mut node = process::command("node", &workspace.path("bench"));
    node.arg("bench.mjs").env("HEADWATER_URL", &site.address);
    if let Some(chromium) = system::chromium() {
        node.env("CHROMIUM", chromium);
    }
    for (name, value) in [("--only", &options.only), ("--networks", &options.networks), ("--columns", &options.columns)]
    {
        node.args(value.iter().flat_map(|value| [name, value]));
    }
    if let Some(rounds) = options.rounds {
        node.args(["--rounds", &rounds.to_string()]);
    }
    if options.quick {
        node.arg("--quick");
    }
    process::run(&mut node)
}

/// Writes the networks in every library's format to `.assets/bench`, with Python in an environment of its own.
fn make_models(workspace: &Workspace) -> Result<()> {
    let cache = workspace.path(assets::CACHE);
    let output = cache.join("bench");
    let sources = workspace.path("bench/models");
    let stamp = output.join(".made");
    let fingerprint = assets::fingerprint(&sources)?;
    if fs::read_to_string(&stamp).is_ok_and(|made| made == fingerprint) {
        return Ok(());
    }
    let weights = assets::weights(workspace)?;
    println!("Making the benchmark's models");
    let environment = cache.join("python");
    let python = environment.join("bin/python");
    if !python.is_file() {
        ensure!(
            process::find("python3").is_some(),
            "python3 with venv and pip is needed to make the benchmark's models"
        );
        process::run(process::command("python3", &cache).args(["-m", "venv"]).arg(&environment))?;
    }
    let pip = ["-m", "pip", "--quiet", "--disable-pip-version-check"];
    process::run(process::command(&python, &sources).args(pip).args(["install", "--requirement", "requirements.txt"]))?;
    let wheel = match schema_wheel(workspace)? {
        Some(wheel) => wheel,
        None => {
            process::run(process::command(&python, &cache).args(pip).args([
                "download",
                "--no-deps",
                "--only-binary=:all:",
                "--dest",
                ".",
                SCHEMA,
            ]))?;
            schema_wheel(workspace)?.with_context(|| format!("pip downloaded no wheel of {SCHEMA}"))?
        }
    };
    process::run(process::command(&python, &sources).args(["-B", "make.py"]).args([&weights, &wheel, &output]))?;
    fs::write(&stamp, fingerprint).with_context(|| format!("cannot write {}", stamp.display()))
}

fn schema_wheel(workspace: &Workspace) -> Result<Option<PathBuf>> {
    let cache = workspace.path(assets::CACHE);
    let names = assets::names(&cache)?;
    Ok(names.into_iter().find(|name| name.starts_with(SCHEMA_FILE)).map(|name| cache.join(name)))
}
