//! Activations as layers.

use headwater_core::calc::Calc;
use headwater_core::AllOk;
use headwater_core::Listed;
use headwater_core::{ops, Result, Shape, Tensor};

use super::super::activations::activation;
use super::super::config::{axes_value, Config};
use super::super::layer::{known, pass, single, Call, Dims, Layer, Output, WeightSpec};
use super::super::value::Map;
use super::core::{weight, write_weight};
use super::{layer, Make};

pub(super) const LAYERS: &[(&str, Make)] = &[
    ("Activation", |c| layer(Activation { name: c.activation()? })),
    ("ReLU", |c| layer(Relu::new(c)?)),
    ("LeakyReLU", |c| layer(simple(c, Kind::Leaky, "alpha", c.number("negative_slope", 0.3)?)?)),
    ("ELU", |c| layer(simple(c, Kind::Elu, "alpha", 1.0)?)),
    ("ThresholdedReLU", |c| layer(simple(c, Kind::Thresholded, "theta", 1.0)?)),
    ("Softmax", |c| layer(Softmax { axes: c.axes("axis", -1)? })),
    ("PReLU", |c| layer(PRelu::new(c)?)),
];

fn same(class: &str, inputs: &[Dims]) -> Result<Vec<Dims>> {
    Ok(vec![single(class, inputs)?.clone()])
}

struct Activation {
    name: String,
}

impl Layer for Activation {
    fn class_name(&self) -> &'static str {
        "Activation"
    }
    fn config(&self, to: &mut Map) {
        to.set("activation", self.name.as_str());
    }
    fn output_shape(&self, inputs: &[Dims]) -> Result<Vec<Dims>> {
        same("Activation", inputs)
    }
    fn call(&self, inputs: &[Tensor], _weights: &[Tensor], _call: &Call<'_>) -> Result<Output> {
        activation(&self.name, single("Activation", inputs)?).map(Output::of)
    }

    fn masks(&self, _inputs: &[Tensor], masks: &[Option<Tensor>]) -> Result<Vec<Option<Tensor>>> {
        pass(masks)
    }
}

struct Relu {
    max: Option<f64>,
    slope: f64,
    threshold: f64,
}

impl Relu {
    fn new(c: &Config<'_>) -> Result<Relu> {
        let max = c.get("max_value").map(|_| c.number("max_value", 0.0)).transpose()?;
        Ok(Relu { max, slope: c.number("negative_slope", 0.0)?, threshold: c.number("threshold", 0.0)? })
    }
}

impl Layer for Relu {
    fn class_name(&self) -> &'static str {
        "ReLU"
    }
    fn config(&self, to: &mut Map) {
        to.set("max_value", self.max);
        to.set("negative_slope", self.slope);
        to.set("threshold", self.threshold);
    }
    fn output_shape(&self, inputs: &[Dims]) -> Result<Vec<Dims>> {
        same("ReLU", inputs)
    }
    fn call(&self, inputs: &[Tensor], _weights: &[Tensor], _call: &Call<'_>) -> Result<Output> {
        let x = single("ReLU", inputs)?;
        let calc = Calc::default();
        let x = calc.of(x);
        let mut y = match (self.slope == 0.0 && self.threshold == 0.0, self.max) {
            (true, Some(6.0)) => return calc.result(x.map(ops::relu6)).map(Output::of),
            (true, _) => x.map(ops::relu),
            (false, _) => x.by(self.threshold, ops::greater_equal).choose(x, (x - self.threshold) * self.slope),
        };
        if let Some(max) = self.max {
            y = y.at_most(max);
        }
        calc.result(y).map(Output::of)
    }

    fn masks(&self, _inputs: &[Tensor], masks: &[Option<Tensor>]) -> Result<Vec<Option<Tensor>>> {
        pass(masks)
    }
}

enum Kind {
    Leaky,
    Elu,
    Thresholded,
}

/// An activation with one number.
struct Simple {
    class: &'static str,
    kind: Kind,
    key: &'static str,
    value: f64,
}

fn simple(c: &Config<'_>, kind: Kind, key: &'static str, default: f64) -> Result<Simple> {
    Ok(Simple { class: c.class, kind, key, value: c.number(key, default)? })
}

