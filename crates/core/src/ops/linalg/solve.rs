//! Systems of linear equations, and what comes of their factors.

use super::parts::{diag_part, identity};
use super::{routine, symmetric, Matrices};
use crate::calc::{with_gradient, Calc, Gradient, Term};
use crate::error::Result;
use crate::op::Linalg;
use crate::ops::{abs, expand_dims, gather, log, prod, sign, squeeze};
use crate::tensor::Tensor;

/// The lower triangular `l` with `l lᵀ = x`, of the symmetric part of `x`; a lower triangle of NaN where that is not
/// positive definite. Gradient: Murray, Differentiation of the Cholesky decomposition, 2016.
///
/// # Errors
/// `ErrorKind::Shape` when the matrices are not square.
pub fn cholesky(x: &Tensor) -> Result<Tensor> {
    let calc = Calc::default();
    let a = Matrices::square(&calc, "cholesky", x)?;
    let n = a.n;
    let backward: Gradient = Box::new(|l, dl| {
        let inner = l.t().dot(dl);
        // The lower triangle with half the diagonal. The result's asymmetry ends where the operand was made symmetric.
        let half = (inner.triangle(true, true) + inner.triangle(true, false)) * 0.5;
        vec![triangular(l, triangular(l, half, ADJOINT).t(), ADJOINT)]
    });
    a.back(with_gradient(&[symmetric(a.x)], &|x| routine(Linalg::Cholesky, x).unpack(0, &[n, n]), backward))
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
    let calc = Calc::default();
    let [a, b] = Matrices::system(&calc, "triangularSolve", matrix, rhs)?;
    b.back(triangular(a.x, b.x, Triangle { lower, adjoint, unit: false }))
}

pub(super) fn triangular<'a>(a: Term<'a>, b: Term<'a>, kind: Triangle) -> Term<'a> {
    let Triangle { lower, adjoint, unit } = kind;
    let matrix = a.value().clone();
    let backward: Gradient = Box::new(move |x, dx| {
        let db = triangular(x.of(&matrix), dx, Triangle { adjoint: !adjoint, ..kind });
        vec![of_matrix(x, db, adjoint).triangle(lower, !unit), db]
    });
    let solved = Linalg::TriangularSolve { lower, adjoint, unit };
    with_gradient(&[a, b], &|x| routine(solved, x).reshape(x[1].shape()), backward)
}

/// The gradient of the matrix of a system from the solution `x` and the gradient of the right side.
fn of_matrix<'a>(x: Term<'a>, db: Term<'a>, adjoint: bool) -> Term<'a> {
    -if adjoint { x.dot(db.t()) } else { db.dot(x.t()) }
}

/// The triangular factors of `a` `[batch, n, n]`. Gradients belong to what is computed with them.
#[derive(Clone)]
struct Factors {
    a: Tensor,
    /// `l` and `u` in one.
    both: Tensor,
    /// Of which row each row is, and where each row went: int32 `[batch, n]`.
    source: Tensor,
    target: Tensor,
    /// The determinant of the permutation, `[batch]`.
    parity: Tensor,
}

impl Factors {
    fn new(a: &Matrices<'_>) -> Factors {
        let (batch, n) = (a.x.dim(0), a.n);
        // All but what is asked with gradients is computed from here on, which has none.
        let packed = routine(Linalg::Lu, &[a.x.map(Tensor::stop_gradient)]).unpack(0, &[n + 1, n + 1]);
        let region =
            |i: usize, j: usize, rows: usize, columns: usize| packed.slice(&[0, i, j], &[batch, rows, columns]);
        Factors {
            a: a.x.value().clone(),
            both: region(0, 0, n, n).value().clone(),
            source: region(n, 0, 1, n).reshape(&[batch, n]).whole().value().clone(),
            target: region(0, n, n, 1).reshape(&[batch, n]).whole().value().clone(),
            parity: region(n, n, 1, 1).reshape(&[batch]).value().clone(),
        }
    }

