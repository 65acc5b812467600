//! The functions users call. Each infers shape and dtype, raises its error, and records nodes.

mod contract;
mod index;
mod loss;
mod movement;
mod norm;
mod pool;
mod random;
mod reduce;
mod resize;

pub use crate::pointwise::table::*;
pub use contract::{batch_matmul_views, conv2d, conv2d_transpose, depthwise_conv2d, matmul, Conv2dOptions, Padding};
pub use index::{gather, one_hot, range, topk, unsorted_segment_sum};
pub use loss::{log_softmax, sigmoid_cross_entropy, softmax, softmax_cross_entropy};
pub use movement::{
    broadcast_to, concat, expand_dims, pad, permute, reshape, reverse, slice, split, squeeze, stack, strided_slice,
    tile, transpose, unstack,
};
pub use norm::{batch_norm, dropout, moments};
pub use pool::{avg_pool, max_pool, PoolOptions};
pub use random::{hash_key, random_normal, random_uniform, truncated_normal};
pub use reduce::{all, any, arg_max, arg_min, log_sum_exp, max, mean, min, prod, sum, sum_to};
pub use resize::{resize_bilinear, resize_nearest};

pub(crate) use contract::conv;
pub(crate) use index::{put_along_add, scatter_add, take_along};
pub(crate) use movement::pad_between;
pub(crate) use pool::pool;
use reduce::ordered;
pub(crate) use resize::resize;

use crate::device::Device;
use crate::dtype::{DType, Scalar};
use crate::error::{Error, Result};
use crate::op::{Op, ViewOp};
use crate::pointwise::{row, Function};
use crate::shape::Shape;
use crate::tensor::Tensor;

/// Applies the pointwise op with TensorFlow.js's name `name`.
///
/// # Errors
/// `ErrorKind::Unknown` when there is no such op, `ErrorKind::Shape` when operands do not broadcast, `ErrorKind::DType` when
/// an operand's dtype is not accepted.
pub fn pointwise(name: &str, operands: &[&Tensor]) -> Result<Tensor> {
    let row = row(name).ok_or_else(|| Error::unknown("op", name))?;
    if operands.len() != row.arity() {
        return Err(Error::argument(name, format!("{} operands", row.arity()), operands.len()));
    }
    let dtypes: Vec<DType> = operands.iter().map(|t| t.dtype()).collect();
    let wanted = row.types.operands(name, &dtypes)?;
    let cast: Vec<Tensor> = operands.iter().zip(&wanted).map(|(t, &d)| t.cast(d)).collect::<Result<_>>()?;
    apply(row.function(&wanted), &cast.iter().collect::<Vec<_>>())
}

/// A result in a dtype that is narrower than what it was computed in.
#[inline(never)]
fn rounded(result: Result<Tensor>, dtype: DType) -> Result<Tensor> {
    result?.cast(dtype)
}

/// Records a pointwise function of operands that have its dtypes.
pub(crate) fn apply(function: std::sync::Arc<Function>, operands: &[&Tensor]) -> Result<Tensor> {
    let mut shape = operands[0].shape().clone();
    for operand in &operands[1..] {
        shape = shape.broadcast(operand.shape(), function.name)?;
    }
    let dtype = function.dtype;
    operands[0].device().record(Op::Pointwise(function), operands, shape, dtype)
}

/// a / b: of floats, or rounded down when both are whole numbers, as TensorFlow.js divides.
///
/// # Errors
/// As [`pointwise`].
pub fn div(a: &Tensor, b: &Tensor) -> Result<Tensor> {
    if a.dtype().is_integer() && b.dtype().is_integer() {
        floor_div(a, b)
    } else {
        real_div(a, b)
    }
}

/// max(x, alpha * x) for 0 <= alpha <= 1.
///
/// # Errors
/// As [`pointwise`].
pub fn leaky_relu(x: &Tensor, alpha: f32) -> Result<Tensor> {
    let x = x.cast(x.dtype().float())?;
    prelu(&x, &x.constant(f64::from(alpha)))
}

impl Device {
    /// A tensor of `shape` filled with `value`, which takes no memory until something needs its elements.
    ///
    /// # Errors
    /// None that a caller can cause.
    pub fn full(&self, shape: impl Into<Shape>, value: Scalar) -> Result<Tensor> {
        broadcast_to(&self.constant(value), shape)
    }

    /// Zeros.
    ///
    /// # Errors
    /// None that a caller can cause.
    pub fn zeros(&self, shape: impl Into<Shape>, dtype: DType) -> Result<Tensor> {
        broadcast_to(&self.constant_of(dtype, 0.0), shape)
    }

    /// Ones.
    ///
    /// # Errors
    /// None that a caller can cause.
    pub fn ones(&self, shape: impl Into<Shape>, dtype: DType) -> Result<Tensor> {
        broadcast_to(&self.constant_of(dtype, 1.0), shape)
    }
}

impl Tensor {
    /// The elements converted to `dtype`. To a float: rounded to the nearest. A float to whole numbers: truncated and limited
    /// to their range, 0 for NaN. Whole numbers to narrower ones: wrapped around. To bool: anything non-zero is true.
    ///
    /// # Errors
    /// None that a caller can cause.
    pub fn cast(&self, dtype: DType) -> Result<Tensor> {
        if self.dtype() == dtype {
            return Ok(self.clone());
        }
        // A wider dtype of the same lanes has the same elements.
        if self.dtype().lane() == dtype.lane() && dtype.host_bytes() == 4 {
            return movement::view(self, ViewOp::Reshape, self.shape().clone(), dtype);
        }
        apply(Function::cast(self.dtype(), dtype), &[self])
    }

    /// A constant of this tensor's dtype on its device, for use in expressions.
    pub fn constant(&self, value: f64) -> Tensor {
        self.device().constant_of(self.dtype(), value)
    }

    /// Zeros of this tensor's shape and dtype.
    ///
    /// # Errors
    /// None that a caller can cause.
    pub fn zeros_like(&self) -> Result<Tensor> {
        self.device().zeros(self.shape(), self.dtype())
    }

    /// Ones of this tensor's shape and dtype.
    ///
    /// # Errors
    /// None that a caller can cause.
    pub fn ones_like(&self) -> Result<Tensor> {
        self.device().ones(self.shape(), self.dtype())
    }

    /// The same value cut from the gradient tape: its gradient is zero.
    ///
    /// # Errors
    /// None that a caller can cause.
    pub fn stop_gradient(&self) -> Result<Tensor> {
        self.device().without_tapes(|| reshape(self, self.shape()))
    }
}
