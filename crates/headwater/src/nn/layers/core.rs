//! Dense, Embedding and the input.

use headwater_core::Listed;
use headwater_core::{ops, DType, Error, Result, Shape, Tensor};

use super::super::activations::activation;
use super::super::config::Config;
use super::super::layer::{known, pass, show, single, Call, Dims, Layer, Output, WeightSpec, MASKS};
use super::super::value::{Map, Value};
use super::{layer, Make};

pub(super) const LAYERS: &[(&str, Make)] = &[
    ("Dense", |c| layer(Dense::new(c)?)),
    ("Embedding", |c| layer(Embedding::new(c)?)),
    ("InputLayer", |c| layer(InputLayer { shape: c.get("batch_input_shape").or(c.get("batch_shape")).cloned() })),
];

/// A weight as layers declare it: configuration keys start with `prefix`.
pub(super) fn weight(c: &Config<'_>, name: &str, default: &str) -> WeightSpec {
    let initializer = c.initializer(&format!("{name}_initializer"), default);
    WeightSpec {
        regularizer: c.object(&format!("{name}_regularizer")),
        constraint: c.object(&format!("{name}_constraint")),
        ..WeightSpec::new(name, Shape::scalar(), initializer, true)
    }
}

/// Writes a weight's configuration keys.
pub(super) fn write_weight(to: &mut Map, spec: &WeightSpec) {
    write_weight_as(to, &spec.name, spec);
}

/// Writes a weight's configuration keys, which start with `prefix`.
pub(super) fn write_weight_as(to: &mut Map, prefix: &str, spec: &WeightSpec) {
    to.set(&format!("{prefix}_initializer"), spec.initializer.clone());
    to.set(&format!("{prefix}_regularizer"), spec.regularizer.clone());
    to.set(&format!("{prefix}_constraint"), spec.constraint.clone());
}

struct Dense {
    units: usize,
    activation: String,
    kernel: WeightSpec,
    bias: Option<WeightSpec>,
}

impl Dense {
    fn new(c: &Config<'_>) -> Result<Dense> {
        let bias = c.flag("use_bias", true)?.then(|| weight(c, "bias", "Zeros"));
        Ok(Dense {
            units: c.size("units")?,
            activation: c.activation()?,
            kernel: weight(c, "kernel", "GlorotUniform"),
            bias,
        })
    }
}

impl Layer for Dense {
    fn class_name(&self) -> &'static str {
        "Dense"
    }

    fn config(&self, to: &mut Map) {
        to.set("units", self.units);
        to.set("activation", self.activation.as_str());
        to.set("use_bias", self.bias.is_some());
        write_weight(to, &self.kernel);
        self.bias.iter().for_each(|b| write_weight(to, b));
    }

    fn weights(&self, inputs: &[Dims]) -> Result<Vec<WeightSpec>> {
        let input = single("Dense", inputs)?;
        if input.len() < 2 {
            return Err(Error::shape("Dense", "an input of rank at least 2", show(input)));
        }
        let n = known("Dense", input, input.len() - 1)?;
        let kernel = WeightSpec { shape: Shape::from([n, self.units]), ..self.kernel.clone() };
        let bias = self.bias.iter().map(|b| WeightSpec { shape: Shape::from([self.units]), ..b.clone() });
        Ok([kernel].into_iter().chain(bias).listed())
    }

    fn output_shape(&self, inputs: &[Dims]) -> Result<Vec<Dims>> {
        let mut shape = single("Dense", inputs)?.clone();
        match shape.last_mut() {
            Some(last) => *last = Some(self.units),
            None => return Err(Error::shape("Dense", "an input of rank at least 2", "[]")),
        }
        Ok(vec![shape])
    }

    fn call(&self, inputs: &[Tensor], weights: &[Tensor], _call: &Call<'_>) -> Result<Output> {
        let x = single("Dense", inputs)?;
        if x.shape().last() != weights[0].shape().first() {
            let expected = format_args!("an input whose last dimension is {}", weights[0].shape()[0]);
            return Err(Error::shape("Dense", expected, x.shape()));
        }
        let mut y = ops::matmul(x, &weights[0], false, false)?;
        if self.bias.is_some() {
            y = ops::add(&y, &weights[1])?;
        }
        activation(&self.activation, &y).map(Output::of)
    }

    fn masks(&self, _inputs: &[Tensor], masks: &[Option<Tensor>]) -> Result<Vec<Option<Tensor>>> {
        pass(masks)
    }
}

struct Embedding {
    input_dim: usize,
    output_dim: usize,
    mask_zero: bool,
    embeddings: WeightSpec,
}

impl Embedding {
    fn new(c: &Config<'_>) -> Result<Embedding> {
        let embeddings = weight(c, "embeddings", "RandomUniform");
        let mask_zero = c.flag("mask_zero", false)?;
        if mask_zero && !MASKS {
            return Err(Error::argument("Embedding", "no 'mask_zero' in a build without masks", "true"));
        }
        Ok(Embedding { input_dim: c.size("input_dim")?, output_dim: c.size("output_dim")?, mask_zero, embeddings })
    }
}

impl Layer for Embedding {
    fn class_name(&self) -> &'static str {
        "Embedding"
    }

    fn config(&self, to: &mut Map) {
        to.set("input_dim", self.input_dim);
        to.set("output_dim", self.output_dim);
        to.set("mask_zero", self.mask_zero);
        write_weight(to, &self.embeddings);
    }

    fn weights(&self, _inputs: &[Dims]) -> Result<Vec<WeightSpec>> {
        Ok(vec![WeightSpec { shape: Shape::from([self.input_dim, self.output_dim]), ..self.embeddings.clone() }])
    }

    fn output_shape(&self, inputs: &[Dims]) -> Result<Vec<Dims>> {
        let mut shape = single("Embedding", inputs)?.clone();
        shape.push(Some(self.output_dim));
        Ok(vec![shape])
    }

    fn call(&self, inputs: &[Tensor], weights: &[Tensor], _call: &Call<'_>) -> Result<Output> {
        let index = single("Embedding", inputs)?.cast(DType::I32)?;
        ops::gather(&weights[0], &index, 0, 0).map(Output::of)
    }

    fn masks(&self, inputs: &[Tensor], _masks: &[Option<Tensor>]) -> Result<Vec<Option<Tensor>>> {
        if !MASKS || !self.mask_zero {
            return Ok(Vec::new());
        }
        let index = single("Embedding", inputs)?;
        Ok(vec![Some(ops::not_equal(index, &index.constant(0.0).cast(index.dtype())?)?)])
    }
}

struct InputLayer {
    shape: Option<Value>,
}

impl Layer for InputLayer {
    fn class_name(&self) -> &'static str {
        "InputLayer"
    }

    fn config(&self, to: &mut Map) {
        to.set("batch_input_shape", self.shape.clone());
        to.set("sparse", false);
    }

    fn output_shape(&self, inputs: &[Dims]) -> Result<Vec<Dims>> {
        Ok(inputs.to_vec())
    }

    fn call(&self, inputs: &[Tensor], _weights: &[Tensor], _call: &Call<'_>) -> Result<Output> {
        Ok(Output::of(single("InputLayer", inputs)?.clone()))
    }
}
