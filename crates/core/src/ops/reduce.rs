//! Reductions.

use crate::calc::Calc;
use crate::collect::Listed;
use crate::dtype::DType;
use crate::error::Result;
use crate::op::{Op, ReduceOp};
use crate::ops::{bitwise_xor, exp, log, mul, reshape, rounded};
use crate::shape::Shape;
use crate::tensor::Tensor;

/// Reduces in the dtype of `x`.
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

/// int32 for uint32, in its order.
fn turned(x: &Tensor) -> Result<Tensor> {
    let x = x.cast(DType::I32)?;
    bitwise_xor(&x, &x.constant(f64::from(i32::MIN)))
}

/// Numbers in the order of `x` that engines can compare: int32 for uint32, whose lanes are int32, and for bool.
pub(super) fn ordered(x: &Tensor) -> Result<Tensor> {
    match x.dtype() {
        DType::U32 => turned(x),
        _ => numeric(x),
    }
}

/// Does `f`, which reduces by `op`, in a dtype that engines reduce: sums and products of floats in float32, rounded once,
/// of others in the dtype of sums; extremes so that the values of empty reductions are the dtype's limits.
pub(super) fn reducing(x: &Tensor, op: ReduceOp, f: &dyn Fn(&Tensor) -> Result<Tensor>) -> Result<Tensor> {
    let dtype = x.dtype();
    match (op, dtype) {
        (ReduceOp::Sum | ReduceOp::Prod, _) => rounded(f(&x.cast(dtype.sum().lane())?), dtype.sum()),
        (_, DType::U32) => rounded(turned(&f(&turned(x)?)?), dtype),
        // The limits of float32 become those of any dtype.
        (_, DType::U8 | DType::I8) => rounded(f(&x.cast(DType::F32)?), dtype),
        _ => f(x),
    }
}

/// The sum over `axes` (all when `None`); bool, int8 and uint8 count as int32, float16 and bfloat16 are summed in float32.
///
/// # Errors
/// `ErrorKind::Argument` when an axis does not exist.
pub fn sum(x: &Tensor, axes: Option<&[isize]>, keep: bool) -> Result<Tensor> {
    reducing(x, ReduceOp::Sum, &|x| reduce(x, ReduceOp::Sum, axes, keep, "sum"))
}

/// The product over `axes`, of the dtypes of [`sum`].
///
/// # Errors
/// As [`sum`].
pub fn prod(x: &Tensor, axes: Option<&[isize]>, keep: bool) -> Result<Tensor> {
    reducing(x, ReduceOp::Prod, &|x| reduce(x, ReduceOp::Prod, axes, keep, "prod"))
}

/// The largest over `axes`.
///
/// # Errors
/// As [`sum`].
pub fn max(x: &Tensor, axes: Option<&[isize]>, keep: bool) -> Result<Tensor> {
    reducing(x, ReduceOp::Max, &|x| reduce(x, ReduceOp::Max, axes, keep, "max"))
}

/// The smallest over `axes`.
///
/// # Errors
/// As [`sum`].
pub fn min(x: &Tensor, axes: Option<&[isize]>, keep: bool) -> Result<Tensor> {
    reducing(x, ReduceOp::Min, &|x| reduce(x, ReduceOp::Min, axes, keep, "min"))
}

/// The mean over `axes`, computed in float32: of a float in its dtype, else in float32.
///
/// # Errors
/// As [`sum`].
pub fn mean(x: &Tensor, axes: Option<&[isize]>, keep: bool) -> Result<Tensor> {
    let total = sum(&x.cast(DType::F32)?, axes, keep)?;
    let count = x.size() as f64 / (total.size() as f64).max(1.0);
    rounded(mul(&total, &total.constant(1.0 / count)), x.dtype().float())
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
    let order = x.shape().order_with_last(&[axis]);
    let shape = x.shape().without(&[axis]);
    let last = crate::ops::permute(&ordered(x)?, &order)?;
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
    let calc = Calc::default();
    let wide = calc.of(x).number();
    let largest = wide.then(&|x| max(x, axes, true)?.stop_gradient());
    let total = (wide - largest).map(exp).then(&|x| sum(x, axes, true));
    let mut result = (total.map(log) + largest).cast(x.dtype().float());
    if !keep {
        result = result.reshape(&x.shape().without(&x.shape().axes(axes, "logSumExp")?));
    }
    calc.result(result)
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
    let axes: Vec<isize> =
        (0..x.rank()).filter(|&d| d < lead || (shape[d - lead] == 1 && x.shape()[d] != 1)).map(|d| d as isize).listed();
    reshape(&sum(x, Some(&axes), false)?, shape)
}
