//! Random chains of operations: what fusion does to a graph nobody wrote by hand.

use headwater_core::ops::{self, hash_key};
use headwater_core::{Result, Tensor};

use crate::{Case, Input};

/// A source of choices.
struct Choices {
    seed: u32,
    drawn: u32,
}

impl Choices {
    fn below(&mut self, n: usize) -> usize {
        self.drawn += 1;
        hash_key(self.seed, self.drawn) as usize % n
    }
}

/// A chain of 2 to 30 operations over tensors of shapes `[4, 6]`, `[6]` and `[4, 1]`, determined by `seed`.
pub fn chain(seed: u32) -> Case {
    let inputs = vec![Input::f32(&[4, 6]), Input::f32(&[6]), Input::f32(&[4, 1]), Input::f32(&[6, 6])];
    Case {
        name: format!("chain {seed}"),
        inputs,
        function: Box::new(move |x| build(seed, x)),
        tolerance: 2e-4,
        smooth: true,
    }
}

fn build(seed: u32, x: &[Tensor]) -> Result<Tensor> {
    let mut choices = Choices { seed, drawn: 0 };
    let length = 2 + choices.below(29);
    let square = &x[3];
    // Values of shape [4, 6] that later steps choose from.
    let mut values: Vec<Tensor> = vec![x[0].clone()];
    for _ in 0..length {
        let (i, j) = (choices.below(values.len()), choices.below(values.len()));
        let (a, b) = (values[i].clone(), values[j].clone());
        let next = match choices.below(16) {
            0 => ops::add(&a, &b)?,
            1 => ops::mul(&a, &b)?,
            2 => ops::sub(&a, &x[1])?,
            3 => ops::mul(&a, &x[2])?,
            4 => ops::tanh(&a)?,
            5 => ops::sigmoid(&a)?,
            6 => ops::sin(&a)?,
            7 => ops::softplus(&a)?,
            8 => ops::sub(&a, &ops::mean(&b, Some(&[1]), true)?)?,
            9 => ops::mul(&a, &ops::sum(&ops::tanh(&b)?, Some(&[0]), true)?)?,
            10 => ops::tanh(&ops::matmul(&a, square, false, false)?)?,
            11 => ops::reverse(&ops::add(&a, &x[1])?, Some(&[1]))?,
            12 => ops::reshape(&ops::transpose(&ops::cos(&a)?, None)?, [4, 6])?,
            13 => ops::softmax(&a, -1)?,
            14 => {
                let left = ops::slice(&a, &[0, 0], &[4, 2])?;
                let right = ops::slice(&b, &[0, 2], &[4, 4])?;
                ops::concat(&[&left, &right], 1)?
            }
            _ => {
                let inner = ops::slice(&a, &[1, 1], &[2, 3])?;
                ops::add(&b, &ops::pad(&inner, &[(1, 1), (2, 1)], 0.25)?)?
            }
        };
        // Keep magnitudes in hand: products of products overflow otherwise.
        let bounded = if choices.below(3) == 0 { ops::tanh(&next)? } else { next };
        values.push(bounded);
    }
    let last = values.len() - 1;
    ops::add(&ops::tanh(&values[last])?, &ops::tanh(&values[last / 2])?)
}
