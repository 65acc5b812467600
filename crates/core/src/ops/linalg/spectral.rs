//! Singular values and eigenvalues.

use super::{part, product, routine, symmetric, transposed, Matrices};
use crate::dtype::DType;
use crate::error::{Error, Result};
use crate::grad::custom;
use crate::op::Linalg;
use crate::ops::{add, div, equal, expand_dims, greater, matmul, max, mul, neg, select, square, squeeze, sub, sum};
use crate::tensor::Tensor;

/// `1 / x`, and 0 where `x` is 0: what a direction that has no answer passes on.
fn inverse_or_zero(x: &Tensor) -> Result<Tensor> {
    let none = equal(x, &x.constant(0.0))?;
    let safe = select(&none, &x.constant(1.0), x)?;
    select(&none, &x.constant(0.0), &div(&x.constant(1.0), &safe)?)
}

/// `x diag(d)` of `[batch, m, n]` and `[batch, n]`.
fn scale_columns(x: &Tensor, d: &Tensor) -> Result<Tensor> {
    mul(x, &expand_dims(d, 1)?)
}

/// `1 / (x_j - x_i)` of `x` `[batch, n]`, and 0 where both are equal.
fn gaps(x: &Tensor) -> Result<Tensor> {
    inverse_or_zero(&sub(&expand_dims(x, 1)?, &expand_dims(x, 2)?)?)
}

/// Ascending eigenvalues `[.., n]` of the symmetric part of `x` `[.., n, n]`, and the eigenvectors as columns `[.., n, n]`.
/// Of each vector, the first element of at least three quarters of the largest's magnitude is positive. NaN where `x` is
/// not finite.
///
/// Gradients of vectors whose eigenvalues are equal do not exist; they pass on 0, so that those of functions of the
/// eigenvalues are right.
///
/// # Errors
/// `ErrorKind::Shape` when the matrices are not square.
pub fn eigh(x: &Tensor) -> Result<(Tensor, Tensor)> {
    let a = Matrices::square("eigh", x)?;
    let n = a.rows();
    let both = move |packed: &Tensor| Ok((part(packed, 0, [n])?, part(packed, n, [n, n])?));
    let backward = move |packed: &Tensor, dy: &Tensor| {
        let ((w, v), (dw, dv)) = (both(packed)?, both(dy)?);
        let turned = mul(&gaps(&w)?, &product(&transposed(&v)?, &dv)?)?;
        let values = product(&scale_columns(&v, &dw)?, &transposed(&v)?)?;
        Ok(vec![add(&values, &product(&product(&v, &turned)?, &transposed(&v)?)?)?])
    };
    let packed = custom(&[&symmetric(&a.x)?], |x| routine(Linalg::Eigh, &[&x[0]]), backward)?;
    let (w, v) = both(&packed)?;
    Ok((a.back(&w)?, a.back(&v)?))
}

/// The thin singular value decomposition `u diag(s) vᵀ = x` `[.., m, n]`: `u` `[.., m, k]`, descending `s` `[.., k]` and `v`
/// `[.., n, k]`, k being the smaller of m and n. Of each column of `u` (of `v` where `m < n`), the first element of at least
/// three quarters of the largest's magnitude is positive. NaN where `x` is not finite.
///
/// Gradients of vectors whose singular values are equal or 0 do not exist; they pass on 0, so that those of functions of
/// the singular values are right. Townsend, Differentiating the singular value decomposition, 2016.
///
/// # Errors
/// `ErrorKind::Shape` when there are no two dimensions.
pub fn svd(x: &Tensor) -> Result<(Tensor, Tensor, Tensor)> {
    let mut a = Matrices::new("svd", x)?;
    let wide = a.rows() < a.columns();
    if wide {
        a.x = transposed(&a.x)?;
    }
    let (m, n) = (a.rows(), a.columns());
    let parts = move |packed: &Tensor| {
        Ok((part(packed, 0, [m, n])?, part(packed, m * n, [n])?, part(packed, m * n + n, [n, n])?))
    };
    let backward = move |packed: &Tensor, dy: &Tensor| {
        let ((u, s, v), (du, ds, dv)) = (parts(packed)?, parts(dy)?);
        let f = gaps(&square(&s)?)?;
        let inverse = inverse_or_zero(&s)?;
        // What turns vectors within the space that they span.
        let turn = |x: &Tensor, dx: &Tensor| {
            let inner = product(&transposed(x)?, dx)?;
            mul(&f, &sub(&inner, &transposed(&inner)?)?)
        };
        let rows = |x: &Tensor| mul(&expand_dims(&s, -1)?, x);
        let within = add(&scale_columns(&turn(&u, &du)?, &s)?, &rows(&turn(&v, &dv)?)?)?;
        let all = add(&product(&u, &within)?, &scale_columns(&u, &ds)?)?;
        // What turns those of the longer side out of it.
        let outside = sub(&du, &product(&u, &product(&transposed(&u)?, &du)?)?)?;
        let all = add(&all, &scale_columns(&outside, &inverse)?)?;
        Ok(vec![product(&all, &transposed(&v)?)?])
    };
    let (u, s, v) = parts(&custom(&[&a.x], |x| routine(Linalg::Svd, &[&x[0]]), backward)?)?;
    let (u, s, v) = (a.back(&u)?, a.back(&s)?, a.back(&v)?);
    Ok(if wide { (v, s, u) } else { (u, s, v) })
}

