//! What may happen between steps and epochs.

use headwater_core::{Result, Tensor};

use super::history::Logs;
use super::Optimizer;
use crate::nn::Network;

/// Where training is, after a step.
#[derive(Clone, Copy, Debug)]
pub struct Progress {
    /// The epoch, from 0.
    pub epoch: usize,
    /// Epochs in all.
    pub epochs: usize,
    /// The batch within the epoch, from 0.
    pub batch: usize,
    /// Batches of an epoch.
    pub batches: usize,
    /// The epoch's mean loss and accuracy, after its last batch.
    pub result: Option<(f64, f64)>,
}

/// What a callback wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Control {
    /// To go on.
    Continue,
    /// To end training now.
    Stop,
}

/// Where a fit is.
#[derive(Clone, Copy, Debug)]
pub struct Run {
    /// The epoch, from 0.
    pub epoch: usize,
    /// Epochs in all.
    pub epochs: usize,
    /// The batch within the epoch, from 0.
    pub batch: usize,
    /// Batches of an epoch, where their number is known.
    pub batches: Option<usize>,
    /// Steps since the fit began.
    pub steps: usize,
}

/// What is called in the course of a fit. Each method does nothing by default; an error ends the fit.
///
/// ```
/// use headwater::nn::{layers::Dense, Network, Sequential};
/// use headwater::train::{Callback, Control, Fit, Logs, Optimizer, Run, Samples, Trainer};
/// use headwater::{cpu, DType, Result};
///
/// /// Stops when the loss is small enough.
/// struct Enough(f64);
///
/// impl Callback for Enough {
///     fn epoch_end(&mut self, _: &Run, logs: &Logs, _: &dyn Network, _: &mut Optimizer) -> Result<Control> {
///         Ok(if logs.get("loss") < Some(self.0) { Control::Stop } else { Control::Continue })
///     }
/// }
///
/// # fn main() -> Result<()> {
/// let device = cpu(1);
/// let x = device.ones([8, 1], DType::F32)?;
/// let model = Sequential::new(&device, vec![None, Some(1)], 1).layer(Dense::new(1))?.build();
/// let mut trainer = Trainer { epochs: 1000, ..Trainer::new(Optimizer::sgd(0.1)?, "mse")? };
/// let history = trainer.fit_with(&model, &Samples::new(&[&x], &[&x])?, Fit::new().callback(&mut Enough(1e-4)))?;
/// assert!(history.loss.len() < 100);
/// # Ok(())
/// # }
/// ```
pub trait Callback {
    /// Before the first epoch.
    ///
    /// # Errors
    /// The callback's own.
    fn begin(&mut self, _run: &Run, _model: &dyn Network, _optimizer: &mut Optimizer) -> Result<()> {
        Ok(())
    }

    /// Before the first step of an epoch.
    ///
    /// # Errors
    /// The callback's own.
    fn epoch_begin(&mut self, _run: &Run, _model: &dyn Network, _optimizer: &mut Optimizer) -> Result<()> {
        Ok(())
    }

    /// After a step. `loss` is not yet computed: reading it waits for the step.
    ///
    /// # Errors
    /// The callback's own.
    fn step_end(&mut self, _: &Run, _loss: &Tensor, _: &dyn Network, _: &mut Optimizer) -> Result<Control> {
        Ok(Control::Continue)
    }

    /// After an epoch and its validation.
    ///
    /// # Errors
    /// The callback's own.
    fn epoch_end(&mut self, _: &Run, _logs: &Logs, _: &dyn Network, _: &mut Optimizer) -> Result<Control> {
        Ok(Control::Continue)
    }

    /// After the last epoch.
    ///
    /// # Errors
    /// The callback's own.
    fn end(&mut self, _run: &Run, _model: &dyn Network, _optimizer: &mut Optimizer) -> Result<()> {
        Ok(())
    }
}

/// A function that is called after each step, with the epoch's result after the last.
pub(super) struct Between<F>(pub F);

impl<F: FnMut(&Progress, &mut Optimizer) -> Control> Between<F> {
    fn call(&mut self, run: &Run, result: Option<(f64, f64)>, optimizer: &mut Optimizer) -> Control {
        let Run { epoch, epochs, batch, batches, .. } = *run;
        (self.0)(&Progress { epoch, epochs, batch, batches: batches.unwrap_or(batch + 1), result }, optimizer)
    }
}

impl<F: FnMut(&Progress, &mut Optimizer) -> Control> Callback for Between<F> {
    fn step_end(&mut self, run: &Run, _: &Tensor, _: &dyn Network, optimizer: &mut Optimizer) -> Result<Control> {
        let last = run.batches == Some(run.batch + 1);
        Ok(if last { Control::Continue } else { self.call(run, None, optimizer) })
    }

    fn epoch_end(&mut self, run: &Run, logs: &Logs, _: &dyn Network, optimizer: &mut Optimizer) -> Result<Control> {
        let result = (logs.get("loss").unwrap_or(f64::NAN), logs.get("accuracy").unwrap_or(f64::NAN));
        let run = Run { batch: run.batch.saturating_sub(1), ..*run };
        Ok(self.call(&run, Some(result), optimizer))
    }
}
