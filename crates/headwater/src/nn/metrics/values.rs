//! Values of samples that metrics take the mean of. The last axis is reduced, or not: it is one mean in the end.

use headwater_core::ops::{
    add, arg_max, div_no_nan, equal, greater, less_equal, logical_not, mean, mul, not_equal, one_hot, real_div,
    reshape, select, sigmoid_cross_entropy, slice, sqrt, square, squared_difference, sub, sum, transpose,
};
use headwater_core::{DType, Result, Shape, Tensor};

use super::args::Args;
use super::batch::Batch;
use crate::nn::losses::loss;

/// 1 for true, 0 for false.
pub(super) fn truth(x: &Tensor) -> Result<Tensor> {
    x.cast(DType::F32)
}

pub(super) fn squared_error(b: &Batch) -> Result<Tensor> {
    let (t, y) = b.paired()?;
    squared_difference(&t, &y)
}

pub(super) fn accuracy(_: &Args, b: &Batch) -> Result<Tensor> {
    let (t, y) = b.paired()?;
    truth(&equal(&t, &y)?)
}

pub(super) fn binary_accuracy(a: &Args, b: &Batch) -> Result<Tensor> {
    let (t, y) = b.paired()?;
    let positive = truth(&greater(&y, &y.constant(a.number("threshold")))?)?;
    truth(&equal(&t, &positive)?)
}

pub(super) fn categorical_accuracy(_: &Args, b: &Batch) -> Result<Tensor> {
    truth(&equal(&arg_max(&b.truth, -1)?, &arg_max(&b.predicted, -1)?)?)
}

pub(super) fn sparse_categorical_accuracy(_: &Args, b: &Batch) -> Result<Tensor> {
    let y = truth(&arg_max(&b.predicted, -1)?)?;
    truth(&equal(&numbers(b, &b.truth, y.shape())?, &y)?)
}

/// Class numbers, one for each row of the predictions.
fn numbers(b: &Batch, t: &Tensor, rows: &Shape) -> Result<Tensor> {
    if t.size() != rows.size() {
        return Err(b.wrong(&format!("one class number for each of {rows}"), t.shape()));
    }
    reshape(t, rows)
}

/// Whether fewer than `k` classes of a row are more probable than that of number `t`, as in TensorFlow's `in_top_k`.
fn within_top(b: &Batch, t: &Tensor, k: f64) -> Result<Tensor> {
    let y = &b.predicted;
    let Some((&classes, rows)) = y.shape().split_last() else {
        return Err(b.wrong("predictions of rank at least 1", y.shape()));
    };
    let t = numbers(b, t, &Shape::from(rows))?.cast(DType::I32)?;
    let hit = one_hot(&t, classes, 1.0, 0.0, DType::F32)?;
    let own = sum(&select(&greater(&hit, &y.constant(0.0))?, y, &y.constant(0.0))?, Some(&[-1]), true)?;
    // What cannot be compared counts as more.
    let more = sum(&truth(&logical_not(&less_equal(y, &own)?)?)?, Some(&[-1]), false)?;
    mul(&truth(&greater(&y.constant(k), &more)?)?, &sum(&hit, Some(&[-1]), false)?)
}

pub(super) fn top_k(a: &Args, b: &Batch) -> Result<Tensor> {
    within_top(b, &arg_max(&b.truth, -1)?, a.number("k"))
}

pub(super) fn sparse_top_k(a: &Args, b: &Batch) -> Result<Tensor> {
    if !a.flag("from_sorted_ids") {
        return within_top(b, &b.truth, a.number("k"));
    }
    let y = &b.predicted;
    let Some((&classes, rows)) = y.shape().split_last() else {
        return Err(b.wrong("predictions of rank at least 1", y.shape()));
    };
    let mut size = y.shape().to_vec();
    size[rows.len()] = classes.min(a.size("k"));
    let first = slice(y, &vec![0; size.len()], &size)?;
    let column: Shape = rows.iter().copied().chain([1]).collect();
    let same = truth(&equal(&reshape(&numbers(b, &b.truth, &Shape::from(rows))?, column)?, &first)?)?;
    truth(&greater(&sum(&same, Some(&[-1]), false)?, &y.constant(0.0))?)
}

pub(super) fn cosine_similarity(a: &Args, b: &Batch) -> Result<Tensor> {
    let (t, y) = b.paired()?;
    let axes = a.axes();
    let unit = |x: &Tensor| div_no_nan(x, &sqrt(&sum(&square(x)?, Some(&axes), true)?)?);
    sum(&mul(&unit(&t)?, &unit(&y)?)?, Some(&axes), false)
}