impl Layer for Simple {
    fn class_name(&self) -> &'static str {
        self.class
    }
    fn config(&self, to: &mut Map) {
        to.set(self.key, self.value);
    }
    fn output_shape(&self, inputs: &[Dims]) -> Result<Vec<Dims>> {
        same(self.class, inputs)
    }
    fn call(&self, inputs: &[Tensor], _weights: &[Tensor], _call: &Call<'_>) -> Result<Output> {
        let x = single(self.class, inputs)?;
        let calc = Calc::default();
        let x = calc.of(x);
        let y = match self.kind {
            Kind::Leaky => x.then(&|x| ops::leaky_relu(x, self.value as f32)),
            Kind::Thresholded => x.where_else(x.exceeds(self.value), 0.0),
            Kind::Elu => {
                // The branch not taken stays finite: its gradient is multiplied by 0.
                let negative = x.at_most(0.0).map(ops::expm1) * self.value;
                x.by(0.0, ops::greater_equal).choose(x, negative)
            }
        };
        calc.result(y).map(Output::of)
    }

    fn masks(&self, _inputs: &[Tensor], masks: &[Option<Tensor>]) -> Result<Vec<Option<Tensor>>> {
        pass(masks)
    }
}

struct Softmax {
    axes: Vec<isize>,
}

impl Layer for Softmax {
    fn class_name(&self) -> &'static str {
        "Softmax"
    }
    fn config(&self, to: &mut Map) {
        to.set("axis", axes_value(&self.axes));
    }
    fn output_shape(&self, inputs: &[Dims]) -> Result<Vec<Dims>> {
        same("Softmax", inputs)
    }
    fn call(&self, inputs: &[Tensor], _weights: &[Tensor], call: &Call<'_>) -> Result<Output> {
        let x = single("Softmax", inputs)?;
        let calc = Calc::default();
        let mask = call.mask(0).map(|mask| calc.of(mask));
        let x = calc.of(x);
        let logits = mask.map_or(x, |mask| x.where_else(mask, -1e9));
        let y = match *self.axes {
            [axis] => logits.then(&|x| ops::softmax(x, axis)),
            _ => (logits - logits.then(&|x| ops::log_sum_exp(x, Some(&self.axes), true))).map(ops::exp),
        };
        // Where nothing counts there is nothing to share out.
        calc.result(mask.map_or(y, |mask| y.where_else(mask, 0.0))).map(Output::of)
    }

    fn masks(&self, _inputs: &[Tensor], masks: &[Option<Tensor>]) -> Result<Vec<Option<Tensor>>> {
        pass(masks)
    }
}

struct PRelu {
    alpha: WeightSpec,
    shared: Vec<usize>,
}

impl PRelu {
    fn new(c: &Config<'_>) -> Result<PRelu> {
        let shared = c.list("shared_axes")?.unwrap_or_default();
        Ok(PRelu { alpha: weight(c, "alpha", "Zeros"), shared: shared.into_iter().map(|a| a as usize).listed() })
    }
}

impl Layer for PRelu {
    fn class_name(&self) -> &'static str {
        "PReLU"
    }
    fn config(&self, to: &mut Map) {
        to.set("shared_axes", (!self.shared.is_empty()).then(|| self.shared.clone()));
        write_weight(to, &self.alpha);
    }
    fn weights(&self, inputs: &[Dims]) -> Result<Vec<WeightSpec>> {
        let input = single("PReLU", inputs)?;
        let size = |d: usize| if self.shared.contains(&d) { Ok(1) } else { known("PReLU", input, d) };
        let shape: Shape = (1..input.len()).map(size).all_ok()?.into();
        Ok(vec![WeightSpec { shape, ..self.alpha.clone() }])
    }
    fn output_shape(&self, inputs: &[Dims]) -> Result<Vec<Dims>> {
        same("PReLU", inputs)
    }
    fn call(&self, inputs: &[Tensor], weights: &[Tensor], _call: &Call<'_>) -> Result<Output> {
        ops::prelu(single("PReLU", inputs)?, &weights[0]).map(Output::of)
    }

    fn masks(&self, _inputs: &[Tensor], masks: &[Option<Tensor>]) -> Result<Vec<Option<Tensor>>> {
        pass(masks)
    }
}
