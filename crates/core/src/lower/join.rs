//! Sums of paddings that are joins: what the gradients of a tensor's parts add up to.

use super::{GraphNode, GraphOp};
use crate::collect::Listed;
use crate::dtype::{DType, Scalar};
use crate::op::Op;

/// Inputs of a join, of which each takes a buffer.
const MOST: usize = 6;

/// Replaces sums of zero-padded pieces by joins of the pieces, where these lie side by side and fill the whole: each
/// padding would be written, and read again, with all its zeros.
pub(super) fn join_paddings(nodes: &mut [GraphNode], outputs: &[usize]) {
    let mut uses = vec![0_u32; nodes.len()];
    outputs.iter().for_each(|&o| uses[o] += 1);
    nodes.iter().flat_map(|node| &node.inputs).for_each(|&i| uses[i] += 1);
    // Backwards, so that a sum is met before the sums it is made of.
    for i in (0..nodes.len()).rev() {
        if let Some((axis, pieces)) = is_sum(&nodes[i]).then(|| pieces(nodes, &uses, i)).flatten() {
            nodes[i].op = GraphOp::Op(Op::Concat { axis });
            nodes[i].inputs = pieces;
        }
    }
}

fn is_sum(node: &GraphNode) -> bool {
    matches!(&node.op, GraphOp::Op(Op::Pointwise(f)) if f.name == "add") && node.dtype == DType::F32
}

/// The pieces in order, and the axis along which they lie.
fn pieces(nodes: &[GraphNode], uses: &[u32], sum: usize) -> Option<(usize, Vec<usize>)> {
    let whole = &nodes[sum].shape;
    let mut axis = None;
    // Where along the axis a piece begins, and which node it is.
    let mut found: Vec<(usize, usize)> = Vec::new();
    let mut open = nodes[sum].inputs.to_vec();
    while let Some(i) = open.pop() {
        if is_sum(&nodes[i]) && uses[i] == 1 && nodes[i].shape == *whole {
            open.extend(&nodes[i].inputs);
            continue;
        }
        let GraphOp::Op(Op::Pad { before, between }) = &nodes[i].op else { return None };
        let (inner, value) = (nodes[i].inputs[0], nodes[i].inputs[1]);
        let zero = matches!(&nodes[value].op, GraphOp::Op(Op::Const(Scalar::F32(v))) if *v == 0.0);
        let shape = &nodes[inner].shape;
        let mut shorter = (0..whole.rank()).filter(|&d| shape[d] != whole[d]);
        let along = shorter.next()?;
        let alone = shorter.next().is_none() && axis.is_none_or(|axis| axis == along);
        if !zero || !alone || nodes[i].shape != *whole || between.iter().any(|&b| b != 0) || found.len() == MOST {
            return None;
        }
        axis = Some(along);
        found.push((before[along], inner));
    }
    let axis = axis?;
    found.sort_unstable();
    let mut end = 0;
    for &(begin, inner) in &found {
        if begin != end {
            return None;
        }
        end += nodes[inner].shape[axis];
    }
    (end == whole[axis]).then(|| (axis, found.into_iter().map(|(_, inner)| inner).listed()))
}
