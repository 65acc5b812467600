//! Training that went wrong: that it did, and where.

use headwater_core::ops::{all, is_finite, stack};
use headwater_core::{AllOk, Result, Tensor};

use crate::nn::{Call, Network, Weight};
use crate::train::{Callback, Control, Gradients, Logs, Optimizer, Run};

/// Stops training when the loss or a gradient is NaN or infinite, before weights move along it, and says which is the first such
/// thing in the step: an input, a target, a weight, the output of a layer, the loss, or, going back from it, the gradient of a
/// weight. With a [`LossScale`](crate::train::LossScale), which skips steps with such gradients, they are left alone.
///
/// It waits for the steps that it looks at: every `every`th. Losses of epochs are looked at in any case; by then, it can name
/// weights.
///
/// ```
/// use headwater::nn::layers::{Activation, Dense};
/// use headwater::nn::Sequential;
/// use headwater::train::{Fit, Optimizer, Samples, TerminateOnNan, Trainer};
/// use headwater::{cpu, DType, Result, Scalar};
///
/// # fn main() -> Result<()> {
/// let device = cpu(1);
/// let (x, y) = (device.full([64, 1], Scalar::F32(100.0))?, device.ones([64, 1], DType::F32)?);
/// let model = Sequential::new(&device, vec![None, Some(1)], 1)
///     .layer(Dense::new(1).kernel_initializer("ones").name("sum"))?
///     .layer(Activation::new("exponential").name("growth"))?
///     .build();
/// let mut trainer = Trainer { epochs: 100, ..Trainer::new(Optimizer::sgd(0.1)?, "mse")? };
/// let mut nan = TerminateOnNan::default();
/// trainer.fit_with(&model, &Samples::new(&[&x], &[&y])?, Fit::new().callback(&mut nan))?;
/// assert_eq!(nan.found.as_deref(), Some("the output of layer 'growth' is not finite in epoch 0, step 0"));
/// assert_eq!(model.weight("sum/kernel")?.value().item()?, 1.0);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct TerminateOnNan {
    /// Steps of which the last is looked at, 1 by default.
    pub every: usize,
    /// What was found: the first thing that is not finite, the epoch, and the step.
    pub found: Option<String>,
}

impl Default for TerminateOnNan {
    fn default() -> TerminateOnNan {
        TerminateOnNan { every: 1, found: None }
    }
}

/// A tensor and what it is called.
type Named = (String, Tensor);

/// The name of the first tensor that has a value which is no finite number.
fn first_bad(given: Vec<Named>) -> Result<Option<String>> {
    let floats: Vec<Named> = given.into_iter().filter(|(_, t)| t.dtype().is_float()).collect();
    if floats.is_empty() {
        return Ok(None);
    }
    let flags: Vec<Tensor> = floats.iter().map(|(_, t)| all(&is_finite(t)?, None, false)).all_ok()?;
    let finite = stack(&flags.iter().collect::<Vec<_>>(), 0)?.to_vec()?;
    Ok(floats.into_iter().zip(finite).find(|&(_, finite)| finite == 0.0).map(|((name, _), _)| name))
}

fn weights(list: &[Weight]) -> Vec<Named> {
    list.iter().map(|w| (format!("weight '{}'", w.name), w.value())).collect()
}

/// The first thing in a step that is not finite, if any is.
fn cause(step: &Gradients<'_>) -> Result<Option<String>> {
    let mut backward = vec![("the loss".to_owned(), step.loss.clone())];
    if step.optimizer.loss_scale().is_none() {
        let gradient = |(w, g): (&Weight, &Tensor)| (format!("the gradient of weight '{}'", w.name), g.clone());
        backward.extend(step.weights.iter().zip(step.gradients.iter()).map(gradient).rev());
    }
    let Some(bad) = first_bad(backward)? else { return Ok(None) };
    let numbered = |what: &str, list: &[Tensor]| -> Vec<Named> {
        list.iter().enumerate().map(|(i, t)| (format!("{what} {i}"), t.clone())).collect()
    };
    // Not moving averages, which the step has moved already: the layer that they are of is named by its output.
    let given = [numbered("input", &step.batch.inputs), numbered("target", &step.batch.targets), weights(step.weights)];
    if let Some(bad) = first_bad(given.concat())? {
        return Ok(Some(bad));
    }
    let inputs: Vec<&Tensor> = step.batch.inputs.iter().collect();
    let outputs = step.model.layer_outputs(&inputs, Call { training: true, ..Call::default() })?;
    let named = |(name, t): Named| (format!("the output of layer '{name}'"), t);
    Ok(Some(first_bad(outputs.into_iter().map(named).collect())?.unwrap_or(bad)))
}

impl TerminateOnNan {
    fn found(&mut self, cause: &str, epoch: usize, step: usize) -> Control {
        self.found = Some(format!("{cause} is not finite in epoch {epoch}, step {step}"));
        Control::Stop
    }
}

impl Callback for TerminateOnNan {
    fn gradients(&mut self, run: &Run, step: &mut Gradients<'_>) -> Result<Control> {
        if !(run.steps + 1).is_multiple_of(self.every.max(1)) {
            return Ok(Control::Continue);
        }
        Ok(cause(step)?.map_or(Control::Continue, |cause| self.found(&cause, run.epoch, run.steps)))
    }

    fn epoch_end(&mut self, run: &Run, logs: &Logs, model: &dyn Network, _: &mut Optimizer) -> Result<Control> {
        if logs.get("loss").is_none_or(f64::is_finite) {
            return Ok(Control::Continue);
        }
        let cause = first_bad(weights(&model.weights()))?.unwrap_or_else(|| "the loss".into());
        Ok(self.found(&cause, run.epoch, run.steps.saturating_sub(1)))
    }
}
