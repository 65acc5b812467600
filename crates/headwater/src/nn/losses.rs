//! Losses: functions of targets and predictions that keep one value per sample (the last axis is reduced), named as in
//! Keras and TensorFlow.js.

use headwater_core::ops::{
    abs, add, clip, div_no_nan, log, log_softmax, maximum, mean, mul, neg, one_hot, relu, reshape, softplus, sqrt,
    square, squared_difference, sub, sum,
};
use headwater_core::{DType, Error, Result, Tensor};

use crate::registry::Arity;

/// Keeps logarithms and quotients of probabilities finite, as Keras does.
const EPSILON: f64 = 1e-7;

/// A loss: `(targets, predictions) -> one value per sample`.
pub type Loss = fn(&Tensor, &Tensor) -> Result<Tensor>;

fn rows(x: &Tensor) -> Result<Tensor> {
    mean(x, Some(&[-1]), false)
}

fn limit(x: &Tensor, low: f64, high: f64) -> Result<Tensor> {
    clip(x, &x.constant(low), &x.constant(high))
}

fn mean_squared_error(t: &Tensor, y: &Tensor) -> Result<Tensor> {
    rows(&squared_difference(t, y)?)
}

fn mean_absolute_error(t: &Tensor, y: &Tensor) -> Result<Tensor> {
    rows(&abs(&sub(t, y)?)?)
}

fn mean_absolute_percentage_error(t: &Tensor, y: &Tensor) -> Result<Tensor> {
    let size = maximum(&abs(t)?, &y.constant(EPSILON))?;
    mul(&rows(&abs(&headwater_core::ops::real_div(&sub(t, y)?, &size)?)?)?, &y.constant(100.0))
}

fn mean_squared_logarithmic_error(t: &Tensor, y: &Tensor) -> Result<Tensor> {
    let logarithm = |x: &Tensor| log(&add(&maximum(x, &x.constant(EPSILON))?, &x.constant(1.0))?);
    rows(&squared_difference(&logarithm(t)?, &logarithm(y)?)?)
}

fn hinge_terms(t: &Tensor, y: &Tensor) -> Result<Tensor> {
    relu(&sub(&y.constant(1.0), &mul(t, y)?)?)
}

fn hinge(t: &Tensor, y: &Tensor) -> Result<Tensor> {
    rows(&hinge_terms(t, y)?)
}

fn squared_hinge(t: &Tensor, y: &Tensor) -> Result<Tensor> {
    rows(&square(&hinge_terms(t, y)?)?)
}

fn categorical_hinge(t: &Tensor, y: &Tensor) -> Result<Tensor> {
    let positive = sum(&mul(t, y)?, Some(&[-1]), false)?;
    let negative = headwater_core::ops::max(&mul(&sub(&y.constant(1.0), t)?, y)?, Some(&[-1]), false)?;
    relu(&add(&sub(&negative, &positive)?, &y.constant(1.0))?)
}

fn logcosh(t: &Tensor, y: &Tensor) -> Result<Tensor> {
    let error = sub(y, t)?;
    let doubled = softplus(&mul(&error, &error.constant(-2.0))?)?;
    rows(&sub(&add(&error, &doubled)?, &error.constant(std::f64::consts::LN_2))?)
}

fn huber(t: &Tensor, y: &Tensor) -> Result<Tensor> {
    let error = abs(&sub(y, t)?)?;
    let inner = headwater_core::ops::minimum(&error, &error.constant(1.0))?;
    rows(&add(&mul(&square(&inner)?, &error.constant(0.5))?, &sub(&error, &inner)?)?)
}

fn categorical_crossentropy(t: &Tensor, y: &Tensor) -> Result<Tensor> {
    let total = sum(y, Some(&[-1]), true)?;
    let p = limit(&headwater_core::ops::real_div(y, &total)?, EPSILON, 1.0 - EPSILON)?;
    neg(&sum(&mul(t, &log(&p)?)?, Some(&[-1]), false)?)
}

fn sparse_categorical_crossentropy(t: &Tensor, y: &Tensor) -> Result<Tensor> {
    categorical_crossentropy(&sparse_to_one_hot(t, y)?, y)
}

