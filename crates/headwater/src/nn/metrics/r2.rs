//! The coefficient of determination.
//!
//! The sums are `[targets, their squares, squared errors, weights]` of each output, and the number of targets.

use headwater_core::ops::{
    abs, broadcast_to, equal, greater, mean, mul, real_div, select, square, squared_difference, sub, sum,
};
use headwater_core::{Result, Tensor};

use super::args::Args;
use super::batch::Batch;

pub(super) fn terms(_: &Args, b: &Batch) -> Result<Vec<Tensor>> {
    let (t, y) = b.paired()?;
    if y.rank() != 2 {
        return Err(b.wrong("predictions of shape [samples, outputs]", y.shape()));
    }
    let weight = b.weight_for(&y)?.unwrap_or_else(|| y.constant(1.0));
    let all = |x: &Tensor| sum(&mul(x, &weight)?, Some(&[0]), false);
    let weights = sum(&broadcast_to(&weight, y.shape())?, Some(&[0]), false)?;
    let count = y.constant(y.size() as f64);
    Ok(vec![all(&t)?, all(&square(&t)?)?, all(&squared_difference(&t, &y)?)?, weights, count])
}

pub(super) fn score(a: &Args, s: &[Tensor]) -> Result<Tensor> {
    let one = s[0].constant(1.0);
    let total = sub(&s[1], &mul(&s[0], &real_div(&s[0], &s[3])?)?)?;
    let raw = sub(&one, &real_div(&s[2], &total)?)?;
    // Infinite where the targets do not vary.
    let infinite = equal(&abs(&raw)?, &raw.constant(f64::INFINITY))?;
    let raw = select(&infinite, &raw.constant(0.0), &raw)?;
    let score = match a.word("class_aggregation") {
        "uniform_average" => mean(&raw, None, false)?,
        "variance_weighted_average" => real_div(&sum(&mul(&total, &raw)?, None, false)?, &sum(&total, None, false)?)?,
        _ => raw,
    };
    let regressors = a.number("num_regressors");
    if regressors == 0.0 {
        return Ok(score);
    }
    // Adjusted for the number of regressors, where there are more samples than these and one.
    let free = sub(&s[4], &one.constant(regressors + 1.0))?;
    let adjusted = sub(&one, &real_div(&mul(&sub(&one, &score)?, &sub(&s[4], &one)?)?, &free)?)?;
    select(&greater(&free, &free.constant(0.0))?, &adjusted, &score)
}
