//! Steps of optimizers that TensorFlow.js lacks, and the options of all as operations of the registry. Their formulas are
//! those of Keras, except that epsilon is added to the corrected deviation, as in the papers and in this library's Adam.

use headwater_core::ops::{add, clip, greater, maximum, mul, pow, real_div, select, sign, sqrt, square, sub, sum};
use headwater_core::{math, Result, Tensor};

use super::options::{averaged, clipped_by_global_norm, clipped_by_norm, clipped_by_value, decayed};
use super::{average, corrected, fixed, moments, moved, normalized, rate, scalar, wide, Step};
use crate::registry::{Arity, Attrs, Operation};

/// learning rate, beta1, beta2, epsilon, step number from 1; the third slot is the greatest mean of squares (Reddi et
/// al. 2018).
fn amsgrad(x: &[Tensor], a: &Attrs<'_>) -> Step {
    let [w, g, m, v, greatest] = [&x[0], &x[1], &x[2], &x[3], &x[4]];
    let (m, v) = moments(g, m, v, a)?;
    let greatest = maximum(greatest, &v)?;
    let w = moved(w, &normalized(&m, &greatest, a, x.get(5))?, a)?;
    Ok(vec![w, m, v, greatest])
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
fn nadam(x: &[Tensor], a: &Attrs<'_>) -> Step {
    let [w, g, m, v] = [&x[0], &x[1], &x[2], &x[3]];
    let (beta, t) = (a.number(1)?, a.number(4)?);
    let (now, next, product) = (warmed(beta, t), warmed(beta, t + 1.0), warmed_product(beta, t));
    let (m, v) = moments(g, m, v, a)?;
    let ahead = mul(&m, &scalar(w, next / (1.0 - product * next)))?;
    let mean = add(&ahead, &mul(g, &scalar(w, (1.0 - now) / (1.0 - product)))?)?;
    let spread = add(&sqrt(&corrected(&v, a, 2, None)?)?, &fixed(w, a, 3)?)?;
    let w = moved(w, &real_div(&mean, &spread)?, a)?;
    Ok(vec![w, m, v])
}

/// learning rate (above 0), its power, L1, L2, L2 shrinkage, beta; slots: sum of squares, linear term (McMahan et al. 2013).
fn ftrl(x: &[Tensor], a: &Attrs<'_>) -> Step {
    let [w, g, sum, linear] = [&x[0], &x[1], &x[2], &x[3]];
    let (power, l1) = (a.number(1)?, a.number(2)?);
    let lr = rate(w, a, 0)?;
    let scaled = |sum: &Tensor| pow(sum, &w.constant(-power));
    let next = add(sum, &square(g)?)?;
    let shrunk = add(g, &mul(w, &w.constant(2.0 * a.number(4)?))?)?;
    let sigma = real_div(&sub(&scaled(&next)?, &scaled(sum)?)?, &lr)?;
    let linear = add(linear, &sub(&shrunk, &mul(&sigma, w)?)?)?;
    let curve = real_div(&add(&scaled(&next)?, &fixed(w, a, 5)?)?, &lr)?;
    let quadratic = add(&curve, &w.constant(2.0 * a.number(3)?))?;
    let limited = clip(&linear, &w.constant(-l1), &w.constant(l1))?;
    Ok(vec![real_div(&sub(&limited, &linear)?, &quadratic)?, next, linear])
}

/// learning rate, beta1, beta2; slot: mean of gradients (Chen et al. 2023).
fn lion(x: &[Tensor], a: &Attrs<'_>) -> Step {
    let [w, g, m] = [&x[0], &x[1], &x[2]];
    let direction = sign(&average(m, g, a, 1)?)?;
    Ok(vec![moved(w, &direction, a)?, average(m, g, a, 2)?])
}

/// The Euclidean norm of all elements.
fn norm(x: &Tensor) -> Result<Tensor> {
    sqrt(&sum(&square(x)?, None, false)?)
}

/// learning rate, beta1, beta2, epsilon, step number from 1 (You et al. 2020).
fn lamb(x: &[Tensor], a: &Attrs<'_>) -> Step {
    let [w, g, m, v] = [&x[0], &x[1], &x[2], &x[3]];
    let (m, v) = moments(g, m, v, a)?;
    let update = normalized(&m, &v, a, x.get(4))?;
    let (of_weight, of_update) = (norm(w)?, norm(&update)?);
    let (zero, one) = (w.constant(0.0), w.constant(1.0));
    let trust = select(&greater(&of_update, &zero)?, &real_div(&of_weight, &of_update)?, &one)?;
    let trust = select(&greater(&of_weight, &zero)?, &trust, &one)?;
    let w = moved(w, &mul(&update, &trust)?, a)?;
    Ok(vec![w, m, v])
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
