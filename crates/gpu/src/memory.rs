//! Buffers, pooled by size class so that a loop's memory stays flat.

use std::any::Any;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use headwater_core::engine::{size_class, Buffer, BufferData, EngineMemory};
use headwater_core::packed::words;
use headwater_core::{DType, Error, IdMap, Result};

use crate::host::{Host, Id};

/// Bytes of free memory kept for reuse; beyond, it goes back to the device.
const MAX_POOLED: usize = 256 << 20;

/// Buffers of a host.
pub struct Memory {
    host: Arc<dyn Host>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    next: Id,
    free: IdMap<Vec<Id>>,
    memory: EngineMemory,
    /// While commands are encoded: the buffers to destroy once they are submitted.
    doomed: Option<Vec<Id>>,
}

/// While it lives, no buffer is destroyed: one that is freed may be part of commands that are not submitted yet.
pub struct Held<'a>(&'a Memory);

impl Drop for Held<'_> {
    fn drop(&mut self) {
        let doomed = self.0.state().doomed.take();
        doomed.iter().flatten().for_each(|&id| self.0.host.destroy_buffer(id));
    }
}

impl Memory {
    /// No buffers yet.
    pub fn new(host: Arc<dyn Host>) -> Memory {
        Memory { host, state: Mutex::default() }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A buffer for `size` elements of `dtype`, whose contents are to be written.
    ///
    /// # Errors
    /// `ErrorKind::Device` for more than a buffer can hold, or when memory runs out.
    pub fn take(self: &Arc<Self>, dtype: DType, size: usize) -> Result<Arc<Lanes>> {
        let words = words(dtype, size);
        let bytes = size_class(words) * 4;
        let limit = self.host.limits().max_buffer_bytes;
        let least = words.saturating_mul(4);
        if least > limit {
            let message = format!("a tensor of {least} bytes is larger than a buffer can be ({limit})");
            return Err(Error::device("webgpu", message));
        }
        let bytes = bytes.min(limit);
        let mut state = self.state();
        let id = match state.free.entry(bytes as u64).as_mut().and_then(Vec::pop) {
            Some(id) => {
                state.memory.pooled -= bytes;
                id
            }
            None => {
                state.next += 1;
                self.host.create_buffer(state.next, bytes)?;
                state.next
            }
        };
        state.memory.live += bytes;
        Ok(Arc::new(Lanes { id, bytes, size, dtype, memory: Arc::downgrade(self) }))
    }

    /// `size` elements, as memory holds them, of a buffer that the host comes by in another way, by a name of their own.
    pub fn adopt(self: &Arc<Self>, dtype: DType, size: usize) -> Arc<Lanes> {
        let mut state = self.state();
        state.next += 1;
        Arc::new(Lanes { id: state.next, bytes: 0, size, dtype, memory: Arc::downgrade(self) })
    }

    /// Keeps buffers that are freed from being destroyed.
    pub fn hold(&self) -> Held<'_> {
        self.state().doomed = Some(Vec::new());
        Held(self)
    }

    /// Memory in use and kept.
    pub fn usage(&self) -> EngineMemory {
        self.state().memory
    }

    /// A buffer that the next command may overwrite: commands run in order.
    fn give_back(&self, id: Id, bytes: usize) {
        let mut state = self.state();
        state.memory.live -= bytes;
        if bytes > 0 && state.memory.pooled + bytes <= MAX_POOLED {
            state.memory.pooled += bytes;
            state.free.entry(bytes as u64).get_or_insert_default().push(id);
        } else if let Some(doomed) = &mut state.doomed {
            doomed.push(id);
        } else {
            self.host.destroy_buffer(id);
        }
    }
}

impl Drop for Memory {
    fn drop(&mut self) {
        let state = self.state.get_mut().unwrap_or_else(PoisonError::into_inner);
        state.free.values().flatten().for_each(|&id| self.host.destroy_buffer(id));
    }
}

/// A buffer.
pub struct Lanes {
    /// The host's name for it.
    pub id: Id,
    /// Of the pool; none of what was adopted.
    bytes: usize,
    /// Elements.
    pub size: usize,
    /// What it holds: see [`headwater_core::plan::Value::stored`].
    pub dtype: DType,
    memory: Weak<Memory>,
}

impl Drop for Lanes {
    fn drop(&mut self) {
        if let Some(memory) = self.memory.upgrade() {
            memory.give_back(self.id, self.bytes);
        }
    }
}

/// A tensor's reference to lanes.
pub struct Shared(pub Arc<Lanes>);

impl BufferData for Shared {
    fn bytes(&self) -> usize {
        self.0.bytes
    }
    fn as_any(&self) -> &dyn Any {
        self
    }
}

/// A tensor's view of lanes.
pub fn buffer(lanes: Arc<Lanes>) -> Buffer {
    Buffer { size: lanes.size, dtype: lanes.dtype, data: Arc::new(Shared(lanes)) }
}

/// The host's name for the memory of a buffer.
///
/// # Errors
/// `ErrorKind::Device` for a buffer of another engine.
pub fn id_of(buffer: &Buffer) -> Result<Id> {
    lanes(buffer).map(|l| l.id)
}

/// The lanes of a buffer of this engine.
///
/// # Errors
/// `ErrorKind::Device` for a buffer of another engine.
pub fn lanes(buffer: &Buffer) -> Result<&Arc<Lanes>> {
    let shared = buffer.data.as_any().downcast_ref::<Shared>();
    shared.map(|s| &s.0).ok_or_else(|| Error::device("webgpu", "received a buffer of another engine"))
}
