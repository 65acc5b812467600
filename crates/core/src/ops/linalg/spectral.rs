//! Singular values and eigenvalues.

use super::{routine, same_rows, symmetric, with_gradient, Matrices, Term};
use crate::dtype::DType;
use crate::error::Result;
use crate::op::Linalg;
use crate::ops::{expand_dims, greater, matmul, max, mul, select, squeeze, sum};
use crate::tensor::Tensor;

/// `1 / (x_j - x_i)` of `x` `[batch, n]`, and 0 where both are equal.
fn gaps(x: &Term) -> Term {
    (&x.expand(1) - &x.expand(2)).inverse_or_zero()
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
    let n = a.n;
    let both = move |packed: &Term| (packed.part(0, &[n]), packed.part(n, &[n, n]));
    let backward = move |packed: &Term, dy: &Term| {
        let ((w, v), (dw, dv)) = (both(packed), both(dy));
        let turned = &gaps(&w) * &v.t().dot(&dv);
        vec![(&v.columns(&dw) + &v.dot(&turned)).dot(&v.t())]
    };
    let packed = with_gradient(&[&symmetric(&a.x)], &|x| routine(Linalg::Eigh, x), Box::new(backward));
    let (w, v) = both(&packed);
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
    let a = Matrices::new("svd", x)?;
    let wide = a.m < a.n;
    let (m, n) = (a.m.max(a.n), a.m.min(a.n));
    let parts =
        move |packed: &Term| (packed.part(0, &[m, n]), packed.part(m * n, &[n]), packed.part(m * n + n, &[n, n]));
    let backward = move |packed: &Term, dy: &Term| {
        let ((u, s, v), (du, ds, dv)) = (parts(packed), parts(dy));
        let f = gaps(&(&s * &s));
        // What turns vectors within the space that they span.
        let turn = |x: &Term, dx: &Term| {
            let inner = x.t().dot(dx);
            &f * &(&inner - &inner.t())
        };
        let within = &turn(&u, &du).columns(&s) + &turn(&v, &dv).rows(&s);
        // What turns those of the longer side out of it.
        let outside = (&du - &u.dot(&u.t().dot(&du))).columns(&s.inverse_or_zero());
        vec![(&(&u.dot(&within) + &u.columns(&ds)) + &outside).dot(&v.t())]
    };
    let tall = if wide { a.x.t() } else { a.x.clone() };
    let (u, s, v) = parts(&with_gradient(&[&tall], &|x| routine(Linalg::Svd, x), Box::new(backward)));
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
    let forward = |x: &[Term]| {
        let of = |x: &Tensor| {
            let (u, s, v) = svd(x)?;
            let inverse = Term::from(&s).inverse_or_zero();
            let inverse = inverse.map(|i| select(&counts(&s, tolerance)?, i, &mul(&s, &s.constant(0.0))?));
            Term::from(&v).columns(&inverse).dot(&Term::from(&u).t()).0
        };
        x[0].map(of)
    };
    let backward = move |p: &Term, dp: &Term| {
        let (pt, dpt) = (p.t(), dp.t());
        // What lies outside the column space of x, and outside its row space.
        let across = (&dpt - &matrix.dot(p).dot(&dpt)).dot(p).dot(&pt);
        let inner = pt.dot(&p.dot(&dpt));
        let along = &inner - &inner.dot(&p.dot(&matrix));
        vec![&(&across + &along) - &pt.dot(dp).dot(&pt)]
    };
    a.back(&with_gradient(&[&a.x], &forward, Box::new(backward)))
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
    same_rows("lstsq", &left, &right, b)?;
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
