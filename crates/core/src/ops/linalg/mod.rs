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
mod term;

pub use parts::{band_part, diag_part, trace};
pub use qr::qr;
pub use solve::{cholesky, det, inv, slogdet, solve, triangular_solve};
pub use spectral::{eigh, lstsq, matrix_rank, pinv, svd};

use crate::dtype::DType;
use crate::error::{Error, Result};
use crate::op::{Linalg, Op, Routine};
use crate::ops::{broadcast_to, reshape};
use crate::shape::Shape;
use crate::tensor::Tensor;
use term::{with_gradient, Term};

/// From a value and its gradient to the gradients of what it was computed from.
type Gradient = Box<dyn Fn(&Term, &Term) -> Vec<Term> + Send + Sync>;

/// A tensor as `[batch, m, n]`, float32, with the dimensions that stand for the batch.
struct Matrices {
    x: Term,
    outer: Shape,
    m: usize,
    n: usize,
}

impl Matrices {
    fn new(op: &str, x: &Tensor) -> Result<Matrices> {
        let &[ref outer @ .., m, n] = &x.shape()[..] else {
            return Err(Error::shape(op, "matrices in the last two dimensions", x.shape()));
        };
        Matrices::of(x, Shape::from(outer), m, n)
    }

    fn of(x: &Tensor, outer: Shape, m: usize, n: usize) -> Result<Matrices> {
        let x = reshape(&x.cast(DType::F32)?, [outer.size(), m, n])?;
        Ok(Matrices { x: Term(Ok(x)), outer, m, n })
    }

    fn square(op: &str, x: &Tensor) -> Result<Matrices> {
        let matrices = Matrices::new(op, x)?;
        if matrices.m != matrices.n {
            return Err(Error::shape(op, "square matrices in the last two dimensions", x.shape()));
        }
        Ok(matrices)
    }

    /// The left sides `a` `[.., n, n]` and right sides `b` `[.., n, k]` of linear systems, with batches broadcast.
    fn system(op: &str, a: &Tensor, b: &Tensor) -> Result<(Matrices, Matrices)> {
        let (left, right) = (Matrices::square(op, a)?, Matrices::new(op, b)?);
        same_rows(op, &left, &right, b)?;
        let outer = left.outer.broadcast(&right.outer, op)?;
        let spread = |x: &Tensor, of: &Matrices| {
            let full: Shape = outer.iter().copied().chain([of.m, of.n]).collect();
            Matrices::of(&broadcast_to(x, full)?, outer.clone(), of.m, of.n)
        };
        Ok((spread(a, &left)?, spread(b, &right)?))
    }

    /// `[batch, ..]` with the batch's dimensions again.
    fn back(&self, x: &Term) -> Result<Tensor> {
        x.map(|x| reshape(x, self.outer.iter().chain(&x.shape()[1..]).copied().collect::<Shape>())).0
    }
}

/// Checks that the right sides of a system, given as `b`, have as many rows as the left sides.
fn same_rows(op: &str, left: &Matrices, right: &Matrices, b: &Tensor) -> Result<()> {
    if left.m == right.m {
        return Ok(());
    }
    Err(Error::shape(op, format!("right sides of {} rows", left.m), b.shape()))
}

/// Records a routine over `[batch, rows, columns]`.
fn routine(routine: Linalg, operands: &[Term]) -> Term {
    let record = |operands: &[&Tensor]| {
        let (first, last) = (operands[0].shape(), operands[operands.len() - 1].shape());
        let shape = Shape::from([first[0], routine.size(first[1], first[2], last[2])]);
        operands[0].device().record(Op::Routine(Routine::Linalg(routine)), operands, shape, DType::F32)
    };
    match operands {
        [a, b] => a.map(|a| b.map(|b| record(&[a, b])).0),
        _ => operands[0].map(|a| record(&[a])),
    }
}

/// The symmetric part `(x + xᵀ) / 2`.
fn symmetric(x: &Term) -> Term {
    (x + &x.t()).half()
}
