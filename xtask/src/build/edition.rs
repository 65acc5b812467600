//! The editions of the WebAssembly: which families of operations and layers a module carries.

use std::fmt;

use clap::ValueEnum;

/// What the module of an entry of the package carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Edition {
    /// Everything: for `headwater`.
    Whole,
    /// All operations and no layers: for `headwater/core`.
    Core,
    /// What models and their training need: for `headwater/lean`.
    Lean,
}

impl Edition {
    /// Every edition.
    pub const ALL: [Edition; 3] = [Edition::Whole, Edition::Core, Edition::Lean];

    /// Its folder among those of the package's WebAssembly, which holds one of each variant.
    pub fn folder(self) -> &'static str {
        match self {
            Edition::Whole => "",
            Edition::Core => "core",
            Edition::Lean => "lean",
        }
    }

    /// Features of `crates/web`.
    pub fn features(self) -> &'static str {
        match self {
            Edition::Whole => "default,all-ops,all-layers",
            Edition::Core => "gpu,training,all-ops",
            Edition::Lean => "default",
        }
    }
}

impl fmt::Display for Edition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Edition::Whole => "whole",
            Edition::Core => "core",
            Edition::Lean => "lean",
        })
    }
}
