//! Discrete Fourier transforms of any length in O(n log n), composed of products with small matrices.

use std::f64::consts::TAU;

use crate::calc::{each, Calc, Term};
use crate::collect::Listed;
use crate::error::{Error, Result};
use crate::math;
use crate::ops::{check_table, reshape};
use crate::shape::Shape;
use crate::tensor::Tensor;

/// Real and imaginary parts.
type Parts = (Tensor, Tensor);

/// Transforms up to this length are one product with a matrix.
const DIRECT: usize = 64;

/// As [`Parts`], within a formula.
type Terms<'a> = [Term<'a>; 2];

/// A formula of both parts. There is one for each step of a transform and none for all: the values of the steps before are
/// as large as the transform, and need not be kept.
#[inline(never)]
fn formula((re, im): &Parts, f: &dyn for<'a> Fn(Terms<'a>) -> Terms<'a>) -> Result<Parts> {
    let calc = Calc::default();
    calc.pair(f(calc.both(re, im)))
}

/// The same shape for both parts.
fn shaped(parts: &Parts, dims: &[usize]) -> Result<Parts> {
    formula(parts, &|x| each(x, &|t| t.reshape(dims)))
}

#[inline(never)]
fn product<'a>([a, b]: Terms<'a>, [c, d]: Terms<'a>) -> Terms<'a> {
    [a * c - b * d, a * d + b * c]
}

/// The powers `exponent(row, column)` of the `n`-th root of unity, in a matrix.
#[inline(never)]
fn roots<'a>(beside: Term<'a>, [rows, columns]: [usize; 2], n: usize, exponent: fn(u64, u64) -> u64) -> Terms<'a> {
    let table = |part: fn(f64) -> f64| {
        // Large angles lose digits: whole turns are taken out as whole numbers.
        let turn = |i: usize| exponent((i / columns) as u64, (i % columns) as u64) % n as u64;
        let mut values = (0..rows * columns).map(|i| part(TAU * turn(i) as f64 / n as f64));
        beside.array(&mut values, &[rows, columns])
    };
    [table(math::cos), table(|angle| -math::sin(angle))]
}

/// `[rows, p, q]` with the last two exchanged, in another shape.
fn crossed(t: &Tensor, from: [usize; 3], to: [usize; 2]) -> Result<Tensor> {
    let calc = Calc::default();
    calc.result(calc.of(t).reshape(&from).permute(&[0, 2, 1]).reshape(&to))
}

/// The transform of rows `[rows, n]` (Cooley & Tukey 1965; of large prime factors, Bluestein 1970). No imaginary part is
/// one of zeros.
fn transform(re: &Tensor, im: Option<&Tensor>, n: usize) -> Result<Parts> {
    if n <= 1 {
        return Ok((re.clone(), im.map_or_else(|| re.zeros_like(), |im| Ok(im.clone()))?));
    }
    if n <= DIRECT {
        let calc = Calc::default();
        let re = calc.of(re);
        let [c, s] = roots(re, [n, n], n, |i, j| i * j);
        let (mut a, mut b) = (re.matmul(c), re.matmul(s));
        if let Some(im) = im {
            let im = calc.of(im);
            (a, b) = (a - im.matmul(s), b + im.matmul(c));
        }
        return calc.pair([a, b]);
    }
    let Some(p) = (2..=DIRECT).rev().find(|p| n.is_multiple_of(*p)) else {
        return chirp(re, im, n);
    };
    let (q, rows) = (n / p, re.shape()[0]);
    // Every q-th element together, turned, then the transform across.
    let column = |t: &Tensor| crossed(t, [rows, p, q], [rows * q, p]);
    let im = im.map(column).transpose()?;
    let inner = transform(&column(re)?, im.as_ref(), p)?;
    let (re, im) = formula(&inner, &|x| {
        let turned = product(each(x, &|t| t.reshape(&[rows, q, p])), roots(x[0], [q, p], n, |i, j| i * j));
        each(turned, &|t| t.permute(&[0, 2, 1]).reshape(&[rows * p, q]))
    })?;
    let (re, im) = transform(&re, Some(&im), q)?;
    Ok((crossed(&re, [rows, p, q], [rows, n])?, crossed(&im, [rows, p, q], [rows, n])?))
}

