//! Draws of distributions, from the counter-based generator: element `i` depends on the seed, on `i` and on the parameters
//! there alone. Engines agree but for the last digits of their logarithms, which rarely decide whether a proposal is
//! accepted. Nothing here has a gradient.

use std::f64::consts::TAU;

use super::random::{bits, standard_normal, unit};
use crate::calc::{Calc, Term};
use crate::device::Device;
use crate::error::{Error, Result};
use crate::number;
use crate::ops::{
    abs, bitwise_and, equal, exp, floor, greater_equal, hash_key, less, less_equal, log, log1p, logical_not,
    logical_or, minimum, reciprocal, square, topk,
};
use crate::shape::Shape;
use crate::tensor::Tensor;

/// Proposals of a gamma draw, each of which is accepted with a probability of 0.95 or more: one in 6e7 draws has none
/// accepted, and gets the centre.
const GAMMA_PROPOSALS: usize = 6;
/// Proposals of a Poisson draw, accepted with a probability of 0.75 or more: one in 1e6 draws has none accepted.
const POISSON_PROPOSALS: usize = 10;
/// Rates below are drawn by inversion.
const POISSON_INVERSION: f64 = 10.0;
/// Counts that inversion goes up to: P(count > 32) is below 1e-8 at the largest rate.
const POISSON_COUNTS: usize = 32;

/// Uniform in (0, 1): the middles of 2²³ equal parts, so that logarithms of it and of 1 minus it are finite.
fn open_unit(beside: Term<'_>, n: usize, seed: u32) -> Term<'_> {
    (bits(beside, n, seed).shifted(9).number() + 0.5) * (1.0 / f64::from(1 << 23))
}

/// Exponential with rate 1; log1p has the digits of small ones.
#[inline(never)]
fn unit_exponential(beside: Term<'_>, n: usize, seed: u32) -> Term<'_> {
    -(-open_unit(beside, n, seed)).map(log1p)
}

/// A parameter as float32, one for each element of `shape`, flat.
#[inline(never)]
fn spread<'a>(calc: &'a Calc<'a>, parameter: &Tensor, shape: &Shape, op: &str) -> Result<Term<'a>> {
    if parameter.shape().broadcast(shape, op)? != *shape {
        return Err(Error::shape(op, format_args!("parameters that broadcast to {shape}"), parameter.shape()));
    }
    Ok(calc.of(parameter).number().broadcast(shape).reshape(&[shape.size()]))
}

/// Of proposals `[n, k]`, the first of each row that is accepted, or the row's `centre` `[n, 1]` where none is.
fn first_accepted<'a>(proposals: Term<'a>, accepted: Term<'a>, centre: Term<'a>) -> Term<'a> {
    let k = proposals.dim(1);
    let order = k as f64 - proposals.iota(&[1, k], 1);
    // The last counts whether it is accepted or not.
    let counts = accepted.with(order.by(1.0, equal), logical_or);
    let score = order.where_else(counts, 0.0);
    let first = score.with(score.max_along(&[1], true), equal);
    accepted.choose(proposals, centre).where_else(first, 0.0).sum(&[1], false)
}

/// Draws of the exponential distribution with a rate.
///
/// # Errors
/// `ErrorKind::Argument` when the rate is not positive.
pub fn random_exponential(device: &Device, shape: impl Into<Shape>, rate: f32, seed: u32) -> Result<Tensor> {
    if rate.is_nan() || rate <= 0.0 {
        return Err(Error::argument("randomExponential", "a positive rate", number(rate.into())));
    }
    let (calc, shape) = (Calc::default(), shape.into());
    let beside = calc.on(device);
    let mean = beside.scalar(f64::from(1.0 / rate));
    calc.result((unit_exponential(beside, shape.size(), seed) * mean).reshape(&shape))
}

/// Draws of the standard Gumbel distribution, `-log(-log(u))`.
///
/// # Errors
/// None that a caller can cause.
pub fn gumbel(device: &Device, shape: impl Into<Shape>, seed: u32) -> Result<Tensor> {
    let (calc, shape) = (Calc::default(), shape.into());
    // The location of the largest of many.
    calc.result((-unit_exponential(calc.on(device), shape.size(), seed).map(log)).reshape(&shape))
}

/// Whole numbers from `low` up to and without `high`, int32. A number's probability differs from the others' by less than
/// 2⁻³²: they are the products of 32 random bits and the length of the range, over 2³² (Lemire 2019, without rejection).
///
/// # Errors
/// `ErrorKind::Argument` when `low` is not below `high`.
pub fn random_int(device: &Device, shape: impl Into<Shape>, low: i32, high: i32, seed: u32) -> Result<Tensor> {
    if low >= high {
        return Err(Error::argument("randomInt", "low below high", format_args!("{low} and {high}")));
    }
    let (calc, shape) = (Calc::default(), shape.into());
    calc.result(int_below(calc.on(device), shape.size(), low, high, seed).reshape(&shape))
}