/// Class numbers as rows of the predictions' shape; a trailing dimension of 1 is taken as none.
pub(super) fn sparse_to_one_hot(t: &Tensor, y: &Tensor) -> Result<Tensor> {
    let classes =
        y.shape().last().copied().ok_or_else(|| {
            Error::shape("sparseCategoricalCrossentropy", "predictions of rank at least 1", y.shape())
        })?;
    let leading = headwater_core::Shape::from(&y.shape()[..y.rank() - 1]);
    if t.size() != leading.size() {
        let expected = format!("one class number for each of {leading}");
        return Err(Error::shape("sparseCategoricalCrossentropy", expected, t.shape()));
    }
    one_hot(&reshape(t, leading)?.cast(DType::I32)?, classes, 1.0, 0.0, DType::F32)
}

fn binary_crossentropy(t: &Tensor, y: &Tensor) -> Result<Tensor> {
    let p = limit(y, EPSILON, 1.0 - EPSILON)?;
    let one = y.constant(1.0);
    let hit = mul(t, &log(&p)?)?;
    let miss = mul(&sub(&one, t)?, &log(&sub(&one, &p)?)?)?;
    rows(&neg(&add(&hit, &miss)?)?)
}

fn kullback_leibler_divergence(t: &Tensor, y: &Tensor) -> Result<Tensor> {
    let (p, q) = (limit(t, EPSILON, 1.0)?, limit(y, EPSILON, 1.0)?);
    sum(&mul(t, &sub(&log(&p)?, &log(&q)?)?)?, Some(&[-1]), false)
}

fn poisson(t: &Tensor, y: &Tensor) -> Result<Tensor> {
    rows(&sub(y, &mul(t, &log(&add(y, &y.constant(EPSILON))?)?)?)?)
}

fn cosine_proximity(t: &Tensor, y: &Tensor) -> Result<Tensor> {
    let unit = |x: &Tensor| -> Result<Tensor> {
        let length = sqrt(&sum(&square(x)?, Some(&[-1]), true)?)?;
        div_no_nan(x, &length)
    };
    neg(&sum(&mul(&unit(t)?, &unit(y)?)?, Some(&[-1]), false)?)
}

/// [`categorical_crossentropy`] of logits: exact where probabilities round to 0 or 1.
fn categorical_crossentropy_from_logits(t: &Tensor, y: &Tensor) -> Result<Tensor> {
    neg(&sum(&mul(t, &log_softmax(y, -1)?)?, Some(&[-1]), false)?)
}

/// The mean of what a loss or a metric gives, over the samples and steps that count. The mask has the leading axes of `values`.
///
/// # Errors
/// `ErrorKind::Shape` when it has not.
pub fn masked_mean(values: &Tensor, mask: Option<&Tensor>) -> Result<Tensor> {
    let Some(mask) = mask else { return mean(values, None, false) };
    let ones = (mask.rank()..values.rank()).map(|_| 1);
    let shape: headwater_core::Shape = mask.shape().iter().copied().chain(ones).collect();
    let weight = reshape(&mask.cast(DType::F32)?, shape)?;
    let share = add(&mean(&weight, None, false)?, &weight.constant(EPSILON / weight.size().max(1) as f64))?;
    headwater_core::ops::real_div(&mean(&mul(values, &weight)?, None, false)?, &share)
}

/// Every loss by name.
pub const LOSSES: &[(&str, Loss)] = &[
    ("meanSquaredError", mean_squared_error),
    ("meanAbsoluteError", mean_absolute_error),
    ("meanAbsolutePercentageError", mean_absolute_percentage_error),
    ("meanSquaredLogarithmicError", mean_squared_logarithmic_error),
    ("squaredHinge", squared_hinge),
    ("hinge", hinge),
    ("categoricalHinge", categorical_hinge),
    ("logcosh", logcosh),
    ("huber", huber),
    ("categoricalCrossentropy", categorical_crossentropy),
    ("categoricalCrossentropyFromLogits", categorical_crossentropy_from_logits),
    ("sparseCategoricalCrossentropy", sparse_categorical_crossentropy),
    ("binaryCrossentropy", binary_crossentropy),
    ("kullbackLeiblerDivergence", kullback_leibler_divergence),
    ("poisson", poisson),
    ("cosineProximity", cosine_proximity),
];

/// A name as TensorFlow.js writes it: `mean_squared_error` and `meanSquaredError` are one.
pub(super) fn camel(name: &str) -> String {
    let mut out = String::with_capacity(name.len());
    let mut upper = false;
    for c in name.chars() {
        if c == '_' {
            upper = true;
        } else {
            out.push(if upper { c.to_ascii_uppercase() } else { c });
            upper = false;
        }
    }
    out
}

