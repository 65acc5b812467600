//! Regularizers and constraints by Keras class name.

use headwater_core::calc::{Calc, Term};
#[cfg(feature = "layers-normalization")]
use headwater_core::HostSlice;
use headwater_core::Listed;
use headwater_core::{ops, Error, Result, Tensor};

use super::losses::camel;
use super::value::{Map, Value};

fn parts(config: &Value) -> (String, impl Fn(&str) -> Option<f64> + '_) {
    let class = config.text().or_else(|| config.get("class_name")?.text()).unwrap_or("");
    let parameters = config.get("config").unwrap_or(&Value::Null);
    (camel(class).to_ascii_lowercase(), move |key| parameters.get(key).and_then(Value::number))
}

/// The configuration of a regularizer that adds `factor` times the absolute values.
pub fn l1(factor: f64) -> Value {
    with(Value::class("L1"), &[("l1", factor)])
}

/// The configuration of a regularizer that adds `factor` times the squares.
pub fn l2(factor: f64) -> Value {
    with(Value::class("L2"), &[("l2", factor)])
}

/// The configuration of a regularizer that adds multiples of the absolute values and of the squares.
pub fn l1_l2(l1: f64, l2: f64) -> Value {
    with(Value::class("L1L2"), &[("l1", l1), ("l2", l2)])
}

fn with(mut class: Value, parameters: &[(&str, f64)]) -> Value {
    if let Value::Map(map) = &mut class {
        let config: Map = parameters.iter().map(|&(key, value)| (key.to_owned(), value.into())).collect();
        map.replace("config", config.into());
    }
    class
}

/// How far the rows (or columns) of a matrix are from orthogonal: the mean of the absolute cosines between them
/// (Rodriguez et al. 2017).
fn orthogonal(factor: f64, columns: bool, weight: Term<'_>) -> Term<'_> {
    if weight.rank() != 2 {
        return weight.fail(Error::shape("OrthogonalRegularizer", "a weight of rank 2", weight.shape()));
    }
    let axis = if columns { 0 } else { 1 };
    // Keras's floor of squared lengths.
    let length = weight.map(ops::square).sum(&[axis], true).at_least(1e-12);
    let unit = weight.over(length.sqrt());
    let cosines = unit.then(&|x| ops::matmul(x, x, columns, !columns));
    let n = cosines.dim(0);
    let others = weight.iota(&[n, n], 0).with(weight.iota(&[n, n], 1), ops::not_equal).number();
    let pairs = (n * n.saturating_sub(1)).max(1) as f64;
    (cosines * others).map(ops::abs).total() * weight.like(factor / pairs)
}

/// Checks that a regularizer is known.
///
/// # Errors
/// `ErrorKind::Unknown`.
pub(super) fn known_regularizer(config: &Value) -> Result<()> {
    let (class, _) = parts(config);
    match class.as_str() {
        "l1l2" | "l1" | "l2" | "orthogonalregularizer" => Ok(()),
        _ => Err(Error::unknown("regularizer", class)),
    }
}

/// The loss that a regularizer's configuration gives a weight: `l1 * sum(|w|) + l2 * sum(w^2)`, or what is not orthogonal.
///
/// # Errors
/// `ErrorKind::Unknown` when there is no such regularizer.
pub fn penalty(config: &Value, weight: &Tensor) -> Result<Tensor> {
    let (class, number) = parts(config);
    let (l1, l2) = match class.as_str() {
        "l1l2" => (number("l1").unwrap_or(0.01), number("l2").unwrap_or(0.01)),
        "l1" => (number("l1").unwrap_or(0.01), 0.0),
        "l2" => (0.0, number("l2").unwrap_or(0.01)),
        "orthogonalregularizer" => {
            let mode = config.get("config").and_then(|c| c.get("mode")).and_then(Value::text);
            let calc = Calc::default();
            let factor = number("factor").unwrap_or(0.01);
            return calc.result(orthogonal(factor, mode == Some("columns"), calc.of(weight)));
        }
        _ => return Err(Error::unknown("regularizer", class)),
    };
    let calc = Calc::default();
    let weight = calc.of(weight);
    let mut total = weight.constant(0.0);
    if l1 != 0.0 {
        total = total + weight.map(ops::abs).total() * weight.like(l1);
    }
    if l2 != 0.0 {
        total = total + weight.map(ops::square).total() * weight.like(l2);
    }
    calc.result(total)
}

/// A kernel of square windows whose elements are the same all around the middle: Keras 2 takes those of its diagonal.
#[cfg(feature = "layers-normalization")]
fn radial(weight: &Tensor) -> Result<Tensor> {
    let [n, m, rest @ ..] = &**weight.shape() else {
        return Err(Error::shape("RadialConstraint", "a kernel of rank 4", weight.shape()));
    };
    if n != m || rest.len() != 2 {
        return Err(Error::shape("RadialConstraint", "a kernel of rank 4 with square windows", weight.shape()));
    }
    let start = n / 2;
    let from = |row: usize, column: usize| {
        let edge = row.min(column).min(n - 1 - row).min(n - 1 - column);
        let ring = n.div_ceil(2) - 1 - edge;
        // The middle has an element of its own; of even windows, the one behind it is left out.
        let at = if ring == 0 { start.saturating_sub(1) } else { start + ring - n % 2 };
        (at * n + at) as i32
    };
    let places: Vec<i32> = (0..n * n).map(|i| from(i / n, i % n)).listed();
    let calc = Calc::default();
    let places = calc.of(&weight.device().tensor(HostSlice::I32(&places), [n * n])?);
    let rows = calc.of(weight).reshape(&[n * n, rest[0] * rest[1]]);
    calc.result(rows.pick(places).reshape(weight.shape()))
}

/// A weight moved to where a constraint's configuration allows.
///
/// # Errors
/// `ErrorKind::Unknown` when there is no such constraint.
pub fn constrain(config: &Value, weight: &Tensor) -> Result<Tensor> {
    let (class, number) = parts(config);
    let given = config.get("config").and_then(|c| c.get("axis"));
    let axes: Vec<isize> = match given.and_then(Value::list) {
        Some(axes) => axes.iter().filter_map(Value::number).map(|axis| axis as isize).listed(),
        None => vec![number("axis").unwrap_or(0.0) as isize],
    };
    let calc = Calc::default();
    let w = calc.of(weight);
    let norm = || w.map(ops::square).sum(&axes, true).sqrt();
    let limit = |key: &str, default: f64| number(key).unwrap_or(default);
    calc.result(match class.as_str() {
        "nonneg" => w.at_least(0.0),
        #[cfg(feature = "layers-normalization")]
        "radialconstraint" => w.map(radial),
        "unitnorm" => w.over(norm()),
        "maxnorm" => {
            let norm = norm();
            w * norm.clip(0.0, limit("max_value", 2.0)).over(norm)
        }
        "minmaxnorm" => {
            let norm = norm();
            let rate = limit("rate", 1.0);
            let limited = norm.clip(limit("min_value", 0.0), limit("max_value", 1.0));
            w * (limited * rate + norm * (1.0 - rate)).over(norm)
        }
        _ => return Err(Error::unknown("constraint", class)),
    })
}
