//! Fitting a model to data.

use std::mem::take;

use headwater_core::ops::{self, hash_key};
use headwater_core::{Error, HostSlice, Result, Tensor};

use crate::nn::losses::{loss, masked_mean, Loss};
use crate::nn::metrics::accuracy;
use crate::nn::{Call, Model, Weight};
use crate::train::backup::{Backup, Position, Subject};
use crate::train::callback::{AfterStep, Batch, Callback, Gradients};
use crate::train::Optimizer;

/// Losses and accuracies by epoch.
#[derive(Clone, Debug, Default)]
pub struct History {
    /// The mean loss of each epoch.
    pub loss: Vec<f64>,
    /// The mean accuracy of each epoch.
    pub accuracy: Vec<f64>,
}

impl History {
    fn columns(&self) -> Vec<Vec<f64>> {
        vec![self.loss.clone(), self.accuracy.clone()]
    }

    fn from_columns(columns: Vec<Vec<f64>>) -> History {
        let mut columns = columns.into_iter();
        let mut next = || columns.next().unwrap_or_default();
        History { loss: next(), accuracy: next() }
    }
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
    /// Not to make the step that was begun; training goes on with the next batch.
    Skip,
    /// To end training now, without the step that was begun.
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
    /// Batches whose gradients make one step, along their mean by samples: as one batch of all their samples. The last batches
    /// of an epoch may be fewer.
    pub accumulate: usize,
    /// What shuffling and dropout draw from.
    pub seed: u32,
    /// Where the training is saved, and goes on from; nowhere by default.
    pub backup: Option<Backup>,
}

impl Trainer {
    /// A trainer with batches of 32, one epoch.
    ///
    /// # Errors
    /// `ErrorKind::Unknown` for an unknown loss.
    pub fn new(optimizer: Optimizer, loss_name: &str) -> Result<Trainer> {
        Ok(Trainer {
            optimizer,
            loss: loss(loss_name)?,
            batch_size: 32,
            epochs: 1,
            accumulate: 1,
            seed: 1,
            backup: None,
        })
    }

    /// Fits `model` to inputs `x` and targets `y`, samples along the first dimension. `callback` is called between steps.
    ///
    /// # Errors
    /// `ErrorKind::Shape` when the numbers of samples differ or are 0; `ErrorKind::Format` when what the backup holds is
    /// damaged or of another training; `ErrorKind::Argument` when both trainer and optimizer accumulate; what the layers and
    /// the loss give.
    pub fn fit(
        &mut self,
        model: &Model,
        x: &Tensor,
        y: &Tensor,
        callback: impl FnMut(&Progress, &mut Optimizer) -> Control,
    ) -> Result<History> {
        self.fit_with(model, x, y, &mut AfterStep(callback))
    }

