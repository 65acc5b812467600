//! Which learning rate to train with.

use headwater_core::{Error, Result, Tensor};

use super::callback::{Callback, Control, Gradients, Run};
use super::fit::Fit;
use super::source::Source;
use super::{Optimizer, Trainer};
use crate::nn::{Network, Weight};

/// How [`Trainer::find_rate`] looks for a learning rate.
#[derive(Clone, Copy, Debug)]
pub struct RateSweep {
    /// The first rate, 1e-7 by default.
    pub min_rate: f64,
    /// The last rate, 10 by default.
    pub max_rate: f64,
    /// Steps from the first to the last, 100 by default.
    pub steps: usize,
    /// How much of the smooth loss is that of the past, 0.9 by default.
    pub smoothing: f64,
    /// The sweep ends when the smooth loss is so many times the lowest, 4 by default.
    pub divergence: f64,
}

impl Default for RateSweep {
    fn default() -> RateSweep {
        RateSweep { min_rate: 1e-7, max_rate: 10.0, steps: 100, smoothing: 0.9, divergence: 4.0 }
    }
}

/// What became of the loss while the learning rate rose.
#[derive(Clone, Debug)]
pub struct RateCurve {
    /// The rates of the steps that were made.
    pub rates: Vec<f64>,
    /// The loss of the batch of each step.
    pub losses: Vec<f64>,
    /// The rate in the middle of the range in which the smooth loss falls; none where it never falls.
    pub suggestion: Option<f64>,
}

impl RateSweep {
    fn check(&self) -> Result<()> {
        if !(self.min_rate > 0.0 && self.max_rate > self.min_rate && self.max_rate.is_finite()) {
            let received = format!("{} and {}", self.min_rate, self.max_rate);
            return Err(Error::argument("find_rate", "0 < min_rate < max_rate", received));
        }
        if self.steps < 2 {
            return Err(Error::argument("find_rate", "more than one step", self.steps));
        }
        if !(0.0..1.0).contains(&self.smoothing) {
            return Err(Error::argument("find_rate", "a smoothing in [0, 1)", self.smoothing));
        }
        Ok(())
    }

    fn rate(&self, step: usize) -> f64 {
        self.min_rate * (self.max_rate / self.min_rate).powf(step as f64 / (self.steps - 1) as f64)
    }

    /// Averages in which the past decays, without bias to the zero before the first.
    fn smooth(&self, losses: &[f64]) -> Vec<f64> {
        let mut average = 0.0;
        let mut left = 1.0;
        let mut next = |loss: &f64| {
            average = self.smoothing * average + (1.0 - self.smoothing) * loss;
            left *= self.smoothing;
            average / (1.0 - left)
        };
        losses.iter().map(&mut next).collect()
    }
}

/// Where the middle of the valley is that losses go down: its length is that of their longest decreasing subsequence.
fn valley(losses: &[f64]) -> Option<usize> {
    let mut lengths: Vec<usize> = Vec::new();
    for loss in losses {
        let before = lengths.iter().zip(losses).filter(|&(_, other)| loss < other).map(|(&length, _)| length);
        lengths.push(1 + before.max().unwrap_or(0));
    }
    let length = lengths.iter().copied().max().filter(|&length| length > 1)?;
    let end = lengths.iter().position(|&other| other == length)?;
    Some((2 * end - length) / 2)
}

/// Raises the rate from step to step.
struct Sweeping {
    sweep: RateSweep,
    losses: Vec<f64>,
    lowest: f64,
}

impl Callback for Sweeping {
    fn gradients(&mut self, _: &Run, step: &mut Gradients<'_>) -> Result<Control> {
        step.optimizer.set_rate(self.sweep.rate(self.losses.len()));
        Ok(Control::Continue)
    }

