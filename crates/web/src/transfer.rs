//! Tensors follow when another engine is chosen.

use headwater::Listed;
use std::cell::RefCell;

use headwater::{Device, Error, Tensor};
use js_sys::{Function, Promise};
use wasm_bindgen::prelude::wasm_bindgen;
use wasm_bindgen::JsValue;

use crate::error::{throw, JsResult};
use crate::table::{current_device, with, Table};

/// A move of tensors under way.
struct Move {
    /// Reads not answered yet.
    left: usize,
    error: Option<Error>,
    resolve: Function,
    reject: Function,
}

thread_local! {
    static MOVES: RefCell<Table<Move>> = RefCell::default();
}

/// Marks one read as answered, and settles the promise after the last.
fn answered(id: u32, result: Result<(), Error>) {
    let finished = MOVES.with(|moves| {
        let mut moves = moves.borrow_mut();
        let state = moves.get_mut(id)?;
        state.left -= 1;
        state.error = state.error.take().or(result.err());
        if state.left == 0 {
            moves.remove(id)
        } else {
            None
        }
    });
    if let Some(Move { error, resolve, reject, .. }) = finished {
        // What a promise's own functions return or throw is of no interest.
        let _ = match error {
            None => resolve.call0(&JsValue::NULL),
            Some(error) => reject.call1(&JsValue::NULL, &throw(error)),
        };
    }
}

/// Puts `lanes` on the current device, behind every handle of the value `old`.
fn adopt(old: &Tensor, lanes: &[u32]) -> Result<(), Error> {
    let new = current_device()?.tensor_of_lanes(old.dtype(), lanes, old.shape().clone())?;
    let replaced: Vec<Tensor> = with(|t| {
        let same = t.tensors.iter_mut().filter(|slot| slot.id() == old.id());
        same.map(|slot| std::mem::replace(slot, new.clone())).listed()
    });
    // Dropped only now that the tables are free: their engine may have work to do.
    drop(replaced);
    Ok(())
}

/// Copies every tensor that lives on another device to the current one, but for those of a device that was destroyed.
/// Resolves when all are there.
#[wasm_bindgen(js_name = moveTensors)]
pub fn move_tensors() -> JsResult<Promise> {
    let target = current_device().map_err(throw)?;
    let mut moving: Vec<Tensor> = with(|t| {
        let elsewhere = |device: &Device| !device.same(&target) && t.devices.iter().any(|d| d.same(device));
        t.tensors.iter().filter(|tensor| elsewhere(tensor.device())).cloned().listed()
    });
    moving.sort_unstable_by_key(Tensor::id);
    moving.dedup_by_key(|t| t.id());
    Ok(Promise::new(&mut |resolve, reject| {
        let state = Move { left: moving.len() + 1, error: None, resolve, reject };
        let id = MOVES.with(|m| m.borrow_mut().insert(state));
        for tensor in &moving {
            let old = tensor.clone();
            tensor.read(Box::new(move |data| answered(id, data.and_then(|lanes| adopt(&old, &lanes)))));
        }
        answered(id, Ok(()));
    }))
}