    /// `x` with `a x = b`, or `aᵀ x = b`.
    fn apply<'a>(&self, b: Term<'a>, adjoint: bool) -> Term<'a> {
        let both = b.of(&self.both);
        let triangular = |b: Term<'a>, lower| triangular(both, b, Triangle { lower, adjoint, unit: lower });
        let picked = |x: Term<'a>, rows: &Tensor| x.then(&|x| gather(x, rows, 1, 1));
        if adjoint {
            picked(triangular(triangular(b, false), true), &self.target)
        } else {
            triangular(triangular(picked(b, &self.source), true), false)
        }
    }

    /// As [`Factors::apply`], with gradients by `a` and `b`.
    fn solve<'a>(&self, b: Term<'a>, adjoint: bool) -> Term<'a> {
        let factors = self.clone();
        let backward: Gradient = Box::new(move |x, dx| {
            let db = factors.solve(dx, !adjoint);
            vec![of_matrix(x, db, adjoint), db]
        });
        with_gradient(&[b.of(&self.a), b], &|x| self.apply(x[1], adjoint), backward)
    }

    /// The inverse, beside a value of its computation.
    fn inverse<'a>(&self, beside: Term<'a>, adjoint: bool) -> Term<'a> {
        self.solve(beside.of(&self.a).map(identity), adjoint)
    }

    /// What `f` makes of the diagonal of `u`, with the gradient of the determinant (times the inverse's transpose), or of
    /// its logarithm.
    fn determinant<'a>(&self, a: Term<'a>, f: &dyn for<'b> Fn(Term<'b>) -> Term<'b>, logarithm: bool) -> Term<'a> {
        let factors = self.clone();
        let backward: Gradient = Box::new(move |y, dy| {
            let scale = if logarithm { dy } else { y * dy };
            vec![factors.inverse(y, true) * scale.expand(-1).expand(-1)]
        });
        with_gradient(&[a], &|x| f(x[0].of(&self.both).map(diag_part)), backward)
    }

    /// The product of the parity and `f` of the diagonal's elements.
    fn product<'a>(&self, diagonal: Term<'a>) -> Term<'a> {
        diagonal.of(&self.parity) * diagonal.then(&|d| prod(d, Some(&[-1]), false))
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
    let calc = Calc::default();
    let [a, b] = Matrices::system(&calc, "solve", a, b)?;
    b.back(Factors::new(&a).solve(b.x, false))
}

/// The inverse; infinities or NaN where `x` is singular.
///
/// # Errors
/// `ErrorKind::Shape` when the matrices are not square.
pub fn inv(x: &Tensor) -> Result<Tensor> {
    let calc = Calc::default();
    let a = Matrices::square(&calc, "inv", x)?;
    a.back(Factors::new(&a).inverse(a.x, false))
}

/// The determinant. Its gradient takes the inverse: it is not finite where `x` is singular.
///
/// # Errors
/// `ErrorKind::Shape` when the matrices are not square.
pub fn det(x: &Tensor) -> Result<Tensor> {
    let calc = Calc::default();
    let a = Matrices::square(&calc, "det", x)?;
    let factors = Factors::new(&a);
    a.back(factors.determinant(a.x, &|diagonal| factors.product(diagonal), false))
}

/// The determinant's sign, which is 0 where `x` is singular and has no gradient, and the logarithm of its magnitude, which
/// neither overflows nor vanishes.
///
/// # Errors
/// `ErrorKind::Shape` when the matrices are not square.
pub fn slogdet(x: &Tensor) -> Result<(Tensor, Tensor)> {
    let calc = Calc::default();
    let a = Matrices::square(&calc, "slogdet", x)?;
    let factors = Factors::new(&a);
    let signs = factors.product(calc.of(&factors.both).map(diag_part).map(sign));
    a.both([signs, factors.determinant(a.x, &|diagonal| diagonal.map(abs).map(log).sum(&[-1], false), true)])
}
