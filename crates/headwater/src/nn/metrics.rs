//! Metrics: functions of targets and predictions that keep one value per sample, named as in TensorFlow.js, and, as
//! [`Metric`], objects that keep sums over batches, named as in Keras.

#[cfg(feature = "metrics-more")]
mod args;
#[cfg(feature = "metrics-more")]
mod auc;
#[cfg(feature = "metrics-more")]
mod batch;
#[cfg(feature = "metrics-more")]
#[cfg(feature = "metrics-more")]
mod classes;
#[cfg(feature = "metrics-more")]
mod confusion;
#[cfg(feature = "metrics-more")]
mod metric;
#[cfg(feature = "metrics-more")]
mod r2;
#[cfg(feature = "metrics-more")]
mod table;
#[cfg(feature = "metrics-more")]
mod values;

#[cfg(feature = "metrics-more")]
pub use metric::Metric;

use headwater_core::ops::{arg_max, equal, greater, logical_and, mean, not_equal, sum};
use headwater_core::{DType, Error, Result, Tensor};

use super::losses::{self, camel, Loss};
#[cfg(feature = "ops-losses")]
use crate::registry::Arity;

fn truth(x: &Tensor) -> Result<Tensor> {
    x.cast(DType::F32)
}

fn binary_accuracy(t: &Tensor, y: &Tensor) -> Result<Tensor> {
    let predicted = truth(&greater(y, &y.constant(0.5))?)?;
    mean(&truth(&equal(t, &predicted)?)?, Some(&[-1]), false)
}

fn categorical_accuracy(t: &Tensor, y: &Tensor) -> Result<Tensor> {
    truth(&equal(&arg_max(t, -1)?, &arg_max(y, -1)?)?)
}

fn sparse_categorical_accuracy(t: &Tensor, y: &Tensor) -> Result<Tensor> {
    categorical_accuracy(&losses::sparse_to_one_hot(t, y)?, y)
}

/// True positives among what `of` marks, over a batch.
fn share(t: &Tensor, y: &Tensor, of_predictions: bool) -> Result<Tensor> {
    let (actual, predicted) = (not_equal(t, &t.constant(0.0))?, greater(y, &y.constant(0.5))?);
    let hits = sum(&truth(&logical_and(&actual, &predicted)?)?, None, false)?;
    let all = sum(&truth(if of_predictions { &predicted } else { &actual })?, None, false)?;
    headwater_core::ops::div_no_nan(&hits, &all)
}

fn precision(t: &Tensor, y: &Tensor) -> Result<Tensor> {
    share(t, y, true)
}

fn recall(t: &Tensor, y: &Tensor) -> Result<Tensor> {
    share(t, y, false)
}

/// Every metric that is not a loss, by name.
pub const METRICS: &[(&str, Loss)] = &[
    ("binaryAccuracy", binary_accuracy),
    ("categoricalAccuracy", categorical_accuracy),
    ("sparseCategoricalAccuracy", sparse_categorical_accuracy),
    ("precision", precision),
    ("recall", recall),
];

/// The metric of a name: one of [`METRICS`], or a loss.
///
/// # Errors
/// `ErrorKind::Unknown` when there is none.
pub fn metric(name: &str) -> Result<Loss> {
    let wanted = camel(name);
    let found = METRICS.iter().find(|(n, _)| *n == wanted).map(|&(_, f)| f);
    found.or_else(|| losses::loss(name).ok()).ok_or_else(|| Error::unknown("metric", name))
}

/// What "accuracy" means for predictions and targets of these shapes, as Keras decides it.
///
/// # Errors
/// `ErrorKind::Shape` for scalar predictions.
pub fn accuracy(t: &Tensor, y: &Tensor) -> Result<Tensor> {
    match y.shape().last() {
        None => Err(Error::shape("accuracy", "predictions of rank at least 1", y.shape())),
        Some(1) => binary_accuracy(t, y),
        Some(_) if t.shape() == y.shape() => categorical_accuracy(t, y),
        Some(_) => sparse_categorical_accuracy(t, y),
    }
}

macro_rules! operations {
    ($($index:literal $name:literal),*) => {
        /// The metrics as operations of the registry.
        #[cfg(feature = "ops-losses")]
        pub(crate) const OPERATIONS: &[(&str, Arity, crate::registry::Operation)] = &[
            $(($name, Arity::Exactly(2), |_, x, _| METRICS[$index].1(&truth(&x[0])?, &truth(&x[1])?).map(|m| vec![m]))),*
        ];
    };
}
operations!(
    0 "metric/binaryAccuracy", 1 "metric/categoricalAccuracy", 2 "metric/sparseCategoricalAccuracy",
    3 "metric/precision", 4 "metric/recall"
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[cfg(feature = "ops-losses")]
    fn operations_are_the_metrics() {
        for (&(name, ..), (metric, _)) in OPERATIONS.iter().zip(METRICS) {
            assert_eq!(name.strip_prefix("metric/"), Some(*metric));
        }
        assert_eq!(OPERATIONS.len(), METRICS.len());
    }

    #[test]
    fn accuracies() -> Result<()> {
        let d = crate::cpu(1);
        let t = d.tensor(crate::HostSlice::F32(&[0.0, 1.0, 1.0, 0.0]), [2, 2])?;
        let y = d.tensor(crate::HostSlice::F32(&[0.4, 0.6, 0.3, 0.7]), [2, 2])?;
        assert_eq!(accuracy(&t, &y)?.to_vec()?, [1.0, 0.0]);
        let classes = d.tensor(crate::HostSlice::F32(&[1.0, 1.0]), [2])?;
        assert_eq!(accuracy(&classes, &y)?.to_vec()?, [1.0, 1.0]);
        assert_eq!(metric("precision")?(&t, &y)?.item()?, 0.5);
        Ok(())
    }
}
