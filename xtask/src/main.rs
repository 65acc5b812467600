//! Every build step of Headwater, the same on a developer's machine and in CI: `cargo xtask <step>`.

mod assets;
mod bench;
mod build;
mod demo;
mod npm;
mod process;
mod serve;
mod setup;
mod size;
mod test;
mod workspace;

use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};

use setup::Needs;
use workspace::Workspace;

/// Builds, serves, tests and measures Headwater.
#[derive(Parser)]
#[command(bin_name = "cargo xtask")]
struct Cli {
    #[command(subcommand)]
    step: Step,
}

#[derive(Subcommand)]
enum Step {
    /// Installs what the other steps need and is missing.
    Setup(setup::Options),
    /// Builds the npm package: WebAssembly in every variant, then the TypeScript.
    Build(build::Options),
    /// Sets up, builds and serves the webcam demo.
    Demo(demo::Options),
    /// Downloads the demo's feature model and converts it.
    Assets(assets::Options),
    /// Runs all checks and tests.
    Test(test::Options),
    /// Measures beside other libraries in a browser.
    Bench(bench::Options),
    /// Prints what a page downloads, and fails where it is over the budget.
    Size,
}

fn main() -> ExitCode {
    match run(Cli::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(cli: Cli) -> Result<()> {
    let workspace = Workspace::here();
    match cli.step {
        Step::Setup(options) => setup::run(&workspace, options.needs()),
        Step::Build(options) => {
            setup::run(&workspace, Needs::BUILD)?;
            build::run(&workspace, &options)
        }
        Step::Demo(options) => demo::run(&workspace, &options),
        Step::Assets(options) => assets::run(&workspace, &options),
        Step::Bench(options) => bench::run(&workspace, &options),
        Step::Test(options) => test::run(&workspace, &options),
        Step::Size => size::run(&workspace, &build::variant::Variant::ALL),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        super::Cli::command().debug_assert();
    }
}
