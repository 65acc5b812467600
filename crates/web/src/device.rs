//! Engines.

use std::sync::Arc;

use headwater::{CpuEngine, CpuOptions, Device, Error};
use wasm_bindgen::prelude::wasm_bindgen;

use crate::error::{throw, JsResult};
use crate::table::{current_device, with};

#[wasm_bindgen]
extern "C" {
    /// Milliseconds.
    #[wasm_bindgen(js_namespace = performance)]
    fn now() -> f64;
}

/// A device on the processor with so many threads, and its number.
#[wasm_bindgen(js_name = createCpu)]
pub fn create_cpu(threads: usize) -> u32 {
    let engine = CpuEngine::new(CpuOptions { threads, clock: now, ..CpuOptions::default() });
    #[cfg(feature = "threads")]
    crate::worker::offer(engine.pool());
    with(|t| t.devices.insert(Device::new(Arc::new(engine))))
}

/// Makes a device the one that new tensors go to.
#[wasm_bindgen(js_name = setDevice)]
pub fn set_device(device: u32) -> JsResult<()> {
    let known = with(|t| {
        let known = t.devices.get(device).is_some();
        if known {
            t.current = device;
        }
        known
    });
    if known {
        Ok(())
    } else {
        Err(throw(Error::unknown("device", device)))
    }
}

/// Forgets a device; its tensors keep it alive.
#[wasm_bindgen(js_name = destroyDevice)]
pub fn destroy_device(device: u32) {
    let device = with(|t| t.devices.remove(device));
    std::mem::drop(device);
}

/// Runs all pending operations of the current device.
#[wasm_bindgen]
pub fn flush() -> JsResult<()> {
    current_device().and_then(|d| d.flush()).map_err(throw)
}

/// Runs pending operations of the current device for about so many milliseconds, where the engine can stop between kernels;
/// says whether all have run.
#[wasm_bindgen(js_name = flushPart)]
pub fn flush_part(milliseconds: f64) -> JsResult<bool> {
    let end = now() + milliseconds;
    current_device().and_then(|d| d.flush_part(&|| now() >= end)).map_err(throw)
}

/// `[live bytes, pooled bytes, handles, bytes of WebAssembly memory]`. (A module exports its memory as `memory`.)
#[wasm_bindgen(js_name = memoryUse)]
pub fn memory_use() -> Vec<f64> {
    let (live, pooled) =
        with(|t| t.devices.iter().map(|d| d.engine().memory()).fold((0, 0), |(l, p), m| (l + m.live, p + m.pooled)));
    #[cfg(target_arch = "wasm32")]
    let heap = core::arch::wasm32::memory_size(0) as f64 * 65_536.0;
    #[cfg(not(target_arch = "wasm32"))]
    let heap = 0.0;
    vec![live as f64, pooled as f64, with(|t| t.tensors.len()) as f64, heap]
}

/// `[runs, plans, kernels]` of the current device so far.
#[wasm_bindgen]
pub fn stats() -> JsResult<Vec<f64>> {
    let stats = current_device().map_err(throw)?.stats();
    Ok(vec![stats.runs as f64, stats.plans as f64, stats.kernels as f64])
}
