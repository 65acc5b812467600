//! Normalisation of each example by its own features.

use crate::calc::{with_gradient, Calc, Gradient, Term};
use crate::collect::Listed;
use crate::error::{Error, Result};
use crate::number;
use crate::ops::{reshape, rsqrt, square, sum};
use crate::shape::Shape;
use crate::tensor::Tensor;

/// How features are standardized: along which axes, and whether taken from their mean.
#[derive(Clone)]
struct Way {
    axes: Vec<isize>,
    epsilon: f64,
    centred: bool,
}

impl Way {
    fn centre<'a>(&self, x: Term<'a>) -> Term<'a> {
        if self.centred {
            x - x.mean_along(&self.axes, true)
        } else {
            x
        }
    }

    fn inverse<'a>(&self, centre: Term<'a>) -> Term<'a> {
        (centre.map(square).mean_along(&self.axes, true) + self.epsilon).map(rsqrt)
    }
}

/// `x` over the root of its mean square along `axes`, taken from its mean where `centred`.
fn standardized<'a>(
    calc: &'a Calc<'a>,
    x: &Tensor,
    axes: Option<&[isize]>,
    epsilon: f64,
    centred: bool,
    op: &str,
) -> Result<Term<'a>> {
    if epsilon.is_nan() || epsilon < 0.0 {
        return Err(Error::argument(op, "an epsilon of at least 0", number(epsilon)));
    }
    let axes = x.shape().axes(axes, op)?.iter().map(|&a| a as isize).listed();
    let way = Way { axes, epsilon, centred };
    let x = calc.of(x).number();
    let (again, same) = (x.value().clone(), way.clone());
    // dx = (dy - mean(dy) - y * mean(dy * y)) / deviation: what lies between is computed again, not kept.
    let backward: Gradient = Box::new(move |y, dy| {
        let along = (dy * y).mean_along(&same.axes, true);
        let across = same.centre(dy) - y * along;
        vec![across * same.inverse(same.centre(y.of(&again)))]
    });
    Ok(with_gradient(
        &[x],
        &|x| {
            let from = way.centre(x[0]);
            from * way.inverse(from)
        },
        backward,
    ))
}

/// `x * scale + offset`, where those are given and broadcast to `x`.
fn affine<'a>(
    calc: &'a Calc<'a>,
    x: Term<'a>,
    scale: Option<&Tensor>,
    offset: Option<&Tensor>,
    op: &str,
) -> Result<Tensor> {
    // What failed has no shape to compare.
    calc.check()?;
    for parameter in [scale, offset].into_iter().flatten() {
        if parameter.shape().broadcast(x.shape(), op)? != *x.shape() {
            return Err(Error::shape(
                op,
                format_args!("parameters that broadcast to {}", x.shape()),
                parameter.shape(),
            ));
        }
    }
    let scaled = scale.map_or(x, |scale| x * calc.of(scale));
    calc.result(offset.map_or(scaled, |offset| scaled + calc.of(offset)))
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
    let calc = Calc::default();
    affine(&calc, standardized(&calc, x, axes, epsilon, true, "layerNorm")?, scale, offset, "layerNorm")
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
        return Err(Error::shape("groupNorm", format_args!("groups that divide {channels} channels"), groups));
    }
    let between: usize = x.shape()[1..x.rank() - 1].iter().product();
    let split = reshape(x, Shape::from([batch, between, groups, channels / groups]))?;
    let calc = Calc::default();
    let normal = standardized(&calc, &split, Some(&[1, 3]), epsilon, true, "groupNorm")?;
    affine(&calc, normal.reshape(x.shape()), scale, offset, "groupNorm")
}

/// Root mean square normalisation (Zhang & Sennrich 2019): `x / sqrt(mean(x²) + epsilon) * scale` along `axes` (all when
/// `None`), float32. The scale broadcasts to `x`.
///
/// # Errors
/// As [`layer_norm`].
pub fn rms_norm(x: &Tensor, axes: Option<&[isize]>, scale: Option<&Tensor>, epsilon: f64) -> Result<Tensor> {
    let calc = Calc::default();
    affine(&calc, standardized(&calc, x, axes, epsilon, false, "rmsNorm")?, scale, None, "rmsNorm")
}

/// `x / sqrt(max(sum(x²), epsilon))` along `axes` (all when `None`): vectors of length 1, float32.
///
/// # Errors
/// `ErrorKind::Argument` when an axis does not exist.
pub fn l2_normalize(x: &Tensor, axes: Option<&[isize]>, epsilon: f64) -> Result<Tensor> {
    let calc = Calc::default();
    let x = calc.of(x).number();
    calc.result(x * x.then(&|x| sum(&square(x)?, axes, true)).at_least(epsilon).map(rsqrt))
}
