//! How training goes besides its steps: validation, callbacks, the order of batches, sums of measures.

use headwater_core::ops::{add, hash_key};
use headwater_core::Listed;
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

    /// Asks one callback after the other until one does not go on.
    pub(super) fn instead(&mut self, mut f: impl FnMut(&mut dyn Callback) -> Result<Control>) -> Result<Control> {
        for callback in &mut self.callbacks {
            match f(*callback)? {
                Control::Continue => {}
                instead => return Ok(instead),
            }
        }
        Ok(Control::Continue)
    }
}

/// The batches of epochs: a pass each, or with `steps_per_epoch` as many as are wanted, from pass to pass.
pub(super) struct Stream<'a> {
    source: &'a dyn Source,
    device: Device,
    batch_size: usize,
    seed: Option<u32>,
    open: Option<Batches<'a>>,
    /// Passes that have begun.
    pub passes: u32,
    /// Batches of the last one that were read.
    pub read: usize,
}

impl<'a> Stream<'a> {
    pub fn new(source: &'a dyn Source, device: &Device, batch_size: usize, seed: Option<u32>) -> Stream<'a> {
        Stream { source, device: device.clone(), batch_size, seed, open: None, passes: 0, read: 0 }
    }

    /// Begins pass number `pass`.
    pub fn begin(&mut self, pass: u32) -> Result<()> {
        let shuffle = self.seed.map(|seed| hash_key(seed, pass));
        self.open = Some(self.source.pass(&self.device, Pass { batch_size: self.batch_size, shuffle })?);
        (self.passes, self.read) = (pass + 1, 0);
        Ok(())
    }

    /// Goes on where another stream had begun so many passes, and read so many batches of the last.
    pub fn resume(&mut self, passes: u32, read: usize) -> Result<()> {
        let Some(pass) = passes.checked_sub(1) else { return Ok(()) };
        self.begin(pass)?;
        for at in 0..read {
            if self.next(false)?.is_none() {
                let expected = format_args!("the checkpoint is of data with {read} batches or more, this has {at}");
                return Err(Error::format("training checkpoint", expected));
            }
        }
        Ok(())
    }

    /// The next batch; with `renew` of another pass when this one has ended, unless that is empty.
    pub fn next(&mut self, renew: bool) -> Result<Option<Batch>> {
        let mut next = self.open.as_mut().and_then(Iterator::next);
        if next.is_none() && renew {
            self.begin(self.passes)?;
            next = self.open.as_mut().and_then(Iterator::next);
        }
        self.read += usize::from(next.is_some());
        next.transpose()
    }
}

/// Sums of measures, on the device.
#[derive(Default)]
pub(super) struct Sums {
    pub values: Vec<Tensor>,
    pub samples: usize,
}

impl Sums {
    /// Adds what a batch of so many samples adds to each sum.
    pub fn add(&mut self, terms: Vec<Tensor>, samples: usize) -> Result<()> {
        if self.values.is_empty() {
            self.values = terms;
        } else {
            let fits = |(sum, term): (&Tensor, &Tensor)| sum.shape() == term.shape();
            if self.values.len() != terms.len() || !self.values.iter().zip(&terms).all(fits) {
                let received = format!("{} sums of other shapes", terms.len());
                return Err(Error::shape("metrics", "a batch like those before", received));
            }
            self.values = self.values.iter().zip(&terms).map(|(sum, own)| add(sum, own)).all_ok()?;
        }
        self.samples += samples;
        Ok(())
    }

    /// The measures, read from the device; none of no sample.
    pub fn read(&self, objective: &Objective, model: &dyn Network) -> Result<Logs> {
        if self.samples == 0 {
            return Ok(Logs::default());
        }
        objective.logs(&model.output_names(), &self.values, self.samples)
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
        let outputs = model.call(&inputs.iter().listed(), Call::default())?.outputs;
        parts.resize_with(outputs.len().max(parts.len()), Vec::new);
        parts.iter_mut().zip(outputs).for_each(|(part, output)| part.push(output));
        model.device().flush()?;
    }
    if parts.is_empty() {
        return Err(Error::argument("predict", "data with at least one batch", "none"));
    }
    parts.iter().map(|part| headwater_core::ops::concat(&part.iter().listed(), 0)).all_ok()
}
