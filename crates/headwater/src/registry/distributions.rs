//! Draws of distributions. A seed comes first, then the shape.

use headwater_core::{ops, Error, Result};

use super::{one, Arity, Attrs, Declared};

/// Number `i` as an int32.
fn whole(a: &Attrs<'_>, i: usize) -> Result<i32> {
    let x = a.index(i)?;
    i32::try_from(x).map_err(|_| Error::argument("randomInt", "bounds within int32", x))
}

pub(super) const OPERATIONS: &[Declared] = &[
    // alpha, beta.
    ("randomGamma", Arity::Exactly(2), |_, x, a| one(ops::random_gamma(&x[0], &x[1], a.shape(1)?, a.seed(0)?))),
    // rate.
    ("randomPoisson", Arity::Exactly(1), |_, x, a| one(ops::random_poisson(&x[0], a.shape(1)?, a.seed(0)?))),
    // p.
    ("bernoulli", Arity::Exactly(1), |_, x, a| one(ops::bernoulli(&x[0], a.shape(1)?, a.seed(0)?))),
    // logits; seed, samples.
    ("multinomial", Arity::Exactly(1), |_, x, a| one(ops::categorical(&x[0], a.size(1)?, a.seed(0)?))),
    // seed, rate, shape.
    ("randomExponential", Arity::Exactly(0), |d, _, a| {
        one(ops::random_exponential(d, a.shape(2)?, a.number(1)? as f32, a.seed(0)?))
    }),
    // seed, low, high, shape.
    ("randomInt", Arity::Exactly(0), |d, _, a| {
        one(ops::random_int(d, a.shape(3)?, whole(a, 1)?, whole(a, 2)?, a.seed(0)?))
    }),
    ("gumbel", Arity::Exactly(0), |d, _, a| one(ops::gumbel(d, a.shape(1)?, a.seed(0)?))),
    // seed, n.
    ("permutation", Arity::Exactly(0), |d, _, a| one(ops::permutation(d, a.size(1)?, a.seed(0)?))),
];
