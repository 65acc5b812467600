//! Operations and tensors.

use headwater::{joined, registry, DType, Device, Shape};
use wasm_bindgen::prelude::wasm_bindgen;

use crate::error::{throw, JsResult};
use crate::table::{current_device, dtype_of, export, record, tensor, tensors, with};

fn shape_of(dims: &[u32]) -> Shape {
    dims.iter().map(|&d| d as usize).collect()
}

/// The names of the operations, one a line; a name's position is its number.
#[wasm_bindgen(js_name = opNames)]
pub fn op_names() -> String {
    joined(&registry::op_names(), "\n")
}

/// Runs operation `op` and returns the records of its results.
#[wasm_bindgen]
pub fn invoke(op: u32, inputs: &[u32], attrs: &[f64]) -> JsResult<Vec<f64>> {
    let inputs = tensors(inputs).map_err(throw)?;
    let device = match inputs.first() {
        Some(input) => input.device().clone(),
        None => current_device().map_err(throw)?,
    };
    let results = registry::invoke(&device, op as usize, &inputs, attrs).map_err(throw)?;
    let mut out = Vec::with_capacity(results.len() * 8);
    results.into_iter().for_each(|t| export(&mut out, t));
    Ok(out)
}

/// A tensor with a copy of elements given as 32-bit lanes: float32, int32, uint32, or 0 and 1. Those of float16 and bfloat16
/// are rounded; uint8 and int8 are given four to a word.
#[wasm_bindgen(js_name = tensorFromLanes)]
pub fn tensor_from_lanes(lanes: &[u32], dtype: u32, shape: &[u32]) -> JsResult<Vec<f64>> {
    let dtype = dtype_of(dtype).map_err(throw)?;
    let device = current_device().map_err(throw)?;
    let bytes = matches!(dtype, DType::U8 | DType::I8);
    let make = if bytes { Device::tensor_of_bytes } else { Device::tensor_of_lanes };
    make(&device, dtype, lanes, shape_of(shape)).map(record).map_err(throw)
}

/// A scalar that may differ from step to step of one plan.
#[wasm_bindgen]
pub fn scalar(value: f64, dtype: u32) -> JsResult<Vec<f64>> {
    let dtype = dtype_of(dtype).map_err(throw)?;
    let device = current_device().map_err(throw)?;
    Ok(record(device.scalar_of(dtype, value)))
}

/// Another handle of the same value.
#[wasm_bindgen]
pub fn clone(handle: u32) -> JsResult<Vec<f64>> {
    tensor(handle).map(record).map_err(throw)
}

/// Forgets a handle. One that was forgotten already is no error.
#[wasm_bindgen]
pub fn drop(handle: u32) {
    // The tensor is dropped after the table is released: its engine may have work to do.
    let tensor = with(|t| t.tensors.remove(handle));
    std::mem::drop(tensor);
}

/// Whether the value is computed.
#[wasm_bindgen(js_name = isComputed)]
pub fn is_computed(handle: u32) -> JsResult<bool> {
    tensor(handle).map(|t| t.is_computed()).map_err(throw)
}
