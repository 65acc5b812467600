//! What may happen between epochs, steps, and the parts of steps.

use headwater_core::{Result, Tensor};

use super::history::Logs;
use super::source::Batch;
use super::Optimizer;
use crate::nn::{Network, Weight};

/// Where training is, after a step.
#[derive(Clone, Copy, Debug)]
pub struct Progress {
    /// The epoch, from 0.
    pub epoch: usize,
    /// Epochs in all.
    pub epochs: usize,
    /// The batch within the epoch, from 0.
    pub batch: usize,
    /// Batches of an epoch.
    pub batches: usize,
    /// The epoch's mean loss and accuracy, after its last batch, unless all its steps were skipped.
    pub result: Option<(f64, f64)>,
}

/// What a callback wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Control {
    /// To go on.
    Continue,
    /// Not to make the step that was begun; training goes on with the next batch. After a step or an epoch, as
    /// [`Control::Continue`].
    Skip,
    /// To end training now, without the step that was begun.
    Stop,
}

/// Where a fit is.
#[derive(Clone, Copy, Debug)]
pub struct Run {
    /// The epoch, from 0.
    pub epoch: usize,
    /// Epochs in all.
    pub epochs: usize,
    /// The batch within the epoch, from 0.
    pub batch: usize,
    /// Batches of an epoch, where their number is known.
    pub batches: Option<usize>,
    /// Steps since the fit began.
    pub steps: usize,
}

/// What a batch leads to, before weights move.
pub struct Gradients<'a> {
    /// What is trained, which has not moved but for averages of its inputs.
    pub model: &'a dyn Network,
    /// What the gradients are of.
    pub batch: &'a Batch,
    /// The loss.
    pub loss: &'a Tensor,
    /// The weights that are trained.
    pub weights: &'a [Weight],
    /// The gradient of each of `weights`, of its shape.
    pub gradients: &'a mut [Tensor],
    /// The optimizer, for its rate.
    pub optimizer: &'a mut Optimizer,
}

/// What a callback remembers, as a [`Backup`](crate::train::Backup) keeps it.
#[derive(Clone, Debug, Default)]
pub struct Kept {
    /// Numbers, in an order of the callback's own.
    pub numbers: Vec<f64>,
    /// Tensors, in an order of the callback's own.
    pub tensors: Vec<Tensor>,
}

