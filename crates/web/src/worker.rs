//! The pool's threads: Web Workers that share this module's memory and enter here.

use std::sync::{Arc, Mutex, PoisonError};

use headwater_cpu::threads::Pool;
use wasm_bindgen::prelude::wasm_bindgen;

static POOL: Mutex<Option<Arc<Pool>>> = Mutex::new(None);

/// The pool that workers join.
pub fn offer(pool: &Arc<Pool>) {
    *POOL.lock().unwrap_or_else(PoisonError::into_inner) = Some(pool.clone());
}

/// Works for the pool until it is gone: a worker calls this once, after its thread was set up.
#[wasm_bindgen(js_name = workerEntry)]
pub fn worker_entry() {
    let pool = POOL.lock().unwrap_or_else(PoisonError::into_inner).clone();
    if let Some(pool) = pool {
        let work = pool.worker();
        // The worker holds the pool's state, not the pool: dropping the pool ends the work.
        drop(pool);
        work();
    }
}
