//! What training makes small, and what it measures besides.

use std::sync::Arc;

use headwater_core::ops::{self, add, mul, reshape};
use headwater_core::{AllOk, DType, Error, HostSlice, Result, Shape, Tensor};

use super::source::Batch;
use crate::nn::losses::{loss, masked_mean};
use crate::nn::metrics::{accuracy, metric};
use crate::nn::{penalty, Called, Weight};

/// A function of targets and predictions: one value per sample, or one in all.
pub type Measure = Arc<dyn Fn(&Tensor, &Tensor) -> Result<Tensor> + Send + Sync>;

/// Losses of outputs, their weights, and metrics: what Keras's `compile` is given.
///
/// Losses and metrics are named in camel or snake case, as in [`losses`](crate::nn::losses) and [`metrics`](crate::nn::metrics);
/// `accuracy` is the one that fits the targets. A metric's value of an epoch is the mean over its samples.
///
/// ```
/// use headwater::nn::layers::Dense;
/// use headwater::nn::Functional;
/// use headwater::train::{Fit, Objective, Optimizer, Samples, Trainer};
/// use headwater::{cpu, ops, DType, Result};
///
/// # fn main() -> Result<()> {
/// let device = cpu(1);
/// let mut net = Functional::new(&device, 1);
/// let x = net.input("x", vec![None, Some(3)])?;
/// let hidden = net.apply(Dense::new(8).activation("relu"), &[x])?;
/// let sum = net.apply(Dense::new(1).name("sum"), &[hidden])?;
/// let sign = net.apply(Dense::new(1).activation("sigmoid").name("sign"), &[hidden])?;
/// let model = net.build(&[x], &[sum, sign])?;
///
/// let x = ops::random_normal(&device, [256, 3], 0.0, 1.0, 1)?;
/// let sum = x.sum(Some(&[1]), true)?;
/// let sign = sum.greater(&sum.zeros_like()?)?.cast(DType::F32)?;
/// let objective = Objective::of_outputs(&["meanSquaredError", "binaryCrossentropy"])?
///     .loss_weights(&[1.0, 0.5])
///     .output_metrics(&[&[], &["accuracy"]])?;
/// let mut trainer = Trainer { epochs: 20, ..Trainer::compiled(Optimizer::adam(0.02)?, objective) };
/// let history = trainer.fit_with(&model, &Samples::new(&[&x], &[&sum, &sign])?, Fit::new())?;
/// assert_eq!(history.names(), ["loss", "sum_loss", "sign_loss", "sign_accuracy"]);
/// assert!(history.get("sign_accuracy").is_some_and(|a| a[19] > 0.95));
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Objective {
    losses: Vec<Measure>,
    weights: Vec<f64>,
    /// One list for all outputs, or one each.
    metrics: Vec<Vec<(String, Measure)>>,
    class_weights: Vec<(usize, f64)>,
}

/// A function of the library, with targets and predictions in float32, and of one shape unless targets are class numbers.
fn checked(name: &str, function: crate::nn::losses::Loss) -> Measure {
    let (name, sparse) = (name.to_owned(), name.starts_with("sparse"));
    Arc::new(move |targets, predictions| {
        if !sparse && targets.shape() != predictions.shape() {
            let expected = format!("targets of the predictions' shape {}", predictions.shape());
            return Err(Error::shape(&name, expected, targets.shape()));
        }
        function(&targets.cast(DType::F32)?, &predictions.cast(DType::F32)?)
    })
}

fn loss_of(name: &&str) -> Result<Measure> {
    Ok(checked(name, loss(name)?))
}

fn metric_of(name: &&str) -> Result<(String, Measure)> {
    let measure: Measure = match *name {
        "accuracy" | "acc" => Arc::new(|t, y| accuracy(&t.cast(DType::F32)?, &y.cast(DType::F32)?)),
        name => checked(name, metric(name)?),
    };
    Ok(((*name).to_owned(), measure))
}

impl Objective {
    /// One loss for every output, and accuracy.
    ///
    /// # Errors
    /// `ErrorKind::Unknown` when there is no such loss.
    pub fn new(loss: &str) -> Result<Objective> {
        Objective::of_outputs(&[loss])?.metrics(&["accuracy"])
    }

    /// A loss for each output, without metrics.
    ///
    /// # Errors
    /// `ErrorKind::Unknown` when there is no such loss.
    pub fn of_outputs(losses: &[&str]) -> Result<Objective> {
        let losses = losses.iter().map(loss_of).all_ok()?;
        Ok(Objective { losses, weights: Vec::new(), metrics: vec![Vec::new()], class_weights: Vec::new() })
    }

    /// A loss of one's own for each output, without metrics.
    pub fn of(losses: Vec<Measure>) -> Objective {
        Objective { losses, weights: Vec::new(), metrics: vec![Vec::new()], class_weights: Vec::new() }
    }

    /// What each output's loss counts in the sum, 1 by default.
    #[must_use]
    pub fn loss_weights(mut self, weights: &[f64]) -> Objective {
        self.weights = weights.to_vec();
        self
    }

    /// Metrics of every output.
    ///
    /// # Errors
    /// `ErrorKind::Unknown` when there is no such metric.
    pub fn metrics(self, names: &[&str]) -> Result<Objective> {
        self.output_metrics(&[names])
    }

    /// Metrics of each output.
    ///
    /// # Errors
    /// `ErrorKind::Unknown` when there is no such metric.
    pub fn output_metrics(mut self, names: &[&[&str]]) -> Result<Objective> {
        self.metrics = names.iter().map(|names| names.iter().map(metric_of).all_ok()).all_ok()?;
        Ok(self)
    }

