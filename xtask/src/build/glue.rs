//! The script that wasm-bindgen makes, for the package's loader and for nobody to read: without what the loader does not call,
//! and with the short names of a module's imports and exports. Most of those end in hashes, which do not compress.

use std::collections::HashMap;

use anyhow::{bail, ensure, Context, Result};

/// The name that the minified module imports everything from.
const MODULE: &str = "a";

/// What esbuild takes to be undefined: the loader gives a compiled module.
pub const UNDEFINED: [&str; 3] = ["Response", "Request", "URL"];

/// `script` for the module whose names were minified as `names`, wasm-opt's JSON, says.
///
/// # Errors
/// If the script is not as wasm-bindgen writes it.
pub fn minified(script: &str, names: &str) -> Result<String> {
    // Of imports, module, name and short name; of exports, name and short name.
    let names: HashMap<String, Vec<Vec<String>>> =
        serde_json::from_str(names).context("the names that wasm-opt prints")?;
    let listed = |kind| names.get(kind).with_context(|| format!("wasm-opt does not print {kind}"));
    let mut script = script.to_owned();
    let mut replace = |from: &str, to: &str| {
        ensure!(script.matches(from).count() == 1, "the script of wasm-bindgen does not have {from:?} once");
        script = script.replace(from, to);
        Ok(())
    };
    let imports = listed("imports")?;
    for import in imports {
        let [_, name, short] = &import[..] else { bail!("wasm-opt prints an import as {import:?}") };
        replace(&format!("\n        {name}: "), &format!("\n        {short}: "))?;
    }
    if let Some(module) = imports.first().and_then(|import| import.first()) {
        replace(&format!("\"{module}\": "), &format!("\"{MODULE}\": "))?;
    }
    replace("export { initSync, ", "export { ")?;
    let exports = listed("exports")?;
    let exports =
        exports.iter().filter_map(|export| Some((export.first()?.as_str(), export.last()?.as_str()))).collect();
    // Threads ask for the memory by its name.
    Ok(renamed(&script.replace("return wasm;", "return { memory: wasm.memory };"), &exports))
}

/// `script` with every `wasm.name` by its short name.
fn renamed(script: &str, exports: &HashMap<&str, &str>) -> String {
    let object = "wasm.";
    let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '$';
    let mut made = String::with_capacity(script.len());
    let mut rest = script;
    while let Some(at) = rest.find(object) {
        let (head, tail) = rest.split_at(at + object.len());
        let name = &tail[..tail.find(|c| !is_name(c)).unwrap_or(tail.len())];
        let whole = !head[..at].ends_with(is_name);
        made.push_str(head);
        made.push_str(exports.get(name).filter(|_| whole).copied().unwrap_or(name));
        rest = &tail[name.len()..];
    }
    made + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    const SCRIPT: &str = "function imports(memory) {
    const import0 = {
        __proto__: null,
        __wbg_now_0123: function() { return performance.now(); },
        memory: memory || new WebAssembly.Memory({}),
    };
    return { __proto__: null, \"./headwater_web_bg.js\": import0 };
}
export function add(x) { return wasm.add(x, wasm.__wbindgen_malloc, nowasm.add); }
function init() { wasm = instance.exports; return wasm; }
export { initSync, init as default };
";
    const NAMES: &str = r#"{
        "imports": [["./headwater_web_bg.js", "__wbg_now_0123", "A"], ["./headwater_web_bg.js", "memory", "B"]],
        "exports": [["add", "C"], ["memory", "D"]]
    }"#;

    #[test]
    fn names_are_those_of_the_module() -> Result<()> {
        let made = minified(SCRIPT, NAMES)?;
        for part in [
            "\n        A: function() { return performance.now(); }",
            "\n        B: memory || new WebAssembly.Memory({})",
            "\"a\": import0",
            "export function add(x) { return wasm.C(x, wasm.__wbindgen_malloc, nowasm.add); }",
            "return { memory: wasm.D };",
            "export { init as default };",
        ] {
            assert!(made.contains(part), "{part} in {made}");
        }
        Ok(())
    }

    #[test]
    fn a_script_of_another_form_is_an_error() {
        assert!(minified("", NAMES).is_err());
    }
}
