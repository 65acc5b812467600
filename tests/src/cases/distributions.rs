//! Draws of distributions: fixed seeds, the same numbers everywhere.

use headwater_core::{ops, Result, Tensor};

use super::{case, Case, Input};

pub(super) fn distributions() -> Vec<Case> {
    let positive = |shape: &[usize], high: f64| vec![Input::f32(shape).within(0.0, high)];
    let drawn = |name: &str, inputs: Vec<Input>, f: fn(&[Tensor]) -> Result<Tensor>| case(name, inputs, f).rough();
    vec![
        drawn("randomGamma", positive(&[4, 1], 3.0), |x| ops::random_gamma(&x[0], &x[0].constant(2.0), [4, 60], 7)),
        drawn("randomGamma of large shapes", positive(&[1], 900.0), |x| ops::random_gamma(&x[0], &x[0], [2, 90], 7)),
        drawn("randomGamma of nothing", positive(&[3], 2.0), |x| ops::random_gamma(&x[0], &x[0], [0, 3], 7)),
        drawn("randomPoisson", positive(&[5, 1], 10.0), |x| ops::random_poisson(&x[0], [5, 40], 7)),
        drawn("randomPoisson of high rates", positive(&[], 700.0), |x| ops::random_poisson(&x[0], [150], 7)),
        drawn("randomPoisson of nothing", positive(&[], 700.0), |x| ops::random_poisson(&x[0], [0], 7)),
        drawn("bernoulli", positive(&[3], 1.0), |x| ops::bernoulli(&x[0], [50, 3], 7)),
        drawn("categorical", positive(&[2, 6], 3.0), |x| ops::categorical(&x[0], 70, 7)),
        drawn("categorical of no samples", positive(&[2, 6], 3.0), |x| ops::categorical(&x[0], 0, 7)),
        drawn("randomExponential", positive(&[1], 1.0), |x| ops::random_exponential(x[0].device(), [300], 0.5, 7)),
        drawn("gumbel", positive(&[1], 1.0), |x| ops::gumbel(x[0].device(), [3, 100], 7)),
        drawn("randomInt", positive(&[1], 1.0), |x| ops::random_int(x[0].device(), [300], -2_000_000_000, 7, 7)),
        drawn("permutation", positive(&[1], 1.0), |x| ops::permutation(x[0].device(), 90, 7)),
    ]
}
