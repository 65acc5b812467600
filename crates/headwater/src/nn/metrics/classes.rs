//! What is made of counts by class: F scores and intersection over union.
//!
//! The sums are `[samples of a class found to be of it, found to be of it, of it]`.

use headwater_core::Listed;
use headwater_core::{ops, Error};

use super::args::Args;
use super::batch::Batch;
use headwater_core::calc::Term;

/// Keeps quotients finite, as Keras does.
const EPSILON: f64 = 1e-7;

/// Sums over the rows of what is `[samples, classes]`.
fn terms<'a>(t: Term<'a>, y: Term<'a>, weight: Option<Term<'a>>) -> Vec<Term<'a>> {
    let counted = |x: Term<'a>| weight.map_or(x, |weight| x * weight).sum(&[0], false);
    vec![counted(t * y), counted(y), counted(t)]
}

pub(super) fn score_terms<'a>(a: &Args, b: &Batch<'a>) -> Vec<Term<'a>> {
    let (t, y) = (b.truth, b.predicted);
    if y.rank() != 2 || t.shape() != y.shape() {
        b.refuse("predictions of shape [samples, classes] like the targets", y);
    }
    let found = match a.optional("threshold") {
        Some(threshold) => y.exceeds(threshold),
        None => {
            let most = y.with(y.max_of_rows(), ops::greater_equal);
            most.and(y.map(ops::abs).exceeds(1e-9))
        }
    };
    terms(t, found.number(), b.weight_for(y))
}

pub(super) fn score<'a>(a: &Args, s: &[Term<'a>]) -> Term<'a> {
    let average = a.word("average");
    let total = |x: Term<'a>| if average == "micro" { x.total() } else { x };
    let hits = total(s[0]);
    let (precision, recall) = (hits / (total(s[1]) + EPSILON), hits / (total(s[2]) + EPSILON));
    let square = a.optional("beta").map_or(1.0, |beta| beta * beta);
    let scores = precision * recall / (precision * square + recall + EPSILON) * (1.0 + square);
    match average {
        "" => scores,
        "weighted" => (scores * (s[2] / (s[2].total() + EPSILON))).total(),
        _ => scores.mean(),
    }
}

/// The number of classes; two where it is not said.
fn count(a: &Args) -> usize {
    a.optional("num_classes").map_or(2, |n| n as usize)
}

pub(super) fn overlap_terms<'a>(a: &Args, b: &Batch<'a>) -> Vec<Term<'a>> {
    let axis = a.axes().first().copied().unwrap_or(-1);
    let numbers = |x: Term<'a>, sparse: bool| if sparse { x.whole() } else { x.arg_max(axis) };
    // Classes without the key have one-hot targets, but for the binary one.
    let t = numbers(b.truth, a.flag("sparse_y_true") || !a.has("sparse_y_pred"));
    let y = match a.optional("threshold") {
        Some(threshold) => b.predicted.by(threshold, ops::greater_equal).whole(),
        None => numbers(b.predicted, a.flag("sparse_y_pred")),
    };
    if t.size() != y.size() {
        b.refuse("as many targets as predictions", t);
    }
    let column = [t.size(), 1];
    let one_hot = |x: Term<'a>| x.reshape(&[x.size()]).one_hot(count(a));
    let (of_truth, of_predicted) = (one_hot(t), one_hot(y));
    // Where either class is out of range, or the ignored one, nothing counts.
    let mut counts = of_truth.sum(&[-1], true) * of_predicted.sum(&[-1], true);
    if let Some(ignored) = a.optional("ignore_class") {
        counts = counts * t.by(ignored, ops::not_equal).number().reshape(&column);
    }
    if let Some(weight) = b.weight_for(t) {
        counts = counts * weight.broadcast(t.shape()).reshape(&column);
    }
    terms(of_truth, of_predicted, Some(counts))
}

pub(super) fn overlap<'a>(a: &Args, s: &[Term<'a>]) -> Term<'a> {
    let targets = a.list("target_class_ids").unwrap_or_else(|| (0..count(a)).map(|id| id as f64).listed());
    if targets.iter().any(|&id| id >= count(a) as f64) {
        return s[0].fail(Error::argument(a.class.class, "target classes below the number of classes", "more"));
    }
    let targets = s[0].vector(&targets).whole();
    let union = (s[1] + s[2] - s[0]).pick(targets);
    let valid = union.exceeds(1e-9).number();
    let shares = s[0].pick(targets) / (union + EPSILON) * valid;
    shares.total() / (valid.total() + EPSILON)
}
