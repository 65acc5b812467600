//! Cells of recurrent networks, and moving averages.

use crate::error::{Error, Result};
use crate::ops::{add, concat, matmul, mul, pow, real_div, sigmoid, split, sub, tanh};
use crate::tensor::Tensor;

/// The weights of [`basic_lstm_cell`].
#[derive(Clone, Copy, Debug)]
pub struct LstmWeights<'a> {
    /// `[inputs + units, 4 * units]`: the columns of the input gate, the candidate, the forget gate and the output gate.
    pub kernel: &'a Tensor,
    /// `[4 * units]`, in the same order.
    pub bias: &'a Tensor,
    /// Added to the forget gate before its sigmoid; a scalar.
    pub forget_bias: &'a Tensor,
}

/// One step of a long short-term memory (Hochreiter & Schmidhuber 1997, with the forget gate of Gers et al. 2000): from
/// `data` `[batch, inputs]`, the cell's state `c` and its output `h`, both `[batch, units]`, the next state and output.
///
/// # Errors
/// `ErrorKind::Shape` when shapes do not fit each other.
pub fn basic_lstm_cell(weights: LstmWeights<'_>, data: &Tensor, c: &Tensor, h: &Tensor) -> Result<(Tensor, Tensor)> {
    let matrices = [data, c, h, weights.kernel].iter().all(|t| t.rank() == 2);
    let fits = matrices && c.shape() == h.shape() && weights.kernel.shape()[1] == 4 * c.shape()[1];
    if !fits {
        let expected = "data [batch,inputs], c and h [batch,units] and a kernel [inputs+units,4*units]";
        let got = format!("{}, {}, {} and {}", data.shape(), c.shape(), h.shape(), weights.kernel.shape());
        return Err(Error::shape("basicLSTMCell", expected, got));
    }
    let gates = add(&matmul(&concat(&[data, h], 1)?, weights.kernel, false, false)?, weights.bias)?;
    let parts = split(&gates, &[c.shape()[1]; 4], 1)?;
    let written = mul(&sigmoid(&parts[0])?, &tanh(&parts[1])?)?;
    let kept = mul(c, &sigmoid(&add(weights.forget_bias, &parts[2])?)?)?;
    let next = add(&written, &kept)?;
    let output = mul(&tanh(&next)?, &sigmoid(&parts[3])?)?;
    Ok((next, output))
}

/// The average `v` moved towards `x`: `v + (x - v) * (1 - decay)`. With `step`, the number of times it has been moved, this one
/// included, the step is divided by `1 - decay^step`, as if the average had not begun at zero (Kingma & Ba 2015).
///
/// # Errors
/// `ErrorKind::Shape` when `v` and `x` differ in shape.
pub fn moving_average(v: &Tensor, x: &Tensor, decay: &Tensor, step: Option<&Tensor>) -> Result<Tensor> {
    if v.shape() != x.shape() {
        return Err(Error::shape("movingAverage", format!("a value of shape {}", v.shape()), x.shape()));
    }
    let mut update = mul(&sub(x, v)?, &(1.0 - decay)?)?;
    if let Some(step) = step {
        update = real_div(&update, &(1.0 - &pow(decay, step)?)?)?;
    }
    add(v, &update)
}
