//! Shapes, dtypes, errors, op declarations, the lazy graph, gradients, fusion and plans of Headwater.
//!
//! An operation on a [`Tensor`] infers its shape and dtype, raises its error there and then, and appends a node to the
//! graph. Work runs when a value is read: the pending graph is lowered to a [`plan::Plan`] of fused kernels, found again
//! by structure when a step repeats, and run by an [`engine::Engine`]. Nothing here knows a device, a file or a thread.

pub mod calc;
mod collect;
pub mod device;
pub mod dtype;
pub mod engine;
mod error;
pub mod grad;
pub mod half;
mod hash;
mod host;
mod ids;
#[cfg(feature = "linalg")]
pub mod linalg;
pub mod lower;
pub mod math;
mod methods;
mod number;
pub mod op;
mod operators;
pub mod ops;
pub mod packed;
pub mod plan;
pub mod pointwise;
#[cfg(feature = "reference")]
pub mod reference;
pub mod scalar;
pub mod selection;
pub mod shape;
mod tensor;
pub mod transform;
pub mod view;

pub use collect::{joined, AllOk, Listed};
pub use device::Device;
pub use dtype::{DType, Scalar};
pub use error::{Error, ErrorKind, Result};
pub use grad::{custom, Tape};
pub use hash::StructureHasher;
pub use host::{HostData, HostSlice};
pub use ids::{IdMap, IdSet};
pub use number::number;
pub use shape::Shape;
pub use tensor::Tensor;
