//! Random chains of operations: what fusion does to a graph nobody wrote by hand.

use headwater_core::ops::{self, hash_key, Conv2dOptions, Mirror, Padding, PoolOptions};
use headwater_core::{DType, Result, Tensor};

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

/// A chain of 2 to 30 operations of every family over tensors of shape `[4, 6]` and what broadcasts to it, determined by `seed`.
pub fn chain(seed: u32) -> Case {
    let mut inputs = vec![Input::f32(&[4, 6]), Input::f32(&[6]), Input::f32(&[4, 1]), Input::f32(&[6, 6])];
    inputs.extend([Input::index(&[6], 6), Input { dtype: DType::Bool, ..Input::f32(&[4, 6]) }]);
    // Half of the chains have bytes among their operands, which engines hold as bytes.
    if seed % 2 == 1 {
        inputs[4].dtype = DType::U8;
        inputs.push(Input { shape: vec![3, 6, 4], dtype: DType::U8, range: (0.0, 256.0) });
        inputs.push(Input { shape: vec![4, 6], dtype: DType::I8, range: (-128.0, 128.0) });
    }
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
    // Values of shape [4, 6] that later steps choose from.
    let mut values: Vec<Tensor> = vec![x[0].clone()];
    if let [_, _, _, _, index, _, images, offsets] = x {
        let image = match choices.below(4) {
            0 => ops::slice(images, &[1, 0, 0], &[1, 6, 4])?,
            1 => ops::gather(images, &ops::slice(index, &[0], &[1])?.cast(DType::Bool)?.cast(DType::I32)?, 0, 0)?,
            2 => ops::max(images, Some(&[0]), true)?,
            _ => ops::concat(
                &[&ops::slice(images, &[2, 0, 1], &[1, 6, 3])?, &ops::slice(images, &[0, 0, 0], &[1, 6, 1])?],
                2,
            )?,
        };
        let image = ops::transpose(&ops::reshape(&image, [6, 4])?, None)?;
        values.push((&image.cast(DType::F32)? * (1.0 / 256.0))?);
        values.push((&ops::reverse(offsets, Some(&[0]))?.cast(DType::F32)? * (1.0 / 128.0))?);
    }
    let x = &[&x[..4], &[x[4].cast(DType::I32)?], &x[5..]].concat();
    for _ in 0..length {
        let (i, j) = (choices.below(values.len()), choices.below(values.len()));
        let (a, b) = (&values[i], &values[j]);
        let next = match choices.below(8) {
            0 | 1 => arithmetic(&mut choices, a, b, x)?,
            2 => whole_numbers(&mut choices, a, b, x)?,
            3 => reductions(&mut choices, a, b)?,
            4 => moves(&mut choices, a, b, x)?,
            5 => joins(&mut choices, a, b)?,
            6 => contractions(&mut choices, a, b, &x[3])?,
            _ => windows(&mut choices, a, &x[3])?,
        };
        // Keep magnitudes in hand: products of products overflow otherwise.
        let bounded = if choices.below(3) == 0 { ops::tanh(&next)? } else { next };
        values.push(bounded);
    }
    let last = values.len() - 1;
    ops::add(&ops::tanh(&values[last])?, &ops::tanh(&values[last / 2])?)
}

fn arithmetic(choices: &mut Choices, a: &Tensor, b: &Tensor, x: &[Tensor]) -> Result<Tensor> {
    match choices.below(9) {
        0 => ops::add(a, b),
        1 => ops::mul(a, b),
        2 => ops::sub(a, &x[1]),
        3 => ops::mul(a, &x[2]),
        4 => ops::tanh(a),
        5 => ops::sigmoid(a),
        6 => ops::sin(a),
        7 => ops::softplus(a),
        _ => ops::select(&x[5], a, b),
    }
}

/// The column's number, computed from a value by a conversion that no rounding error changes.
fn column(a: &Tensor) -> Result<Tensor> {
    let number = a.device().iota(a.shape(), a.rank() - 1)?.cast(DType::F32)?;
    let between = (&(&ops::tanh(a)? * 0.4)? + 0.5)?;
    (&number + &between)?.cast(DType::I32)
}

/// Conversions to int32 and back, comparisons, and picks by computed indices.
fn whole_numbers(choices: &mut Choices, a: &Tensor, b: &Tensor, x: &[Tensor]) -> Result<Tensor> {
    match choices.below(4) {
        0 => ops::mul(b, &(&ops::bitwise_xor(&column(a)?, &x[4])?.cast(DType::F32)? * 0.2)?),
        1 => ops::select(&ops::less(&column(a)?, &x[4])?, b, &ops::cos(a)?),
        2 => ops::gather(b, &x[4], 1, 0),
        _ => {
            // Rows 3 at most, from the first row of `a`.
            let first = ops::reshape(&ops::slice(&column(a)?, &[0, 0], &[1, 4])?, [4])?;
            ops::gather(b, &ops::sub(&first.constant(3.0), &first)?, 0, 0)
        }
    }
}

