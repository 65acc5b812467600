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
struct Settle {
    resolve: js_sys::Function,
    reject: js_sys::Function,
}

impl Settle {
    fn settle(self, data: Result<Vec<u32>, Error>) {
        // What a promise's own functions return or throw is of no interest.
        let _ = match data {
            Ok(data) => self.resolve.call1(&JsValue::NULL, &Uint32Array::from(data.as_slice())),
            Err(error) => self.reject.call1(&JsValue::NULL, &throw(error)),
        };
    }
}

thread_local! {
    static WAITING: std::cell::RefCell<crate::table::Table<Settle>> = std::cell::RefCell::default();
}

/// A promise of the elements as 32-bit lanes.
#[wasm_bindgen]
pub fn read(handle: u32) -> JsResult<Promise> {
    let tensor = tensor(handle).map_err(throw)?;
    Ok(Promise::new(&mut |resolve, reject| {
        // The callback must be Send, JavaScript functions are not: they wait in a table of this thread.
        let id = WAITING.with(|w| w.borrow_mut().insert(Settle { resolve, reject }));
        tensor.read(Box::new(move |data| {
            if let Some(settle) = WAITING.with(|w| w.borrow_mut().remove(id)) {
                settle.settle(data);
            }
        }));
    }))
}
