//! The WebAssembly target, and the standard library's sources for the builds with threads.

use std::path::Path;

use anyhow::{bail, Result};

use crate::process;
use crate::workspace::Workspace;

/// The target of the web builds.
pub const WASM: &str = "wasm32-unknown-unknown";

/// Installs the target and the sources through rustup where the toolchain lacks them.
pub fn ensure(workspace: &Workspace) -> Result<()> {
    let root = workspace.path("");
    let sysroot = process::output(process::command("rustc", &root).args(["--print", "sysroot"]))?;
    let library = Path::new(&sysroot).join("lib/rustlib");
    let parts = [
        (library.join(WASM), ["target", "add", WASM]),
        (library.join("src/rust/library/std"), ["component", "add", "rust-src"]),
    ];
    for (path, arguments) in parts {
        if path.is_dir() {
            continue;
        }
        if process::find("rustup").is_none() {
            bail!(
                "the Rust toolchain in {sysroot} lacks {}, and there is no rustup to install it with `rustup {}`",
                arguments[2],
                arguments.join(" ")
            );
        }
        process::run(process::command("rustup", &root).args(arguments))?;
    }
    Ok(())
}
