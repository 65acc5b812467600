//! Headwater trains and runs models where the data is.
//!
//! ```
//! use headwater::{cpu, ops, Result};
//!
//! # fn main() -> Result<()> {
//! let device = cpu(2);
//! let x = device.tensor(headwater::HostSlice::F32(&[1.0, 2.0, 3.0]), [3])?;
//! // The gradient of the sum of squares.
//! let (value, grads) = device.value_and_grads(&[&x], || ops::sum(&ops::square(&x)?, None, false))?;
//! assert_eq!(value.item()?, 14.0);
//! assert_eq!(grads[0].to_vec()?, [2.0, 4.0, 6.0]);
//! # Ok(())
//! # }
//! ```
//!
//! [`guide`] has examples of operations, models, training and data; [`nn`] has the layers, [`train`] the training.
//!
//! # Features
//! All are on by default. `gpu`: the GPU engine. `data`, `csv`, `images`: [`data`]. `files`: [`tfjs`]. `progress`: bars in terminals.
//! `summary`: [`summary`], files for TensorBoard.
//! `layers-custom`: layers of programs by name. `metrics-more`: metrics as objects. `ops-*` and `layers-*`: families of operations and layers.

#[cfg(feature = "data")]
pub mod data;
pub mod guide;
mod host_tensor;
pub mod nn;
pub mod registry;
pub mod safetensors;
#[cfg(feature = "summary")]
pub mod summary;
#[cfg(feature = "files")]
pub mod tfjs;
pub mod train;

use std::sync::Arc;

pub use headwater_core::{
    custom, engine, joined, ops, transform, AllOk, DType, Device, Error, ErrorKind, HostData, HostSlice, Listed,
    Result, Scalar, Shape, Tape, Tensor,
};
pub use host_tensor::{HostTensor, TensorMap};

pub use headwater_cpu::{CpuEngine, CpuOptions};

/// A device that runs on the processor with so many threads.
pub fn cpu(threads: usize) -> Device {
    Device::new(Arc::new(CpuEngine::new(CpuOptions { threads, ..CpuOptions::default() })))
}

/// A device that runs on the fastest GPU of this machine.
///
/// # Errors
/// `ErrorKind::Device` when there is none with Vulkan, Metal or DirectX 12.
#[cfg(feature = "gpu")]
pub fn gpu() -> Result<Device> {
    let host = headwater_gpu::NativeHost::new()?;
    Ok(Device::new(Arc::new(headwater_gpu::GpuEngine::new(Arc::new(host), headwater_gpu::GpuOptions::default()))))
}
