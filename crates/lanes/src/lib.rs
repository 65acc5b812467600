//! Loops over slices of 32-bit lanes, one per scalar instruction: what the CPU engine's fused evaluator and its reductions
//! are made of.
//!
//! A crate of its own because it is compiled for speed: the compiler turns these loops into vector code only then, while
//! the rest of the engine, whose kernels name their vector instructions, is as fast when compiled for size. None of them is
//! inlined, lest it be compiled as its caller is.

mod fold;
mod map;
pub mod math;
// Vector instructions are unsafe to call where the processor may lack them; each block gives its reason.
#[allow(unsafe_code)]
pub mod simd;

pub use fold::{fold_into, fold_row, Combine};
pub use map::{binary, convert, fill, select, unary, widen};
