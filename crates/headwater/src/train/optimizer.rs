//! Optimizers: a rule, what else is done to gradients and weights, and what is kept between steps.

mod check;
mod moving;
mod scale;
mod state;

use std::sync::Arc;

use headwater_core::ops::broadcast_to;
use headwater_core::{AllOk, DType, Error, Result, Tensor};

use crate::nn::schedules::Schedule;
use crate::nn::Weight;
use crate::registry::op_id;
use crate::train::accumulator::Accumulator;
use crate::train::rule::{Counts, Moments, Rule};

use moving::{narrow, Guard};
pub use scale::LossScale;
pub(super) use scale::{unscaled, State as ScaleState};

/// How gradients are limited.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Clip {
    /// No element is further from 0.
    Value(f64),
    /// No gradient's Euclidean norm is larger.
    Norm(f64),
    /// The Euclidean norm of all gradients as one vector is not larger.
    GlobalNorm(f64),
}

/// Moving averages of weights.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Ema {
    /// The part of an average that remains in a step.
    pub momentum: f64,
    /// Steps after which weights become their averages, again and again.
    pub overwrite_every: Option<u32>,
}

/// The learning rate's factor for a weight, by its name.
pub type Multiplier = Arc<dyn Fn(&str) -> f64 + Send + Sync>;

/// What any optimizer may do besides its rule.
#[derive(Clone, Default)]
pub struct Options {
    /// The part of a weight, times the learning rate, that is taken from it in a step, apart from its gradient.
    pub weight_decay: f64,
    /// The limit of gradients.
    pub clip: Option<Clip>,
    /// Moving averages of weights.
    pub ema: Option<Ema>,
    /// Calls of [`Optimizer::apply`] whose gradients make one step, along their mean; 0 and 1: each call makes one. As in
    /// Keras, schedules of the learning rate count calls, not steps.
    pub accumulate: u32,
    /// Learning rates that differ between weights; 0 leaves a weight as it is.
    pub multiplier: Option<Multiplier>,
}

/// An optimizer: a rule, a learning rate, options, and one set of slots per weight.
pub struct Optimizer {
    name: &'static str,
    step: usize,
    /// The step's numbers, the learning rate first.
    attrs: Vec<f64>,
    /// What slots begin with.
    initial: Vec<f64>,
    counts: Counts,
    rate: Schedule,
    options: Options,
    /// The weights of the last step, which slots, averages and sums of gradients are of.
    weights: Vec<Weight>,
    state: Vec<Vec<Tensor>>,
    averages: Vec<Tensor>,
    accumulator: Accumulator,
    scale: Option<LossScale>,
    /// Steps, those that were skipped included.
    steps: u32,
    /// Those that are known to have been skipped: all, where the next step is to know.
    skipped: u32,
}

impl Optimizer {
    /// An optimizer that moves weights by `rule` with a learning rate, a number or a [`Schedule`].
    ///
    /// # Errors
    /// `ErrorKind::Argument` for a schedule that gives no rates and for numbers of a rule that are outside of its range;
    /// `ErrorKind::Unknown` for a rule that this build lacks.
    pub fn new(rule: Rule, rate: impl Into<Schedule>) -> Result<Optimizer> {
        let rate = rate.into();
        rate.check()?;
        rule.check()?;
        if rate.at(0.0).is_nan() {
            return Err(Error::argument("optimizer", "a learning rate", "NaN"));
        }
        let (name, numbers, initial) = rule.parts();
        let attrs = [0.0].into_iter().chain(numbers).collect();
        let (options, counts) = (Options::default(), rule.counts());
        Ok(Optimizer {
            name,
            step: op_id(name)?,
            attrs,
            initial,
            counts,
            rate,
            options,
            weights: Vec::new(),
            state: Vec::new(),
            averages: Vec::new(),
            accumulator: Accumulator::default(),
            scale: None,
            steps: 0,
            skipped: 0,
        })
    }

    /// Stochastic gradient descent.
    ///
    /// # Errors
    /// As [`Optimizer::new`].
    pub fn sgd(rate: impl Into<Schedule>) -> Result<Optimizer> {
        Optimizer::new(Rule::Sgd, rate)
    }

    /// Adam with TensorFlow.js's defaults.
    ///
    /// # Errors
    /// As [`Optimizer::new`].
    pub fn adam(rate: impl Into<Schedule>) -> Result<Optimizer> {
        Optimizer::new(Rule::Adam(Moments::default()), rate)
    }

