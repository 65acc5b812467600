//! Losses of a layer's outputs.

use headwater_core::{ops, Result, Tensor};

use super::super::layer::{Call, Dims, Layer, Output, WeightSpec};
use super::super::regularizers::{known_regularizer, penalty};
use super::super::value::{Map, Value};

/// A layer whose outputs add to the loss.
struct Regularized {
    layer: Box<dyn Layer>,
    regularizer: Value,
}

/// The layer with an `activity_regularizer`, where it has one.
pub(super) fn regularized(layer: Box<dyn Layer>, regularizer: Option<Value>) -> Result<Box<dyn Layer>> {
    let Some(regularizer) = regularizer else { return Ok(layer) };
    known_regularizer(&regularizer)?;
    Ok(Box::new(Regularized { layer, regularizer }))
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
        for tensor in &output.tensors {
            // Per sample, so that the batch's size does not matter.
            let samples = tensor.shape().first().copied().unwrap_or(1).max(1);
            let loss = penalty(&self.regularizer, tensor)?;
            output.losses.push(ops::mul(&loss, &loss.constant(1.0 / samples as f64))?);
        }
        Ok(output)
    }

    fn masks(&self, inputs: &[Tensor], masks: &[Option<Tensor>]) -> Result<Vec<Option<Tensor>>> {
        self.layer.masks(inputs, masks)
    }
}
