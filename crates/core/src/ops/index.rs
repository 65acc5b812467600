//! Picking by index.

use crate::device::Device;
use crate::dtype::{DType, Scalar};
use crate::error::{Error, Result};
use crate::number;
use crate::op::{IndexOp, Op, Routine};
use crate::ops::{add, equal, mul, ordered, permute, reshape, rounded, select};
use crate::shape::Shape;
use crate::tensor::Tensor;

impl Device {
    /// The int32 index along dimension `axis`, in a tensor of `shape`.
    ///
    /// # Errors
    /// None that a caller can cause with an axis of the shape.
    pub fn iota(&self, shape: impl Into<Shape>, axis: usize) -> Result<Tensor> {
        self.record(Op::Iota { axis }, &[], shape.into(), DType::I32)
    }
}

/// `start`, `start + step`, ... below `stop` (above, for a negative step).
///
/// # Errors
/// `ErrorKind::Argument` when `step` is 0 or leads away from `stop`.
pub fn range(device: &Device, start: f64, stop: f64, step: f64, dtype: DType) -> Result<Tensor> {
    if step == 0.0 {
        return Err(Error::argument("range", "a step other than 0", number(step)));
    }
    let n = ((stop - start) / step).ceil().max(0.0) as usize;
    // In the lanes' dtype, so that narrower ones are rounded or wrapped once.
    let lane = dtype.lane();
    let scalar = |v: f64| match lane {
        DType::I32 => device.scalar(Scalar::I32(v as i64 as i32)),
        _ => device.scalar_of(lane, v),
    };
    let index = device.iota([n], 0)?.cast(lane)?;
    add(&mul(&index, &scalar(step))?, &scalar(start))?.cast(dtype)
}

/// `on` where the last dimension's index equals the element of `indices`, else `off`.
///
/// # Errors
/// `ErrorKind::DType` when `indices` are not whole numbers.
pub fn one_hot(indices: &Tensor, depth: usize, on: f64, off: f64, dtype: DType) -> Result<Tensor> {
    let indices = &indices_of("oneHot", "int32 indices", indices)?;
    let column: Shape = indices.shape().iter().copied().chain([1]).collect();
    let full: Shape = indices.shape().iter().copied().chain([depth]).collect();
    let device = indices.device();
    let position = device.iota(&full, full.rank() - 1)?;
    let hit = equal(&reshape(indices, column)?, &position)?;
    let value = |v: f64| device.constant_of(dtype, v);
    select(&hit, &value(on), &value(off))
}

/// Whole numbers of any dtype as indices.
fn indices_of(op: &str, expected: &str, index: &Tensor) -> Result<Tensor> {
    if !index.dtype().is_integer() {
        return Err(Error::dtype(op, expected, index.dtype().name()));
    }
    index.cast(DType::I32)
}

fn index_op(op: IndexOp, x: &Tensor, index: &Tensor, shape: Shape) -> Result<Tensor> {
    x.device().record(Op::Index(op), &[x, index], shape, x.dtype())
}

/// As [`index_op`] for those that add up: in the lanes' dtype, rounded once.
fn index_sum(op: IndexOp, x: &Tensor, index: &Tensor, shape: Shape) -> Result<Tensor> {
    let dtype = x.dtype().sum();
    rounded(index_op(op, &x.cast(dtype.lane())?, index, shape), dtype)
}

