//! Steps of optimizers that TensorFlow.js lacks, and the options of all as operations of the registry. Their formulas are
//! those of Keras, except that epsilon is added to the corrected deviation, as in the papers and in this library's Adam.

use headwater_core::calc::Term;
use headwater_core::math;
use headwater_core::ops;

use super::options::{averaged, clipped_by_global_norm, clipped_by_norm, clipped_by_value, decayed};
use super::{average, corrected, moments, moved, normalized, number, rate, wide};
use crate::registry::{Arity, Attrs, Operation};

/// learning rate, beta1, beta2, epsilon, step number from 1; the third slot is the greatest mean of squares (Reddi et
/// al. 2018).
fn amsgrad<'a>(x: &[Term<'a>], a: &Attrs<'_>) -> Vec<Term<'a>> {
    let [m, v] = moments(x[1], x[2], x[3], a);
    let greatest = x[4].with(v, ops::maximum);
    vec![moved(x[0], normalized(m, greatest, a, x.get(5)), a), m, v, greatest]
}

/// The momentum of Nadam's step `t`.
fn warmed(beta: f64, t: f64) -> f64 {
    beta * (1.0 - 0.5 * math::pow(0.96, t))
}

/// The product of Nadam's momenta up to step `t`. Beyond a thousand steps they are `beta`.
fn warmed_product(beta: f64, t: f64) -> f64 {
    let first = t.min(1000.0);
    let product: f64 = (1..=first as u32).map(|i| warmed(beta, f64::from(i))).product();
    product * math::pow(beta, t - first)
}

/// learning rate, beta1, beta2, epsilon, step number from 1 (Dozat 2016).
fn nadam<'a>(x: &[Term<'a>], a: &Attrs<'_>) -> Vec<Term<'a>> {
    let [w, g, m, v] = [x[0], x[1], x[2], x[3]];
    let (beta, t) = (number(w, a, 1), number(w, a, 4));
    let (now, next, product) = (warmed(beta, t), warmed(beta, t + 1.0), warmed_product(beta, t));
    let [m, v] = moments(g, m, v, a);
    let ahead = m * w.scalar(next / (1.0 - product * next));
    let mean = ahead + g * w.scalar((1.0 - now) / (1.0 - product));
    let spread = corrected(v, a, 2, None).sqrt() + number(w, a, 3);
    vec![moved(w, mean / spread, a), m, v]
}

/// learning rate (above 0), its power, L1, L2, L2 shrinkage, beta; slots: sum of squares, linear term (McMahan et al. 2013).
fn ftrl<'a>(x: &[Term<'a>], a: &Attrs<'_>) -> Vec<Term<'a>> {
    let [w, g, sum, linear] = [x[0], x[1], x[2], x[3]];
    let (power, l1) = (number(w, a, 1), number(w, a, 2));
    let lr = rate(w, a, 0);
    let next = sum + g.map(ops::square);
    let scaled = next.by(-power, ops::pow);
    let shrunk = g + w * (2.0 * number(w, a, 4));
    let sigma = (scaled - sum.by(-power, ops::pow)) / lr;
    let linear = linear + (shrunk - sigma * w);
    let curve = (scaled + number(w, a, 5)) / lr;
    let quadratic = curve + 2.0 * number(w, a, 3);
    vec![(linear.clip(-l1, l1) - linear) / quadratic, next, linear]
}

/// learning rate, beta1, beta2; slot: mean of gradients (Chen et al. 2023).
fn lion<'a>(x: &[Term<'a>], a: &Attrs<'_>) -> Vec<Term<'a>> {
    let [w, g, m] = [x[0], x[1], x[2]];
    vec![moved(w, average(m, g, a, 1).map(ops::sign), a), average(m, g, a, 2)]
}

/// The Euclidean norm of all elements.
fn norm(x: Term<'_>) -> Term<'_> {
    x.map(ops::square).total().sqrt()
}

/// learning rate, beta1, beta2, epsilon, step number from 1 (You et al. 2020).
fn lamb<'a>(x: &[Term<'a>], a: &Attrs<'_>) -> Vec<Term<'a>> {
    let w = x[0];
    let [m, v] = moments(x[1], x[2], x[3], a);
    let update = normalized(m, v, a, x.get(4));
    let (of_weight, of_update) = (norm(w), norm(update));
    let trust = (of_weight / of_update).where_else(of_update.exceeds(0.0), 1.0);
    let trust = trust.where_else(of_weight.exceeds(0.0), 1.0);
    vec![moved(w, update * trust, a), m, v]
}

/// Steps as those of the parent module; then options, which take and give gradients or weights alone.
pub(crate) const OPERATIONS: &[(&str, Arity, Operation)] = &[
    ("optimizer/amsgrad", Arity::AtLeast(5), |_, x, a| wide(amsgrad, x, a)),
    ("optimizer/nadam", Arity::Exactly(4), |_, x, a| wide(nadam, x, a)),
    ("optimizer/ftrl", Arity::Exactly(4), |_, x, a| wide(ftrl, x, a)),
    ("optimizer/lion", Arity::Exactly(3), |_, x, a| wide(lion, x, a)),
    ("optimizer/lamb", Arity::AtLeast(4), |_, x, a| wide(lamb, x, a)),
    // A weight; the learning rate times the decay.
    ("optimizer/decay", Arity::Exactly(1), |_, x, a| Ok(vec![decayed(&x[0], a.number(0)?)?])),
    // Gradients; the limit.
    ("optimizer/clipvalue", Arity::Exactly(1), |_, x, a| Ok(vec![clipped_by_value(&x[0], a.number(0)?)?])),
    ("optimizer/clipnorm", Arity::Exactly(1), |_, x, a| clipped_by_norm(&x[0], a.number(0)?)),
    ("optimizer/globalClipnorm", Arity::AtLeast(1), |_, x, a| clipped_by_global_norm(x, a.number(0)?)),
    // The average and the weight; the momentum.
    ("optimizer/average", Arity::Exactly(2), |_, x, a| Ok(vec![averaged(&x[0], &x[1], a.number(0)?)?])),
];
