//! What an engine runs: kernels over numbered values, in order.

use std::any::Any;
use std::sync::OnceLock;

use crate::dtype::DType;
use crate::engine::Buffer;
use crate::op::{
    ConvGeometry, ConvKind, Dims, IndexOp, PoolGeometry, PoolKind, ReduceOp, ResizeGeometry, ResizeKind, Routine,
    ScanKind,
};
use crate::scalar::{Program, Reg};
use crate::shape::Shape;
use crate::view::View;

/// The index of a value in [`Plan::values`].
pub type ValueId = usize;

/// One buffer's worth of elements during a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Value {
    /// The number of elements.
    pub size: usize,
    /// What the elements are computed with as: float32, int32 or bool, here and everywhere in a plan. See [`DType::lane`].
    pub dtype: DType,
    /// What memory holds: the same, float16, or in a leaf bytes. See [`DType::stored`] and [`DType::uploaded`].
    pub stored: DType,
}

/// Where a kernel's operand comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// A value's buffer, read through the view.
    Buffer(ValueId),
    /// No memory: the element is the int32 position that the view maps the index to.
    Index,
}

/// An operand of a kernel: element `i` is the source's element at the view of `i`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Access {
    /// The source.
    pub source: Source,
    /// The index map, over the kernel's iteration shape.
    pub view: View,
    /// The dtype of the elements.
    pub dtype: DType,
}

/// A program over the elements of `shape`, with results written row-major.
///
/// In a plan, `shape` is collapsed ([`crate::view::collapse`]): rank at least 1, no needless dimension.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Map {
    /// The iteration shape.
    pub shape: Shape,
    /// The operands, [`crate::scalar::Instr::Input`] `n` being `inputs[n]`; each view has shape `shape`.
    pub inputs: Vec<Access>,
    /// Run-time scalars: [`crate::scalar::Instr::Param`] `n` is the plan's parameter `params[n]`.
    pub params: Vec<usize>,
    /// The code.
    pub program: Program,
    /// The registers stored, and where.
    pub outputs: Vec<(Reg, ValueId)>,
}

impl Map {
    /// Whether the map only stores the head's result.
    pub fn is_identity_of_acc(&self) -> bool {
        self.outputs.len() == 1
            && matches!(self.program.code.get(self.outputs[0].0 as usize), Some(crate::scalar::Instr::Acc))
    }
}

/// What runs before the map and provides its [`crate::scalar::Instr::Acc`]. The head's result, row-major, has as many
/// elements as the map's shape, in the same order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Head {
    /// Reduces a program evaluated over `kept ++ reduced`, innermost dimensions reduced.
    Reduce {
        /// What is computed.
        op: ReduceOp,
        /// Its operands' shape is the collapsed `kept ++ reduced`; one "output": the register that is reduced.
        body: Map,
        /// How many of the body's dimensions, from the front, are kept.
        kept: usize,
    },
    /// As [`crate::op::Op::ArgReduce`]; operand viewed as `[rows, n]`.
    ArgReduce {
        /// The largest rather than the smallest.
        max: bool,
        /// The operand.
        input: Access,
    },
    /// As [`crate::op::Op::Scan`]; operand contiguous.
    Scan {
        /// Which.
        kind: ScanKind,
        /// Its `[outer, n, inner]`.
        shape: [usize; 3],
        /// The operand.
        input: ValueId,
    },
    /// A batched matrix product; views have shapes `[batch, m, k]` and `[batch, k, n]`.
    MatMul {
        /// Left operand.
        a: Access,
        /// Right operand.
        b: Access,
    },
    /// A convolution; both operands contiguous.
    Conv {
        /// Which contraction.
        kind: ConvKind,
        /// Its sizes.
        geometry: ConvGeometry,
        /// The operands, in the order [`ConvKind`] gives.
        inputs: [ValueId; 2],
    },
    /// A window operation; operands contiguous.
    Pool {
        /// Which.
        kind: PoolKind,
        /// Its sizes.
        geometry: PoolGeometry,
        /// The operands, in the order [`PoolKind`] gives.
        inputs: Vec<ValueId>,
    },
    /// A resize; operand contiguous.
    Resize {
        /// Which.
        kind: ResizeKind,
        /// Its sizes.
        geometry: ResizeGeometry,
        /// The operand.
        input: ValueId,
    },
    /// Picks along an axis; operands contiguous.
    Index {
        /// Which.
        op: IndexOp,
        /// The operand's `[outer, k or n, inner]` (rows: outer, inner 1).
        from: [usize; 3],
        /// The result's `[outer, n or k, inner]`.
        to: [usize; 3],
        /// The operand.
        input: ValueId,
        /// The int32 indices.
        index: ValueId,
    },
    /// As [`crate::op::Op::Pad`]; the operand viewed through `input`.
    Pad {
        /// Elements before, per dimension.
        before: Dims,
        /// Elements between neighbours, per dimension.
        between: Dims,
        /// The padded shape.
        shape: Shape,
        /// The operand.
        input: Access,
        /// What fills: a run-time scalar of the plan, or a constant's lane.
        value: PadValue,
    },
    /// Operands joined along an axis; each is viewed through its access.
    Concat {
        /// The dimension that grows.
        axis: usize,
        /// The joined shape.
        shape: Shape,
        /// The operands.
        inputs: Vec<Access>,
    },
    /// An algorithm; operands contiguous.
    Routine {
        /// Which.
        routine: Routine,
        /// The operands.
        inputs: Vec<ValueId>,
        /// The operands' shapes.
        shapes: Vec<Shape>,
        /// The result's shape.
        out: Shape,
    },
}

/// What [`Head::Pad`] fills with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PadValue {
    /// A constant, as a 32-bit lane.
    Const(u32),
    /// The plan's run-time scalar of this index.
    Param(usize),
}

/// One kernel: an optional head, then a map over its results.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kernel {
    /// What provides `Acc`.
    pub head: Option<Head>,
    /// The pointwise part and the outputs.
    pub map: Map,
    /// The values read, each once.
    pub reads: Vec<ValueId>,
    /// The names of the ops the kernel computes, for profiles and errors.
    pub label: String,
}

impl Kernel {
    /// The values written.
    pub fn writes(&self) -> impl Iterator<Item = ValueId> + '_ {
        self.map.outputs.iter().map(|&(_, value)| value)
    }
}

/// A planned graph.
#[derive(Debug, Default)]
pub struct Plan {
    /// All values. The first [`Plan::leaves`] are given; the others are written by kernels.
    pub values: Vec<Value>,
    /// The number of given values.
    pub leaves: usize,
    /// The number of run-time scalars.
    pub params: usize,
    /// The kernels, in an order that respects their dependencies.
    pub kernels: Vec<Kernel>,
    /// For each kernel, the values whose last use it is and that are not results.
    pub frees: Vec<Vec<ValueId>>,
    /// The values asked for. A leaf may be among them; a value may be asked for twice.
    pub results: Vec<ValueId>,
    /// What an engine prepared for this plan: pipelines, schedules.
    pub prepared: OnceLock<Box<dyn Any + Send + Sync>>,
}

impl Plan {
    /// The values that a run begins with.
    pub fn start(&self, mut leaves: Vec<Option<Buffer>>) -> Vec<Option<Buffer>> {
        leaves.resize(self.values.len(), None);
        leaves
    }
}
