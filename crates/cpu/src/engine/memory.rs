//! Buffers, pooled by size class so that a loop's memory stays flat.

use std::any::Any;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak};

use headwater_core::engine::{size_class, Buffer, BufferData, EngineMemory};
use headwater_core::packed::{per_word, widened};
use headwater_core::{DType, Error, IdMap, Result};
use headwater_lanes::widen;

use crate::kernels::conv::Filters;
use crate::kernels::gemm::Packed;

/// Bytes of free memory kept for reuse; beyond, it goes back to the allocator.
const MAX_POOLED: usize = 256 << 20;

/// Free memory by size class.
#[derive(Default)]
pub struct Memory {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    free: IdMap<Vec<Vec<u32>>>,
    memory: EngineMemory,
}

impl Memory {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lanes whose contents are to be written.
    pub fn take(self: &Arc<Self>, size: usize) -> Result<Lanes> {
        let class = size_class(size);
        let mut state = self.state();
        let reused = state.free.entry(class as u64).as_mut().and_then(Vec::pop);
        let data = match reused {
            Some(data) => {
                state.memory.pooled -= class * 4;
                data
            }
            None => {
                let mut data: Vec<u32> = Vec::new();
                data.try_reserve_exact(class).map_err(|_| {
                    Error::device(
                        "cpu",
                        format_args!(
                            "out of memory: {} bytes for one tensor, {} in use",
                            class.saturating_mul(4),
                            state.memory.live
                        ),
                    )
                })?;
                data.resize(class, 0);
                data
            }
        };
        state.memory.live += class * 4;
        Ok(Lanes { data, size, packed: OnceLock::new(), memory: Arc::downgrade(self) })
    }

    /// Memory in use and kept.
    pub fn usage(&self) -> EngineMemory {
        self.state().memory
    }

    fn give_back(&self, data: Vec<u32>) {
        let mut state = self.state();
        let bytes = data.len() * 4;
        state.memory.live -= bytes;
        if state.memory.pooled + bytes <= MAX_POOLED {
            state.memory.pooled += bytes;
            state.free.entry(data.len() as u64).get_or_insert_default().push(data);
        }
    }
}

/// A constant weight in the form its kernel reads.
pub enum PackedWeight {
    /// The right operand of a product, with the strides it was packed from.
    Matrix(Packed, [isize; 3]),
    /// The filters of a convolution.
    Filters(Filters),
}

/// A buffer: `size` words of 32 bits, lanes or, as [`headwater_core::packed`] has it, bytes.
pub struct Lanes {
    data: Vec<u32>,
    size: usize,
    /// Filled when the buffer serves as a weight for the second time: `None` after the first.
    pub packed: OnceLock<Mutex<Option<Arc<PackedWeight>>>>,
    memory: Weak<Memory>,
}

impl Lanes {
    /// The lanes.
    pub fn get(&self) -> &[u32] {
        &self.data[..self.size]
    }

    /// The lanes, to write.
    pub fn get_mut(&mut self) -> &mut [u32] {
        &mut self.data[..self.size]
    }

    /// The lanes as float32.
    pub fn floats(&self) -> &[f32] {
        bytemuck::cast_slice(self.get())
    }
}

impl Drop for Lanes {
    fn drop(&mut self) {
        if let Some(memory) = self.memory.upgrade() {
            memory.give_back(std::mem::take(&mut self.data));
        }
    }
}

impl BufferData for Lanes {
    fn bytes(&self) -> usize {
        self.data.len() * 4
    }
    fn as_any(&self) -> &dyn Any {
        self
    }
}

/// The elements of a buffer, to read.
#[derive(Clone, Copy)]
pub struct Elements<'a> {
    /// The lanes, or what bytes are packed in.
    pub words: &'a [u32],
    /// What the words hold.
    pub stored: DType,
}

impl<'a> Elements<'a> {
    /// Those of a buffer of this engine.
    pub fn of(buffer: &'a Buffer) -> Result<Elements<'a>> {
        Ok(Elements { words: lanes(buffer)?.get(), stored: buffer.dtype })
    }

    /// Whether they are narrower than lanes.
    pub fn are_bytes(self) -> bool {
        per_word(self.stored) > 1
    }

    fn bytes(self) -> &'a [u8] {
        bytemuck::cast_slice(self.words)
    }

    /// The lane of the element at `i`, if it is there.
    pub fn get(self, i: usize) -> Option<u32> {
        if self.are_bytes() {
            self.bytes().get(i).map(|&b| widened(self.stored, b))
        } else {
            self.words.get(i).copied()
        }
    }

    /// The lanes from element `at` on.
    pub fn read(self, at: usize, out: &mut [u32]) {
        if self.are_bytes() {
            widen(self.stored, &self.bytes()[at..at + out.len()], out);
        } else {
            out.copy_from_slice(&self.words[at..at + out.len()]);
        }
    }
}

/// A tensor's view of lanes.
pub fn buffer(lanes: Lanes, dtype: DType) -> Buffer {
    Buffer { size: lanes.size, data: Arc::new(lanes), dtype }
}

/// The lanes of a buffer of this engine.
pub fn lanes(buffer: &Buffer) -> Result<&Lanes> {
    buffer.data.as_any().downcast_ref().ok_or_else(|| Error::device("cpu", "received a buffer of another engine"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn freed_memory_is_used_again() -> Result<()> {
        let memory = Arc::new(Memory::default());
        let first = memory.take(1000)?;
        let live = memory.usage().live;
        drop(first);
        assert_eq!(memory.usage(), EngineMemory { live: 0, pooled: live });
        let again = memory.take(1001)?;
        assert_eq!(memory.usage(), EngineMemory { live, pooled: 0 });
        drop(again);
        Ok(())
    }

    #[test]
    fn too_much_is_an_error() {
        let memory = Arc::new(Memory::default());
        let error = memory.take(usize::MAX / 16).err().expect("no machine has so much");
        assert_eq!(error.code(), "device");
    }
}
