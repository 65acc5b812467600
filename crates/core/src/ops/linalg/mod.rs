//! Linear algebra over the matrices of the last two dimensions, in float32; leading dimensions are batches.
//!
//! An input without an answer (singular, not positive definite, not finite) gives infinities or NaN in its own matrix
//! and no error, as in XLA. The CPU engine computes the decompositions in float64, a matrix on one thread; the GPU
//! engine in float32, a matrix in one workgroup (a column in one invocation, of triangular systems). Both are made for
//! batches, and for single matrices of some hundred rows.
//!
//! Gradients are closed formulas (Giles, Collected matrix derivative results for forward and reverse mode algorithmic
//! differentiation, 2008), written in operations and so differentiable again.

mod parts;
mod qr;
mod solve;
mod spectral;

pub use parts::{band_part, diag_part, trace};
pub use qr::qr;
pub use solve::{cholesky, det, inv, slogdet, solve, triangular_solve};
pub use spectral::{eigh, lstsq, matrix_rank, pinv, svd};

use crate::calc::{Calc, Term};
use crate::collect::Listed;
use crate::dtype::DType;
use crate::error::{Error, Result};
use crate::op::{Linalg, Op, Routine};
use crate::ops::{batch_matmul_views, equal, reciprocal};
use crate::shape::Shape;
use crate::tensor::Tensor;

/// Tensors of batches, as parts of formulas.
impl<'a> Term<'a> {
    /// `[batch, m, n] -> [batch, n, m]`.
    #[inline(never)]
    fn t(self) -> Term<'a> {
        self.permute(&[0, 2, 1])
    }

    /// `[batch, m, k] x [batch, k, n]`.
    #[inline(never)]
    fn dot(self, other: Term<'a>) -> Term<'a> {
        self.with(other, batch_matmul_views)
    }

    /// `x diag(d)` with `d` `[batch, n]`.
    #[inline(never)]
    fn columns(self, d: Term<'a>) -> Term<'a> {
        self * d.expand(1)
    }

    /// `diag(d) x` with `d` `[batch, m]`.
    #[inline(never)]
    fn rows(self, d: Term<'a>) -> Term<'a> {
        d.expand(2) * self
    }

    /// A triangle with its diagonal, or without.
    #[inline(never)]
    fn triangle(self, lower: bool, diagonal: bool) -> Term<'a> {
        self.then(&|x| parts::triangle(x, lower, diagonal))
    }

    /// Elements `start..` of each row of `[batch, size]`, as `[batch, ..shape]`.
    #[inline(never)]
    fn unpack(self, start: usize, shape: &[usize]) -> Term<'a> {
        self.part(1, start, shape.iter().product()).rest(self.dim(0), shape)
    }

    /// As `[first, ..rest]`.
    #[inline(never)]
    fn rest(self, first: usize, rest: &[usize]) -> Term<'a> {
        let mut dims = vec![first];
        dims.extend_from_slice(rest);
        self.reshape(&dims)
    }

    /// `1 / x`, and 0 where `x` is 0: what a direction that has no answer passes on.
    #[inline(never)]
    fn inverse_or_zero(self) -> Term<'a> {
        let none = self.by(0.0, equal);
        let safe = none.choose(self.like(1.0), self);
        none.choose(self.like(0.0), safe.map(reciprocal))
    }
}

/// A tensor as `[batch, m, n]`, float32, with the dimensions that stand for the batch.
struct Matrices<'a> {
    calc: &'a Calc<'a>,
    x: Term<'a>,
    outer: Shape,
    m: usize,
    n: usize,
}

impl<'a> Matrices<'a> {
    fn new(calc: &'a Calc<'a>, op: &str, x: &Tensor) -> Result<Matrices<'a>> {
        let &[ref outer @ .., m, n] = &x.shape()[..] else {
            return Err(Error::shape(op, "matrices in the last two dimensions", x.shape()));
        };
        let outer = Shape::from(outer);
        let x = calc.of(x).number().reshape(&[outer.size(), m, n]);
        Ok(Matrices { calc, x, outer, m, n })
    }

    fn square(calc: &'a Calc<'a>, op: &str, x: &Tensor) -> Result<Matrices<'a>> {
        let matrices = Matrices::new(calc, op, x)?;
        if matrices.m != matrices.n {
            return Err(Error::shape(op, "square matrices in the last two dimensions", x.shape()));
        }
        Ok(matrices)
    }

    /// The left sides `a` `[.., n, n]` and right sides `b` `[.., n, k]` of linear systems, with batches broadcast.
    fn system(calc: &'a Calc<'a>, op: &str, a: &Tensor, b: &Tensor) -> Result<[Matrices<'a>; 2]> {
        let (mut left, mut right) = (Matrices::square(calc, op, a)?, Matrices::new(calc, op, b)?);
        same_rows(op, &left, &right, b)?;
        let outer = left.outer.broadcast(&right.outer, op)?;
        for (of, x) in [(&mut left, a), (&mut right, b)] {
            let mut full = outer.to_vec();
            full.extend([of.m, of.n]);
            of.x = calc.of(x).broadcast(&full).number().reshape(&[outer.size(), of.m, of.n]);
            of.outer = outer.clone();
        }
        Ok([left, right])
    }

    /// `[batch, ..]` with the batch's dimensions again.
    fn restored(&self, x: Term<'a>) -> Term<'a> {
        let mut dims = self.outer.to_vec();
        dims.extend(x.shape().iter().skip(1));
        x.reshape(&dims)
    }

    /// As a result, with the batch's dimensions again.
    fn back(&self, x: Term<'a>) -> Result<Tensor> {
        self.calc.result(self.restored(x))
    }

    /// As [`Matrices::back`], two.
    fn both(&self, [a, b]: [Term<'a>; 2]) -> Result<(Tensor, Tensor)> {
        self.calc.pair([self.restored(a), self.restored(b)])
    }
}

/// Checks that the right sides of a system, given as `b`, have as many rows as the left sides.
fn same_rows(op: &str, left: &Matrices<'_>, right: &Matrices<'_>, b: &Tensor) -> Result<()> {
    if left.m == right.m {
        return Ok(());
    }
    Err(Error::shape(op, format_args!("right sides of {} rows", left.m), b.shape()))
}

/// Records a routine over `[batch, rows, columns]`.
fn routine<'a>(routine: Linalg, operands: &[Term<'a>]) -> Term<'a> {
    operands[0].then(&|x| {
        let operands: Vec<&Tensor> = operands.iter().map(|x| x.value()).listed();
        let (first, last) = (x.shape(), operands[operands.len() - 1].shape());
        let shape = Shape::from([first[0], routine.size(first[1], first[2], last[2])]);
        x.device().record(Op::Routine(Routine::Linalg(routine)), &operands, shape, DType::F32)
    })
}

/// The symmetric part `(x + xᵀ) / 2`.
fn symmetric(x: Term<'_>) -> Term<'_> {
    (x + x.t()) * 0.5
}
