//! Rows that few models need: the builds for those leave them out.

#[cfg(any(test, feature = "reference"))]
use super::Check;
use super::{gamma, table::pointwise, Expression, Gradient, Row, TypeRule};
use crate::error::Result;
use crate::scalar::Ex;
use crate::tensor::Tensor;

use Gradient::{Derived, OfInput};

#[cfg(any(test, feature = "reference"))]
const ANY: (f64, f64) = (-4.0, 4.0);

/// Of the differences to the larger, both: so that the gradient is right where the operands are equal.
fn log_add_exp_of<'b>(a: Ex<'b>, b: Ex<'b>) -> Ex<'b> {
    let larger = a.max(b);
    let from = larger.is_inf().select(larger.k(0.0), larger);
    ((a - from).exp() + (b - from).exp()).log() + from
}

pointwise! {
    /// log(e^a + e^b), safe against overflow.
    log_add_exp "logaddexp"/2 Float, log_add_exp_of, Derived, |x| x[0].max(x[1]) + (-(x[0] - x[1]).abs()).exp().ln_1p(), &[ANY, ANY];
    /// The logarithm of the absolute value of the gamma function; infinite at its poles 0, -1, -2, ...
    lgamma "lgamma"/1 Float, gamma::lgamma_of, OfInput(|x, dy| dy * gamma::digamma_of(x)), gamma::lgamma_reference, &[(-3.9, 9.0)];
    /// The derivative of [`lgamma`]; infinite at its poles.
    digamma "digamma"/1 Float, gamma::digamma_of, Derived, gamma::digamma_reference, &[(0.1, 9.0)];
}
