//! Picking and placing slices by vectors of indices.

use crate::calc::Calc;
use crate::dtype::DType;
use crate::error::{Error, Result};
use crate::op::ReduceOp;
use crate::ops::index::indices_of;
use crate::ops::index::within;
use crate::ops::reduce::numeric;
use crate::ops::{add, broadcast_to, gather, greater_equal, maximum, minimum, mul, reshape, scatter};
use crate::shape::Shape;
use crate::tensor::Tensor;

/// How updates join what is there, in [`tensor_scatter`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ScatterKind {
    /// They replace it; of several for one place the last stays.
    Update,
    /// They are reduced with it.
    Reduce(ReduceOp),
}

/// Where index vectors point: at slices `[k]` of a tensor seen as `[rows, inner]`.
struct Places {
    /// The row of each vector, outside for a vector that points outside.
    rows: Tensor,
    /// The number of rows.
    n: usize,
    /// The elements of a slice.
    inner: usize,
    /// The shape of the slices that all vectors point at: the dimensions of the vectors, then those of a slice.
    shape: Shape,
}

/// Where the vectors in the last dimension of `indices` point in a tensor of `shape`.
fn places(indices: &Tensor, shape: &Shape, op: &str) -> Result<Places> {
    let indices = &indices_of(op, "int32 indices", indices)?;
    let Some((&depth, vectors)) = indices.shape().split_last() else {
        return Err(Error::shape(op, "indices of rank at least 1", indices.shape()));
    };
    if depth > shape.rank() {
        let expected = format_args!("index vectors of at most {} numbers for shape {shape}", shape.rank());
        return Err(Error::shape(op, expected, depth));
    }
    let k: usize = vectors.iter().product();
    let (outer, slice_dims) = shape.split_at(depth);
    let calc = Calc::default();
    let list = calc.of(indices).reshape(&[k, depth]);
    let device = indices.device();
    let mut rows = calc.of(&device.zeros([k], DType::I32)?);
    let mut inside = calc.of(&device.ones([k], DType::Bool)?);
    for (d, &dim) in outer.iter().enumerate() {
        let number = list.part(1, d, 1).reshape(&[k]);
        rows = rows * dim as f64 + number;
        inside = inside.and(number.then(&|x| within(x, dim)));
    }
    Ok(Places {
        rows: calc.result(rows.where_else(inside, -1.0))?,
        n: outer.iter().product(),
        inner: slice_dims.iter().product(),
        shape: Shape::joined(&[vectors, slice_dims]),
    })
}

impl Places {
    /// `updates` as `[1, k, inner]`.
    fn lines(&self, updates: &Tensor, op: &str) -> Result<Tensor> {
        if *updates.shape() != self.shape {
            return Err(Error::shape(op, format_args!("updates of shape {}", self.shape), updates.shape()));
        }
        reshape(updates, [1, self.rows.size(), self.inner])
    }
}

/// The slices of `x` that the vectors in the last dimension of `indices` point at; the others of its dimensions come first
/// in the result. A vector that points outside reads 0.
///
/// # Errors
/// `ErrorKind::DType` when `indices` is not int32; `ErrorKind::Shape` when its vectors are longer than `x` has dimensions.
pub fn gather_nd(x: &Tensor, indices: &Tensor) -> Result<Tensor> {
    let places = places(indices, x.shape(), "gatherND")?;
    let lines = reshape(x, [1, places.n, places.inner])?;
    reshape(&gather(&lines, &places.rows, 1, 0)?, places.shape)
}

/// `updates` summed into zeros of `shape` at the vectors in the last dimension of `indices`. A vector that points outside
/// writes nothing. bool counts as int32.
///
/// # Errors
/// As [`gather_nd`]; `ErrorKind::Shape` when there is not one update for each vector.
pub fn scatter_nd(indices: &Tensor, updates: &Tensor, shape: impl Into<Shape>) -> Result<Tensor> {
    let shape = shape.into();
    let places = places(indices, &shape, "scatterND")?;
    let lines = places.lines(updates, "scatterND")?;
    reshape(&scatter(&lines, &places.rows, places.n, ReduceOp::Sum)?, shape)
}

