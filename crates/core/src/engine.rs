//! What an engine must do.

use std::any::Any;
use std::fmt;
use std::sync::Arc;

use crate::dtype::DType;
use crate::error::Result;
use crate::plan::Plan;

/// Memory that belongs to an engine. Dropping the last reference gives it back.
pub trait BufferData: Any + Send + Sync {
    /// The bytes it takes on the device.
    fn bytes(&self) -> usize;
    /// For the engine, to recognise its own.
    fn as_any(&self) -> &dyn Any;
}

/// A counted reference to engine memory: a contiguous array of elements.
#[derive(Clone)]
pub struct Buffer {
    /// The engine's part.
    pub data: Arc<dyn BufferData>,
    /// The number of elements.
    pub size: usize,
    /// What it holds: float32, int32 or bool in lanes of 32 bits, float16 in 16 bits, uint8 or int8 in 8. See
    /// [`DType::stored`] and [`DType::uploaded`].
    pub dtype: DType,
}

impl fmt::Debug for Buffer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Buffer({} x {})", self.size, self.dtype.name())
    }
}

/// The elements a pooled buffer for `size` has: one of four classes per power of two, so that at most a quarter is wasted.
pub fn size_class(size: usize) -> usize {
    let size = size.max(16);
    size.next_multiple_of((size.next_power_of_two() / 8).max(4))
}

/// Called once with the lanes of a buffer, or with why they could not be read.
pub type ReadCallback = Box<dyn FnOnce(Result<Vec<u32>>) + Send>;

/// Memory an engine holds, in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct EngineMemory {
    /// Held by live buffers.
    pub live: usize,
    /// Kept for reuse.
    pub pooled: usize,
}

/// When a kernel ran, on the engine's own clock.
#[derive(Clone, Debug, PartialEq)]
pub struct KernelTime {
    /// The names of the operations it computed.
    pub label: String,
    /// When it began, in milliseconds.
    pub start: f64,
    /// How long it ran, in milliseconds.
    pub duration: f64,
}

/// Called once with the times of kernels in the order they ran, or with why there are none.
pub type TimesCallback = Box<dyn FnOnce(Result<Vec<KernelTime>>) + Send>;

/// A device that runs plans.
pub trait Engine: Send + Sync {
    /// `cpu` or `webgpu`.
    fn name(&self) -> &'static str;

    /// The most buffers, read and written together, that one kernel may use.
    fn max_kernel_buffers(&self) -> usize;

    /// Whether float16 is held in 16 bits, not in lanes of 32.
    fn has_halves(&self) -> bool {
        false
    }

    /// Copies `size` elements to the device, as memory holds them (see [`crate::packed`]): `stored` is float32, int32 or bool,
    /// uint8 or int8, or float16 where the engine [has halves](Engine::has_halves).
    ///
    /// # Errors
    /// `ErrorKind::Device` when memory runs out or the device is lost.
    fn upload(&self, stored: DType, size: usize, words: &[u32]) -> Result<Buffer>;

    /// Runs the kernels of `plan` from number `from` on, with run-time scalars `params` (32-bit lanes): all of them, or, on an
    /// engine that can stop between kernels, until `enough` says so. `values` are the plan's: its leaves in the beginning
    /// ([`Plan::start`]), its results among them in the end. Returns how many kernels have run. May return before the
    /// work is done; reads wait for it.
    ///
    /// # Errors
    /// `ErrorKind::Device` when memory runs out, a kernel does not compile or the device is lost; the values are of no use
    /// then.
    fn run(
        &self,
        plan: &Plan,
        values: &mut [Option<Buffer>],
        from: usize,
        params: &[u32],
        enough: &dyn Fn() -> bool,
    ) -> Result<usize>;

    /// Reads a buffer; `done` is called when it is there, at once if it can be.
    fn read(&self, buffer: &Buffer, done: ReadCallback);

    /// As [`Engine::read`] for a caller that can only go on with the lanes: a platform that cannot wait may have a way to
    /// get them at once that costs more (a GPU in a browser).
    fn read_at_once(&self, buffer: &Buffer, done: ReadCallback) {
        self.read(buffer, done);
    }

    /// A buffer of `size` lanes over memory that the platform, not the engine, makes and fills. `None` where the engine has
    /// none of that kind.
    fn adopt(&self, _dtype: DType, _size: usize) -> Option<Buffer> {
        None
    }

    /// Waits until the callbacks of all reads were called. `false` where the platform cannot wait (a GPU in a browser).
    fn wait(&self) -> bool;

    /// Memory in use.
    fn memory(&self) -> EngineMemory;

    /// Starts (or stops, forgetting what was measured) measuring when kernels run. `false` where the device cannot tell.
    fn time_kernels(&self, _on: bool) -> bool {
        false
    }

    /// Hands over what was measured since it was last taken, once the kernels have run.
    fn take_times(&self, done: TimesCallback) {
        done(Ok(Vec::new()));
    }
}
