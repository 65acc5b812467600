//! Functions of functions: tracing on placeholders, mapping over a batch, captured plans, checkpoints.

use headwater::transform::{self, Captured, Checkpoint};
use headwater::Listed;
use headwater::{Error, Tensor};
use js_sys::{Function, Uint32Array};
use wasm_bindgen::prelude::wasm_bindgen;
use wasm_bindgen::JsValue;

use crate::error::{caught, throw, JsResult};
use crate::gradient::FunctionHandle;
use crate::table::{current_device, dtype_of, export, record, tensors, with, Table};

fn records(tensors: Vec<Tensor>) -> Vec<f64> {
    let mut out = Vec::with_capacity(tensors.len() * 6);
    tensors.into_iter().for_each(|t| export(&mut out, t));
    out
}

/// An operand for tracing.
#[wasm_bindgen]
pub fn placeholder(shape: &[u32], dtype: u32) -> JsResult<Vec<f64>> {
    let made = || {
        let shape: headwater::Shape = shape.iter().map(|&d| d as usize).collect();
        Ok(transform::placeholder(&current_device()?, shape, dtype_of(dtype)?))
    };
    made().map(record).map_err(throw)
}

/// Hides the tapes there are (`true`) from what follows, or brings them back.
#[wasm_bindgen(js_name = setTapesAside)]
pub fn set_tapes_aside(aside: bool) -> JsResult<()> {
    let device = current_device().map_err(throw)?;
    if aside {
        device.set_tapes_aside();
    } else {
        device.take_tapes_back();
    }
    Ok(())
}

/// The function that made `results` of `placeholders`, applied to all examples of `xs`; an axis of NaN is none.
#[wasm_bindgen(js_name = vmapTraced)]
pub fn vmap_traced(
    placeholders: &[u32],
    xs: &[u32],
    axes: &[f64],
    results: &[u32],
    out_axis: i32,
) -> JsResult<Vec<f64>> {
    let mapped = || {
        let (placeholders, xs, results) = (tensors(placeholders)?, tensors(xs)?, tensors(results)?);
        let axes: Vec<Option<isize>> = axes.iter().map(|&a| (!a.is_nan()).then_some(a as isize)).listed();
        transform::vmap_traced(&placeholders, &xs.iter().listed(), &axes, &results, out_axis as isize)
    };
    mapped().map(records).map_err(throw)
}

thread_local! {
    static CAPTURED: std::cell::RefCell<Table<std::rc::Rc<Captured>>> = std::cell::RefCell::default();
}

/// A plan of the function that made `results` of `placeholders`, and its number.
#[wasm_bindgen]
pub fn capture(placeholders: &[u32], results: &[u32]) -> JsResult<u32> {
    let made = || Captured::traced(&current_device()?, &tensors(placeholders)?, &tensors(results)?);
    let captured = made().map_err(throw)?;
    Ok(CAPTURED.with(|c| c.borrow_mut().insert(captured.into())))
}

/// Runs a captured function.
#[wasm_bindgen(js_name = capturedCall)]
pub fn captured_call(captured: u32, operands: &[u32]) -> JsResult<Vec<f64>> {
    let called = || {
        let captured = CAPTURED.with(|c| c.borrow().get(captured).cloned());
        let captured = captured.ok_or_else(|| Error::unknown("captured function", "a disposed one"))?;
        captured.call(&tensors(operands)?.iter().listed())
    };
    called().map(records).map_err(throw)
}

/// Forgets a captured function.
#[wasm_bindgen(js_name = capturedDrop)]
pub fn captured_drop(captured: u32) {
    let captured = CAPTURED.with(|c| c.borrow_mut().remove(captured));
    drop(captured);
}

/// The value of `f(operands)`, called again for its gradient. `f` owns the handles it receives and gives away the one it
/// returns.
#[wasm_bindgen]
pub fn checkpoint(operands: &[u32], f: Function, keep_contractions: bool) -> JsResult<Vec<f64>> {
    let operands = tensors(operands).map_err(throw)?;
    let handle = FunctionHandle::new(f);
    let call = move || {
        let function = handle.function()?;
        let given: Vec<u32> = operands.iter().map(|t| with(|tables| tables.tensors.insert(t.clone()))).listed();
        let result = function.call1(&JsValue::NULL, &Uint32Array::from(&given[..])).map_err(|e| caught(&e))?;
        let value = result.as_f64().unwrap_or(0.0) as u32;
        with(|t| t.tensors.remove(value)).ok_or_else(Error::disposed)
    };
    let policy = if keep_contractions { Checkpoint::Contractions } else { Checkpoint::Nothing };
    let made = || current_device()?.checkpoint(policy, call);
    made().map(record).map_err(throw)
}