    /// A metric of one's own, of every output.
    #[must_use]
    pub fn metric(mut self, name: &str, measure: Measure) -> Objective {
        self.metrics.iter_mut().for_each(|list| list.push((name.to_owned(), measure.clone())));
        self
    }

    /// What samples of classes count in the loss, 1 where nothing is said. Targets are class numbers or one-hot.
    #[must_use]
    pub fn class_weights(mut self, weights: &[(usize, f64)]) -> Objective {
        self.class_weights = weights.to_vec();
        self
    }

    /// The names of what [`Objective::total`] and [`Objective::measure`] give, for outputs of these names.
    pub(super) fn names(&self, outputs: &[String]) -> Vec<String> {
        let mut names = vec!["loss".to_owned()];
        let several = outputs.len() > 1;
        if several {
            names.extend(outputs.iter().map(|output| format!("{output}_loss")));
        }
        for (i, output) in outputs.iter().enumerate() {
            let own = self.metrics_of(i).iter();
            names.extend(own.map(|(name, _)| if several { format!("{output}_{name}") } else { name.clone() }));
        }
        names
    }

    /// What is to become small; and that of each output, where there are several.
    pub(super) fn total(&self, called: &Called, batch: &Batch, weights: &[Weight]) -> Result<Vec<Tensor>> {
        let outputs = called.outputs.len();
        let fits = |n: usize| n == outputs || n == 1;
        if outputs == 0 || batch.targets.len() != outputs || !fits(self.losses.len()) {
            let received = format!("{outputs} outputs, {} targets, {} losses", batch.targets.len(), self.losses.len());
            return Err(Error::argument("fit", "as many targets and losses as the model has outputs", received));
        }
        if !self.weights.is_empty() && self.weights.len() != outputs || !fits(self.metrics.len()) {
            let received = format!("{} and {} of {outputs}", self.weights.len(), self.metrics.len());
            return Err(Error::argument("fit", "loss weights and metrics for each output", received));
        }
        let (mut total, mut each): (Option<Tensor>, Vec<Tensor>) = (None, Vec::new());
        for (i, (output, target)) in called.outputs.iter().zip(&batch.targets).enumerate() {
            let mut values = self.losses[i.min(self.losses.len() - 1)](target, output)?;
            for weight in [batch.weights.clone(), self.weight_of_classes(target, output)?].into_iter().flatten() {
                values = weighted(&values, &weight)?;
            }
            let own = masked_mean(&values, mask(called, i))?;
            let counted = match self.weights.get(i) {
                Some(&weight) => mul(&own, &own.constant(weight))?,
                None => own.clone(),
            };
            each.push(own);
            total = Some(total.map_or(Ok(counted.clone()), |sum| add(&sum, &counted))?);
        }
        let mut total = total.into_iter().chain(called.losses.iter().cloned());
        let Some(first) = total.next() else { return Ok(each) };
        let mut sum = total.try_fold(first, |sum, extra| add(&sum, &extra))?;
        for weight in weights {
            if let Some(regularizer) = &weight.spec.regularizer {
                sum = add(&sum, &penalty(regularizer, &weight.value())?)?;
            }
        }
        Ok([sum].into_iter().chain(each.into_iter().filter(|_| outputs > 1)).collect())
    }

    /// The metrics of a batch.
    pub(super) fn measure(&self, called: &Called, batch: &Batch) -> Result<Vec<Tensor>> {
        let mut values = Vec::new();
        for (i, (output, target)) in called.outputs.iter().zip(&batch.targets).enumerate() {
            for (_, measure) in self.metrics_of(i) {
                let of_samples = measure(target, output)?;
                values.push(masked_mean(&of_samples, mask(called, i).filter(|m| of_samples.rank() >= m.rank()))?);
            }
        }
        Ok(values)
    }

    fn metrics_of(&self, output: usize) -> &[(String, Measure)] {
        self.metrics.get(output.min(self.metrics.len().saturating_sub(1))).map_or(&[], Vec::as_slice)
    }

    /// The weight of each sample's class.
    fn weight_of_classes(&self, target: &Tensor, output: &Tensor) -> Result<Option<Tensor>> {
        let Some(last) = self.class_weights.iter().map(|(class, _)| *class).max() else { return Ok(None) };
        let one_hot = target.shape() == output.shape() && target.shape().last().is_some_and(|&n| n > 1);
        let classes = output.shape().last().copied().unwrap_or(0).max(last + 1).max(2);
        let mut weights = vec![1.0; classes];
        self.class_weights.iter().for_each(|&(class, weight)| weights[class] = weight as f32);
        let weights = target.device().tensor(HostSlice::F32(&weights), [classes])?;
        let class = match (one_hot, target.shape().last()) {
            (true, _) => ops::arg_max(target, -1)?,
            (false, Some(1)) => reshape(target, Shape::from(&target.shape()[..target.rank() - 1]))?.cast(DType::I32)?,
            (false, _) => target.cast(DType::I32)?,
        };
        ops::gather(&weights, &class, 0, 0).map(Some)
    }
}

fn mask(called: &Called, output: usize) -> Option<&Tensor> {
    called.masks.get(output).and_then(Option::as_ref)
}

/// Values times weights of the leading axes.
fn weighted(values: &Tensor, weights: &Tensor) -> Result<Tensor> {
    if !values.shape().starts_with(weights.shape()) {
        let expected = format!("weights of the leading axes of {}", values.shape());
        return Err(Error::shape("sample weights", expected, weights.shape()));
    }
    let ones = (weights.rank()..values.rank()).map(|_| 1);
    let shape: Shape = weights.shape().iter().copied().chain(ones).collect();
    mul(values, &reshape(&weights.cast(DType::F32)?, shape)?)
}
