//! The WebAssembly face of Headwater: few exports, operations go by number, tensors by handle.
//!
//! A handle is an index into a table in this module; 0 is no tensor. A tensor crosses to JavaScript as a record
//! `[handle, dtype, rank, dimensions..]` of numbers, so that no second call is needed to learn its shape. A failing call
//! throws an `Error` with a stable `code`.

mod device;
mod error;
#[cfg(feature = "gpu")]
mod gpu;
#[cfg(feature = "gpu-buffers")]
mod gpu_buffers;
#[cfg(feature = "training")]
mod gradient;
#[cfg(feature = "layers")]
mod layer;
#[cfg(feature = "metrics")]
mod metric;
mod ops;
mod read;
mod table;
#[cfg(feature = "times")]
mod times;
#[cfg(feature = "gpu")]
mod transfer;
#[cfg(feature = "transforms")]
mod transform;
#[cfg(any(feature = "layers", feature = "metrics"))]
mod value;
#[cfg(feature = "threads")]
mod worker;
