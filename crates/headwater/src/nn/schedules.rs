//! Learning rates as functions of the step, named and defined as in Keras.

use std::f64::consts::PI;
use std::fmt;
use std::sync::Arc;

use headwater_core::{Error, Result};

/// A learning rate by the number of steps done.
#[derive(Clone)]
pub enum Schedule {
    /// The same rate always.
    Constant(f64),
    /// `initial * rate^(step / steps)`.
    ExponentialDecay {
        /// The rate of step 0.
        initial: f64,
        /// Steps in which the learning rate is multiplied by `rate`.
        steps: f64,
        /// What it is multiplied by.
        rate: f64,
        /// Whether it falls at once at the end of so many steps.
        staircase: bool,
    },
    /// `initial / (1 + rate * step / steps)`.
    InverseTimeDecay {
        /// The rate of step 0.
        initial: f64,
        /// Steps in which the divisor grows by `rate`.
        steps: f64,
        /// What it grows by.
        rate: f64,
        /// Whether it grows at once at the end of so many steps.
        staircase: bool,
    },
    /// From `initial` to `end` in `steps`, as a power of the part that remains.
    PolynomialDecay {
        /// The rate of step 0.
        initial: f64,
        /// Steps until the end.
        steps: f64,
        /// The last rate.
        end: f64,
        /// The power; 1 is a line.
        power: f64,
        /// Whether it begins anew, over a longer time, rather than stay at the end.
        cycle: bool,
    },
    /// One rate after another.
    PiecewiseConstantDecay {
        /// Steps, in ascending order, and the rate up to and including each.
        pieces: Vec<(f64, f64)>,
        /// The rate after all of them.
        last: f64,
    },
    /// Half a wave from `initial` to `alpha * initial` in `steps`.
    CosineDecay {
        /// The rate of step 0.
        initial: f64,
        /// Steps until the end.
        steps: f64,
        /// The part of `initial` that remains.
        alpha: f64,
    },
    /// Half waves, one after another (Loshchilov & Hutter 2017).
    CosineDecayRestarts {
        /// The rate of step 0.
        initial: f64,
        /// Steps of the first wave.
        steps: f64,
        /// How much longer each is than the one before, at least 1.
        longer: f64,
        /// How much higher each is than the one before.
        higher: f64,
        /// The part of `initial` that remains.
        alpha: f64,
    },
    /// Up from `peak / divisor` and down to `peak / divisor / final_divisor`, both half waves (Smith & Topin 2018).
    OneCycle {
        /// The highest rate.
        peak: f64,
        /// Steps in all.
        steps: f64,
        /// The part of them that goes up.
        up: f64,
        /// How much lower than the peak it begins.
        divisor: f64,
        /// How much lower than it began it ends.
        final_divisor: f64,
    },
    /// A line from `from` to `to` in `steps`, then another schedule from its beginning.
    WarmUp {
        /// The rate of step 0.
        from: f64,
        /// The rate that the line goes to.
        to: f64,
        /// Steps of the line.
        steps: f64,
        /// What follows.
        then: Box<Schedule>,
    },
    /// Any function of the step.
    Custom(Arc<dyn Fn(f64) -> f64 + Send + Sync>),
}

impl Schedule {
    /// The learning rate of step number `step`, counted from 0.
    pub fn at(&self, step: f64) -> f64 {
        match *self {
            Schedule::Constant(rate) => rate,
            Schedule::ExponentialDecay { initial, steps, rate, staircase } => {
                initial * rate.powf(periods(step, steps, staircase))
            }
            Schedule::InverseTimeDecay { initial, steps, rate, staircase } => {
                initial / (1.0 + rate * periods(step, steps, staircase))
            }
            Schedule::PolynomialDecay { initial, steps, end, power, cycle } => {
                let steps = if cycle { steps * (step / steps).ceil().max(1.0) } else { steps };
                (initial - end) * (1.0 - (step / steps).min(1.0)).powf(power) + end
            }
            Schedule::PiecewiseConstantDecay { ref pieces, last } => {
                pieces.iter().find(|piece| step <= piece.0).map_or(last, |piece| piece.1)
            }
            Schedule::CosineDecay { initial, steps, alpha } => wave(initial, alpha * initial, (step / steps).min(1.0)),
            Schedule::CosineDecayRestarts { initial, steps, longer, higher, alpha } => {
                let (waves, part) = restarted(step, steps, longer);
                initial * (wave(1.0 - alpha, 0.0, part) * higher.powf(waves) + alpha)
            }
            Schedule::OneCycle { peak, steps, up, divisor, final_divisor } => {
                let (top, end) = (up * steps - 1.0, steps - 1.0);
                let first = peak / divisor;
                if step < top {
                    wave(first, peak, step / top)
                } else {
                    let part = if end > top { ((step - top) / (end - top)).min(1.0) } else { 1.0 };
                    wave(peak, first / final_divisor, part)
                }
            }
            Schedule::WarmUp { from, to, steps, ref then } => {
                if step < steps {
                    from + (to - from) * step / steps
                } else {
                    then.at(step - steps)
                }
            }
            Schedule::Custom(ref rate) => rate(step),
        }
    }

