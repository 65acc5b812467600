//! Training that goes on after an interruption.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use headwater_core::Listed;
use headwater_core::{Error, Result, Tensor};
use serde_json::{json, Value};

use super::accumulator::Accumulator;
use super::callback::Kept;
use super::optimizer::{Kept as KeptOptimizer, ScaleState};
use super::Optimizer;
use crate::nn::Weight;
use crate::safetensors::{self, Metadata};

/// Where the bytes of a checkpoint are kept.
pub trait Store {
    /// Replaces what is kept, at once where that can be: a program that is ended meanwhile leaves the old or the new.
    ///
    /// # Errors
    /// What storing gives.
    fn save(&mut self, bytes: Vec<u8>) -> Result<()>;

    /// What is kept, if anything is.
    ///
    /// # Errors
    /// What reading gives.
    fn load(&mut self) -> Result<Option<Vec<u8>>>;

    /// Deletes what is kept, if anything is.
    ///
    /// # Errors
    /// What deleting gives.
    fn remove(&mut self) -> Result<()>;
}

/// In memory.
impl Store for Arc<Mutex<Option<Vec<u8>>>> {
    fn save(&mut self, bytes: Vec<u8>) -> Result<()> {
        *self.lock().unwrap_or_else(PoisonError::into_inner) = Some(bytes);
        Ok(())
    }

    fn load(&mut self) -> Result<Option<Vec<u8>>> {
        Ok(self.lock().unwrap_or_else(PoisonError::into_inner).clone())
    }

    fn remove(&mut self) -> Result<()> {
        *self.lock().unwrap_or_else(PoisonError::into_inner) = None;
        Ok(())
    }
}

/// In a file, which is written beside the old one and then renamed; its folder is made where there is none.
impl Store for PathBuf {
    fn save(&mut self, bytes: Vec<u8>) -> Result<()> {
        let mut part = self.clone().into_os_string();
        part.push(".part");
        let write = || {
            if let Some(folder) = self.parent() {
                fs::create_dir_all(folder)?;
            }
            let mut file = fs::File::create(&part)?;
            file.write_all(&bytes)?;
            file.sync_all()?;
            fs::rename(&part, &*self)
        };
        write().map_err(|e| failed(self, "written", &e))
    }

    fn load(&mut self) -> Result<Option<Vec<u8>>> {
        match fs::read(&*self) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(e) => Err(failed(self, "read", &e)),
        }
    }

    fn remove(&mut self) -> Result<()> {
        match fs::remove_file(&*self) {
            Err(e) if e.kind() != io::ErrorKind::NotFound => Err(failed(self, "deleted", &e)),
            _ => Ok(()),
        }
    }
}

fn failed(path: &Path, what: &str, error: &io::Error) -> Error {
    Error::format(path.display(), format_args!("could not be {what}: {error}"))
}

/// Saves all that a training needs to go on, and goes on where it was when a checkpoint is there as [`super::Trainer::fit`]
/// begins: a program that is ended at any time and started again comes to the same weights, on the CPU engine bit for bit.
///
/// The second program makes the same model, optimizer, trainer and callbacks, and calls `fit` with the same data: a source is to
/// give the same batches in the same pass. A checkpoint holds all weights and states, what the optimizer keeps and accumulates, its
/// number of steps and its rate where that is constant, the epoch and the batch, the sums of the epoch's losses and metrics, the
/// history, and what callbacks keep ([`Callback::kept`](super::Callback::kept)). A training that a callback stops is saved at that
/// step. At its end, the checkpoint is deleted.
///
/// ```
/// use headwater::nn::Sequential;
/// use headwater::train::{Backup, Control, Optimizer, Trainer};
/// use headwater::{cpu, ops, Result};
///
/// # fn main() -> Result<()> {
/// let fit = |steps: usize| -> Result<usize> {
///     let device = cpu(1);
///     let x = ops::random_normal(&device, [64, 2], 0.0, 1.0, 1)?;
///     let model = Sequential::new(&device, vec![None, Some(2)], 1).add("Dense", serde_json::json!({"units": 2}))?.build();
///     let backup = Some(Backup::new(std::env::temp_dir().join("headwater-doc.safetensors")).every(10));
///     let mut trainer = Trainer { epochs: 10, backup, ..Trainer::new(Optimizer::adam(0.1)?, "meanSquaredError")? };
///     let mut done = 0;
///     trainer.fit(&model, &x, &x, |_, _| {
///         done += 1;
///         if done == steps { Control::Stop } else { Control::Continue }
///     })?;
///     Ok(done)
/// };
/// assert_eq!((fit(13)?, fit(99)?), (13, 7));
/// # Ok(())
/// # }
/// ```
pub struct Backup {
    store: Box<dyn Store + Send>,
    /// Steps between checkpoints; `None`: one after each epoch.
    every: Option<usize>,
    kept_at_end: bool,
    steps: usize,
    /// Steps that were done at the last checkpoint.
    saved: usize,
}

