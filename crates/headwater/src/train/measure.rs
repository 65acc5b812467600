//! Measuring a model.

use headwater_core::ops::slice;
use headwater_core::{Error, Result, Tensor};

use crate::nn::metrics::Metric;
use crate::nn::{Call, Model};

/// Gives metrics the predictions of a model's first output for inputs `x`, and targets `y`, in batches. Steps that the output's mask
/// leaves out do not count. The metrics go on where they are: [`Metric::reset`] begins anew.
///
/// ```
/// use headwater::nn::{metrics::Metric, Sequential};
/// use headwater::train::measure;
/// use headwater::{cpu, ops, Result};
/// use serde_json::json;
///
/// # fn main() -> Result<()> {
/// let device = cpu(1);
/// let x = ops::random_uniform(&device, [100, 1], 0.0, 1.0, 1)?;
/// let y = ops::greater(&x, &x.constant(0.5))?;
/// let model = Sequential::new(&device, vec![None, Some(1)], 1)
///     .add("Dense", json!({"units": 1, "kernel_initializer": "ones"}))?
///     .build();
/// let mut metrics = [Metric::new("AUC", json!({}))?, Metric::new("Recall", json!({"thresholds": 0.75}))?];
/// measure(&model, &x, &y, 32, &mut metrics)?;
/// assert!(metrics[0].result()?.item()? > 0.99);
/// assert!(metrics[1].result()?.item()? < 0.75);
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// `ErrorKind::Shape` when the numbers of samples differ; what the layers and the metrics give.
pub fn measure(model: &Model, x: &Tensor, y: &Tensor, batch_size: usize, metrics: &mut [Metric]) -> Result<()> {
    let samples = x.shape().first().copied().unwrap_or(0);
    if y.shape().first() != Some(&samples) {
        return Err(Error::shape("measure", format!("targets for {samples} samples"), y.shape()));
    }
    let mut at = 0;
    while at < samples {
        let count = batch_size.clamp(1, samples - at);
        let part = |all: &Tensor| {
            let (mut begin, mut size) = (vec![0; all.rank()], all.shape().to_vec());
            (begin[0], size[0]) = (at, count);
            slice(all, &begin, &size)
        };
        let called = model.call(&[&part(x)?], Call::default())?;
        let missing = || Error::argument("measure", "a model with an output", "none");
        let predicted = called.outputs.first().ok_or_else(missing)?;
        let mask = called.masks.first().and_then(Option::as_ref);
        let truth = part(y)?;
        metrics.iter_mut().try_for_each(|metric| metric.update(&truth, predicted, mask))?;
        model.device().flush()?;
        at += count;
    }
    Ok(())
}
