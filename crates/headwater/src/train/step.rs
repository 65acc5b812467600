//! One step of training.

use headwater_core::Listed;
use headwater_core::{Error, Result, Tensor};

use super::callback::{Control, Gradients, Run};
use super::fit::Fit;
use super::source::Batch;
use super::Trainer;
use crate::nn::{Call, Network, Weight};

/// What became of a step.
pub(super) enum Step {
    /// The mean loss of the batch, and what it adds to the sum of each measure.
    Made(Tensor, Vec<Tensor>),
    Skipped,
    Stopped,
}

impl Step {
    /// What happens instead of the step.
    fn instead(control: Control) -> Option<Step> {
        match control {
            Control::Continue => None,
            Control::Skip => Some(Step::Skipped),
            Control::Stop => Some(Step::Stopped),
        }
    }
}

impl Trainer {
    /// One step, which callbacks may change.
    pub(super) fn step(
        &mut self,
        model: &dyn Network,
        batch: &mut Batch,
        seed: u32,
        run: &Run,
        options: &mut Fit<'_>,
    ) -> Result<Step> {
        if let Some(instead) = Step::instead(options.instead(|c| c.batch(run, batch))?) {
            return Ok(instead);
        }
        batch.check("fit")?;
        let (weights, fixed): (Vec<Weight>, Vec<Weight>) = model.weights().into_iter().partition(Weight::trainable);
        // Moving averages and states move with the outputs: without the step they are to be what they were.
        let still: Vec<(Weight, Tensor)> =
            fixed.into_iter().chain(model.states()).map(|weight| (weight.clone(), weight.value())).listed();
        let values: Vec<Tensor> = weights.iter().map(Weight::value).listed();
        let mut losses = Vec::new();
        let mut called = None;
        let (total, mut gradients) = model.device().value_and_grads(&values.iter().listed(), || {
            let inputs: Vec<&Tensor> = batch.inputs.iter().listed();
            let own = called.insert(model.call(&inputs, Call { training: true, seed, ..Call::default() })?);
            let mut own_losses = self.objective.total(own, batch, &weights)?.into_iter();
            let mut total =
                own_losses.next().ok_or_else(|| Error::argument("fit", "a model with an output", "none"))?;
            for callback in &mut options.callbacks {
                total = callback.loss(run, batch, &own.outputs, total)?;
            }
            losses.extend(own_losses);
            Ok(total)
        })?;
        let instead = options.instead(|c| {
            let (weights, optimizer) = (&weights[..], &mut self.optimizer);
            c.gradients(run, &mut Gradients { loss: &total, weights, gradients: &mut gradients, optimizer })
        })?;
        if let Some(instead) = Step::instead(instead) {
            still.into_iter().try_for_each(|(weight, value)| weight.set(value))?;
            return Ok(instead);
        }
        match self.accumulate {
            0 | 1 => self.optimizer.apply(&weights, &gradients)?,
            parts => {
                self.optimizer.accumulate(&weights, &gradients, parts as u32, batch.samples() as f64)?;
            }
        }
        losses.insert(0, total.clone());
        let terms = match &called {
            Some(called) => self.objective.measure(&losses, called, batch)?,
            None => Vec::new(),
        };
        Ok(Step::Made(total, terms))
    }
}
