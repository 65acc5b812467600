//! Systems of linear equations, and what comes of their factors.

use super::parts::{diag_part, identity, triangle};
use super::{part, product, routine, symmetric, transposed, Matrices};
use crate::dtype::DType;
use crate::error::Result;
use crate::grad::custom;
use crate::op::Linalg;
use crate::ops::{abs, add, expand_dims, gather, log, mul, neg, prod, reshape, sign, slice, squeeze, sum};
use crate::tensor::Tensor;

/// The lower triangular `l` with `l lᵀ = x`, of the symmetric part of `x`; a lower triangle of NaN where that is not
/// positive definite. Gradient: Murray, Differentiation of the Cholesky decomposition, 2016.
///
/// # Errors
/// `ErrorKind::Shape` when the matrices are not square.
pub fn cholesky(x: &Tensor) -> Result<Tensor> {
    let a = Matrices::square("cholesky", x)?;
    let n = a.rows();
    let forward = |x: &[Tensor]| part(&routine(Linalg::Cholesky, &[&x[0]])?, 0, [n, n]);
    let backward = |l: &Tensor, dl: &Tensor| {
        let inner = product(&transposed(l)?, dl)?;
        // The lower triangle with half the diagonal. The result's asymmetry ends where the operand was made symmetric.
        let both = add(&triangle(&inner, true, true)?, &triangle(&inner, true, false)?)?;
        let half = mul(&both, &both.constant(0.5))?;
        let left = triangular(l, &half, true, true, false)?;
        Ok(vec![triangular(l, &transposed(&left)?, true, true, false)?])
    };
    a.back(&custom(&[&symmetric(&a.x)?], forward, backward)?)
}

/// `x` with `matrix x = rhs`, or `matrixᵀ x = rhs` where `adjoint`, of whose matrix only the `lower` or the upper triangle
/// is read. Batches broadcast. Infinities or NaN where the diagonal has a 0.
///
/// # Errors
/// `ErrorKind::Shape` when the matrices are not square, have not as many rows as the right sides, or batches do not
/// broadcast.
pub fn triangular_solve(matrix: &Tensor, rhs: &Tensor, lower: bool, adjoint: bool) -> Result<Tensor> {
    let (a, b) = Matrices::system("triangularSolve", matrix, rhs)?;
    b.back(&triangular(&a.x, &b.x, lower, adjoint, false)?)
}

pub(super) fn triangular(a: &Tensor, b: &Tensor, lower: bool, adjoint: bool, unit: bool) -> Result<Tensor> {
    let kind = Linalg::TriangularSolve { lower, adjoint, unit };
    let (n, k) = (b.shape()[1], b.shape()[2]);
    let matrix = a.clone();
    let backward = move |x: &Tensor, dx: &Tensor| {
        let db = triangular(&matrix, dx, lower, !adjoint, unit)?;
        let da = if adjoint { product(x, &transposed(&db)?) } else { product(&db, &transposed(x)?) }?;
        Ok(vec![neg(&triangle(&da, lower, !unit)?)?, db])
    };
    custom(&[a, b], |x| part(&routine(kind, &[&x[0], &x[1]])?, 0, [n, k]), backward)
}

/// The triangular factors of `[batch, n, n]`. Gradients belong to what is computed with them.
#[derive(Clone)]
struct Factors {
    /// `l` and `u` in one.
    both: Tensor,
    /// Of which row each row is, and where each row went: int32 `[batch, n]`.
    from: Tensor,
    to: Tensor,
    /// The determinant of the permutation, `[batch]`.
    parity: Tensor,
}

impl Factors {
    fn new(a: &Tensor) -> Result<Factors> {
        let n = a.shape()[1];
        a.device().without_tapes(|| {
            let packed = part(&routine(Linalg::Lu, &[a])?, 0, [n + 1, n + 1])?;
            let batch = packed.shape()[0];
            let region = |begin: [usize; 2], size: [usize; 2]| {
                slice(&packed, &[0, begin[0], begin[1]], &[batch, size[0], size[1]])
            };
            let places = |x: Tensor| reshape(&x, [batch, n])?.cast(DType::I32);
            Ok(Factors {
                both: region([0, 0], [n, n])?,
                from: places(region([n, 0], [1, n])?)?,
                to: places(region([0, n], [n, 1])?)?,
                parity: reshape(&region([n, n], [1, 1])?, [batch])?,
            })
        })
    }

