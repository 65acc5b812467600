//! Short-time Fourier transforms: signals in overlapping frames, and windows for them.

use std::f64::consts::TAU;

use super::fourier::{fitted, irfft, rfft};
use crate::calc::{each, Calc};
use crate::collect::Listed;
use crate::device::Device;
use crate::error::{Error, Result};
use crate::host::HostSlice;
use crate::math;
use crate::ops::{check_table, gather, pad, square};
use crate::shape::Shape;
use crate::tensor::Tensor;

/// `a - b cos(2 pi i / n)` for the `n` elements of a window, which is periodic where `n` is even and symmetric where it is
/// odd, as TensorFlow's. A window of one element is `a + b`.
///
/// # Errors
/// `ErrorKind::Argument` for more elements than memory holds; `ErrorKind::Device` when it runs out.
pub fn cosine_window(device: &Device, n: usize, a: f64, b: f64) -> Result<Tensor> {
    check_table("cosineWindow", n)?;
    let period = n - n % 2;
    let value = |i: usize| if n == 1 { a + b } else { a - b * math::cos(TAU * i as f64 / period as f64) };
    device.tensor(HostSlice::F32(&(0..n).map(|i| value(i) as f32).listed()), [n])
}

/// Hann's window of `n` elements.
///
/// # Errors
/// As [`cosine_window`].
pub fn hann_window(device: &Device, n: usize) -> Result<Tensor> {
    cosine_window(device, n, 0.5, 0.5)
}

/// Hamming's window of `n` elements.
///
/// # Errors
/// As [`cosine_window`].
pub fn hamming_window(device: &Device, n: usize) -> Result<Tensor> {
    cosine_window(device, n, 0.54, 0.46)
}

fn check(op: &str, x: &Tensor, rank: usize, length: usize, step: usize) -> Result<()> {
    if x.rank() < rank {
        return Err(Error::shape(op, format_args!("a tensor of rank at least {rank}"), x.shape()));
    }
    if length == 0 || step == 0 {
        let got = format_args!("{length} and {step}");
        return Err(Error::argument(op, "frames and steps of at least one element", got));
    }
    Ok(())
}

/// Overlapping frames of `length` elements, `step` apart, of the last dimension: `[.., n]` to `[.., frames, length]`. With
/// `pad_end`, a frame begins at every step, and `value` is what lies beyond the end; without, frames lie within.
///
/// # Errors
/// `ErrorKind::Shape` for a scalar; `ErrorKind::Argument` when the length is 0, or the step where a frame fits.
pub fn frame(x: &Tensor, length: usize, step: usize, pad_end: Option<f64>) -> Result<Tensor> {
    let n = x.shape().last().copied().unwrap_or(0);
    let fits = pad_end.is_some() || n >= length;
    // Where no frame fits, no step is taken.
    check("frame", x, 1, length, if fits { step } else { 1 })?;
    let last = x.rank() - 1;
    let count = match pad_end {
        Some(_) => n.div_ceil(step),
        None if fits => (n - length) / step + 1,
        None => 0,
    };
    if count == 0 {
        let shape = Shape::joined(&[&x.shape()[..last], &[0, length]]);
        return x.device().zeros(shape, x.dtype());
    }
    let mut paddings = vec![(0, 0); x.rank()];
    paddings[last].1 = ((count - 1) * step + length).saturating_sub(n);
    let grown = if paddings[last].1 > 0 { pad(x, &paddings, pad_end.unwrap_or(0.0))? } else { x.clone() };
    let calc = Calc::default();
    let grown = calc.of(&grown);
    let first = grown.iota(&[count, 1], 0) * grown.whole_scalar(step as i32);
    calc.result(grown.with(first + grown.iota(&[1, length], 1), |x, index| gather(x, index, -1, 0)))
}

/// The sum of frames `[.., frames, length]` that begin `step` apart: `[.., (frames - 1) * step + length]`. The adjoint of
/// [`frame`].
///
/// # Errors
/// `ErrorKind::Shape` when the rank is below 2; `ErrorKind::Argument` when length or step is 0.
pub fn overlap_and_add(frames: &Tensor, step: usize) -> Result<Tensor> {
    let length = frames.shape().last().copied().unwrap_or(0);
    check("overlapAndAdd", frames, 2, length, step)?;
    let (batch, count) = (&frames.shape()[..frames.rank() - 2], frames.shape()[frames.rank() - 2]);
    let rows: usize = batch.iter().product();
    let n = if count == 0 { 0 } else { (count - 1) * step + length };
    // Every frame in pieces of one step: the k-th pieces of all frames follow one another.
    let pieces = length.div_ceil(step);
    let calc = Calc::default();
    let whole = fitted(calc.of(frames), pieces * step).reshape(&[rows, count, pieces, step]);
    let mut total = calc.of(&frames.device().zeros([rows, (count + pieces - 1) * step], frames.dtype())?);
    for k in 0..pieces {
        let piece = whole.part(2, k, 1).reshape(&[rows, count * step]);
        total = total + piece.pad(&[(0, 0), (k * step, (pieces - 1 - k) * step)]);
    }
    let mut out = batch.to_vec();
    out.push(n);
    calc.result(total.part(1, 0, n).reshape(&out))
}

/// The parameters of a short-time Fourier transform.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StftOptions {
    /// Elements of a frame.
    pub frame_length: usize,
    /// Elements from one frame to the next.
    pub frame_step: usize,
    /// Length of the transform: frames are cut or padded with zeros to it.
    pub fft_length: usize,
}

fn check_window(op: &str, window: &Tensor, length: usize) -> Result<()> {
    if window.shape()[..] != [length] {
        return Err(Error::shape(op, format_args!("a window of shape [{length}]"), window.shape()));
    }
    Ok(())
}

/// The transforms of a signal's windowed frames: `[.., n]` to real and imaginary parts
/// `[.., frames, fft_length / 2 + 1]`.
///
/// # Errors
/// `ErrorKind::Shape` for a scalar or a window of another length than frames have; `ErrorKind::Argument` when a length or
/// step is 0.
pub fn stft(x: &Tensor, window: &Tensor, options: StftOptions) -> Result<(Tensor, Tensor)> {
    check_window("stft", window, options.frame_length)?;
    let frames = frame(&x.cast(crate::dtype::DType::F32)?, options.frame_length, options.frame_step, None)?;
    let calc = Calc::default();
    rfft(&calc.result(calc.of(&frames) * calc.of(window))?, options.fft_length)
}

/// The signal whose [`stft`] with the same window and options is nearest to `re` and `im`
/// `[.., frames, fft_length / 2 + 1]` in the least squares (Griffin & Lim 1984): `[.., (frames - 1) * frame_step +
/// frame_length]`. What no window covers is 0.
///
/// # Errors
/// As [`stft`], and `ErrorKind::Shape` when the parts differ in shape or their rank is below 2.
pub fn inverse_stft(re: &Tensor, im: &Tensor, window: &Tensor, options: StftOptions) -> Result<Tensor> {
    const OP: &str = "inverseStft";
    check(OP, re, 2, options.frame_length, options.frame_step)?;
    check_window(OP, window, options.frame_length)?;
    let calc = Calc::default();
    let frames = fitted(calc.of(&irfft(re, im, options.fft_length)?), options.frame_length);
    let count = frames.dim(frames.rank().saturating_sub(2));
    let window = calc.of(window);
    let squares = window.map(square).broadcast(&[count, options.frame_length]);
    let [weighted, squares] =
        each([frames * window, squares], &|x| x.then(&|x| overlap_and_add(x, options.frame_step)));
    calc.result(weighted.over(squares))
}