/// The parts of `x` along `axis` at `indices`; their shape takes the axis's place. An index outside reads 0.
/// With `batch_dims`, leading dimensions of both belong together.
///
/// # Errors
/// `ErrorKind::DType` when `indices` are not whole numbers; `ErrorKind::Argument` when an axis does not exist;
/// `ErrorKind::Shape` when batch dimensions differ.
pub fn gather(x: &Tensor, indices: &Tensor, axis: isize, batch_dims: usize) -> Result<Tensor> {
    let indices = &indices_of("gather", "int32 indices", indices)?;
    let axis = x.shape().axis(axis, "gather")?;
    if batch_dims > axis || batch_dims > indices.rank() || x.shape()[..batch_dims] != indices.shape()[..batch_dims] {
        let expected = format!("{batch_dims} equal leading dimensions before axis {axis}");
        return Err(Error::shape("gather", expected, format!("{} and indices {}", x.shape(), indices.shape())));
    }
    let batch: usize = x.shape()[..batch_dims].iter().product();
    let outer: usize = x.shape()[batch_dims..axis].iter().product();
    let inner: usize = x.shape()[axis + 1..].iter().product();
    let n = x.shape()[axis];
    let picked = &indices.shape()[batch_dims..];
    let k: usize = picked.iter().product();
    let out: Shape = x.shape()[..axis].iter().chain(picked).chain(&x.shape()[axis + 1..]).copied().collect();
    if batch_dims == 0 {
        let rows = reshape(x, [outer, n, inner])?;
        let flat = reshape(indices, [k])?;
        return reshape(&index_op(IndexOp::Gather, &rows, &flat, Shape::from([outer, k, inner]))?, out);
    }
    // Each batch has indices of its own: number the rows of all batches through.
    let moved = permute(&reshape(x, [batch, outer, n, inner])?, &[0, 2, 1, 3])?;
    let rows = reshape(&moved, [1, batch * n, outer * inner])?;
    let device = x.device();
    let first_row = mul(&device.iota([batch, k], 0)?, &device.constant(Scalar::I32(n as i32)))?;
    let flat = reshape(&add(&reshape(indices, [batch, k])?, &first_row)?, [batch * k])?;
    let found = index_op(IndexOp::Gather, &rows, &flat, Shape::from([1, batch * k, outer * inner]))?;
    let back = permute(&reshape(&found, [batch, k, outer, inner])?, &[0, 2, 1, 3])?;
    reshape(&back, out)
}

/// `updates [outer, k, inner]` summed into zeros `[outer, n, inner]` at `index [k]`.
pub(crate) fn scatter_add(updates: &Tensor, index: &Tensor, n: usize) -> Result<Tensor> {
    let s = updates.shape();
    index_sum(IndexOp::ScatterAdd, updates, index, Shape::from([s[0], n, s[2]]))
}

/// The slices of `x` along its first axis summed by the `segments` they belong to, `n` of them: `[n, ..]`. Slices of
/// segments outside are left out.
///
/// # Errors
/// `ErrorKind::DType` when `segments` are not whole numbers; `ErrorKind::Shape` when it has not one number for each slice.
pub fn unsorted_segment_sum(x: &Tensor, segments: &Tensor, n: usize) -> Result<Tensor> {
    let segments = &indices_of("unsortedSegmentSum", "int32 segments", segments)?;
    let Some((&k, rest)) = x.shape().split_first() else {
        return Err(Error::shape("unsortedSegmentSum", "a tensor of rank at least 1", x.shape()));
    };
    if segments.shape()[..] != [k] {
        return Err(Error::shape("unsortedSegmentSum", format!("segments of shape [{k}]"), segments.shape()));
    }
    let out: Shape = [n].iter().chain(rest).copied().collect();
    reshape(&scatter_add(&reshape(x, [1, k, rest.iter().product()])?, segments, n)?, out)
}

/// `x [rows, n]` at `index [rows, k]`.
pub(crate) fn take_along(x: &Tensor, index: &Tensor) -> Result<Tensor> {
    index_op(IndexOp::TakeAlong, x, index, index.shape().clone())
}

/// `updates [rows, k]` summed into zeros `[rows, n]` at `index [rows, k]`.
pub(crate) fn put_along_add(updates: &Tensor, index: &Tensor, n: usize) -> Result<Tensor> {
    index_sum(IndexOp::PutAlongAdd, updates, index, Shape::from([updates.shape()[0], n]))
}

/// The `k` largest elements of the last dimension, largest first, and their int32 positions.
///
/// # Errors
/// `ErrorKind::Argument` when `k` exceeds the last dimension; `ErrorKind::Shape` for a scalar.
pub fn topk(x: &Tensor, k: usize) -> Result<(Tensor, Tensor)> {
    let Some(&n) = x.shape().last() else {
        return Err(Error::shape("topk", "a tensor of rank at least 1", x.shape()));
    };
    if k > n {
        return Err(Error::argument("topk", format!("k at most the last dimension, {n}"), k));
    }
    let rows = x.size() / n.max(1);
    let flat = reshape(x, [rows, n])?;
    let keys = ordered(&flat)?;
    let index = x.device().record(Op::Routine(Routine::TopK), &[&keys], Shape::from([rows, k]), DType::I32)?;
    let out = x.shape().with_dim(x.rank() - 1, k);
    Ok((reshape(&take_along(&flat, &index)?, &out)?, reshape(&index, out)?))
}
