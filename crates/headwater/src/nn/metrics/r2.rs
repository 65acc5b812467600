//! The coefficient of determination.
//!
//! The sums are `[targets, their squares, squared errors, weights]` of each output, and the number of targets.

use headwater_core::ops;

use super::args::Args;
use super::batch::Batch;
use headwater_core::calc::Term;

pub(super) fn terms<'a>(_: &Args, b: &Batch<'a>) -> Vec<Term<'a>> {
    let (t, y) = b.paired();
    if y.rank() != 2 {
        b.refuse("predictions of shape [samples, outputs]", y);
    }
    let weight = b.weight_for(y).unwrap_or_else(|| y.constant(1.0)).broadcast(y.shape());
    let all = |x: Term<'a>| (x * weight).sum(&[0], false);
    vec![all(t), all(t.square()), all((t - y).square()), weight.sum(&[0], false), y.constant(y.size() as f64)]
}

pub(super) fn score<'a>(a: &Args, s: &[Term<'a>]) -> Term<'a> {
    let total = s[1] - s[0] * (s[0] / s[3]);
    let raw = 1.0 - s[2] / total;
    // Infinite where the targets do not vary.
    let raw = raw.where_else(raw.map(ops::abs).by(f64::INFINITY, ops::not_equal), 0.0);
    let score = match a.word("class_aggregation") {
        "uniform_average" => raw.mean(),
        "variance_weighted_average" => (total * raw).total() / total.total(),
        _ => raw,
    };
    let regressors = a.number("num_regressors");
    if regressors == 0.0 {
        return score;
    }
    // Adjusted for the number of regressors, where there are more samples than these and one.
    let free = s[4] - (regressors + 1.0);
    let adjusted = 1.0 - (1.0 - score) * (s[4] - 1.0) / free;
    free.exceeds(0.0).choose(adjusted, score)
}
