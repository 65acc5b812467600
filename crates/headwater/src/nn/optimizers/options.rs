//! What any optimizer may do besides its step: to gradients before it, and to weights before and after. All in float32.

use headwater_core::ops::{add, clip, maximum, mul, real_div, sqrt, square, sub, sum};
use headwater_core::{AllOk, DType, Result, Tensor};

use super::scalar;

/// `w - factor * w`: weight decay apart from the gradient, with the learning rate times the decay as its factor
/// (Loshchilov & Hutter 2019).
pub(crate) fn decayed(w: &Tensor, factor: f64) -> Result<Tensor> {
    let w = w.cast(DType::F32)?;
    sub(&w, &mul(&w, &scalar(&w, factor))?)
}

/// A gradient whose elements are no further than `limit` from 0.
pub(crate) fn clipped_by_value(g: &Tensor, limit: f64) -> Result<Tensor> {
    let g = g.cast(DType::F32)?;
    clip(&g, &g.constant(-limit), &g.constant(limit))
}

/// A gradient whose Euclidean norm is at most `limit`.
pub(crate) fn clipped_by_norm(g: &Tensor, limit: f64) -> Result<Vec<Tensor>> {
    clipped_by_global_norm(std::slice::from_ref(g), limit)
}

/// Gradients whose Euclidean norm, all taken as one vector, is at most `limit`.
pub(crate) fn clipped_by_global_norm(gradients: &[Tensor], limit: f64) -> Result<Vec<Tensor>> {
    let wide: Vec<Tensor> = gradients.iter().map(|g| g.cast(DType::F32)).all_ok()?;
    let mut squares: Option<Tensor> = None;
    for g in &wide {
        let own = sum(&square(g)?, None, false)?;
        squares = Some(match squares {
            Some(others) => add(&others, &own)?,
            None => own,
        });
    }
    let Some(squares) = squares else { return Ok(wide) };
    let limit = squares.constant(limit);
    let scale = real_div(&limit, &maximum(&sqrt(&squares)?, &limit)?)?;
    wide.iter().map(|g| mul(g, &scale)).all_ok()
}

/// The moving average of a weight after it moved: `momentum * average + (1 - momentum) * w`.
pub(crate) fn averaged(average: &Tensor, w: &Tensor, momentum: f64) -> Result<Tensor> {
    let (average, w) = (average.cast(DType::F32)?, w.cast(DType::F32)?);
    add(&mul(&average, &scalar(&w, momentum))?, &mul(&w, &scalar(&w, 1.0 - momentum))?)
}
