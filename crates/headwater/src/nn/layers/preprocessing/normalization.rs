//! Features of mean 0 and variance 1, by what is known of them.

use headwater_core::calc::Calc;
use headwater_core::AllOk;
use headwater_core::{DType, Error, HostSlice, Result, Shape, Tensor};

use super::super::super::config::Config;
use super::super::super::layer::{known, pass, position, single, Call, Dims, Layer, Output, WeightSpec};
use super::super::super::value::{Map, Value};

/// `(x - mean) / sqrt(variance)`, with mean and variance given, or kept as weights that the data was measured for.
pub(super) struct Normalization {
    /// Axes that have a mean and a variance per element.
    axes: Vec<isize>,
    invert: bool,
    given: Option<(Value, Value)>,
}

impl Normalization {
    pub fn new(c: &Config<'_>) -> Result<Normalization> {
        let axes = if c.is_null("axis") { Vec::new() } else { c.axes("axis", -1)? };
        let given = match (c.get("mean"), c.get("variance")) {
            (Some(mean), Some(variance)) => Some((mean.clone(), variance.clone())),
            (None, None) => None,
            _ => return Err(Error::argument(c.class, "both 'mean' and 'variance' or neither", "one")),
        };
        Ok(Normalization { axes, invert: c.flag("invert", false)?, given })
    }

    /// The axes that are kept, in their order.
    fn kept(&self, rank: usize) -> Result<Vec<usize>> {
        let at = |&axis: &isize| position("Normalization", axis, rank);
        let mut kept: Vec<usize> = self.axes.iter().map(at).all_ok()?;
        kept.sort_unstable();
        Ok(kept)
    }

    /// Numbers of a value, whose shape is that of the last of the kept axes.
    fn spread(&self, x: &Tensor, kept: &[usize], value: &Value) -> Result<Tensor> {
        let (mut numbers, mut sizes) = (Vec::new(), Vec::new());
        flatten(value, 0, &mut numbers, &mut sizes);
        let mut shape = vec![1; x.rank()];
        let skipped = kept.len().checked_sub(sizes.len());
        let skipped =
            skipped.ok_or_else(|| Error::argument("Normalization", format_args!("{} axes", kept.len()), value))?;
        for (&axis, &size) in kept[skipped..].iter().zip(&sizes) {
            shape[axis] = size;
        }
        if shape.iter().zip(x.shape().iter()).any(|(&n, &of)| n != 1 && n != of) {
            return Err(Error::shape("Normalization", format_args!("an input for a mean of {sizes:?}"), x.shape()));
        }
        x.device().tensor(HostSlice::F32(&numbers), shape)
    }
}

/// The numbers of nested lists and the lists' sizes.
fn flatten(value: &Value, depth: usize, numbers: &mut Vec<f32>, sizes: &mut Vec<usize>) {
    match value {
        Value::List(list) => {
            if sizes.len() <= depth {
                sizes.push(list.len());
            }
            list.iter().for_each(|value| flatten(value, depth + 1, numbers, sizes));
        }
        other => numbers.push(other.number().unwrap_or(f64::NAN) as f32),
    }
}

impl Layer for Normalization {
    fn class_name(&self) -> &'static str {
        "Normalization"
    }

    fn config(&self, to: &mut Map) {
        to.set("axis", self.axes.clone());
        to.set("invert", self.invert);
        to.set("mean", self.given.as_ref().map(|given| given.0.clone()));
        to.set("variance", self.given.as_ref().map(|given| given.1.clone()));
    }

    fn weights(&self, inputs: &[Dims]) -> Result<Vec<WeightSpec>> {
        let input = single("Normalization", inputs)?;
        let kept = self.kept(input.len())?;
        if self.given.is_some() {
            return Ok(Vec::new());
        }
        let shape: Shape = kept.iter().map(|&d| known("Normalization", input, d)).collect::<Result<_>>()?;
        let count = WeightSpec::new("count", Shape::scalar(), Value::class("Zeros"), false);
        Ok(vec![
            WeightSpec::new("mean", shape.clone(), Value::class("Zeros"), false),
            WeightSpec::new("variance", shape, Value::class("Ones"), false),
            WeightSpec { dtype: DType::I32, ..count },
        ])
    }

    fn output_shape(&self, inputs: &[Dims]) -> Result<Vec<Dims>> {
        let input = single("Normalization", inputs)?;
        self.kept(input.len())?;
        Ok(vec![input.clone()])
    }

    fn call(&self, inputs: &[Tensor], weights: &[Tensor], _call: &Call<'_>) -> Result<Output> {
        let calc = Calc::default();
        let x = calc.of(single("Normalization", inputs)?).number();
        let kept = self.kept(x.rank())?;
        let (mean, variance) = match &self.given {
            Some((mean, variance)) => {
                let of = |value: &Value| self.spread(x.value(), &kept, value).map(|t| calc.of(&t));
                (of(mean)?, of(variance)?)
            }
            None => {
                let mut shape = vec![1; x.rank()];
                kept.iter().for_each(|&d| shape[d] = x.dim(d));
                (calc.of(&weights[0]).reshape(&shape), calc.of(&weights[1]).reshape(&shape))
            }
        };
        // Keras's least deviation.
        let deviation = variance.sqrt().at_least(1e-7);
        let y = if self.invert { mean + x * deviation } else { (x - mean) / deviation };
        calc.result(y).map(Output::of)
    }

    fn masks(&self, _inputs: &[Tensor], masks: &[Option<Tensor>]) -> Result<Vec<Option<Tensor>>> {
        pass(masks)
    }
}
