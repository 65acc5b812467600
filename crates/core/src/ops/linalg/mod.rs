//! Linear algebra over the matrices of the last two dimensions, in float32; leading dimensions are batches.
//!
//! An input without an answer (singular, not positive definite, not finite) gives infinities or NaN in its own matrix
//! and no error, as in XLA. The CPU engine computes the decompositions in float64, the GPU engine in float32 and with one
//! invocation for a matrix (one for a column, of triangular systems): it is made for batches of small matrices.
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

use crate::dtype::DType;
use crate::error::{Error, Result};
use crate::op::{Linalg, Op, Routine};
use crate::ops::{add, batch_matmul_views, broadcast_to, mul, permute, reshape, slice};
use crate::shape::Shape;
use crate::tensor::Tensor;

/// A tensor as `[batch, rows, columns]`, float32, with the dimensions that stand for the batch.
struct Matrices {
    x: Tensor,
    outer: Shape,
}

impl Matrices {
    fn new(op: &str, x: &Tensor) -> Result<Matrices> {
        let [outer @ .., m, n] = &x.shape()[..] else {
            return Err(Error::shape(op, "matrices in the last two dimensions", x.shape()));
        };
        let outer = Shape::from(outer);
        let x = reshape(&x.cast(DType::F32)?, [outer.size(), *m, *n])?;
        Ok(Matrices { x, outer })
    }

    fn square(op: &str, x: &Tensor) -> Result<Matrices> {
        let matrices = Matrices::new(op, x)?;
        if matrices.rows() != matrices.columns() {
            return Err(Error::shape(op, "square matrices in the last two dimensions", x.shape()));
        }
        Ok(matrices)
    }

    /// The left sides `a` `[.., n, n]` and right sides `b` `[.., n, k]` of linear systems, with batches broadcast.
    fn system(op: &str, a: &Tensor, b: &Tensor) -> Result<(Matrices, Matrices)> {
        let (left, right) = (Matrices::square(op, a)?, Matrices::new(op, b)?);
        if left.rows() != right.rows() {
            return Err(Error::shape(op, format!("right sides of {} rows", left.rows()), b.shape()));
        }
        let outer = left.outer.broadcast(&right.outer, op)?;
        Ok((left.spread(&outer)?, right.spread(&outer)?))
    }

    fn spread(self, outer: &Shape) -> Result<Matrices> {
        let full: Shape = outer.iter().copied().chain([self.rows(), self.columns()]).collect();
        let all = broadcast_to(&self.back(&self.x)?, full)?;
        let x = reshape(&all, [outer.size(), self.rows(), self.columns()])?;
        Ok(Matrices { x, outer: outer.clone() })
    }

    fn rows(&self) -> usize {
        self.x.shape()[1]
    }

    fn columns(&self) -> usize {
        self.x.shape()[2]
    }

    /// `[batch, ..]` with the batch's dimensions again.
    fn back(&self, x: &Tensor) -> Result<Tensor> {
        reshape(x, self.outer.iter().chain(&x.shape()[1..]).copied().collect::<Shape>())
    }
}

/// Records a routine over `[batch, rows, columns]`.
fn routine(routine: Linalg, operands: &[&Tensor]) -> Result<Tensor> {
    let (first, last) = (operands[0].shape(), operands[operands.len() - 1].shape());
    let shape = Shape::from([first[0], routine.size(first[1], first[2], last[2])]);
    operands[0].device().record(Op::Routine(Routine::Linalg(routine)), operands, shape, DType::F32)
}

/// Elements `start..` of each row of `packed` `[batch, size]`, as `[batch, ..shape]`.
fn part<const N: usize>(packed: &Tensor, start: usize, shape: [usize; N]) -> Result<Tensor> {
    let batch = packed.shape()[0];
    let flat = slice(packed, &[0, start], &[batch, shape.iter().product()])?;
    reshape(&flat, [batch].into_iter().chain(shape).collect::<Shape>())
}

/// `[batch, m, n] -> [batch, n, m]`.
fn transposed(x: &Tensor) -> Result<Tensor> {
    permute(x, &[0, 2, 1])
}

/// `[batch, m, k] x [batch, k, n]`.
fn product(a: &Tensor, b: &Tensor) -> Result<Tensor> {
    batch_matmul_views(a, b)
}

/// The symmetric part `(x + xᵀ) / 2`.
fn symmetric(x: &Tensor) -> Result<Tensor> {
    mul(&add(x, &transposed(x)?)?, &x.constant(0.5))
}
