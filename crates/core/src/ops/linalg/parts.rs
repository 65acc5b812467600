//! Parts of matrices.

use crate::error::{Error, Result};
use crate::ops::{
    equal, greater_equal, less, less_equal, logical_and, logical_or, neg, reshape, select, strided_slice, sub, sum,
};
use crate::shape::Shape;
use crate::tensor::Tensor;

/// `x` where a test of the row's number less the column's (int32 `[m, n]`) holds, and 0 elsewhere.
fn masked(op: &str, x: &Tensor, test: impl FnOnce(&Tensor) -> Result<Tensor>) -> Result<Tensor> {
    let &[.., m, n] = &x.shape()[..] else {
        return Err(Error::shape(op, "matrices in the last two dimensions", x.shape()));
    };
    let device = x.device();
    let below = sub(&device.iota([m, n], 0)?, &device.iota([m, n], 1)?)?;
    select(&test(&below)?, x, &x.constant(0.0))
}

/// `x` within `lower` diagonals below the main one and `upper` above, and 0 elsewhere. The counts are int32 scalars; a
/// negative one is all. As `tf.linalg.bandPart`.
///
/// # Errors
/// `ErrorKind::Shape` when `x` has no last two dimensions, or a count is not a scalar.
pub fn band_part(x: &Tensor, lower: &Tensor, upper: &Tensor) -> Result<Tensor> {
    let within = |count: &Tensor, distance: &Tensor| {
        if count.size() != 1 {
            return Err(Error::shape("bandPart", "scalar counts of diagonals", count.shape()));
        }
        let count = reshape(count, Shape::default())?;
        logical_or(&less(&count, &count.constant(0.0))?, &less_equal(distance, &count)?)
    };
    masked("bandPart", x, |below| logical_and(&within(lower, below)?, &within(upper, &neg(below)?)?))
}

/// A triangle of `x` with its diagonal, or without.
pub(super) fn triangle(x: &Tensor, lower: bool, diagonal: bool) -> Result<Tensor> {
    masked("triangle", x, |below| {
        let distance = if lower { below.clone() } else { neg(below)? };
        greater_equal(&distance, &distance.constant(if diagonal { 0.0 } else { 1.0 }))
    })
}

/// Identity matrices of `like`'s `[batch, n, n]`.
pub(super) fn identity(like: &Tensor) -> Result<Tensor> {
    masked("identity", &like.ones_like()?, |below| equal(below, &below.constant(0.0)))
}

/// The elements `[i, i]` of the matrices in the last two dimensions. Any dtype.
///
/// # Errors
/// `ErrorKind::Shape` when there are no two dimensions.
pub fn diag_part(x: &Tensor) -> Result<Tensor> {
    let [outer @ .., m, n] = &x.shape()[..] else {
        return Err(Error::shape("diagPart", "matrices in the last two dimensions", x.shape()));
    };
    let (batch, size) = (outer.iter().product(), *m.min(n));
    let flat = reshape(x, [batch, m * n])?;
    let diagonal = strided_slice(&flat, &[0, 0], &[batch, size], &[1, *n as isize + 1])?;
    reshape(&diagonal, Shape::joined(&[outer, &[size]]))
}

/// The sums of the diagonals of the matrices in the last two dimensions.
///
/// # Errors
/// As [`diag_part`].
pub fn trace(x: &Tensor) -> Result<Tensor> {
    sum(&diag_part(x)?, Some(&[-1]), false)
}
