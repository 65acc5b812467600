//! Training on mixtures of samples.

use headwater_core::ops::{self, add, mul, sub};
use headwater_core::{AllOk, DType, Device, Error, Result, Shape, Tensor};

use crate::train::{Batch, Callback, Control, Run};

/// Trains on mixtures of each sample with another of its batch, in a share of its own that is drawn from a beta distribution
/// (mixup: Zhang et al. 2018). Inputs and targets are mixed, so targets are one-hot, probabilities or quantities, not numbers of
/// classes. Where samples have weights, a mixture has that of its parts, and each part's target counts in it by its own.
///
/// ```
/// use headwater::nn::{layers::Dense, Sequential};
/// use headwater::train::{Fit, Mixup, Optimizer, Samples, Trainer};
/// use headwater::{cpu, ops, DType, Result};
///
/// # fn main() -> Result<()> {
/// let device = cpu(1);
/// let x = ops::random_normal(&device, [256, 2], 0.0, 1.0, 1)?;
/// let side = ops::greater(&x.slice(&[0, 0], &[256, 1])?, &x.constant(0.0))?.reshape([256])?.cast(DType::I32)?;
/// let y = ops::one_hot(&side, 2, 1.0, 0.0, DType::F32)?;
/// let model = Sequential::new(&device, vec![None, Some(2)], 1).layer(Dense::new(2).activation("softmax"))?.build();
/// let mut trainer = Trainer { epochs: 15, ..Trainer::new(Optimizer::adam(0.1)?, "categoricalCrossentropy")? };
/// let samples = Samples::new(&[&x], &[&y])?;
/// trainer.fit_with(&model, &samples, Fit::new().callback(&mut Mixup { alpha: 0.4, seed: 2 }))?;
/// assert!(trainer.evaluate(&model, &samples)?.get("accuracy") > Some(0.95));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Mixup {
    /// Both parameters of the beta distribution that shares are drawn from; 0.2 by default. The larger it is, the more samples
    /// are mixed.
    pub alpha: f32,
    /// What the mixtures depend on, besides the number of the step and that of the batch.
    pub seed: u32,
}

impl Default for Mixup {
    fn default() -> Mixup {
        Mixup { alpha: 0.2, seed: 0 }
    }
}

impl Mixup {
    /// The mixtures of a batch, drawn from a seed.
    fn mixed(&self, batch: &Batch, seed: u32) -> Result<Batch> {
        let Some(first) = batch.inputs.first() else { return Ok(batch.clone()) };
        let (device, samples) = (first.device(), batch.samples());
        let share = beta(device, samples, self.alpha, seed)?;
        let others = ops::permutation(device, samples, seed.wrapping_add(4))?;
        let mix = |t: &Tensor, part: &Tensor| -> Result<Tensor> {
            let own = if t.dtype().is_float() { t.clone() } else { t.cast(DType::F32)? };
            let other = ops::gather(&own, &others, 0, 0)?;
            let part = along(part, &own)?.cast(own.dtype())?;
            add(&other, &mul(&sub(&own, &other)?, &part)?)
        };
        let weights = batch.weights.as_ref().map(|w| mix(w, &share)).transpose()?;
        // A target's share is that of its sample's weight in the mixture's; both weights may be 0.
        let part = match (&batch.weights, &weights) {
            (Some(own), Some(all)) => {
                let own = own.cast(DType::F32)?;
                ops::div_no_nan(&mul(&along(&share, &own)?, &own)?, all)?
            }
            _ => share.clone(),
        };
        Ok(Batch {
            inputs: batch.inputs.iter().map(|x| mix(x, &share)).all_ok()?,
            targets: batch.targets.iter().map(|y| mix(y, &part)).all_ok()?,
            weights,
        })
    }
}

/// Values of the first dimensions of a tensor, as they broadcast to it.
fn along(values: &Tensor, t: &Tensor) -> Result<Tensor> {
    let shape: Shape = (0..t.rank()).map(|i| values.shape().get(i).copied().unwrap_or(1)).collect();
    ops::reshape(values, shape)
}

/// Draws of the beta distribution: quotients of gamma variables by their logarithms, as those of small parameters are 0 in
/// float32.
fn beta(device: &Device, samples: usize, alpha: f32, seed: u32) -> Result<Tensor> {
    let logarithm = |seed: u32| {
        let alpha = device.constant_of(DType::F32, alpha.into());
        let gamma = ops::random_gamma(&add(&alpha, &alpha.constant(1.0))?, &alpha.constant(1.0), [samples], seed)?;
        let uniform = ops::random_uniform(device, [samples], 0.0, 1.0, seed.wrapping_add(1))?;
        let power = ops::log(&sub(&uniform.constant(1.0), &uniform)?)?;
        add(&ops::log(&gamma)?, &ops::real_div(&power, &alpha)?)
    };
    ops::sigmoid(&sub(&logarithm(seed)?, &logarithm(seed.wrapping_add(2))?)?)
}

/// Whether a target may be numbers of classes.
fn numbers(target: &Tensor) -> bool {
    !target.dtype().is_float() && (target.rank() < 2 || target.shape().last() == Some(&1))
}

impl Callback for Mixup {
    fn batch(&mut self, run: &Run, batch: &mut Batch) -> Result<Control> {
        if !self.alpha.is_finite() || self.alpha <= 0.0 {
            return Err(Error::argument("Mixup", "an alpha above 0", self.alpha));
        }
        if let Some(whole) = batch.inputs.iter().find(|x| !x.dtype().is_float()) {
            return Err(Error::dtype("Mixup", "inputs that can be mixed, of floats", whole.dtype().name()));
        }
        if let Some(target) = batch.targets.iter().find(|y| numbers(y)) {
            let received = format!("{} {}, numbers of classes", target.dtype().name(), target.shape());
            return Err(Error::dtype("Mixup", "targets that can be mixed, such as one-hot vectors", received));
        }
        batch.check("Mixup")?;
        let of = |number: usize, factor: u32| (number as u32).wrapping_mul(factor);
        let seed = self.seed.wrapping_add(of(run.steps, 0x9e37_79b1)).wrapping_add(of(run.batch, 0x85eb_ca6b));
        *batch = self.mixed(batch, seed)?;
        Ok(Control::Continue)
    }
}
