//! How training goes besides its steps: validation, callbacks, sums of measures.

use headwater_core::ops::{add, hash_key, mul};
use headwater_core::{AllOk, Device, Error, Result, Tensor};

use super::callback::{Callback, Control};
use super::history::Logs;
use super::objective::Objective;
use super::source::{Batch, Batches, Pass, Source};
use crate::nn::{Call, Network};

/// What [`Trainer::fit_with`](crate::train::Trainer::fit_with) does besides steps.
///
/// ```
/// use headwater::nn::{layers::Dense, Sequential};
/// use headwater::train::{EarlyStopping, Fit, Optimizer, ReduceLrOnPlateau, Samples, Trainer};
/// use headwater::{cpu, ops, Result};
///
/// # fn main() -> Result<()> {
/// let device = cpu(1);
/// let x = ops::random_normal(&device, [200, 2], 0.0, 1.0, 1)?;
/// let y = x.sum(Some(&[1]), true)?;
/// let model = Sequential::new(&device, vec![None, Some(2)], 1).layer(Dense::new(1))?.build();
/// let (train, validation) = Samples::new(&[&x], &[&y])?.split(0.2)?;
/// let mut stop = EarlyStopping { patience: 3, min_delta: 1e-4, restore_best_weights: true, ..EarlyStopping::default() };
/// let mut slower = ReduceLrOnPlateau { patience: 2, ..ReduceLrOnPlateau::default() };
/// let mut trainer = Trainer { epochs: 500, ..Trainer::new(Optimizer::adam(0.05)?, "meanSquaredError")? };
/// let fit = Fit::new().validation(&validation).callback(&mut stop).callback(&mut slower);
/// let history = trainer.fit_with(&model, &train, fit)?;
/// let losses = history.get("val_loss").unwrap_or(&[]);
/// assert!(losses.len() < 500 && losses.len() == stop.stopped_epoch.unwrap_or(0) + 1);
/// assert!(trainer.evaluate(&model, &validation)?.get("loss") < Some(1e-3));
/// # Ok(())
/// # }
/// ```
pub struct Fit<'a> {
    pub(super) validation: Option<&'a dyn Source>,
    pub(super) callbacks: Vec<&'a mut dyn Callback>,
    pub(super) steps_per_epoch: Option<usize>,
    pub(super) first_epoch: usize,
    pub(super) shuffle: bool,
}

impl Default for Fit<'_> {
    fn default() -> Self {
        Fit { validation: None, callbacks: Vec::new(), steps_per_epoch: None, first_epoch: 0, shuffle: true }
    }
}

impl<'a> Fit<'a> {
    /// Samples in a new order in each epoch, no validation, no callbacks.
    pub fn new() -> Fit<'a> {
        Fit::default()
    }

    /// Measures this data at the end of each epoch, under names that begin with `val_`.
    #[must_use]
    pub fn validation(mut self, source: &'a dyn Source) -> Fit<'a> {
        self.validation = Some(source);
        self
    }

    /// Adds a callback; they are called in the order in which they were added.
    #[must_use]
    pub fn callback(mut self, callback: &'a mut dyn Callback) -> Fit<'a> {
        self.callbacks.push(callback);
        self
    }

    /// Ends epochs after so many steps. The next goes on where the data was, from its beginning where that has ended.
    #[must_use]
    pub fn steps_per_epoch(mut self, steps: usize) -> Fit<'a> {
        self.steps_per_epoch = Some(steps);
        self
    }

    /// Begins with this epoch rather than 0.
    #[must_use]
    pub fn first_epoch(mut self, epoch: usize) -> Fit<'a> {
        self.first_epoch = epoch;
        self
    }

    /// Whether [`Samples`](crate::train::Samples) are in a new order in each epoch.
    #[must_use]
    pub fn shuffle(mut self, yes: bool) -> Fit<'a> {
        self.shuffle = yes;
        self
    }

    pub(super) fn each(&mut self, mut f: impl FnMut(&mut dyn Callback) -> Result<()>) -> Result<()> {
        self.callbacks.iter_mut().try_for_each(|callback| f(*callback))
    }

    /// Asks every callback; one that stops is enough.
    pub(super) fn control(&mut self, mut f: impl FnMut(&mut dyn Callback) -> Result<Control>) -> Result<Control> {
        let mut control = Control::Continue;
        for callback in &mut self.callbacks {
            if f(*callback)? == Control::Stop {
                control = Control::Stop;
            }
        }
        Ok(control)
    }
}