    /// Fits `model` to inputs `x` and targets `y` as [`Trainer::fit`], with a callback that sees and may change the parts of steps.
    ///
    /// # Errors
    /// As [`Trainer::fit`]; what the callback gives.
    pub fn fit_with(&mut self, model: &Model, x: &Tensor, y: &Tensor, callback: &mut dyn Callback) -> Result<History> {
        let samples = x.shape().first().copied().unwrap_or(0);
        if samples == 0 || y.shape().first() != Some(&samples) {
            let expected = "inputs and targets with equally many samples, at least one";
            return Err(Error::shape("fit", expected, format!("{} and {}", x.shape(), y.shape())));
        }
        if self.accumulate > 1 && self.optimizer.accumulates() {
            let expected = "gradients accumulated by the trainer or by the optimizer";
            return Err(Error::argument("fit", expected, "both"));
        }
        let batch_size = self.batch_size.clamp(1, samples);
        let batches = samples.div_ceil(batch_size);
        let numbers = [
            ("seed", self.seed as usize),
            ("number of samples", samples),
            ("batch size", batch_size),
            ("accumulate", self.accumulate),
        ];
        let restored = match &mut self.backup {
            Some(backup) => backup.restore(subject(model, &mut self.optimizer, numbers))?,
            None => Position::default(),
        };
        let Position { epoch: first, batch: mut done, seen: mut earlier_seen, sums: mut earlier, history } = restored;
        let mut history = History::from_columns(history);
        let mut stopped = false;
        'epochs: for epoch in first..self.epochs {
            let order = shuffled(samples, hash_key(self.seed, epoch as u32));
            // Sums stay on the device: reading each batch's would make the host wait for it.
            let mut seen = take(&mut earlier_seen);
            let mut sums: Option<(Tensor, Tensor)> = earlier.pop().and_then(|a| Some((earlier.pop()?, a)));
            for (batch, picked) in order.chunks(batch_size).enumerate().skip(take(&mut done)) {
                let index = model.device().tensor(HostSlice::I32(picked), [picked.len()])?;
                let mut given =
                    Batch { x: ops::gather(x, &index, 0, 0)?, y: ops::gather(y, &index, 0, 0)?, weights: None };
                let seed = hash_key(self.seed, (epoch * batches + batch) as u32 ^ 0x5eed);
                let mut progress = Progress { epoch, epochs: self.epochs, batch, batches, result: None };
                let last = batch + 1 == batches;
                match self.step(model, &mut given, seed, &progress, callback)? {
                    Step::Stopped => break 'epochs,
                    Step::Skipped => {}
                    Step::Made(loss, accuracy) => {
                        let size = given.x.shape().first().copied().unwrap_or(0);
                        seen += size;
                        let weight = loss.constant(size as f64);
                        let (loss, accuracy) = (ops::mul(&loss, &weight)?, ops::mul(&accuracy, &weight)?);
                        sums = Some(match sums {
                            Some((l, a)) => (ops::add(&l, &loss)?, ops::add(&a, &accuracy)?),
                            None => (loss, accuracy),
                        });
                    }
                }
                if last {
                    self.optimizer.apply_accumulated(&trained(model))?;
                }
                model.device().flush()?;
                if last {
                    if let Some((l, a)) = &sums {
                        let result = (l.item()? / seen as f64, a.item()? / seen as f64);
                        history.loss.push(result.0);
                        history.accuracy.push(result.1);
                        progress.result = Some(result);
                    }
                }
                let stops = callback.step(&progress, &mut self.optimizer) == Control::Stop;
                if let Some(backup) = &mut self.backup {
                    let ends = batch + 1 == batches;
                    if backup.is_due(ends, stops) {
                        let (epoch, batch) = if ends { (epoch + 1, 0) } else { (epoch, batch + 1) };
                        let parts = sums.iter().filter(|_| !ends).flat_map(|(l, a)| [l.clone(), a.clone()]);
                        let sums = parts.collect();
                        let at = Position {
                            epoch,
                            batch,
                            seen: if ends { 0 } else { seen },
                            sums,
                            history: history.columns(),
                        };
                        backup.save(&at, &subject(model, &mut self.optimizer, numbers))?;
                    }
                }
                if stops {
                    stopped = true;
                    break 'epochs;
                }
            }
        }
        self.optimizer.finish(&trained(model))?;
        match &mut self.backup {
            Some(backup) if !stopped => backup.end()?,
            _ => {}
        }
        Ok(history)
    }

    /// One step, which the callback may change.
    fn step(
        &mut self,
        model: &Model,
        batch: &mut Batch,
        seed: u32,
        at: &Progress,
        callback: &mut dyn Callback,
    ) -> Result<Step> {
        if let Some(instead) = Step::instead(callback.batch(at, batch)?) {
            return Ok(instead);
        }
        let samples = batch.x.shape().first().copied().unwrap_or(0);
        if samples == 0 || batch.y.shape().first() != Some(&samples) {
            let expected = "a batch with equally many inputs and targets, at least one";
            return Err(Error::shape("fit", expected, format!("{} and {}", batch.x.shape(), batch.y.shape())));
        }
        let (weights, fixed): (Vec<Weight>, Vec<Weight>) = model.weights().into_iter().partition(|w| w.spec.trainable);
        // Moving averages move with the outputs: without the step they are to be what they were.
        let still: Vec<Tensor> = fixed.iter().map(Weight::value).collect();
        let values: Vec<Tensor> = weights.iter().map(Weight::value).collect();
        let mut predicted = None;
        let (total, mut gradients) = model.device().value_and_grads(&values.iter().collect::<Vec<_>>(), || {
            let called = model.call(&[&batch.x], Call { training: true, seed, ..Call::default() })?;
            let missing = || Error::argument("fit", "a model with an output", "none");
            let output = called.outputs.into_iter().next().ok_or_else(missing)?;
            let mask = called.masks.into_iter().next().flatten();
            let each = weighted((self.loss)(&batch.y, &output)?, batch.weights.as_ref())?;
            let mut total = masked_mean(&each, mask.as_ref())?;
            for extra in called.losses {
                total = ops::add(&total, &extra)?;
            }
            for weight in &weights {
                if let Some(regularizer) = &weight.spec.regularizer {
                    total = ops::add(&total, &crate::nn::penalty(regularizer, &weight.value())?)?;
                }
            }
            let total = callback.loss(at, batch, &output, total)?;
            predicted = Some((output, mask));
            Ok(total)
        })?;
        let optimizer = &mut self.optimizer;
        let mut step = Gradients { loss: &total, weights: &weights, gradients: &mut gradients, optimizer };
        if let Some(instead) = Step::instead(callback.gradients(at, &mut step)?) {
            fixed.iter().zip(still).try_for_each(|(weight, value)| weight.set(value))?;
            return Ok(instead);
        }
        match self.accumulate {
            0 | 1 => self.optimizer.apply(&weights, &gradients)?,
            parts => {
                self.optimizer.accumulate(&weights, &gradients, parts as u32, samples as f64)?;
            }
        }
        let accuracy = match &predicted {
            Some((output, mask)) => masked_mean(&accuracy(&batch.y, output)?, mask.as_ref())?,
            None => total.zeros_like()?,
        };
        Ok(Step::Made(total, accuracy))
    }
}

/// What a backup is of.
fn subject<'a>(model: &Model, optimizer: &'a mut Optimizer, numbers: [(&'static str, usize); 4]) -> Subject<'a> {
    Subject { weights: model.every_weight(), optimizer, numbers }
}

/// What became of a step.
enum Step {
    /// The mean loss and the accuracy of the batch.
    Made(Tensor, Tensor),
    Skipped,
    Stopped,
}

impl Step {
    /// What happens instead of the step.
    fn instead(control: Control) -> Option<Step> {
        match control {
            Control::Continue => None,
            Control::Skip => Some(Step::Skipped),
            Control::Stop => Some(Step::Stopped),
        }
    }
}

/// Losses of samples, times what each counts.
fn weighted(losses: Tensor, weights: Option<&Tensor>) -> Result<Tensor> {
    let Some(weights) = weights else { return Ok(losses) };
    let samples = losses.shape().first().copied().unwrap_or(0);
    if weights.shape()[..] != [samples] {
        return Err(Error::shape("fit", format!("weights of shape [{samples}], one for each sample"), weights.shape()));
    }
    let mut shape = vec![samples];
    shape.resize(losses.rank(), 1);
    ops::mul(&losses, &ops::reshape(weights, shape)?)
}

/// The weights that training changes.
fn trained(model: &Model) -> Vec<Weight> {
    model.weights().into_iter().filter(|w| w.spec.trainable).collect()
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