    /// Adam with weight decay (Loshchilov & Hutter 2019); Keras's decay is 0.004.
    ///
    /// # Errors
    /// As [`Optimizer::new`].
    pub fn adamw(rate: impl Into<Schedule>, weight_decay: f64) -> Result<Optimizer> {
        Ok(Optimizer::adam(rate)?.with(Options { weight_decay, ..Options::default() }))
    }

    /// The optimizer with other options.
    #[must_use]
    pub fn with(mut self, options: Options) -> Optimizer {
        self.options = options;
        self
    }

    /// The optimizer with a scale of the loss, for gradients that are computed in float16.
    #[must_use]
    pub fn loss_scaled(mut self, scale: LossScale) -> Optimizer {
        self.scale = Some(scale);
        self
    }

    /// The scale of the loss, if there is one.
    pub fn loss_scale(&self) -> Option<&LossScale> {
        self.scale.as_ref()
    }

    /// The scale of the loss, if there is one, to be changed.
    pub(super) fn loss_scale_mut(&mut self) -> &mut Option<LossScale> {
        &mut self.scale
    }

    /// Another optimizer like this one, which has made no step.
    pub(super) fn anew(&self) -> Optimizer {
        let scale = self.scale.as_ref().map(|scale| {
            let mut scale = scale.clone();
            scale.keep(None);
            scale
        });
        Optimizer {
            attrs: self.attrs.clone(),
            initial: self.initial.clone(),
            rate: self.rate.clone(),
            options: self.options.clone(),
            weights: Vec::new(),
            state: Vec::new(),
            averages: Vec::new(),
            accumulator: Accumulator::default(),
            scale,
            steps: 0,
            skipped: 0,
            ..*self
        }
    }

    /// Steps that weights have moved in. Those with a gradient that is not finite, which a [`LossScale`] has skipped, do not
    /// count: with one, this waits for the last step.
    ///
    /// # Errors
    /// What reading gives.
    pub fn iterations(&self) -> Result<u32> {
        let skipped = self.scale.as_ref().map_or(Ok(0), LossScale::skipped)?;
        Ok(self.steps.saturating_sub(skipped))
    }

    /// Reads how many steps were skipped, where the numbers of the next step depend on it: with a loss scale and a rate or rule
    /// that follows the number of the step.
    ///
    /// # Errors
    /// What reading gives.
    pub(super) fn settle(&mut self) -> Result<()> {
        let scheduled = !matches!(self.rate, Schedule::Constant(_)) || self.counts == Counts::OnHost;
        match &self.scale {
            Some(scale) if scheduled => self.skipped = scale.skipped()?,
            _ => {}
        }
        Ok(())
    }

    /// Changes the learning rate.
    pub fn set_rate(&mut self, rate: f64) {
        self.rate = Schedule::Constant(rate);
    }

    /// The learning rate of the next step. As in Keras, schedules do not count steps that a [`LossScale`] has skipped.
    pub fn rate(&self) -> f64 {
        let steps = f64::from(self.steps.saturating_sub(self.skipped));
        match self.options.accumulate {
            0 | 1 => self.rate.at(steps),
            parts => self.rate.at(steps * f64::from(parts) + f64::from(self.accumulator.waiting)),
        }
    }

    /// Whether steps are made of several calls.
    pub(super) fn accumulates(&self) -> bool {
        self.options.accumulate > 1
    }

    /// Moves weights along their gradients; with [`Options::accumulate`], along the mean of those of so many calls.
    ///
    /// Other weights than before may be given: those that remain keep their slots, others begin with new ones, and gradients that
    /// wait for more are dropped.
    ///
    /// # Errors
    /// `ErrorKind::Argument` for another number of gradients than weights, or for [`Options`] outside of their range;
    /// `ErrorKind::Format` where a checkpoint that was restored is of other weights; what the step gives.
    pub fn apply(&mut self, weights: &[Weight], gradients: &[Tensor]) -> Result<()> {
        match self.options.accumulate {
            0 | 1 => {
                let finite = self.finite(gradients)?;
                self.advance(weights, gradients, finite.as_ref())?;
                self.scale_after(finite.as_ref())
            }
            parts => self.accumulate(weights, gradients, parts, 1.0).map(|_| ()),
        }
    }