/// What is called in the course of a fit, and may change it. Each method does nothing by default; an error ends the fit.
///
/// A step is a batch, its loss, its gradients, and what the optimizer does with them; a callback is asked between each two.
///
/// ```
/// use headwater::nn::{layers::Dense, Network, Sequential};
/// use headwater::train::{Callback, Control, Fit, Logs, Optimizer, Run, Samples, Trainer};
/// use headwater::{cpu, DType, Result};
///
/// /// Stops when the loss is small enough.
/// struct Enough(f64);
///
/// impl Callback for Enough {
///     fn epoch_end(&mut self, _: &Run, logs: &Logs, _: &dyn Network, _: &mut Optimizer) -> Result<Control> {
///         Ok(if logs.get("loss") < Some(self.0) { Control::Stop } else { Control::Continue })
///     }
/// }
///
/// # fn main() -> Result<()> {
/// let device = cpu(1);
/// let x = device.ones([8, 1], DType::F32)?;
/// let model = Sequential::new(&device, vec![None, Some(1)], 1).layer(Dense::new(1))?.build();
/// let mut trainer = Trainer { epochs: 1000, ..Trainer::new(Optimizer::sgd(0.1)?, "mse")? };
/// let history = trainer.fit_with(&model, &Samples::new(&[&x], &[&x])?, Fit::new().callback(&mut Enough(1e-4)))?;
/// assert!(history.loss.len() < 100);
/// # Ok(())
/// # }
/// ```
///
/// ```
/// use headwater::nn::{layers::Dense, Sequential};
/// use headwater::train::{Batch, Callback, Control, Fit, Gradients, Optimizer, Run, Samples, Trainer};
/// use headwater::{cpu, ops, Result};
///
/// /// Trains on noisy inputs, and not on batches whose gradients are all zeros.
/// struct Noisy;
///
/// impl Callback for Noisy {
///     fn batch(&mut self, run: &Run, batch: &mut Batch) -> Result<Control> {
///         let x = &batch.inputs[0];
///         batch.inputs[0] = (x + &ops::random_normal(x.device(), x.shape().clone(), 0.0, 0.1, run.steps as u32)?)?;
///         Ok(Control::Continue)
///     }
///     fn gradients(&mut self, _: &Run, step: &mut Gradients<'_>) -> Result<Control> {
///         step.optimizer.set_rate(0.05);
///         let still = step.gradients.iter().all(|g| g.to_vec().is_ok_and(|v| v.iter().all(|&x| x == 0.0)));
///         Ok(if still { Control::Skip } else { Control::Continue })
///     }
/// }
///
/// # fn main() -> Result<()> {
/// let device = cpu(1);
/// let x = ops::random_normal(&device, [64, 2], 0.0, 1.0, 1)?;
/// let y = ops::sum(&x, Some(&[1]), true)?;
/// let model = Sequential::new(&device, vec![None, Some(2)], 1).layer(Dense::new(1))?.build();
/// let mut trainer = Trainer { epochs: 40, ..Trainer::new(Optimizer::sgd(0.1)?, "meanSquaredError")? };
/// let history = trainer.fit_with(&model, &Samples::new(&[&x], &[&y])?, Fit::new().callback(&mut Noisy))?;
/// assert!(history.loss[39] < 0.1, "{history:?}");
/// # Ok(())
/// # }
/// ```
pub trait Callback {
    /// Before the first epoch.
    ///
    /// # Errors
    /// The callback's own.
    fn begin(&mut self, _run: &Run, _model: &dyn Network, _optimizer: &mut Optimizer) -> Result<()> {
        Ok(())
    }

    /// Before the first step of an epoch.
    ///
    /// # Errors
    /// The callback's own.
    fn epoch_begin(&mut self, _run: &Run, _model: &dyn Network, _optimizer: &mut Optimizer) -> Result<()> {
        Ok(())
    }

    /// Before a step. Other tensors may be put in the batch's place, in whatever number of samples.
    ///
    /// # Errors
    /// The callback's own.
    fn batch(&mut self, _run: &Run, _batch: &mut Batch) -> Result<Control> {
        Ok(Control::Continue)
    }

    /// With the outputs for a batch and their loss, a scalar; gradients are those of what it gives.
    ///
    /// # Errors
    /// The callback's own.
    fn loss(&mut self, _run: &Run, _batch: &Batch, _outputs: &[Tensor], loss: Tensor) -> Result<Tensor> {
        Ok(loss)
    }

    /// With the gradients of a batch, before weights move along them.
    ///
    /// # Errors
    /// The callback's own.
    fn gradients(&mut self, _run: &Run, _step: &mut Gradients<'_>) -> Result<Control> {
        Ok(Control::Continue)
    }

    /// After a step. `loss` is none where the step was skipped, else not yet computed: reading it waits for the step.
    ///
    /// # Errors
    /// The callback's own.
    fn step_end(&mut self, _: &Run, _loss: Option<&Tensor>, _: &dyn Network, _: &mut Optimizer) -> Result<Control> {
        Ok(Control::Continue)
    }

    /// After an epoch and its validation.
    ///
    /// # Errors
    /// The callback's own.
    fn epoch_end(&mut self, _: &Run, _logs: &Logs, _: &dyn Network, _: &mut Optimizer) -> Result<Control> {
        Ok(Control::Continue)
    }

    /// After the last epoch.
    ///
    /// # Errors
    /// The callback's own.
    fn end(&mut self, _run: &Run, _model: &dyn Network, _optimizer: &mut Optimizer) -> Result<()> {
        Ok(())
    }

    /// What the callback remembers, for a [`Backup`](crate::train::Backup).
    fn kept(&self) -> Kept {
        Kept::default()
    }

