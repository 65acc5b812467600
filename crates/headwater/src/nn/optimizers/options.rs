//! What any optimizer may do besides its step: to gradients before it, and to weights before and after. All in float32.

use headwater_core::calc::{Calc, Term};
use headwater_core::Listed;
use headwater_core::{ops, Result, Tensor};

/// `w - factor * w`: weight decay apart from the gradient, with the learning rate times the decay as its factor
/// (Loshchilov & Hutter 2019).
pub(crate) fn decayed(w: &Tensor, factor: f64) -> Result<Tensor> {
    let calc = Calc::default();
    let w = calc.of(w).number();
    calc.result(w - w * w.scalar(factor))
}

/// A gradient whose elements are no further than `limit` from 0.
pub(crate) fn clipped_by_value(g: &Tensor, limit: f64) -> Result<Tensor> {
    let calc = Calc::default();
    calc.result(calc.of(g).number().clip(-limit, limit))
}

/// A gradient whose Euclidean norm is at most `limit`.
pub(crate) fn clipped_by_norm(g: &Tensor, limit: f64) -> Result<Vec<Tensor>> {
    clipped_by_global_norm(std::slice::from_ref(g), limit)
}

/// Gradients whose Euclidean norm, all taken as one vector, is at most `limit`.
pub(crate) fn clipped_by_global_norm(gradients: &[Tensor], limit: f64) -> Result<Vec<Tensor>> {
    let calc = Calc::default();
    let mut wide: Vec<Term<'_>> = gradients.iter().map(|g| calc.of(g).number()).listed();
    let squares = wide.iter().map(|g| g.map(ops::square).total()).reduce(|others, own| others + own);
    if let Some(squares) = squares {
        let limit = squares.like(limit);
        let scale = limit / squares.sqrt().with(limit, ops::maximum);
        wide.iter_mut().for_each(|g| *g = *g * scale);
    }
    calc.results(&wide)
}

/// The moving average of a weight after it moved: `momentum * average + (1 - momentum) * w`.
pub(crate) fn averaged(average: &Tensor, w: &Tensor, momentum: f64) -> Result<Tensor> {
    let calc = Calc::default();
    let (average, w) = (calc.of(average).number(), calc.of(w).number());
    calc.result(average * w.scalar(momentum) + w * w.scalar(1.0 - momentum))
}
