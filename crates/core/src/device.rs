//! A device: an engine, the operations waiting for it, and the plans it has run.

use std::hash::Hash;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use crate::collect::Listed;
use crate::dtype::{DType, Scalar};
use crate::engine::{Buffer, Engine};
use crate::error::{Error, Result};
use crate::grad::{CustomGradient, Recorded, Tape};
use crate::hash::StructureHasher;
use crate::host::HostSlice;
use crate::ids::{IdMap, IdSet};
use crate::lower::{lower, Graph, GraphNode, GraphOp};
use crate::op::Op;
use crate::packed::{self, pack};
use crate::plan::Plan;
use crate::shape::Shape;
use crate::tensor::{Node, State, Tensor};

/// Pending work is run once there are this many operations: a bound on memory, far above any training step.
const MAX_PENDING_NODES: usize = 20_000;
/// Or once the results of pending contractions and reductions would take this many bytes.
const MAX_PENDING_BYTES: usize = 1 << 30;
/// Plans are forgotten when there are more: the shapes of a program that never repeats must not pile up.
const MAX_PLANS: usize = 256;

/// Where tensors live and operations run. Clones are the same device.
#[derive(Clone)]
pub struct Device(Arc<Inner>);

struct Inner {
    engine: Arc<dyn Engine>,
    /// Pending operations before they run unasked.
    max_pending: usize,
    state: Mutex<Queue>,
}

#[derive(Default)]
struct Queue {
    pending: Vec<Weak<Node>>,
    pending_bytes: usize,
    plans: Vec<((u64, u64), Arc<Plan>)>,
    /// What is being run in parts.
    running: Option<Running>,
    tapes: Vec<Tape>,
    /// While positive, tapes do not record.
    paused: usize,
    /// Tapes set aside, with how often they were paused: see [`Device::set_tapes_aside`].
    aside: Vec<(Vec<Tape>, usize)>,
    /// While a function runs again for its gradient: what stands in for its operands, by their ids.
    stand_ins: Vec<IdMap<Tensor>>,
    stats: Stats,
}

/// A run of a plan that is not over.
struct Running {
    outputs: Vec<Arc<Node>>,
    plan: Arc<Plan>,
    params: Vec<u32>,
    /// The plan's values so far.
    values: Vec<Option<Buffer>>,
    /// Kernels that have run.
    done: usize,
}

/// What a device has done, for tests and profiles.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// Runs of a plan.
    pub runs: usize,
    /// Plans made; the other runs found theirs.
    pub plans: usize,
    /// Kernels launched.
    pub kernels: usize,
}

impl Device {
    /// A device that runs on `engine`.
    pub fn new(engine: Arc<dyn Engine>) -> Device {
        Device(Arc::new(Inner { engine, max_pending: MAX_PENDING_NODES, state: Mutex::default() }))
    }

    /// A device that runs every operation at once, alone: nothing is fused. To find what fusion breaks, or costs.
    pub fn unfused(engine: Arc<dyn Engine>) -> Device {
        Device(Arc::new(Inner { engine, max_pending: 0, state: Mutex::default() }))
    }

    /// The engine.
    pub fn engine(&self) -> &dyn Engine {
        &*self.0.engine
    }

    /// Whether both are the same device.
    pub fn same(&self, other: &Device) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    /// What the device has done so far.
    pub fn stats(&self) -> Stats {
        self.queue().stats
    }

    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A tensor with elements copied from the host.
    ///
    /// # Errors
    /// `ErrorKind::Shape` when `shape` does not hold as many elements; `ErrorKind::Device` when memory runs out.
    pub fn tensor(&self, data: HostSlice<'_>, shape: impl Into<Shape>) -> Result<Tensor> {
        self.tensor_of_lanes(data.dtype(), &data.lanes(), shape.into())
    }

    /// A tensor of `dtype` with elements given in lanes of 32 bits (see [`DType`]): float32 values rounded to a narrower
    /// float, int32 values wrapped to a narrower whole number.
    ///
    /// # Errors
    /// As [`Device::tensor`].
    pub fn tensor_of_lanes(&self, dtype: DType, lanes: &[u32], shape: Shape) -> Result<Tensor> {
        let stored = dtype.uploaded(self.engine().has_halves());
        let mut packed = Vec::new();
        if dtype.host_bytes() < 4 {
            packed = pack(dtype, stored, lanes);
        }
        let words = if packed.is_empty() { lanes } else { &packed };
        self.upload((shape.size(), lanes.len()), dtype, stored, words, shape)
    }

    /// As [`Device::tensor_of_lanes`], of uint8 or int8 given four to a word, the first in the least significant bits.
    ///
    /// # Errors
    /// As [`Device::tensor`].
    pub fn tensor_of_bytes(&self, dtype: DType, words: &[u32], shape: Shape) -> Result<Tensor> {
        self.upload((packed::words(dtype, shape.size()), words.len()), dtype, dtype, words, shape)
    }

