//! Systems of linear equations, and what comes of their factors.

use super::parts::{diag_part, identity};
use super::{routine, symmetric, with_gradient, Matrices, Term};
use crate::dtype::DType;
use crate::error::Result;
use crate::op::Linalg;
use crate::ops::{abs, expand_dims, gather, log, prod, reshape, sign, slice, squeeze, sum};
use crate::tensor::Tensor;

/// The lower triangular `l` with `l lᵀ = x`, of the symmetric part of `x`; a lower triangle of NaN where that is not
/// positive definite. Gradient: Murray, Differentiation of the Cholesky decomposition, 2016.
///
/// # Errors
/// `ErrorKind::Shape` when the matrices are not square.
pub fn cholesky(x: &Tensor) -> Result<Tensor> {
    let a = Matrices::square("cholesky", x)?;
    let n = a.n;
    let backward = |l: &Term, dl: &Term| {
        let inner = l.t().dot(dl);
        // The lower triangle with half the diagonal. The result's asymmetry ends where the operand was made symmetric.
        let half = (&inner.triangle(true, true) + &inner.triangle(true, false)).half();
        vec![triangular(l, &triangular(l, &half, ADJOINT).t(), ADJOINT)]
    };
    let forward = |x: &[Term]| routine(Linalg::Cholesky, x).part(0, &[n, n]);
    a.back(&with_gradient(&[&symmetric(&a.x)], &forward, Box::new(backward)))
}

/// Of a triangular system: of the lower triangle, of the transposed matrix, with a diagonal of ones.
#[derive(Clone, Copy)]
pub(super) struct Triangle {
    pub lower: bool,
    pub adjoint: bool,
    pub unit: bool,
}

const ADJOINT: Triangle = Triangle { lower: true, adjoint: true, unit: false };

/// `x` with `matrix x = rhs`, or `matrixᵀ x = rhs` where `adjoint`, of whose matrix only the `lower` or the upper triangle
/// is read. Batches broadcast. Infinities or NaN where the diagonal has a 0.
///
/// # Errors
/// `ErrorKind::Shape` when the matrices are not square, have not as many rows as the right sides, or batches do not
/// broadcast.
pub fn triangular_solve(matrix: &Tensor, rhs: &Tensor, lower: bool, adjoint: bool) -> Result<Tensor> {
    let (a, b) = Matrices::system("triangularSolve", matrix, rhs)?;
    b.back(&triangular(&a.x, &b.x, Triangle { lower, adjoint, unit: false }))
}

pub(super) fn triangular(a: &Term, b: &Term, kind: Triangle) -> Term {
    let Triangle { lower, adjoint, unit } = kind;
    let matrix = a.clone();
    let backward = move |x: &Term, dx: &Term| {
        let db = triangular(&matrix, dx, Triangle { adjoint: !adjoint, ..kind });
        vec![of_matrix(x, &db, adjoint).triangle(lower, !unit), db]
    };
    let forward = |x: &[Term]| {
        let solved = routine(Linalg::TriangularSolve { lower, adjoint, unit }, x);
        x[1].map(|b| solved.map(|x| reshape(x, b.shape())).0)
    };
    with_gradient(&[a, b], &forward, Box::new(backward))
}

/// The gradient of the matrix of a system from the solution `x` and the gradient of the right side.
fn of_matrix(x: &Term, db: &Term, adjoint: bool) -> Term {
    let product = if adjoint { x.dot(&db.t()) } else { db.dot(&x.t()) };
    -&product
}

/// The triangular factors of `a` `[batch, n, n]`. Gradients belong to what is computed with them.
#[derive(Clone)]
struct Factors {
    a: Term,
    /// `l` and `u` in one.
    both: Term,
    /// Of which row each row is, and where each row went: int32 `[batch, n]`.
    source: Term,
    target: Term,
    /// The determinant of the permutation, `[batch]`.
    parity: Term,
}

