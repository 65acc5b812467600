//! Discrete Fourier transforms of any length in O(n log n), composed of products with small matrices.

use std::f64::consts::TAU;

use crate::dtype::DType;
use crate::error::{Error, Result};
use crate::host::HostSlice;
use crate::math;
use crate::ops::{add, check_table, concat, matmul, mul, neg, pad, permute, reshape, reverse, slice, sub};
use crate::shape::Shape;
use crate::tensor::Tensor;

/// Real and imaginary parts.
type Parts = (Tensor, Tensor);

/// Transforms up to this length are one product with a matrix.
const DIRECT: usize = 64;

fn each((re, im): &Parts, f: impl Fn(&Tensor) -> Result<Tensor>) -> Result<Parts> {
    Ok((f(re)?, f(im)?))
}

fn product((a, b): &Parts, (c, d): &Parts) -> Result<Parts> {
    Ok((sub(&mul(a, c)?, &mul(b, d)?)?, add(&mul(a, d)?, &mul(b, c)?)?))
}

/// The powers `exponent(row, column)` of the `n`-th root of unity, in a matrix.
fn roots(like: &Tensor, [rows, columns]: [usize; 2], n: usize, exponent: fn(u64, u64) -> u64) -> Result<Parts> {
    let table = |part: fn(f64) -> f64| {
        // Large angles lose digits: whole turns are taken out as whole numbers.
        let turn = |i: usize| exponent((i / columns) as u64, (i % columns) as u64) % n as u64;
        let values: Vec<f32> = (0..rows * columns).map(|i| part(TAU * turn(i) as f64 / n as f64) as f32).collect();
        like.device().tensor(HostSlice::F32(&values), [rows, columns])
    };
    Ok((table(math::cos)?, table(|angle| -math::sin(angle))?))
}

/// The transform of rows `[rows, n]` (Cooley & Tukey 1965; of large prime factors, Bluestein 1970). No imaginary part is
/// one of zeros.
fn transform(re: &Tensor, im: Option<&Tensor>, n: usize) -> Result<Parts> {
    if n <= 1 {
        return Ok((re.clone(), im.map_or_else(|| re.zeros_like(), |im| Ok(im.clone()))?));
    }
    if n <= DIRECT {
        let (c, s) = roots(re, [n, n], n, |i, j| i * j)?;
        let times = |x: &Tensor, table: &Tensor| matmul(x, table, false, false);
        let (a, b) = (times(re, &c)?, times(re, &s)?);
        return match im {
            Some(im) => Ok((sub(&a, &times(im, &s)?)?, add(&b, &times(im, &c)?)?)),
            None => Ok((a, b)),
        };
    }
    let Some(p) = (2..=DIRECT).rev().find(|p| n.is_multiple_of(*p)) else {
        return chirp(re, im, n);
    };
    let (q, rows) = (n / p, re.shape()[0]);
    // Every q-th element together, turned, then the transform across.
    let column = |t: &Tensor| reshape(&permute(&reshape(t, [rows, p, q])?, &[0, 2, 1])?, [rows * q, p]);
    let im = im.map(column).transpose()?;
    let inner = each(&transform(&column(re)?, im.as_ref(), p)?, |t| reshape(t, [rows, q, p]))?;
    let turned = product(&inner, &roots(re, [q, p], n, |i, j| i * j)?)?;
    let (re, im) = each(&turned, |t| reshape(&permute(t, &[0, 2, 1])?, [rows * p, q]))?;
    let across = transform(&re, Some(&im), q)?;
    each(&across, |t| reshape(&permute(&reshape(t, [rows, p, q])?, &[0, 2, 1])?, [rows, n]))
}

/// A transform as a convolution with a chirp, of a length that divides well.
fn chirp(re: &Tensor, im: Option<&Tensor>, n: usize) -> Result<Parts> {
    let size = (2 * n - 1).next_power_of_two();
    // exp(-i pi k^2 / n).
    let wave = roots(re, [1, n], 2 * n, |_, k| k * k)?;
    let rows = re.shape()[0];
    let (a, b) = match im {
        Some(im) => product(&(re.clone(), im.clone()), &wave)?,
        None => each(&wave, |w| mul(re, w))?,
    };
    let grown = |t: &Tensor| pad(t, &[(0, 0), (0, size - n)], 0.0);
    let (a, b) = transform(&grown(&a)?, Some(&grown(&b)?), size)?;
    let back = |t: &Tensor| {
        let mirrored = reverse(&slice(t, &[0, 1], &[1, n - 1])?, Some(&[1]))?;
        concat(&[&pad(t, &[(0, 0), (0, size + 1 - 2 * n)], 0.0)?, &mirrored], 1)
    };
    let kernel = transform(&back(&wave.0)?, Some(&neg(&back(&wave.1)?)?), size)?;
    let convolved = inverse(&product(&(a, b), &kernel)?, size)?;
    product(&each(&convolved, |t| slice(t, &[0, 0], &[rows, n]))?, &wave)
}

/// The inverse transform of rows: the transform with real and imaginary parts exchanged.
fn inverse((re, im): &Parts, n: usize) -> Result<Parts> {
    let (im, re) = transform(im, Some(re), n)?;
    each(&(re, im), |t| t * (1.0 / n as f64))
}

