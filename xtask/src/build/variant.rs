//! The variants of the WebAssembly: instruction set by number of threads. The loader picks the best that a page allows.

use std::fmt;

use clap::ValueEnum;

/// One build of `crates/web`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Variant {
    /// 128-bit SIMD: runs in every current browser and in Node.
    Simd,
    /// With fused multiply-add and the other relaxed instructions.
    RelaxedSimd,
    /// `Simd` on shared memory: needs a cross-origin isolated page.
    SimdThreads,
    /// `RelaxedSimd` on shared memory.
    RelaxedSimdThreads,
}

/// What a module with shared memory is linked with: the memory comes from outside, as large as the place gives, and each
/// worker sets up its own thread-local storage.
const SHARED_MEMORY: [&str; 7] = [
    "--shared-memory",
    "--max-memory=4294967296",
    "--import-memory",
    "--export=__wasm_init_tls",
    "--export=__tls_size",
    "--export=__tls_align",
    "--export=__tls_base",
];

/// A panic stops the module at once: its messages and their formatting would be an eighth of the download, and library code
/// returns errors. Nor does anybody read the place of one. Like building the standard library, this is not stable.
const PANIC: &str = "-Z unstable-options -C panic=immediate-abort -Z location-detail=none";

/// LLVM's loop strength reduction derives each row's pointer from the row before it, by instructions that the loads could
/// have done with constants of their own: matrix products took 1.28 times as long, and the module was larger.
const ADDRESSES: &str = "-C llvm-args=-disable-lsr";

/// The linker shares the ends of texts. With a stack a little smaller than a megabyte, addresses of constants, which come
/// after it, take three bytes rather than four.
const LINKING: &str = "-C link-arg=-O2 -C link-arg=-zstack-size=917504";

impl Variant {
    /// Every variant, the widely usable first.
    pub const ALL: [Variant; 4] =
        [Variant::Simd, Variant::RelaxedSimd, Variant::SimdThreads, Variant::RelaxedSimdThreads];

    /// The name of its folder and on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Variant::Simd => "simd",
            Variant::RelaxedSimd => "relaxed-simd",
            Variant::SimdThreads => "simd-threads",
            Variant::RelaxedSimdThreads => "relaxed-simd-threads",
        }
    }

    /// Whether its memory is shared between workers.
    pub fn threads(self) -> bool {
        matches!(self, Variant::SimdThreads | Variant::RelaxedSimdThreads)
    }

    fn relaxed(self) -> bool {
        matches!(self, Variant::RelaxedSimd | Variant::RelaxedSimdThreads)
    }

    /// The compiler's flags.
    pub fn rustflags(self) -> String {
        let mut features = vec!["+simd128"];
        if self.relaxed() {
            features.push("+relaxed-simd");
        }
        if self.threads() {
            features.extend(["+atomics", "+bulk-memory", "+mutable-globals"]);
        }
        let mut flags = format!("-C target-feature={} {PANIC} {ADDRESSES} {LINKING}", features.join(","));
        if self.threads() {
            for argument in SHARED_MEMORY {
                flags += " -C link-arg=";
                flags += argument;
            }
        }
        flags
    }

    /// Features of `crates/web`.
    pub fn features(self) -> &'static str {
        if self.threads() {
            "threads"
        } else {
            ""
        }
    }

    /// What wasm-opt may read and write.
    pub fn wasm_opt_features(self) -> Vec<&'static str> {
        let mut features = vec![
            "--enable-simd",
            "--enable-bulk-memory",
            "--enable-mutable-globals",
            "--enable-nontrapping-float-to-int",
            "--enable-sign-ext",
            "--enable-reference-types",
            "--enable-multivalue",
        ];
        if self.relaxed() {
            features.push("--enable-relaxed-simd");
        }
        if self.threads() {
            features.push("--enable-threads");
        }
        features
    }
}

impl fmt::Display for Variant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_follow_the_variant() {
        assert_eq!(Variant::Simd.rustflags(), format!("-C target-feature=+simd128 {PANIC} {ADDRESSES} {LINKING}"));
        let relaxed = format!("-C target-feature=+simd128,+relaxed-simd {PANIC} {ADDRESSES} {LINKING}");
        assert_eq!(Variant::RelaxedSimd.rustflags(), relaxed);
        for variant in Variant::ALL {
            let relaxed = variant.name().contains("relaxed");
            let threads = variant.name().contains("threads");
            let flags = variant.rustflags();
            assert_eq!(flags.contains("+relaxed-simd"), relaxed, "{flags}");
            assert_eq!(flags.contains("+atomics"), threads, "{flags}");
            assert_eq!(flags.contains("-C link-arg=--shared-memory"), threads, "{flags}");
            assert_eq!(variant.features() == "threads", threads);
            let features = variant.wasm_opt_features();
            assert_eq!(features.contains(&"--enable-relaxed-simd"), relaxed);
            assert_eq!(features.contains(&"--enable-threads"), threads);
        }
    }

    #[test]
    fn the_command_line_knows_a_variant_by_its_folder() {
        for variant in Variant::ALL {
            assert_eq!(Variant::from_str(variant.name(), false), Ok(variant));
        }
    }
}
