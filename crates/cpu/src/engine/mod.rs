//! The engine: runs plans kernel by kernel.

mod eval;
mod heads;
mod memory;
mod reduce;
mod tail;

use headwater_core::AllOk;
use headwater_core::Listed;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use headwater_core::engine::{Buffer, Engine, EngineMemory, KernelTime, ReadCallback, TimesCallback};
use headwater_core::op::IndexOp;
use headwater_core::packed::unpack;
use headwater_core::plan::{Access, Head, Kernel, Map, Plan, Source, ValueId};
use headwater_core::{DType, Error, Result};

use crate::kernels::Shared;
use crate::threads::Pool;
use eval::{Evaluate, Operands, Prepared};
pub use headwater_lanes::simd::Level;
use memory::{buffer, lanes, Elements, Lanes, Memory};

/// How a CPU engine runs.
#[derive(Clone, Copy, Debug)]
pub struct CpuOptions {
    /// Threads, the caller's included.
    pub threads: usize,
    /// The instruction set.
    pub level: Level,
    /// Milliseconds since some moment: what kernels are timed by.
    pub clock: fn() -> f64,
}

/// Milliseconds since the first call. A browser has a clock of its own.
fn monotonic() -> f64 {
    static START: std::sync::OnceLock<std::time::Instant> = std::sync::OnceLock::new();
    START.get_or_init(std::time::Instant::now).elapsed().as_secs_f64() * 1e3
}

impl Default for CpuOptions {
    /// All processors, the widest instructions.
    fn default() -> CpuOptions {
        let threads = std::thread::available_parallelism().map_or(1, |n| n.get());
        CpuOptions { threads, level: Level::Best, clock: monotonic }
    }
}

/// The engine that runs on the processor.
pub struct CpuEngine {
    pool: Arc<Pool>,
    level: Level,
    memory: Arc<Memory>,
    clock: fn() -> f64,
    /// While kernels are timed.
    times: Mutex<Option<Vec<KernelTime>>>,
}

impl CpuEngine {
    /// An engine. In WebAssembly the pool's other threads must be started: see [`Pool::worker`].
    pub fn new(options: CpuOptions) -> CpuEngine {
        CpuEngine {
            pool: Pool::new(options.threads),
            level: options.level,
            memory: Arc::default(),
            clock: options.clock,
            times: Mutex::default(),
        }
    }

    fn times(&self) -> MutexGuard<'_, Option<Vec<KernelTime>>> {
        self.times.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The engine's threads.
    pub fn pool(&self) -> &Arc<Pool> {
        &self.pool
    }
}

/// Operands of one map or head that can be read in place, from the plan's values.
struct Run<'a> {
    engine: &'a CpuEngine,
    plan: &'a Plan,
    values: &'a mut [Option<Buffer>],
    params: &'a [u32],
}

/// What a plan's kernels need that does not depend on its operands.
struct PreparedKernel {
    map: Prepared,
    body: Option<Prepared>,
}

impl Engine for CpuEngine {
    fn name(&self) -> &'static str {
        "cpu"
    }

    fn max_kernel_buffers(&self) -> usize {
        64
    }

    fn upload(&self, stored: DType, size: usize, words: &[u32]) -> Result<Buffer> {
        let mut copy = self.memory.take(words.len())?;
        copy.get_mut().copy_from_slice(words);
        Ok(Buffer { size, ..buffer(copy, stored) })
    }

    fn run(
        &self,
        plan: &Plan,
        values: &mut [Option<Buffer>],
        from: usize,
        params: &[u32],
        enough: &dyn Fn() -> bool,
    ) -> Result<usize> {
        let prepare = |kernel: &Kernel| PreparedKernel {
            map: Prepared::new(&kernel.map, &plan.values),
            body: match &kernel.head {
                Some(Head::Reduce { body, .. }) => Some(Prepared::new(body, &plan.values)),
                _ => None,
            },
        };
        let prepared = plan.prepared.get_or_init(|| Box::new(plan.kernels.iter().map(prepare).listed()));
        let Some(prepared) = prepared.downcast_ref::<Vec<PreparedKernel>>() else {
            return Err(Error::device("cpu", "received a plan prepared by another engine"));
        };
        let mut run = Run { engine: self, plan, values, params };
        let timed = self.times().is_some();
        let mut done = from;
        while done < plan.kernels.len() && (done == from || !enough()) {
            let kernel = &plan.kernels[done];
            let start = if timed { (self.clock)() } else { 0.0 };
            run.kernel(kernel, &prepared[done])?;
            if timed {
                let duration = (self.clock)() - start;
                let time = KernelTime { label: kernel.label.clone(), start, duration };
                self.times().get_or_insert_default().push(time);
            }
            plan.frees[done].iter().for_each(|&v| run.values[v] = None);
            done += 1;
        }
        Ok(done)
    }

    fn read(&self, buffer: &Buffer, done: ReadCallback) {
        done(lanes(buffer).map(|lanes| unpack(buffer.dtype, lanes.get().to_vec(), buffer.size)));
    }

    fn wait(&self) -> bool {
        true
    }

    fn memory(&self) -> EngineMemory {
        self.memory.usage()
    }

    fn time_kernels(&self, on: bool) -> bool {
        *self.times() = on.then(Vec::new);
        true
    }

    fn take_times(&self, done: TimesCallback) {
        let times = self.times().as_mut().map(std::mem::take);
        done(Ok(times.unwrap_or_default()));
    }
}