/// A transform as a convolution with a chirp, of a length that divides well.
fn chirp(re: &Tensor, im: Option<&Tensor>, n: usize) -> Result<Parts> {
    let size = (2 * n - 1).next_power_of_two();
    let (kernel, wave, a, b) = {
        let calc = Calc::default();
        let re = calc.of(re);
        // exp(-i pi k^2 / n).
        let wave = roots(re, [1, n], 2 * n, |_, k| k * k);
        let turned = match im {
            Some(im) => product([re, calc.of(im)], wave),
            None => each(wave, &|w| re * w),
        };
        let [a, b] = each(turned, &|t| t.pad(&[(0, 0), (0, size - n)]));
        let [c, d] =
            each(wave, &|t| t.pad(&[(0, 0), (0, size + 1 - 2 * n)]).join(t.slice(&[0, 1], &[1, n - 1]).reverse(1), 1));
        (calc.pair([c, -d])?, calc.pair(wave)?, calc.result(a)?, calc.result(b)?)
    };
    let grown = transform(&a, Some(&b), size)?;
    let kernel = transform(&kernel.0, Some(&kernel.1), size)?;
    let convolved = formula(&grown, &|x| product(x, [x[0].of(&kernel.0), x[0].of(&kernel.1)]))?;
    let rows = re.shape()[0];
    formula(&inverse(&convolved, size)?, &|x| {
        product(each(x, &|t| t.slice(&[0, 0], &[rows, n])), [x[0].of(&wave.0), x[0].of(&wave.1)])
    })
}

/// The inverse transform of rows: the transform with real and imaginary parts exchanged.
fn inverse((re, im): &Parts, n: usize) -> Result<Parts> {
    let (im, re) = transform(im, Some(re), n)?;
    formula(&(re, im), &|x| each(x, &|t| t * (1.0 / n as f64)))
}

fn parts(op: &str, re: &Tensor, im: &Tensor) -> Result<Parts> {
    if re.shape() != im.shape() || re.rank() == 0 {
        let got = format_args!("{} and {}", re.shape(), im.shape());
        return Err(Error::shape(op, "real and imaginary parts of one shape of rank at least 1", got));
    }
    let calc = Calc::default();
    calc.pair(each(calc.both(re, im), &|t| t.number()))
}

/// The length of the last dimension.
fn length(x: &Tensor) -> usize {
    x.shape().last().copied().unwrap_or(1)
}

/// `[rows, n]`.
fn rows(x: Term<'_>, n: usize) -> Term<'_> {
    x.reshape(&[x.size() / n.max(1), n])
}

/// `x` with its last dimension cut or padded with zeros to `n`.
pub(super) fn fitted(x: Term<'_>, n: usize) -> Term<'_> {
    let (last, had) = (x.rank().saturating_sub(1), x.last());
    let cut = x.part(last, 0, had.min(n));
    if had >= n {
        return cut;
    }
    let mut paddings = vec![(0, 0); last];
    paddings.push((0, n - had));
    cut.pad(&paddings)
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
    let flat = formula(&(re, im), &|x| each(x, &|t| rows(t, n)))?;
    let found = if inverted { inverse(&flat, n)? } else { transform(&flat.0, Some(&flat.1), n)? };
    shaped(&found, &shape)
}

/// [`fft`] along each of the last `dims` dimensions.
///
/// # Errors
/// As [`fft`], and `ErrorKind::Shape` when there are fewer dimensions.
pub fn fft_nd(re: &Tensor, im: &Tensor, inverted: bool, dims: usize) -> Result<(Tensor, Tensor)> {
    if dims == 0 || dims > re.rank() {
        return Err(Error::shape("fft", format_args!("a rank of at least {}", dims.max(1)), re.shape()));
    }
    let mut found = fft(re, im, inverted)?;
    for axis in re.rank() - dims..re.rank() - 1 {
        let mut order: Vec<usize> = (0..re.rank()).listed();
        order.swap(axis, re.rank() - 1);
        let permuted = |parts: &Parts| formula(parts, &|x| each(x, &|t| t.permute(&order)));
        let (re, im) = permuted(&found)?;
        found = permuted(&fft(&re, &im, inverted)?)?;
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
    let calc = Calc::default();
    let x = fitted(calc.of(x).number(), n);
    let mut half = x.dims();
    let flat = calc.result(rows(x, n))?;
    half.pop();
    half.push(n / 2 + 1);
    let found = transform(&flat, None, n)?;
    formula(&found, &|x| each(x, &|t| t.part(1, 0, n / 2 + 1).reshape(&half)))
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
    let whole = formula(&(re, im), &|x| {
        let x = each(x, &|t| rows(fitted(t, half), half));
        let [re, im] = each(x, &|t| t.part(1, 1, n - half).reverse(1));
        [x[0].join(re, 1), x[1].join(-im, 1)]
    })?;
    reshape(&inverse(&whole, n)?.0, out)
}
