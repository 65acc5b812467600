//! Layers: described and computed here, their state is JavaScript's.

use headwater::nn::{self, Call, Dims, WeightSpec};
use headwater::{Error, Shape};
use serde_json::{json, Value};
use wasm_bindgen::prelude::wasm_bindgen;

use crate::error::{throw, JsResult};
use crate::table::{current_device, dtype_of, export, record, tensor, tensors, with};

fn parse(what: &str, text: &str) -> Result<Value, Error> {
    serde_json::from_str(text).map_err(|e| Error::format(what, e))
}

fn shapes(text: &str) -> Result<Vec<Dims>, Error> {
    let bad = || Error::format("input shapes", format!("expected a list of shapes, received {text}"));
    let value = parse("input shapes", text)?;
    let shape = |s: &Value| -> Result<Dims, Error> {
        let dims = s.as_array().ok_or_else(bad)?;
        Ok(dims.iter().map(|d| d.as_u64().map(|d| d as usize)).collect())
    };
    value.as_array().ok_or_else(bad)?.iter().map(shape).collect()
}

/// Calls `f` with a layer. `f` must not call back into the tables.
fn with_layer<T>(handle: u32, f: impl FnOnce(&dyn nn::Layer) -> Result<T, Error>) -> JsResult<T> {
    with(|t| match t.layers.get(handle) {
        Some(layer) => f(&**layer),
        None => Err(Error::unknown("layer handle", handle)),
    })
    .map_err(throw)
}

/// A layer of Keras class `class_name` from its JSON configuration.
#[wasm_bindgen(js_name = layerCreate)]
pub fn layer_create(class_name: &str, config: &str) -> JsResult<u32> {
    let layer = parse("layer config", config).and_then(|config| nn::create(class_name, &config)).map_err(throw)?;
    Ok(with(|t| t.layers.insert(layer)))
}

/// Forgets a layer.
#[wasm_bindgen(js_name = layerDrop)]
pub fn layer_drop(handle: u32) {
    with(|t| t.layers.remove(handle));
}

/// A layer's full JSON configuration.
#[wasm_bindgen(js_name = layerConfig)]
pub fn layer_config(handle: u32) -> JsResult<String> {
    with_layer(handle, |layer| Ok(Value::Object(layer.config()).to_string()))
}

/// The weights a layer needs for inputs of the given shapes, as a JSON list.
#[wasm_bindgen(js_name = layerWeights)]
pub fn layer_weights(handle: u32, input_shapes: &str) -> JsResult<String> {
    let spec = |w: WeightSpec| {
        json!({
            "name": w.name,
            "shape": w.shape.to_vec(),
            "dtype": w.dtype.name(),
            "initializer": w.initializer,
            "regularizer": w.regularizer,
            "constraint": w.constraint,
            "trainable": w.trainable,
        })
    };
    with_layer(handle, |layer| {
        let weights = layer.weights(&shapes(input_shapes)?)?;
        Ok(Value::Array(weights.into_iter().map(spec).collect()).to_string())
    })
}

/// The shapes of a layer's outputs, as a JSON list; null is an unknown dimension.
#[wasm_bindgen(js_name = layerOutputShape)]
pub fn layer_output_shape(handle: u32, input_shapes: &str) -> JsResult<String> {
    with_layer(handle, |layer| Ok(json!(layer.output_shape(&shapes(input_shapes)?)?).to_string()))
}

/// Computes a layer: `[outputs, records.., updates, (weight index, record)..]`, then the records of its own losses,
/// counted too.
#[wasm_bindgen(js_name = layerCall)]
pub fn layer_call(handle: u32, inputs: &[u32], weights: &[u32], training: bool, seed: u32) -> JsResult<Vec<f64>> {
    let (inputs, weights) = (tensors(inputs).map_err(throw)?, tensors(weights).map_err(throw)?);
    let output = with_layer(handle, |layer| layer.call(&inputs, &weights, &Call { training, seed }))?;
    let mut out = vec![output.tensors.len() as f64];
    output.tensors.into_iter().for_each(|t| export(&mut out, t));
    out.push(output.updates.len() as f64);
    for (index, update) in output.updates {
        out.push(index as f64);
        export(&mut out, update);
    }
    out.push(output.losses.len() as f64);
    output.losses.into_iter().for_each(|t| export(&mut out, t));
    Ok(out)
}

/// A tensor filled by an initializer.
#[wasm_bindgen]
pub fn initialize(config: &str, shape: &[u32], dtype: u32, seed: u32) -> JsResult<Vec<f64>> {
    let made = || {
        let shape: Shape = shape.iter().map(|&d| d as usize).collect();
        nn::initialize(&current_device()?, &parse("initializer", config)?, &shape, dtype_of(dtype)?, seed)
    };
    made().map(record).map_err(throw)
}

/// A regularizer's loss for a weight.
#[wasm_bindgen]
pub fn penalty(config: &str, weight: u32) -> JsResult<Vec<f64>> {
    let made = || nn::penalty(&parse("regularizer", config)?, &tensor(weight)?);
    made().map(record).map_err(throw)
}

/// A weight moved to where its constraint allows.
#[wasm_bindgen]
pub fn constrain(config: &str, weight: u32) -> JsResult<Vec<f64>> {
    let made = || nn::constrain(&parse("constraint", config)?, &tensor(weight)?);
    made().map(record).map_err(throw)
}
