//! Normalisation and dropout.

use crate::calc::Calc;
use crate::error::{Error, Result};
use crate::number;
use crate::ops::{greater_equal, mean, random_uniform, rsqrt, square};
use crate::tensor::Tensor;

/// The mean and the (biased) variance over `axes`; as all of this family computed in float32 and rounded once to the dtype of
/// a narrower float.
///
/// # Errors
/// `ErrorKind::Argument` when an axis does not exist.
pub fn moments(x: &Tensor, axes: Option<&[isize]>, keep: bool) -> Result<(Tensor, Tensor)> {
    let calc = Calc::default();
    let (dtype, x) = (x.dtype().float(), calc.of(x).number());
    let centre = x.then(&|x| mean(x, axes, true));
    let variance = (x - centre).map(square).then(&|x| mean(x, axes, keep));
    let mean = if keep { centre } else { centre.reshape(variance.shape()) };
    calc.pair([mean.cast(dtype), variance.cast(dtype)])
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
    for parameter in [Some(mean), Some(variance), offset, scale].into_iter().flatten() {
        if parameter.shape().broadcast(x.shape(), "batchNorm")? != *x.shape() {
            let expected = format_args!("parameters that broadcast to {}", x.shape());
            return Err(Error::shape("batchNorm", expected, parameter.shape()));
        }
    }
    let calc = Calc::default();
    let mut inverse = (calc.of(variance).number() + f64::from(epsilon)).map(rsqrt);
    if let Some(scale) = scale {
        inverse = inverse * calc.of(scale);
    }
    let mut result = (calc.of(x).number() - calc.of(mean)) * inverse;
    if let Some(offset) = offset {
        result = result + calc.of(offset);
    }
    calc.result(result.cast(x.dtype().float()))
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
    let dtype = x.dtype().float();
    if rate == 0.0 {
        return x.cast(dtype);
    }
    let noise = random_uniform(x.device(), noise_shape.unwrap_or(x.shape()), 0.0, 1.0, seed)?;
    let calc = Calc::default();
    let scaled = calc.of(x).number() * (1.0 / (1.0 - f64::from(rate)));
    let kept = calc.of(&noise).by(f64::from(rate), greater_equal);
    calc.result(scaled.where_else(kept, 0.0).cast(dtype))
}
