//! Operations that are cheaper as part of others.

use super::join::join_paddings;
use super::{Graph, GraphNode, GraphOp};
use crate::collect::Listed;
use crate::dtype::Scalar;
use crate::op::{ConvGeometry, ConvKind, Op};

/// The same computation with zeros that were padded around a convolution's images left to the convolution, sums of paddings
/// joined, and without the operations that nothing uses any more.
pub(super) fn rewrite(graph: &Graph) -> Graph {
    let mut nodes = graph.nodes.clone();
    for i in 0..nodes.len() {
        let GraphOp::Op(Op::Conv(ConvKind::Forward, geometry)) = &nodes[i].op else { continue };
        if let Some((inner, geometry)) = without_padding(&nodes, nodes[i].inputs[0], geometry) {
            nodes[i].op = GraphOp::Op(Op::Conv(ConvKind::Forward, geometry));
            nodes[i].inputs[0] = inner;
        }
    }
    join_paddings(&mut nodes, &graph.outputs);
    used(graph, nodes)
}

/// What `padded` pads by zeros along height and width, and the convolution of that.
fn without_padding(nodes: &[GraphNode], padded: usize, g: &ConvGeometry) -> Option<(usize, ConvGeometry)> {
    let GraphOp::Op(Op::Pad { before, between }) = &nodes[padded].op else { return None };
    let (inner, value) = (nodes[padded].inputs[0], nodes[padded].inputs[1]);
    let GraphOp::Op(Op::Const(Scalar::F32(value))) = &nodes[value].op else { return None };
    let (shape, whole) = (&nodes[inner].shape, &nodes[padded].shape);
    let fits = *value == 0.0
        && shape.rank() == 4
        && between.iter().all(|&b| b == 0)
        && (shape[0], shape[3]) == (whole[0], whole[3])
        && shape.size() > 0;
    fits.then(|| {
        let (pad_top, pad_left) = (g.pad_top + before[1], g.pad_left + before[2]);
        (inner, ConvGeometry { in_h: shape[1], in_w: shape[2], pad_top, pad_left, ..*g })
    })
}

/// The nodes that an output needs, and all leaves, renumbered.
fn used(graph: &Graph, nodes: Vec<GraphNode>) -> Graph {
    let mut needed = vec![false; nodes.len()];
    graph.outputs.iter().for_each(|&o| needed[o] = true);
    for i in (0..nodes.len()).rev() {
        needed[i] |= matches!(nodes[i].op, GraphOp::Leaf(_));
        if needed[i] {
            nodes[i].inputs.iter().for_each(|&j| needed[j] = true);
        }
    }
    let mut place = vec![0; nodes.len()];
    let mut kept: Vec<GraphNode> = Vec::with_capacity(nodes.len());
    for (i, mut node) in nodes.into_iter().enumerate().filter(|&(i, _)| needed[i]) {
        node.inputs.iter_mut().for_each(|j| *j = place[*j]);
        place[i] = kept.len();
        kept.push(node);
    }
    let outputs = graph.outputs.iter().map(|&o| place[o]).listed();
    Graph { nodes: kept, outputs, leaves: graph.leaves, params: graph.params }
}
