//! Times of kernels.

use headwater::engine::KernelTime;
use headwater::Listed;
use headwater::{joined, Error};
use js_sys::{Array, Float64Array, Promise};
use wasm_bindgen::prelude::wasm_bindgen;
use wasm_bindgen::JsValue;

use crate::error::{throw, JsResult};
use crate::read::{promise, Settle};
use crate::table::current_device;

/// Starts or stops measuring kernels on the current device; `false` where it cannot.
#[wasm_bindgen(js_name = timeKernels)]
pub fn time_kernels(on: bool) -> JsResult<bool> {
    current_device().map(|d| d.engine().time_kernels(on)).map_err(throw)
}

/// `[labels, one a line, Float64Array of starts and durations in milliseconds]`.
fn table(times: Result<Vec<KernelTime>, Error>) -> Result<JsValue, Error> {
    let times = times?;
    let labels: Vec<&str> = times.iter().map(|t| &*t.label).listed();
    let numbers: Vec<f64> = times.iter().flat_map(|t| [t.start, t.duration]).listed();
    Ok(Array::of2(&joined(&labels, "\n").into(), &Float64Array::from(&numbers[..])).into())
}

/// A promise of what was measured since it was last taken.
#[wasm_bindgen(js_name = takeTimes)]
pub fn take_times() -> JsResult<Promise> {
    let device = current_device().map_err(throw)?;
    Ok(promise(|settle: Settle| {
        device.engine().take_times(Box::new(move |times| settle.settle(table(times))));
    }))
}
