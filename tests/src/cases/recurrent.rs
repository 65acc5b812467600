//! Cells of recurrent networks, and moving averages.

use headwater_core::ops::{self, LstmWeights};
use headwater_core::{Result, Tensor};

use super::{case, Case, Input};

fn cell(x: &[Tensor]) -> Result<(Tensor, Tensor)> {
    let weights = LstmWeights { forget_bias: &x[0], kernel: &x[1], bias: &x[2] };
    ops::basic_lstm_cell(weights, &x[3], &x[4], &x[5])
}

pub(super) fn cases() -> Vec<Case> {
    let shapes: [&[usize]; 6] = [&[], &[7, 12], &[12], &[2, 4], &[2, 3], &[2, 3]];
    let inputs = || shapes.iter().map(|shape| Input::f32(shape)).collect::<Vec<_>>();
    let average = || vec![Input::f32(&[2, 3]), Input::f32(&[2, 3]), Input::f32(&[]).within(0.5, 0.95)];
    vec![
        case("basicLSTMCell state", inputs(), |x| Ok(cell(x)?.0)),
        case("basicLSTMCell output of two steps", inputs(), |x| {
            let (c, h) = cell(x)?;
            let mut next = x.to_vec();
            (next[4], next[5]) = (c, h);
            Ok(cell(&next)?.1)
        }),
        case("movingAverage", average(), |x| ops::moving_average(&x[0], &x[1], &x[2], None)),
        case("movingAverage of step 3", average(), |x| {
            ops::moving_average(&x[0], &x[1], &x[2], Some(&x[0].constant(3.0)))
        }),
    ]
}
