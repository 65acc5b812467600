//! Fourier transforms and frames.

use headwater_core::ops::{self, StftOptions};
use headwater_core::{Result, Tensor};

use super::{case, Case, Input};

/// Real and imaginary parts in one tensor, so that both are compared.
fn both((re, im): (Tensor, Tensor)) -> Result<Tensor> {
    ops::stack(&[&re, &im], 0)
}

pub(super) fn cases() -> Vec<Case> {
    let mut out = Vec::new();
    // Direct, radices in a row, large primes, and both.
    for n in [1, 2, 7, 64, 96, 128, 67, 2 * 71, 1024] {
        for inverse in [false, true] {
            let x = || Input::f32(&[3, n]);
            let mut case = case(&format!("fft {n} inverse={inverse}"), vec![x(), x()], move |x| {
                both(ops::fft(&x[0], &x[1], inverse)?)
            });
            // Sums of so many terms.
            case.tolerance = if n > 1000 { 1e-4 } else { 2e-5 };
            out.push(case);
        }
    }
    for dims in [1, 2, 3] {
        let x = || Input::f32(&[2, 4, 3, 5]);
        out.push(case(&format!("fft of {dims} dimensions"), vec![x(), x()], move |x| {
            both(ops::fft_nd(&x[0], &x[1], dims == 2, dims)?)
        }));
    }
    out.push(case("fft of nothing", vec![Input::f32(&[0, 4]), Input::f32(&[0, 4])], |x| {
        both(ops::fft(&x[0], &x[1], false)?)
    }));
    for (n, length) in [(8, 8), (9, 9), (10, 6), (5, 12), (100, 134), (1, 1)] {
        let name = format!("rfft {n} as {length}");
        out.push(case(&name, vec![Input::f32(&[2, 2, n])], move |x| both(ops::rfft(&x[0], length)?)));
        let half = || Input::f32(&[2, n / 2 + 1]);
        out.push(case(&format!("i{name}"), vec![half(), half()], move |x| ops::irfft(&x[0], &x[1], length)));
    }
    out.extend(frames());
    out
}

fn frames() -> Vec<Case> {
    let mut out = Vec::new();
    for (n, length, step, pad_end) in [(10, 4, 2, None), (10, 4, 3, Some(0.5)), (3, 4, 1, None), (9, 2, 4, None)] {
        out.push(case(&format!("frame {n} {length} {step} {pad_end:?}"), vec![Input::f32(&[2, n])], move |x| {
            ops::frame(&x[0], length, step, pad_end)
        }));
    }
    for (count, length, step) in [(4, 6, 2), (3, 5, 2), (3, 2, 4), (1, 3, 3), (0, 3, 1)] {
        let inputs = vec![Input::f32(&[2, count, length])];
        out.push(case(&format!("overlapAndAdd {count} {length} {step}"), inputs, move |x| {
            ops::overlap_and_add(&x[0], step)
        }));
    }
    let options = StftOptions { frame_length: 12, frame_step: 4, fft_length: 16 };
    out.push(case("stft", vec![Input::f32(&[2, 40])], move |x| {
        both(ops::stft(&x[0], &ops::hann_window(x[0].device(), 12)?, options)?)
    }));
    let half = || Input::f32(&[2, 5, 9]);
    out.push(case("inverseStft", vec![half(), half()], move |x| {
        ops::inverse_stft(&x[0], &x[1], &ops::hamming_window(x[0].device(), 12)?, options)
    }));
    out
}
