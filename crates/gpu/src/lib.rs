//! The GPU engine: plans become WGSL compute shaders.
//!
//! A kernel's shader is printed from its head and its program ([`shader`]). Sizes, strides and run-time scalars are
//! uniforms, so that one pipeline serves all shapes of a structure. A run is one submission; memory is pooled, pipelines
//! are kept by their text. The GPU itself is behind [`Host`].
//!
//! Where shaders know `f16`, float16 takes 16 bits of memory. It is converted where it is read and where it is stored, and
//! computed with as the float32 of the same value, like everywhere else: a program's own rounding makes every stored value
//! one of float16, so that no conversion rounds.
//!
//! uint8 and int8 that come from the host are held four to a word, which the functions that read buffers take apart. Single
//! bytes cannot be written without disturbing their neighbours: what shaders compute has lanes.

mod engine;
mod host;
mod memory;
#[cfg(feature = "native")]
mod native;
mod prepare;
pub mod shader;
#[cfg(feature = "native")]
mod stamps;
#[cfg(feature = "times")]
mod times;

pub use engine::{GpuEngine, GpuOptions};
pub use host::{Dispatch, Host, Id, Limits, StampsCallback, WordsCallback, UNIFORM_ALIGN};
pub use memory::id_of;
#[cfg(feature = "native")]
pub use native::NativeHost;