fn int_below<'a>(beside: Term<'a>, n: usize, low: i32, high: i32, seed: u32) -> Term<'a> {
    let range = high.wrapping_sub(low) as u32;
    let (range_high, range_low) =
        (beside.whole_scalar((range >> 16) as i32), beside.whole_scalar((range & 0xffff) as i32));
    let low_half = |x: Term<'a>| x.by(f64::from(0xffff), bitwise_and);
    let x = bits(beside, n, seed);
    // The upper half of a product of 64 bits, of halves.
    let (x_high, x_low) = (x.shifted(16), low_half(x));
    let cross = x_high * range_low;
    let carried = (x_low * range_low).shifted(16) + low_half(cross);
    let middle = carried + x_low * range_high;
    let upper = cross.shifted(16) + middle.shifted(16);
    let upper = upper + x_high * range_high;
    upper + beside.whole_scalar(low)
}

/// The numbers below `n` in random order, int32. Of 32-bit keys some are equal where there are very many; those keep their
/// order.
///
/// # Errors
/// None that a caller can cause.
pub fn permutation(device: &Device, n: usize, seed: u32) -> Result<Tensor> {
    let calc = Calc::default();
    Ok(topk(&calc.result(bits(calc.on(device), n, seed))?, n)?.1)
}

/// True with probability `p`, which broadcasts to `shape`. A probability of 0 or less, or NaN, gives false, of 1 or more
/// true.
///
/// # Errors
/// `ErrorKind::Shape` when `p` does not broadcast.
pub fn bernoulli(p: &Tensor, shape: impl Into<Shape>, seed: u32) -> Result<Tensor> {
    let (calc, shape) = (Calc::default(), shape.into());
    let p = spread(&calc, p, &shape, "bernoulli")?;
    calc.result(unit(p, shape.size(), seed).with(p, less).reshape(&shape))
}

/// `samples` class numbers for each row of the last dimension of `logits`, drawn with probabilities softmax(logits):
/// `[.., classes]` gives int32 `[.., samples]` (the largest after adding Gumbel noise: Maddison et al. 2014). A class of
/// -infinity is not drawn.
///
/// # Errors
/// `ErrorKind::Shape` for a scalar or when there are no classes.
pub fn categorical(logits: &Tensor, samples: usize, seed: u32) -> Result<Tensor> {
    let classes = logits.shape().last().copied().unwrap_or(0);
    if classes == 0 {
        return Err(Error::shape("multinomial", "logits of at least one class", logits.shape()));
    }
    let last = logits.rank() - 1;
    let mut shape = logits.shape().to_vec();
    shape.insert(last, samples);
    let noise = gumbel(logits.device(), shape, seed)?;
    let calc = Calc::default();
    calc.result((calc.of(logits).number().expand(last as isize) + calc.of(&noise)).arg_max(-1))
}

/// Draws of the gamma distribution with shape parameter `alpha` and rate `beta`, which broadcast to `shape`, float32. NaN
/// where `alpha` or `beta` is negative or NaN (Marsaglia & Tsang 2000).
///
/// # Errors
/// `ErrorKind::Shape` when a parameter does not broadcast.
pub fn random_gamma(alpha: &Tensor, beta: &Tensor, shape: impl Into<Shape>, seed: u32) -> Result<Tensor> {
    let (device, shape) = (alpha.device(), shape.into());
    let draw = || {
        let calc = Calc::default();
        let alpha = spread(&calc, alpha, &shape, "randomGamma")?;
        let beta = spread(&calc, beta, &shape, "randomGamma")?;
        calc.result(gamma(alpha, beta, shape.size(), seed).reshape(&shape))
    };
    device.without_tapes(draw)
}

fn gamma<'a>(alpha: Term<'a>, beta: Term<'a>, n: usize, seed: u32) -> Term<'a> {
    let small = alpha.by(1.0, less);
    let above_one = small.choose(alpha + 1.0, alpha);
    let unscaled = gamma_above_one(above_one.reshape(&[n, 1]), seed);
    // A draw for alpha + 1 times u^(1 / alpha) is one for alpha.
    let log_u = -unit_exponential(alpha, n, hash_key(seed, 6));
    let boost = (log_u / alpha).map(exp).where_else(small, 1.0);
    let drawn = (unscaled * boost) / beta;
    drawn.where_else(alpha.with(beta, minimum).by(0.0, greater_equal), f64::NAN)
}