/// The batches of epochs: a pass each, or with `steps_per_epoch` as many as are wanted, from pass to pass.
pub(super) struct Stream<'a> {
    source: &'a dyn Source,
    device: Device,
    batch_size: usize,
    seed: Option<u32>,
    open: Option<Batches<'a>>,
    passes: u32,
}

impl<'a> Stream<'a> {
    pub fn new(source: &'a dyn Source, device: &Device, batch_size: usize, seed: Option<u32>) -> Stream<'a> {
        Stream { source, device: device.clone(), batch_size, seed, open: None, passes: 0 }
    }

    /// Begins pass number `pass`.
    pub fn begin(&mut self, pass: u32) -> Result<()> {
        let shuffle = self.seed.map(|seed| hash_key(seed, pass));
        self.open = Some(self.source.pass(&self.device, Pass { batch_size: self.batch_size, shuffle })?);
        self.passes = pass + 1;
        Ok(())
    }

    /// The next batch; with `renew` of another pass when this one has ended, unless that is empty.
    pub fn next(&mut self, renew: bool) -> Result<Option<Batch>> {
        let mut next = self.open.as_mut().and_then(Iterator::next);
        if next.is_none() && renew {
            self.begin(self.passes)?;
            next = self.open.as_mut().and_then(Iterator::next);
        }
        next.transpose()
    }
}

/// Sums of measures, on the device.
#[derive(Default)]
pub(super) struct Sums {
    values: Vec<Tensor>,
    samples: usize,
}

impl Sums {
    pub fn add(&mut self, means: &[Tensor], samples: usize) -> Result<()> {
        let counted: Vec<Tensor> = means.iter().map(|mean| mul(mean, &mean.constant(samples as f64))).all_ok()?;
        self.values = match self.samples {
            0 => counted,
            _ => self.values.iter().zip(&counted).map(|(sum, own)| add(sum, own)).all_ok()?,
        };
        self.samples += samples;
        Ok(())
    }

    /// The means, read from the device.
    pub fn read(&self, who: &str, objective: &Objective, model: &dyn Network) -> Result<Logs> {
        if self.samples == 0 {
            return Err(Error::argument(who, "data with at least one sample", "none"));
        }
        let own = model.output_names();
        // Loss and metrics of one output, or the total and at least a loss for each.
        let outputs = if own.is_empty() { self.outputs(objective) } else { own };
        let values: Vec<f64> = self.values.iter().map(Tensor::item).all_ok()?;
        let means = values.into_iter().map(|sum| sum / self.samples as f64);
        Ok(objective.names(&outputs).into_iter().zip(means).collect())
    }

    /// Names for the outputs of a network that names none: as many as explain the number of measures.
    fn outputs(&self, objective: &Objective) -> Vec<String> {
        let named = |n: usize| (0..n).map(|i| format!("output_{i}")).collect::<Vec<_>>();
        let fits = |n: &usize| objective.names(&named(*n)).len() == self.values.len();
        named((1..=self.values.len()).find(fits).unwrap_or(1))
    }
}

/// The outputs of a model in inference, batch by batch, joined along the first dimension.
///
/// # Errors
/// `ErrorKind::Argument` when the source has no batch; what the layers and the source give.
pub fn predict(model: &dyn Network, source: &dyn Source, batch_size: usize) -> Result<Vec<Tensor>> {
    let mut parts: Vec<Vec<Tensor>> = Vec::new();
    for batch in source.pass(model.device(), Pass { batch_size, shuffle: None })? {
        let inputs = batch?.inputs;
        let outputs = model.call(&inputs.iter().collect::<Vec<_>>(), Call::default())?.outputs;
        parts.resize_with(outputs.len().max(parts.len()), Vec::new);
        parts.iter_mut().zip(outputs).for_each(|(part, output)| part.push(output));
        model.device().flush()?;
    }
    if parts.is_empty() {
        return Err(Error::argument("predict", "data with at least one batch", "none"));
    }
    parts.iter().map(|part| headwater_core::ops::concat(&part.iter().collect::<Vec<_>>(), 0)).all_ok()
}
