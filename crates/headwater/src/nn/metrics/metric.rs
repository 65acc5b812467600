//! Metrics as objects, named and configured as in Keras 3: sums over batches, and what is made of them.

use headwater_core::calc::{compute, Term};
use headwater_core::Listed;
use headwater_core::{ops, AllOk, Error, Result, Tensor};

use super::args::Args;
use super::batch::Batch;
use super::table::{Class, CLASSES};
use crate::nn::{Map, Value};

/// A metric over batches.
///
/// Its state is a list of sums over all samples since the last [`Metric::reset`], so that its value does not depend on
/// how samples are divided into batches. The sums stay on the device until [`Metric::result`] is read.
///
/// ```
/// use headwater::nn::metrics::Metric;
/// use headwater::HostSlice::F32;
/// use serde_json::json;
///
/// # fn main() -> headwater::Result<()> {
/// let device = headwater::cpu(1);
/// let mut auc = Metric::new("AUC", json!({"curve": "ROC"}))?;
/// for (truth, predicted) in [([0.0, 0.0], [0.1, 0.4]), ([1.0, 1.0], [0.3, 0.8])] {
///     auc.update(&device.tensor(F32(&truth), [2])?, &device.tensor(F32(&predicted), [2])?, None)?;
/// }
/// assert!((auc.result()?.item()? - 0.75).abs() < 1e-6);
/// # Ok(())
/// # }
/// ```
pub struct Metric {
    args: Args,
    name: String,
    sums: Vec<Tensor>,
}

impl Metric {
    /// The metric of a Keras class, or of a name that Keras knows it by (`"AUC"`, `"f1_score"`, `"mse"`), with a
    /// configuration whose keys are Keras's.
    ///
    /// # Errors
    /// `ErrorKind::Unknown` when there is no such metric; `ErrorKind::Argument` naming a key that it does not have, lacks or
    /// cannot take.
    pub fn new(class_name: &str, config: impl Into<Value>) -> Result<Metric> {
        let config = config.into();
        let class = Class::find(class_name).ok_or_else(|| Error::unknown("metric", class_name))?;
        let name = config.get("name").and_then(Value::text).unwrap_or(class.name).to_owned();
        Ok(Metric { args: Args::new(class, &config)?, name, sums: Vec::new() })
    }

    /// Keras's class names of all metrics.
    pub fn class_names() -> impl Iterator<Item = &'static str> {
        CLASSES.iter().map(|class| class.class)
    }

    /// Keras's class name.
    pub fn class_name(&self) -> &'static str {
        self.args.class.class
    }

    /// What logs call it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Keras's configuration with defaults filled in. [`Metric::new`] makes the same metric of it.
    pub fn config(&self) -> Value {
        let mut config = Map::default();
        config.set("name", self.name.as_str());
        self.args.write(&mut config);
        config.into()
    }

    /// Adds a batch: targets, predictions, and what each sample counts, a tensor with the leading axes of the targets.
    ///
    /// # Errors
    /// `ErrorKind::Shape` when targets, predictions, weights and the batches before do not fit together; what the operations give.
    pub fn update(&mut self, truth: &Tensor, predicted: &Tensor, weight: Option<&Tensor>) -> Result<()> {
        let terms = self.terms(truth, predicted, weight)?;
        if self.sums.is_empty() {
            self.sums = terms;
            return Ok(());
        }
        let fits = self.sums.len() == terms.len() && self.sums.iter().zip(&terms).all(|(s, t)| s.shape() == t.shape());
        if !fits {
            return Err(Error::shape(self.class_name(), "a batch like those before", predicted.shape()));
        }
        self.sums = self.sums.iter().zip(&terms).map(|(a, b)| ops::add(a, b)).all_ok()?;
        Ok(())
    }

    /// Adds values, for `Mean` and `Sum`, which look at nothing else.
    ///
    /// # Errors
    /// As [`Metric::update`].
    pub fn update_values(&mut self, values: &Tensor, weight: Option<&Tensor>) -> Result<()> {
        self.update(values, values, weight)
    }

    /// The value over all batches: a scalar, or a vector where there are several thresholds or classes.
    ///
    /// # Errors
    /// `ErrorKind::Argument` before the first batch; what the operations give.
    pub fn result(&self) -> Result<Tensor> {
        self.result_of(&self.sums)
    }

    /// Forgets all batches.
    pub fn reset(&mut self) {
        self.sums.clear();
    }

    /// The sums over all batches; none before the first. With [`Metric::set_sums`] a metric goes on where another was.
    pub fn sums(&self) -> &[Tensor] {
        &self.sums
    }

    /// How many sums there are.
    pub(crate) fn count(&self) -> usize {
        self.args.class.rule.count()
    }

    /// Replaces the sums.
    pub fn set_sums(&mut self, sums: Vec<Tensor>) {
        self.sums = sums;
    }

    /// What a batch adds to each sum.
    ///
    /// # Errors
    /// As [`Metric::update`].
    pub fn terms(&self, truth: &Tensor, predicted: &Tensor, weight: Option<&Tensor>) -> Result<Vec<Tensor>> {
        let class = self.args.class;
        let given: Vec<&Tensor> = [truth, predicted].into_iter().chain(weight).listed();
        compute(&given, &|x| {
            let x: Vec<Term<'_>> = x.iter().map(|x| x.number()).listed();
            let batch = Batch { class: class.class, truth: x[0], predicted: x[1], weight: x.get(2).copied() };
            class.rule.terms(&self.args, &batch)
        })
    }

    /// The value that sums make.
    ///
    /// # Errors
    /// As [`Metric::result`].
    pub fn result_of(&self, sums: &[Tensor]) -> Result<Tensor> {
        let count = self.count();
        if sums.len() != count {
            return Err(Error::argument(
                self.class_name(),
                format_args!("a batch, which makes {count} sums"),
                sums.len(),
            ));
        }
        let sums: Vec<&Tensor> = sums.iter().listed();
        let mut result = compute(&sums, &|x| vec![self.args.class.rule.result(&self.args, x)])?;
        result.pop().ok_or_else(Error::disposed)
    }
}
