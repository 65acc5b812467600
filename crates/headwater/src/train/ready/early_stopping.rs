//! Stops when nothing gets better.

use headwater_core::Result;

use super::monitor::{watched, Memory, Mode};
use crate::nn::{Network, Weight};
use crate::train::{Callback, Control, Kept, Logs, Optimizer, Run};

/// Stops training when a measure has not become better for some epochs. The fields are Keras's.
///
/// ```
/// use headwater::train::EarlyStopping;
///
/// let stop = EarlyStopping { monitor: "val_accuracy".into(), patience: 5, ..EarlyStopping::default() };
/// assert_eq!((stop.restore_best_weights, stop.best), (false, None));
/// ```
#[derive(Clone, Debug)]
pub struct EarlyStopping {
    /// The measure, `val_loss` by default.
    pub monitor: String,
    /// Which values are better.
    pub mode: Mode,
    /// What a value must be better by.
    pub min_delta: f64,
    /// Epochs without a better value after which training stops, 0 by default.
    pub patience: usize,
    /// What the first value must be better than.
    pub baseline: Option<f64>,
    /// Whether the model gets the weights of the best epoch when training ends.
    pub restore_best_weights: bool,
    /// Epochs before this one are not watched.
    pub start_from_epoch: usize,
    /// The best value; of no use before training.
    pub best: Option<f64>,
    /// The epoch of the best value.
    pub best_epoch: usize,
    /// The epoch after which training stopped, if it did.
    pub stopped_epoch: Option<usize>,
    /// What the callback remembers.
    pub memory: Memory,
}

impl Default for EarlyStopping {
    fn default() -> EarlyStopping {
        EarlyStopping {
            monitor: "val_loss".into(),
            mode: Mode::Auto,
            min_delta: 0.0,
            patience: 0,
            baseline: None,
            restore_best_weights: false,
            start_from_epoch: 0,
            best: None,
            best_epoch: 0,
            stopped_epoch: None,
            memory: Memory::default(),
        }
    }
}

impl Callback for EarlyStopping {
    fn begin(&mut self, _: &Run, _: &dyn Network, _: &mut Optimizer) -> Result<()> {
        (self.best, self.stopped_epoch, self.memory) = (None, None, Memory::default());
        Ok(())
    }

    fn epoch_end(&mut self, run: &Run, logs: &Logs, model: &dyn Network, _: &mut Optimizer) -> Result<Control> {
        let value = watched("EarlyStopping", logs, &self.monitor)?;
        if run.epoch < self.start_from_epoch {
            return Ok(Control::Continue);
        }
        let better = |than: Option<f64>| self.mode.better(&self.monitor, value, than, self.min_delta.abs());
        let of_baseline = self.baseline.is_none() || better(self.baseline);
        if better(self.best) {
            (self.best, self.best_epoch) = (Some(value), run.epoch);
            if self.restore_best_weights {
                self.memory.weights = model.weights().iter().map(Weight::value).collect();
            }
            if of_baseline {
                self.memory.waited = 0;
                return Ok(Control::Continue);
            }
        }
        self.memory.waited += 1;
        if self.memory.waited < self.patience.max(1) {
            return Ok(Control::Continue);
        }
        self.stopped_epoch = Some(run.epoch);
        Ok(Control::Stop)
    }

    fn end(&mut self, _: &Run, model: &dyn Network, _: &mut Optimizer) -> Result<()> {
        let best = std::mem::take(&mut self.memory.weights);
        model.weights().iter().zip(best).try_for_each(|(weight, value)| weight.set(value))
    }

    fn kept(&self) -> Kept {
        self.memory.kept([self.best.unwrap_or(f64::NAN), self.best_epoch as f64])
    }

    fn restore(&mut self, kept: Kept) -> Result<()> {
        let [best, epoch] = self.memory.restore("EarlyStopping", kept)?;
        (self.best, self.best_epoch) = ((!best.is_nan()).then_some(best), epoch as usize);
        Ok(())
    }
}