    /// A tensor of what the host gives, of which so much is needed and so much was given.
    fn upload(
        &self,
        (needed, given): (usize, usize),
        dtype: DType,
        stored: DType,
        words: &[u32],
        shape: Shape,
    ) -> Result<Tensor> {
        if needed != given {
            return Err(Error::shape("tensor", format_args!("{needed} values for shape {shape}"), given));
        }
        Ok(Tensor::ready(self, self.engine().upload(stored, shape.size(), words)?, shape, dtype))
    }

    /// A tensor over an engine buffer, of the dtype that it holds.
    pub fn tensor_of_buffer(&self, buffer: Buffer, shape: Shape) -> Tensor {
        let dtype = buffer.dtype;
        Tensor::ready(self, buffer, shape, dtype)
    }

    /// A scalar tensor whose value may change between otherwise equal steps without a new plan.
    pub fn scalar(&self, value: Scalar) -> Tensor {
        Tensor::pending(self, Op::Param(value), Vec::new(), Shape::scalar(), value.dtype())
    }

    /// As [`Device::scalar`], of any dtype: see [`Scalar::from_f64`].
    pub fn scalar_of(&self, dtype: DType, value: f64) -> Tensor {
        Tensor::pending(self, Op::Param(Scalar::from_f64(dtype, value)), Vec::new(), Shape::scalar(), dtype)
    }

    /// A scalar tensor whose value is part of the computation's structure, open to constant folding.
    pub fn constant(&self, value: Scalar) -> Tensor {
        Tensor::pending(self, Op::Const(value), Vec::new(), Shape::scalar(), value.dtype())
    }

    /// As [`Device::constant`], of any dtype: see [`Scalar::from_f64`].
    pub fn constant_of(&self, dtype: DType, value: f64) -> Tensor {
        Tensor::pending(self, Op::Const(Scalar::from_f64(dtype, value)), Vec::new(), Shape::scalar(), dtype)
    }

    /// Records an operation. Shape and dtype have been inferred by the caller.
    pub(crate) fn record(&self, op: Op, inputs: &[&Tensor], shape: Shape, dtype: DType) -> Result<Tensor> {
        if let Some(other) = inputs.iter().find(|t| !t.device.same(self)) {
            let (expected, got) = (self.engine().name(), other.device.engine().name());
            return Err(Error::argument(
                op.name(),
                format_args!("tensors on one device ('{expected}')"),
                format_args!("one on '{got}'"),
            ));
        }
        if !shape.is_countable() {
            return Err(Error::shape(op.name(), format_args!("at most {} elements", isize::MAX), &shape));
        }
        let mut queue = self.queue();
        let swapped = queue.stand_ins(inputs);
        let swapped: Option<Vec<&Tensor>> = swapped.as_ref().map(|list| list.iter().listed());
        let inputs = swapped.as_deref().unwrap_or(inputs);
        let nodes = inputs.iter().map(|t| t.node.clone()).collect();
        let heavy = !matches!(op, Op::View(_) | Op::Pointwise(_) | Op::Iota { .. } | Op::Const(_) | Op::Param(_));
        let bytes = if heavy { shape.size().saturating_mul(4) } else { 0 };
        let output = Tensor::pending(self, op.clone(), nodes, shape, dtype);
        queue.tape_push(Recorded::Op(op), inputs, &output);
        if !output.node.traced {
            queue.pending.push(Arc::downgrade(&output.node));
            queue.pending_bytes = queue.pending_bytes.saturating_add(bytes);
        }
        let full = queue.pending.len() > self.0.max_pending || queue.pending_bytes > MAX_PENDING_BYTES;
        drop(queue);
        if full {
            self.flush()?;
        }
        Ok(output)
    }

    /// Records a user's gradient for `output`, computed from `inputs` while tapes were paused.
    pub(crate) fn record_custom(&self, gradient: CustomGradient, inputs: &[&Tensor], output: &Tensor) {
        let mut queue = self.queue();
        let swapped = queue.stand_ins(inputs);
        let swapped: Option<Vec<&Tensor>> = swapped.as_ref().map(|list| list.iter().listed());
        queue.tape_push(Recorded::Custom(gradient), swapped.as_deref().unwrap_or(inputs), output);
    }

    /// Calls `f` with operations on the tensors of these ids done on what stands in for them.
    pub(crate) fn with_stand_ins<T>(&self, stand_ins: IdMap<Tensor>, f: impl FnOnce() -> T) -> T {
        self.queue().stand_ins.push(stand_ins);
        let result = f();
        // Dropped outside the lock.
        let last = self.queue().stand_ins.pop();
        drop(last);
        result
    }

