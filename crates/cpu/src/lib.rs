//! The CPU engine of Headwater: a tile-wise evaluator for fused pointwise programs, register-tiled kernels for matrix
//! products and convolutions, and a fork-join thread pool. The same code runs natively (AVX2 with FMA where the
//! processor has it) and in WebAssembly (simd128, relaxed-simd).

mod engine;
// Kernels work on raw pointers so that register tiles and threads can share slices; each block gives its reason.
#[allow(unsafe_code)]
pub mod kernels;
#[allow(unsafe_code)]
pub mod threads;

pub use engine::{CpuEngine, CpuOptions, Level};
