//! Fitting a model to data.

use headwater_core::ops::hash_key;
use headwater_core::{Error, Result, Tensor};

use super::callback::{Between, Control, Progress, Run};
use super::fit::{Fit, Stream, Sums};
use super::history::{History, Logs};
use super::objective::Objective;
use super::source::{Batch, Pass, Samples, Source};
use crate::nn::{Call, Network, Weight};
use crate::train::Optimizer;

/// How a model is fitted.
pub struct Trainer {
    /// The optimizer.
    pub optimizer: Optimizer,
    /// The losses and metrics.
    pub objective: Objective,
    /// Samples of a step.
    pub batch_size: usize,
    /// Passes over the data.
    pub epochs: usize,
    /// What shuffling and dropout draw from.
    pub seed: u32,
}

impl Trainer {
    /// A trainer with batches of 32, one epoch, a loss and accuracy.
    ///
    /// # Errors
    /// `ErrorKind::Unknown` for an unknown loss.
    pub fn new(optimizer: Optimizer, loss_name: &str) -> Result<Trainer> {
        Ok(Trainer::compiled(optimizer, Objective::new(loss_name)?))
    }

    /// A trainer with batches of 32, one epoch.
    pub fn compiled(optimizer: Optimizer, objective: Objective) -> Trainer {
        Trainer { optimizer, objective, batch_size: 32, epochs: 1, seed: 1 }
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
        callback: impl FnMut(&Progress, &mut Optimizer) -> Control,
    ) -> Result<History> {
        let mut between = Between(callback);
        self.fit_with(model, &Samples::new(&[x], &[y])?, Fit::new().callback(&mut between))
    }

    /// Fits `model` to what a source gives, epoch after epoch, with validation and callbacks. The host never waits for a
    /// step: losses and metrics are summed where they are computed, and read once an epoch.
    ///
    /// # Errors
    /// `ErrorKind::Argument` when an epoch has no batch, or targets and losses do not fit the model's outputs; what the
    /// layers, the losses, the source and callbacks give.
    pub fn fit_with(&mut self, model: &dyn Network, source: &dyn Source, mut options: Fit<'_>) -> Result<History> {
        let batches = options.steps_per_epoch.or_else(|| source.batches(self.batch_size));
        let endless = options.steps_per_epoch.is_some();
        let mut stream = Stream::new(source, model.device(), self.batch_size, options.shuffle.then_some(self.seed));
        let mut history = History::default();
        let mut run = Run { epoch: options.first_epoch, epochs: self.epochs, batch: 0, batches, steps: 0 };
        options.each(|c| c.begin(&run, model, &mut self.optimizer))?;
        'epochs: for epoch in options.first_epoch..self.epochs {
            (run.epoch, run.batch) = (epoch, 0);
            options.each(|c| c.epoch_begin(&run, model, &mut self.optimizer))?;
            if !endless {
                stream.begin(epoch as u32)?;
            }
            // Sums stay on the device: reading each batch's would make the host wait for it.
            let mut sums = Sums::default();
            while batches.is_none_or(|n| run.batch < n) {
                let Some(batch) = stream.next(endless)? else { break };
                let step = batches.map_or(run.steps, |n| epoch * n + run.batch);
                let values = self.step(model, &batch, hash_key(self.seed, step as u32 ^ 0x5eed))?;
                sums.add(&values, batch.samples())?;
                model.device().flush()?;
                if options.control(|c| c.step_end(&run, &values[0], model, &mut self.optimizer))? == Control::Stop {
                    break 'epochs;
                }
                run.batch += 1;
                run.steps += 1;
            }
            let mut logs = sums.read("fit", &self.objective, model)?;
            if let Some(validation) = options.validation {
                logs.validated(self.evaluate(model, validation)?);
            }
            history.push(&logs);
            if options.control(|c| c.epoch_end(&run, &logs, model, &mut self.optimizer))? == Control::Stop {
                break;
            }
        }
        self.optimizer.finish(&trained(model))?;
        options.each(|c| c.end(&run, model, &mut self.optimizer))?;
        Ok(history)
    }

    /// One step; the batch's mean losses and metrics.
    fn step(&mut self, model: &dyn Network, batch: &Batch, seed: u32) -> Result<Vec<Tensor>> {
        let weights = trained(model);
        let values: Vec<Tensor> = weights.iter().map(Weight::value).collect();
        let mut measured = Vec::new();
        let mut called = None;
        let (total, gradients) = model.device().value_and_grads(&values.iter().collect::<Vec<_>>(), || {
            let inputs: Vec<&Tensor> = batch.inputs.iter().collect();
            let own = called.insert(model.call(&inputs, Call { training: true, seed, ..Call::default() })?);
            let mut losses = self.objective.total(own, batch, &weights)?.into_iter();
            let total = losses.next().ok_or_else(|| Error::argument("fit", "a model with an output", "none"))?;
            measured.extend(losses);
            Ok(total)
        })?;
        self.optimizer.apply(&weights, &gradients)?;
        if let Some(called) = &called {
            measured.extend(self.objective.measure(called, batch)?);
        }
        Ok([total].into_iter().chain(measured).collect())
    }

    /// The losses and metrics of a model in inference.
    ///
    /// # Errors
    /// As [`Trainer::fit_with`].
    pub fn evaluate(&self, model: &dyn Network, source: &dyn Source) -> Result<Logs> {
        let weights = trained(model);
        let mut sums = Sums::default();
        for batch in source.pass(model.device(), Pass { batch_size: self.batch_size, shuffle: None })? {
            let batch = batch?;
            let called = model.call(&batch.inputs.iter().collect::<Vec<_>>(), Call::default())?;
            let mut values = self.objective.total(&called, &batch, &weights)?;
            values.extend(self.objective.measure(&called, &batch)?);
            sums.add(&values, batch.samples())?;
            model.device().flush()?;
        }
        sums.read("evaluate", &self.objective, model)
    }
}

/// The weights that training changes.
fn trained(model: &dyn Network) -> Vec<Weight> {
    model.weights().into_iter().filter(Weight::trainable).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nn::Sequential;
    use crate::ops;
    use headwater_core::HostSlice;
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