    /// Whether operations are being recorded for gradients.
    pub fn is_recording(&self) -> bool {
        let queue = self.queue();
        queue.paused == 0 && !queue.tapes.is_empty()
    }

    /// Hides the tapes there are from what follows, which may use tapes of its own. Prefer [`Device::beside_tapes`].
    pub fn set_tapes_aside(&self) {
        let mut queue = self.queue();
        let tapes = (std::mem::take(&mut queue.tapes), std::mem::take(&mut queue.paused));
        queue.aside.push(tapes);
    }

    /// Ends what [`Device::set_tapes_aside`] began.
    pub fn take_tapes_back(&self) {
        let mut queue = self.queue();
        if let Some((tapes, paused)) = queue.aside.pop() {
            (queue.tapes, queue.paused) = (tapes, paused);
        }
    }

    /// Calls `f` with no tape in place; it may start its own.
    pub(crate) fn beside_tapes<T>(&self, f: impl FnOnce() -> T) -> T {
        self.set_tapes_aside();
        let result = f();
        self.take_tapes_back();
        result
    }

    /// Stops (`true`) or resumes recording on all tapes. Calls nest. Prefer [`Device::without_tapes`].
    pub fn pause_tapes(&self, pause: bool) {
        let mut queue = self.queue();
        queue.paused = if pause { queue.paused + 1 } else { queue.paused.saturating_sub(1) };
    }

    /// Starts recording operations for gradients. Tapes nest; each records what happens while it runs.
    pub fn start_tape(&self) {
        self.queue().tapes.push(Tape::default());
    }

    /// Ends the innermost tape.
    pub fn end_tape(&self) -> Tape {
        self.queue().tapes.pop().unwrap_or_default()
    }

    /// Runs all pending operations that some tensor refers to.
    ///
    /// # Errors
    /// `ErrorKind::Device`; the operations stay pending.
    pub fn flush(&self) -> Result<()> {
        self.run_pending(None)
    }

    /// As [`Device::flush`], in parts: returns whether all has run. Where the engine can stop between kernels it does so
    /// once `enough` says so; the next call, or whatever needs a value, goes on.
    ///
    /// # Errors
    /// As [`Device::flush`].
    pub fn flush_part(&self, enough: &dyn Fn() -> bool) -> Result<bool> {
        let mut queue = self.queue();
        if queue.running.is_none() {
            self.begin(&mut queue, None)?;
        }
        self.go_on(&mut queue, enough)
    }

    /// Runs pending operations, `wanted` among them whatever it is.
    pub(crate) fn compute(&self, wanted: &Tensor) -> Result<()> {
        self.run_pending(Some(&wanted.node))
    }

    fn run_pending(&self, wanted: Option<&Arc<Node>>) -> Result<()> {
        if wanted.is_some_and(|node| node.traced) {
            let expected = "a function that reads no values that depend on its operands";
            return Err(Error::argument("vmap or jit", expected, "a read"));
        }
        let mut queue = self.queue();
        // What was begun in parts comes first: what follows may need it.
        self.go_on(&mut queue, &|| false)?;
        self.begin(&mut queue, wanted)?;
        self.go_on(&mut queue, &|| false)?;
        Ok(())
    }

    /// Makes a run of the pending operations, unless there are none.
    fn begin(&self, queue: &mut Queue, wanted: Option<&Arc<Node>>) -> Result<()> {
        let mut outputs: Vec<Arc<Node>> = (queue.pending.iter().filter_map(Weak::upgrade))
            .filter(|n| n.handles.load(Ordering::Relaxed) > 0 && !n.passing.load(Ordering::Relaxed))
            .chain(wanted.cloned())
            .filter(|n| matches!(&*n.state(), State::Pending { .. }))
            .collect();
        outputs.sort_unstable_by_key(|n| n.id);
        outputs.dedup_by_key(|n| n.id);
        if !outputs.is_empty() {
            let gathered = Gathered::new(&outputs);
            let key = gathered.key();
            let plan = match queue.plans.iter().find(|(k, _)| *k == key) {
                Some((_, plan)) => plan.clone(),
                None => {
                    let plan = Arc::new(lower(
                        &gathered.graph(self.engine().has_halves()),
                        self.engine().max_kernel_buffers(),
                    )?);
                    if queue.plans.len() >= MAX_PLANS {
                        queue.plans.clear();
                    }
                    queue.stats.plans += 1;
                    queue.plans.push((key, plan.clone()));
                    plan
                }
            };
            queue.stats.runs += 1;
            queue.stats.kernels += plan.kernels.len();
            let values = plan.start(gathered.leaves);
            queue.running = Some(Running { outputs, plan, params: gathered.params, values, done: 0 });
        }
        queue.pending.clear();
        queue.pending_bytes = 0;
        Ok(())
    }

