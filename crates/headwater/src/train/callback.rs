//! What is called between the parts of a step, and may change it.

use headwater_core::{Result, Tensor};

use crate::nn::Weight;
use crate::train::{Control, Optimizer, Progress};

/// The batch of a step.
#[derive(Clone, Debug)]
pub struct Batch {
    /// The inputs.
    pub x: Tensor,
    /// The targets.
    pub y: Tensor,
    /// What each sample's loss counts, of shape `[samples]`; `None` where all count the same.
    pub weights: Option<Tensor>,
}

/// What a batch leads to, before weights move.
pub struct Gradients<'a> {
    /// The loss.
    pub loss: &'a Tensor,
    /// What is trained.
    pub weights: &'a [Weight],
    /// The gradient of each of `weights`, of its shape.
    pub gradients: &'a mut [Tensor],
    /// The optimizer, for its rate.
    pub optimizer: &'a mut Optimizer,
}

/// What is called between the parts of a step. A method that is not written changes nothing.
///
/// ```
/// use headwater::nn::Sequential;
/// use headwater::train::{Batch, Callback, Control, Gradients, Optimizer, Progress, Trainer};
/// use headwater::{cpu, ops, Result};
///
/// /// Trains on noisy inputs, and not on batches whose gradients are all zeros.
/// struct Noisy;
///
/// impl Callback for Noisy {
///     fn batch(&mut self, at: &Progress, batch: &mut Batch) -> Result<Control> {
///         let noise = ops::random_normal(batch.x.device(), batch.x.shape().clone(), 0.0, 0.1, at.batch as u32)?;
///         batch.x = ops::add(&batch.x, &noise)?;
///         Ok(Control::Continue)
///     }
///     fn gradients(&mut self, _: &Progress, step: &mut Gradients<'_>) -> Result<Control> {
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
/// let model = Sequential::new(&device, vec![None, Some(2)], 1)
///     .add("Dense", serde_json::json!({"units": 1}))?
///     .build();
/// let mut trainer = Trainer { epochs: 40, ..Trainer::new(Optimizer::sgd(0.1)?, "meanSquaredError")? };
/// let history = trainer.fit_with(&model, &x, &y, &mut Noisy)?;
/// assert!(history.loss[39] < 0.1, "{history:?}");
/// # Ok(())
/// # }
/// ```
pub trait Callback {
    /// Called with a batch before its step. It may put other tensors in its place, in whatever number of samples.
    ///
    /// # Errors
    /// Any, which end training.
    fn batch(&mut self, _at: &Progress, _batch: &mut Batch) -> Result<Control> {
        Ok(Control::Continue)
    }

    /// Called with a batch, its output and its loss, a scalar; gradients are those of what it gives.
    ///
    /// # Errors
    /// Any, which end training.
    fn loss(&mut self, _at: &Progress, _batch: &Batch, _output: &Tensor, loss: Tensor) -> Result<Tensor> {
        Ok(loss)
    }

    /// Called with the gradients of a batch before weights move along them.
    ///
    /// # Errors
    /// Any, which end training.
    fn gradients(&mut self, _at: &Progress, _step: &mut Gradients<'_>) -> Result<Control> {
        Ok(Control::Continue)
    }

    /// Called after a step, made or skipped. [`Control::Skip`] is as [`Control::Continue`] here.
    fn step(&mut self, _at: &Progress, _optimizer: &mut Optimizer) -> Control {
        Control::Continue
    }
}

/// A function that is called after steps.
pub(super) struct AfterStep<F>(pub(super) F);

impl<F: FnMut(&Progress, &mut Optimizer) -> Control> Callback for AfterStep<F> {
    fn step(&mut self, at: &Progress, optimizer: &mut Optimizer) -> Control {
        (self.0)(at, optimizer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nn::{Model, Sequential};
    use crate::train::{History, Options, Trainer};
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
        let history = trainer.fit_with(&model, &x, &y, callback)?;
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
        fn batch(&mut self, _: &Progress, batch: &mut Batch) -> Result<Control> {
            if let Some(weight) = self.weight {
                let samples = batch.x.shape()[0];
                batch.weights = Some(ops::broadcast_to(&batch.x.constant(weight), [samples])?);
            }
            Ok(self.batch.unwrap_or(Control::Continue))
        }

        fn loss(&mut self, _: &Progress, _: &Batch, _: &Tensor, loss: Tensor) -> Result<Tensor> {
            self.loss_factor.map_or(Ok(loss.clone()), |f| ops::mul(&loss, &loss.constant(f)))
        }

        fn gradients(&mut self, _: &Progress, step: &mut Gradients<'_>) -> Result<Control> {
            assert_eq!(step.gradients.len(), step.weights.len());
            for gradient in step.gradients.iter_mut() {
                *gradient = ops::mul(gradient, &gradient.constant(self.gradient_factor.unwrap_or(1.0)))?;
            }
            Ok(self.gradients.unwrap_or(Control::Continue))
        }

        fn step(&mut self, _: &Progress, _: &mut Optimizer) -> Control {
            self.steps += 1;
            Control::Continue
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