    /// Goes on with what [`Callback::kept`] gave, after [`Callback::begin`].
    ///
    /// # Errors
    /// The callback's own.
    fn restore(&mut self, _kept: Kept) -> Result<()> {
        Ok(())
    }
}

/// A function that is called after each step, with the epoch's result after the last.
pub(super) struct Between<F>(pub F);

impl<F: FnMut(&Progress, &mut Optimizer) -> Control> Between<F> {
    fn call(&mut self, run: &Run, result: Option<(f64, f64)>, optimizer: &mut Optimizer) -> Control {
        let Run { epoch, epochs, batch, batches, .. } = *run;
        (self.0)(&Progress { epoch, epochs, batch, batches: batches.unwrap_or(batch + 1), result }, optimizer)
    }
}

impl<F: FnMut(&Progress, &mut Optimizer) -> Control> Callback for Between<F> {
    fn step_end(
        &mut self,
        run: &Run,
        _: Option<&Tensor>,
        _: &dyn Network,
        optimizer: &mut Optimizer,
    ) -> Result<Control> {
        let last = run.batches == Some(run.batch + 1);
        Ok(if last { Control::Continue } else { self.call(run, None, optimizer) })
    }

    fn epoch_end(&mut self, run: &Run, logs: &Logs, _: &dyn Network, optimizer: &mut Optimizer) -> Result<Control> {
        let result = logs.get("loss").map(|loss| (loss, logs.get("accuracy").unwrap_or(f64::NAN)));
        let run = Run { batch: run.batch.saturating_sub(1), ..*run };
        Ok(self.call(&run, result, optimizer))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nn::{Model, Sequential};
    use crate::train::{Fit, History, Options, Samples, Trainer};
    use headwater_core::{ops, AllOk, Device};
    use serde_json::json;

    fn data(device: &Device) -> Result<(Tensor, Tensor)> {
        let x = ops::random_normal(device, [64, 3], 0.0, 1.0, 1)?;
        let y = ops::sum(&x, Some(&[1]), true)?;
        Ok((x, y))
    }

    fn model(device: &Device) -> Result<Model> {
        let hidden = json!({"units": 4, "activation": "tanh", "kernel_regularizer": {"class_name": "L2", "config": {"l2": 0.01}}});
        Ok(Sequential::new(device, vec![None, Some(3)], 3)
            .add("BatchNormalization", json!({"trainable": true}))?
            .add("Dense", hidden)?
            .add("Dense", json!({"units": 1}))?
            .build())
    }

    fn values(model: &Model) -> Result<Vec<f32>> {
        Ok(model.weights().iter().map(|w| w.value().to_vec()).all_ok()?.into_iter().flatten().collect())
    }

    fn fit(callback: &mut dyn Callback) -> Result<(Vec<f32>, History)> {
        let device = crate::cpu(1);
        let (x, y) = data(&device)?;
        let model = model(&device)?;
        let mut trainer = Trainer { epochs: 2, ..Trainer::new(Optimizer::sgd(0.1)?, "mse")? };
        let history = trainer.fit_with(&model, &Samples::new(&[&x], &[&y])?, Fit::new().callback(callback))?;
        Ok((values(&model)?, history))
    }

    /// Answers with what it is made of.
    #[derive(Default)]
    struct Answers {
        batch: Option<Control>,
        gradients: Option<Control>,
        loss_factor: Option<f64>,
        gradient_factor: Option<f64>,
        weight: Option<f64>,
        steps: usize,
    }

    impl Callback for Answers {
        fn batch(&mut self, _: &Run, batch: &mut Batch) -> Result<Control> {
            if let Some(weight) = self.weight {
                let samples = batch.inputs[0].shape()[0];
                batch.weights = Some(ops::broadcast_to(&batch.inputs[0].constant(weight), [samples])?);
            }
            Ok(self.batch.unwrap_or(Control::Continue))
        }

        fn loss(&mut self, _: &Run, _: &Batch, _: &[Tensor], loss: Tensor) -> Result<Tensor> {
            self.loss_factor.map_or(Ok(loss.clone()), |f| ops::mul(&loss, &loss.constant(f)))
        }

        fn gradients(&mut self, _: &Run, step: &mut Gradients<'_>) -> Result<Control> {
            assert_eq!(step.gradients.len(), step.weights.len());
            for gradient in step.gradients.iter_mut() {
                *gradient = ops::mul(gradient, &gradient.constant(self.gradient_factor.unwrap_or(1.0)))?;
            }
            Ok(self.gradients.unwrap_or(Control::Continue))
        }

        fn step_end(&mut self, _: &Run, _: Option<&Tensor>, _: &dyn Network, _: &mut Optimizer) -> Result<Control> {
            self.steps += 1;
            Ok(Control::Continue)
        }
    }

    #[test]
    fn a_callback_changes_loss_and_gradients() -> Result<()> {
        let (plain, history) = fit(&mut Answers::default())?;
        let (doubled, _) =
            fit(&mut Answers { loss_factor: Some(2.0), gradient_factor: Some(0.5), ..Answers::default() })?;
        assert!(plain.iter().zip(&doubled).all(|(a, b)| (a - b).abs() < 1e-6), "{plain:?} {doubled:?}");
        let (still, none) = fit(&mut Answers { loss_factor: Some(0.0), ..Answers::default() })?;
        assert!(none.loss == [0.0, 0.0] && history.loss[1] < history.loss[0] && still != plain);
        let (light, _) = fit(&mut Answers { weight: Some(0.0), ..Answers::default() })?;
        let (heavy, _) = fit(&mut Answers { weight: Some(1.0), ..Answers::default() })?;
        assert!(heavy == plain && light != plain);
        Ok(())
    }

    #[test]
    fn a_skipped_step_leaves_all_weights_as_they_are() -> Result<()> {
        let start = values(&model(&crate::cpu(1))?)?;
        for callback in [
            &mut Answers { batch: Some(Control::Skip), ..Answers::default() },
            &mut Answers { gradients: Some(Control::Skip), ..Answers::default() },
        ] {
            let (weights, history) = fit(callback)?;
            assert_eq!((weights, callback.steps, history.loss.len()), (start.clone(), 4, 0));
        }
        let mut stop = Answers { gradients: Some(Control::Stop), ..Answers::default() };
        let (weights, _) = fit(&mut stop)?;
        assert_eq!((weights, stop.steps), (start, 0));
        Ok(())
    }

    #[test]
    fn accumulated_batches_are_as_one() -> Result<()> {
        let device = crate::cpu(1);
        let (x, y) = data(&device)?;
        let run = |batch_size, accumulate| {
            let dense = json!({"units": 4, "activation": "tanh", "kernel_constraint": {"class_name": "MaxNorm", "config": {"max_value": 0.5}}});
            let model = Sequential::new(&device, vec![None, Some(3)], 3)
                .add("Dense", dense)?
                .add("Dense", json!({"units": 1}))?
                .build();
            let optimizer = Optimizer::adam(0.05)?;
            let mut trainer = Trainer { epochs: 5, batch_size, accumulate, ..Trainer::new(optimizer, "mse")? };
            let history = trainer.fit(&model, &x, &y, |_, _| Control::Continue)?;
            Result::Ok((values(&model)?, history))
        };
        // The last batches of an epoch are smaller and fewer.
        for ((a, h), (b, k)) in [(run(48, 1)?, run(16, 3)?), (run(64, 1)?, run(20, 9)?)] {
            assert!(a.iter().zip(&b).all(|(a, b)| (a - b).abs() < 1e-4), "{a:?} {b:?}");
            assert!((h.loss[4] - k.loss[4]).abs() < 1e-4, "{h:?} {k:?}");
        }
        let options = Options { accumulate: 2, ..Options::default() };
        let mut both = Trainer { accumulate: 2, ..Trainer::new(Optimizer::sgd(0.1)?.with(options), "mse")? };
        let error = both.fit(&model(&device)?, &x, &y, |_, _| Control::Continue).expect_err("both");
        assert!(error.to_string().contains("both"), "{error}");
        Ok(())
    }
}
