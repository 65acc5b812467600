//! From a graph of operations to a plan of fused kernels.
//!
//! 0. [`rewrite`]: operations that others can do on the way disappear.
//! 1. [`decide`]: which nodes get a buffer; the others are computed inside the kernels that use them. A contraction or
//!    reduction whose result only pointwise work uses becomes the head of that work's kernel.
//! 2. [`emit`]: one kernel per node with a buffer.
//! 3. [`merge`]: pointwise kernels over the same elements become one kernel with several outputs.
//! 4. [`finish`]: iteration shapes collapse, and every value learns its last use.

mod decide;
mod emit;
mod finish;
mod join;
mod merge;
mod rewrite;

use crate::dtype::DType;
use crate::error::Result;
use crate::op::Op;
use crate::plan::{Plan, Value};
use crate::shape::Shape;

/// A node's operation, with leaves and run-time scalars numbered.
#[derive(Clone)]
pub enum GraphOp {
    /// Given buffer `n`.
    Leaf(usize),
    /// Run-time scalar `n`.
    Param(usize),
    /// An operation on other nodes.
    Op(Op),
}

/// A node of a [`Graph`].
#[derive(Clone)]
pub struct GraphNode {
    /// The operation.
    pub op: GraphOp,
    /// The operands, by position in [`Graph::nodes`].
    pub inputs: Vec<usize>,
    /// The result's shape.
    pub shape: Shape,
    /// What the result's lanes hold: float32, int32 or bool. See [`DType::lane`].
    pub dtype: DType,
    /// What the result's buffer holds, should it get one. See [`DType::stored`].
    pub stored: DType,
}

impl GraphNode {
    /// The result as a value of a plan.
    fn value(&self) -> Value {
        Value { size: self.shape.size(), dtype: self.dtype, stored: self.stored }
    }
}

/// Operations in topological order.
pub struct Graph {
    /// The nodes.
    pub nodes: Vec<GraphNode>,
    /// The nodes whose values are asked for.
    pub outputs: Vec<usize>,
    /// The number of leaves.
    pub leaves: usize,
    /// The number of run-time scalars.
    pub params: usize,
}

/// Plans `graph` with kernels that use at most `max_buffers` buffers each.
///
/// # Errors
/// `ErrorKind::Argument` when an operation alone needs more buffers.
pub fn lower(graph: &Graph, max_buffers: usize) -> Result<Plan> {
    let graph = &rewrite::rewrite(graph);
    let decisions = decide::decide(graph);
    let mut drafts = emit::emit(graph, decisions, max_buffers)?;
    merge::merge(&mut drafts, max_buffers);
    Ok(finish::finish(graph, drafts))
}
