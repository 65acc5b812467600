//! Cells of recurrent networks, and moving averages.

use crate::calc::Calc;
use crate::error::{Error, Result};
use crate::ops::{pow, sigmoid, tanh};
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
        let got = format_args!("{}, {}, {} and {}", data.shape(), c.shape(), h.shape(), weights.kernel.shape());
        return Err(Error::shape("basicLSTMCell", expected, got));
    }
    let calc = Calc::default();
    let gates = calc.of(data).join(calc.of(h), 1).matmul(calc.of(weights.kernel)) + calc.of(weights.bias);
    let units = c.shape()[1];
    let part = |i: usize| gates.part(1, i * units, units);
    let written = part(0).map(sigmoid) * part(1).map(tanh);
    let kept = calc.of(c) * (calc.of(weights.forget_bias) + part(2)).map(sigmoid);
    let next = written + kept;
    calc.pair([next, next.map(tanh) * part(3).map(sigmoid)])
}

/// The average `v` moved towards `x`: `v + (x - v) * (1 - decay)`. With `step`, the number of times it has been moved, this one
/// included, the step is divided by `1 - decay^step`, as if the average had not begun at zero (Kingma & Ba 2015).
///
/// # Errors
/// `ErrorKind::Shape` when `v` and `x` differ in shape.
pub fn moving_average(v: &Tensor, x: &Tensor, decay: &Tensor, step: Option<&Tensor>) -> Result<Tensor> {
    if v.shape() != x.shape() {
        return Err(Error::shape("movingAverage", format_args!("a value of shape {}", v.shape()), x.shape()));
    }
    let calc = Calc::default();
    let (v, decay) = (calc.of(v), calc.of(decay));
    let mut update = (calc.of(x) - v) * (1.0 - decay);
    if let Some(step) = step {
        update = update / (1.0 - decay.with(calc.of(step), pow));
    }
    calc.result(v + update)
}
