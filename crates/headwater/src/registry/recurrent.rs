//! Cells of recurrent networks, and moving averages.

use headwater_core::ops::{self, LstmWeights};

use super::{one, two, Arity, Declared};

pub(super) const OPERATIONS: &[Declared] = &[
    // The forget bias, the kernel, the bias, the data, the state, the output.
    ("basicLSTMCell", Arity::Exactly(6), |_, x, _| {
        let weights = LstmWeights { forget_bias: &x[0], kernel: &x[1], bias: &x[2] };
        two(ops::basic_lstm_cell(weights, &x[3], &x[4], &x[5]))
    }),
    // The average, the value, the decay, and the step where the beginning is corrected.
    ("movingAverage", Arity::AtLeast(3), |_, x, _| one(ops::moving_average(&x[0], &x[1], &x[2], x.get(3)))),
];
