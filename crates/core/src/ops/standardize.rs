//! Normalisation of each example by its own features.

use crate::dtype::DType;
use crate::error::{Error, Result};
use crate::grad::custom;
use crate::number;
use crate::ops::{add, maximum, mean, mul, reshape, rsqrt, square, sub, sum};
use crate::shape::Shape;
use crate::tensor::Tensor;

/// `x` over the root of its mean square along `axes`, taken from its mean where `centred`.
fn standardized(x: &Tensor, axes: Option<&[isize]>, epsilon: f64, centred: bool, op: &str) -> Result<Tensor> {
    if epsilon.is_nan() || epsilon < 0.0 {
        return Err(Error::argument(op, "an epsilon of at least 0", number(epsilon)));
    }
    let x = x.cast(DType::F32)?;
    let axes: Vec<isize> = x.shape().axes(axes, op)?.iter().map(|&a| a as isize).collect();
    let centre = move |x: &Tensor, axes: &[isize]| {
        if centred {
            sub(x, &mean(x, Some(axes), true)?)
        } else {
            Ok(x.clone())
        }
    };
    let inverse = move |centre: &Tensor, axes: &[isize]| {
        let power = mean(&square(centre)?, Some(axes), true)?;
        rsqrt(&add(&power, &power.constant(epsilon))?)
    };
    let (again, over) = (x.clone(), axes.clone());
    custom(
        &[&x],
        |x| {
            let from = centre(&x[0], &axes)?;
            mul(&from, &inverse(&from, &axes)?)
        },
        // dx = (dy - mean(dy) - y * mean(dy * y)) / deviation: what lies between is computed again, not kept.
        move |y, dy| {
            let along = mean(&mul(dy, y)?, Some(&over), true)?;
            let across = sub(&centre(dy, &over)?, &mul(y, &along)?)?;
            Ok(vec![mul(&across, &inverse(&centre(&again, &over)?, &over)?)?])
        },
    )
}

/// `x * scale + offset`, where those are given and broadcast to `x`.
fn affine(x: Tensor, scale: Option<&Tensor>, offset: Option<&Tensor>, op: &str) -> Result<Tensor> {
    for parameter in [scale, offset].into_iter().flatten() {
        if parameter.shape().broadcast(x.shape(), op)? != *x.shape() {
            return Err(Error::shape(op, format!("parameters that broadcast to {}", x.shape()), parameter.shape()));
        }
    }
    let scaled = scale.map_or_else(|| Ok(x.clone()), |scale| mul(&x, scale))?;
    offset.map_or_else(|| Ok(scaled.clone()), |offset| add(&scaled, offset))
}

/// Layer normalisation (Ba et al. 2016): `(x - mean) / sqrt(variance + epsilon) * scale + offset` with the mean and the
/// biased variance along `axes` (all when `None`), float32. The parameters broadcast to `x`.
///
/// # Errors
/// `ErrorKind::Argument` when an axis does not exist or `epsilon` is negative; `ErrorKind::Shape` when a parameter does not
/// broadcast to `x`.
pub fn layer_norm(
    x: &Tensor,
    axes: Option<&[isize]>,
    scale: Option<&Tensor>,
    offset: Option<&Tensor>,
    epsilon: f64,
) -> Result<Tensor> {
    affine(standardized(x, axes, epsilon, true, "layerNorm")?, scale, offset, "layerNorm")
}

/// Group normalisation (Wu & He 2018) of `[batch, .., channels]`: [`layer_norm`] of each example over each of `groups`
/// groups of neighbouring channels, with a scale and an offset per channel. One group is layer normalisation of the whole
/// example, a group per channel instance normalisation (Ulyanov et al. 2016).
///
/// # Errors
/// `ErrorKind::Shape` for a rank below 2, when `groups` does not divide the channels, or a parameter does not broadcast;
/// `ErrorKind::Argument` when `epsilon` is negative.
pub fn group_norm(
    x: &Tensor,
    groups: usize,
    scale: Option<&Tensor>,
    offset: Option<&Tensor>,
    epsilon: f64,
) -> Result<Tensor> {
    let (&batch, &channels) = match (x.shape().first(), x.shape().last()) {
        (Some(batch), Some(channels)) if x.rank() > 1 => (batch, channels),
        _ => return Err(Error::shape("groupNorm", "[batch, .., channels]", x.shape())),
    };
    if groups == 0 || !channels.is_multiple_of(groups) {
        return Err(Error::shape("groupNorm", format!("groups that divide {channels} channels"), groups));
    }
    let between: usize = x.shape()[1..x.rank() - 1].iter().product();
    let split = reshape(x, Shape::from([batch, between, groups, channels / groups]))?;
    let normal = standardized(&split, Some(&[1, 3]), epsilon, true, "groupNorm")?;
    affine(reshape(&normal, x.shape())?, scale, offset, "groupNorm")
}

/// Root mean square normalisation (Zhang & Sennrich 2019): `x / sqrt(mean(x²) + epsilon) * scale` along `axes` (all when
/// `None`), float32. The scale broadcasts to `x`.
///
/// # Errors
/// As [`layer_norm`].
pub fn rms_norm(x: &Tensor, axes: Option<&[isize]>, scale: Option<&Tensor>, epsilon: f64) -> Result<Tensor> {
    affine(standardized(x, axes, epsilon, false, "rmsNorm")?, scale, None, "rmsNorm")
}

/// `x / sqrt(max(sum(x²), epsilon))` along `axes` (all when `None`): vectors of length 1, float32.
///
/// # Errors
/// `ErrorKind::Argument` when an axis does not exist.
pub fn l2_normalize(x: &Tensor, axes: Option<&[isize]>, epsilon: f64) -> Result<Tensor> {
    let x = x.cast(DType::F32)?;
    let length = sum(&square(&x)?, axes, true)?;
    mul(&x, &rsqrt(&maximum(&length, &length.constant(epsilon))?)?)
}
