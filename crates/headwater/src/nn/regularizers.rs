//! Regularizers and constraints by Keras class name.

use headwater_core::ops::{abs, add, clip, div_no_nan, matmul, maximum, mul, not_equal, sqrt, square, sum};
#[cfg(feature = "layers-normalization")]
use headwater_core::ops::{gather, reshape};
#[cfg(feature = "layers-normalization")]
use headwater_core::HostSlice;
use headwater_core::{DType, Error, Result, Scalar, Tensor};

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
fn orthogonal(factor: f64, columns: bool, weight: &Tensor) -> Result<Tensor> {
    if weight.rank() != 2 {
        return Err(Error::shape("OrthogonalRegularizer", "a weight of rank 2", weight.shape()));
    }
    let axis = if columns { 0 } else { 1 };
    // Keras's floor of squared lengths.
    let length = maximum(&sum(&square(weight)?, Some(&[axis]), true)?, &weight.constant(1e-12))?;
    let unit = div_no_nan(weight, &sqrt(&length)?)?;
    let cosines = matmul(&unit, &unit, columns, !columns)?;
    let n = cosines.shape()[0];
    let device = weight.device();
    let others = not_equal(&device.iota([n, n], 0)?, &device.iota([n, n], 1)?)?.cast(DType::F32)?;
    let pairs = (n * n.saturating_sub(1)).max(1) as f64;
    mul(&sum(&abs(&mul(&cosines, &others)?)?, None, false)?, &weight.constant(factor / pairs))
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
            return orthogonal(number("factor").unwrap_or(0.01), mode == Some("columns"), weight);
        }
        _ => return Err(Error::unknown("regularizer", class)),
    };
    let mut total = weight.device().constant(Scalar::F32(0.0));
    if l1 != 0.0 {
        total = add(&total, &mul(&sum(&abs(weight)?, None, false)?, &weight.constant(l1))?)?;
    }
    if l2 != 0.0 {
        total = add(&total, &mul(&sum(&square(weight)?, None, false)?, &weight.constant(l2))?)?;
    }
    Ok(total)
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
    let places: Vec<i32> = (0..n * n).map(|i| from(i / n, i % n)).collect();
    let places = weight.device().tensor(HostSlice::I32(&places), [n * n])?;
    let rows = reshape(weight, [n * n, rest[0] * rest[1]])?;
    reshape(&gather(&rows, &places, 0, 0)?, weight.shape())
}

/// A weight moved to where a constraint's configuration allows.
///
/// # Errors
/// `ErrorKind::Unknown` when there is no such constraint.
pub fn constrain(config: &Value, weight: &Tensor) -> Result<Tensor> {
    let (class, number) = parts(config);
    let given = config.get("config").and_then(|c| c.get("axis"));
    let axes: Vec<isize> = match given.and_then(Value::list) {
        Some(axes) => axes.iter().filter_map(Value::number).map(|axis| axis as isize).collect(),
        None => vec![number("axis").unwrap_or(0.0) as isize],
    };
    let norm = || sqrt(&sum(&square(weight)?, Some(&axes), true)?);
    let k = |x: f64| weight.constant(x);
    match class.as_str() {
        "nonneg" => maximum(weight, &k(0.0)),
        #[cfg(feature = "layers-normalization")]
        "radialconstraint" => radial(weight),
        "unitnorm" => div_no_nan(weight, &norm()?),
        "maxnorm" => {
            let norm = norm()?;
            let wanted = clip(&norm, &k(0.0), &k(number("max_value").unwrap_or(2.0)))?;
            mul(weight, &div_no_nan(&wanted, &norm)?)
        }
        "minmaxnorm" => {
            let norm = norm()?;
            let limited = clip(&norm, &k(number("min_value").unwrap_or(0.0)), &k(number("max_value").unwrap_or(1.0)))?;
            let rate = number("rate").unwrap_or(1.0);
            let wanted = add(&mul(&limited, &k(rate))?, &mul(&norm, &k(1.0 - rate))?)?;
            mul(weight, &div_no_nan(&wanted, &norm)?)
        }
        _ => Err(Error::unknown("constraint", class)),
    }
}
