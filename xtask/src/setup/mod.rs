//! Makes a fresh machine able to build and test. Every part does nothing where nothing is missing.

mod rust;
pub mod system;

pub use rust::WASM as WASM_TARGET;

use anyhow::Result;
use clap::Args;

use crate::npm;
use crate::workspace::Workspace;

/// What `setup` takes.
#[derive(Args)]
pub struct Options {
    /// Also install the libraries that the benchmark compares with.
    #[arg(long)]
    bench: bool,
}

impl Options {
    /// What a developer needs for every step.
    pub fn needs(&self) -> Needs {
        Needs { bench: self.bench, ..Needs::TEST }
    }
}

/// Which parts to set up.
#[derive(Clone, Copy)]
pub struct Needs {
    /// The demo's packages.
    pub demo: bool,
    /// A browser and a software GPU.
    pub browser: bool,
    /// The benchmark's packages.
    pub bench: bool,
}

impl Needs {
    /// Toolchain, Node and the package's own packages.
    pub const BUILD: Needs = Needs { demo: false, browser: false, bench: false };
    /// What the demo needs beyond a build.
    pub const DEMO: Needs = Needs { demo: true, ..Needs::BUILD };
    /// What the tests need beyond the demo.
    pub const TEST: Needs = Needs { browser: true, ..Needs::DEMO };
}

/// Installs what is missing.
///
/// # Errors
/// Names what could not be installed, and how to.
pub fn run(workspace: &Workspace, needs: Needs) -> Result<()> {
    rust::ensure(workspace)?;
    npm::check_node(workspace)?;
    npm::install(workspace, "xtask")?;
    npm::install(workspace, "pkg")?;
    if needs.demo {
        npm::install(workspace, "demos/webcam-pacman")?;
    }
    if needs.browser {
        system::ensure(workspace)?;
        npm::install(workspace, "tests/browser")?;
        npm::install(workspace, "tests/tensorflowjs")?;
    }
    if needs.bench {
        npm::install(workspace, "bench")?;
    }
    Ok(())
}
