//! The engine: runs prepared plans as one submission each.

#[cfg(feature = "times")]
use headwater_core::Listed;
use std::hash::Hasher;
use std::sync::{Arc, Mutex, PoisonError};

#[cfg(feature = "times")]
use headwater_core::engine::TimesCallback;
use headwater_core::engine::{Buffer, Engine, EngineMemory, ReadCallback};
use headwater_core::packed::{unpack, words};
#[cfg(feature = "times")]
use headwater_core::plan::Kernel;
use headwater_core::plan::{Plan, Value};
use headwater_core::{AllOk, DType, Error, IdMap, Result, StructureHasher};

use crate::host::{Dispatch, Host, Id, StampsCallback, UNIFORM_ALIGN};
use crate::memory::{buffer, lanes, Lanes, Memory};
use crate::prepare::{prepare, Pass, Slot};
use crate::shader::{Shader, MAX_BUFFERS};
#[cfg(feature = "times")]
use crate::times::Times;

/// How a GPU engine runs.
#[derive(Clone, Copy, Debug)]
pub struct GpuOptions {
    /// Tiled contractions, four elements at a time where layouts allow. Otherwise every kernel computes one element per
    /// invocation: what everything else is tested against, and the way out should a driver get the tiles wrong.
    pub tiles: bool,
    /// float16 in 16 bits of memory, where the GPU allows it. Otherwise in 32, as everywhere else: the values are the same.
    pub halves: bool,
}

impl Default for GpuOptions {
    fn default() -> GpuOptions {
        GpuOptions { tiles: true, halves: true }
    }
}

/// The engine that runs on a GPU.
pub struct GpuEngine {
    host: Arc<dyn Host>,
    options: GpuOptions,
    memory: Arc<Memory>,
    pipelines: Mutex<IdMap<(String, Id)>>,
    /// Held while commands are given: memory freed while a run is encoded must not be written by an upload before it.
    order: Mutex<()>,
    #[cfg(feature = "times")]
    times: Times,
}

impl GpuEngine {
    /// An engine on `host`.
    pub fn new(host: Arc<dyn Host>, options: GpuOptions) -> GpuEngine {
        GpuEngine {
            memory: Arc::new(Memory::new(host.clone())),
            host,
            options,
            pipelines: Mutex::default(),
            order: Mutex::default(),
            #[cfg(feature = "times")]
            times: Times::default(),
        }
    }

    /// How many different shaders were compiled.
    pub fn pipelines(&self) -> usize {
        self.pipelines.lock().unwrap_or_else(PoisonError::into_inner).values().count()
    }

    /// While kernels are timed, what is to be called with the times of a submission.
    #[cfg(feature = "times")]
    fn stamps(&self, plan: &Plan, prepared: &[Vec<Pass>]) -> Option<StampsCallback> {
        self.times.begin(|| {
            let of = |(kernel, passes): (&Kernel, &Vec<Pass>)| (kernel.label.clone(), passes.len());
            plan.kernels.iter().zip(prepared).map(of).listed()
        })
    }

    #[cfg(not(feature = "times"))]
    fn stamps(&self, _: &Plan, _: &[Vec<Pass>]) -> Option<StampsCallback> {
        None
    }

    fn read_lanes(&self, buffer: &Buffer, at_once: bool, done: ReadCallback) {
        match lanes(buffer) {
            Err(error) => done(Err(error)),
            Ok(lanes) if lanes.size == 0 => done(Ok(Vec::new())),
            Ok(lanes) => {
                // The buffer must outlive the read: the callback keeps it.
                let kept = lanes.clone();
                let finish = move |words: Result<Vec<u32>>| {
                    let words = words.map(|words| unpack(kept.dtype, words, kept.size));
                    drop(kept);
                    done(words);
                };
                self.host.read_buffer(lanes.id, words(lanes.dtype, lanes.size), at_once, Box::new(finish));
            }
        }
    }

    /// The pipeline of a shader, found again by its text.
    fn pipeline(&self, shader: &Shader, label: &str) -> Result<Id> {
        let mut pipelines = self.pipelines.lock().unwrap_or_else(PoisonError::into_inner);
        let mut hasher = StructureHasher::default();
        hasher.write(shader.source.as_bytes());
        let mut key = hasher.finish();
        while let Some((source, id)) = pipelines.get(key) {
            if *source == shader.source {
                return Ok(*id);
            }
            key = key.wrapping_add(1);
        }
        let id = pipelines.values().count() as Id + 1;
        let made = self.host.create_pipeline(id, &shader.source, shader.reads.len(), shader.writes.len());
        made.map_err(|e| Error::device("webgpu", format_args!("kernel {label}: {e}")))?;
        pipelines.insert(key, (shader.source.clone(), id));
        Ok(id)
    }
}

/// The state of one run.
struct Run {
    values: Vec<Option<Arc<Lanes>>>,
    dispatches: Vec<Dispatch>,
    uniforms: Vec<u32>,
}

