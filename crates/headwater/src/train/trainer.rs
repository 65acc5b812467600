//! Fitting a model to data.

use headwater_core::ops::{self, hash_key};
use headwater_core::{Error, HostSlice, Result, Tensor};

use crate::nn::losses::{loss, masked_mean, Loss};
use crate::nn::metrics::accuracy;
use crate::nn::{Call, Network, Weight};
use crate::train::Optimizer;

/// Losses and accuracies by epoch.
#[derive(Clone, Debug, Default)]
pub struct History {
    /// The mean loss of each epoch.
    pub loss: Vec<f64>,
    /// The mean accuracy of each epoch.
    pub accuracy: Vec<f64>,
}

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
    /// The epoch's mean loss and accuracy, after its last batch.
    pub result: Option<(f64, f64)>,
}

/// What a callback wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Control {
    /// To go on.
    Continue,
    /// To end training now.
    Stop,
}

/// How a model is fitted.
pub struct Trainer {
    /// The optimizer.
    pub optimizer: Optimizer,
    /// The loss.
    pub loss: Loss,
    /// Samples of a step.
    pub batch_size: usize,
    /// Passes over the data.
    pub epochs: usize,
    /// What shuffling and dropout draw from.
    pub seed: u32,
}

impl Trainer {
    /// A trainer with batches of 32, one epoch.
    ///
    /// # Errors
    /// `ErrorKind::Unknown` for an unknown loss.
    pub fn new(optimizer: Optimizer, loss_name: &str) -> Result<Trainer> {
        Ok(Trainer { optimizer, loss: loss(loss_name)?, batch_size: 32, epochs: 1, seed: 1 })
    }

    /// Fits `model` to inputs `x` and targets `y`, samples along the first dimension. `callback` is called between steps.
    ///
    /// # Errors
    /// `ErrorKind::Shape` when the numbers of samples differ or are 0; what the layers and the loss give.
    pub fn fit(
        &mut self,
        model: &dyn Network,
        x: &Tensor,
        y: &Tensor,
        mut callback: impl FnMut(&Progress, &mut Optimizer) -> Control,
    ) -> Result<History> {
        let samples = x.shape().first().copied().unwrap_or(0);
        if samples == 0 || y.shape().first() != Some(&samples) {
            let expected = "inputs and targets with equally many samples, at least one";
            return Err(Error::shape("fit", expected, format!("{} and {}", x.shape(), y.shape())));
        }
        let batch_size = self.batch_size.clamp(1, samples);
        let batches = samples.div_ceil(batch_size);
        let mut history = History::default();
        'epochs: for epoch in 0..self.epochs {
            let order = shuffled(samples, hash_key(self.seed, epoch as u32));
            // Sums stay on the device: reading each batch's would make the host wait for it.
            let mut sums: Option<(Tensor, Tensor)> = None;
            for (batch, picked) in order.chunks(batch_size).enumerate() {
                let index = model.device().tensor(HostSlice::I32(picked), [picked.len()])?;
                let (bx, by) = (ops::gather(x, &index, 0, 0)?, ops::gather(y, &index, 0, 0)?);
                let seed = hash_key(self.seed, (epoch * batches + batch) as u32 ^ 0x5eed);
                let (loss, accuracy) = self.step(model, &bx, &by, seed)?;
                let weight = loss.constant(picked.len() as f64);
                let (loss, accuracy) = (ops::mul(&loss, &weight)?, ops::mul(&accuracy, &weight)?);
                sums = Some(match sums {
                    Some((l, a)) => (ops::add(&l, &loss)?, ops::add(&a, &accuracy)?),
                    None => (loss, accuracy),
                });
                model.device().flush()?;
                let mut progress = Progress { epoch, epochs: self.epochs, batch, batches, result: None };
                if batch + 1 == batches {
                    if let Some((l, a)) = &sums {
                        let result = (l.item()? / samples as f64, a.item()? / samples as f64);
                        history.loss.push(result.0);
                        history.accuracy.push(result.1);
                        progress.result = Some(result);
                    }
                }
                if callback(&progress, &mut self.optimizer) == Control::Stop {
                    break 'epochs;
                }
            }
        }
        self.optimizer.finish(&trained(model))?;
        Ok(history)
    }

    /// One step; the batch's mean loss and accuracy.
    fn step(&mut self, model: &dyn Network, x: &Tensor, y: &Tensor, seed: u32) -> Result<(Tensor, Tensor)> {
        let weights = trained(model);
        let values: Vec<Tensor> = weights.iter().map(Weight::value).collect();
        let mut predicted = None;
        let (total, gradients) = model.device().value_and_grads(&values.iter().collect::<Vec<_>>(), || {
            let called = model.call(&[x], Call { training: true, seed, ..Call::default() })?;
            let missing = || Error::argument("fit", "a model with an output", "none");
            let output = called.outputs.into_iter().next().ok_or_else(missing)?;
            let mask = called.masks.into_iter().next().flatten();
            let mut total = masked_mean(&(self.loss)(y, &output)?, mask.as_ref())?;
            for extra in called.losses {
                total = ops::add(&total, &extra)?;
            }
            for weight in &weights {
                if let Some(regularizer) = &weight.spec.regularizer {
                    total = ops::add(&total, &crate::nn::penalty(regularizer, &weight.value())?)?;
                }
            }
            predicted = Some((output, mask));
            Ok(total)
        })?;
        self.optimizer.apply(&weights, &gradients)?;
        let accuracy = match &predicted {
            Some((output, mask)) => masked_mean(&accuracy(y, output)?, mask.as_ref())?,
            None => total.zeros_like()?,
        };
        Ok((total, accuracy))
    }
}

