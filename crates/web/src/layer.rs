//! Layers: described and computed here, their state is JavaScript's.

use headwater::nn::{self, Call, Dims, Map, Value, WeightSpec};
use headwater::Listed;
use headwater::{Error, Shape, Tensor};
use wasm_bindgen::prelude::wasm_bindgen;

use crate::error::{throw, JsResult};
use crate::table::{current_device, dtype_of, export, record, tensor, tensors, with};
use crate::value::{decode, encode};

fn shapes(bytes: &[u8]) -> Result<Vec<Dims>, Error> {
    let value = decode(bytes)?;
    let shape = |shape: &Value| Some(shape.list()?.iter().map(Value::size).listed());
    let shapes: Option<Vec<Dims>> = value.list().and_then(|list| list.iter().map(shape).collect());
    shapes.ok_or_else(|| Error::format("input shapes", format_args!("expected a list of shapes, received {value}")))
}

/// Calls `f` with a layer. `f` must not call back into the tables.
fn with_layer<T>(handle: u32, f: impl FnOnce(&dyn nn::Layer) -> Result<T, Error>) -> JsResult<T> {
    with(|t| match t.layers.get(handle) {
        Some(layer) => f(&**layer),
        None => Err(Error::unknown("layer handle", handle)),
    })
    .map_err(throw)
}

/// A layer of Keras class `class_name` from its configuration.
#[wasm_bindgen(js_name = layerCreate)]
pub fn layer_create(class_name: &str, config: &[u8]) -> JsResult<u32> {
    let layer = decode(config).and_then(|config| nn::create(class_name, &config)).map_err(throw)?;
    Ok(with(|t| t.layers.insert(layer)))
}

/// Forgets a layer.
#[wasm_bindgen(js_name = layerDrop)]
pub fn layer_drop(handle: u32) {
    with(|t| t.layers.remove(handle));
}

/// A layer's full configuration.
#[wasm_bindgen(js_name = layerConfig)]
pub fn layer_config(handle: u32) -> JsResult<Vec<u8>> {
    with_layer(handle, |layer| {
        let mut config = Map::default();
        layer.config(&mut config);
        Ok(encode(&config.into()))
    })
}

/// The weights a layer needs for inputs of the given shapes: a list.
#[wasm_bindgen(js_name = layerWeights)]
pub fn layer_weights(handle: u32, input_shapes: &[u8]) -> JsResult<Vec<u8>> {
    let spec = |w: WeightSpec| {
        let mut map = Map::default();
        map.set("name", w.name.as_str());
        map.set("shape", w.shape.to_vec());
        map.set("dtype", w.dtype.name());
        map.set("initializer", w.initializer);
        map.set("regularizer", w.regularizer);
        map.set("constraint", w.constraint);
        map.set("trainable", w.trainable);
        map.set("state", w.state);
        Value::Map(map)
    };
    with_layer(handle, |layer| {
        let weights = layer.weights(&shapes(input_shapes)?)?;
        Ok(encode(&Value::List(weights.into_iter().map(spec).listed())))
    })
}

/// The shapes of a layer's outputs, a list; null is an unknown dimension.
#[wasm_bindgen(js_name = layerOutputShape)]
pub fn layer_output_shape(handle: u32, input_shapes: &[u8]) -> JsResult<Vec<u8>> {
    with_layer(handle, |layer| Ok(encode(&layer.output_shape(&shapes(input_shapes)?)?.into())))
}

/// Masks of inputs; 0 stands for none.
fn masks_of(handles: &[u32]) -> Result<Vec<Option<Tensor>>, Error> {
    handles.iter().map(|&mask| (mask != 0).then(|| tensor(mask)).transpose()).collect()
}

/// Which steps of a layer's outputs count, given those of its inputs: a record each, or 0.
#[wasm_bindgen(js_name = layerMasks)]
pub fn layer_masks(handle: u32, inputs: &[u32], masks: &[u32]) -> JsResult<Vec<f64>> {
    let (inputs, masks) = (tensors(inputs).map_err(throw)?, masks_of(masks).map_err(throw)?);
    let found = with_layer(handle, |layer| layer.masks(&inputs, &masks))?;
    let mut out = Vec::new();
    for mask in found {
        match mask {
            Some(mask) => export(&mut out, mask),
            None => out.push(0.0),
        }
    }
    Ok(out)
}

/// Computes a layer: `[outputs, records.., updates, (weight index, record)..]`, then the records of its own losses,
/// counted too. Masks are as many as the inputs, 0 for none, or there are none at all.
#[wasm_bindgen(js_name = layerCall)]
pub fn layer_call(
    handle: u32,
    inputs: &[u32],
    masks: &[u32],
    weights: &[u32],
    training: bool,
    seed: u32,
) -> JsResult<Vec<f64>> {
    let (inputs, weights) = (tensors(inputs).map_err(throw)?, tensors(weights).map_err(throw)?);
    let masks = masks_of(masks).map_err(throw)?;
    let output = with_layer(handle, |layer| layer.call(&inputs, &weights, &Call { training, seed, masks: &masks }))?;
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

/// A tensor filled by an initializer; with zeros in a build that trains nothing, where what a model has learnt replaces it.
#[wasm_bindgen]
pub fn initialize(config: &[u8], shape: &[u32], dtype: u32, seed: u32) -> JsResult<Vec<f64>> {
    let made = || {
        let (device, dtype) = (current_device()?, dtype_of(dtype)?);
        let shape: Shape = shape.iter().map(|&d| d as usize).collect();
        if cfg!(feature = "training") {
            nn::initialize(&device, &decode(config)?, &shape, dtype, seed)
        } else {
            device.zeros(shape, dtype)
        }
    };
    made().map(record).map_err(throw)
}

/// A regularizer's loss for a weight.
#[cfg(feature = "training")]
#[wasm_bindgen]
pub fn penalty(config: &[u8], weight: u32) -> JsResult<Vec<f64>> {
    let made = || nn::penalty(&decode(config)?, &tensor(weight)?);
    made().map(record).map_err(throw)
}

/// A weight moved to where its constraint allows.
#[cfg(feature = "training")]
#[wasm_bindgen]
pub fn constrain(config: &[u8], weight: u32) -> JsResult<Vec<f64>> {
    let made = || nn::constrain(&decode(config)?, &tensor(weight)?);
    made().map(record).map_err(throw)
}