    /// Adds gradients to those that the next step is made with, whose mean it takes, where these count `weight`. The step is
    /// made once there are those of `parts` calls. Whether it was made.
    ///
    /// # Errors
    /// As [`Optimizer::apply`].
    pub fn accumulate(&mut self, weights: &[Weight], gradients: &[Tensor], parts: u32, weight: f64) -> Result<bool> {
        check_gradients(weights, gradients)?;
        self.follow(weights)?;
        let finite = self.finite(gradients)?;
        self.accumulator.add(gradients, weight, finite.as_ref())?;
        self.scale_after(finite.as_ref())?;
        if self.accumulator.waiting + 1 >= parts {
            return self.advance_by_mean(weights).map(|()| true);
        }
        self.accumulator.waiting += 1;
        Ok(false)
    }

    /// Makes a step with the gradients that were accumulated. Whether there were any.
    ///
    /// # Errors
    /// As [`Optimizer::apply`].
    pub fn apply_accumulated(&mut self, weights: &[Weight]) -> Result<bool> {
        if self.accumulator.waiting == 0 {
            return Ok(false);
        }
        self.advance_by_mean(weights).map(|()| true)
    }

    fn advance_by_mean(&mut self, weights: &[Weight]) -> Result<()> {
        self.follow(weights)?;
        let means = self.accumulator.take()?;
        // Of parts that were all left out, the mean is NaN.
        let finite = self.finite(&means)?;
        let result = if means.is_empty() { Ok(()) } else { self.advance(weights, &means, finite.as_ref()) };
        self.accumulator.waiting = 0;
        result
    }

    /// Whether gradients are all finite, with a scale of the loss: a bool scalar.
    fn finite(&self, gradients: &[Tensor]) -> Result<Option<Tensor>> {
        if self.scale.is_some() {
            scale::all_finite(gradients)
        } else {
            Ok(None)
        }
    }

    /// Has the scale of the loss go on after gradients that were finite, or were not.
    fn scale_after(&mut self, finite: Option<&Tensor>) -> Result<()> {
        match (&mut self.scale, finite) {
            (Some(scale), Some(finite)) => scale.advance(finite),
            _ => Ok(()),
        }
    }

    fn advance(&mut self, weights: &[Weight], gradients: &[Tensor], finite: Option<&Tensor>) -> Result<()> {
        check_gradients(weights, gradients)?;
        self.follow(weights)?;
        self.settle()?;
        let rate = self.rate();
        self.steps += 1;
        if let (true, Some(count)) = (self.counts != Counts::Nothing, self.attrs.last_mut()) {
            let known = if self.counts == Counts::OnHost { self.skipped } else { 0 };
            *count = f64::from(self.steps.saturating_sub(known));
        }
        // With a gradient that is not finite, all that follows is dropped where it is computed.
        let guard = match (&mut self.scale, finite) {
            (Some(scale), Some(finite)) => {
                Some(Guard { skipped: scale.skipped_steps(finite.device()), finite: finite.clone() })
            }
            _ => None,
        };
        let gradients = self.clipped(gradients)?;
        for (i, (weight, gradient)) in weights.iter().zip(gradients).enumerate() {
            let factor = self.options.multiplier.as_ref().map_or(1.0, |f| f(&weight.name));
            self.attrs[0] = rate * factor;
            self.move_weight(i, weight, gradient, guard.as_ref())?;
        }
        match (&mut self.scale, guard) {
            (Some(scale), Some(guard)) => scale.count(&guard.finite),
            _ => Ok(()),
        }
    }

    /// Gives weights their moving averages, if such are kept: to be called when training has ended.
    ///
    /// # Errors
    /// What setting a weight gives.
    pub fn finish(&self, weights: &[Weight]) -> Result<()> {
        weights.iter().zip(&self.averages).try_for_each(|(weight, average)| weight.set(narrow(average, weight)?))
    }

