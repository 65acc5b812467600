//! Sorting.

use crate::collect::Listed;
use crate::dtype::DType;
use crate::error::{Error, Result};
use crate::grad::custom;
use crate::op::{Dims, Op, Routine};
use crate::ops::reduce::ordered;
use crate::ops::{permute, reshape, take_along};
use crate::shape::Shape;
use crate::tensor::Tensor;

/// Positions of the first `k` elements of each row of `x [rows, n]` in order: int32 `[rows, k]`.
fn order(x: &Tensor, k: usize, descending: bool) -> Result<Tensor> {
    let shape = Shape::from([x.shape()[0], k]);
    x.device().record(Op::Routine(Routine::Sort { descending }), &[&ordered(x)?], shape, DType::I32)
}

/// `x [rows, n]` with each row in the order that `positions` give, each position once. Its gradient goes back by the
/// inverse order: nothing is summed.
fn rearranged(x: &Tensor, positions: &Tensor) -> Result<Tensor> {
    let back = positions.clone();
    custom(
        &[x],
        |x| take_along(&x[0], positions),
        move |_, dy| Ok(vec![rearranged(dy, &order(&back, back.shape()[1], false)?)?]),
    )
}

/// Rows along an axis, and the way back to the tensor.
struct Rows {
    rows: Tensor,
    /// Swaps the axis and the last dimension.
    swap: Dims,
    swapped: Shape,
}

impl Rows {
    fn new(x: &Tensor, axis: isize, op: &str) -> Result<Rows> {
        let axis = x.shape().axis(axis, op)?;
        let mut swap: Dims = (0..x.rank()).per_dimension();
        swap.swap(axis, x.rank() - 1);
        let turned = permute(x, &swap)?;
        let n = x.shape()[axis];
        let rows = reshape(&turned, [x.shape().without(&[axis]).size(), n])?;
        Ok(Rows { rows, swap, swapped: turned.shape().clone() })
    }

    fn back(&self, rows: &Tensor) -> Result<Tensor> {
        permute(&reshape(rows, &self.swapped)?, &self.swap)
    }
}

/// The elements along `axis` in ascending or descending order; NaN comes last in both.
///
/// # Errors
/// `ErrorKind::Argument` when the axis does not exist.
pub fn sort(x: &Tensor, axis: isize, descending: bool) -> Result<Tensor> {
    let r = Rows::new(x, axis, "sort")?;
    let positions = order(&r.rows, r.rows.shape()[1], descending)?;
    r.back(&rearranged(&r.rows, &positions)?)
}

/// The int32 positions along `axis` of the elements of [`sort`]; equal elements keep their order.
///
/// # Errors
/// As [`sort`].
pub fn argsort(x: &Tensor, axis: isize, descending: bool) -> Result<Tensor> {
    let r = Rows::new(x, axis, "argsort")?;
    r.back(&order(&r.rows, r.rows.shape()[1], descending)?)
}

/// The `k` largest elements of the last dimension, largest first, and their int32 positions, the first of equals first; NaN
/// counts as smallest.
///
/// # Errors
/// `ErrorKind::Argument` when `k` exceeds the last dimension; `ErrorKind::Shape` for a scalar.
pub fn topk(x: &Tensor, k: usize) -> Result<(Tensor, Tensor)> {
    let Some(&n) = x.shape().last() else {
        return Err(Error::shape("topk", "a tensor of rank at least 1", x.shape()));
    };
    if k > n {
        return Err(Error::argument("topk", format_args!("k at most the last dimension, {n}"), k));
    }
    let rows = x.size() / n.max(1);
    let flat = reshape(x, [rows, n])?;
    let index = order(&flat, k, true)?;
    let out = x.shape().with_dim(x.rank() - 1, k);
    Ok((reshape(&take_along(&flat, &index)?, &out)?, reshape(&index, out)?))
}
