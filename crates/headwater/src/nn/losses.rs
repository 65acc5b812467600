//! Losses: functions of targets and predictions that keep one value per sample (the last axis is reduced), named as in
//! Keras and TensorFlow.js.

use headwater_core::calc::{Calc, Term};
#[cfg(feature = "ops-losses")]
use headwater_core::DType;
use headwater_core::{ops, Error, Result, Tensor};

#[cfg(feature = "ops-losses")]
use crate::registry::Arity;

/// Keeps logarithms and quotients of probabilities finite, as Keras does.
const EPSILON: f64 = 1e-7;

/// A loss: `(targets, predictions) -> one value per sample`.
pub type Loss = fn(&Tensor, &Tensor) -> Result<Tensor>;

/// As [`Loss`].
type Formula = for<'a> fn(Term<'a>, Term<'a>) -> Term<'a>;

fn calculated(t: &Tensor, y: &Tensor, formula: Formula) -> Result<Tensor> {
    let calc = Calc::default();
    calc.result(formula(calc.of(t), calc.of(y)))
}

fn rows(x: Term<'_>) -> Term<'_> {
    x.mean_along(&[-1], false)
}

fn sums(x: Term<'_>) -> Term<'_> {
    x.sum(&[-1], false)
}

fn log(x: Term<'_>) -> Term<'_> {
    x.map(ops::log)
}

fn mean_squared_error<'a>(t: Term<'a>, y: Term<'a>) -> Term<'a> {
    rows(t.with(y, ops::squared_difference))
}

fn mean_absolute_error<'a>(t: Term<'a>, y: Term<'a>) -> Term<'a> {
    rows((t - y).map(ops::abs))
}

fn mean_absolute_percentage_error<'a>(t: Term<'a>, y: Term<'a>) -> Term<'a> {
    let size = t.map(ops::abs).at_least(EPSILON);
    rows(((t - y) / size).map(ops::abs)) * 100.0
}

fn mean_squared_logarithmic_error<'a>(t: Term<'a>, y: Term<'a>) -> Term<'a> {
    let logarithm = |x: Term<'a>| log(x.at_least(EPSILON) + 1.0);
    rows(logarithm(t).with(logarithm(y), ops::squared_difference))
}

fn hinge_terms<'a>(t: Term<'a>, y: Term<'a>) -> Term<'a> {
    (1.0 - t * y).map(ops::relu)
}

fn hinge<'a>(t: Term<'a>, y: Term<'a>) -> Term<'a> {
    rows(hinge_terms(t, y))
}

fn squared_hinge<'a>(t: Term<'a>, y: Term<'a>) -> Term<'a> {
    rows(hinge_terms(t, y).map(ops::square))
}

fn categorical_hinge<'a>(t: Term<'a>, y: Term<'a>) -> Term<'a> {
    let positive = sums(t * y);
    let negative = ((1.0 - t) * y).max_along(&[-1], false);
    ((negative - positive) + 1.0).map(ops::relu)
}

fn logcosh<'a>(t: Term<'a>, y: Term<'a>) -> Term<'a> {
    let error = y - t;
    rows((error + (error * -2.0).map(ops::softplus)) - std::f64::consts::LN_2)
}

fn huber<'a>(t: Term<'a>, y: Term<'a>) -> Term<'a> {
    let error = (y - t).map(ops::abs);
    let inner = error.at_most(1.0);
    rows(inner.map(ops::square) * 0.5 + (error - inner))
}

fn categorical_crossentropy<'a>(t: Term<'a>, y: Term<'a>) -> Term<'a> {
    let p = (y / y.sum(&[-1], true)).clip(EPSILON, 1.0 - EPSILON);
    -sums(t * log(p))
}

fn sparse_categorical_crossentropy<'a>(t: Term<'a>, y: Term<'a>) -> Term<'a> {
    categorical_crossentropy(t.with(y, sparse_to_one_hot), y)
}

/// Class numbers as rows of the predictions' shape; a trailing dimension of 1 is taken as none.
pub(super) fn sparse_to_one_hot(t: &Tensor, y: &Tensor) -> Result<Tensor> {
    let classes =
        y.shape().last().copied().ok_or_else(|| {
            Error::shape("sparseCategoricalCrossentropy", "predictions of rank at least 1", y.shape())
        })?;
    let leading = headwater_core::Shape::from(&y.shape()[..y.rank() - 1]);
    if t.size() != leading.size() {
        let expected = format_args!("one class number for each of {leading}");
        return Err(Error::shape("sparseCategoricalCrossentropy", expected, t.shape()));
    }
    let calc = Calc::default();
    calc.result(calc.of(t).reshape(&leading).one_hot(classes))
}

fn binary_crossentropy<'a>(t: Term<'a>, y: Term<'a>) -> Term<'a> {
    let p = y.clip(EPSILON, 1.0 - EPSILON);
    let hit = t * log(p);
    let miss = (1.0 - t) * log(1.0 - p);
    rows(-(hit + miss))
}

fn kullback_leibler_divergence<'a>(t: Term<'a>, y: Term<'a>) -> Term<'a> {
    let (p, q) = (t.clip(EPSILON, 1.0), y.clip(EPSILON, 1.0));
    sums(t * (log(p) - log(q)))
}

fn poisson<'a>(t: Term<'a>, y: Term<'a>) -> Term<'a> {
    rows(y - t * log(y + EPSILON))
}

fn cosine_proximity<'a>(t: Term<'a>, y: Term<'a>) -> Term<'a> {
    let unit = |x: Term<'a>| x.over(x.map(ops::square).sum(&[-1], true).sqrt());
    -sums(unit(t) * unit(y))
}

/// [`categorical_crossentropy`] of logits: exact where probabilities round to 0 or 1.
fn categorical_crossentropy_from_logits<'a>(t: Term<'a>, y: Term<'a>) -> Term<'a> {
    -sums(t * y.then(&|y| ops::log_softmax(y, -1)))
}

/// The mean of what a loss or a metric gives, over the samples and steps that count. The mask has the leading axes of `values`.
///
/// # Errors
/// `ErrorKind::Shape` when it has not.
pub fn masked_mean(values: &Tensor, mask: Option<&Tensor>) -> Result<Tensor> {
    let Some(mask) = mask else { return ops::mean(values, None, false) };
    let mut dims = mask.shape().to_vec();
    dims.resize(dims.len().max(values.rank()), 1);
    let calc = Calc::default();
    let weight = calc.of(mask).number().reshape(&dims);
    let share = weight.mean() + EPSILON / weight.size().max(1) as f64;
    calc.result((calc.of(values) * weight).mean() / share)
}

/// Every loss by name.
pub const LOSSES: &[(&str, Loss)] = &[
    ("meanSquaredError", |t, y| calculated(t, y, mean_squared_error)),
    ("meanAbsoluteError", |t, y| calculated(t, y, mean_absolute_error)),
    ("meanAbsolutePercentageError", |t, y| calculated(t, y, mean_absolute_percentage_error)),
    ("meanSquaredLogarithmicError", |t, y| calculated(t, y, mean_squared_logarithmic_error)),
    ("squaredHinge", |t, y| calculated(t, y, squared_hinge)),
    ("hinge", |t, y| calculated(t, y, hinge)),
    ("categoricalHinge", |t, y| calculated(t, y, categorical_hinge)),
    ("logcosh", |t, y| calculated(t, y, logcosh)),
    ("huber", |t, y| calculated(t, y, huber)),
    ("categoricalCrossentropy", |t, y| calculated(t, y, categorical_crossentropy)),
    ("categoricalCrossentropyFromLogits", |t, y| calculated(t, y, categorical_crossentropy_from_logits)),
    ("sparseCategoricalCrossentropy", |t, y| calculated(t, y, sparse_categorical_crossentropy)),
    ("binaryCrossentropy", |t, y| calculated(t, y, binary_crossentropy)),
    ("kullbackLeiblerDivergence", |t, y| calculated(t, y, kullback_leibler_divergence)),
    ("poisson", |t, y| calculated(t, y, poisson)),
    ("cosineProximity", |t, y| calculated(t, y, cosine_proximity)),
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

#[cfg(feature = "ops-losses")]
fn checked(name: &str, f: Loss, x: &[Tensor]) -> Result<Vec<Tensor>> {
    let (t, y) = (x[0].cast(DType::F32)?, x[1].cast(DType::F32)?);
    if t.shape() != y.shape() && !name.starts_with("sparse") {
        return Err(Error::shape(name, format_args!("targets of shape {}", y.shape()), t.shape()));
    }
    f(&t, &y).map(|loss| vec![loss])
}

macro_rules! operations {
    ($($index:literal $name:literal),*) => {
        /// The losses as operations of the registry.
        #[cfg(feature = "ops-losses")]
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
    #[cfg(feature = "ops-losses")]
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
