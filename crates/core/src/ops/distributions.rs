//! Draws of distributions, from the counter-based generator: element `i` depends on the seed, on `i` and on the parameters
//! there alone. Engines agree but for the last digits of their logarithms, which rarely decide whether a proposal is
//! accepted. Nothing here has a gradient.

use std::f64::consts::TAU;

use super::random::{bits, int, standard_normal, unit};
use crate::device::Device;
use crate::dtype::{DType, Scalar};
use crate::error::{Error, Result};
use crate::number;
use crate::ops::{
    abs, add, arg_max, bitwise_and, broadcast_to, clip, equal, exp, expand_dims, floor, greater, greater_equal,
    hash_key, less, less_equal, log, log1p, logical_and, logical_not, logical_or, max, maximum, minimum, mul, neg,
    real_div, reciprocal, reshape, right_shift, select, sqrt, square, sub, sum, topk,
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
fn open_unit(device: &Device, n: usize, seed: u32) -> Result<Tensor> {
    let high = right_shift(&bits(device, n, seed)?, &int(device, 9))?.cast(DType::F32)?;
    &(&high + 0.5)? * (1.0 / f64::from(1 << 23))
}

/// Exponential with rate 1; log1p has the digits of small ones.
fn unit_exponential(device: &Device, n: usize, seed: u32) -> Result<Tensor> {
    neg(&log1p(&neg(&open_unit(device, n, seed)?)?)?)
}

/// Standard Gumbel: the location of the largest of many.
fn unit_gumbel(device: &Device, n: usize, seed: u32) -> Result<Tensor> {
    neg(&log(&unit_exponential(device, n, seed)?)?)
}

/// A parameter as float32, one for each element of `shape`, flat.
fn spread(parameter: &Tensor, shape: &Shape, op: &str) -> Result<Tensor> {
    if parameter.shape().broadcast(shape, op)? != *shape {
        return Err(Error::shape(op, format!("parameters that broadcast to {shape}"), parameter.shape()));
    }
    reshape(&broadcast_to(&parameter.cast(DType::F32)?, shape)?, [shape.size()])
}

/// Of proposals `[n, k]`, the first of each row that is accepted, or the row's `centre` `[n, 1]` where none is.
fn first_accepted(proposals: &Tensor, accepted: &Tensor, centre: &Tensor) -> Result<Tensor> {
    let k = proposals.shape()[1];
    let order = sub(&int(proposals.device(), k as u32), &proposals.device().iota([1, k], 1)?)?;
    // The last counts whether it is accepted or not.
    let counts = logical_or(accepted, &equal(&order, &order.constant(1.0))?)?;
    let score = select(&counts, &order, &order.constant(0.0))?;
    let first = equal(&score, &max(&score, Some(&[1]), true)?)?;
    let value = select(accepted, proposals, centre)?;
    sum(&select(&first, &value, &value.constant(0.0))?, Some(&[1]), false)
}

/// Draws of the exponential distribution with a rate.
///
/// # Errors
/// `ErrorKind::Argument` when the rate is not positive.
pub fn random_exponential(device: &Device, shape: impl Into<Shape>, rate: f32, seed: u32) -> Result<Tensor> {
    if rate.is_nan() || rate <= 0.0 {
        return Err(Error::argument("randomExponential", "a positive rate", number(rate.into())));
    }
    let shape = shape.into();
    let mean = device.scalar(Scalar::F32(1.0 / rate));
    reshape(&mul(&unit_exponential(device, shape.size(), seed)?, &mean)?, shape)
}

/// Draws of the standard Gumbel distribution, `-log(-log(u))`.
///
/// # Errors
/// None that a caller can cause.
pub fn gumbel(device: &Device, shape: impl Into<Shape>, seed: u32) -> Result<Tensor> {
    let shape = shape.into();
    reshape(&unit_gumbel(device, shape.size(), seed)?, shape)
}

/// Whole numbers from `low` up to and without `high`, int32. A number's probability differs from the others' by less than
/// 2⁻³²: they are the products of 32 random bits and the length of the range, over 2³² (Lemire 2019, without rejection).
///
/// # Errors
/// `ErrorKind::Argument` when `low` is not below `high`.
pub fn random_int(device: &Device, shape: impl Into<Shape>, low: i32, high: i32, seed: u32) -> Result<Tensor> {
    if low >= high {
        return Err(Error::argument("randomInt", "low below high", format!("{low} and {high}")));
    }
    let shape = shape.into();
    let range = high.wrapping_sub(low) as u32;
    let scalar = |v: u32| device.scalar(Scalar::I32(v as i32));
    let (range_high, range_low) = (scalar(range >> 16), scalar(range & 0xffff));
    let (half, low_half) = (int(device, 16), int(device, 0xffff));
    let x = bits(device, shape.size(), seed)?;
    // The upper half of a product of 64 bits, of halves.
    let (x_high, x_low) = (right_shift(&x, &half)?, bitwise_and(&x, &low_half)?);
    let cross = mul(&x_high, &range_low)?;
    let carried = add(&right_shift(&mul(&x_low, &range_low)?, &half)?, &bitwise_and(&cross, &low_half)?)?;
    let middle = add(&carried, &mul(&x_low, &range_high)?)?;
    let upper = add(&right_shift(&cross, &half)?, &right_shift(&middle, &half)?)?;
    let upper = add(&upper, &mul(&x_high, &range_high)?)?;
    reshape(&add(&upper, &scalar(low as u32))?, shape)
}

/// The numbers below `n` in random order, int32. Of 32-bit keys some are equal where there are very many; those keep their
/// order.
///
/// # Errors
/// None that a caller can cause.
pub fn permutation(device: &Device, n: usize, seed: u32) -> Result<Tensor> {
    Ok(topk(&bits(device, n, seed)?, n)?.1)
}

/// True with probability `p`, which broadcasts to `shape`. A probability of 0 or less, or NaN, gives false, of 1 or more
/// true.
///
/// # Errors
/// `ErrorKind::Shape` when `p` does not broadcast.
pub fn bernoulli(p: &Tensor, shape: impl Into<Shape>, seed: u32) -> Result<Tensor> {
    let shape = shape.into();
    let p = spread(p, &shape, "bernoulli")?;
    reshape(&less(&unit(p.device(), shape.size(), seed)?, &p)?, shape)
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
    arg_max(&add(&expand_dims(&logits.cast(DType::F32)?, last as isize)?, &noise)?, -1)
}

/// Draws of the gamma distribution with shape parameter `alpha` and rate `beta`, which broadcast to `shape`, float32. NaN
/// where `alpha` or `beta` is negative or NaN (Marsaglia & Tsang 2000).
///
/// # Errors
/// `ErrorKind::Shape` when a parameter does not broadcast.
pub fn random_gamma(alpha: &Tensor, beta: &Tensor, shape: impl Into<Shape>, seed: u32) -> Result<Tensor> {
    let (device, shape) = (alpha.device(), shape.into());
    let draw = || {
        let n = shape.size();
        let (alpha, beta) = (spread(alpha, &shape, "randomGamma")?, spread(beta, &shape, "randomGamma")?);
        let small = less(&alpha, &alpha.constant(1.0))?;
        let above_one = select(&small, &(&alpha + 1.0)?, &alpha)?;
        let unscaled = gamma_above_one(&reshape(&above_one, [n, 1])?, seed)?;
        // A draw for alpha + 1 times u^(1 / alpha) is one for alpha.
        let log_u = neg(&unit_exponential(device, n, hash_key(seed, 6))?)?;
        let boost = select(&small, &exp(&real_div(&log_u, &alpha)?)?, &alpha.constant(1.0))?;
        let drawn = real_div(&mul(&unscaled, &boost)?, &beta)?;
        let valid = greater_equal(&minimum(&alpha, &beta)?, &alpha.constant(0.0))?;
        reshape(&select(&valid, &drawn, &drawn.constant(f64::NAN))?, &shape)
    };
    device.without_tapes(draw)
}

/// Draws `[n]` of the gamma distribution for `alpha` `[n, 1]` of at least 1.
fn gamma_above_one(alpha: &Tensor, seed: u32) -> Result<Tensor> {
    let (device, n) = (alpha.device(), alpha.size());
    let proposals = [n, GAMMA_PROPOSALS];
    let flat = n * GAMMA_PROPOSALS;
    let x = reshape(&standard_normal(device, flat, hash_key(seed, 4))?, proposals)?;
    let exponential = reshape(&unit_exponential(device, flat, hash_key(seed, 5))?, proposals)?;
    let d = (alpha - 1.0 / 3.0)?;
    let t = mul(&x, &reciprocal(&sqrt(&(&d * 9.0)?)?)?)?;
    let inside = greater(&t, &t.constant(-1.0))?;
    let t = maximum(&t, &t.constant(-0.999))?;
    // v = (1 + t)³; log(u) < x²/2 + d * (1 - v + log v), in which like terms have been taken from each other.
    let v = mul(&square(&(&t + 1.0)?)?, &(&t + 1.0)?)?;
    let rest = sub(&(&sub(&log1p(&t)?, &add(&t, &square(&t)?)?)? * 3.0)?, &mul(&t, &square(&t)?)?)?;
    let bound = add(&(&square(&x)? * 0.5)?, &mul(&d, &rest)?)?;
    let accepted = logical_and(&inside, &less(&neg(&exponential)?, &bound)?)?;
    first_accepted(&mul(&d, &v)?, &accepted, &d)
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
        let rate = spread(rate, &shape, "randomPoisson")?;
        let limit = rate.constant(POISSON_INVERSION);
        let few = poisson_by_inversion(&clip(&rate, &rate.constant(0.0), &limit)?, seed)?;
        let many = poisson_by_rejection(&reshape(&maximum(&rate, &limit)?, [shape.size(), 1])?, seed)?;
        let count = select(&less(&rate, &limit)?, &few, &many)?.cast(DType::I32)?;
        let valid = greater_equal(&rate, &rate.constant(0.0))?;
        reshape(&select(&valid, &count, &count.constant(-1.0))?, &shape)
    };
    device.without_tapes(draw)
}

