//! Reading values.

use headwater::Error;
use js_sys::{Promise, Uint32Array};
use wasm_bindgen::prelude::wasm_bindgen;
use wasm_bindgen::JsValue;

use crate::error::{throw, JsResult};
use crate::table::tensor;

/// The elements as 32-bit lanes, at once.
#[wasm_bindgen(js_name = readSync)]
pub fn read_sync(handle: u32) -> JsResult<Vec<u32>> {
    tensor(handle).and_then(|t| t.to_lanes()).map_err(throw)
}

/// The functions that settle a promise. They never leave the thread they were made on.
struct Functions {
    resolve: js_sys::Function,
    reject: js_sys::Function,
}

thread_local! {
    static WAITING: std::cell::RefCell<crate::table::Table<Functions>> = std::cell::RefCell::default();
}

/// Settles a promise. Callbacks must be Send, JavaScript functions are not: they wait in a table of their thread.
pub struct Settle(u32);

impl Settle {
    pub fn settle(self, value: Result<JsValue, Error>) {
        let Some(functions) = WAITING.with(|w| w.borrow_mut().remove(self.0)) else { return };
        // What a promise's own functions return or throw is of no interest.
        let _ = match value {
            Ok(value) => functions.resolve.call1(&JsValue::NULL, &value),
            Err(error) => functions.reject.call1(&JsValue::NULL, &throw(error)),
        };
    }
}

/// A promise that `start` sees to.
pub fn promise(start: impl FnOnce(Settle)) -> Promise {
    let mut start = Some(start);
    Promise::new(&mut |resolve, reject| {
        if let Some(start) = start.take() {
            start(Settle(WAITING.with(|w| w.borrow_mut().insert(Functions { resolve, reject }))));
        }
    })
}

/// A promise of the elements as 32-bit lanes.
#[wasm_bindgen]
pub fn read(handle: u32) -> JsResult<Promise> {
    let tensor = tensor(handle).map_err(throw)?;
    Ok(promise(|settle| {
        tensor.read(Box::new(move |data| settle.settle(data.map(|lanes| Uint32Array::from(&lanes[..]).into()))))
    }))
}