/// The loss of a name, in camel or snake case.
///
/// # Errors
/// `ErrorKind::Unknown` when there is none.
pub fn loss(name: &str) -> Result<Loss> {
    let wanted = match camel(name).as_str() {
        "mse" => "meanSquaredError".into(),
        "mae" => "meanAbsoluteError".into(),
        other => String::from(other),
    };
    let found = LOSSES.iter().find(|(n, _)| *n == wanted);
    found.map(|&(_, f)| f).ok_or_else(|| Error::unknown("loss", name))
}

fn checked(name: &str, f: Loss, x: &[Tensor]) -> Result<Vec<Tensor>> {
    let (t, y) = (x[0].cast(DType::F32)?, x[1].cast(DType::F32)?);
    if t.shape() != y.shape() && !name.starts_with("sparse") {
        return Err(Error::shape(name, format!("targets of shape {}", y.shape()), t.shape()));
    }
    f(&t, &y).map(|loss| vec![loss])
}

macro_rules! operations {
    ($($index:literal $name:literal),*) => {
        /// The losses as operations of the registry.
        pub(crate) const OPERATIONS: &[(&str, Arity, crate::registry::Operation)] = &[
            $(($name, Arity::Exactly(2), |_, x, _| checked(LOSSES[$index].0, LOSSES[$index].1, x))),*
        ];
    };
}
operations!(
    0 "loss/meanSquaredError", 1 "loss/meanAbsoluteError", 2 "loss/meanAbsolutePercentageError",
    3 "loss/meanSquaredLogarithmicError", 4 "loss/squaredHinge", 5 "loss/hinge", 6 "loss/categoricalHinge",
    7 "loss/logcosh", 8 "loss/huber", 9 "loss/categoricalCrossentropy", 10 "loss/categoricalCrossentropyFromLogits",
    11 "loss/sparseCategoricalCrossentropy", 12 "loss/binaryCrossentropy", 13 "loss/kullbackLeiblerDivergence",
    14 "loss/poisson", 15 "loss/cosineProximity"
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn operations_are_the_losses() {
        for (&(name, ..), (loss, _)) in OPERATIONS.iter().zip(LOSSES) {
            assert_eq!(name.strip_prefix("loss/"), Some(*loss));
        }
        assert_eq!(OPERATIONS.len(), LOSSES.len());
    }

    #[test]
    fn values_are_those_of_keras() -> Result<()> {
        let d = crate::cpu(1);
        let tensor = |x: &[f32]| d.tensor(crate::HostSlice::F32(x), [2, 3]);
        let t = tensor(&[0.0, 1.0, 0.0, 1.0, 0.0, 0.0])?;
        let y = tensor(&[0.2, 0.7, 0.1, 0.5, 0.25, 0.25])?;
        let check = |name: &str, want: [f32; 2]| -> Result<()> {
            let got = loss(name)?(&t, &y)?.to_vec()?;
            assert!((got[0] - want[0]).abs() < 1e-5 && (got[1] - want[1]).abs() < 1e-5, "{name}: {got:?} {want:?}");
            Ok(())
        };
        check("meanSquaredError", [0.046_666_67, 0.125])?;
        check("mean_absolute_error", [0.2, 0.333_333_34])?;
        check("categoricalCrossentropy", [0.356_674_94, std::f32::consts::LN_2])?;
        check("binaryCrossentropy", [0.228_393_03, 0.422_837_62])?;
        check("kullbackLeiblerDivergence", [0.356_674_94, std::f32::consts::LN_2])?;
        check("huber", [0.023_333_333, 0.0625])?;
        check("logcosh", [0.023_066_86, 0.060_658_06])?;
        check("categoricalHinge", [0.5, 0.75])?;
        let classes = d.tensor(crate::HostSlice::F32(&[1.0, 0.0]), [2, 1])?;
        let sparse = loss("sparseCategoricalCrossentropy")?(&classes, &y)?.to_vec()?;
        assert!((sparse[1] - std::f32::consts::LN_2).abs() < 1e-5);
        assert_eq!(loss("nope").expect_err("unknown").to_string(), "Unknown loss: 'nope'");
        Ok(())
    }
}
