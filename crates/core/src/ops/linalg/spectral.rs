//! Singular values and eigenvalues.

use super::{routine, same_rows, symmetric, Matrices};
use crate::calc::{with_gradient, Calc, Gradient, Term};
use crate::dtype::DType;
use crate::error::Result;
use crate::op::Linalg;
use crate::ops::{expand_dims, matmul, squeeze};
use crate::tensor::Tensor;

/// `1 / (x_j - x_i)` of `x` `[batch, n]`, and 0 where both are equal.
fn gaps(x: Term<'_>) -> Term<'_> {
    (x.expand(1) - x.expand(2)).inverse_or_zero()
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
    let calc = Calc::default();
    let a = Matrices::square(&calc, "eigh", x)?;
    let n = a.n;
    let backward: Gradient = Box::new(move |packed, dy| {
        let ([w, v], [dw, dv]) = (eigen(packed, n), eigen(dy, n));
        let turned = gaps(w) * v.t().dot(dv);
        vec![(v.columns(dw) + v.dot(turned)).dot(v.t())]
    });
    a.both(eigen(with_gradient(&[symmetric(a.x)], &|x| routine(Linalg::Eigh, x), backward), n))
}

/// Eigenvalues and vectors, which the routine gives in one.
fn eigen(packed: Term<'_>, n: usize) -> [Term<'_>; 2] {
    [packed.unpack(0, &[n]), packed.unpack(n, &[n, n])]
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
    let calc = Calc::default();
    let a = Matrices::new(&calc, "svd", x)?;
    let [u, s, v] = decomposed(a.x, a.m, a.n);
    let (u, v) = a.both([u, v])?;
    Ok((u, a.back(s)?, v))
}

/// As [`svd`], of `[batch, m, n]`.
fn decomposed(x: Term<'_>, m: usize, n: usize) -> [Term<'_>; 3] {
    let wide = m < n;
    let (m, n) = (m.max(n), m.min(n));
    let backward: Gradient = Box::new(move |packed, dy| {
        let ([u, s, v], [du, ds, dv]) = (singular(packed, m, n), singular(dy, m, n));
        let f = gaps(s.square());
        // What turns vectors within the space that they span.
        let within = (f * skew(u, du)).columns(s) + (f * skew(v, dv)).rows(s);
        // What turns those of the longer side out of it.
        let outside = (du - u.dot(u.t().dot(du))).columns(s.inverse_or_zero());
        vec![((u.dot(within) + u.columns(ds)) + outside).dot(v.t())]
    });
    let tall = if wide { x.t() } else { x };
    let [u, s, v] = singular(with_gradient(&[tall], &|x| routine(Linalg::Svd, x), backward), m, n);
    if wide {
        [v, s, u]
    } else {
        [u, s, v]
    }
}

/// `xᵀ dx - dxᵀ x`.
fn skew<'a>(x: Term<'a>, dx: Term<'a>) -> Term<'a> {
    let inner = x.t().dot(dx);
    inner - inner.t()
}

/// Vectors, values and vectors, which the routine gives in one.
fn singular(packed: Term<'_>, m: usize, n: usize) -> [Term<'_>; 3] {
    [packed.unpack(0, &[m, n]), packed.unpack(m * n, &[n]), packed.unpack(m * n + n, &[n, n])]
}

/// Where singular values `s` count: above `tolerance` times the largest.
fn counts(s: Term<'_>, tolerance: f32) -> Term<'_> {
    if s.size() == 0 {
        return s.cast(DType::Bool);
    }
    s.above(s.max_of_rows() * f64::from(tolerance))
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
    let calc = Calc::default();
    let a = Matrices::new(&calc, "pinv", x)?;
    let tolerance = tolerance_of(x, tolerance);
    let matrix = a.x.value().clone();
    let (m, n) = (a.m, a.n);
    let backward: Gradient = Box::new(move |p, dp| {
        let (pt, dpt, matrix) = (p.t(), dp.t(), p.of(&matrix));
        // What lies outside the column space of x, and outside its row space.
        let across = (dpt - matrix.dot(p).dot(dpt)).dot(p).dot(pt);
        let inner = pt.dot(p.dot(dpt));
        let along = inner - inner.dot(p.dot(matrix));
        vec![(across + along) - pt.dot(dp).dot(pt)]
    });
    let inverse = with_gradient(
        &[a.x],
        &|x| {
            let [u, s, v] = decomposed(x[0], m, n);
            v.columns(counts(s, tolerance).choose(s.inverse_or_zero(), s * 0.0)).dot(u.t())
        },
        backward,
    );
    a.back(inverse)
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
    let calc = Calc::default();
    let (left, right) = (Matrices::new(&calc, "lstsq", a)?, Matrices::new(&calc, "lstsq", b)?);
    same_rows("lstsq", &left, &right, b)?;
    matmul(&pinv(a, tolerance)?, b, false, false)
}

/// How many singular values are above `tolerance` (as [`pinv`]'s) times the largest: int32 `[..]`.
///
/// # Errors
/// `ErrorKind::Shape` when there are no two dimensions.
pub fn matrix_rank(x: &Tensor, tolerance: Option<f32>) -> Result<Tensor> {
    let (_, s, _) = svd(x)?;
    let calc = Calc::default();
    calc.result(counts(calc.of(&s), tolerance_of(x, tolerance)).whole().sum(&[-1], false))
}
