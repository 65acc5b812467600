//! Reading values.

use headwater::{Error, HostData};
use js_sys::{Float32Array, Int32Array, Promise, Uint8Array};
use wasm_bindgen::prelude::wasm_bindgen;
use wasm_bindgen::JsValue;

use crate::error::{throw, JsResult};
use crate::table::tensor;

fn typed_array(data: HostData) -> JsValue {
    match data {
        HostData::F32(v) => Float32Array::from(v.as_slice()).into(),
        HostData::I32(v) => Int32Array::from(v.as_slice()).into(),
        HostData::Bool(v) => Uint8Array::from(v.as_slice()).into(),
    }
}

/// The elements as a typed array, at once.
#[wasm_bindgen(js_name = readSync)]
pub fn read_sync(handle: u32) -> JsResult<JsValue> {
    let tensor = tensor(handle).map_err(throw)?;
    tensor.to_host().map(typed_array).map_err(throw)
}

/// The functions that settle a promise. They never leave the thread they were made on.
struct Settle {
    resolve: js_sys::Function,
    reject: js_sys::Function,
}

impl Settle {
    fn settle(self, data: Result<HostData, Error>) {
        // What a promise's own functions return or throw is of no interest.
        let _ = match data {
            Ok(data) => self.resolve.call1(&JsValue::NULL, &typed_array(data)),
            Err(error) => self.reject.call1(&JsValue::NULL, &throw(error)),
        };
    }
}

thread_local! {
    static WAITING: std::cell::RefCell<crate::table::Table<Settle>> = std::cell::RefCell::default();
}

/// A promise of the elements as a typed array.
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