    fn step_end(&mut self, _: &Run, loss: Option<&Tensor>, _: &dyn Network, _: &mut Optimizer) -> Result<Control> {
        let Some(loss) = loss else { return Ok(Control::Continue) };
        let loss = loss.item()?;
        if !loss.is_finite() {
            return Ok(Control::Stop);
        }
        self.losses.push(loss);
        let current = self.sweep.smooth(&self.losses).last().copied().unwrap_or(loss);
        self.lowest = self.lowest.min(current);
        let ends = self.losses.len() == self.sweep.steps || current > self.sweep.divergence * self.lowest;
        Ok(if ends { Control::Stop } else { Control::Continue })
    }
}

impl Trainer {
    /// Trains a model while the learning rate rises exponentially from step to step (Smith 2017), and tells what became of the
    /// loss. The model has its weights back afterwards, and the optimizer keeps nothing of it.
    ///
    /// ```
    /// use headwater::nn::{layers::Dense, Sequential};
    /// use headwater::train::{Optimizer, RateSweep, Samples, Trainer};
    /// use headwater::{cpu, ops, Result};
    ///
    /// # fn main() -> Result<()> {
    /// let device = cpu(1);
    /// let x = ops::random_normal(&device, [128, 4], 0.0, 1.0, 1)?;
    /// let model = Sequential::new(&device, vec![None, Some(4)], 1).layer(Dense::new(1))?.build();
    /// let mut trainer = Trainer::new(Optimizer::sgd(0.01)?, "mse")?;
    /// let samples = Samples::new(&[&x], &[&x.sum(Some(&[1]), true)?])?;
    /// let curve = trainer.find_rate(&model, &samples, RateSweep::default())?;
    /// assert!(curve.suggestion.is_some_and(|rate| rate > 1e-4 && rate < 1.0), "{curve:?}");
    /// trainer.optimizer.set_rate(curve.suggestion.unwrap_or(0.01));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// `ErrorKind::Argument` for a sweep that cannot be; as [`Trainer::fit_with`].
    pub fn find_rate(&self, model: &dyn Network, source: &dyn Source, sweep: RateSweep) -> Result<RateCurve> {
        sweep.check()?;
        let mut trainer = Trainer {
            batch_size: self.batch_size,
            // No epoch has less than one step; the callback ends the last.
            epochs: sweep.steps,
            seed: self.seed,
            ..Trainer::compiled(self.optimizer.anew(), self.objective.clone())
        };
        let before: Vec<(Weight, Tensor)> =
            model.weights().into_iter().chain(model.states()).map(|weight| (weight.clone(), weight.value())).collect();
        let mut sweeping = Sweeping { sweep, losses: Vec::new(), lowest: f64::INFINITY };
        let swept = trainer.fit_with(model, source, Fit::new().callback(&mut sweeping));
        before.into_iter().try_for_each(|(weight, value)| weight.set(value))?;
        swept?;
        let losses = sweeping.losses;
        let rates: Vec<f64> = (0..losses.len()).map(|step| sweep.rate(step)).collect();
        let suggestion = valley(&sweep.smooth(&losses)).and_then(|at| rates.get(at).copied());
        Ok(RateCurve { rates, losses, suggestion })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_suggestion_is_in_the_middle_of_the_valley() {
        assert_eq!(valley(&[5.0, 5.0, 4.0, 3.0, 2.0, 1.0, 9.0]), Some(2));
        assert_eq!(valley(&[1.0, 2.0, 3.0]), None);
        assert_eq!(valley(&[2.0, 1.0]), Some(0));
        assert_eq!(valley(&[]), None);
    }

    #[test]
    fn what_cannot_be_swept_is_an_error() {
        let plain = RateSweep::default();
        for wrong in [
            RateSweep { min_rate: 0.0, ..plain },
            RateSweep { max_rate: 1e-8, ..plain },
            RateSweep { steps: 1, ..plain },
            RateSweep { smoothing: 1.0, ..plain },
        ] {
            assert_eq!(wrong.check().expect_err("wrong").code(), "argument");
        }
        assert!((plain.rate(99) - 10.0).abs() < 1e-9 && plain.rate(0) == 1e-7);
    }
}
