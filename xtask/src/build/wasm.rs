//! One module: cargo, wasm-bindgen, wasm-opt. The last two are skipped while cargo's result stays the same.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{ensure, Context, Result};
use sha2::{Digest, Sha256};
use wasm_bindgen_cli_support::Bindgen;

use super::variant::Variant;
use super::{glue, order};
use crate::npm;
use crate::process;
use crate::setup::WASM_TARGET;
use crate::workspace::Workspace;

/// The name of the generated files.
const NAME: &str = "headwater_web";
/// What wasm-opt does. The kernels are as fast as with -O3.
const WASM_OPT_FLAGS: [&str; 10] = [
    // What functions do is known where they are called.
    "--generate-global-effects",
    "-Os",
    "--converge",
    // Constants added to addresses become the loads' own offsets. That may be done where no address wraps around to the
    // first kilobyte of memory: the far end of the stack, where nothing lies.
    "--low-memory-unused",
    "--optimize-added-constants-propagate",
    // LLVM has inlined what is worth it. Functions with their own few locals compress better than one with hundreds, and
    // repeated expressions better than locals: together 6 % of the download.
    "--one-caller-inline-max-function-size=0",
    "--always-inline-max-function-size=0",
    "--skip-pass=local-cse",
    // What they do to locals makes code shorter and its compressed form longer.
    "--skip-pass=precompute-propagate",
    "--skip-pass=simplify-locals",
];

/// What a module is made of, and where it goes.
pub struct Module {
    /// The folder in `target/` that it is compiled in.
    pub target: String,
    /// Features of `crates/web`.
    pub features: String,
    /// Names of all that it carries, where that is not everything that the features allow.
    pub only: Option<String>,
    /// Where its files go.
    pub output: PathBuf,
}

/// Builds a variant of a module.
pub fn build(workspace: &Workspace, what: &Module, variant: Variant, optimize: bool) -> Result<()> {
    let module = compile(workspace, what, variant)?;
    let output = &what.output;
    let stamp = output.join(".built-from");
    let source = fingerprint(&module, variant, optimize)?;
    if fs::read_to_string(&stamp).is_ok_and(|built| built == source) {
        return Ok(());
    }
    // Without the stamp an interrupted build is begun again.
    match fs::remove_file(&stamp) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            return Err(error).with_context(|| format!("cannot remove {}", stamp.display()));
        }
        _ => {}
    }
    bind(&module, output)?;
    if optimize {
        let names = shrink(workspace, variant, &output.join(format!("{NAME}_bg.wasm")))?;
        minify(workspace, &output.join(format!("{NAME}.js")), &names)?;
    }
    fs::write(&stamp, source).with_context(|| format!("cannot write {}", stamp.display()))
}

/// Compiles `crates/web` and returns the module's file.
fn compile(workspace: &Workspace, what: &Module, variant: Variant) -> Result<PathBuf> {
    let target = workspace.path("target").join(&what.target);
    let mut cargo = process::cargo(&workspace.path(""));
    cargo
        .args(["build", "--package=headwater-web", "--lib", "--profile=web", "--target", WASM_TARGET])
        .args(["--no-default-features", "--features", &format!("{},{}", what.features, variant.features())])
        // The one that comes with the toolchain has no atomics, and code for panics.
        .args(["-Zbuild-std=std,panic_abort", "-Zbuild-std-features=optimize_for_size"])
        .env("CARGO_TARGET_DIR", &target)
        .env("RUSTFLAGS", variant.rustflags())
        .env_remove("CARGO_ENCODED_RUSTFLAGS")
        // Building the standard library is not stable; the pinned toolchain makes it reproducible.
        .env("RUSTC_BOOTSTRAP", "1");
    // What selects is an environment variable, so that thousands of combinations need no features: see `selection` in
    // crates/core.
    match &what.only {
        Some(names) => cargo.env("HEADWATER_ONLY", names),
        None => cargo.env_remove("HEADWATER_ONLY"),
    };
    process::run(&mut cargo).with_context(|| format!("the variant {variant}"))?;
    let module = target.join(WASM_TARGET).join("web").join(format!("{NAME}.wasm"));
    ensure!(module.is_file(), "cargo made no {}: crates/web must be a cdylib", workspace.display(&module));
    Ok(module)
}

/// Changes when the files made of `module` would.
fn fingerprint(module: &Path, variant: Variant, optimize: bool) -> Result<String> {
    let bytes = fs::read(module).with_context(|| format!("cannot read {}", module.display()))?;
    let hash: String = Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect();
    let flags = if optimize { WASM_OPT_FLAGS.join(" ") } else { String::new() };
    let (features, undefined) = (variant.wasm_opt_features().join(" "), glue::UNDEFINED.join(" "));
    Ok(format!("{hash} {flags} {features} {undefined}"))
}

