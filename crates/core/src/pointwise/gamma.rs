//! The gamma function's logarithm and that one's derivative, by Stirling's series. Below 1/2 they are reflected, below 4
//! moved up by four, where the series has float32's digits.

use std::f64::consts::PI;

use crate::scalar::Ex;

/// Where the series serves: the argument, or four more of it; with whether that was done and the smaller argument itself,
/// limited so that what is done with it stays finite where it is not used.
fn moved<'b>(x: Ex<'b>) -> (Ex<'b>, Ex<'b>, Ex<'b>) {
    let small = x.lt(x.k(4.0));
    (small.select(x + 4.0, x), small, x.min(x.k(4.0)))
}

/// log |gamma(x)|; the absolute error is a few units of 1e-7, the relative one too where the value is large.
pub(super) fn lgamma_of(x: Ex<'_>) -> Ex<'_> {
    let reflected = x.lt(x.k(0.5));
    let (z, small, low) = moved(reflected.select(1.0 - x, x));
    let r = 1.0 / z;
    let series = r * (1.0 / 12.0 + r * r * (r * r * (1.0 / 1260.0) - 1.0 / 360.0));
    let stirling = (z - 0.5) * (z.log() - 1.0) + (series + (0.5 * (2.0 * PI).ln() - 0.5));
    // gamma(x + 4) = gamma(x) * x (x + 1) (x + 2) (x + 3)
    let outer = low * (low + 3.0);
    let value = stirling - small.select((outer * (outer + 2.0)).log(), x.k(0.0));
    // gamma(x) * gamma(1 - x) = pi / sin(pi * x)
    let sine = ((x - x.round()) * PI).sin().abs();
    let value = reflected.select((PI / sine).log() - value, value);
    x.is_inf().select(x.abs(), value)
}

/// The derivative of [`lgamma_of`].
pub(super) fn digamma_of(x: Ex<'_>) -> Ex<'_> {
    let reflected = x.lt(x.k(0.5));
    let (z, small, low) = moved(reflected.select(1.0 - x, x));
    let r = 1.0 / z;
    let square = r * r;
    let series = square * (1.0 / 12.0 - square * (1.0 / 120.0 - square * (1.0 / 252.0)));
    let outer = low * (low + 3.0);
    let steps = (low + low + 3.0) * (outer + outer + 2.0) / (outer * (outer + 2.0));
    let value = z.log() - r * 0.5 - series - small.select(steps, x.k(0.0));
    // Where it is not used, the cotangent is of a number that it is finite at.
    let turn = reflected.select(x - x.round(), x.k(0.25));
    reflected.select(value - PI / (turn * PI).tan(), value)
}

/// The value of [`lgamma_of`] in float64: the same series, from further up.
#[cfg(any(test, feature = "reference"))]
pub(super) fn lgamma_reference(x: &[f64]) -> f64 {
    let mut x = x[0];
    let mut steps = 0.0;
    while x < 30.0 {
        steps += x.abs().ln();
        x += 1.0;
    }
    let r = 1.0 / x;
    (x - 0.5) * x.ln() - x + 0.5 * (2.0 * PI).ln() + r / 12.0 - r.powi(3) / 360.0 + r.powi(5) / 1260.0 - steps
}

/// The value of [`digamma_of`] in float64.
#[cfg(any(test, feature = "reference"))]
pub(super) fn digamma_reference(x: &[f64]) -> f64 {
    let mut x = x[0];
    let mut steps = 0.0;
    while x < 30.0 {
        steps += 1.0 / x;
        x += 1.0;
    }
    let r = 1.0 / x;
    x.ln() - 0.5 * r - r.powi(2) / 12.0 + r.powi(4) / 120.0 - r.powi(6) / 252.0 - steps
}
