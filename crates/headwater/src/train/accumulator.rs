//! Gradients that wait for others before a step is made with their mean.

use headwater_core::ops::{add, mul, real_div};
use headwater_core::{AllOk, DType, Result, Scalar, Tensor};

/// Weighted sums of gradients, in float32 whatever the weights' dtypes.
#[derive(Clone, Default)]
pub(super) struct Accumulator {
    pub(super) sums: Vec<Tensor>,
    pub(super) weight: f64,
    /// Parts that wait for more.
    pub(super) waiting: u32,
}

impl Accumulator {
    /// Adds gradients that count `weight`.
    pub(super) fn add(&mut self, gradients: &[Tensor], weight: f64) -> Result<()> {
        let term = |g: &Tensor| {
            let g = g.cast(DType::F32)?;
            mul(&g, &g.device().scalar(Scalar::F32(weight as f32)))
        };
        let terms: Vec<Tensor> = gradients.iter().map(term).all_ok()?;
        let sums = std::mem::take(&mut self.sums);
        self.sums =
            if sums.is_empty() { terms } else { sums.iter().zip(&terms).map(|(sum, term)| add(sum, term)).all_ok()? };
        self.weight += weight;
        Ok(())
    }

    /// The means, which end the sums.
    pub(super) fn take(&mut self) -> Result<Vec<Tensor>> {
        let weight = self.weight;
        self.weight = 0.0;
        let mean = |sum: Tensor| real_div(&sum, &sum.device().scalar(Scalar::F32(weight as f32)));
        std::mem::take(&mut self.sums).into_iter().map(mean).all_ok()
    }
}
