//! Training as TensorBoard shows it.

use std::collections::hash_map::{Entry, HashMap};
use std::path::{Path, PathBuf};

use headwater_core::{Error, Result, Tensor};

use crate::nn::Network;
use crate::summary::Writer;
use crate::train::{Callback, Control, Kept, Logs, Optimizer, Run};

/// Parts of the range of a histogram.
const BUCKETS: usize = 30;

/// Writes losses, metrics and the learning rate, and histograms of weights, for TensorBoard: those of training to the folder
/// `train`, those of validation to `val`.
///
/// ```
/// use headwater::nn::{layers::Dense, Sequential};
/// use headwater::train::{Fit, Optimizer, Samples, TensorBoard, Trainer};
/// use headwater::{cpu, DType, Result};
///
/// # fn main() -> Result<()> {
/// let device = cpu(1);
/// let x = device.ones([8, 3], DType::F32)?;
/// let model = Sequential::new(&device, vec![None, Some(3)], 1).layer(Dense::new(3))?.build();
/// let (train, validation) = Samples::new(&[&x], &[&x])?.split(0.5)?;
/// let folder = std::env::temp_dir().join("headwater-doc-logs");
/// let mut board = TensorBoard::new(&folder).histograms(1);
/// let mut trainer = Trainer { epochs: 2, ..Trainer::new(Optimizer::adam(0.1)?, "mse")? };
/// trainer.fit_with(&model, &train, Fit::new().validation(&validation).callback(&mut board))?;
/// // tensorboard --logdir FOLDER
/// assert!(folder.join("train").is_dir() && folder.join("val").is_dir());
/// # drop(std::fs::remove_dir_all(folder));
/// # Ok(())
/// # }
/// ```
pub struct TensorBoard {
    folder: PathBuf,
    batches: bool,
    histograms: usize,
    writers: HashMap<&'static str, Writer>,
    /// Batches that were written.
    written: u64,
}

impl TensorBoard {
    /// Writes to a folder what is known after each epoch. Another training adds to it.
    pub fn new(folder: impl AsRef<Path>) -> TensorBoard {
        let folder = folder.as_ref().into();
        TensorBoard { folder, batches: false, histograms: 0, writers: HashMap::new(), written: 0 }
    }

    /// Writes the loss of each batch, too, for which it waits.
    #[must_use]
    pub fn batches(mut self) -> TensorBoard {
        self.batches = true;
        self
    }

    /// Writes a histogram of each weight after every so many epochs; 0: none.
    #[must_use]
    pub fn histograms(mut self, epochs: usize) -> TensorBoard {
        self.histograms = epochs;
        self
    }

    /// What writes a run. Runs that have nothing to show get no file.
    fn writer(&mut self, run: &'static str) -> Result<&mut Writer> {
        Ok(match self.writers.entry(run) {
            Entry::Occupied(writer) => writer.into_mut(),
            Entry::Vacant(none) => none.insert(Writer::create(self.folder.join(run))?),
        })
    }
}

impl Callback for TensorBoard {
    fn step_end(&mut self, _: &Run, loss: Option<&Tensor>, _: &dyn Network, _: &mut Optimizer) -> Result<Control> {
        if let (true, Some(loss)) = (self.batches, loss) {
            let loss = loss.item()?;
            self.written += 1;
            let step = self.written;
            self.writer("train")?.scalar("batch_loss", loss, step)?;
        }
        Ok(Control::Continue)
    }

    fn epoch_end(&mut self, run: &Run, logs: &Logs, model: &dyn Network, optimizer: &mut Optimizer) -> Result<Control> {
        let step = run.epoch as u64 + 1;
        for (name, value) in logs.iter() {
            let (writer, name) = match name.strip_prefix("val_") {
                Some(name) => (self.writer("val")?, name),
                None => (self.writer("train")?, name),
            };
            writer.scalar(&format!("epoch_{name}"), value, step)?;
        }
        let train = self.writer("train")?;
        train.scalar("epoch_learning_rate", optimizer.rate(), step)?;
        if self.histograms > 0 && run.epoch.is_multiple_of(self.histograms) {
            let train = self.writer("train")?;
            for weight in model.weights() {
                train.histogram(&weight.name, &weight.value().to_vec()?, step, BUCKETS)?;
            }
        }
        Ok(Control::Continue)
    }

    fn kept(&self) -> Kept {
        Kept { numbers: vec![self.written as f64], ..Kept::default() }
    }

    fn restore(&mut self, kept: Kept) -> Result<()> {
        let [written] = kept.numbers[..] else {
            return Err(Error::argument("TensorBoard", "1 number that was kept", kept.numbers.len()));
        };
        self.written = written as u64;
        Ok(())
    }
}
