//! Which numbers optimizers can have: those that Keras accepts, and none that are NaN.

use headwater_core::{number, Error, Result};

use super::{Clip, Options};
use crate::train::rule::{Moments, Rule};

/// Refuses a number that is not in a range.
fn check(what: &str, fits: bool, received: f64) -> Result<()> {
    match fits {
        true => Ok(()),
        false => Err(Error::argument("optimizer", what, number(received))),
    }
}

fn part(what: &str, x: f64) -> Result<()> {
    check(what, (0.0..=1.0).contains(&x), x)
}

fn at_least_0(what: &str, x: f64) -> Result<()> {
    check(what, x >= 0.0, x)
}

impl Rule {
    /// # Errors
    /// `ErrorKind::Argument` naming a number outside of its range.
    pub(in crate::train) fn check(self) -> Result<()> {
        let (rho_part, momentum_part, positive) =
            ("a rho from 0 to 1", "a momentum from 0 to 1", "an epsilon of at least 0");
        match self {
            Rule::Sgd => Ok(()),
            Rule::Momentum { momentum, .. } => part(momentum_part, momentum),
            Rule::Adam(m) | Rule::Amsgrad(m) | Rule::Adamax(m) | Rule::Nadam(m) | Rule::Lamb(m) => {
                let Moments { beta1, beta2, epsilon } = m;
                check("a beta1 from 0 to less than 1", (0.0..1.0).contains(&beta1), beta1)?;
                check("a beta2 from 0 to less than 1", (0.0..1.0).contains(&beta2), beta2)?;
                at_least_0(positive, epsilon)
            }
            Rule::Lion { beta1, beta2 } => {
                part("a beta1 from 0 to 1", beta1)?;
                part("a beta2 from 0 to 1", beta2)
            }
            Rule::RmsProp { rho, momentum, epsilon, .. } => {
                part(rho_part, rho)?;
                part(momentum_part, momentum)?;
                at_least_0(positive, epsilon)
            }
            Rule::Adagrad { initial, epsilon } => {
                at_least_0("an initial sum of at least 0", initial)?;
                at_least_0(positive, epsilon)
            }
            Rule::Adadelta { rho, epsilon } => {
                part(rho_part, rho)?;
                at_least_0(positive, epsilon)
            }
            Rule::Ftrl { power, initial, l1, l2, shrinkage, beta } => {
                check("a power of at most 0", power <= 0.0, power)?;
                at_least_0("an initial sum of at least 0", initial)?;
                [l1, l2, shrinkage].into_iter().try_for_each(|x| at_least_0("penalties of at least 0", x))?;
                at_least_0("a beta of at least 0", beta)
            }
        }
    }
}

impl Options {
    /// # Errors
    /// `ErrorKind::Argument` naming a number outside of its range.
    pub(super) fn check(&self) -> Result<()> {
        at_least_0("a weight decay of at least 0", self.weight_decay)?;
        if let Some(Clip::Value(limit) | Clip::Norm(limit) | Clip::GlobalNorm(limit)) = self.clip {
            check("a limit of gradients above 0", limit > 0.0, limit)?;
        }
        let Some(ema) = self.ema else { return Ok(()) };
        part("averages of weights with a momentum from 0 to 1", ema.momentum)?;
        match ema.overwrite_every {
            Some(0) => Err(Error::argument("optimizer", "weights that become their averages after 1 step or more", 0)),
            _ => Ok(()),
        }
    }
}
