//! Counts of true and false positives at thresholds, and rates made of them.
//!
//! The sums are `[true positives, false positives, positives, negatives]`: the first two at each threshold (and for each
//! label), the others of the targets.

use headwater_core::ops;

use super::args::Args;
use super::batch::Batch;
use headwater_core::calc::Term;

/// Below all thresholds: what is not among the most probable.
const LOWEST: f64 = -1e10;

/// Where predictions become positive.
enum Thresholds {
    /// So many from 0 to 1 at equal distances. Where `open`, the outer ones are beyond 0 and 1.
    Even { count: usize, open: bool },
    /// Any.
    List(Vec<f64>),
}

fn even(thresholds: &[f64]) -> bool {
    let last = thresholds.len().saturating_sub(1) as f64;
    let close = |(i, t): (usize, &f64)| (t - i as f64 / last).abs() <= 1e-7 + 1e-5 * (i as f64 / last);
    thresholds.len() > 2 && thresholds.iter().enumerate().all(close)
}

fn thresholds(a: &Args) -> Thresholds {
    let open = a.has("curve");
    let mut given = match a.list("thresholds") {
        Some(list) => list,
        None if a.size("num_thresholds") > 1 => return Thresholds::Even { count: a.size("num_thresholds"), open },
        None if a.optional("top_k").is_some() => vec![LOWEST],
        None => vec![0.5],
    };
    if open {
        let mut all = vec![0.0, 1.0];
        for t in given {
            let at = all[1..all.len() - 1].partition_point(|&other| other < t);
            all.insert(1 + at, t);
        }
        given = all;
    }
    if even(&given) {
        return Thresholds::Even { count: given.len(), open };
    }
    if open {
        let last = given.len() - 1;
        (given[0], given[last]) = (-1e-7, 1.0 + 1e-7);
    }
    Thresholds::List(given)
}

/// Predictions and what they must be above, on one scale. Even thresholds are whole numbers there, as in Keras, which counts
/// by buckets: what rounding makes of a prediction on a threshold is the same.
fn scaled<'a>(a: &Args, y: Term<'a>) -> (Term<'a>, Term<'a>) {
    match thresholds(a) {
        Thresholds::Even { count, open } => {
            let steps = y.by(0.0, ops::maximum).by(1.0, ops::minimum) * (count as f64 - 1.0);
            (if open { steps.by(0.5, ops::maximum) } else { steps }, y.count_to(count))
        }
        // A constant is part of the plan; a list would be uploaded.
        Thresholds::List(list) if list.len() == 1 => (y, y.constant(list[0]).reshape(&[1])),
        Thresholds::List(list) => (y, y.vector(&list)),
    }
}

/// Predictions of the `k` most probable classes; of equal ones the first count. The others are below all thresholds.
fn top(y: Term<'_>, k: f64) -> Term<'_> {
    let (mut own, mut other, n) = (y.dims(), y.dims(), y.last());
    own.push(1);
    other.insert(other.len().saturating_sub(1), 1);
    let (own, other, place) = (y.reshape(&own), y.reshape(&other), y.count_to(n));
    let tie = other.with(own, ops::greater_equal).and(place.reshape(&[n, 1]).above(place));
    let ahead = other.above(own).with(tie, ops::logical_or).number().sum(&[-1], false);
    y.where_else(ahead.by(k, ops::less), LOWEST)
}

pub(super) fn terms<'a>(a: &Args, b: &Batch<'a>) -> Vec<Term<'a>> {
    let (mut t, mut y) = b.paired();
    let mut weight = b.weight_for(t);
    let by_label = a.flag("multi_label");
    if a.flag("from_logits") {
        y = y.map(ops::sigmoid);
    }
    if let Some(k) = a.optional("top_k") {
        y = top(y, k);
    }
    if let Some(id) = a.optional("class_id") {
        let (axis, id) = (y.rank().max(1) - 1, id as usize);
        if axis == 0 || id >= y.last() {
            b.refuse("predictions with the class", y);
        }
        let only = |x: Term<'a>| if x.last() == 1 { x } else { x.part(axis, id, 1) };
        (t, y, weight) = (only(t), only(y), weight.map(only));
    }
    if by_label && (y.rank() != 2 || a.optional("num_labels").is_some_and(|n| y.last() as f64 != n)) {
        b.refuse("predictions of shape [samples, labels]", y);
    }
    if let (Some(labels), false) = (a.list("label_weights"), by_label) {
        if y.last() != labels.len() {
            b.refuse("predictions of as many labels as weights", y);
        }
        let labels = y.vector(&labels);
        weight = Some(weight.map_or(labels, |weight| weight * labels));
    }
    // Thresholds by samples, by labels if each has counts of its own.
    let rows = if by_label { y.dims() } else { vec![y.size()] };
    let counted = |x: Term<'a>| weight.map_or(x, |weight| x * weight).reshape(&rows);
    let positive = t.by(0.0, ops::not_equal).number();
    let (positive, negative) = (counted(positive), counted(1.0 - positive));
    let (y, limits) = scaled(a, y);
    let mut column = vec![1; rows.len() + 1];
    column[0] = limits.size();
    let above = y.reshape(&rows).above(limits.reshape(&column)).number();
    let hits = |x: Term<'a>| (above * x).sum(&[1], false);
    vec![hits(positive), hits(negative), positive.sum(&[0], false), negative.sum(&[0], false)]
}

pub(super) fn true_negatives<'a>(s: &[Term<'a>]) -> Term<'a> {
    s[3] - s[1]
}

pub(super) fn false_negatives<'a>(s: &[Term<'a>]) -> Term<'a> {
    s[2] - s[0]
}

pub(super) fn precision<'a>(s: &[Term<'a>]) -> Term<'a> {
    s[0].over(s[0] + s[1])
}

/// Also the sensitivity.
pub(super) fn recall<'a>(s: &[Term<'a>]) -> Term<'a> {
    s[0].over(s[2])
}

pub(super) fn specificity<'a>(s: &[Term<'a>]) -> Term<'a> {
    true_negatives(s).over(s[3])
}

/// The largest of `values` where `bound` is at least `least`; 0 where it never is.
pub(super) fn best<'a>(values: Term<'a>, bound: Term<'a>, least: f64) -> Term<'a> {
    values.where_else(bound.by(least, ops::greater_equal), 0.0).max()
}
