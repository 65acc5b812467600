//! Layers of sequences, computed by those of images: a sequence is an image of height 1.

use headwater_core::AllOk;
use headwater_core::Listed;
use headwater_core::{ops, Error, Result, Shape, Tensor};

use super::super::config::Config;
use super::super::layer::{show, Call, Dims, Layer, Output, WeightSpec};
use super::super::value::{Map, Value};
use super::create;

/// Keys that have a number per axis in layers of images, and the value of the axis that sequences do not have.
const PER_AXIS: &[(&str, f64)] = &[
    ("kernel_size", 1.0),
    ("strides", 1.0),
    ("dilation_rate", 1.0),
    ("pool_size", 1.0),
    ("size", 1.0),
    ("output_padding", 0.0),
    ("padding", 0.0),
    ("cropping", 0.0),
];

/// A layer of class `c.class` that is the one of `class` without an axis.
pub(super) fn unsqueezed(c: &Config<'_>, class: &str) -> Result<Box<dyn Layer>> {
    let mut config = Map::default();
    let causal = c.get("padding").and_then(Value::text) == Some("causal");
    // A loss of the outputs is added to those of this layer.
    for (key, value) in c.iter().filter(|(key, _)| *key != "activity_regularizer") {
        let unit = PER_AXIS.iter().find(|(name, _)| *name == key).map(|(_, unit)| *unit);
        let value = match (unit, value) {
            (None, value) => value.clone(),
            // A name of a padding, or what is missing.
            (Some(_), Value::Text(_)) if causal => "valid".into(),
            (Some(_), Value::Text(_) | Value::Null) => value.clone(),
            (Some(unit), value) => wide(key, unit, value),
        };
        config.set(key, value);
    }
    // Defaults of the image's layer are of both axes.
    let missing = |key: &str| !matches!(c.get(key), Some(value) if *value != Value::Null);
    let defaults: &[(&str, Value)] = match class {
        "MaxPooling2D" | "AveragePooling2D" => &[("pool_size", Value::Number(2.0))],
        "UpSampling2D" => &[("size", Value::Number(2.0))],
        "ZeroPadding2D" => &[("padding", Value::Number(1.0))],
        "Cropping2D" => &[("cropping", Value::Number(1.0))],
        _ => &[],
    };
    for (key, value) in defaults.iter().filter(|(key, _)| missing(key)) {
        let unit = PER_AXIS.iter().find(|(name, _)| name == key).map_or(0.0, |(_, unit)| *unit);
        let kept = config.iter().filter(|(k, _)| k != key).map(|(k, v)| (k.to_owned(), v.clone())).collect();
        config = kept;
        config.set(key, wide(key, unit, value));
    }
    let inner = create(class, &config.into())?;
    let first = c.channels_first()?;
    let lead = if causal {
        if first {
            return Err(Error::argument(c.class, "channels last with causal padding", "channels_first"));
        }
        (c.number("kernel_size", 1.0)? as usize).saturating_sub(1) * c.number("dilation_rate", 1.0)? as usize
    } else {
        0
    };
    Ok(Box::new(Unsqueezed { class: c.class, inner, axis: if first { 2 } else { 3 }, causal, lead }))
}

/// A sequence's value as an image's: of its height, then of its width.
fn wide(key: &str, unit: f64, value: &Value) -> Value {
    let one = |value: &Value| match value {
        Value::List(list) if list.len() == 1 => list[0].clone(),
        other => other.clone(),
    };
    match value {
        Value::List(sides) if sides.len() == 2 && (key == "padding" || key == "cropping") => {
            Value::List(vec![Value::from(vec![0usize, 0]), value.clone()])
        }
        value if key == "padding" || key == "cropping" => {
            let side = one(value);
            Value::List(vec![Value::from(vec![0usize, 0]), Value::List(vec![side.clone(), side])])
        }
        value => Value::List(vec![unit.into(), one(value)]),
    }
}

struct Unsqueezed {
    class: &'static str,
    inner: Box<dyn Layer>,
    /// Where the height of 1 is, counted from the end.
    axis: usize,
    /// Padding before the sequence alone: no step sees a later one.
    causal: bool,
    lead: usize,
}

