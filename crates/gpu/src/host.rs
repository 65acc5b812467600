//! What the engine needs of a GPU. Two implementations: wgpu natively, the browser's WebGPU through a few lines of
//! JavaScript (wgpu in WebAssembly would add 50 kB to the download for the same calls).

use headwater_core::Result;

/// The name of a buffer or pipeline on a host; the engine chooses it.
pub type Id = u32;

/// What the adapter allows.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Bytes of one storage buffer.
    pub max_buffer_bytes: usize,
    /// Storage buffers one shader may use.
    pub max_storage_buffers: usize,
    /// Whether the GPU tells when shaders begin and end.
    pub timestamps: bool,
    /// Whether shaders know `f16`: WebGPU's feature `shader-f16`.
    pub halves: bool,
}

/// One shader run. Uniform values lie at `uniform_offset` of the submission's uniform words.
#[derive(Clone, Debug)]
pub struct Dispatch {
    /// The pipeline.
    pub pipeline: Id,
    /// Workgroups.
    pub groups: [u32; 3],
    /// In words, a multiple of [`UNIFORM_ALIGN`].
    pub uniform_offset: u32,
    /// In words, a multiple of [`UNIFORM_ALIGN`].
    pub uniform_size: u32,
    /// Bindings 1 and up, in order.
    pub buffers: Vec<Id>,
}

/// Uniform ranges start at multiples of this many words: WebGPU's 256 bytes.
pub const UNIFORM_ALIGN: usize = 64;

/// Called once with the words of a buffer, or with why they could not be read.
pub type WordsCallback = Box<dyn FnOnce(Result<Vec<u32>>) + Send>;

/// Called once with when each dispatch began and ended, in milliseconds.
pub type StampsCallback = Box<dyn FnOnce(Result<Vec<[f64; 2]>>) + Send>;

/// A GPU. Commands take effect in the order of the calls; errors that the platform reports late come out of a later
/// call.
pub trait Host: Send + Sync {
    /// What the adapter allows.
    fn limits(&self) -> Limits;

    /// Makes a storage buffer.
    ///
    /// # Errors
    /// `ErrorKind::Device` when memory runs out.
    fn create_buffer(&self, id: Id, bytes: usize) -> Result<()>;

    /// Frees a buffer; work submitted before still finds it. One that was made elsewhere is only forgotten.
    fn destroy_buffer(&self, id: Id);

    /// Writes the first words of a buffer.
    fn write_buffer(&self, id: Id, words: &[u32]);

    /// Makes a compute pipeline with entry point `main`: uniforms at binding 0, then `reads` read-only storage buffers,
    /// then `writes` writable ones.
    ///
    /// # Errors
    /// `ErrorKind::Device` with the compiler's message.
    fn create_pipeline(&self, id: Id, source: &str, reads: usize, writes: usize) -> Result<()>;

    /// Runs shaders in order. With `stamps`, where the limits have timestamps, each is timed.
    ///
    /// # Errors
    /// `ErrorKind::Device` when the device is lost, or for an earlier error that came late.
    fn submit(&self, dispatches: &[Dispatch], uniforms: &[u32], stamps: Option<StampsCallback>) -> Result<()>;

    /// Reads the first `words` words of a buffer. With `at_once`, `done` is called before this returns where the platform
    /// can do that; where it can wait, it need not.
    fn read_buffer(&self, id: Id, words: usize, at_once: bool, done: WordsCallback);

    /// Waits for all reads; `false` where that is not possible.
    fn wait(&self) -> bool;
}