/// The weights that training changes.
fn trained(model: &dyn Network) -> Vec<Weight> {
    model.weights().into_iter().filter(Weight::trainable).collect()
}

/// A permutation of `0..n` that depends on `seed` alone (Fisher and Yates).
fn shuffled(n: usize, seed: u32) -> Vec<i32> {
    let mut order: Vec<i32> = (0..n as i32).collect();
    for i in (1..n).rev() {
        order.swap(i, hash_key(seed, i as u32) as usize % (i + 1));
    }
    order
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nn::Sequential;
    use serde_json::json;

    /// Points of two interleaved half moons, 0 or 1.
    fn moons(n: usize) -> (Vec<f32>, Vec<f32>) {
        let point = |i: usize| {
            let angle = (i / 2) as f32 / (n / 2) as f32 * std::f32::consts::PI;
            let noise = |s: u32| (hash_key(s, i as u32) % 1000) as f32 / 1000.0 * 0.2 - 0.1;
            let (x, y) =
                if i.is_multiple_of(2) { (angle.cos(), angle.sin()) } else { (1.0 - angle.cos(), 0.5 - angle.sin()) };
            [x + noise(1), y + noise(2)]
        };
        let x = (0..n).flat_map(point).collect();
        let y = (0..n).flat_map(|i| if i.is_multiple_of(2) { [1.0, 0.0] } else { [0.0, 1.0] }).collect();
        (x, y)
    }

    #[test]
    fn an_mlp_learns_two_moons() -> Result<()> {
        let device = crate::cpu(1);
        let (x, y) = moons(400);
        let (x, y) = (device.tensor(HostSlice::F32(&x), [400, 2])?, device.tensor(HostSlice::F32(&y), [400, 2])?);
        let model = Sequential::new(&device, vec![None, Some(2)], 3)
            .add("Dense", json!({"units": 24, "activation": "relu"}))?
            .add("BatchNormalization", json!({"scale": false}))?
            .add("Dropout", json!({"rate": 0.1}))?
            .add("Dense", json!({"units": 2, "activation": "softmax", "kernel_regularizer": {"class_name": "L2", "config": {"l2": 1e-4}}}))?
            .build();
        let mut trainer = Trainer { epochs: 40, ..Trainer::new(Optimizer::adam(0.02)?, "categoricalCrossentropy")? };
        let plans = device.stats().plans;
        let history = trainer.fit(&model, &x, &y, |_, _| Control::Continue)?;
        assert!(history.accuracy[39] > 0.95, "{history:?}");
        // Batches of 32 and the last of 16, first and later batches of an epoch, with and without slots.
        assert!(device.stats().plans - plans <= 8, "{:?}", device.stats());
        Ok(())
    }

    #[test]
    fn a_thousand_steps_leave_memory_flat() -> Result<()> {
        let device = crate::cpu(1);
        let x = ops::random_normal(&device, [64, 8], 0.0, 1.0, 1)?;
        let y = ops::one_hot(&ops::arg_max(&ops::slice(&x, &[0, 0], &[64, 3])?, 1)?, 3, 1.0, 0.0, x.dtype())?;
        let model = Sequential::new(&device, vec![None, Some(8)], 3)
            .add("Dense", json!({"units": 3, "activation": "softmax"}))?
            .build();
        let mut trainer = Trainer { epochs: 500, ..Trainer::new(Optimizer::adam(0.01)?, "categoricalCrossentropy")? };
        let mut used = Vec::new();
        trainer.fit(&model, &x, &y, |p, _| {
            if p.batch == 0 && p.epoch % 100 == 50 {
                used.push(device.engine().memory());
            }
            Control::Continue
        })?;
        assert!(used.windows(2).all(|w| w[0] == w[1]), "{used:?}");
        Ok(())
    }

    #[test]
    fn a_callback_stops_training() -> Result<()> {
        let device = crate::cpu(1);
        let x = device.ones([10, 2], headwater_core::DType::F32)?;
        let model = Sequential::new(&device, vec![None, Some(2)], 3).add("Dense", json!({"units": 2}))?.build();
        let mut trainer = Trainer { epochs: 5, batch_size: 2, ..Trainer::new(Optimizer::sgd(0.1)?, "mse")? };
        let mut steps = 0;
        trainer.fit(&model, &x, &x, |_, _| {
            steps += 1;
            if steps == 7 {
                Control::Stop
            } else {
                Control::Continue
            }
        })?;
        assert_eq!(steps, 7);
        assert_eq!(
            trainer
                .fit(&model, &x, &device.ones([9, 2], x.dtype())?, |_, _| Control::Continue)
                .expect_err("samples")
                .code(),
            "shape"
        );
        Ok(())
    }
}
