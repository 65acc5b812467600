//! Operations as methods, so that calls chain: `x.matmul(&w)?.relu()?.mean(None, false)?`.
//!
//! Every pointwise operation has a method of its name ([`ops`]); these are the others whose first operand is what they are
//! about. Each does what the function of its name does, with the arguments that are seldom given left out.

use crate::error::Result;
use crate::ops;
use crate::shape::Shape;
use crate::tensor::Tensor;

/// Reductions over `axes`, all of them when `None`; negative ones count from the back. With `keep`, reduced dimensions stay
/// with size 1.
///
/// # Errors
/// `ErrorKind::Argument` when an axis does not exist.
impl Tensor {
    /// The sum: [`ops::sum`].
    pub fn sum(&self, axes: Option<&[isize]>, keep: bool) -> Result<Tensor> {
        ops::sum(self, axes, keep)
    }

    /// The product: [`ops::prod`].
    pub fn prod(&self, axes: Option<&[isize]>, keep: bool) -> Result<Tensor> {
        ops::prod(self, axes, keep)
    }

    /// The float32 mean: [`ops::mean`].
    pub fn mean(&self, axes: Option<&[isize]>, keep: bool) -> Result<Tensor> {
        ops::mean(self, axes, keep)
    }

    /// The largest: [`ops::max`].
    pub fn max(&self, axes: Option<&[isize]>, keep: bool) -> Result<Tensor> {
        ops::max(self, axes, keep)
    }

    /// The smallest: [`ops::min`].
    pub fn min(&self, axes: Option<&[isize]>, keep: bool) -> Result<Tensor> {
        ops::min(self, axes, keep)
    }

    /// Whether any is true: [`ops::any`].
    pub fn any(&self, axes: Option<&[isize]>, keep: bool) -> Result<Tensor> {
        ops::any(self, axes, keep)
    }

    /// Whether all are true: [`ops::all`].
    pub fn all(&self, axes: Option<&[isize]>, keep: bool) -> Result<Tensor> {
        ops::all(self, axes, keep)
    }

    /// The int32 index of the largest along `axis`: [`ops::arg_max`].
    pub fn arg_max(&self, axis: isize) -> Result<Tensor> {
        ops::arg_max(self, axis)
    }

    /// The int32 index of the smallest along `axis`: [`ops::arg_min`].
    pub fn arg_min(&self, axis: isize) -> Result<Tensor> {
        ops::arg_min(self, axis)
    }

    /// The elements along `axis` as probabilities of these logits: [`ops::softmax`].
    pub fn softmax(&self, axis: isize) -> Result<Tensor> {
        ops::softmax(self, axis)
    }

    /// The logarithms of [`Tensor::softmax`]: [`ops::log_softmax`].
    pub fn log_softmax(&self, axis: isize) -> Result<Tensor> {
        ops::log_softmax(self, axis)
    }
}

/// The same elements in other places.
///
/// # Errors
/// As the function of the name in [`ops`].
impl Tensor {
    /// Under another shape: [`ops::reshape`].
    pub fn reshape(&self, shape: impl Into<Shape>) -> Result<Tensor> {
        ops::reshape(self, shape)
    }

    /// With dimensions in the order `perm`, reversed when `None`: [`ops::transpose`].
    pub fn transpose(&self, perm: Option<&[isize]>) -> Result<Tensor> {
        ops::transpose(self, perm)
    }

    /// Repeated along dimensions of size 1 and new leading ones: [`ops::broadcast_to`].
    pub fn broadcast_to(&self, shape: impl Into<Shape>) -> Result<Tensor> {
        ops::broadcast_to(self, shape)
    }

    /// With a dimension of size 1 put in at `axis`: [`ops::expand_dims`].
    pub fn expand_dims(&self, axis: isize) -> Result<Tensor> {
        ops::expand_dims(self, axis)
    }

    /// Without dimensions of size 1, those in `axes` or all: [`ops::squeeze`].
    pub fn squeeze(&self, axes: Option<&[isize]>) -> Result<Tensor> {
        ops::squeeze(self, axes)
    }

    /// `size` elements from `begin` along each dimension: [`ops::slice`].
    pub fn slice(&self, begin: &[usize], size: &[usize]) -> Result<Tensor> {
        ops::slice(self, begin, size)
    }

    /// Backwards along `axes`, all of them when `None`: [`ops::reverse`].
    pub fn reverse(&self, axes: Option<&[isize]>) -> Result<Tensor> {
        ops::reverse(self, axes)
    }

    /// With `value` before and after each dimension: [`ops::pad`].
    pub fn pad(&self, paddings: &[(usize, usize)], value: f64) -> Result<Tensor> {
        ops::pad(self, paddings, value)
    }

    /// Repeated `reps[d]` times along each dimension: [`ops::tile`].
    pub fn tile(&self, reps: &[usize]) -> Result<Tensor> {
        ops::tile(self, reps)
    }

    /// Followed by `other` along `axis`: [`ops::concat`] of two.
    pub fn concat(&self, other: &Tensor, axis: isize) -> Result<Tensor> {
        ops::concat(&[self, other], axis)
    }

    /// Cut into parts of `sizes` along `axis`: [`ops::split`].
    pub fn split(&self, sizes: &[usize], axis: isize) -> Result<Vec<Tensor>> {
        ops::split(self, sizes, axis)
    }

    /// The parts along `axis` at the int32 `indices`: [`ops::gather`].
    pub fn gather(&self, indices: &Tensor, axis: isize) -> Result<Tensor> {
        ops::gather(self, indices, axis, 0)
    }

    /// The `k` largest of the last dimension and their indices: [`ops::topk`].
    pub fn topk(&self, k: usize) -> Result<(Tensor, Tensor)> {
        ops::topk(self, k)
    }
}

/// Products.
///
/// # Errors
/// `ErrorKind::Shape` when shapes do not fit each other.
impl Tensor {
    /// The product of the matrices in the last two dimensions; leading ones broadcast: [`ops::matmul`].
    pub fn matmul(&self, other: &Tensor) -> Result<Tensor> {
        ops::matmul(self, other, false, false)
    }

    /// The product of vectors, matrices or tensors as in NumPy: [`ops::dot`].
    pub fn dot(&self, other: &Tensor) -> Result<Tensor> {
        ops::dot(self, other)
    }

    /// The convolution of these NHWC images with filters: [`ops::conv2d`].
    pub fn conv2d(&self, filters: &Tensor, options: &ops::Conv2dOptions) -> Result<Tensor> {
        ops::conv2d(self, filters, options)
    }
}