/// Counts `[n]` for rates `[n]` of at most [`POISSON_INVERSION`]: as many as the probability of at most so many is below a
/// uniform number.
fn poisson_by_inversion(rate: &Tensor, seed: u32) -> Result<Tensor> {
    let u = unit(rate.device(), rate.size(), hash_key(seed, 4))?;
    let mut probability = exp(&neg(rate)?)?;
    let mut total = probability.clone();
    let mut count = greater_equal(&u, &total)?.cast(DType::F32)?;
    for k in 1..POISSON_COUNTS {
        probability = mul(&probability, &(rate * (1.0 / k as f64))?)?;
        total = add(&total, &probability)?;
        count = add(&count, &greater_equal(&u, &total)?.cast(DType::F32)?)?;
    }
    Ok(count)
}

/// Counts `[n]` for rates `[n, 1]` of at least [`POISSON_INVERSION`]. The constants are Hörmann's.
fn poisson_by_rejection(rate: &Tensor, seed: u32) -> Result<Tensor> {
    let (device, n) = (rate.device(), rate.size());
    let uniform = |stream: u32| -> Result<Tensor> {
        reshape(&open_unit(device, n * POISSON_PROPOSALS, hash_key(seed, stream))?, [n, POISSON_PROPOSALS])
    };
    let (u, v) = ((&uniform(5)? - 0.5)?, uniform(6)?);
    let b = (&(&sqrt(rate)? * 2.53)? + 0.931)?;
    let a = (&(&b * 0.024_83)? - 0.059)?;
    let inverse_alpha = (&(1.132_8 / &(&b - 3.4)?)? + 1.123_9)?;
    let edge = (0.5 - &abs(&u)?)?;
    let slope = add(&real_div(&(&a * 2.0)?, &edge)?, &b)?;
    let k = floor(&add(&mul(&slope, &u)?, &(rate + 0.43)?)?)?;
    // log(P(k)), in terms of the distance to the rate: k log(rate) and log(k!) would lose the digits that remain.
    let whole = maximum(&k, &k.constant(1.0))?;
    let t = real_div(&sub(rate, &whole)?, &whole)?;
    let inverse = reciprocal(&whole)?;
    let stirling = mul(&inverse, &(1.0 / 12.0 - &(&square(&inverse)? * (1.0 / 360.0))?)?)?;
    let normaliser = add(&(&log(&(&whole * TAU)?)? * 0.5)?, &stirling)?;
    let log_p = sub(&mul(&whole, &sub(&log1p(&t)?, &t)?)?, &normaliser)?;
    let log_p = select(&less(&k, &k.constant(0.5))?, &neg(rate)?, &log_p)?;
    let hat = add(&real_div(&a, &square(&edge)?)?, &b)?;
    let below = less_equal(&log(&real_div(&mul(&v, &inverse_alpha)?, &hat)?)?, &log_p)?;
    let squeeze = (0.927_7 - &(3.622_4 / &(&b - 2.0)?)?)?;
    let at_once = logical_and(&greater_equal(&edge, &edge.constant(0.07))?, &less_equal(&v, &squeeze)?)?;
    let corner = logical_and(&less(&edge, &edge.constant(0.013))?, &greater(&v, &edge)?)?;
    let counts = greater_equal(&k, &k.constant(0.0))?;
    let tested = logical_and(&logical_and(&counts, &logical_not(&corner)?)?, &below)?;
    first_accepted(&k, &logical_or(&at_once, &tested)?, &floor(rate)?)
}
