//! The GPU engine on a host written in JavaScript (`pkg/src/gpu-host.ts`).

use std::cell::RefCell;
use std::sync::Arc;

use headwater::{Device, Error, Result};
use headwater_gpu::{Dispatch, GpuEngine, GpuOptions, Host, Id, Limits, StampsCallback, WordsCallback};
use js_sys::Uint32Array;
use wasm_bindgen::prelude::{wasm_bindgen, Closure};
use wasm_bindgen::{JsCast, JsValue};

use crate::error::message;
use crate::table::{with, Table};

#[wasm_bindgen]
extern "C" {
    /// See `pkg/src/gpu-host.ts`.
    #[derive(Clone)]
    pub type GpuHost;
    #[wasm_bindgen(method, getter, js_name = maxBufferBytes)]
    fn max_buffer_bytes(this: &GpuHost) -> f64;
    #[wasm_bindgen(method, getter, js_name = maxStorageBuffers)]
    fn max_storage_buffers(this: &GpuHost) -> u32;
    #[wasm_bindgen(method, catch, js_name = createBuffer)]
    fn create_buffer(this: &GpuHost, id: u32, bytes: f64) -> Result<(), JsValue>;
    #[wasm_bindgen(method, js_name = destroyBuffer)]
    fn destroy_buffer(this: &GpuHost, id: u32);
    #[wasm_bindgen(method, js_name = writeBuffer)]
    fn write_buffer(this: &GpuHost, id: u32, words: &[u32]);
    #[wasm_bindgen(method, catch, js_name = createPipeline)]
    fn create_pipeline(this: &GpuHost, id: u32, source: &str, reads: usize, writes: usize) -> Result<(), JsValue>;
    #[wasm_bindgen(method, getter)]
    fn timestamps(this: &GpuHost) -> bool;
    #[wasm_bindgen(method, getter)]
    fn halves(this: &GpuHost) -> bool;
    #[wasm_bindgen(method, catch)]
    fn submit(this: &GpuHost, commands: &[u32], uniforms: &[u32], timed: u32, done: JsValue) -> Result<(), JsValue>;
    #[wasm_bindgen(method, js_name = readBuffer)]
    fn read_buffer(this: &GpuHost, id: u32, words: usize, at_once: bool, done: JsValue);
}

thread_local! {
    static HOSTS: RefCell<Table<GpuHost>> = RefCell::default();
}

/// A host by its number: JavaScript objects cannot leave their thread.
struct Remote {
    number: u32,
    limits: Limits,
}

fn thrown(error: JsValue) -> Error {
    Error::device("webgpu", message(&error))
}

impl Remote {
    fn host(&self) -> Result<GpuHost> {
        let host = HOSTS.with(|h| h.borrow().get(self.number).cloned());
        host.ok_or_else(|| Error::device("webgpu", "used on another thread than the one that opened it"))
    }
}

impl Drop for Remote {
    fn drop(&mut self) {
        let host = HOSTS.with(|h| h.borrow_mut().remove(self.number));
        drop(host);
    }
}

impl Host for Remote {
    fn limits(&self) -> Limits {
        self.limits
    }

    fn create_buffer(&self, id: Id, bytes: usize) -> Result<()> {
        self.host()?.create_buffer(id, bytes as f64).map_err(thrown)
    }

    fn destroy_buffer(&self, id: Id) {
        if let Ok(host) = self.host() {
            host.destroy_buffer(id);
        }
    }

    fn write_buffer(&self, id: Id, words: &[u32]) {
        if let Ok(host) = self.host() {
            host.write_buffer(id, words);
        }
    }

    fn create_pipeline(&self, id: Id, source: &str, reads: usize, writes: usize) -> Result<()> {
        self.host()?.create_pipeline(id, source, reads, writes).map_err(thrown)
    }

    fn submit(&self, dispatches: &[Dispatch], uniforms: &[u32], stamps: Option<StampsCallback>) -> Result<()> {
        // pipeline, groups, uniform offset and size in bytes, the number of buffers, buffers.
        let mut commands = Vec::with_capacity(dispatches.len() * 12);
        for d in dispatches {
            commands.push(d.pipeline);
            commands.extend(d.groups);
            commands.extend([d.uniform_offset * 4, d.uniform_size * 4, d.buffers.len() as u32]);
            commands.extend_from_slice(&d.buffers);
        }
        let (timed, done) = match stamps {
            #[cfg(feature = "times")]
            Some(stamps) => (dispatches.len() as u32, settling(stamps)),
            _ => (0, JsValue::UNDEFINED),
        };
        self.host()?.submit(&commands, uniforms, timed, done).map_err(thrown)
    }

    fn read_buffer(&self, id: Id, words: usize, at_once: bool, done: WordsCallback) {
        let host = match self.host() {
            Ok(host) => host,
            Err(error) => return done(Err(error)),
        };
        let done = Closure::once_into_js(move |result: JsValue| {
            done(result.dyn_into::<Uint32Array>().map(|words| words.to_vec()).map_err(thrown));
        });
        host.read_buffer(id, words, at_once, done);
    }

    fn wait(&self) -> bool {
        false
    }
}

/// A function that gives the times of passes, one number after the other, to `stamps`.
#[cfg(feature = "times")]
fn settling(stamps: StampsCallback) -> JsValue {
    Closure::once_into_js(move |result: JsValue| {
        let pairs = |times: js_sys::Float64Array| times.to_vec().chunks_exact(2).map(|t| [t[0], t[1]]).collect();
        stamps(result.dyn_into().map(pairs).map_err(thrown));
    })
}

/// A device on the GPU of `host`, and its number.
#[wasm_bindgen(js_name = createGpu)]
pub fn create_gpu(host: GpuHost) -> u32 {
    let limits = Limits {
        max_buffer_bytes: host.max_buffer_bytes() as usize,
        max_storage_buffers: host.max_storage_buffers() as usize,
        timestamps: host.timestamps(),
        halves: host.halves(),
    };
    let number = HOSTS.with(|h| h.borrow_mut().insert(host));
    let engine = GpuEngine::new(Arc::new(Remote { number, limits }), GpuOptions::default());
    with(|t| t.devices.insert(Device::new(Arc::new(engine))))
}
