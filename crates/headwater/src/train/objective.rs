//! What training makes small, and what it measures besides.

use std::sync::Arc;

use headwater_core::ops::{self, add, mul, reshape};
use headwater_core::Listed;
use headwater_core::{AllOk, DType, Error, HostSlice, Result, Shape, Tensor};

use super::history::Logs;
use super::source::Batch;
use crate::nn::losses::{loss, masked_mean};
#[cfg(feature = "metrics-more")]
use crate::nn::metrics::Metric;
use crate::nn::metrics::{accuracy, metric};
use crate::nn::{penalty, Called, Weight};

/// Classes that may have weights.
const MOST_CLASSES: usize = 1 << 24;

/// A function of targets and predictions: one value per sample, or one in all.
pub type Measure = Arc<dyn Fn(&Tensor, &Tensor) -> Result<Tensor> + Send + Sync>;

/// Losses of outputs, their weights, and metrics: what Keras's `compile` is given.
///
/// Losses and metrics are named in camel or snake case, as in [`losses`](crate::nn::losses) and [`metrics`](crate::nn::metrics);
/// `accuracy` is the one that fits the targets. The value of such a metric in an epoch is the mean over its samples. Other names
/// are those of `Metric`s (`AUC`, `F1Score`), whose value is that of all samples together, however they are divided into batches.
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
    losses: Vec<Loss>,
    weights: Vec<f64>,
    /// One list for all outputs, or one each.
    metrics: Vec<Vec<(String, Kind)>>,
    class_weights: Vec<(usize, f64)>,
}

/// The loss of an output.
#[derive(Clone)]
struct Loss {
    measure: Measure,
    /// Whether its targets are class numbers.
    sparse: bool,
}

/// A metric of batches.
#[derive(Clone)]
enum Kind {
    /// The mean of a function's values over samples.
    Mean(Measure),
    /// What a metric makes of sums over samples. Its own sums are of no use here: a fit has others in each epoch.
    #[cfg(feature = "metrics-more")]
    Sums(Arc<Metric>),
}

impl Kind {
    /// How many sums there are.
    fn count(&self) -> usize {
        match self {
            Kind::Mean(_) => 1,
            #[cfg(feature = "metrics-more")]
            Kind::Sums(metric) => metric.count(),
        }
    }

    /// The values that sums make: several where a metric has one for each class or threshold.
    fn values(&self, sums: &[Tensor], samples: usize) -> Result<Vec<f64>> {
        match self {
            Kind::Mean(_) => sums.iter().map(|sum| Ok(sum.item()? / samples as f64)).all_ok(),
            #[cfg(feature = "metrics-more")]
            Kind::Sums(metric) => Ok(metric.result_of(sums)?.to_host()?.to_f64()),
        }
    }
}

/// A function of the library, with targets and predictions in float32, and of one shape unless targets are class numbers.
fn checked(name: &str, function: crate::nn::losses::Loss) -> Measure {
    let (name, sparse) = (name.to_owned(), name.starts_with("sparse"));
    Arc::new(move |targets, predictions| {
        if !sparse && targets.shape() != predictions.shape() {
            let expected = format_args!("targets of the predictions' shape {}", predictions.shape());
            return Err(Error::shape(&name, expected, targets.shape()));
        }
        function(&targets.cast(DType::F32)?, &predictions.cast(DType::F32)?)
    })
}

fn loss_of(name: &&str) -> Result<Loss> {
    Ok(Loss { measure: checked(name, loss(name)?), sparse: name.starts_with("sparse") })
}

fn metric_of(name: &&str) -> Result<(String, Kind)> {
    let kind = match *name {
        "accuracy" | "acc" => Kind::Mean(Arc::new(|t, y| accuracy(&t.cast(DType::F32)?, &y.cast(DType::F32)?))),
        name => match metric(name) {
            Ok(function) => Kind::Mean(checked(name, function)),
            #[cfg(feature = "metrics-more")]
            Err(unknown) => {
                let metric = Metric::new(name, crate::nn::Map::default());
                Kind::Sums(Arc::new(metric.map_err(|e| if e.code() == "unknown" { unknown } else { e })?))
            }
            #[cfg(not(feature = "metrics-more"))]
            Err(unknown) => return Err(unknown),
        },
    };
    Ok(((*name).to_owned(), kind))
}

