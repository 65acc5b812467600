//! What is made of counts by class: F scores and intersection over union.
//!
//! The sums are `[samples of a class found to be of it, found to be of it, of it]`.

use headwater_core::ops::{
    abs, add, arg_max, broadcast_to, gather, greater, greater_equal, logical_and, max, mean, mul, not_equal, one_hot,
    real_div, reshape, sub, sum,
};
use headwater_core::{DType, HostSlice, Result, Shape, Tensor};

use super::args::Args;
use super::batch::Batch;
use super::values::truth;

/// Sums over the rows of what is `[samples, classes]`.
fn terms(t: &Tensor, y: &Tensor, weight: Option<&Tensor>) -> Result<Vec<Tensor>> {
    let t = &match weight {
        Some(weight) => mul(t, weight)?,
        None => t.clone(),
    };
    let predicted = &match weight {
        Some(weight) => mul(y, weight)?,
        None => y.clone(),
    };
    let all = |x: &Tensor| sum(x, Some(&[0]), false);
    Ok(vec![all(&mul(t, y)?)?, all(predicted)?, all(t)?])
}

pub(super) fn score_terms(a: &Args, b: &Batch) -> Result<Vec<Tensor>> {
    let (t, y) = (&b.truth, &b.predicted);
    if y.rank() != 2 || t.shape() != y.shape() {
        return Err(
            b.wrong("targets and predictions of shape [samples, classes]", format!("{} and {}", t.shape(), y.shape()))
        );
    }
    let found = match a.optional("threshold") {
        Some(threshold) => greater(y, &y.constant(threshold))?,
        None => {
            let most = greater_equal(y, &max(y, Some(&[-1]), true)?)?;
            logical_and(&most, &greater(&abs(y)?, &y.constant(1e-9))?)?
        }
    };
    terms(t, &truth(&found)?, b.weight_for(y)?.as_ref())
}

pub(super) fn score(a: &Args, s: &[Tensor]) -> Result<Tensor> {
    let average = a.word("average");
    let total = |x: &Tensor| if average == "micro" { sum(x, None, false) } else { Ok(x.clone()) };
    let epsilon = s[0].constant(1e-7);
    let over = |x: &Tensor, n: &Tensor| real_div(x, &add(n, &epsilon)?);
    let hits = total(&s[0])?;
    let (precision, recall) = (over(&hits, &total(&s[1])?)?, over(&hits, &total(&s[2])?)?);
    let square = epsilon.constant(a.optional("beta").map_or(1.0, |beta| beta * beta));
    let between = over(&mul(&precision, &recall)?, &add(&mul(&precision, &square)?, &recall)?)?;
    let scores = mul(&between, &add(&square, &square.constant(1.0))?)?;
    match average {
        "" => Ok(scores),
        "weighted" => sum(&mul(&scores, &over(&s[2], &sum(&s[2], None, false)?)?)?, None, false),
        _ => mean(&scores, None, false),
    }
}

/// The number of classes; two where it is not said.
fn count(a: &Args) -> usize {
    if a.has("num_classes") {
        a.size("num_classes")
    } else {
        2
    }
}

pub(super) fn overlap_terms(a: &Args, b: &Batch) -> Result<Vec<Tensor>> {
    let axis = a.axes().first().copied().unwrap_or(-1);
    // Classes that the configuration has no key for are one-hot where their metric says so.
    let numbers = |x: &Tensor, key: &str, sparse: bool| {
        let sparse = if a.has(key) { a.flag(key) } else { sparse };
        if sparse {
            x.cast(DType::I32)
        } else {
            arg_max(x, axis)
        }
    };
    let one_hot_truth = a.has("num_classes") && !a.has("sparse_y_true");
    let t = numbers(&b.truth, "sparse_y_true", !one_hot_truth)?;
    let y = match a.optional("threshold") {
        Some(threshold) => greater_equal(&b.predicted, &b.predicted.constant(threshold))?.cast(DType::I32)?,
        None => numbers(&b.predicted, "sparse_y_pred", true)?,
    };
    if t.size() != y.size() {
        return Err(b.wrong(&format!("targets of shape {}", y.shape()), t.shape()));
    }
    let column = [t.size(), 1];
    let each = |x: &Tensor| one_hot(&reshape(x, [x.size()])?, count(a), 1.0, 0.0, DType::F32);
    let (of_truth, of_predicted) = (each(&t)?, each(&y)?);
    // Where either class is out of range, or the ignored one, nothing counts.
    let known = |x: &Tensor| sum(x, Some(&[-1]), true);
    let mut counts = mul(&known(&of_truth)?, &known(&of_predicted)?)?;
    if let Some(ignored) = a.optional("ignore_class") {
        let other = truth(&not_equal(&t, &t.constant(ignored))?)?;
        counts = mul(&counts, &reshape(&other, column)?)?;
    }
    if let Some(weight) = b.weight_for(&t)? {
        counts = mul(&counts, &reshape(&broadcast_to(&weight, t.shape())?, column)?)?;
    }
    terms(&of_truth, &of_predicted, Some(&counts))
}

pub(super) fn overlap(a: &Args, s: &[Tensor]) -> Result<Tensor> {
    let targets: Vec<i32> = match a.list("target_class_ids") {
        Some(ids) => ids.iter().map(|&id| id as i32).collect(),
        None => (0..count(a) as i32).collect(),
    };
    let union = sub(&add(&s[1], &s[2])?, &s[0])?;
    let at = s[0].device().tensor(HostSlice::I32(&targets), Shape::from([targets.len()]))?;
    let (hits, union) = (gather(&s[0], &at, 0, 0)?, gather(&union, &at, 0, 0)?);
    let epsilon = union.constant(1e-7);
    let valid = truth(&greater(&union, &union.constant(1e-9))?)?;
    let shares = mul(&real_div(&hits, &add(&union, &epsilon)?)?, &valid)?;
    real_div(&sum(&shares, None, false)?, &add(&sum(&valid, None, false)?, &epsilon)?)
}