fn parts(op: &str, re: &Tensor, im: &Tensor) -> Result<Parts> {
    if re.shape() != im.shape() || re.rank() == 0 {
        let got = format!("{} and {}", re.shape(), im.shape());
        return Err(Error::shape(op, "real and imaginary parts of one shape of rank at least 1", got));
    }
    each(&(re.clone(), im.clone()), |t| t.cast(DType::F32))
}

/// The length of the last dimension.
fn length(x: &Tensor) -> usize {
    x.shape().last().copied().unwrap_or(1)
}

fn rows(x: &Tensor, n: usize) -> Result<Tensor> {
    reshape(x, [x.size() / n.max(1), n])
}

/// `x` with its last dimension cut or padded with zeros to `n`.
pub(super) fn fitted(x: &Tensor, n: usize) -> Result<Tensor> {
    let (last, had) = (x.rank() - 1, length(x));
    let cut = slice(x, &vec![0; x.rank()], &x.shape().with_dim(last, had.min(n)))?;
    if had >= n {
        return Ok(cut);
    }
    let mut paddings = vec![(0, 0); x.rank()];
    paddings[last].1 = n - had;
    pad(&cut, &paddings, 0.0)
}

/// The discrete Fourier transform along the last dimension, or its inverse, which divides by the length.
///
/// # Errors
/// `ErrorKind::Shape` when real and imaginary parts differ in shape or are scalars; `ErrorKind::Argument` for a length above
/// 2^24.
pub fn fft(re: &Tensor, im: &Tensor, inverted: bool) -> Result<(Tensor, Tensor)> {
    let (re, im) = parts("fft", re, im)?;
    if re.size() == 0 {
        return Ok((re, im));
    }
    let (shape, n) = (re.shape().clone(), length(&re));
    check_table("fft", n)?;
    let flat = each(&(re, im), |t| rows(t, n))?;
    let found = if inverted { inverse(&flat, n)? } else { transform(&flat.0, Some(&flat.1), n)? };
    each(&found, |t| reshape(t, &shape))
}

/// [`fft`] along each of the last `dims` dimensions.
///
/// # Errors
/// As [`fft`], and `ErrorKind::Shape` when there are fewer dimensions.
pub fn fft_nd(re: &Tensor, im: &Tensor, inverted: bool, dims: usize) -> Result<(Tensor, Tensor)> {
    if dims == 0 || dims > re.rank() {
        return Err(Error::shape("fft", format!("a rank of at least {}", dims.max(1)), re.shape()));
    }
    let mut found = fft(re, im, inverted)?;
    for axis in re.rank() - dims..re.rank() - 1 {
        let mut order: Vec<usize> = (0..re.rank()).collect();
        order.swap(axis, re.rank() - 1);
        let (re, im) = each(&found, |t| permute(t, &order))?;
        found = each(&fft(&re, &im, inverted)?, |t| permute(t, &order))?;
    }
    Ok(found)
}

/// The first `n / 2 + 1` elements of the transform of real numbers along the last dimension, which is cut or padded with
/// zeros to `n` first; the others are their conjugates.
///
/// # Errors
/// `ErrorKind::Shape` for a scalar; `ErrorKind::Argument` when `n` is 0 or above 2^24.
pub fn rfft(x: &Tensor, n: usize) -> Result<(Tensor, Tensor)> {
    if x.rank() == 0 {
        return Err(Error::shape("rfft", "a tensor of rank at least 1", x.shape()));
    }
    if n == 0 {
        return Err(Error::argument("rfft", "a length of at least 1", n));
    }
    check_table("rfft", n)?;
    let x = fitted(&x.cast(DType::F32)?, n)?;
    let half = x.shape().with_dim(x.rank() - 1, n / 2 + 1);
    let flat = rows(&x, n)?;
    let found = transform(&flat, None, n)?;
    each(&found, |t| reshape(&slice(t, &[0, 0], &[flat.shape()[0], n / 2 + 1])?, &half))
}

/// The `n` real numbers along the last dimension whose transform begins with these `n / 2 + 1` elements; fewer are taken for
/// zeros, more are left out. Imaginary parts that such a transform does not have are ignored.
///
/// # Errors
/// `ErrorKind::Shape` when real and imaginary parts differ in shape or are scalars; `ErrorKind::Argument` when `n` is 0 or above 2^24.
pub fn irfft(re: &Tensor, im: &Tensor, n: usize) -> Result<Tensor> {
    let (re, im) = parts("irfft", re, im)?;
    if n == 0 {
        return Err(Error::argument("irfft", "a length of at least 1", n));
    }
    check_table("irfft", n)?;
    let half = n / 2 + 1;
    let out: Shape = re.shape().with_dim(re.rank() - 1, n);
    let (re, im) = each(&(re, im), |t| rows(&fitted(t, half)?, half))?;
    let mirrored = |t: &Tensor| reverse(&slice(t, &[0, 1], &[t.shape()[0], n - half])?, Some(&[1]));
    let whole = (concat(&[&re, &mirrored(&re)?], 1)?, concat(&[&im, &neg(&mirrored(&im)?)?], 1)?);
    reshape(&inverse(&whole, n)?.0, out)
}
