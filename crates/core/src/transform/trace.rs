//! What a function did to placeholders.

use std::sync::Arc;

use crate::collect::Listed;
use crate::device::Device;
use crate::dtype::DType;
use crate::error::Result;
use crate::ids::IdSet;
use crate::shape::Shape;
use crate::tensor::{Node, State, Tensor};

/// An operand of a function under tracing: operations on it are recorded and never run. Reading a value that depends on
/// it is an error.
pub fn placeholder(device: &Device, shape: impl Into<Shape>, dtype: DType) -> Tensor {
    Tensor::placeholder(device, shape.into(), dtype)
}

/// Calls `f` on placeholders for `operands`, away from all tapes, and returns them with the results.
pub(super) fn trace(
    device: &Device,
    operands: impl Iterator<Item = (Shape, DType)>,
    f: impl FnOnce(&[Tensor]) -> Result<Vec<Tensor>>,
) -> Result<(Vec<Tensor>, Vec<Tensor>)> {
    let placeholders: Vec<Tensor> = operands.map(|(shape, dtype)| placeholder(device, shape, dtype)).listed();
    let results = device.beside_tapes(|| f(&placeholders))?;
    Ok((placeholders, results))
}

/// The nodes that `results` need and that depend on a placeholder, in the order they were recorded.
pub(super) fn steps(results: &[Tensor]) -> Vec<Arc<Node>> {
    let mut seen = IdSet::default();
    let mut stack: Vec<Arc<Node>> = results.iter().map(|t| t.node.clone()).listed();
    let mut nodes = Vec::new();
    while let Some(node) = stack.pop() {
        if !node.traced || !seen.insert(node.id) {
            continue;
        }
        if let State::Pending { inputs, .. } = &*node.state() {
            stack.extend(inputs.iter().cloned());
        }
        nodes.push(node);
    }
    nodes.sort_unstable_by_key(|n| n.id);
    nodes
}
