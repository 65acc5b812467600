//! Gradients that wait for others before a step is made with their mean.

use headwater_core::ops::{add, mul, real_div, select};
use headwater_core::{AllOk, Result, Scalar, Tensor};

/// Weighted sums of gradients, in float32 whatever the weights' dtypes.
#[derive(Clone, Default)]
pub(super) struct Accumulator {
    /// The last is that of the weights, a scalar.
    pub(super) sums: Vec<Tensor>,
    /// Parts that wait for more.
    pub(super) waiting: u32,
}

impl Accumulator {
    /// Adds gradients that count `weight`, or nothing where they are not `finite`, a bool scalar.
    pub(super) fn add(&mut self, gradients: &[Tensor], weight: f64, finite: Option<&Tensor>) -> Result<()> {
        let Some(first) = gradients.first() else { return Ok(()) };
        let weight = first.device().scalar(Scalar::F32(weight as f32));
        let counted =
            |term: Tensor| finite.map_or(Ok(term.clone()), |finite| select(finite, &term, &term.zeros_like()?));
        let term = |g: &Tensor| counted(mul(&g.cast(weight.dtype())?, &weight)?);
        let mut terms: Vec<Tensor> = gradients.iter().map(term).all_ok()?;
        terms.push(counted(weight.clone())?);
        let sums = std::mem::take(&mut self.sums);
        self.sums =
            if sums.is_empty() { terms } else { sums.iter().zip(&terms).map(|(sum, term)| add(sum, term)).all_ok()? };
        Ok(())
    }

    /// The means, which end the sums; NaN where nothing counted.
    pub(super) fn take(&mut self) -> Result<Vec<Tensor>> {
        let mut sums = std::mem::take(&mut self.sums);
        let Some(weight) = sums.pop() else { return Ok(sums) };
        sums.iter().map(|sum| real_div(sum, &weight)).all_ok()
    }
}
