//! Optimizers: a rule, what else is done to gradients and weights, and what is kept between steps.

mod state;

use std::sync::Arc;

use headwater_core::ops::broadcast_to;
use headwater_core::{AllOk, DType, Error, Result, Tensor};

use crate::nn::optimizers::options::{averaged, clipped_by_global_norm, clipped_by_norm, clipped_by_value, decayed};
use crate::nn::schedules::Schedule;
use crate::nn::Weight;
use crate::registry::{invoke, op_id};
use crate::train::rule::{Moments, Rule};

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
    /// Learning rates that differ between weights; 0 leaves a weight as it is.
    pub multiplier: Option<Multiplier>,
}

/// An optimizer: a rule, a learning rate, options, and one set of slots per weight.
pub struct Optimizer {
    step: usize,
    /// The step's numbers, the learning rate first.
    attrs: Vec<f64>,
    /// What slots begin with.
    initial: Vec<f64>,
    counts: bool,
    rate: Schedule,
    options: Options,
    state: Vec<Vec<Tensor>>,
    averages: Vec<Tensor>,
    steps: u32,
}

impl Optimizer {
    /// An optimizer that moves weights by `rule` with a learning rate, a number or a [`Schedule`].
    ///
    /// # Errors
    /// `ErrorKind::Argument` for a schedule that gives no rates; `ErrorKind::Unknown` for a rule that this build lacks.
    pub fn new(rule: Rule, rate: impl Into<Schedule>) -> Result<Optimizer> {
        let rate = rate.into();
        rate.check()?;
        let (name, numbers, initial) = rule.parts();
        let attrs = [0.0].into_iter().chain(numbers).collect();
        let (options, counts) = (Options::default(), rule.counts());
        Ok(Optimizer {
            step: op_id(name)?,
            attrs,
            initial,
            counts,
            rate,
            options,
            state: Vec::new(),
            averages: Vec::new(),
            steps: 0,
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

    /// Changes the learning rate.
    pub fn set_rate(&mut self, rate: f64) {
        self.rate = Schedule::Constant(rate);
    }

    /// The learning rate of the next step.
    pub fn rate(&self) -> f64 {
        self.rate.at(f64::from(self.steps))
    }

    /// Moves weights along their gradients.
    ///
    /// # Errors
    /// `ErrorKind::Argument` for another number of gradients than weights, or of weights than before; what the step gives.
    pub fn apply(&mut self, weights: &[Weight], gradients: &[Tensor]) -> Result<()> {
        if gradients.len() != weights.len() {
            return Err(Error::argument("optimizer", format!("{} gradients", weights.len()), gradients.len()));
        }
        if self.steps == 0 {
            self.begin(weights)?;
        } else if self.state.len() != weights.len() {
            return Err(Error::argument("optimizer", format!("{} weights", self.state.len()), weights.len()));
        }
        let rate = self.rate();
        self.steps += 1;
        if self.counts {
            if let Some(count) = self.attrs.last_mut() {
                *count = f64::from(self.steps);
            }
        }
        let gradients = self.clipped(gradients)?;
        for (i, (weight, gradient)) in weights.iter().zip(gradients).enumerate() {
            let factor = self.options.multiplier.as_ref().map_or(1.0, |f| f(&weight.name));
            self.attrs[0] = rate * factor;
            self.move_weight(i, weight, gradient)?;
        }
        Ok(())
    }

    /// Gives weights their moving averages, if such are kept: to be called when training has ended.
    ///
    /// # Errors
    /// What setting a weight gives.
    pub fn finish(&self, weights: &[Weight]) -> Result<()> {
        weights.iter().zip(&self.averages).try_for_each(|(weight, average)| weight.set(narrow(average, weight)?))
    }

    fn begin(&mut self, weights: &[Weight]) -> Result<()> {
        let slots = |w: &Weight| {
            let full = |&x: &f64| broadcast_to(&w.value().device().constant_of(DType::F32, x), w.spec.shape.clone());
            self.initial.iter().map(full).all_ok()
        };
        self.state = weights.iter().map(slots).all_ok()?;
        if self.options.ema.is_some() {
            self.averages = weights.iter().map(|w| w.value().zeros_like()).all_ok()?;
        }
        Ok(())
    }

    fn clipped(&self, gradients: &[Tensor]) -> Result<Vec<Tensor>> {
        match self.options.clip {
            None => Ok(gradients.to_vec()),
            Some(Clip::Value(limit)) => gradients.iter().map(|g| clipped_by_value(g, limit)).all_ok(),
            Some(Clip::Norm(limit)) => {
                let each: Vec<Vec<Tensor>> = gradients.iter().map(|g| clipped_by_norm(g, limit)).all_ok()?;
                Ok(each.into_iter().flatten().collect())
            }
            Some(Clip::GlobalNorm(limit)) => clipped_by_global_norm(gradients, limit),
        }
    }

    /// Moves weight number `i` with the current numbers of the step.
    fn move_weight(&mut self, i: usize, weight: &Weight, gradient: Tensor) -> Result<()> {
        let mut value = weight.value();
        if self.options.weight_decay != 0.0 {
            value = decayed(&value, self.options.weight_decay * self.attrs[0])?;
        }
        let device = value.device().clone();
        let mut inputs = vec![value, gradient];
        inputs.append(&mut self.state[i]);
        let mut results = invoke(&device, self.step, &inputs, &self.attrs)?.into_iter();
        let moved = results.next();
        self.state[i].extend(results);
        let Some(mut next) = moved else { return Ok(()) };
        if let (Some(ema), Some(average)) = (self.options.ema, self.averages.get_mut(i)) {
            let momentum = if self.steps == 1 { 0.0 } else { ema.momentum };
            *average = averaged(average, &next, momentum)?;
            if ema.overwrite_every.is_some_and(|every| every > 0 && self.steps.is_multiple_of(every)) {
                next = average.clone();
            }
        }
        let next = match &weight.spec.constraint {
            Some(constraint) => crate::nn::constrain(constraint, &next)?,
            None => next,
        };
        weight.set(narrow(&next, weight)?)
    }
}

/// A value in the weight's dtype.
fn narrow(value: &Tensor, weight: &Weight) -> Result<Tensor> {
    value.cast(weight.spec.dtype)
}
