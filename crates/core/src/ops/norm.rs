//! Normalisation and dropout.

use crate::dtype::DType;
use crate::error::{Error, Result};
use crate::number;
use crate::ops::{add, greater_equal, mean, mul, random_uniform, rounded, rsqrt, select, square, sub};
use crate::tensor::Tensor;

/// The mean and the (biased) variance over `axes`; as all of this family computed in float32 and rounded once to the dtype of
/// a narrower float.
///
/// # Errors
/// `ErrorKind::Argument` when an axis does not exist.
pub fn moments(x: &Tensor, axes: Option<&[isize]>, keep: bool) -> Result<(Tensor, Tensor)> {
    let (dtype, x) = (x.dtype().float(), x.cast(DType::F32)?);
    let centre = mean(&x, axes, true)?;
    let variance = mean(&square(&sub(&x, &centre)?)?, axes, keep)?;
    let mean = if keep { centre } else { crate::ops::reshape(&centre, variance.shape())? };
    Ok((mean.cast(dtype)?, variance.cast(dtype)?))
}

/// `(x - mean) / sqrt(variance + epsilon) * scale + offset`; all broadcast to `x`.
///
/// # Errors
/// `ErrorKind::Shape` when a parameter does not broadcast to `x`.
pub fn batch_norm(
    x: &Tensor,
    mean: &Tensor,
    variance: &Tensor,
    offset: Option<&Tensor>,
    scale: Option<&Tensor>,
    epsilon: f32,
) -> Result<Tensor> {
    let (dtype, x) = (x.dtype().float(), x.cast(DType::F32)?);
    for parameter in [Some(mean), Some(variance), offset, scale].into_iter().flatten() {
        if parameter.shape().broadcast(x.shape(), "batchNorm")? != *x.shape() {
            let expected = format!("parameters that broadcast to {}", x.shape());
            return Err(Error::shape("batchNorm", expected, parameter.shape()));
        }
    }
    let variance = variance.cast(DType::F32)?;
    let mut inverse = rsqrt(&add(&variance, &variance.constant(f64::from(epsilon)))?)?;
    if let Some(scale) = scale {
        inverse = mul(&inverse, scale)?;
    }
    let normal = mul(&sub(&x, mean)?, &inverse)?;
    let result = match offset {
        Some(offset) => add(&normal, offset),
        None => Ok(normal),
    };
    rounded(result, dtype)
}

/// Sets elements to 0 with probability `rate` and scales the others by `1 / (1 - rate)`. With `noise_shape`, elements
/// that broadcast from one element of it share their fate.
///
/// # Errors
/// `ErrorKind::Argument` when `rate` is outside [0, 1); `ErrorKind::Shape` when the noise shape does not broadcast.
pub fn dropout(x: &Tensor, rate: f32, noise_shape: Option<&crate::Shape>, seed: u32) -> Result<Tensor> {
    if !(0.0..1.0).contains(&rate) {
        return Err(Error::argument("dropout", "a rate in [0, 1)", number(rate.into())));
    }
    let (dtype, x) = (x.dtype().float(), x.cast(DType::F32)?);
    if rate == 0.0 {
        return x.cast(dtype);
    }
    let noise = random_uniform(x.device(), noise_shape.unwrap_or(x.shape()), 0.0, 1.0, seed)?;
    let kept = greater_equal(&noise, &noise.constant(f64::from(rate)))?;
    let scaled = mul(&x, &x.constant(1.0 / (1.0 - f64::from(rate))))?;
    rounded(select(&kept, &scaled, &x.constant(0.0)), dtype)
}
