//! Learning rates that change from epoch to epoch.

use headwater_core::Result;

use super::monitor::{watched, Memory, Mode};
use crate::nn::Network;
use crate::train::{Callback, Control, Kept, Logs, Optimizer, Run};

/// Sets the learning rate of each epoch by a function of the epoch, from 0, and of the last rate. A rate that changes from step
/// to step is a [`Schedule`](crate::nn::schedules::Schedule) of the optimizer.
///
/// ```
/// use headwater::train::{Fit, LearningRateScheduler};
///
/// let mut halved = LearningRateScheduler(|epoch, rate: f64| if epoch < 10 { rate } else { rate * 0.5 });
/// let fit = Fit::new().callback(&mut halved);
/// ```
pub struct LearningRateScheduler<F: FnMut(usize, f64) -> f64>(pub F);

impl<F: FnMut(usize, f64) -> f64> Callback for LearningRateScheduler<F> {
    fn epoch_begin(&mut self, run: &Run, _: &dyn Network, optimizer: &mut Optimizer) -> Result<()> {
        let rate = (self.0)(run.epoch, optimizer.rate());
        optimizer.set_rate(rate);
        Ok(())
    }
}

/// Lowers the learning rate when a measure has not become better for some epochs. The fields are Keras's.
///
/// ```
/// use headwater::train::ReduceLrOnPlateau;
///
/// let slower = ReduceLrOnPlateau { monitor: "loss".into(), factor: 0.5, ..ReduceLrOnPlateau::default() };
/// assert_eq!(slower.patience, 10);
/// ```
#[derive(Clone, Debug)]
pub struct ReduceLrOnPlateau {
    /// The measure, `val_loss` by default.
    pub monitor: String,
    /// Which values are better.
    pub mode: Mode,
    /// What the rate is multiplied by, 0.1 by default.
    pub factor: f64,
    /// Epochs without a better value after which the rate is lowered, 10 by default.
    pub patience: usize,
    /// What a value must be better by, 1e-4 by default.
    pub min_delta: f64,
    /// Epochs after a reduction that are not counted.
    pub cooldown: usize,
    /// The lowest rate.
    pub min_rate: f64,
    /// What the callback remembers.
    pub memory: Memory,
}

impl Default for ReduceLrOnPlateau {
    fn default() -> ReduceLrOnPlateau {
        ReduceLrOnPlateau {
            monitor: "val_loss".into(),
            mode: Mode::Auto,
            factor: 0.1,
            patience: 10,
            min_delta: 1e-4,
            cooldown: 0,
            min_rate: 0.0,
            memory: Memory::default(),
        }
    }
}

impl Callback for ReduceLrOnPlateau {
    fn begin(&mut self, _: &Run, _: &dyn Network, _: &mut Optimizer) -> Result<()> {
        self.memory = Memory::default();
        Ok(())
    }

    fn epoch_end(&mut self, _: &Run, logs: &Logs, _: &dyn Network, optimizer: &mut Optimizer) -> Result<Control> {
        let value = watched("ReduceLrOnPlateau", logs, &self.monitor)?;
        if self.memory.cooling > 0 {
            self.memory.cooling -= 1;
            self.memory.waited = 0;
        }
        if self.mode.better(&self.monitor, value, self.memory.best, self.min_delta) {
            (self.memory.best, self.memory.waited) = (Some(value), 0);
        } else if self.memory.cooling == 0 {
            self.memory.waited += 1;
            if self.memory.waited >= self.patience {
                optimizer.set_rate((optimizer.rate() * self.factor).max(self.min_rate));
                (self.memory.cooling, self.memory.waited) = (self.cooldown, 0);
            }
        }
        Ok(Control::Continue)
    }

    fn kept(&self) -> Kept {
        self.memory.kept([0.0; 2])
    }

    fn restore(&mut self, kept: Kept) -> Result<()> {
        self.memory.restore("ReduceLrOnPlateau", kept).map(|_| ())
    }
}