impl Unsqueezed {
    fn wide(&self, shape: &Dims) -> Dims {
        let mut shape = shape.clone();
        shape.insert((shape.len() + 1).saturating_sub(self.axis), Some(1));
        let steps = shape.len() - 2;
        if self.lead > 0 {
            shape[steps] = shape[steps].map(|n| n + self.lead);
        }
        shape
    }

    fn narrow(&self, shape: &mut Dims) {
        shape.remove(shape.len().saturating_sub(self.axis));
    }
}

impl Layer for Unsqueezed {
    fn class_name(&self) -> &'static str {
        self.class
    }

    fn config(&self, to: &mut Map) {
        let mut config = Map::default();
        self.inner.config(&mut config);
        for (key, value) in config.iter() {
            let per_axis = PER_AXIS.iter().any(|(name, _)| *name == key);
            let value = match value {
                Value::Text(_) if per_axis && self.causal => "causal".into(),
                Value::List(both) if per_axis && both.len() == 2 => match &both[1] {
                    sides @ Value::List(_) => sides.clone(),
                    one if key == "size" => one.clone(),
                    one => Value::List(vec![one.clone()]),
                },
                value => value.clone(),
            };
            // Layers of sequences have these in one way only.
            if !(self.class == "UpSampling1D" && (key == "interpolation" || key == "data_format")) {
                to.set(key, value);
            }
        }
    }

    fn weights(&self, inputs: &[Dims]) -> Result<Vec<WeightSpec>> {
        let mut specs = self.inner.weights(&self.widened(inputs)?)?;
        for spec in specs.iter_mut().filter(|spec| spec.shape.rank() == 4) {
            let mut shape = spec.shape.to_vec();
            shape.remove(if spec.state { 4 - self.axis } else { 0 });
            spec.shape = Shape::from(shape);
        }
        Ok(specs)
    }

    fn output_shape(&self, inputs: &[Dims]) -> Result<Vec<Dims>> {
        let mut shapes = self.inner.output_shape(&self.widened(inputs)?)?;
        shapes.iter_mut().for_each(|shape| self.narrow(shape));
        Ok(shapes)
    }

    fn call(&self, inputs: &[Tensor], weights: &[Tensor], call: &Call<'_>) -> Result<Output> {
        let widen = |x: &Tensor| {
            if x.rank() < 3 {
                return Err(Error::shape(self.class, "inputs of rank at least 3", x.shape()));
            }
            let x = ops::expand_dims(x, (x.rank() + 1).saturating_sub(self.axis) as isize)?;
            if self.lead == 0 {
                return Ok(x);
            }
            let mut pads = vec![(0, 0); x.rank()];
            pads[x.rank() - 2].0 = self.lead;
            ops::pad(&x, &pads, 0.0)
        };
        let inputs: Vec<Tensor> = inputs.iter().map(widen).all_ok()?;
        // After two kernels the states of a recurrent layer.
        let flat = |(i, w): (usize, &Tensor)| match w.rank() {
            3 => ops::expand_dims(w, if i < 2 { 0 } else { 4 - self.axis as isize }),
            _ => Ok(w.clone()),
        };
        let weights: Vec<Tensor> = weights.iter().enumerate().map(flat).all_ok()?;
        let mut output = self.inner.call(&inputs, &weights, call)?;
        let updates = output.updates.iter_mut().map(|(_, update)| update);
        for tensor in output.tensors.iter_mut().chain(updates) {
            *tensor = ops::squeeze(tensor, Some(&[-(self.axis as isize)]))?;
        }
        Ok(output)
    }

    fn masks(&self, inputs: &[Tensor], masks: &[Option<Tensor>]) -> Result<Vec<Option<Tensor>>> {
        self.inner.masks(inputs, masks)
    }
}

impl Unsqueezed {
    fn widened(&self, inputs: &[Dims]) -> Result<Vec<Dims>> {
        match inputs.iter().find(|shape| shape.len() < 3) {
            Some(shape) => Err(Error::shape(self.class, "inputs of rank at least 3", show(shape))),
            None => Ok(inputs.iter().map(|shape| self.wide(shape)).listed()),
        }
    }
}
