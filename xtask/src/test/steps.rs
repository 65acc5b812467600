//! The steps of `cargo xtask test`, in order.

use std::process::Command;
use std::time::Duration;

use anyhow::{ensure, Context as _, Result};

use super::supervise;
use super::tally::Tally;
use crate::build::{self, variant::Variant};
use crate::serve::Site;
use crate::setup::system;
use crate::workspace::Workspace;
use crate::{assets, demo, npm, process, size};

/// What the steps share.
pub struct Context<'a> {
    /// The work tree.
    pub workspace: &'a Workspace,
    /// Whether the slow suites are wanted.
    pub all: bool,
}

/// A named part of the tests.
pub struct Step {
    /// Its name on the command line and in the summary.
    pub name: &'static str,
    /// Whether it runs only with `--all`, or by name.
    pub slow: bool,
    /// Steps whose result it uses.
    pub needs: &'static [&'static str],
    /// Runs it.
    pub run: fn(&Context) -> Result<Tally>,
}

/// Every step.
pub const STEPS: &[Step] = &[
    Step { name: "format", slow: false, needs: &[], run: format },
    Step { name: "lints", slow: false, needs: &[], run: lints },
    // Before the Rust tests: those of `--all` read the weights it downloads.
    Step { name: "assets", slow: true, needs: &[], run: demo_model },
    Step { name: "rust", slow: false, needs: &[], run: rust },
    Step { name: "build", slow: false, needs: &[], run: build_package },
    Step { name: "size", slow: false, needs: &["build"], run: sizes },
    Step { name: "package", slow: false, needs: &["build"], run: package },
    Step { name: "tensorflowjs", slow: false, needs: &["build"], run: tensorflowjs },
    Step { name: "browser", slow: false, needs: &["build"], run: browser },
    Step { name: "training", slow: true, needs: &["build"], run: training },
    Step { name: "demo-build", slow: false, needs: &["build"], run: demo_build },
    Step { name: "demo", slow: false, needs: &["demo-build"], run: |context| demo_end_to_end(context, "cpu") },
    Step { name: "demo-webgpu", slow: true, needs: &["demo-build"], run: |context| demo_end_to_end(context, "webgpu") },
];

const MINUTE: Duration = Duration::from_secs(60);

impl Context<'_> {
    /// The variants of the WebAssembly to test.
    fn variants(&self) -> Vec<Variant> {
        if self.all {
            Variant::ALL.to_vec()
        } else {
            vec![Variant::Simd]
        }
    }

    /// `cargo` with the arguments, coloured where this program's output is.
    fn cargo(&self, arguments: &[&str]) -> Command {
        let mut cargo = process::cargo(&self.workspace.path(""));
        cargo.args(arguments);
        if std::env::var_os("CARGO_TERM_COLOR").is_none() && std::io::IsTerminal::is_terminal(&std::io::stdout()) {
            cargo.env("CARGO_TERM_COLOR", "always");
        }
        cargo
    }

    /// `npm` with the arguments in `directory`, with what the tests there read from the environment.
    fn npm(&self, directory: &str, arguments: &[&str]) -> Command {
        let mut npm = process::command("npm", &self.workspace.path(directory));
        npm.args(arguments);
        npm.env("HEADWATER_TEST_ALL", if self.all { "1" } else { "" });
        if let Some(chromium) = system::chromium() {
            npm.env("CHROMIUM", chromium);
        }
        npm
    }
}

fn format(context: &Context) -> Result<Tally> {
    supervise::run(&mut context.cargo(&["fmt", "--all", "--check"]), 5 * MINUTE)
}

fn lints(context: &Context) -> Result<Tally> {
    let native = ["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"];
    supervise::run(&mut context.cargo(&native), 30 * MINUTE)
}

fn rust(context: &Context) -> Result<Tally> {
    let mut arguments = vec!["test", "--workspace", "--no-fail-fast"];
    if context.all {
        arguments.extend(["--", "--include-ignored"]);
    }
    let mut cargo = context.cargo(&arguments);
    if let Some(driver) = system::lavapipe() {
        // Of several drivers the one that works without hardware. The loader's older versions read the second name.
        for name in ["VK_DRIVER_FILES", "VK_ICD_FILENAMES"] {
            if std::env::var_os(name).is_none() {
                cargo.env(name, &driver);
            }
        }
    }
    supervise::run(&mut cargo, 60 * MINUTE)
}

fn build_package(context: &Context) -> Result<Tally> {
    build::run(context.workspace, &build::Options { variant: context.variants(), ..build::Options::default() })?;
    // One for a page that runs the demo's model and no other.
    let model = build::model::Options {
        models: vec![context.workspace.path("demos/assets/mobilenet_v2_uint8/model.json")],
        predict_only: true,
        engine: build::model::Engine::Cpu,
        ..build::model::Options::default()
    };
    build::run(
        context.workspace,
        &build::Options { variant: vec![Variant::Simd], model, ..build::Options::default() },
    )?;
    Ok(Tally::ONE)
}

fn sizes(context: &Context) -> Result<Tally> {
    // What an earlier build left may be out of date.
    size::run(context.workspace, &context.variants())?;
    Ok(Tally::ONE)
}

fn package(context: &Context) -> Result<Tally> {
    supervise::run(&mut context.npm("pkg", &["test", "--silent"]), 20 * MINUTE)
}

/// TensorFlow.js's own tests on the package; on WebGPU with `--all`.
fn tensorflowjs(context: &Context) -> Result<Tally> {
    supervise::run(&mut context.npm("tests/tensorflowjs", &["test", "--silent"]), 30 * MINUTE)
}

fn browser(context: &Context) -> Result<Tally> {
    supervise::run(&mut context.npm("tests/browser", &["test", "--silent"]), 10 * MINUTE)
}

/// Models trained on whole data sets, which this downloads.
fn training(context: &Context) -> Result<Tally> {
    npm::install(context.workspace, "tests/training")?;
    supervise::run(&mut context.npm("tests/training", &["test", "--silent"]), 20 * MINUTE)
}

fn demo_build(context: &Context) -> Result<Tally> {
    npm::script(context.workspace, demo::DIRECTORY, "check")?;
    npm::script(context.workspace, demo::DIRECTORY, "build")?;
    supervise::run(&mut context.npm(demo::DIRECTORY, &["test", "--silent"]), 5 * MINUTE)
}

/// Plays the demo in a browser, with a clip of photographs in place of the webcam.
fn demo_end_to_end(context: &Context, engine: &str) -> Result<Tally> {
    let clip = context.workspace.path("tests/fixtures/clip/photographs.mjpeg");
    ensure!(clip.is_file(), "{} is missing", context.workspace.display(&clip));
    let site = Site::start(&context.workspace.path(demo::DIRECTORY).join("dist"), 0)?;
    let mut test = context.npm(demo::DIRECTORY, &["run", "--silent", "e2e"]);
    test.env("HEADWATER_URL", &site.address).env("CLIP", clip).env("ENGINE", engine);
    // Emulated graphics take minutes.
    supervise::run(&mut test, 15 * MINUTE)
}

fn demo_model(context: &Context) -> Result<Tally> {
    assets::run(context.workspace, &assets::Options { check: true }).context("the demo's model")?;
    Ok(Tally::ONE)
}