/// Where singular values `s` count: above `tolerance` times the largest.
fn counts(s: &Tensor, tolerance: f32) -> Result<Tensor> {
    if s.size() == 0 {
        return s.cast(DType::Bool);
    }
    let limit = mul(&max(s, Some(&[-1]), true)?, &s.constant(f64::from(tolerance)))?;
    greater(s, &limit)
}

/// The tolerance of singular values of `x` when none is given: float32's rounding times the longer side.
fn tolerance_of(x: &Tensor, given: Option<f32>) -> f32 {
    let sides = x.shape().iter().rev().take(2);
    given.unwrap_or(f32::EPSILON * sides.copied().max().unwrap_or(1) as f32)
}

/// The Moore-Penrose pseudo-inverse `[.., n, m]` of `x` `[.., m, n]`; singular values up to `tolerance` (float32's rounding
/// times the longer side when `None`) times the largest count as 0.
///
/// Gradient: Golub and Pereyra, The differentiation of pseudo-inverses, 1973; of matrices whose rank does not change.
///
/// # Errors
/// `ErrorKind::Shape` when there are no two dimensions.
pub fn pinv(x: &Tensor, tolerance: Option<f32>) -> Result<Tensor> {
    let a = Matrices::new("pinv", x)?;
    let tolerance = tolerance_of(x, tolerance);
    let matrix = a.x.clone();
    let forward = |x: &[Tensor]| {
        let (u, s, v) = svd(&x[0])?;
        let inverse = select(&counts(&s, tolerance)?, &inverse_or_zero(&s)?, &mul(&s, &s.constant(0.0))?)?;
        product(&scale_columns(&v, &inverse)?, &transposed(&u)?)
    };
    let backward = move |p: &Tensor, dp: &Tensor| {
        let (pt, dpt) = (transposed(p)?, transposed(dp)?);
        // What lies outside the column space of x, and outside its row space.
        let (ap, pa) = (product(&matrix, p)?, product(p, &matrix)?);
        let outside = sub(&dpt, &product(&ap, &dpt)?)?;
        let across = product(&product(&outside, p)?, &pt)?;
        let inner = product(&pt, &product(p, &dpt)?)?;
        let along = sub(&inner, &product(&inner, &pa)?)?;
        let direct = product(&product(&pt, dp)?, &pt)?;
        Ok(vec![add(&neg(&direct)?, &add(&across, &along)?)?])
    };
    a.back(&custom(&[&a.x], forward, backward)?)
}

/// The solution of least norm of the least-squares problem `min |a x - b|`, `a` `[.., m, n]` of any rank: `[.., n, k]` of
/// `b` `[.., m, k]`, batches broadcasting, or `[n]` of a vector `[m]`. `tolerance` as [`pinv`]'s.
///
/// # Errors
/// `ErrorKind::Shape` when `a` and `b` have not as many rows, or batches do not broadcast.
pub fn lstsq(a: &Tensor, b: &Tensor, tolerance: Option<f32>) -> Result<Tensor> {
    if b.rank() == 1 {
        return squeeze(&lstsq(a, &expand_dims(b, -1)?, tolerance)?, Some(&[-1]));
    }
    let (left, right) = (Matrices::new("lstsq", a)?, Matrices::new("lstsq", b)?);
    if left.rows() != right.rows() {
        let expected = format!("right sides of {} rows", left.rows());
        return Err(Error::shape("lstsq", expected, b.shape()));
    }
    matmul(&pinv(a, tolerance)?, b, false, false)
}

/// How many singular values are above `tolerance` (as [`pinv`]'s) times the largest: int32 `[..]`.
///
/// # Errors
/// `ErrorKind::Shape` when there are no two dimensions.
pub fn matrix_rank(x: &Tensor, tolerance: Option<f32>) -> Result<Tensor> {
    let (_, s, _) = svd(x)?;
    sum(&counts(&s, tolerance_of(x, tolerance))?.cast(DType::I32)?, Some(&[-1]), false)
}
