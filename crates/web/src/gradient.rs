//! Tapes.

use headwater::AllOk;
use headwater::Error;
use headwater::Listed;
use js_sys::{Function, Uint32Array};
use wasm_bindgen::prelude::wasm_bindgen;
use wasm_bindgen::{JsCast, JsValue};

use crate::error::{caught, throw, JsResult};
use crate::table::{current_device, export, record, tensor, tensors, with, Table};

/// Starts recording operations for gradients.
#[wasm_bindgen(js_name = startTape)]
pub fn start_tape() -> JsResult<()> {
    current_device().map(|d| d.start_tape()).map_err(throw)
}

/// Ends the innermost tape without using it.
#[wasm_bindgen(js_name = abandonTape)]
pub fn abandon_tape() -> JsResult<()> {
    current_device().map(|d| std::mem::drop(d.end_tape())).map_err(throw)
}

/// Ends the innermost tape and returns the records of the gradients of `y`, weighted by `dy` (0: ones), by each of `xs`;
/// `[0, 0, 0]` where `y` does not depend on it.
#[wasm_bindgen(js_name = endTape)]
pub fn end_tape(y: u32, dy: u32, xs: &[u32]) -> JsResult<Vec<f64>> {
    let tape = current_device().map_err(throw)?.end_tape();
    let y = tensor(y).map_err(throw)?;
    let dy = if dy == 0 { None } else { Some(tensor(dy).map_err(throw)?) };
    let xs = tensors(xs).map_err(throw)?;
    let gradients = tape.gradients(&y, dy.as_ref(), &xs.iter().listed()).map_err(throw)?;
    let mut out = Vec::with_capacity(gradients.len() * 6);
    for gradient in gradients {
        match gradient {
            Some(gradient) => export(&mut out, gradient),
            None => out.extend([0.0; 3]),
        }
    }
    Ok(out)
}

/// Stops or resumes recording on all tapes.
#[wasm_bindgen(js_name = pauseTapes)]
pub fn pause_tapes(pause: bool) -> JsResult<()> {
    current_device().map(|d| d.pause_tapes(pause)).map_err(throw)
}

thread_local! {
    static FUNCTIONS: std::cell::RefCell<Table<Function>> = std::cell::RefCell::default();
}

/// A JavaScript function that a tape calls. It is forgotten when the tape goes.
pub struct FunctionHandle(u32);

impl FunctionHandle {
    pub fn new(function: Function) -> FunctionHandle {
        FunctionHandle(FUNCTIONS.with(|f| f.borrow_mut().insert(function)))
    }

    /// The function. A method, so that a closure that calls it captures the handle and not its number alone.
    pub fn function(&self) -> Result<Function, Error> {
        let found = FUNCTIONS.with(|f| f.borrow().get(self.0).cloned());
        found.ok_or_else(|| Error::gradient("a gradient was called on another thread"))
    }
}

impl Drop for FunctionHandle {
    fn drop(&mut self) {
        let function = FUNCTIONS.with(|f| f.borrow_mut().remove(self.0));
        std::mem::drop(function);
    }
}

/// Records a function's own gradient. `inputs` and the value `output` it computed with tapes paused give a fresh tensor;
/// its gradient is `backward(y, dy)`, which owns the two handles it receives and gives away those it returns.
#[wasm_bindgen(js_name = recordCustom)]
pub fn record_custom(inputs: &[u32], output: u32, backward: Function) -> JsResult<Vec<f64>> {
    let inputs = tensors(inputs).map_err(throw)?;
    let value = tensor(output).map_err(throw)?;
    let handle = FunctionHandle::new(backward);
    let call = move |y: &headwater::Tensor, dy: &headwater::Tensor| -> Result<Vec<headwater::Tensor>, Error> {
        let function = handle.function()?;
        let (y, dy) = with(|t| (t.tensors.insert(y.clone()), t.tensors.insert(dy.clone())));
        let result = function.call2(&JsValue::NULL, &y.into(), &dy.into()).map_err(|e| caught(&e))?;
        let handles: Vec<u32> = result.dyn_into::<Uint32Array>().map(|a| a.to_vec()).unwrap_or_default();
        let taken = handles.iter().map(|&h| with(|t| t.tensors.remove(h)).ok_or_else(Error::disposed));
        taken.all_ok()
    };
    let inputs: Vec<_> = inputs.iter().listed();
    headwater::custom(&inputs, |_| Ok(value), call).map(record).map_err(throw)
}