impl Run {
    fn value(&self, value: usize) -> Result<&Arc<Lanes>> {
        let lanes = self.values.get(value).and_then(Option::as_ref);
        lanes.ok_or_else(|| Error::device("webgpu", format_args!("value {value} is read before it is computed")))
    }

    fn encode(&mut self, pass: &Pass, temporary: &[Arc<Lanes>], params: &[u32]) -> Result<()> {
        let offset = self.uniforms.len();
        self.uniforms.extend(&pass.words);
        for &(word, param) in &pass.params {
            self.uniforms[offset + word] = params[param];
        }
        self.uniforms.resize(self.uniforms.len().max(offset + 1).next_multiple_of(UNIFORM_ALIGN), 0);
        let id = |slot: &Slot| match *slot {
            Slot::Value(value) => self.value(value).map(|l| l.id),
            Slot::Temporary(n) => Ok(temporary[n].id),
        };
        self.dispatches.push(Dispatch {
            pipeline: pass.pipeline,
            groups: pass.groups,
            uniform_offset: offset as u32,
            uniform_size: (self.uniforms.len() - offset) as u32,
            buffers: pass.buffers.iter().map(id).all_ok()?,
        });
        Ok(())
    }
}

impl Engine for GpuEngine {
    fn name(&self) -> &'static str {
        "webgpu"
    }

    fn max_kernel_buffers(&self) -> usize {
        self.host.limits().max_storage_buffers.min(MAX_BUFFERS)
    }

    fn has_halves(&self) -> bool {
        self.options.halves && self.host.limits().halves
    }

    fn upload(&self, stored: DType, size: usize, words: &[u32]) -> Result<Buffer> {
        let _order = self.order.lock();
        let lanes = self.memory.take(stored, size)?;
        self.host.write_buffer(lanes.id, words);
        Ok(buffer(lanes))
    }

    /// A run is one submission: it does not stop between kernels.
    fn run(
        &self,
        plan: &Plan,
        values: &mut [Option<Buffer>],
        _from: usize,
        params: &[u32],
        _enough: &dyn Fn() -> bool,
    ) -> Result<usize> {
        if plan.prepared.get().is_none() {
            let prepared = prepare(plan, &self.options, &mut |shader, label| self.pipeline(shader, label))?;
            // Another thread may have been faster; either is right.
            let _ = plan.prepared.set(Box::new(prepared));
        }
        let prepared = plan.prepared.get().and_then(|p| p.downcast_ref::<Vec<Vec<Pass>>>());
        let Some(prepared) = prepared else {
            return Err(Error::device("webgpu", "received a plan prepared by another engine"));
        };
        let _order = self.order.lock();
        let _held = self.memory.hold();
        let mut run = Run { values: vec![None; plan.values.len()], dispatches: Vec::new(), uniforms: Vec::new() };
        for (slot, leaf) in run.values.iter_mut().zip(values.iter().flatten()) {
            *slot = Some(lanes(leaf)?.clone());
        }
        for ((kernel, passes), frees) in plan.kernels.iter().zip(prepared).zip(&plan.frees) {
            for value in kernel.writes() {
                let Value { stored, size, .. } = plan.values[value];
                run.values[value] = Some(self.memory.take(stored, size)?);
            }
            let mut temporary = Vec::new();
            for pass in passes {
                if pass.temporary > 0 {
                    temporary.push(self.memory.take(DType::F32, pass.temporary)?);
                }
                run.encode(pass, &temporary, params)?;
            }
            // Given back only now that the kernel is encoded: until then they must not become its outputs.
            frees.iter().for_each(|&v| run.values[v] = None);
        }
        if !run.dispatches.is_empty() {
            let submitted = self.host.submit(&run.dispatches, &run.uniforms, self.stamps(plan, prepared));
            // Nobody must wait for the times of what did not run.
            #[cfg(feature = "times")]
            if submitted.is_err() {
                self.times.set(false);
            }
            submitted?;
        }
        for &v in &plan.results {
            values[v] = Some(buffer(run.value(v)?.clone()));
        }
        Ok(plan.kernels.len())
    }

    fn read(&self, buffer: &Buffer, done: ReadCallback) {
        self.read_lanes(buffer, false, done);
    }

    fn read_at_once(&self, buffer: &Buffer, done: ReadCallback) {
        self.read_lanes(buffer, true, done);
    }

    fn adopt(&self, dtype: DType, size: usize) -> Option<Buffer> {
        Some(buffer(self.memory.adopt(dtype.stored(self.has_halves()), size)))
    }

    fn wait(&self) -> bool {
        self.host.wait()
    }

    fn memory(&self) -> EngineMemory {
        self.memory.usage()
    }

    #[cfg(feature = "times")]
    fn time_kernels(&self, on: bool) -> bool {
        let able = self.host.limits().timestamps;
        self.times.set(on && able);
        able
    }

    #[cfg(feature = "times")]
    fn take_times(&self, done: TimesCallback) {
        self.times.take(done);
    }
}
