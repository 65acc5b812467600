//! The functions users call. Each infers shape and dtype, raises its error, and records nodes.

mod attention;
mod contract;
mod conv1d;
mod distributions;
mod einsum;
mod images;
mod index;
mod index_nd;
mod layout;
pub mod linalg;
mod loss;
mod movement;
mod norm;
mod padding;
mod pool;
mod quantize;
mod random;
mod recurrent;
mod reduce;
mod resize;
mod roll;
mod scan;
mod search;
mod segment;
mod sort;
mod spectral;
mod standardize;
mod volumes;

#[cfg(feature = "special")]
pub use crate::pointwise::special::{digamma, lgamma, log_add_exp};
pub use crate::pointwise::table::*;
pub use attention::{scaled_dot_product_attention, AttentionOptions};
pub use contract::{
    batch_matmul_views, conv2d, conv2d_transpose, depthwise_conv2d, matmul, separable_conv2d, Conv2dOptions,
};
pub use conv1d::{conv1d, conv1d_transpose, Conv1dOptions};
pub use distributions::{
    bernoulli, categorical, gumbel, permutation, random_exponential, random_gamma, random_int, random_poisson,
};
pub use einsum::{dot, einsum, outer, tensordot};
pub use images::{
    affine_grid, crop_and_resize, flip_left_right, grayscale_to_rgb, grid_sample, resize_bicubic, rgb_to_grayscale,
    rotate_with_offset, transform, FillMode, GridPadding, Interpolation,
};
pub use index::{gather, one_hot, range};
pub use index_nd::{gather_nd, scatter_nd, sparse_to_dense, tensor_scatter, ScatterKind};
pub use layout::{
    batch_to_space, depth_to_space, diag, diagonal, eye, meshgrid, mirror_pad, space_to_batch, space_to_depth, Mirror,
};
pub use loss::{log_softmax, sigmoid_cross_entropy, softmax, softmax_cross_entropy};
pub use movement::{
    broadcast_to, concat, expand_dims, pad, permute, reshape, reverse, slice, split, squeeze, stack, strided_slice,
    tile, transpose, unstack,
};
pub use norm::{batch_norm, dropout, moments};
pub use padding::{Padding, Padding1d, Padding3d};
pub use pool::{avg_pool, max_pool, max_pool_with_argmax, PoolOptions};
pub use quantize::{dequantize, fake_quantize, quantize, QuantizedType};
pub use random::{hash_key, random_normal, random_uniform, truncated_normal};
pub use recurrent::{basic_lstm_cell, moving_average, LstmWeights};
pub use reduce::{all, any, arg_max, arg_min, log_sum_exp, max, mean, min, prod, sum, sum_to};
pub use resize::{resize_bilinear, resize_nearest};
pub use roll::{kron, roll};
pub use scan::{cummax, cummin, cumprod, cumsum, log_cumsum_exp};
pub use search::{bincount, search_sorted};
pub use segment::{unsorted_segment, unsorted_segment_mean, unsorted_segment_sum};
pub use sort::{argsort, sort, topk};
pub use spectral::{
    cosine_window, fft, fft_nd, frame, hamming_window, hann_window, inverse_stft, irfft, overlap_and_add, rfft, stft,
    StftOptions,
};
pub use standardize::{group_norm, l2_normalize, layer_norm, rms_norm};
pub use volumes::{
    avg_pool3d, conv3d, conv3d_transpose, dilation2d, local_response_normalization, max_pool3d, Conv3dOptions,
    Dilation2dOptions, Pool3dOptions,
};

pub(crate) use contract::conv;
pub(crate) use index::{put_along_add, scatter, take_along};
pub(crate) use movement::pad_between;
pub(crate) use pool::pool;
pub(crate) use resize::resize;
pub(crate) use scan::{linear_recurrence, scan, shift};

use crate::collect::AllOk;
use crate::collect::Listed;
use crate::device::Device;
use crate::dtype::{DType, Scalar};
use crate::error::{Error, Result};
use crate::op::{Op, ViewOp};
use crate::pointwise::{row, Function};
use crate::shape::Shape;
use crate::tensor::Tensor;

/// Refuses sizes of which tables would be made on the host that no memory holds.
pub(crate) fn check_table(op: &str, n: usize) -> Result<()> {
    const MOST: usize = 1 << 24;
    if n > MOST {
        return Err(Error::argument(op, format_args!("a length of at most {MOST}"), n));
    }
    Ok(())
}

/// Applies the pointwise op with TensorFlow.js's name `name`.
///
/// # Errors
/// `ErrorKind::Unknown` when there is no such op, `ErrorKind::Shape` when operands do not broadcast, `ErrorKind::DType` when
/// an operand's dtype is not accepted.
pub fn pointwise(name: &str, operands: &[&Tensor]) -> Result<Tensor> {
    let row = row(name).ok_or_else(|| Error::unknown("op", name))?;
    if operands.len() != row.arity() {
        return Err(Error::argument(name, format_args!("{} operands", row.arity()), operands.len()));
    }
    let dtypes: Vec<DType> = operands.iter().map(|t| t.dtype()).listed();
    let wanted = row.types.operands(name, &dtypes)?;
    let cast: Vec<Tensor> = operands.iter().zip(&wanted).map(|(t, &d)| t.cast(d)).all_ok()?;
    apply(row.function(&wanted), &cast.iter().listed())
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

    /// The same value as another node.
    pub(crate) fn same(&self) -> Result<Tensor> {
        self.device().record(Op::View(ViewOp::Reshape), &[self], self.shape().clone(), self.dtype())
    }

    /// The same value cut from the gradient tape: its gradient is zero.
    ///
    /// # Errors
    /// None that a caller can cause.
    pub fn stop_gradient(&self) -> Result<Tensor> {
        self.device().record(Op::View(ViewOp::Detach), &[self], self.shape().clone(), self.dtype())
    }
}
