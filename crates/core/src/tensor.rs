//! Tensors: handles to nodes of the lazy graph.

use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::device::Device;
use crate::dtype::{DType, Scalar};
use crate::engine::{Buffer, Engine, ReadCallback};
use crate::error::{Error, Result};
use crate::host::HostData;
use crate::op::{Op, ViewOp};
use crate::shape::Shape;

/// A value of the graph: computed, or known how to compute.
pub(crate) struct Node {
    /// Grows with every node, so that inputs have smaller ids than what uses them.
    pub id: u64,
    pub shape: Shape,
    pub dtype: DType,
    /// Tensors that refer to the node. A node without any is computed only on the way to another.
    pub handles: AtomicUsize,
    /// Whether the value depends on a placeholder and so is never computed: see [`crate::transform`].
    pub traced: bool,
    /// Whether the value is not kept: see [`Tensor::recomputed`].
    pub passing: AtomicBool,
    state: Mutex<State>,
}

/// What is known of a node's value.
pub(crate) enum State {
    Pending {
        op: Op,
        inputs: Vec<Arc<Node>>,
    },
    Ready(Buffer),
    /// Stands for the operand of a function that is being traced.
    Placeholder,
}

impl Node {
    fn new(shape: Shape, dtype: DType, state: State) -> Arc<Node> {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        let id = NEXT.fetch_add(1, Ordering::Relaxed);
        let traced = match &state {
            State::Pending { inputs, .. } => inputs.iter().any(|i| i.traced),
            State::Ready(_) => false,
            State::Placeholder => true,
        };
        let (handles, passing) = (AtomicUsize::new(0), AtomicBool::new(false));
        Arc::new(Node { id, shape, dtype, handles, traced, passing, state: Mutex::new(state) })
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The scalar, where the node is one and not computed.
    pub(crate) fn as_scalar(&self) -> Option<Scalar> {
        match &*self.state() {
            State::Pending { op: Op::Const(v) | Op::Param(v), .. } => Some(*v),
            _ => None,
        }
    }
}

impl Drop for Node {
    /// Frees a chain of pending nodes in a loop: recursion would be as deep as the chain is long.
    fn drop(&mut self) {
        let take = |state: &mut State| match state {
            State::Pending { inputs, .. } => std::mem::take(inputs),
            State::Ready(_) | State::Placeholder => Vec::new(),
        };
        let mut list = take(self.state.get_mut().unwrap_or_else(PoisonError::into_inner));
        while let Some(node) = list.pop() {
            if let Some(mut node) = Arc::into_inner(node) {
                list.extend(take(node.state.get_mut().unwrap_or_else(PoisonError::into_inner)));
            }
        }
    }
}

/// An n-dimensional array, on a device. Cheap to clone; clones share the value. Operations on tensors are recorded and
/// run when a value is read.
pub struct Tensor {
    pub(crate) node: Arc<Node>,
    pub(crate) device: Device,
}

impl Clone for Tensor {
    fn clone(&self) -> Tensor {
        Tensor::of_node(self.device.clone(), self.node.clone())
    }
}

impl Drop for Tensor {
    fn drop(&mut self) {
        self.node.handles.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Tensor {
    pub(crate) fn of_node(device: Device, node: Arc<Node>) -> Tensor {
        node.handles.fetch_add(1, Ordering::Relaxed);
        Tensor { node, device }
    }

    pub(crate) fn pending(device: &Device, op: Op, inputs: Vec<Arc<Node>>, shape: Shape, dtype: DType) -> Tensor {
        Tensor::of_node(device.clone(), Node::new(shape, dtype, State::Pending { op, inputs }))
    }

    pub(crate) fn ready(device: &Device, buffer: Buffer, shape: Shape, dtype: DType) -> Tensor {
        Tensor::of_node(device.clone(), Node::new(shape, dtype, State::Ready(buffer)))
    }

    pub(crate) fn placeholder(device: &Device, shape: Shape, dtype: DType) -> Tensor {
        Tensor::of_node(device.clone(), Node::new(shape, dtype, State::Placeholder))
    }

    /// The dimension sizes.
    pub fn shape(&self) -> &Shape {
        &self.node.shape
    }

    /// The dtype of the elements.
    pub fn dtype(&self) -> DType {
        self.node.dtype
    }

    /// The number of dimensions.
    pub fn rank(&self) -> usize {
        self.node.shape.rank()
    }

    /// The number of elements.
    pub fn size(&self) -> usize {
        self.node.shape.size()
    }

    /// The device the tensor lives on.
    pub fn device(&self) -> &Device {
        &self.device
    }

    /// Distinguishes values: clones have the same id.
    pub fn id(&self) -> u64 {
        self.node.id
    }

    /// The same tensor, which from now on is computed by every run that needs it and not kept, unless it is computed already:
    /// what it is computed of stays in its place. For what takes little memory in another form, as quantised weights do.
    /// Captured functions ([`crate::transform::Captured`]) hold what they computed.
    #[must_use]
    pub fn recomputed(self) -> Tensor {
        self.node.passing.store(true, Ordering::Relaxed);
        self
    }

    /// Whether the value is computed and in the engine's memory.
    pub fn is_computed(&self) -> bool {
        matches!(&*self.node.state(), State::Ready(_))
    }

    /// The engine's buffer with the value, computing it first if it is not.
    ///
    /// # Errors
    /// Whatever running the pending operations gives.
    pub fn buffer(&self) -> Result<Buffer> {
        if let State::Ready(buffer) = &*self.node.state() {
            return Ok(buffer.clone());
        }
        if self.node.passing.load(Ordering::Relaxed) {
            let op = Op::View(ViewOp::Detach);
            return self.device.record(op, &[self], self.shape().clone(), self.dtype())?.buffer();
        }
        self.device.compute(self)?;
        match &*self.node.state() {
            State::Ready(buffer) => Ok(buffer.clone()),
            State::Pending { op, .. } => {
                Err(Error::device(self.device.engine().name(), format_args!("'{}' was not computed", op.name())))
            }
            State::Placeholder => Err(Error::device(self.device.engine().name(), "a placeholder was not computed")),
        }
    }

    /// Reads the elements in row-major order, in lanes of 32 bits (see [`DType`]); `done` is called when they are there.
    pub fn read(&self, done: ReadCallback) {
        self.read_by(|engine, buffer, done| engine.read(buffer, done), done);
    }

    fn read_by(&self, read: fn(&dyn Engine, &Buffer, ReadCallback), done: ReadCallback) {
        if let Some(value) = self.node.as_scalar() {
            return done(Ok(vec![value.bits()]));
        }
        match self.buffer() {
            Ok(buffer) => read(self.device.engine(), &buffer, done),
            Err(error) => done(Err(error)),
        }
    }

    /// The elements in row-major order, waiting for them.
    ///
    /// # Errors
    /// `ErrorKind::WouldBlock` on an engine that can neither wait nor read at once (a GPU, in some browsers);
    /// `ErrorKind::Device` when computing fails.
    pub fn to_host(&self) -> Result<HostData> {
        self.to_lanes().map(|lanes| HostData::from_lanes(self.dtype(), lanes))
    }

    /// As [`Tensor::to_host`], the elements in lanes of 32 bits: see [`DType`].
    ///
    /// # Errors
    /// As [`Tensor::to_host`].
    pub fn to_lanes(&self) -> Result<Vec<u32>> {
        let slot: Arc<Mutex<Option<Result<Vec<u32>>>>> = Arc::default();
        let filled = slot.clone();
        let done: ReadCallback =
            Box::new(move |data| *filled.lock().unwrap_or_else(PoisonError::into_inner) = Some(data));
        self.read_by(|engine, buffer, done| engine.read_at_once(buffer, done), done);
        let take = || slot.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(data) = take() {
            return data;
        }
        let waited = self.device.engine().wait();
        take().unwrap_or_else(|| {
            let name = self.device.engine().name();
            Err(if waited {
                Error::device(name, "a read did not finish")
            } else {
                Error::would_block(format_args!(
                    "The {name} engine cannot be read synchronously here: await data() instead."
                ))
            })
        })
    }

    /// The elements as float32, waiting for them.
    ///
    /// # Errors
    /// As [`Tensor::to_host`].
    pub fn to_vec(&self) -> Result<Vec<f32>> {
        let number = |lane| self.dtype().number(lane) as f32;
        self.to_lanes().map(|lanes| lanes.into_iter().map(number).collect())
    }

    /// The single element of a tensor of size 1, as float64.
    ///
    /// # Errors
    /// `ErrorKind::Shape` when there is not exactly one element; otherwise as [`Tensor::to_host`].
    pub fn item(&self) -> Result<f64> {
        if self.size() != 1 {
            return Err(Error::shape("item", "a tensor with one element", self.shape()));
        }
        Ok(self.dtype().number(self.to_lanes()?[0]))
    }
}

impl fmt::Debug for Tensor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Tensor({} {})", self.dtype().name(), self.shape())
    }
}