    /// That the schedule gives rates.
    ///
    /// # Errors
    /// `ErrorKind::Argument` where steps are not above 0, or waves grow shorter.
    pub fn check(&self) -> Result<()> {
        let steps = match *self {
            Schedule::CosineDecayRestarts { longer, .. } if longer.is_nan() || longer < 1.0 => {
                return Err(Error::argument("schedule", "waves at least as long as those before", "shorter ones"));
            }
            Schedule::ExponentialDecay { steps, .. }
            | Schedule::InverseTimeDecay { steps, .. }
            | Schedule::PolynomialDecay { steps, .. }
            | Schedule::CosineDecay { steps, .. }
            | Schedule::CosineDecayRestarts { steps, .. }
            | Schedule::OneCycle { steps, .. }
            | Schedule::WarmUp { steps, .. } => steps,
            Schedule::Constant(_) | Schedule::PiecewiseConstantDecay { .. } | Schedule::Custom(_) => 1.0,
        };
        if steps.is_nan() || steps <= 0.0 {
            return Err(Error::argument("schedule", "more than 0 steps", headwater_core::number(steps)));
        }
        match self {
            Schedule::WarmUp { then, .. } => then.check(),
            _ => Ok(()),
        }
    }
}

/// How many times `steps` have passed, whole ones if `staircase`.
fn periods(step: f64, steps: f64, staircase: bool) -> f64 {
    let periods = step / steps;
    if staircase {
        periods.floor()
    } else {
        periods
    }
}

/// Half a wave from `from` at part 0 to `to` at part 1.
fn wave(from: f64, to: f64, part: f64) -> f64 {
    to + (from - to) * 0.5 * (1.0 + (PI * part).cos())
}

/// How many waves have passed and which part of the current one, the first of `steps`, each `longer` than the one before.
fn restarted(step: f64, steps: f64, longer: f64) -> (f64, f64) {
    if longer <= 1.0 {
        let periods = step / steps;
        return (periods.floor(), periods - periods.floor());
    }
    let (mut waves, mut left, mut length) = (0.0, step, steps);
    while left >= length {
        left -= length;
        length *= longer;
        waves += 1.0;
    }
    (waves, left / length)
}

impl From<f64> for Schedule {
    fn from(rate: f64) -> Schedule {
        Schedule::Constant(rate)
    }
}

impl fmt::Debug for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Schedule from {}", headwater_core::number(self.at(0.0)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(got: f64, want: f64) {
        assert!((got - want).abs() < 1e-12, "{got} {want}");
    }

    #[test]
    fn one_cycle_goes_up_and_down() {
        let cycle = Schedule::OneCycle { peak: 1.0, steps: 10.0, up: 0.3, divisor: 25.0, final_divisor: 1e4 };
        for (step, want) in [(0.0, 0.04), (1.0, 0.52), (2.0, 1.0), (9.0, 0.04e-4), (50.0, 0.04e-4)] {
            close(cycle.at(step), want);
        }
        close(cycle.at(5.5), (1.0 + 0.04e-4) / 2.0);
    }

    #[test]
    fn after_warming_up_another_schedule_begins() {
        let then = Box::new(Schedule::ExponentialDecay { initial: 2.0, steps: 1.0, rate: 0.5, staircase: false });
        let schedule = Schedule::WarmUp { from: 0.0, to: 2.0, steps: 4.0, then };
        for (step, want) in [(0.0, 0.0), (1.0, 0.5), (4.0, 2.0), (5.0, 1.0)] {
            close(schedule.at(step), want);
        }
    }

    #[test]
    fn steps_are_checked() {
        let wrong = Schedule::CosineDecay { initial: 0.1, steps: 0.0, alpha: 0.0 };
        assert_eq!(
            wrong.check().expect_err("steps").to_string(),
            "Error in schedule: expected more than 0 steps, received 0"
        );
        let inner = Schedule::WarmUp { from: 0.0, to: 1.0, steps: 1.0, then: Box::new(wrong) };
        assert!(inner.check().is_err());
        let shorter = Schedule::CosineDecayRestarts { initial: 0.1, steps: 2.0, longer: 0.5, higher: 1.0, alpha: 0.0 };
        assert!(shorter.check().is_err());
    }
}
