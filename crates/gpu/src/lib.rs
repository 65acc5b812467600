//! The GPU engine: plans become WGSL compute shaders.
//!
//! A kernel's shader is printed from its head and its program ([`shader`]). Sizes, strides and run-time scalars are
//! uniforms, so that one pipeline serves all shapes of a structure. A run is one submission; memory is pooled, pipelines
//! are kept by their text. The GPU itself is behind [`Host`].

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
