//! Cumulative operations: each element combined with all before it along an axis.

use crate::dtype::DType;
use crate::error::Result;
use crate::op::{Op, ReduceOp, ScanKind};
use crate::ops::reduce::{numeric, reducing};
use crate::ops::{add, clip, concat, exp, log, mul, pad, reshape, reverse as reversed, slice, sub};
use crate::shape::Shape;
use crate::tensor::Tensor;

/// Records a scan of `x [outer, n, inner]` along its second dimension.
pub(crate) fn scan(x: &Tensor, kind: ScanKind) -> Result<Tensor> {
    x.device().record(Op::Scan(kind), &[x], x.shape().clone(), x.dtype())
}

/// `shape` around `axis`: the sizes before, of and after it.
fn around(shape: &Shape, axis: usize) -> Shape {
    Shape::from([shape[..axis].iter().product(), shape[axis], shape[axis + 1..].iter().product()])
}

fn along(x: &Tensor, axis: isize, kind: ScanKind, name: &str) -> Result<Tensor> {
    let axis = x.shape().axis(axis, name)?;
    let lines = reshape(&numeric(x)?, around(x.shape(), axis))?;
    reshape(&reducing(&lines, kind.op, &|lines| scan(lines, kind))?, x.shape())
}

/// The sum of each element and all before it along `axis`. `exclusive` leaves the element itself out, `reverse` goes from
/// the last to the first. float32 and int32; bool counts as int32.
///
/// # Errors
/// `ErrorKind::Argument` when the axis does not exist.
pub fn cumsum(x: &Tensor, axis: isize, exclusive: bool, reverse: bool) -> Result<Tensor> {
    along(x, axis, ScanKind { op: ReduceOp::Sum, exclusive, reverse }, "cumsum")
}

/// The product of each element and all before it along `axis`; otherwise as [`cumsum`].
///
/// # Errors
/// As [`cumsum`].
pub fn cumprod(x: &Tensor, axis: isize, exclusive: bool, reverse: bool) -> Result<Tensor> {
    along(x, axis, ScanKind { op: ReduceOp::Prod, exclusive, reverse }, "cumprod")
}

/// The largest of each element and all before it along `axis`; NaN wins. `reverse` goes from the last to the first.
///
/// # Errors
/// As [`cumsum`].
pub fn cummax(x: &Tensor, axis: isize, reverse: bool) -> Result<Tensor> {
    along(x, axis, ScanKind { op: ReduceOp::Max, exclusive: false, reverse }, "cummax")
}

/// The smallest of each element and all before it along `axis`; otherwise as [`cummax`].
///
/// # Errors
/// As [`cumsum`].
pub fn cummin(x: &Tensor, axis: isize, reverse: bool) -> Result<Tensor> {
    along(x, axis, ScanKind { op: ReduceOp::Min, exclusive: false, reverse }, "cummin")
}

/// log(sum(exp(x))) of each element and all before it along `axis`, in float32, safe against overflow: sums are kept
/// relative to the largest element so far.
///
/// # Errors
/// As [`cumsum`].
pub fn log_cumsum_exp(x: &Tensor, axis: isize, exclusive: bool, reverse: bool) -> Result<Tensor> {
    let axis = x.shape().axis(axis, "logCumsumExp")?;
    let mut lines = reshape(&x.cast(DType::F32)?, around(x.shape(), axis))?;
    if lines.size() == 0 {
        return reshape(&lines, x.shape());
    }
    if reverse {
        lines = reversed(&lines, Some(&[1]))?;
    }
    if exclusive {
        lines = shift(&lines, 1, f64::NEG_INFINITY)?;
    }
    let largest = scan(&lines, ScanKind { op: ReduceOp::Max, exclusive: false, reverse: false })?.stop_gradient()?;
    // The difference of two infinities has no value.
    let limit = |v: f32| largest.constant(f64::from(v));
    let largest = clip(&largest, &limit(f32::MIN), &limit(f32::MAX))?;
    let part = |n: usize| slice(&largest, &[0; 3], &largest.shape().with_dim(1, n));
    let before = concat(&[&part(1)?, &part(largest.shape()[1] - 1)?], 1)?;
    let sums = linear_recurrence(&exp(&sub(&before, &largest)?)?, &exp(&sub(&lines, &largest)?)?)?;
    let result = add(&log(&sums)?, &largest)?;
    let result = if reverse { reversed(&result, Some(&[1]))? } else { result };
    reshape(&result, x.shape())
}

/// `x [outer, n, inner]` moved `by` places towards the end of its second dimension, `fill` taking the free places.
pub(crate) fn shift(x: &Tensor, by: usize, fill: f64) -> Result<Tensor> {
    let n = x.shape()[1];
    let by = by.min(n);
    pad(&slice(x, &[0; 3], &x.shape().with_dim(1, n - by))?, &[(0, 0), (by, 0), (0, 0)], fill)
}

/// `y[i] = a[i] * y[i - 1] + b[i]` along the second dimension of `a` and `b` `[outer, n, inner]`, `y[-1]` being 0: in
/// log2(n) steps, each joining what lies twice as far apart (Hillis & Steele 1986).
pub(crate) fn linear_recurrence(a: &Tensor, b: &Tensor) -> Result<Tensor> {
    let n = a.shape()[1];
    let (mut a, mut y) = (a.clone(), b.clone());
    let mut by = 1;
    while by < n {
        y = add(&y, &mul(&a, &shift(&y, by, 0.0)?)?)?;
        a = mul(&a, &shift(&a, by, 0.0)?)?;
        by *= 2;
    }
    Ok(y)
}
