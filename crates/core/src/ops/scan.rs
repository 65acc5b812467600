//! Cumulative operations: each element combined with all before it along an axis.

use crate::calc::{Calc, Term};
use crate::error::Result;
use crate::op::{Op, ReduceOp, ScanKind};
use crate::ops::reduce::{numeric, reducing};
use crate::ops::{exp, log, pad, reshape, slice};
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
    let calc = Calc::default();
    let mut lines = calc.of(x).number().reshape(&around(x.shape(), axis));
    if x.size() == 0 {
        return calc.result(lines.reshape(x.shape()));
    }
    if reverse {
        lines = lines.reverse(1);
    }
    if exclusive {
        lines = shifted(lines, 1, f64::NEG_INFINITY);
    }
    let largest = lines.then(&|x| scan(x, ScanKind { op: ReduceOp::Max, exclusive: false, reverse: false }));
    // The difference of two infinities has no value.
    let largest = largest.map(Tensor::stop_gradient).clip(f64::from(f32::MIN), f64::from(f32::MAX));
    let before = largest.part(1, 0, 1).join(largest.part(1, 0, largest.dim(1) - 1), 1);
    let sums = (before - largest).map(exp).with((lines - largest).map(exp), linear_recurrence);
    let mut result = sums.map(log) + largest;
    if reverse {
        result = result.reverse(1);
    }
    calc.result(result.reshape(x.shape()))
}

/// As [`shift`].
fn shifted(x: Term<'_>, by: usize, fill: f64) -> Term<'_> {
    x.then(&|x| shift(x, by, fill))
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
    let calc = Calc::default();
    let (mut a, mut y) = (calc.of(a), calc.of(b));
    let mut by = 1;
    while by < n {
        y = y + a * shifted(y, by, 0.0);
        a = a * shifted(a, by, 0.0);
        by *= 2;
    }
    calc.result(y)
}
