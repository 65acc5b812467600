//! How the formulas are written.

use std::ops::{Add, Mul, Neg, Sub};

use super::parts;
use super::Gradient;
use crate::error::Result;
use crate::grad::custom;
use crate::ops;
use crate::shape::Shape;
use crate::tensor::Tensor;

/// A tensor of batches, or the first error on the way to it: formulas need no `?` at every step, which would be most of
/// their code. `+`, `-` and `*` are elementwise.
#[derive(Clone)]
pub(super) struct Term(pub Result<Tensor>);

impl From<&Tensor> for Term {
    fn from(x: &Tensor) -> Term {
        Term(Ok(x.clone()))
    }
}

impl Term {
    pub fn map(&self, f: impl FnOnce(&Tensor) -> Result<Tensor>) -> Term {
        Term(match &self.0 {
            Ok(x) => f(x),
            Err(error) => Err(error.clone()),
        })
    }

    pub fn zip(&self, other: &Term, f: fn(&Tensor, &Tensor) -> Result<Tensor>) -> Term {
        self.map(|x| other.map(|y| f(x, y)).0)
    }

    /// `[batch, m, n] -> [batch, n, m]`.
    pub fn t(&self) -> Term {
        self.map(|x| ops::permute(x, &[0, 2, 1]))
    }

    /// `[batch, m, k] x [batch, k, n]`.
    pub fn dot(&self, other: &Term) -> Term {
        self.zip(other, ops::batch_matmul_views)
    }

    /// `x diag(d)` with `d` `[batch, n]`.
    pub fn columns(&self, d: &Term) -> Term {
        self * &d.expand(1)
    }

    /// `diag(d) x` with `d` `[batch, m]`.
    pub fn rows(&self, d: &Term) -> Term {
        &d.expand(2) * self
    }

    pub fn expand(&self, axis: isize) -> Term {
        self.map(|x| ops::expand_dims(x, axis))
    }

    /// A triangle with its diagonal, or without.
    pub fn triangle(&self, lower: bool, diagonal: bool) -> Term {
        self.map(|x| parts::triangle(x, lower, diagonal))
    }

    pub fn half(&self) -> Term {
        self.map(|x| ops::mul(x, &x.constant(0.5)))
    }

    /// Elements `start..` of each row of `[batch, size]`, as `[batch, ..shape]`.
    pub fn part(&self, start: usize, shape: &[usize]) -> Term {
        self.map(|packed| {
            let batch = packed.shape()[0];
            let flat = ops::slice(packed, &[0, start], &[batch, shape.iter().product()])?;
            ops::reshape(&flat, [batch].iter().chain(shape).copied().collect::<Shape>())
        })
    }

    /// `1 / x`, and 0 where `x` is 0: what a direction that has no answer passes on.
    pub fn inverse_or_zero(&self) -> Term {
        self.map(|x| {
            let none = ops::equal(x, &x.constant(0.0))?;
            let safe = ops::select(&none, &x.constant(1.0), x)?;
            ops::select(&none, &x.constant(0.0), &ops::reciprocal(&safe)?)
        })
    }
}

impl Add for &Term {
    type Output = Term;

    fn add(self, other: &Term) -> Term {
        self.zip(other, ops::add)
    }
}

impl Sub for &Term {
    type Output = Term;

    fn sub(self, other: &Term) -> Term {
        self.zip(other, ops::sub)
    }
}

impl Mul for &Term {
    type Output = Term;

    fn mul(self, other: &Term) -> Term {
        self.zip(other, ops::mul)
    }
}

impl Neg for &Term {
    type Output = Term;

    fn neg(self) -> Term {
        self.map(ops::neg)
    }
}

/// As [`custom`], for terms: `backward` gives the gradients of the inputs from the value and its gradient. Not generic:
/// every copy would be as long as the formulas.
pub(super) fn with_gradient(inputs: &[&Term], forward: &dyn Fn(&[Term]) -> Term, backward: Gradient) -> Term {
    let tensors: Result<Vec<Tensor>> = inputs.iter().map(|t| t.0.clone()).collect();
    Term(tensors.and_then(|tensors| {
        custom(
            &tensors.iter().collect::<Vec<_>>(),
            |x| forward(&x.iter().map(Term::from).collect::<Vec<_>>()).0,
            move |y, dy| backward(&Term::from(y), &Term::from(dy)).into_iter().map(|t| t.0).collect(),
        )
    }))
}
