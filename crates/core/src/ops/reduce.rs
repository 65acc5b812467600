//! Reductions.

use crate::dtype::DType;
use crate::error::Result;
use crate::op::{Op, ReduceOp};
use crate::ops::{add, exp, log, mul, reshape, squeeze, sub};
use crate::shape::Shape;
use crate::tensor::Tensor;

fn reduce(x: &Tensor, op: ReduceOp, axes: Option<&[isize]>, keep: bool, name: &str) -> Result<Tensor> {
    let axes = x.shape().axes(axes, name)?;
    let reduced = if axes.is_empty() {
        x.clone()
    } else {
        let shape = x.shape().without(&axes);
        x.device().record(Op::Reduce { op, axes: axes.clone() }, &[x], shape, x.dtype())?
    };
    if keep {
        reshape(&reduced, x.shape().keeping(&axes))
    } else {
        Ok(reduced)
    }
}

/// bool as int32, anything else as it is.
pub(super) fn numeric(x: &Tensor) -> Result<Tensor> {
    if x.dtype() == DType::Bool {
        x.cast(DType::I32)
    } else {
        Ok(x.clone())
    }
}

/// The sum over `axes` (all when `None`); bool counts as int32.
///
/// # Errors
/// `ErrorKind::Argument` when an axis does not exist.
pub fn sum(x: &Tensor, axes: Option<&[isize]>, keep: bool) -> Result<Tensor> {
    reduce(&numeric(x)?, ReduceOp::Sum, axes, keep, "sum")
}

/// The product over `axes`; bool counts as int32.
///
/// # Errors
/// As [`sum`].
pub fn prod(x: &Tensor, axes: Option<&[isize]>, keep: bool) -> Result<Tensor> {
    reduce(&numeric(x)?, ReduceOp::Prod, axes, keep, "prod")
}

/// The largest over `axes`.
///
/// # Errors
/// As [`sum`].
pub fn max(x: &Tensor, axes: Option<&[isize]>, keep: bool) -> Result<Tensor> {
    reduce(x, ReduceOp::Max, axes, keep, "max")
}

/// The smallest over `axes`.
///
/// # Errors
/// As [`sum`].
pub fn min(x: &Tensor, axes: Option<&[isize]>, keep: bool) -> Result<Tensor> {
    reduce(x, ReduceOp::Min, axes, keep, "min")
}

/// The float32 mean over `axes`.
///
/// # Errors
/// As [`sum`].
pub fn mean(x: &Tensor, axes: Option<&[isize]>, keep: bool) -> Result<Tensor> {
    let total = sum(&x.cast(DType::F32)?, axes, keep)?;
    let count = x.size() as f64 / (total.size() as f64).max(1.0);
    mul(&total, &total.constant(1.0 / count))
}

/// Whether any over `axes` is true.
///
/// # Errors
/// As [`sum`].
pub fn any(x: &Tensor, axes: Option<&[isize]>, keep: bool) -> Result<Tensor> {
    reduce(&x.cast(DType::Bool)?, ReduceOp::Max, axes, keep, "any")
}

/// Whether all over `axes` are true.
///
/// # Errors
/// As [`sum`].
pub fn all(x: &Tensor, axes: Option<&[isize]>, keep: bool) -> Result<Tensor> {
    reduce(&x.cast(DType::Bool)?, ReduceOp::Min, axes, keep, "all")
}

fn arg(x: &Tensor, axis: isize, max: bool) -> Result<Tensor> {
    let axis = x.shape().axis(axis, if max { "argMax" } else { "argMin" })?;
    let n = x.shape()[axis];
    let order: Vec<usize> = (0..x.rank()).filter(|&d| d != axis).chain([axis]).collect();
    let shape = x.shape().without(&[axis]);
    let last = crate::ops::permute(&numeric(x)?, &order)?;
    let rows = reshape(&last, [shape.size(), n])?;
    let index = x.device().record(Op::ArgReduce { max }, &[&rows], Shape::from([shape.size()]), DType::I32)?;
    reshape(&index, shape)
}

/// The index of the largest along `axis`, the first of equals.
///
/// # Errors
/// As [`sum`].
pub fn arg_max(x: &Tensor, axis: isize) -> Result<Tensor> {
    arg(x, axis, true)
}

/// The index of the smallest along `axis`, the first of equals.
///
/// # Errors
/// As [`sum`].
pub fn arg_min(x: &Tensor, axis: isize) -> Result<Tensor> {
    arg(x, axis, false)
}

/// log(sum(exp(x))) over `axes`, safe against overflow.
///
/// # Errors
/// As [`sum`].
pub fn log_sum_exp(x: &Tensor, axes: Option<&[isize]>, keep: bool) -> Result<Tensor> {
    let x = x.cast(DType::F32)?;
    let largest = max(&x, axes, true)?.stop_gradient()?;
    let total = sum(&exp(&sub(&x, &largest)?)?, axes, true)?;
    let result = add(&log(&total)?, &largest)?;
    if keep {
        return Ok(result);
    }
    let axes: Vec<isize> = x.shape().axes(axes, "logSumExp")?.iter().map(|&a| a as isize).collect();
    if axes.is_empty() {
        Ok(result)
    } else {
        squeeze(&result, Some(&axes))
    }
}

/// The adjoint of broadcasting: `x` summed over what broadcasting `shape` to its shape repeats.
///
/// # Errors
/// `ErrorKind::Shape` when `shape` does not broadcast to `x`'s.
pub fn sum_to(x: &Tensor, shape: &Shape) -> Result<Tensor> {
    if x.shape() == shape {
        return Ok(x.clone());
    }
    let lead = x.rank() - shape.rank();
    let axes: Vec<isize> = (0..x.rank())
        .filter(|&d| d < lead || (shape[d - lead] == 1 && x.shape()[d] != 1))
        .map(|d| d as isize)
        .collect();
    reshape(&sum(x, Some(&axes), false)?, shape)
}
