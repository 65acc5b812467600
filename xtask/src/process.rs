//! Running other programs.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{bail, Context, Result};

/// `program` in `directory`.
pub fn command(program: impl AsRef<OsStr>, directory: &Path) -> Command {
    let mut command = Command::new(program);
    command.current_dir(directory);
    command
}

/// `cargo` as the work tree's toolchain file selects it, free of what an outer `cargo run` has set.
pub fn cargo(directory: &Path) -> Command {
    let mut command = command("cargo", directory);
    for (name, _) in std::env::vars_os() {
        if is_of_outer_cargo(&name.to_string_lossy()) {
            command.env_remove(name);
        }
    }
    command
}

/// Settings of the user (`CARGO_HOME`, `CARGO_TERM_COLOR`, `CARGO_NET_..`) stay; what describes the crate being run goes.
fn is_of_outer_cargo(name: &str) -> bool {
    name.starts_with("CARGO_PKG_") || matches!(name, "CARGO" | "CARGO_MANIFEST_DIR" | "CARGO_MANIFEST_PATH")
}

/// The command as one would type it.
pub fn describe(command: &Command) -> String {
    std::iter::once(command.get_program())
        .chain(command.get_args())
        .map(|word| word.to_string_lossy())
        .collect::<Vec<_>>()
        .join(" ")
}

/// Runs the command to its end; its output goes to the terminal.
pub fn run(command: &mut Command) -> Result<()> {
    let text = describe(command);
    let status = command.status().with_context(|| format!("cannot start `{text}`"))?;
    if !status.success() {
        bail!("`{text}` failed ({status})");
    }
    Ok(())
}

/// Runs the command to its end and returns what it wrote to its standard output.
pub fn output(command: &mut Command) -> Result<String> {
    let text = describe(command);
    let output = command.stderr(Stdio::inherit()).output().with_context(|| format!("cannot start `{text}`"))?;
    if !output.status.success() {
        bail!("`{text}` failed ({})", output.status);
    }
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// The program's file, where the search path has it.
pub fn find(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|directory| directory.join(program)).find(|file| file.is_file())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_users_cargo_settings_stay() {
        for name in ["CARGO_HOME", "CARGO_TERM_COLOR", "CARGO_HTTP_PROXY", "PATH"] {
            assert!(!is_of_outer_cargo(name), "{name}");
        }
        for name in ["CARGO", "CARGO_PKG_VERSION", "CARGO_MANIFEST_DIR"] {
            assert!(is_of_outer_cargo(name), "{name}");
        }
    }

    #[test]
    fn a_failing_command_is_named() {
        let error = run(command("false", Path::new(".")).arg("--really")).unwrap_err();
        assert!(error.to_string().contains("`false --really` failed"), "{error}");
        let error = run(&mut command("no-such-program", Path::new("."))).unwrap_err();
        assert!(error.to_string().contains("cannot start `no-such-program`"), "{error}");
    }
}