    /// `x` with `a x = b`, or `aᵀ x = b`.
    fn apply(&self, b: &Tensor, adjoint: bool) -> Result<Tensor> {
        let triangular = |b: &Tensor, lower| triangular(&self.both, b, lower, adjoint, lower);
        if adjoint {
            gather(&triangular(&triangular(b, false)?, true)?, &self.to, 1, 1)
        } else {
            triangular(&triangular(&gather(b, &self.from, 1, 1)?, true)?, false)
        }
    }

    /// As [`Factors::apply`], with gradients by `a` and `b`.
    fn solve(&self, a: &Tensor, b: &Tensor, adjoint: bool) -> Result<Tensor> {
        let (factors, matrix) = (self.clone(), a.clone());
        let backward = move |x: &Tensor, dx: &Tensor| {
            let db = factors.solve(&matrix, dx, !adjoint)?;
            let da = if adjoint { product(x, &transposed(&db)?) } else { product(&db, &transposed(x)?) }?;
            Ok(vec![neg(&da)?, db])
        };
        custom(&[a, b], |x| self.apply(&x[1], adjoint), backward)
    }

    /// The inverse's transpose times `dy` `[batch]`: the gradient of the logarithm of the determinant.
    fn cofactors(&self, a: &Tensor, dy: &Tensor) -> Result<Tensor> {
        let scale = reshape(dy, [dy.size(), 1, 1])?;
        mul(&self.solve(a, &identity(a)?, true)?, &scale)
    }
}

/// `x` with `a x = b`. `b` is `[.., n, k]`, batches broadcasting, or a vector `[n]`. Infinities or NaN where `a` is
/// singular.
///
/// # Errors
/// `ErrorKind::Shape` when `a` is not of square matrices, has not as many rows as `b`, or batches do not broadcast.
pub fn solve(a: &Tensor, b: &Tensor) -> Result<Tensor> {
    if b.rank() == 1 {
        return squeeze(&solve(a, &expand_dims(b, -1)?)?, Some(&[-1]));
    }
    let (a, b) = Matrices::system("solve", a, b)?;
    b.back(&Factors::new(&a.x)?.solve(&a.x, &b.x, false)?)
}

/// The inverse; infinities or NaN where `x` is singular.
///
/// # Errors
/// `ErrorKind::Shape` when the matrices are not square.
pub fn inv(x: &Tensor) -> Result<Tensor> {
    let a = Matrices::square("inv", x)?;
    a.back(&Factors::new(&a.x)?.solve(&a.x, &identity(&a.x)?, false)?)
}

/// The determinant. Its gradient takes the inverse: it is not finite where `x` is singular.
///
/// # Errors
/// `ErrorKind::Shape` when the matrices are not square.
pub fn det(x: &Tensor) -> Result<Tensor> {
    let a = Matrices::square("det", x)?;
    let factors = Factors::new(&a.x)?;
    let (kept, matrix) = (factors.clone(), a.x.clone());
    let forward = |_: &[Tensor]| mul(&factors.parity, &prod(&diag_part(&factors.both)?, Some(&[-1]), false)?);
    let backward = move |y: &Tensor, dy: &Tensor| Ok(vec![kept.cofactors(&matrix, &mul(y, dy)?)?]);
    a.back(&custom(&[&a.x], forward, backward)?)
}

/// The determinant's sign, which is 0 where `x` is singular and has no gradient, and the logarithm of its magnitude, which
/// neither overflows nor vanishes.
///
/// # Errors
/// `ErrorKind::Shape` when the matrices are not square.
pub fn slogdet(x: &Tensor) -> Result<(Tensor, Tensor)> {
    let a = Matrices::square("slogdet", x)?;
    let factors = Factors::new(&a.x)?;
    let (kept, matrix) = (factors.clone(), a.x.clone());
    let diagonal = a.x.device().without_tapes(|| diag_part(&factors.both))?;
    let signs = a.x.device().without_tapes(|| mul(&factors.parity, &prod(&sign(&diagonal)?, Some(&[-1]), false)?))?;
    let forward = |_: &[Tensor]| sum(&log(&abs(&diagonal)?)?, Some(&[-1]), false);
    let backward = move |_: &Tensor, dy: &Tensor| Ok(vec![kept.cofactors(&matrix, dy)?]);
    Ok((a.back(&signs)?, a.back(&custom(&[&a.x], forward, backward)?)?))
}