/// `x` with `updates` placed at the vectors in the last dimension of `indices`. A vector that points outside writes nothing.
/// The result does not depend on the order of updates, but for [`ScatterKind::Update`], where the last stays.
///
/// # Errors
/// As [`scatter_nd`]; `ErrorKind::DType` when `updates` are of another dtype than `x`, or bools are to be summed or
/// multiplied.
pub fn tensor_scatter(x: &Tensor, indices: &Tensor, updates: &Tensor, kind: ScatterKind) -> Result<Tensor> {
    const NAME: &str = "tensorScatter";
    if x.dtype() != updates.dtype() {
        return Err(Error::dtype(NAME, format_args!("updates of {}", x.dtype().name()), updates.dtype().name()));
    }
    let sums = matches!(kind, ScatterKind::Reduce(ReduceOp::Sum | ReduceOp::Prod));
    if sums && x.dtype() == DType::Bool {
        return Err(Error::dtype(NAME, "float32 or int32 to sum or multiply", x.dtype().name()));
    }
    let places = places(indices, x.shape(), NAME)?;
    let (updates, rows, n) = (places.lines(updates, NAME)?, &places.rows, places.n);
    let calc = Calc::default();
    let (base, updates) = (calc.of(x).reshape(&[1, n, places.inner]), calc.of(&updates));
    let result = match kind {
        ScatterKind::Reduce(op) => {
            let f = match op {
                ReduceOp::Sum => add,
                ReduceOp::Prod => mul,
                ReduceOp::Max => larger,
                ReduceOp::Min => smaller,
            };
            base.with(updates.then(&|x| scatter(x, rows, n, op)), f)
        }
        ScatterKind::Update => {
            // The last update of each place, by its number.
            let numbers = base.iota(&[1, rows.size(), 1], 1);
            let last = numbers.then(&|x| scatter(x, rows, n, ReduceOp::Max));
            let picked = updates.with(last.reshape(&[n]), |x, places| gather(x, places, 1, 0));
            last.by(0.0, greater_equal).choose(picked, base)
        }
    };
    calc.result(result.cast(x.dtype()).reshape(x.shape()))
}

/// The larger of each pair; of bools whether any is true.
fn larger(a: &Tensor, b: &Tensor) -> Result<Tensor> {
    maximum(&numeric(a)?, &numeric(b)?)?.cast(a.dtype())
}

/// The smaller of each pair; of bools whether both are true.
fn smaller(a: &Tensor, b: &Tensor) -> Result<Tensor> {
    minimum(&numeric(a)?, &numeric(b)?)?.cast(a.dtype())
}

/// A tensor of `shape` filled with the scalar `default`, with `values` (one, or one for each vector) at the vectors that
/// the rows of `indices [k, rank]` are. `indices` of shape `[k]` or `[]` are of a shape of rank 1. Of several values for
/// one place the last stays.
///
/// # Errors
/// As [`tensor_scatter`]; `ErrorKind::Shape` when `indices` do not suit the shape, or `default` is no scalar.
pub fn sparse_to_dense(indices: &Tensor, values: &Tensor, shape: impl Into<Shape>, default: &Tensor) -> Result<Tensor> {
    const NAME: &str = "sparseToDense";
    let shape = shape.into();
    let (k, depth) = match indices.shape()[..] {
        [] => (1, 1),
        [k] => (k, 1),
        [k, depth] => (k, depth),
        _ => return Err(Error::shape(NAME, "indices of rank at most 2", indices.shape())),
    };
    if depth != shape.rank() {
        return Err(Error::shape(NAME, format_args!("index vectors of {} numbers", shape.rank()), depth));
    }
    if default.rank() != 0 {
        return Err(Error::shape(NAME, "a scalar default value", default.shape()));
    }
    let all = broadcast_to(default, shape)?;
    tensor_scatter(&all, &reshape(indices, [k, depth])?, &broadcast_to(values, Shape::from([k]))?, ScatterKind::Update)
}
