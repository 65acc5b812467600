//! Losses of a layer's outputs.

use headwater_core::selection::GRADIENTS;
use headwater_core::{ops, Result, Tensor};

use super::super::layer::{Call, Dims, Layer, Output, WeightSpec};
use super::super::regularizers::{known_regularizer, penalty};
use super::super::value::{Map, Value};
use super::{layer, Make};

/// A layer whose outputs add to the loss.
struct Regularized {
    layer: Box<dyn Layer>,
    regularizer: Value,
}

/// The layer with an `activity_regularizer`, where it has one.
pub(super) fn regularized(layer: Box<dyn Layer>, regularizer: Option<Value>) -> Result<Box<dyn Layer>> {
    let Some(regularizer) = regularizer.filter(|_| GRADIENTS) else { return Ok(layer) };
    known_regularizer(&regularizer)?;
    Ok(Box::new(Regularized { layer, regularizer }))
}

pub(super) const LAYERS: &[(&str, Make)] = &[
    ("Identity", |_| layer(Identity { class: "Identity", penalties: None })),
    ("ActivityRegularization", |c| {
        let mut penalties = Map::default();
        penalties.set("l1", c.number("l1", 0.0)?);
        penalties.set("l2", c.number("l2", 0.0)?);
        layer(Identity { class: "ActivityRegularization", penalties: Some(penalties) })
    }),
];

/// Its input, which may add to the loss.
struct Identity {
    class: &'static str,
    penalties: Option<Map>,
}

impl Layer for Identity {
    fn class_name(&self) -> &'static str {
        self.class
    }

    fn config(&self, to: &mut Map) {
        self.penalties.iter().flat_map(Map::iter).for_each(|(key, value)| to.set(key, value.clone()));
    }

    fn output_shape(&self, inputs: &[Dims]) -> Result<Vec<Dims>> {
        Ok(inputs.to_vec())
    }

    fn call(&self, inputs: &[Tensor], _weights: &[Tensor], _call: &Call<'_>) -> Result<Output> {
        let mut output = Output { tensors: inputs.to_vec(), ..Output::default() };
        if let Some(penalties) = &self.penalties {
            let mut regularizer = Map::default();
            regularizer.set("class_name", "L1L2");
            regularizer.set("config", penalties.clone());
            add_losses(&mut output, &regularizer.into())?;
        }
        Ok(output)
    }

    fn masks(&self, _inputs: &[Tensor], masks: &[Option<Tensor>]) -> Result<Vec<Option<Tensor>>> {
        Ok(masks.to_vec())
    }
}

/// Adds the losses of the outputs.
fn add_losses(output: &mut Output, regularizer: &Value) -> Result<()> {
    for tensor in &output.tensors {
        // Per sample, so that the batch's size does not matter.
        let samples = tensor.shape().first().copied().unwrap_or(1).max(1);
        let loss = penalty(regularizer, tensor)?;
        output.losses.push(ops::mul(&loss, &loss.constant(1.0 / samples as f64))?);
    }
    Ok(())
}

impl Layer for Regularized {
    fn class_name(&self) -> &'static str {
        self.layer.class_name()
    }

    fn config(&self, to: &mut Map) {
        self.layer.config(to);
        to.set("activity_regularizer", self.regularizer.clone());
    }

    fn weights(&self, inputs: &[Dims]) -> Result<Vec<WeightSpec>> {
        self.layer.weights(inputs)
    }

    fn output_shape(&self, inputs: &[Dims]) -> Result<Vec<Dims>> {
        self.layer.output_shape(inputs)
    }

    fn call(&self, inputs: &[Tensor], weights: &[Tensor], call: &Call<'_>) -> Result<Output> {
        let mut output = self.layer.call(inputs, weights, call)?;
        add_losses(&mut output, &self.regularizer)?;
        Ok(output)
    }

    fn masks(&self, inputs: &[Tensor], masks: &[Option<Tensor>]) -> Result<Vec<Option<Tensor>>> {
        self.layer.masks(inputs, masks)
    }
}
