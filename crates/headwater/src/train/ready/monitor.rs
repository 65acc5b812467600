//! Whether a measure has become better.

use headwater_core::Listed;
use headwater_core::{Error, Result, Tensor};

use crate::train::{Kept, Logs};

/// Which values of a measure are better.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    /// What the measure's name says: larger ones of accuracies, precision, recall, AUC, F1 and IoU, else smaller ones.
    #[default]
    Auto,
    /// Smaller ones.
    Min,
    /// Larger ones.
    Max,
}

const RISING: &[&str] = &["acc", "precision", "recall", "auc", "f1", "iou", "fmeasure"];

impl Mode {
    /// Whether `value` is better than `best` by more than `min_delta`. NaN never is.
    pub(super) fn better(self, monitor: &str, value: f64, best: Option<f64>, min_delta: f64) -> bool {
        let name = monitor.to_ascii_lowercase();
        let rising = match self {
            Mode::Auto => RISING.iter().any(|part| name.contains(part)),
            mode => mode == Mode::Max,
        };
        match best {
            None => !value.is_nan(),
            Some(best) if rising => value > best + min_delta,
            Some(best) => value < best - min_delta,
        }
    }
}

/// What a callback remembers from epoch to epoch. It begins anew with each fit.
#[derive(Clone, Debug, Default)]
pub struct Memory {
    pub(super) best: Option<f64>,
    pub(super) waited: usize,
    pub(super) cooling: usize,
    pub(super) weights: Vec<Tensor>,
}

impl Memory {
    /// What a checkpoint holds, with two numbers of the callback's own.
    pub(super) fn kept(&self, own: [f64; 2]) -> Kept {
        let best = self.best.unwrap_or(f64::NAN);
        let numbers = vec![best, self.waited as f64, self.cooling as f64, own[0], own[1]];
        Kept { numbers, tensors: self.weights.clone() }
    }

    /// Takes what [`Memory::kept`] gave, and gives the numbers of the callback's own.
    pub(super) fn restore(&mut self, callback: &str, kept: Kept) -> Result<[f64; 2]> {
        let [best, waited, cooling, first, second] = kept.numbers[..] else {
            return Err(Error::argument(callback, "5 numbers that were kept", kept.numbers.len()));
        };
        self.best = (!best.is_nan()).then_some(best);
        (self.waited, self.cooling, self.weights) = (waited as usize, cooling as usize, kept.tensors);
        Ok([first, second])
    }
}

/// The measure that a callback watches.
pub(super) fn watched(callback: &str, logs: &Logs, monitor: &str) -> Result<f64> {
    let names = || logs.iter().map(|(name, _)| name).listed().join(", ");
    logs.get(monitor).ok_or_else(|| Error::argument(callback, format_args!("a monitor among {}", names()), monitor))
}
