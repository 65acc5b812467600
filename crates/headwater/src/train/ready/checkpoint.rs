//! Models in files, in the course of training.

use std::path::{Path, PathBuf};

use headwater_core::Result;

use super::monitor::{watched, Memory, Mode};
use crate::nn::{Model, Network};
use crate::tfjs::SaveOptions;
use crate::train::{Callback, Control, Kept, Logs, Optimizer, Run};

/// Saves the model after epochs, each time or when a measure has become better.
///
/// ```
/// use headwater::nn::{layers::Dense, Model, Sequential};
/// use headwater::train::{Fit, ModelCheckpoint, Optimizer, Samples, Trainer};
/// use headwater::{cpu, DType, Result};
///
/// # fn main() -> Result<()> {
/// let device = cpu(1);
/// let x = device.ones([8, 3], DType::F32)?;
/// let model = Sequential::new(&device, vec![None, Some(3)], 1).layer(Dense::new(3))?.build();
/// let root = std::env::temp_dir().join("headwater-checkpoints");
/// let mut best = ModelCheckpoint::new(&model, root.join("best")).best_of("loss");
/// let mut each = ModelCheckpoint::new(&model, root.join("epoch-{epoch}")).with_optimizer();
/// let mut trainer = Trainer { epochs: 2, ..Trainer::new(Optimizer::adam(0.1)?, "mse")? };
/// let fit = Fit::new().callback(&mut best).callback(&mut each);
/// trainer.fit_with(&model, &Samples::new(&[&x], &[&x])?, fit)?;
/// let last = Model::load(&device, root.join("epoch-1"))?;
/// assert_eq!(last.get_weights()[0].to_vec()?, model.get_weights()[0].to_vec()?);
/// assert!(Model::load(&device, root.join("best")).is_ok());
/// # drop(std::fs::remove_dir_all(root));
/// # Ok(())
/// # }
/// ```
pub struct ModelCheckpoint {
    model: Model,
    path: PathBuf,
    monitor: Option<String>,
    mode: Mode,
    optimizer: bool,
    every: usize,
    memory: Memory,
}

impl ModelCheckpoint {
    /// Saves `model`, the one that is trained, to a directory after each epoch. `{epoch}` in its name is the epoch, from 0.
    pub fn new(model: &Model, directory: impl AsRef<Path>) -> ModelCheckpoint {
        let (model, path) = (model.clone(), directory.as_ref().into());
        ModelCheckpoint {
            model,
            path,
            monitor: None,
            mode: Mode::Auto,
            optimizer: false,
            every: 1,
            memory: Memory::default(),
        }
    }

    /// Saves only when this measure has become better.
    #[must_use]
    pub fn best_of(mut self, monitor: &str) -> ModelCheckpoint {
        self.monitor = Some(monitor.into());
        self
    }

    /// Which values of the measure are better.
    #[must_use]
    pub fn mode(mut self, mode: Mode) -> ModelCheckpoint {
        self.mode = mode;
        self
    }

    /// Saves what the optimizer keeps, too.
    #[must_use]
    pub fn with_optimizer(mut self) -> ModelCheckpoint {
        self.optimizer = true;
        self
    }

    /// Saves after every so many epochs.
    #[must_use]
    pub fn every(mut self, epochs: usize) -> ModelCheckpoint {
        self.every = epochs.max(1);
        self
    }
}

impl Callback for ModelCheckpoint {
    fn begin(&mut self, _: &Run, _: &dyn Network, _: &mut Optimizer) -> Result<()> {
        self.memory = Memory::default();
        Ok(())
    }

    fn epoch_end(&mut self, run: &Run, logs: &Logs, _: &dyn Network, optimizer: &mut Optimizer) -> Result<Control> {
        if !(run.epoch + 1).is_multiple_of(self.every) {
            return Ok(Control::Continue);
        }
        if let Some(monitor) = &self.monitor {
            let value = watched("ModelCheckpoint", logs, monitor)?;
            if !self.mode.better(monitor, value, self.memory.best, 0.0) {
                return Ok(Control::Continue);
            }
            self.memory.best = Some(value);
        }
        let path = PathBuf::from(self.path.to_string_lossy().replace("{epoch}", &run.epoch.to_string()));
        let optimizer = self.optimizer.then_some(&*optimizer);
        self.model.save_with(path, &SaveOptions { optimizer, ..SaveOptions::default() })?;
        Ok(Control::Continue)
    }

    fn kept(&self) -> Kept {
        self.memory.kept([0.0; 2])
    }

    fn restore(&mut self, kept: Kept) -> Result<()> {
        self.memory.restore("ModelCheckpoint", kept).map(|_| ())
    }
}
