//! Fitting a model to data.

use headwater_core::ops::hash_key;
use headwater_core::{Error, Result, Tensor};

use super::backup::{Backup, Position, Subject};
use super::callback::{Between, Control, Progress, Run};
use super::fit::{Fit, Stream, Sums};
use super::history::{History, Logs};
use super::objective::Objective;
use super::source::{Pass, Samples, Source};
use super::step::Step;
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
    /// Batches whose gradients make one step, along their mean by samples: as one batch of all their samples. The last batches
    /// of an epoch may be fewer.
    pub accumulate: usize,
    /// What shuffling and dropout draw from.
    pub seed: u32,
    /// Where the training is saved, and goes on from; nowhere by default.
    pub backup: Option<Backup>,
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
        Trainer { optimizer, objective, batch_size: 32, epochs: 1, accumulate: 1, seed: 1, backup: None }
    }

    /// Fits `model` to inputs `x` and targets `y`, samples along the first dimension. `callback` is called between steps.
    ///
    /// # Errors
    /// `ErrorKind::Shape` when the numbers of samples differ or are 0; as [`Trainer::fit_with`].
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
    /// `ErrorKind::Argument` when an epoch has no batch or a batch no sample, when targets and losses do not fit the model's outputs,
    /// when a target is a class number that an output has not, or when both trainer and optimizer accumulate;
    /// `ErrorKind::Format` when what the backup holds is damaged or of another training; what the layers, the losses, the
    /// source and callbacks give.
    pub fn fit_with(&mut self, model: &dyn Network, source: &dyn Source, mut options: Fit<'_>) -> Result<History> {
        if self.accumulate > 1 && self.optimizer.accumulates() {
            let expected = "gradients accumulated by the trainer or by the optimizer";
            return Err(Error::argument("fit", expected, "both"));
        }
        if options.steps_per_epoch == Some(0) {
            return Err(Error::argument("fit", "epochs of at least 1 step", 0));
        }
        let batches = options.steps_per_epoch.or_else(|| source.batches(self.batch_size));
        let endless = options.steps_per_epoch.is_some();
        let mut stream = Stream::new(source, model.device(), self.batch_size, options.shuffle.then_some(self.seed));
        let mut history = History::default();
        // Sums stay on the device: reading each batch's would make the host wait for it.
        let mut sums = Sums::default();
        let mut run = Run { epoch: options.first_epoch, epochs: self.epochs, batch: 0, batches, steps: 0 };
        if model.needs_loss_scale() {
            self.optimizer.loss_scale_mut().get_or_insert_default();
        }
        let restored = self.restore(model, batches, options.callbacks.len())?;
        if let Some(at) = &restored {
            (run.epoch, run.batch, run.steps) = (at.epoch, at.batch, at.steps);
            history = History::from_columns(at.history.clone());
            sums = Sums { values: at.sums.clone(), samples: at.seen };
        }
        options.each(|c| c.begin(&run, model, &mut self.optimizer))?;
        let mut within = false;
        if let Some(at) = restored {
            within = at.batch > 0;
            if within || endless {
                stream.resume(at.passes, at.read)?;
            }
            let mut kept = at.callbacks.into_iter();
            options.each(|c| kept.next().map_or(Ok(()), |kept| c.restore(kept)))?;
        }
        let mut stopped = false;
        'epochs: while run.epoch < self.epochs {
            if !within {
                run.batch = 0;
                sums = Sums::default();
                options.each(|c| c.epoch_begin(&run, model, &mut self.optimizer))?;
                if !endless {
                    stream.begin(run.epoch as u32)?;
                }
            }
            within = false;
            while batches.is_none_or(|n| run.batch < n) {
                let position = (stream.passes, stream.read);
                let Some(mut batch) = stream.next(endless)? else { break };
                let step = batches.map_or(run.steps, |n| run.epoch * n + run.batch);
                let seed = hash_key(self.seed, step as u32 ^ 0x5eed);
                let loss = match self.step(model, &mut batch, seed, &run, &mut options)? {
                    Step::Stopped => {
                        // The batch was read for a step that was not made.
                        (stream.passes, stream.read) = position;
                        self.save(&run, &stream, &sums, &history, &options, model)?;
                        stopped = true;
                        break 'epochs;
                    }
                    Step::Skipped => None,
                    Step::Made(loss, terms) => {
                        sums.add(terms, batch.samples())?;
                        Some(loss)
                    }
                };
                let last = batches == Some(run.batch + 1);
                if last {
                    self.optimizer.apply_accumulated(&trained(model))?;
                }
                model.device().flush()?;
                self.optimizer.settle()?;
                stopped =
                    options.control(|c| c.step_end(&run, loss.as_ref(), model, &mut self.optimizer))? == Control::Stop;
                run.batch += 1;
                run.steps += 1;
                self.backup.iter_mut().for_each(Backup::stepped);
                // After the last step there is the epoch's end.
                let due = self.backup.as_ref().is_some_and(|backup| !last && backup.is_due(false));
                if stopped || due {
                    self.save(&run, &stream, &sums, &history, &options, model)?;
                }
                if stopped {
                    break 'epochs;
                }
            }
            if run.batch == 0 {
                return Err(Error::argument("fit", "data with at least one sample", "none"));
            }
            self.optimizer.apply_accumulated(&trained(model))?;
            self.optimizer.settle()?;
            let mut logs = sums.read(&self.objective, model)?;
            if let Some(validation) = options.validation {
                logs.validated(self.evaluate(model, validation)?);
            }
            history.push(&logs);
            stopped = options.control(|c| c.epoch_end(&run, &logs, model, &mut self.optimizer))? == Control::Stop;
            if stopped || self.backup.as_ref().is_some_and(|backup| backup.is_due(true)) {
                let next = Run { epoch: run.epoch + 1, batch: 0, ..run };
                self.save(&next, &stream, &Sums::default(), &history, &options, model)?;
            }
            if stopped {
                break;
            }
            run.epoch += 1;
        }
        // What is called in the end is told the last epoch.
        run.epoch = run.epoch.min(self.epochs.saturating_sub(1));
        self.optimizer.finish(&trained(model))?;
        options.each(|c| c.end(&run, model, &mut self.optimizer))?;
        match &mut self.backup {
            Some(backup) if !stopped => backup.end()?,
            _ => {}
        }
        Ok(history)
    }

    /// What a backup is of: a fit with so many batches and callbacks.
    fn subject(&mut self, model: &dyn Network, batches: Option<usize>, callbacks: usize) -> Subject<'_> {
        let numbers = [
            ("seed", self.seed as usize),
            ("batch size", self.batch_size),
            ("number of batches", batches.unwrap_or(0)),
            ("accumulate", self.accumulate),
            ("number of callbacks", callbacks),
        ];
        let weights = model.weights().into_iter().chain(model.states()).collect();
        Subject { weights, optimizer: &mut self.optimizer, numbers }
    }

    /// Goes on where the backup is, if there is one and it holds something.
    fn restore(&mut self, model: &dyn Network, batches: Option<usize>, callbacks: usize) -> Result<Option<Position>> {
        let Some(mut backup) = self.backup.take() else { return Ok(None) };
        let restored = backup.restore(self.subject(model, batches, callbacks));
        self.backup = Some(backup);
        restored
    }

    /// Saves where training is, if there is a backup.
    fn save(
        &mut self,
        run: &Run,
        stream: &Stream<'_>,
        sums: &Sums,
        history: &History,
        options: &Fit<'_>,
        model: &dyn Network,
    ) -> Result<()> {
        let Some(mut backup) = self.backup.take() else { return Ok(()) };
        let at = Position {
            epoch: run.epoch,
            batch: run.batch,
            steps: run.steps,
            passes: stream.passes,
            read: stream.read,
            seen: sums.samples,
            sums: sums.values.clone(),
            history: history.columns(),
            callbacks: options.callbacks.iter().map(|callback| callback.kept()).collect(),
        };
        let saved = backup.save(&at, &self.subject(model, run.batches, options.callbacks.len()));
        self.backup = Some(backup);
        saved
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
            batch.check("evaluate")?;
            let called = model.call(&batch.inputs.iter().collect::<Vec<_>>(), Call::default())?.widened()?;
            let losses = self.objective.total(&called, &batch, &weights)?;
            sums.add(self.objective.measure(&losses, &called, &batch)?, batch.samples())?;
            model.device().flush()?;
        }
        if sums.samples == 0 {
            return Err(Error::argument("evaluate", "data with at least one sample", "none"));
        }
        sums.read(&self.objective, model)
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