/// Differences from the mean along axes, and the variance.
fn spread(x: &Tensor, axes: &[isize]) -> Result<(Tensor, Tensor)> {
    let centred = sub(x, &mean(x, Some(axes), true)?)?;
    let variance = mean(&square(&centred)?, Some(axes), true)?;
    Ok((centred, variance))
}

pub(super) fn pearson(a: &Args, b: &Batch) -> Result<Tensor> {
    let (t, y) = b.paired()?;
    let axes = a.axes();
    let standard = |x: &Tensor| {
        let (centred, variance) = spread(x, &axes)?;
        real_div(&centred, &sqrt(&variance)?)
    };
    mean(&mul(&standard(&t)?, &standard(&y)?)?, Some(&axes), false)
}

/// Lin 1989.
pub(super) fn concordance(a: &Args, b: &Batch) -> Result<Tensor> {
    let (t, y) = b.paired()?;
    let axes = a.axes();
    let ((dt, vt), (dy, vy)) = (spread(&t, &axes)?, spread(&y, &axes)?);
    let apart = squared_difference(&mean(&t, Some(&axes), true)?, &mean(&y, Some(&axes), true)?)?;
    let norm = add(&add(&add(&vt, &vy)?, &apart)?, &y.constant(1e-7))?;
    let both = mul(&mul(&dt, &dy)?, &y.constant(2.0))?;
    mean(&real_div(&both, &norm)?, Some(&axes), false)
}

/// The axis `axis` last.
fn axis_last(a: &Args, x: &Tensor) -> Result<Tensor> {
    let axis = x.shape().axis(a.axes().first().copied().unwrap_or(-1), a.class.class)? as isize;
    let others = (0..x.rank() as isize).filter(|d| *d != axis);
    transpose(x, Some(&others.chain([axis]).collect::<Vec<_>>()))
}

/// Targets moved towards all of `classes` alike.
fn smooth(a: &Args, t: &Tensor, classes: usize) -> Result<Tensor> {
    match a.number("label_smoothing") {
        0.0 => Ok(t.clone()),
        by => add(&mul(t, &t.constant(1.0 - by))?, &t.constant(by / classes.max(1) as f64)),
    }
}

pub(super) fn binary_crossentropy(a: &Args, b: &Batch) -> Result<Tensor> {
    let (t, y) = b.paired()?;
    let t = smooth(a, &t, 2)?;
    if a.flag("from_logits") {
        return sigmoid_cross_entropy(&t, &y);
    }
    loss("binaryCrossentropy")?(&t, &y)
}

fn crossentropy_of(a: &Args, t: &Tensor, y: &Tensor) -> Result<Tensor> {
    loss(if a.flag("from_logits") { "categoricalCrossentropyFromLogits" } else { "categoricalCrossentropy" })?(t, y)
}

pub(super) fn categorical_crossentropy(a: &Args, b: &Batch) -> Result<Tensor> {
    let (t, y) = b.paired()?;
    let t = axis_last(a, &t)?;
    crossentropy_of(a, &smooth(a, &t, t.shape().last().copied().unwrap_or(1))?, &axis_last(a, &y)?)
}

/// As Keras counts samples of the ignored class: with weights they have none, without they count with a value of 0.
pub(super) fn sparse_crossentropy_terms(a: &Args, b: &Batch) -> Result<Vec<Tensor>> {
    let y = axis_last(a, &b.predicted)?;
    let Some((&classes, rows)) = y.shape().split_last() else {
        return Err(b.wrong("predictions of rank at least 1", y.shape()));
    };
    let t = numbers(b, &b.truth, &Shape::from(rows))?;
    let values = crossentropy_of(a, &one_hot(&t.cast(DType::I32)?, classes, 1.0, 0.0, DType::F32)?, &y)?;
    let Some(ignored) = a.optional("ignore_class") else { return b.mean_terms(&values) };
    let counts = truth(&not_equal(&t, &t.constant(ignored))?)?;
    let weight = b.weight_for(&values)?.map(|w| mul(&counts, &w)).transpose()?;
    b.with_weight(weight).mean_terms(&select(
        &greater(&counts, &counts.constant(0.0))?,
        &values,
        &values.constant(0.0),
    )?)
}
