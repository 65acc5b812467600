//! Values of samples that metrics take the mean of. The last axis is reduced, or not: it is one mean in the end.

use headwater_core::ops;

use super::args::Args;
use super::batch::Batch;
use crate::nn::losses::{self, Loss};
use headwater_core::calc::Term;

pub(super) fn squared_error<'a>(b: &Batch<'a>) -> Term<'a> {
    let (t, y) = b.paired();
    (t - y).square()
}

/// A loss by its name.
pub(super) fn loss<'a>(name: &str, t: Term<'a>, y: Term<'a>) -> Term<'a> {
    match losses::loss(name) {
        Ok(f) => t.with(y, f as Loss),
        Err(error) => t.fail(error),
    }
}

/// 1 where values are equal.
fn same<'a>(t: Term<'a>, y: Term<'a>) -> Term<'a> {
    t.with(y, ops::equal).number()
}

pub(super) fn accuracy<'a>(_: &Args, b: &Batch<'a>) -> Term<'a> {
    let (t, y) = b.paired();
    same(t, y)
}

pub(super) fn binary_accuracy<'a>(a: &Args, b: &Batch<'a>) -> Term<'a> {
    let (t, y) = b.paired();
    same(t, y.exceeds(a.number("threshold")).number())
}

pub(super) fn categorical_accuracy<'a>(_: &Args, b: &Batch<'a>) -> Term<'a> {
    same(b.truth.arg_max(-1), b.predicted.arg_max(-1))
}

pub(super) fn sparse_categorical_accuracy<'a>(_: &Args, b: &Batch<'a>) -> Term<'a> {
    let found = b.predicted.arg_max(-1).number();
    same(numbers(b, b.truth, found.shape()), found)
}

/// Class numbers, one for each row of the predictions.
fn numbers<'a>(b: &Batch<'a>, t: Term<'a>, rows: &[usize]) -> Term<'a> {
    if t.size() != rows.iter().product::<usize>() {
        return b.refuse("one class number for each row of the predictions", t);
    }
    t.reshape(rows)
}

/// The axes of rows of predictions: all but the last.
fn rows<'a>(b: &Batch<'a>, y: Term<'a>) -> Vec<usize> {
    let mut dims = y.dims();
    if dims.pop().is_none() {
        b.refuse("predictions of rank at least 1", y);
    }
    dims
}

/// Whether fewer than `k` classes of a row are more probable than that of number `t`, as in TensorFlow's `in_top_k`.
fn within_top<'a>(b: &Batch<'a>, t: Term<'a>, k: f64) -> Term<'a> {
    let y = b.predicted;
    let hit = numbers(b, t, &rows(b, y)).one_hot(y.last());
    let own = y.where_else(hit.exceeds(0.0), 0.0).sum(&[-1], true);
    // What cannot be compared counts as more.
    let more = y.with(own, ops::less_equal).map(ops::logical_not).number().sum(&[-1], false);
    more.by(k, ops::less).number() * hit.sum(&[-1], false)
}

pub(super) fn top_k<'a>(a: &Args, b: &Batch<'a>) -> Term<'a> {
    within_top(b, b.truth.arg_max(-1), a.number("k"))
}

pub(super) fn sparse_top_k<'a>(a: &Args, b: &Batch<'a>) -> Term<'a> {
    if !a.flag("from_sorted_ids") {
        return within_top(b, b.truth, a.number("k"));
    }
    let y = b.predicted;
    let mut dims = rows(b, y);
    let t = numbers(b, b.truth, &dims);
    let first = y.part(dims.len(), 0, y.last().min(a.size("k")));
    dims.push(1);
    same(t.reshape(&dims), first).sum(&[-1], false).exceeds(0.0).number()
}

pub(super) fn cosine_similarity<'a>(a: &Args, b: &Batch<'a>) -> Term<'a> {
    let (t, y) = b.paired();
    let axes = a.axes();
    let unit = |x: Term<'a>| x.over(x.square().sum(&axes, true).map(ops::sqrt));
    (unit(t) * unit(y)).sum(&axes, false)
}

/// Differences from the mean along axes, and the variance.
fn spread<'a>(x: Term<'a>, axes: &[isize]) -> (Term<'a>, Term<'a>) {
    let centred = x - x.mean_along(axes, true);
    (centred, centred.square().mean_along(axes, true))
}

pub(super) fn pearson<'a>(a: &Args, b: &Batch<'a>) -> Term<'a> {
    let (t, y) = b.paired();
    let axes = a.axes();
    let standard = |x: Term<'a>| {
        let (centred, variance) = spread(x, &axes);
        centred / variance.map(ops::sqrt)
    };
    (standard(t) * standard(y)).mean_along(&axes, false)
}

/// Lin 1989.
pub(super) fn concordance<'a>(a: &Args, b: &Batch<'a>) -> Term<'a> {
    let (t, y) = b.paired();
    let axes = a.axes();
    let ((dt, vt), (dy, vy)) = (spread(t, &axes), spread(y, &axes));
    let apart = (t.mean_along(&axes, true) - y.mean_along(&axes, true)).square();
    (dt * dy * 2.0 / (vt + vy + apart + 1e-7)).mean_along(&axes, false)
}

/// Targets moved towards all of `classes` alike.
fn smooth<'a>(a: &Args, t: Term<'a>, classes: usize) -> Term<'a> {
    match a.number("label_smoothing") {
        0.0 => t,
        by => t * (1.0 - by) + by / classes.max(1) as f64,
    }
}

pub(super) fn binary_crossentropy<'a>(a: &Args, b: &Batch<'a>) -> Term<'a> {
    let (t, y) = b.paired();
    let t = smooth(a, t, 2);
    if a.flag("from_logits") {
        return t.with(y, ops::sigmoid_cross_entropy);
    }
    loss("binaryCrossentropy", t, y)
}

fn crossentropy_of<'a>(a: &Args, t: Term<'a>, y: Term<'a>) -> Term<'a> {
    loss(if a.flag("from_logits") { "categoricalCrossentropyFromLogits" } else { "categoricalCrossentropy" }, t, y)
}

/// The axis of the classes.
fn axis(a: &Args) -> isize {
    a.axes().first().copied().unwrap_or(-1)
}

pub(super) fn categorical_crossentropy<'a>(a: &Args, b: &Batch<'a>) -> Term<'a> {
    let (t, y) = b.paired();
    let t = t.axis_last(axis(a), "metric");
    crossentropy_of(a, smooth(a, t, t.last()), y.axis_last(axis(a), "metric"))
}

/// As Keras counts samples of the ignored class: with weights they have none, without they count with a value of 0.
pub(super) fn sparse_crossentropy_terms<'a>(a: &Args, b: &Batch<'a>) -> Vec<Term<'a>> {
    let y = b.predicted.axis_last(axis(a), "metric");
    let t = numbers(b, b.truth, &rows(b, y));
    let values = crossentropy_of(a, t.one_hot(y.last()), y);
    let Some(ignored) = a.optional("ignore_class") else { return b.mean_terms(values) };
    let counts = t.by(ignored, ops::not_equal);
    let weight = b.weight_for(values).map(|weight| counts.number() * weight);
    Batch { weight, ..*b }.mean_terms(values.where_else(counts, 0.0))
}