impl Factors {
    fn new(a: &Matrices) -> Factors {
        let n = a.n;
        // All but what is asked with gradients is computed from here on, which has none.
        let constant = a.x.map(Tensor::stop_gradient);
        let packed = routine(Linalg::Lu, &[constant]).part(0, &[n + 1, n + 1]);
        let region = |i: usize, j: usize, rows: usize, columns: usize| {
            packed.map(|x| slice(x, &[0, i, j], &[x.shape()[0], rows, columns]))
        };
        let places = |x: Term| x.map(|x| reshape(x, [x.shape()[0], n])?.cast(DType::I32));
        Factors {
            a: a.x.clone(),
            both: region(0, 0, n, n),
            source: places(region(n, 0, 1, n)),
            target: places(region(0, n, n, 1)),
            parity: region(n, n, 1, 1).map(|x| reshape(x, [x.size()])),
        }
    }

    /// `x` with `a x = b`, or `aᵀ x = b`.
    fn apply(&self, b: &Term, adjoint: bool) -> Term {
        let triangular = |b: &Term, lower| triangular(&self.both, b, Triangle { lower, adjoint, unit: lower });
        let picked = |x: &Term, rows: &Term| x.zip(rows, |x, rows| gather(x, rows, 1, 1));
        if adjoint {
            picked(&triangular(&triangular(b, false), true), &self.target)
        } else {
            triangular(&triangular(&picked(b, &self.source), true), false)
        }
    }

    /// As [`Factors::apply`], with gradients by `a` and `b`.
    fn solve(&self, b: &Term, adjoint: bool) -> Term {
        let factors = self.clone();
        let backward = move |x: &Term, dx: &Term| {
            let db = factors.solve(dx, !adjoint);
            vec![of_matrix(x, &db, adjoint), db]
        };
        with_gradient(&[&self.a, b], &|x| self.apply(&x[1], adjoint), Box::new(backward))
    }

    fn inverse(&self, adjoint: bool) -> Term {
        self.solve(&self.a.map(identity), adjoint)
    }

    /// What `f` makes of the diagonal of `u`, with the gradient of the determinant (times the inverse's transpose), or of
    /// its logarithm.
    fn determinant(&self, f: &dyn Fn(&Term) -> Term, logarithm: bool) -> Term {
        let factors = self.clone();
        let backward = move |y: &Term, dy: &Term| {
            let scale = if logarithm { dy.clone() } else { y * dy };
            vec![&factors.inverse(true) * &scale.expand(-1).expand(-1)]
        };
        with_gradient(&[&self.a], &|_| f(&self.both.map(diag_part)), Box::new(backward))
    }

    /// The product of the parity and `f` of the diagonal's elements.
    fn product(&self, diagonal: &Term) -> Term {
        &self.parity * &diagonal.map(|d| prod(d, Some(&[-1]), false))
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
    b.back(&Factors::new(&a).solve(&b.x, false))
}

/// The inverse; infinities or NaN where `x` is singular.
///
/// # Errors
/// `ErrorKind::Shape` when the matrices are not square.
pub fn inv(x: &Tensor) -> Result<Tensor> {
    let a = Matrices::square("inv", x)?;
    a.back(&Factors::new(&a).inverse(false))
}

/// The determinant. Its gradient takes the inverse: it is not finite where `x` is singular.
///
/// # Errors
/// `ErrorKind::Shape` when the matrices are not square.
pub fn det(x: &Tensor) -> Result<Tensor> {
    let a = Matrices::square("det", x)?;
    let factors = Factors::new(&a);
    a.back(&factors.determinant(&|diagonal| factors.product(diagonal), false))
}

/// The determinant's sign, which is 0 where `x` is singular and has no gradient, and the logarithm of its magnitude, which
/// neither overflows nor vanishes.
///
/// # Errors
/// `ErrorKind::Shape` when the matrices are not square.
pub fn slogdet(x: &Tensor) -> Result<(Tensor, Tensor)> {
    let a = Matrices::square("slogdet", x)?;
    let factors = Factors::new(&a);
    let signs = factors.product(&factors.both.map(|both| sign(&diag_part(both)?)));
    let size = |diagonal: &Term| diagonal.map(|d| sum(&log(&abs(d)?)?, Some(&[-1]), false));
    Ok((a.back(&signs)?, a.back(&factors.determinant(&size, true))?))
}