impl Run<'_> {
    fn given(&self, value: ValueId) -> Result<&Buffer> {
        match self.values.get(value) {
            Some(Some(buffer)) => Ok(buffer),
            _ => Err(Error::device("cpu", format_args!("value {value} is read before it is computed"))),
        }
    }

    fn value(&self, value: ValueId) -> Result<&Lanes> {
        lanes(self.given(value)?)
    }

    fn lanes(&self, value: ValueId) -> Result<&[u32]> {
        Ok(self.value(value)?.get())
    }

    fn floats(&self, value: ValueId) -> Result<&[f32]> {
        Ok(self.value(value)?.floats())
    }

    /// The elements that an access shows; none for indices.
    fn elements(&self, access: &Access) -> Result<Elements<'_>> {
        match access.source {
            Source::Buffer(value) => Elements::of(self.given(value)?),
            Source::Index => Ok(Elements { words: &[], stored: DType::I32 }),
        }
    }

    /// The elements of a map's inputs.
    fn inputs(&self, map: &Map) -> Result<Vec<Elements<'_>>> {
        map.inputs.iter().map(|a| self.elements(a)).all_ok()
    }

    /// Puts lanes in the place of bytes that a head reads as lanes, for what is left of the run.
    fn widen(&mut self, kernel: &Kernel) -> Result<()> {
        let read = match &kernel.head {
            None | Some(Head::Reduce { .. } | Head::ArgReduce { .. } | Head::Pad { .. } | Head::Concat { .. }) => &[],
            Some(Head::Index { op: IndexOp::Gather | IndexOp::TakeAlong, index, .. }) => std::slice::from_ref(index),
            Some(_) => &kernel.reads[..],
        };
        for &value in read {
            let given = self.given(value)?;
            let elements = Elements::of(given)?;
            if elements.are_bytes() {
                let mut lanes = self.engine.memory.take(given.size)?;
                elements.read(0, lanes.get_mut());
                self.values[value] = Some(buffer(lanes, DType::I32));
            }
        }
        Ok(())
    }

    fn kernel(&mut self, kernel: &Kernel, prepared: &PreparedKernel) -> Result<()> {
        let mut outputs: Vec<Lanes> =
            (kernel.writes()).map(|v| self.engine.memory.take(self.plan.values[v].size)).all_ok()?;
        self.widen(kernel)?;
        match &kernel.head {
            None => self.map(&kernel.map, &prepared.map, &[], &mut outputs)?,
            Some(head) => {
                let done = self.head_with_tail(head, &kernel.map, prepared, &mut outputs[0])?;
                if !done {
                    let mut acc = self.engine.memory.take(kernel.map.shape.size())?;
                    self.head(head, prepared, acc.get_mut())?;
                    self.map(&kernel.map, &prepared.map, acc.get(), &mut outputs)?;
                }
            }
        }
        for (lanes, value) in outputs.into_iter().zip(kernel.writes()) {
            self.values[value] = Some(buffer(lanes, self.plan.values[value].dtype));
        }
        Ok(())
    }

    /// Runs a map over all its elements, on several threads where they are many.
    fn map(&self, map: &Map, prepared: &Prepared, acc: &[u32], outputs: &mut [Lanes]) -> Result<()> {
        let inputs = self.inputs(map)?;
        let size = map.shape.size();
        if size == 0 {
            return Ok(());
        }
        let shared: Vec<Shared<u32>> = outputs.iter_mut().map(|o| Shared(o.get_mut().as_mut_ptr())).listed();
        let parts = size.div_ceil(prepared.grain).min(self.engine.pool.threads() * 4);
        let chunk = size.div_ceil(parts).next_multiple_of(eval::TILE);
        self.engine.pool.parallel_for(size.div_ceil(chunk), |part| {
            let range = part * chunk..((part + 1) * chunk).min(size);
            let mut outputs = shared.iter().map(|s| part_of(*s, range.clone())).listed();
            let acc = acc.get(range.clone()).unwrap_or(&[]);
            let operands = Operands { inputs: &inputs, params: self.params, acc };
            Evaluate::new(map, prepared, operands, range.len()).run(self.engine.level, range, &mut outputs);
        });
        Ok(())
    }
}

/// The part of an output that one task writes.
#[allow(unsafe_code)]
fn part_of<'a>(output: Shared<u32>, range: std::ops::Range<usize>) -> &'a mut [u32] {
    // SAFETY: outputs have as many elements as their map, tasks have ranges that do not overlap, and the slices do not
    // outlive `parallel_for`, during which the buffers are borrowed.
    unsafe { std::slice::from_raw_parts_mut(output.get().add(range.start), range.len()) }
}
