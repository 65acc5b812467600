//! Picking by index.

use crate::calc::{Calc, Term};
use crate::device::Device;
use crate::dtype::{DType, Scalar};
use crate::error::{Error, Result};
use crate::number;
use crate::op::{IndexOp, Op, ReduceOp};
use crate::ops::reduce::reducing;
use crate::ops::{add, equal, mul};
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
    let full = Shape::joined(&[indices.shape(), &[depth]]);
    let calc = Calc::default();
    let indices = calc.of(indices);
    let hit = indices.expand(-1).with(indices.iota(&full, full.rank() - 1), equal);
    let value = |v: f64| calc.of(&indices.value().device().constant_of(dtype, v));
    calc.result(hit.choose(value(on), value(off)))
}

/// Whether each number of the int32 `index` is below `n` and not negative. Of none, -1 counts, too.
pub(super) fn within(index: &Tensor, n: usize) -> Result<Tensor> {
    let calc = Calc::default();
    let index = calc.of(index);
    calc.result(index.with(index.clip(0.0, n as f64 - 1.0), equal))
}

/// Whole numbers of any dtype as indices.
pub(super) fn indices_of(op: &str, expected: &str, index: &Tensor) -> Result<Tensor> {
    if !index.dtype().is_integer() {
        return Err(Error::dtype(op, expected, index.dtype().name()));
    }
    index.cast(DType::I32)
}

fn index_op(op: IndexOp, x: &Tensor, index: &Tensor, shape: Shape) -> Result<Tensor> {
    x.device().record(Op::Index(op), &[x, index], shape, x.dtype())
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
        let expected = format_args!("{batch_dims} equal leading dimensions before axis {axis}");
        return Err(Error::shape("gather", expected, format_args!("{} and indices {}", x.shape(), indices.shape())));
    }
    let batch: usize = x.shape()[..batch_dims].iter().product();
    let outer: usize = x.shape()[batch_dims..axis].iter().product();
    let inner: usize = x.shape()[axis + 1..].iter().product();
    let n = x.shape()[axis];
    let picked = &indices.shape()[batch_dims..];
    let k: usize = picked.iter().product();
    let out = Shape::joined(&[&x.shape()[..axis], picked, &x.shape()[axis + 1..]]);
    let calc = Calc::default();
    let (x, indices) = (calc.of(x), calc.of(indices));
    if batch_dims == 0 {
        let (rows, flat) = (x.reshape(&[outer, n, inner]), indices.reshape(&[k]));
        return calc.result(taken(rows, flat, [outer, k, inner]).reshape(&out));
    }
    // Each batch has indices of its own: number the rows of all batches through.
    let moved = x.reshape(&[batch, outer, n, inner]).permute(&[0, 2, 1, 3]);
    let rows = moved.reshape(&[1, batch * n, outer * inner]);
    let first_row = x.iota(&[batch, k], 0) * n as f64;
    let flat = (indices.reshape(&[batch, k]) + first_row).reshape(&[batch * k]);
    let found = taken(rows, flat, [1, batch * k, outer * inner]);
    calc.result(found.reshape(&[batch, k, outer, inner]).permute(&[0, 2, 1, 3]).reshape(&out))
}

/// Rows at indices.
fn taken<'a>(rows: Term<'a>, index: Term<'a>, shape: [usize; 3]) -> Term<'a> {
    rows.then(&|x| index_op(IndexOp::Gather, x, index.value(), Shape::from(shape)))
}

/// `updates [outer, k, inner]` reduced at `index [k]`: `[outer, n, inner]`, as [`IndexOp::Scatter`] says.
pub(crate) fn scatter(updates: &Tensor, index: &Tensor, n: usize, op: ReduceOp) -> Result<Tensor> {
    let s = updates.shape();
    let shape = Shape::from([s[0], n, s[2]]);
    reducing(updates, op, &|updates| index_op(IndexOp::Scatter(op), updates, index, shape.clone()))
}

/// `x [rows, n]` at `index [rows, k]`.
pub(crate) fn take_along(x: &Tensor, index: &Tensor) -> Result<Tensor> {
    index_op(IndexOp::TakeAlong, x, index, index.shape().clone())
}

/// `updates [rows, k]` summed into zeros `[rows, n]` at `index [rows, k]`.
pub(crate) fn put_along_add(updates: &Tensor, index: &Tensor, n: usize) -> Result<Tensor> {
    let shape = Shape::from([updates.shape()[0], n]);
    reducing(updates, ReduceOp::Sum, &|updates| index_op(IndexOp::PutAlongAdd, updates, index, shape.clone()))
}
