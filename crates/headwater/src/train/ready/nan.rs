//! Stops when numbers are none any more.

use headwater_core::{Result, Tensor};

use crate::nn::Network;
use crate::train::{Callback, Control, Logs, Optimizer, Run};

/// Stops training when the loss is NaN or infinite, and says which weights are.
///
/// The loss is read every `every` steps, for reading it waits for the step, and after each epoch.
///
/// ```
/// use headwater::nn::{layers::Dense, Sequential};
/// use headwater::train::{Fit, Optimizer, Samples, TerminateOnNan, Trainer};
/// use headwater::{cpu, DType, Result};
///
/// # fn main() -> Result<()> {
/// let device = cpu(1);
/// let x = device.ones([64, 1], DType::F32)?;
/// let model = Sequential::new(&device, vec![None, Some(1)], 1).layer(Dense::new(1).name("d"))?.build();
/// // A rate that makes the weights grow without end.
/// let mut trainer = Trainer { epochs: 100, ..Trainer::new(Optimizer::sgd(1e10)?, "mse")? };
/// let mut nan = TerminateOnNan::default();
/// trainer.fit_with(&model, &Samples::new(&[&x], &[&x])?, Fit::new().callback(&mut nan))?;
/// let found = nan.found.unwrap_or_default();
/// assert!(found.starts_with("the loss is inf in epoch 1, step 3; of the weights, d/kernel"), "{found}");
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct TerminateOnNan {
    /// Steps after which the loss is read, 100 by default.
    pub every: usize,
    /// What was found: the epoch, the step, and the weights that are not finite.
    pub found: Option<String>,
}

impl Default for TerminateOnNan {
    fn default() -> TerminateOnNan {
        TerminateOnNan { every: 100, found: None }
    }
}

impl TerminateOnNan {
    fn check(&mut self, run: &Run, loss: f64, model: &dyn Network) -> Result<Control> {
        if loss.is_finite() {
            return Ok(Control::Continue);
        }
        let mut wrong = Vec::new();
        for weight in model.weights() {
            if weight.value().to_vec()?.iter().any(|v| !v.is_finite()) {
                wrong.push(weight.name);
            }
        }
        let which = if wrong.is_empty() { "all are finite".into() } else { wrong.join(", ") };
        let (epoch, step) = (run.epoch, run.steps);
        self.found = Some(format!("the loss is {loss} in epoch {epoch}, step {step}; of the weights, {which}"));
        Ok(Control::Stop)
    }
}

impl Callback for TerminateOnNan {
    fn step_end(
        &mut self,
        run: &Run,
        loss: Option<&Tensor>,
        model: &dyn Network,
        _: &mut Optimizer,
    ) -> Result<Control> {
        match loss.filter(|_| (run.steps + 1).is_multiple_of(self.every.max(1))) {
            Some(loss) => self.check(run, loss.item()?, model),
            None => Ok(Control::Continue),
        }
    }

    fn epoch_end(&mut self, run: &Run, logs: &Logs, model: &dyn Network, _: &mut Optimizer) -> Result<Control> {
        let run = Run { steps: run.steps.saturating_sub(1), ..*run };
        self.check(&run, logs.get("loss").unwrap_or(0.0), model)
    }
}
