//! Fourier transforms and windows. Complex numbers are two tensors, real and imaginary parts.

use headwater_core::ops::{self, StftOptions};
use headwater_core::Result;

use super::{one, two, Arity, Attrs, Declared};

/// frame length, frame step, length of the transform.
fn stft_options(a: &Attrs<'_>) -> Result<StftOptions> {
    Ok(StftOptions { frame_length: a.size(0)?, frame_step: a.size(1)?, fft_length: a.size(2)? })
}

pub(super) const OPERATIONS: &[Declared] = &[
    // Whether inverted, the number of last dimensions.
    ("fft", Arity::Exactly(2), |_, x, a| two(ops::fft_nd(&x[0], &x[1], a.flag(0)?, a.size(1)?))),
    ("rfft", Arity::Exactly(1), |_, x, a| two(ops::rfft(&x[0], a.size(0)?))),
    ("irfft", Arity::Exactly(2), |_, x, a| one(ops::irfft(&x[0], &x[1], a.size(0)?))),
    // Length, step, whether padded, with what.
    ("frame", Arity::Exactly(1), |_, x, a| {
        let pad_end = if a.flag(2)? { Some(a.number(3)?) } else { None };
        one(ops::frame(&x[0], a.size(0)?, a.size(1)?, pad_end))
    }),
    ("overlapAndAdd", Arity::Exactly(1), |_, x, a| one(ops::overlap_and_add(&x[0], a.size(0)?))),
    ("cosineWindow", Arity::Exactly(0), |d, _, a| one(ops::cosine_window(d, a.size(0)?, a.number(1)?, a.number(2)?))),
    ("stft", Arity::Exactly(2), |_, x, a| two(ops::stft(&x[0], &x[1], stft_options(a)?))),
    ("inverseStft", Arity::Exactly(3), |_, x, a| one(ops::inverse_stft(&x[0], &x[1], &x[2], stft_options(a)?))),
];