/// What a training loop knows from one step to the next, besides model and optimizer.
#[derive(Clone, Debug, Default)]
pub(super) struct Position {
    pub epoch: usize,
    /// Batches of the epoch that are done.
    pub batch: usize,
    /// Steps of the training that are done.
    pub steps: usize,
    /// Passes over the data that have begun.
    pub passes: u32,
    /// Batches of the last pass that were read.
    pub read: usize,
    /// Samples of the epoch's steps.
    pub seen: usize,
    /// Losses and metrics summed over them; none between epochs.
    pub sums: Vec<Tensor>,
    pub history: Vec<(String, Vec<f64>)>,
    pub callbacks: Vec<Kept>,
}

/// What is being trained, and numbers that are the same in every program that trains it.
pub(super) struct Subject<'a> {
    /// All weights, states included.
    pub weights: Vec<Weight>,
    pub optimizer: &'a mut Optimizer,
    pub numbers: [(&'static str, usize); 5],
}

const KEY: &str = "headwater.training";

impl Backup {
    /// A backup to a file (a [`PathBuf`]), to memory or to a store of one's own, after each epoch.
    pub fn new(store: impl Store + Send + 'static) -> Backup {
        Backup { store: Box::new(store), every: None, kept_at_end: false, steps: 0, saved: 0 }
    }

    /// Saves after every so many steps instead.
    #[must_use]
    pub fn every(mut self, steps: usize) -> Backup {
        self.every = Some(steps.max(1));
        self
    }

    /// Leaves the last checkpoint where it is when training has come to its end.
    #[must_use]
    pub fn kept(mut self) -> Backup {
        self.kept_at_end = true;
        self
    }

    /// Sets what is trained to what it was at the checkpoint, if there is one, and says where that is.
    ///
    /// # Errors
    /// `ErrorKind::Format` when it is damaged or of another training, which leaves everything as it is; what the store gives.
    pub(super) fn restore(&mut self, mut subject: Subject<'_>) -> Result<Option<Position>> {
        (self.steps, self.saved) = (0, 0);
        self.store.load()?.map(|bytes| subject.restore(&bytes)).transpose()
    }

    /// Called when a step is done.
    pub(super) fn stepped(&mut self) {
        self.steps += 1;
    }

    /// Whether what was done since the last checkpoint is to be saved: within an epoch, or at its end.
    pub(super) fn is_due(&self, epoch_ends: bool) -> bool {
        self.every.map_or(epoch_ends, |every| self.steps > self.saved && self.steps.is_multiple_of(every))
    }

    /// Saves where training is.
    ///
    /// # Errors
    /// What reading weights and the store give.
    pub(super) fn save(&mut self, at: &Position, subject: &Subject<'_>) -> Result<()> {
        self.saved = self.steps;
        self.store.save(subject.bytes(at)?)
    }

    /// Called when all epochs are done.
    ///
    /// # Errors
    /// What the store gives.
    pub(super) fn end(&mut self) -> Result<()> {
        if self.kept_at_end {
            return Ok(());
        }
        self.store.remove()
    }
}

fn invalid(message: impl std::fmt::Display) -> Error {
    Error::format("training checkpoint", message)
}

/// A float64 as a number that JSON holds exactly.
fn bits(x: &f64) -> u64 {
    x.to_bits()
}

impl Subject<'_> {
    fn bytes(&self, at: &Position) -> Result<Vec<u8>> {
        let kept = self.optimizer.kept();
        let mut tensors: Vec<(String, Tensor)> = Vec::new();
        let mut list = |kind: &str, values: Vec<Tensor>| {
            tensors.extend(values.into_iter().enumerate().map(|(i, value)| (format!("{kind}/{i}"), value)));
        };
        list("weight", self.weights.iter().map(Weight::value).collect());
        list("sum", at.sums.clone());
        list("average", kept.averages);
        list("accumulated", kept.accumulated.sums);
        list("scale", kept.scale.map_or(Vec::new(), |scale| scale.tensors().to_vec()));
        for (i, slots) in kept.slots.iter().enumerate() {
            list(&format!("slot/{i}"), slots.clone());
        }
        for (i, callback) in at.callbacks.iter().enumerate() {
            list(&format!("callback/{i}"), callback.tensors.clone());
        }
        let all_bits = |numbers: &[f64]| -> Vec<u64> { numbers.iter().map(bits).collect() };
        let history: Vec<Value> = at.history.iter().map(|(name, column)| json!([name, all_bits(column)])).listed();
        let callbacks: Vec<Vec<u64>> = at.callbacks.iter().map(|callback| all_bits(&callback.numbers)).listed();
        let numbers: Vec<usize> = self.numbers.iter().map(|(_, number)| *number).listed();
        let names: Vec<&str> = self.weights.iter().map(|w| w.name.as_str()).listed();
        let state = json!({
            "version": 1,
            "epoch": at.epoch,
            "batch": at.batch,
            "done": at.steps,
            "passes": at.passes,
            "read": at.read,
            "seen": at.seen,
            "history": history,
            "callbacks": callbacks,
            "numbers": numbers,
            "weights": names,
            "optimizer": self.optimizer.name(),
            "steps": kept.steps,
            "slots": kept.slots.len(),
            "rate": kept.rate.as_ref().map(bits),
            "waiting": kept.accumulated.waiting,
        });
        safetensors::write(&tensors, &Metadata::from([(KEY.into(), state.to_string())]))
    }

    fn restore(&mut self, bytes: &[u8]) -> Result<Position> {
        let device = self.weights.first().map(|w| w.value().device().clone());
        let device = device.ok_or_else(|| invalid("there is no weight to restore"))?;
        let (tensors, metadata) = safetensors::read(&device, bytes)?;
        let text = metadata.get(KEY).ok_or_else(|| invalid("the file holds tensors, but no training"))?;
        let state: Value = serde_json::from_str(text).map_err(|e| invalid(format!("its state is no JSON: {e}")))?;
        let missing = |name: &str| invalid(format!("it has no valid '{name}'"));
        let number = |name: &str| state[name].as_u64().ok_or_else(|| missing(name));
        let list = |kind: &str| -> Vec<Tensor> {
            let named = |i: usize| tensors.iter().find(|(name, _)| *name == format!("{kind}/{i}"));
            (0..).map_while(named).map(|(_, tensor)| tensor.clone()).collect()
        };

        // Nothing is changed before all is known to fit.
        expect("version", &number("version")?, &1)?;
        let found = state["numbers"].as_array().ok_or_else(|| missing("numbers"))?;
        for (i, (name, expected)) in self.numbers.iter().enumerate() {
            expect(name, found.get(i).unwrap_or(&Value::Null), &json!(expected))?;
        }
        expect("optimizer", &state["optimizer"], &json!(self.optimizer.name()))?;
        let values = list("weight");
        expect("number of weights", &values.len(), &self.weights.len())?;
        for (i, (weight, value)) in self.weights.iter().zip(&values).enumerate() {
            let of = |name: &Value, dtype: &str, shape: String| format!("{name} {dtype} {shape}");
            let stored = of(&state["weights"][i], value.dtype().name(), value.shape().to_string());
            let own = of(&json!(weight.name), weight.spec.dtype.name(), weight.spec.shape.to_string());
            expect("weight", &stored, &own)?;
        }
        let floats =
            |v: &Value| -> Option<Vec<f64>> { v.as_array()?.iter().map(|x| x.as_u64().map(f64::from_bits)).collect() };
        let column = |v: &Value| Some((v[0].as_str()?.to_owned(), floats(&v[1])?));
        let history = state["history"].as_array().and_then(|columns| columns.iter().map(column).collect());
        let callbacks = state["callbacks"].as_array().and_then(|all| {
            let kept = |(i, v)| Some(Kept { numbers: floats(v)?, tensors: list(&format!("callback/{i}")) });
            all.iter().enumerate().map(kept).collect()
        });
        let position = Position {
            epoch: number("epoch")? as usize,
            batch: number("batch")? as usize,
            steps: number("done")? as usize,
            passes: number("passes")? as u32,
            read: number("read")? as usize,
            seen: number("seen")? as usize,
            sums: list("sum"),
            history: history.ok_or_else(|| missing("history"))?,
            callbacks: callbacks.ok_or_else(|| missing("callbacks"))?,
        };
        let slots = (number("slots")? as usize).min(self.weights.len());
        let kept = KeptOptimizer {
            steps: number("steps")? as u32,
            rate: state["rate"].as_u64().map(f64::from_bits),
            slots: (0..slots).map(|i| list(&format!("slot/{i}"))).collect(),
            averages: list("average"),
            scale: ScaleState::of(&list("scale")),
            accumulated: Accumulator { sums: list("accumulated"), waiting: number("waiting")? as u32 },
        };
        self.optimizer.keep(kept)?;
        self.weights.iter().zip(values).try_for_each(|(weight, value)| weight.set(value))?;
        Ok(position)
    }
}

/// An error where what is stored is not what is there.
fn expect<T: PartialEq + std::fmt::Display>(what: &str, found: &T, expected: &T) -> Result<()> {
    if found == expected {
        return Ok(());
    }
    Err(invalid(format!("it is of another training: expected {what} {expected}, received {found}")))
}