fn reductions(choices: &mut Choices, a: &Tensor, b: &Tensor) -> Result<Tensor> {
    // Equal elements share what a maximum passes back, which no difference quotient shows: a ramp keeps them apart.
    let ramp = |axis: usize| &a.device().iota(a.shape(), axis)?.cast(DType::F32)? * 0.37;
    match choices.below(6) {
        0 => ops::sub(a, &ops::mean(b, Some(&[1]), true)?),
        1 => ops::mul(a, &ops::sum(&ops::tanh(b)?, Some(&[0]), true)?),
        2 => ops::sub(b, &ops::max(&(a + &ramp(1)?)?, Some(&[1]), true)?),
        3 => ops::add(b, &ops::min(&(a + &ramp(0)?)?, Some(&[0]), true)?),
        4 => ops::add(b, &ops::prod(&ops::tanh(a)?, Some(&[-1]), true)?),
        _ => ops::softmax(a, choices.below(2) as isize),
    }
}

/// Views, broadcasting ones too.
fn moves(choices: &mut Choices, a: &Tensor, b: &Tensor, x: &[Tensor]) -> Result<Tensor> {
    match choices.below(7) {
        0 => ops::reverse(&ops::add(a, &x[1])?, Some(&[1])),
        1 => ops::reshape(&ops::transpose(&ops::cos(a)?, None)?, [4, 6]),
        2 => ops::mul(a, &ops::broadcast_to(&ops::slice(b, &[0, 2], &[4, 1])?, [4, 6])?),
        3 => {
            let outer = ops::mul(&ops::expand_dims(a, 2)?, &ops::slice(b, &[1, 0], &[1, 6])?)?;
            ops::tanh(&ops::diagonal(&outer, 0, (1, 2))?)
        }
        4 => ops::reshape(&ops::space_to_depth(&ops::reshape(a, [1, 4, 6, 1])?, 2)?, [4, 6]),
        5 => ops::reshape(&ops::tile(&ops::strided_slice(a, &[3, 0], &[2, 6], &[-2, 1])?, &[2, 1])?, [4, 6]),
        _ => ops::reshape(&ops::batch_to_space(&ops::reshape(a, [4, 2, 3])?, &[2, 2], &[(0, 0), (0, 0)])?, [4, 6]),
    }
}

fn joins(choices: &mut Choices, a: &Tensor, b: &Tensor) -> Result<Tensor> {
    let part = |t: &Tensor, begin: [usize; 2], size: [usize; 2]| ops::slice(t, &begin, &size);
    match choices.below(5) {
        0 => ops::concat(&[&part(a, [0, 0], [4, 2])?, &part(b, [0, 2], [4, 4])?], 1),
        1 => ops::concat(&[&part(a, [2, 0], [1, 6])?, &part(b, [0, 0], [3, 6])?], 0),
        2 => ops::mean(&ops::stack(&[a, b, &ops::sin(a)?], 1)?, Some(&[1]), false),
        3 => ops::add(b, &ops::pad(&part(a, [1, 1], [2, 3])?, &[(1, 1), (2, 1)], 0.25)?),
        _ => ops::add(b, &ops::mirror_pad(&part(a, [1, 2], [2, 3])?, &[(1, 1), (1, 2)], Mirror::Symmetric)?),
    }
}

fn contractions(choices: &mut Choices, a: &Tensor, b: &Tensor, square: &Tensor) -> Result<Tensor> {
    ops::tanh(&match choices.below(4) {
        0 => ops::matmul(a, square, false, false)?,
        1 => ops::einsum("ij,kj,kl->il", &[a, b, a])?,
        2 => ops::einsum("ij,jj->ij", &[a, square])?,
        _ => ops::einsum("ij,kj,ik->ik", &[a, square, b])?,
    })
}

/// Windows over the value as an image.
fn windows(choices: &mut Choices, a: &Tensor, square: &Tensor) -> Result<Tensor> {
    let image = ops::reshape(a, [1, 4, 6, 1])?;
    let window = (3, 2);
    let y = match choices.below(3) {
        0 => {
            let filter = ops::reshape(&ops::slice(square, &[1, 2], &[3, 2])?, [3, 2, 1, 1])?;
            ops::conv2d(&image, &filter, &Conv2dOptions { padding: Padding::Same, ..Conv2dOptions::default() })?
        }
        1 => {
            let options = PoolOptions { window, stride: (1, 1), dilation: (1, 1), padding: Padding::Same };
            ops::avg_pool(&image, &options)?
        }
        _ => ops::resize_bilinear(&ops::slice(&image, &[0, 1, 0, 0], &[1, 3, 4, 1])?, (4, 6), false, true)?,
    };
    ops::reshape(&y, [4, 6])
}
