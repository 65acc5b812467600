//! What an optimizer keeps between steps, as tensors with names.

use headwater_core::{AllOk, Error, Result, Scalar, Tensor};

use super::{LossScale, Optimizer, ScaleState};
use crate::nn::Weight;
use crate::train::accumulator::Accumulator;

/// The name of the number of steps.
const STEPS: &str = "iter";

fn average(weight: &Weight) -> String {
    format!("{}/average", weight.name)
}

fn slot(weight: &Weight, i: usize) -> String {
    format!("{}/slot_{i}", weight.name)
}

impl Optimizer {
    /// What is kept between steps, by name: the number of steps, the slots and averages of each weight, and the loss scale, where
    /// there is one. `weights` are those of the last step: the model's [`trainable`](Weight::trainable) ones.
    ///
    /// ```
    /// use headwater::nn::{layers::Dense, Sequential};
    /// use headwater::train::{Fit, Optimizer, Samples, Trainer};
    /// use headwater::{cpu, DType, Result};
    ///
    /// # fn main() -> Result<()> {
    /// let device = cpu(1);
    /// let x = device.ones([4, 1], DType::F32)?;
    /// let model = Sequential::new(&device, vec![None, Some(1)], 1).layer(Dense::new(1).name("d"))?.build();
    /// let mut trainer = Trainer::new(Optimizer::adam(0.1)?, "mse")?;
    /// trainer.fit_with(&model, &Samples::new(&[&x], &[&x])?, Fit::new())?;
    /// let state = trainer.optimizer.state(&model.weights())?;
    /// assert_eq!((state[0].0.as_str(), state[0].1.item()?), ("iter", 1.0));
    /// assert_eq!(state[1].0, "d/kernel/slot_0");
    ///
    /// let mut other = Optimizer::adam(0.1)?;
    /// other.set_state(&model.weights(), |name| state.iter().find(|(n, _)| n == name).map(|(_, t)| t.clone()))?;
    /// assert_eq!(other.state(&model.weights())?[2].1.to_vec()?, state[2].1.to_vec()?);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// `ErrorKind::Argument` for another number of weights than in the last step.
    pub fn state(&self, weights: &[Weight]) -> Result<Vec<(String, Tensor)>> {
        let Some(first) = weights.first() else { return Ok(Vec::new()) };
        if self.steps > 0 && self.state.len() != weights.len() {
            return Err(Error::argument("optimizer", format_args!("{} weights", self.state.len()), weights.len()));
        }
        let mut all = vec![(STEPS.to_owned(), first.value().device().scalar(Scalar::I32(self.iterations()? as i32)))];
        for (weight, slots) in weights.iter().zip(&self.state) {
            all.extend(slots.iter().enumerate().map(|(i, value)| (slot(weight, i), value.clone())));
        }
        if let Some(state) = self.loss_scale().and_then(LossScale::kept) {
            all.extend(ScaleState::NAMES.map(String::from).into_iter().zip(state.tensors()));
        }
        all.extend(weights.iter().zip(&self.averages).map(|(weight, value)| (average(weight), value.clone())));
        Ok(all)
    }

    /// Goes on with what [`Optimizer::state`] gave, found by name. Where nothing is found under `iter` the optimizer begins anew.
    ///
    /// # Errors
    /// `ErrorKind::Format` naming what is missing; `ErrorKind::Shape` for a tensor of another shape than its weight.
    pub fn set_state(&mut self, weights: &[Weight], mut find: impl FnMut(&str) -> Option<Tensor>) -> Result<()> {
        self.steps = match find(STEPS) {
            Some(steps) => steps.item()? as u32,
            None => 0,
        };
        self.skipped = 0;
        (self.state, self.averages, self.accumulator) = (Vec::new(), Vec::new(), Accumulator::default());
        self.weights.clear();
        if let Some(scale) = &mut self.scale {
            scale.keep(ScaleState::of(&ScaleState::NAMES.into_iter().filter_map(&mut find).collect::<Vec<_>>()));
            self.steps = self.steps.saturating_add(scale.skipped()?);
        }
        if self.steps == 0 {
            return Ok(());
        }
        let mut found = |weight: &Weight, name: String| {
            let value = find(&name).ok_or_else(|| Error::format("optimizer", format_args!("'{name}' is missing")))?;
            if value.shape() != &weight.spec.shape {
                return Err(Error::shape(&name, format_args!("a value of shape {}", weight.spec.shape), value.shape()));
            }
            Ok(value)
        };
        let slots = self.initial.len();
        self.state = weights.iter().map(|w| (0..slots).map(|i| found(w, slot(w, i))).all_ok()).all_ok()?;
        if self.options.ema.is_some() {
            self.averages = weights.iter().map(|w| found(w, average(w))).all_ok()?;
        }
        self.settle()
    }
}