    /// The registry's name of its step.
    pub(super) fn name(&self) -> &'static str {
        self.name
    }

    /// What is to be the same when training goes on.
    pub(super) fn kept(&self) -> Kept {
        let rate = if let Schedule::Constant(rate) = self.rate { Some(rate) } else { None };
        Kept {
            steps: self.steps,
            rate,
            slots: self.state.clone(),
            averages: self.averages.clone(),
            scale: self.scale.as_ref().and_then(LossScale::kept).cloned(),
            accumulated: self.accumulator.clone(),
        }
    }

    /// Takes what [`Optimizer::kept`] gave.
    ///
    /// # Errors
    /// `ErrorKind::Format` when it is that of an optimizer with other options.
    pub(super) fn keep(&mut self, kept: Kept) -> Result<()> {
        let averages = if self.options.ema.is_some() { kept.slots.len() } else { 0 };
        if kept.averages.len() != averages || kept.slots.iter().any(|slots| slots.len() != self.initial.len()) {
            let found = format!("{} averages and slots that do not fit", kept.averages.len());
            return Err(Error::format(
                "optimizer",
                format_args!("expected {averages} averages of weights, received {found}"),
            ));
        }
        match &mut self.scale {
            Some(scale) => scale.keep(kept.scale),
            None if kept.scale.is_some() => {
                return Err(Error::format("optimizer", "expected one without a loss scale, received one with it"));
            }
            None => {}
        }
        if let Some(rate) = kept.rate {
            self.set_rate(rate);
        }
        (self.steps, self.state, self.averages) = (kept.steps, kept.slots, kept.averages);
        self.weights.clear();
        (self.skipped, self.accumulator) = (0, kept.accumulated);
        self.settle()
    }

    /// Has slots and averages for `weights`, those that there were where they are of the same weights.
    fn follow(&mut self, weights: &[Weight]) -> Result<()> {
        if self.weights.len() == weights.len() && self.weights.iter().zip(weights).all(|(a, b)| a.same(b)) {
            return Ok(());
        }
        self.options.check()?;
        if self.weights.is_empty() && !self.state.is_empty() {
            self.adopt(weights)?;
        } else {
            let before = |w: &Weight| self.weights.iter().position(|other| other.same(w));
            let slots = |w: &Weight| {
                let full =
                    |&x: &f64| broadcast_to(&w.value().device().constant_of(DType::F32, x), w.spec.shape.clone());
                let kept = before(w).and_then(|i| self.state.get(i));
                kept.map_or_else(|| self.initial.iter().map(full).all_ok(), |slots| Ok(slots.clone()))
            };
            let average = |w: &Weight| {
                let kept = before(w).and_then(|i| self.averages.get(i));
                kept.map_or_else(|| w.value().cast(DType::F32), |average| Ok(average.clone()))
            };
            let averaged = if self.options.ema.is_some() { weights } else { &[] };
            let averages = averaged.iter().map(average).all_ok()?;
            (self.state, self.averages) = (weights.iter().map(slots).all_ok()?, averages);
            self.accumulator = Accumulator::default();
        }
        self.weights = weights.to_vec();
        Ok(())
    }

    /// Checks that what a checkpoint held is of `weights`.
    fn adopt(&self, weights: &[Weight]) -> Result<()> {
        let fits = |w: &Weight, slots: &[Tensor]| slots.iter().all(|slot| slot.shape() == &w.spec.shape);
        if self.state.len() == weights.len() && weights.iter().zip(&self.state).all(|(w, slots)| fits(w, slots)) {
            return Ok(());
        }
        let received = format_args!("slots of {} weights for {}", self.state.len(), weights.len()).to_string();
        let expected = "expected what an optimizer kept for the same weights, as many trained as now";
        Err(Error::format("optimizer", format_args!("{expected}, received {received}, or of other shapes")))
    }
}

/// Refuses gradients that are not those of weights.
fn check_gradients(weights: &[Weight], gradients: &[Tensor]) -> Result<()> {
    if gradients.len() != weights.len() {
        return Err(Error::argument("optimizer", format_args!("{} gradients", weights.len()), gradients.len()));
    }
    match weights.iter().zip(gradients).find(|(w, g)| w.spec.shape != *g.shape()) {
        Some((w, g)) => Err(Error::shape(&w.name, format_args!("a gradient of shape {}", w.spec.shape), g.shape())),
        None => Ok(()),
    }
}

/// What an optimizer keeps between steps.
pub(super) struct Kept {
    pub steps: u32,
    /// The learning rate, where it is constant.
    pub rate: Option<f64>,
    /// The slots of each weight that is trained.
    pub slots: Vec<Vec<Tensor>>,
    pub averages: Vec<Tensor>,
    /// The loss scale, where there is one.
    pub scale: Option<ScaleState>,
    pub accumulated: Accumulator,
}
