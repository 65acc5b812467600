//! Counts of true and false positives at thresholds, and rates made of them.
//!
//! The sums are `[true positives, false positives, positives, negatives]`: the first two at each threshold (and for each
//! label), the others of the targets.

use headwater_core::ops::{
    add, clip, div_no_nan, greater, greater_equal, logical_and, logical_or, max, maximum, mul, not_equal, reshape,
    select, sigmoid, slice, sub, sum,
};
use headwater_core::{DType, Device, HostSlice, Result, Shape, Tensor};

use super::args::Args;
use super::batch::Batch;
use super::values::truth;

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
        None if a.has("num_thresholds") && a.size("num_thresholds") > 1 => {
            return Thresholds::Even { count: a.size("num_thresholds"), open };
        }
        None if a.optional("top_k").is_some() => vec![LOWEST],
        None => vec![0.5],
    };
    if open {
        given.sort_by(f64::total_cmp);
        given.insert(0, 0.0);
        given.push(1.0);
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

fn vector(device: &Device, values: &[f64]) -> Result<Tensor> {
    let values: Vec<f32> = values.iter().map(|&v| v as f32).collect();
    device.tensor(HostSlice::F32(&values), [values.len()])
}

/// Predictions and what they must be above, on one scale. Even thresholds are whole numbers there, as in Keras, which counts
/// by buckets: what rounding makes of a prediction on a threshold is the same.
fn scaled(a: &Args, y: &Tensor) -> Result<(Tensor, Tensor)> {
    match thresholds(a) {
        Thresholds::Even { count, open } => {
            let inside = clip(y, &y.constant(0.0), &y.constant(1.0))?;
            let y = mul(&inside, &y.constant(count as f64 - 1.0))?;
            let y = if open { maximum(&y, &y.constant(0.5))? } else { y };
            Ok((y.clone(), y.device().iota([count], 0)?.cast(DType::F32)?))
        }
        Thresholds::List(list) => match list[..] {
            [one] => Ok((y.clone(), reshape(&y.constant(one), [1])?)),
            _ => Ok((y.clone(), vector(y.device(), &list)?)),
        },
    }
}

/// Predictions of the `k` most probable classes; of equal ones the first count. The others are below all thresholds.
fn top(y: &Tensor, k: f64) -> Result<Tensor> {
    let dims = y.shape().to_vec();
    let n = dims.last().copied().unwrap_or(1);
    let at = |own: usize, other: usize| -> Shape {
        dims[..dims.len().saturating_sub(1)].iter().copied().chain([own, other]).collect()
    };
    let (own, other) = (reshape(y, at(n, 1))?, reshape(y, at(1, n))?);
    let (row, column) = (y.device().iota([n, 1], 0)?, y.device().iota([1, n], 1)?);
    let tie = logical_and(&greater_equal(&other, &own)?, &greater(&row, &column)?)?;
    let ahead = sum(&truth(&logical_or(&greater(&other, &own)?, &tie)?)?, Some(&[-1]), false)?;
    select(&greater(&y.constant(k), &ahead)?, y, &y.constant(LOWEST))
}

/// Class `id` of the last axis.
fn only(x: &Tensor, id: usize) -> Result<Tensor> {
    let (mut begin, mut size) = (vec![0; x.rank()], x.shape().to_vec());
    if let (Some(begin), Some(size)) = (begin.last_mut(), size.last_mut()) {
        (*begin, *size) = (id, 1);
    }
    slice(x, &begin, &size)
}

pub(super) fn terms(a: &Args, b: &Batch) -> Result<Vec<Tensor>> {
    let (mut t, mut y) = b.paired()?;
    if a.flag("from_logits") {
        y = sigmoid(&y)?;
    }
    if let Some(k) = a.optional("top_k") {
        y = top(&y, k)?;
    }
    let mut weight = b.weight_for(&t)?;
    if a.optional("class_id").is_some() {
        let id = a.size("class_id");
        if y.rank() < 2 || y.shape().last().is_none_or(|&classes| classes <= id) {
            return Err(b.wrong(&format!("predictions with a class {id}"), y.shape()));
        }
        (t, y) = (only(&t, id)?, only(&y, id)?);
        let each = |w: &Tensor| if w.shape().last() == Some(&1) { Ok(w.clone()) } else { only(w, id) };
        weight = weight.as_ref().map(each).transpose()?;
    }
    let by_label = a.flag("multi_label");
    let labels = a.list("label_weights");
    if by_label && (y.rank() != 2 || a.optional("num_labels").is_some_and(|n| y.shape()[1] as f64 != n)) {
        return Err(b.wrong("predictions of shape [samples, labels]", y.shape()));
    }
    let mut positive = truth(&not_equal(&t, &t.constant(0.0))?)?;
    let mut negative = sub(&t.constant(1.0), &positive)?;
    if let (Some(labels), false) = (labels, by_label) {
        if y.shape().last() != Some(&labels.len()) {
            return Err(b.wrong(&format!("predictions of {} labels", labels.len()), y.shape()));
        }
        let labels = vector(y.device(), &labels)?;
        weight = Some(weight.map_or_else(|| Ok(labels.clone()), |w| mul(&w, &labels))?);
    }
    if let Some(weight) = weight {
        (positive, negative) = (mul(&positive, &weight)?, mul(&negative, &weight)?);
    }
    let (y, limits) = scaled(a, &y)?;
    // Thresholds by samples, by labels if each has counts of its own.
    let rows = if by_label { y.shape().clone() } else { Shape::from([y.size()]) };
    let first: Shape = [1].into_iter().chain(rows.iter().copied()).collect();
    let column: Shape = limits.shape().iter().copied().chain(rows.iter().map(|_| 1)).collect();
    let above = truth(&greater(&reshape(&y, first)?, &reshape(&limits, column)?)?)?;
    let (positive, negative) = (reshape(&positive, &rows)?, reshape(&negative, &rows)?);
    let hits = |x: &Tensor| sum(&mul(&above, x)?, Some(&[1]), false);
    let all = |x: &Tensor| sum(x, Some(&[0]), false);
    Ok(vec![hits(&positive)?, hits(&negative)?, all(&positive)?, all(&negative)?])
}

/// True and false negatives.
pub(super) fn negatives(s: &[Tensor]) -> Result<(Tensor, Tensor)> {
    Ok((sub(&s[3], &s[1])?, sub(&s[2], &s[0])?))
}

pub(super) fn precision(s: &[Tensor]) -> Result<Tensor> {
    div_no_nan(&s[0], &add(&s[0], &s[1])?)
}

/// Also the sensitivity.
pub(super) fn recall(s: &[Tensor]) -> Result<Tensor> {
    div_no_nan(&s[0], &s[2])
}

pub(super) fn specificity(s: &[Tensor]) -> Result<Tensor> {
    div_no_nan(&sub(&s[3], &s[1])?, &s[3])
}

/// The largest of `values` where `bound` is at least `least`; 0 where it never is.
pub(super) fn best(values: &Tensor, bound: &Tensor, least: f64) -> Result<Tensor> {
    let feasible = greater_equal(bound, &bound.constant(least))?;
    max(&select(&feasible, values, &values.constant(0.0))?, None, false)
}