/// How many targets are no class number of an output, of what `counts` weighs more than 0.
fn strays<'a>(target: &Tensor, output: &Tensor, counts: impl Iterator<Item = &'a Tensor>) -> Result<Tensor> {
    let classes = output.shape().last().copied().unwrap_or(1);
    let target = target.cast(DType::F32)?;
    let from_0 = ops::greater_equal(&target, &target.constant(0.0))?;
    let within = ops::logical_and(&from_0, &ops::less(&target, &target.constant(classes as f64))?)?;
    let mut stray = ops::logical_not(&within)?.cast(DType::F32)?;
    for count in counts {
        stray = weighted(&stray, &count.cast(DType::Bool)?)?;
    }
    stray.sum(None, false)
}

/// What is for an output in a list with one for all outputs, or one each.
fn of_output<T>(list: &[T], output: usize) -> Option<&T> {
    list.get(output).or(list.last())
}

/// What a batch adds to the sum of which its mean is a part.
fn counted(mean: &Tensor, samples: usize) -> Result<Tensor> {
    mul(mean, &mean.constant(samples as f64))
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
        let losses = losses.into_iter().map(|measure| Loss { measure, sparse: false }).collect();
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
        self.metrics.iter_mut().for_each(|list| list.push((name.to_owned(), Kind::Mean(measure.clone()))));
        self
    }

    /// A metric that is an object, of every output, under its own name. Where it has several values, such as one for each
    /// class, `_0`, `_1` and so on follow.
    ///
    /// ```
    /// use headwater::nn::{layers::Dense, metrics::Metric, Sequential};
    /// use headwater::train::{Fit, Objective, Optimizer, Samples, Trainer};
    /// use headwater::{cpu, ops, DType, Result};
    /// use serde_json::json;
    ///
    /// # fn main() -> Result<()> {
    /// let device = cpu(1);
    /// let x = ops::random_uniform(&device, [100, 1], -1.0, 1.0, 1)?;
    /// let y = ops::greater(&x, &x.zeros_like()?)?.cast(DType::F32)?;
    /// let model = Sequential::new(&device, vec![None, Some(1)], 1).layer(Dense::new(1).activation("sigmoid"))?.build();
    /// let recall = Metric::new("Recall", json!({"thresholds": [0.5, 0.9]}))?;
    /// let objective = Objective::of_outputs(&["binaryCrossentropy"])?.metrics(&["AUC"])?.measured(recall);
    /// let mut trainer = Trainer { epochs: 30, ..Trainer::compiled(Optimizer::adam(0.1)?, objective) };
    /// let history = trainer.fit_with(&model, &Samples::new(&[&x], &[&y])?, Fit::new())?;
    /// assert_eq!(history.names(), ["loss", "AUC", "recall_0", "recall_1"]);
    /// assert!(history.get("AUC").is_some_and(|auc| auc[29] > 0.99));
    /// # Ok(())
    /// # }
    /// ```
    #[cfg(feature = "metrics-more")]
    #[must_use]
    pub fn measured(mut self, metric: Metric) -> Objective {
        let (name, metric) = (metric.name().to_owned(), Arc::new(metric));
        self.metrics.iter_mut().for_each(|list| list.push((name.clone(), Kind::Sums(metric.clone()))));
        self
    }

    /// What samples of classes count in the loss, 1 where nothing is said. Targets are class numbers or one-hot.
    #[must_use]
    pub fn class_weights(mut self, weights: &[(usize, f64)]) -> Objective {
        self.class_weights = weights.to_vec();
        self
    }

    /// The name of each measure of outputs of these names, and how many sums it has.
    fn columns(&self, outputs: &[String]) -> Vec<(String, Option<&Kind>)> {
        let mut columns = vec![("loss".to_owned(), None)];
        let several = outputs.len() > 1;
        if several {
            columns.extend(outputs.iter().map(|output| (format!("{output}_loss"), None)));
        }
        for (i, output) in outputs.iter().enumerate() {
            let named = |name: &str| if several { format!("{output}_{name}") } else { name.to_owned() };
            columns.extend(self.metrics_of(i).iter().map(|(name, kind)| (named(name), Some(kind))));
        }
        columns
    }

    /// The measures that sums over samples make. A network that does not name its outputs has as many as explain their number:
    /// loss and metrics of one output, or the total and at least a loss for each.
    pub(super) fn logs(&self, outputs: &[String], sums: &[Tensor], samples: usize) -> Result<Logs> {
        let count = |kind: Option<&Kind>| kind.map_or(1, Kind::count);
        let named = |n: usize| (0..n).map(|i| format!("output_{i}")).listed();
        let sparse = |n: usize| (0..n).filter(|&i| self.is_sparse(i)).count();
        let own = |n: usize| self.columns(&named(n)).iter().map(|(_, kind)| count(*kind)).sum::<usize>();
        let found = || named((1..=sums.len()).find(|&n| own(n) + sparse(n) == sums.len()).unwrap_or(1));
        let columns = if outputs.is_empty() { self.columns(&found()) } else { self.columns(outputs) };
        let (mut logs, mut rest) = (Vec::new(), sums);
        for (name, kind) in columns {
            let (own, others) = rest.split_at(count(kind).min(rest.len()));
            rest = others;
            let values = match kind {
                Some(kind) => kind.values(own, samples)?,
                None => own.iter().map(|sum| Ok(sum.item()? / samples as f64)).all_ok()?,
            };
            match values[..] {
                [value] => logs.push((name, value)),
                _ => logs.extend(values.into_iter().enumerate().map(|(i, value)| (format!("{name}_{i}"), value))),
            }
        }
        for strays in rest {
            let strays = strays.item()?;
            if strays > 0.0 {
                let expected = "targets that are class numbers: from 0, below the size of the output's last dimension";
                return Err(Error::argument(
                    "sparseCategoricalCrossentropy",
                    expected,
                    format_args!("{strays} others"),
                ));
            }
        }
        Ok(logs.into_iter().collect())
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
            let Some(loss) = of_output(&self.losses, i) else { continue };
            let mut values = (loss.measure)(target, output)?;
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

    /// What a batch with these losses adds to the sum of each measure.
    pub(super) fn measure(&self, losses: &[Tensor], called: &Called, batch: &Batch) -> Result<Vec<Tensor>> {
        let samples = batch.samples();
        let mut terms: Vec<Tensor> = losses.iter().map(|mean| counted(mean, samples)).all_ok()?;
        for (i, (output, target)) in called.outputs.iter().zip(&batch.targets).enumerate() {
            for (_, kind) in self.metrics_of(i) {
                match kind {
                    Kind::Mean(measure) => {
                        let values = measure(target, output)?;
                        let mask = mask(called, i).filter(|mask| values.rank() >= mask.rank());
                        terms.push(counted(&masked_mean(&values, mask)?, samples)?);
                    }
                    #[cfg(feature = "metrics-more")]
                    Kind::Sums(metric) => terms.extend(metric.terms(target, output, mask(called, i))?),
                }
            }
        }
        for (i, (output, target)) in called.outputs.iter().zip(&batch.targets).enumerate() {
            if self.is_sparse(i) {
                terms.push(strays(target, output, batch.weights.iter().chain(mask(called, i)))?);
            }
        }
        Ok(terms)
    }

    fn is_sparse(&self, output: usize) -> bool {
        of_output(&self.losses, output).is_some_and(|loss| loss.sparse)
    }

    fn metrics_of(&self, output: usize) -> &[(String, Kind)] {
        of_output(&self.metrics, output).map_or(&[], Vec::as_slice)
    }

    /// The weight of each sample's class.
    fn weight_of_classes(&self, target: &Tensor, output: &Tensor) -> Result<Option<Tensor>> {
        let Some(last) = self.class_weights.iter().map(|(class, _)| *class).max() else { return Ok(None) };
        if last >= MOST_CLASSES {
            return Err(Error::argument("class weights", format_args!("classes below {MOST_CLASSES}"), last));
        }
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
        let expected = format_args!("weights of the leading axes of {}", values.shape());
        return Err(Error::shape("sample weights", expected, weights.shape()));
    }
    let ones = (weights.rank()..values.rank()).map(|_| 1);
    let shape: Shape = weights.shape().iter().copied().chain(ones).collect();
    mul(values, &reshape(&weights.cast(DType::F32)?, shape)?)
}