    /// Goes on with the run there is, if any; returns whether it is over.
    fn go_on(&self, queue: &mut Queue, enough: &dyn Fn() -> bool) -> Result<bool> {
        let Some(mut run) = queue.running.take() else { return Ok(true) };
        match self.engine().run(&run.plan, &mut run.values, run.done, &run.params, enough) {
            Ok(done) if done < run.plan.kernels.len() => {
                run.done = done;
                queue.running = Some(run);
                Ok(false)
            }
            Ok(_) => {
                for (node, &value) in run.outputs.iter().zip(&run.plan.results) {
                    if let Some(buffer) = &run.values[value] {
                        *node.state() = State::Ready(buffer.clone());
                    }
                }
                Ok(true)
            }
            Err(error) => {
                queue.pending.extend(run.outputs.iter().map(Arc::downgrade));
                Err(error)
            }
        }
    }
}

impl Queue {
    /// The operands with what stands in for them, if anything does.
    fn stand_ins(&self, inputs: &[&Tensor]) -> Option<Vec<Tensor>> {
        let by_id = self.stand_ins.last()?;
        Some(inputs.iter().map(|&t| by_id.get(t.id()).unwrap_or(t).clone()).listed())
    }

    fn tape_push(&mut self, recorded: Recorded, inputs: &[&Tensor], output: &Tensor) {
        if self.paused == 0 {
            for tape in &mut self.tapes {
                tape.push(recorded.clone(), inputs, output);
            }
        }
    }
}

/// The pending part of the graph that some outputs need, in topological order.
pub(crate) struct Gathered {
    pub nodes: Vec<Arc<Node>>,
    outputs: Vec<usize>,
    leaves: Vec<Option<Buffer>>,
    pub params: Vec<u32>,
}

/// Where a node stands among nodes sorted by id, which hold it.
fn position(nodes: &[Arc<Node>], node: &Node) -> usize {
    nodes.partition_point(|n| n.id < node.id)
}

impl Gathered {
    pub fn new(outputs: &[Arc<Node>]) -> Gathered {
        let mut nodes: Vec<Arc<Node>> = Vec::new();
        let mut seen = IdSet::default();
        let mut stack: Vec<Arc<Node>> = outputs.to_vec();
        while let Some(node) = stack.pop() {
            if !seen.insert(node.id) {
                continue;
            }
            if let State::Pending { inputs, .. } = &*node.state() {
                stack.extend(inputs.iter().cloned());
            }
            nodes.push(node);
        }
        // Ids grow with creation: their order is a topological one.
        nodes.sort_unstable_by_key(|n| n.id);
        let (mut leaves, mut params) = (Vec::new(), Vec::new());
        for node in &nodes {
            match &*node.state() {
                State::Ready(buffer) => leaves.push(Some(buffer.clone())),
                State::Pending { op: Op::Param(value), .. } => params.push(value.bits()),
                State::Pending { .. } | State::Placeholder => {}
            }
        }
        let outputs = outputs.iter().map(|n| position(&nodes, n)).listed();
        Gathered { nodes, outputs, leaves, params }
    }

    /// A hash of the structure: equal for steps that can share a plan.
    fn key(&self) -> (u64, u64) {
        let mut h = StructureHasher::default();
        self.outputs.hash(&mut h);
        for node in &self.nodes {
            (&node.shape, node.dtype).hash(&mut h);
            match &*node.state() {
                State::Pending { op, inputs } => {
                    op.hash_structure(&mut h);
                    inputs.iter().for_each(|i| position(&self.nodes, i).hash(&mut h));
                }
                State::Ready(buffer) => buffer.dtype.hash(&mut h),
                State::Placeholder => {}
            }
        }
        h.both()
    }

    /// The graph for an engine with or without `halves` (see [`DType::stored`]).
    pub fn graph(&self, halves: bool) -> Graph {
        let mut leaves = 0;
        let mut params = 0;
        let count = |n: &mut usize| {
            *n += 1;
            *n - 1
        };
        let nodes = (self.nodes.iter())
            .map(|node| {
                let mut stored = node.dtype.stored(halves);
                let (op, inputs) = match &*node.state() {
                    State::Ready(buffer) => {
                        stored = buffer.dtype;
                        (GraphOp::Leaf(count(&mut leaves)), Vec::new())
                    }
                    State::Placeholder => (GraphOp::Leaf(count(&mut leaves)), Vec::new()),
                    State::Pending { op: Op::Param(_), .. } => (GraphOp::Param(count(&mut params)), Vec::new()),
                    State::Pending { op, inputs } => {
                        (GraphOp::Op(op.clone()), inputs.iter().map(|i| position(&self.nodes, i)).listed())
                    }
                };
                GraphNode { op, inputs, shape: node.shape.clone(), dtype: node.dtype.lane(), stored }
            })
            .listed();
        Graph { nodes, outputs: self.outputs.clone(), leaves, params }
    }
}
