//! Measuring a model by metrics alone.

use headwater_core::Listed;
use headwater_core::{Error, Result};

use super::source::{Pass, Source};
use crate::nn::metrics::Metric;
use crate::nn::{Call, Network};

/// Gives metrics the predictions of a model's first output for what a source gives, and its first targets, batch by batch. Steps
/// that the output's mask leaves out do not count. The metrics go on where they are: [`Metric::reset`] begins anew.
///
/// ```
/// use headwater::nn::{layers::Dense, metrics::Metric, Sequential};
/// use headwater::train::{measure, Samples};
/// use headwater::{cpu, ops, Result};
/// use serde_json::json;
///
/// # fn main() -> Result<()> {
/// let device = cpu(1);
/// let x = ops::random_uniform(&device, [100, 1], 0.0, 1.0, 1)?;
/// let y = ops::greater(&x, &x.constant(0.5))?;
/// let model = Sequential::new(&device, vec![None, Some(1)], 1).layer(Dense::new(1).kernel_initializer("ones"))?.build();
/// let mut metrics = [Metric::new("AUC", json!({}))?, Metric::new("Recall", json!({"thresholds": 0.75}))?];
/// measure(&model, &Samples::new(&[&x], &[&y])?, 32, &mut metrics)?;
/// assert!(metrics[0].result()?.item()? > 0.99);
/// assert!(metrics[1].result()?.item()? < 0.75);
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// `ErrorKind::Argument` when a batch has no targets; what the layers, the source and the metrics give.
pub fn measure(model: &dyn Network, source: &dyn Source, batch_size: usize, metrics: &mut [Metric]) -> Result<()> {
    for batch in source.pass(model.device(), Pass { batch_size, shuffle: None })? {
        let batch = batch?;
        let called = model.call(&batch.inputs.iter().listed(), Call::default())?;
        let missing = |what: &str| Error::argument("measure", what, "none");
        let predicted = called.outputs.first().ok_or_else(|| missing("a model with an output"))?;
        let truth = batch.targets.first().ok_or_else(|| missing("batches with targets"))?;
        let mask = called.masks.first().and_then(Option::as_ref);
        metrics.iter_mut().try_for_each(|metric| metric.update(truth, predicted, mask))?;
        model.device().flush()?;
    }
    Ok(())
}
