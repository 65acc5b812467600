//! One step of one weight.

use headwater_core::ops::{equal, modulo, select, sub};
use headwater_core::{AllOk, DType, Result, Scalar, Tensor};

use super::{Clip, Optimizer};
use crate::nn::optimizers::options::{averaged, clipped_by_global_norm, clipped_by_norm, clipped_by_value, decayed};
use crate::nn::Weight;
use crate::registry::invoke;
use crate::train::rule::Counts;

/// Whether a step is made, which the device decides.
pub(super) struct Guard {
    /// Whether it is: a bool scalar.
    pub finite: Tensor,
    /// How many steps before it were not.
    pub skipped: Tensor,
}

impl Guard {
    /// What is new, or what was before where the step is skipped.
    fn pick(&self, new: &Tensor, old: &Tensor) -> Result<Tensor> {
        select(&self.finite, new, old)
    }
}

impl Optimizer {
    /// Gradients as they are limited.
    pub(super) fn clipped(&self, gradients: &[Tensor]) -> Result<Vec<Tensor>> {
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
    pub(super) fn move_weight(
        &mut self,
        i: usize,
        weight: &Weight,
        gradient: Tensor,
        guard: Option<&Guard>,
    ) -> Result<()> {
        let before = weight.value();
        let mut value = before.clone();
        if self.options.weight_decay != 0.0 {
            value = decayed(&value, self.options.weight_decay * self.attrs[0])?;
        }
        let slots = std::mem::take(&mut self.state[i]);
        let mut inputs = vec![value, gradient];
        inputs.extend(slots.iter().cloned());
        if let (Some(guard), Counts::OnDevice) = (guard, self.counts) {
            inputs.push(guard.skipped.clone());
        }
        let mut results = invoke(before.device(), self.step, &inputs, &self.attrs)?.into_iter();
        let moved = results.next();
        self.state[i] = match guard {
            Some(guard) => slots.iter().zip(results).map(|(old, new)| guard.pick(&new, old)).all_ok()?,
            None => results.collect(),
        };
        let Some(moved) = moved else { return Ok(()) };
        let mut next = self.averaging(i, moved, guard)?;
        if let Some(constraint) = &weight.spec.constraint {
            next = crate::nn::constrain(constraint, &next)?;
        }
        next = narrow(&next, weight)?;
        if let Some(guard) = guard {
            next = guard.pick(&next, &before)?;
        }
        weight.set(next)
    }

    /// Moves the average of weight number `i`, if such are kept, and gives what the weight becomes.
    fn averaging(&mut self, i: usize, moved: Tensor, guard: Option<&Guard>) -> Result<Tensor> {
        let (Some(ema), Some(average)) = (self.options.ema, self.averages.get_mut(i)) else { return Ok(moved) };
        let every = ema.overwrite_every;
        let Some(guard) = guard else {
            let momentum = if self.steps == 1 { 0.0 } else { ema.momentum };
            *average = averaged(average, &moved, momentum)?;
            let overwrites = every.is_some_and(|every| self.steps.is_multiple_of(every));
            return Ok(if overwrites { average.clone() } else { moved });
        };
        // The number of the step, which only the device knows.
        let number = sub(&moved.device().scalar(Scalar::F32(self.steps as f32)), &guard.skipped)?;
        let is_first = equal(&number, &number.constant(1.0))?;
        let moved = moved.cast(DType::F32)?;
        let next = select(&is_first, &moved, &averaged(average, &moved, ema.momentum)?)?;
        *average = guard.pick(&next, average)?;
        let Some(every) = every else { return Ok(moved) };
        let rest = modulo(&number, &number.constant(every.into()))?;
        select(&equal(&rest, &rest.constant(0.0))?, &next, &moved)
    }
}

/// A value in the weight's dtype.
pub(super) fn narrow(value: &Tensor, weight: &Weight) -> Result<Tensor> {
    value.cast(weight.spec.dtype)
}
