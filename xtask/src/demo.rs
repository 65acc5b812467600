//! The webcam demo, from a clean checkout to an address.

use anyhow::Result;
use clap::Args;

use crate::build;
use crate::npm;
use crate::serve::Site;
use crate::setup::{self, Needs};
use crate::workspace::Workspace;

/// Where the demo lies.
pub const DIRECTORY: &str = "demos/webcam-pacman";

/// What `demo` takes.
#[derive(Args)]
pub struct Options {
    /// The port; where it is taken, the next free one.
    #[arg(long, default_value_t = 8080)]
    port: u16,
    /// Serve what was built before.
    #[arg(long)]
    no_build: bool,
}

/// Sets up, builds and serves the demo until the program is ended.
///
/// # Errors
/// Names the step that failed.
pub fn run(workspace: &Workspace, options: &Options) -> Result<()> {
    if !options.no_build {
        setup::run(workspace, Needs::DEMO)?;
        build::run(workspace, &build::Options::default())?;
        npm::script(workspace, DIRECTORY, "build")?;
    }
    let dist = workspace.path(DIRECTORY).join("dist");
    anyhow::ensure!(
        dist.join("index.html").is_file(),
        "{} has no index.html: run `cargo xtask demo` without --no-build",
        workspace.display(&dist)
    );
    let site = Site::start(&dist, options.port)?;
    println!("\nThe demo is at {}   (Ctrl+C ends it)", site.address);
    site.wait();
    Ok(())
}