/// Draws `[n]` of the gamma distribution for `alpha` `[n, 1]` of at least 1.
fn gamma_above_one(alpha: Term<'_>, seed: u32) -> Term<'_> {
    let n = alpha.size();
    let proposals = [n, GAMMA_PROPOSALS];
    let flat = n * GAMMA_PROPOSALS;
    let x = standard_normal(alpha, flat, hash_key(seed, 4)).reshape(&proposals);
    let exponential = unit_exponential(alpha, flat, hash_key(seed, 5)).reshape(&proposals);
    let d = alpha - 1.0 / 3.0;
    let t = x * (d * 9.0).sqrt().map(reciprocal);
    let inside = t.exceeds(-1.0);
    let t = t.at_least(-0.999);
    // v = (1 + t)³; log(u) < x²/2 + d * (1 - v + log v), in which like terms have been taken from each other.
    let v = (t + 1.0).map(square) * (t + 1.0);
    let rest = (t.map(log1p) - (t + t.map(square))) * 3.0 - t * t.map(square);
    let bound = x.map(square) * 0.5 + d * rest;
    let accepted = inside.and((-exponential).with(bound, less));
    first_accepted(d * v, accepted, d)
}

/// Draws of the Poisson distribution with `rate`s, which broadcast to `shape`, int32. -1 where a rate is negative or NaN.
/// Exact but for rounding for rates up to 2²⁴, beyond which counts are multiples of float32's spacing, up to 2³¹ - 1
/// (below 10 by inversion, above by transformed rejection: Hörmann 1993, PTRS).
///
/// # Errors
/// `ErrorKind::Shape` when the rate does not broadcast.
pub fn random_poisson(rate: &Tensor, shape: impl Into<Shape>, seed: u32) -> Result<Tensor> {
    let (device, shape) = (rate.device(), shape.into());
    let draw = || {
        let calc = Calc::default();
        let rate = spread(&calc, rate, &shape, "randomPoisson")?;
        let few = poisson_by_inversion(rate.clip(0.0, POISSON_INVERSION), seed);
        let many = poisson_by_rejection(rate.at_least(POISSON_INVERSION).reshape(&[shape.size(), 1]), seed);
        let count = rate.by(POISSON_INVERSION, less).choose(few, many).whole();
        calc.result(count.where_else(rate.by(0.0, greater_equal), -1.0).reshape(&shape))
    };
    device.without_tapes(draw)
}

/// Counts `[n]` for rates `[n]` of at most [`POISSON_INVERSION`]: as many as the probability of at most so many is below a
/// uniform number.
fn poisson_by_inversion(rate: Term<'_>, seed: u32) -> Term<'_> {
    let u = unit(rate, rate.size(), hash_key(seed, 4));
    let mut probability = (-rate).map(exp);
    let mut total = probability;
    let mut count = u.with(total, greater_equal).number();
    for k in 1..POISSON_COUNTS {
        probability = probability * (rate * (1.0 / k as f64));
        total = total + probability;
        count = count + u.with(total, greater_equal).number();
    }
    count
}

/// Counts `[n]` for rates `[n, 1]` of at least [`POISSON_INVERSION`]. The constants are Hörmann's.
fn poisson_by_rejection(rate: Term<'_>, seed: u32) -> Term<'_> {
    let n = rate.size();
    let uniform =
        |stream: u32| open_unit(rate, n * POISSON_PROPOSALS, hash_key(seed, stream)).reshape(&[n, POISSON_PROPOSALS]);
    let (u, v) = (uniform(5) - 0.5, uniform(6));
    let b = rate.sqrt() * 2.53 + 0.931;
    let a = b * 0.024_83 - 0.059;
    let inverse_alpha = rate.like(1.132_8) / (b - 3.4) + 1.123_9;
    let edge = 0.5 - u.map(abs);
    let slope = (a * 2.0) / edge + b;
    let k = (slope * u + (rate + 0.43)).map(floor);
    // log(P(k)), in terms of the distance to the rate: k log(rate) and log(k!) would lose the digits that remain.
    let whole = k.at_least(1.0);
    let t = (rate - whole) / whole;
    let inverse = whole.map(reciprocal);
    let stirling = inverse * (1.0 / 12.0 - inverse.map(square) * (1.0 / 360.0));
    let normaliser = (whole * TAU).map(log) * 0.5 + stirling;
    let log_p = whole * (t.map(log1p) - t) - normaliser;
    let log_p = k.by(0.5, less).choose(-rate, log_p);
    let hat = a / edge.map(square) + b;
    let below = ((v * inverse_alpha) / hat).map(log).with(log_p, less_equal);
    let squeeze = 0.927_7 - rate.like(3.622_4) / (b - 2.0);
    let at_once = edge.by(0.07, greater_equal).and(v.with(squeeze, less_equal));
    let corner = edge.by(0.013, less).and(v.above(edge));
    let counts = k.by(0.0, greater_equal);
    let tested = counts.and(corner.map(logical_not)).and(below);
    first_accepted(k, at_once.with(tested, logical_or), rate.map(floor))
}