/// Writes the JavaScript that loads the module, its types, and the module with the glue's imports and exports.
fn bind(module: &Path, output: &Path) -> Result<()> {
    fs::create_dir_all(output).with_context(|| format!("cannot make {}", output.display()))?;
    Bindgen::new()
        .input_path(module)
        .out_name(NAME)
        .web(true)?
        .typescript(true)
        .remove_name_section(true)
        .remove_producers_section(true)
        .generate(output)
        .with_context(|| format!("wasm-bindgen on {}", module.display()))
}

/// Replaces the module by what wasm-opt makes of it, like functions next to each other. Returns the short names of imports and
/// exports.
fn shrink(workspace: &Workspace, variant: Variant, module: &Path) -> Result<String> {
    wasm_opt(workspace, variant, module, &WASM_OPT_FLAGS)?;
    let bytes = fs::read(module).with_context(|| format!("cannot read {}", module.display()))?;
    fs::write(module, order::name_by_likeness(&bytes)?)
        .with_context(|| format!("cannot write {}", module.display()))?;
    // The names, which stand for places, are not written.
    wasm_opt(workspace, variant, module, &["--reorder-functions-by-name", "--minify-imports-and-exports-and-modules"])
}

/// Runs wasm-opt on the module and returns what it prints.
fn wasm_opt(workspace: &Workspace, variant: Variant, module: &Path, flags: &[&str]) -> Result<String> {
    let result = module.with_extension("opt.wasm");
    let printed = process::output(
        process::command(npm::program(workspace, "xtask", "wasm-opt"), &workspace.path(""))
            .args(flags)
            .args(variant.wasm_opt_features())
            .arg(module)
            .arg("--output")
            .arg(&result),
    )?;
    fs::rename(&result, module).with_context(|| format!("cannot replace {}", module.display()))?;
    Ok(printed)
}

/// Replaces the script by the same without spaces, comments and long names, and with the module's short ones.
fn minify(workspace: &Workspace, script: &Path, names: &str) -> Result<()> {
    let text = fs::read_to_string(script).with_context(|| format!("cannot read {}", script.display()))?;
    fs::write(script, glue::minified(&text, names)?).with_context(|| format!("cannot write {}", script.display()))?;
    process::run(
        process::command(npm::program(workspace, "xtask", "esbuild"), &workspace.path(""))
            .args(["--minify", "--tree-shaking=true", "--format=esm", "--log-level=warning", "--allow-overwrite"])
            .args(glue::UNDEFINED.map(|name| format!("--define:{name}=undefined")))
            .arg(script)
            .arg(format!("--outfile={}", script.display())),
    )?;
    let text = fs::read_to_string(script).with_context(|| format!("cannot read {}", script.display()))?;
    fs::write(script, with_direct_mathematics(&text)).with_context(|| format!("cannot write {}", script.display()))
}

/// The script with `Math.pow` in place of a function that calls it: what V8 is given itself it calls without leaving
/// WebAssembly, in two thirds of the time.
fn with_direct_mathematics(script: &str) -> String {
    let (before, after) = ("function(", "){return Math.");
    let mut direct = String::with_capacity(script.len());
    let mut rest = script;
    while let Some(at) = rest.find(before) {
        let (head, tail) = rest.split_at(at);
        direct.push_str(head);
        // `x,y){return Math.pow(x,y)}`
        let call = tail[before.len()..].split_once(after).and_then(|(operands, body)| {
            let (name, body) = body.split_once('(')?;
            let left = body.strip_prefix(operands)?.strip_prefix(")}")?;
            Some((name, left))
        });
        rest = match call {
            Some((name, left)) => {
                direct.push_str("Math.");
                direct.push_str(name);
                left
            }
            None => {
                direct.push_str(before);
                &tail[before.len()..]
            }
        };
    }
    direct + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mathematics_is_given_itself() {
        let script =
            "a:function(e,t){return Math.pow(e,t)},b:function(e){return Math.sin(e)},c:function(e){return f(e)}";
        assert_eq!(with_direct_mathematics(script), "a:Math.pow,b:Math.sin,c:function(e){return f(e)}");
        let other = "function(e,t){return Math.pow(t,e)};function(){return Math.random()+1}";
        assert_eq!(with_direct_mathematics(other), other);
    }
}
