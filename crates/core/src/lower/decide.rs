//! Which nodes get a buffer, and which heads join the pointwise kernel that uses them.

use std::hash::Hash;

use super::{Graph, GraphNode, GraphOp};
use crate::hash::StructureHasher;
use crate::ids::IdMap;
use crate::op::{Op, ViewOp};
use crate::view::View;

/// A pointwise node used in several places is computed again in each up to this cost (see [`crate::scalar::Program::cost`]).
const CHEAP: usize = 2;
/// A kernel computes at most about this many operations per element.
const MAX_KERNEL_OPS: usize = 100;

/// What [`decide`] found.
pub(super) struct Decisions {
    /// For each node, the first that computes the same.
    pub canon: Vec<usize>,
    /// Whether the node gets a buffer.
    pub stored: Vec<bool>,
    /// For a stored node, the head whose result its kernel continues.
    pub head: Vec<Option<usize>>,
}

/// The role a node plays in fusion.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    /// A given buffer.
    Leaf,
    /// Needs no memory: scalars and indices.
    Generated,
    /// A pointwise function.
    Pointwise,
    /// An index map.
    View,
    /// A kernel of its own kind.
    Head,
}

pub(super) fn role(op: &GraphOp) -> Role {
    match op {
        GraphOp::Leaf(_) => Role::Leaf,
        GraphOp::Param(_) | GraphOp::Op(Op::Const(_) | Op::Param(_) | Op::Iota { .. }) => Role::Generated,
        GraphOp::Op(Op::Pointwise(_)) => Role::Pointwise,
        GraphOp::Op(Op::View(_)) => Role::View,
        GraphOp::Op(_) => Role::Head,
    }
}

/// Applies an index map to a view.
pub(super) fn apply(view: &View, op: &ViewOp, shape: &crate::shape::Shape) -> Option<View> {
    match op {
        ViewOp::Reshape => view.reshape(shape),
        ViewOp::Permute(perm) => Some(view.permute(perm)),
        ViewOp::Slice { begin, step } => Some(view.slice(begin, shape, step)),
        ViewOp::Broadcast => Some(view.broadcast_to(shape)),
        ViewOp::Detach | ViewOp::Recompute { .. } => Some(view.clone()),
    }
}

/// Follows views down to the node whose elements they show: that node, and the view of its elements.
/// Where strides cannot express a reshape, the node below it counts as the base.
pub(super) fn resolve(graph: &Graph, canon: &[usize], stored: &[bool], node: usize) -> (usize, View) {
    let mut chain = Vec::new();
    let mut base = canon[node];
    while let (GraphOp::Op(Op::View(op)), false) = (&graph.nodes[base].op, stored[base]) {
        chain.push((op, &graph.nodes[base].shape, canon[graph.nodes[base].inputs[0]]));
        base = canon[graph.nodes[base].inputs[0]];
    }
    let mut view = View::contiguous(graph.nodes[base].shape.clone());
    for (op, shape, below) in chain.into_iter().rev() {
        view = match apply(&view, op, shape) {
            Some(view) => view,
            None => {
                base = below;
                let whole = View::contiguous(graph.nodes[below].shape.clone());
                // A reshape of a whole buffer is always a view.
                apply(&whole, op, shape).unwrap_or(whole)
            }
        };
    }
    (base, view)
}

pub(super) fn decide(graph: &Graph) -> Decisions {
    let canon = canonical(graph);
    let n = graph.nodes.len();
    let mut output = vec![false; n];
    graph.outputs.iter().for_each(|&o| output[canon[o]] = true);
    let mut consumers: Vec<Vec<usize>> = vec![Vec::new(); n];
    for (i, node) in graph.nodes.iter().enumerate().filter(|&(i, _)| canon[i] == i) {
        node.inputs.iter().for_each(|&j| consumers[canon[j]].push(i));
    }
    // Common subexpressions leave nodes without consumers behind; only what reaches an output counts.
    let mut stored = vec![false; n];
    for i in 0..n {
        if canon[i] == i && (role(&graph.nodes[i].op) == Role::Head || output[i]) {
            stored[i] = role(&graph.nodes[i].op) != Role::Leaf;
        }
    }
    require_buffers(graph, &canon, &mut stored);
    store_repeated(graph, &canon, &consumers, &mut stored);
    // An output that only shows another stored value in its order needs no kernel; emit gives it that value.
    let head = fuse_heads(graph, &canon, &consumers, &output, &mut stored);
    Decisions { canon, stored, head }
}

/// Maps each node to the first that computes the same from the same operands.
fn canonical(graph: &Graph) -> Vec<usize> {
    let keeps = |n: &GraphNode| matches!(n.op, GraphOp::Op(Op::View(ViewOp::Recompute { keep_contractions: true })));
    if !graph.nodes.iter().any(keeps) {
        return same(graph, &|_, _| None);
    }
    // What is the same up to the views that ask for it again: of that, contractions are taken, and what is computed of
    // them is computed again.
    let through = |i: usize, canon: &[usize]| canon[graph.nodes[i].inputs[0]];
    let loose = same(graph, &|i, canon| keeps(&graph.nodes[i]).then(|| Known::same(through(i, canon))));
    same(graph, &|i, canon| match graph.nodes[i].op {
        GraphOp::Op(Op::MatMul | Op::Conv(..)) if loose[i] < i => Some(Known { canon: canon[loose[i]], seen_as: i }),
        _ => None,
    })
}

/// What a node is known to equal.
struct Known {
    /// The node that computes it.
    canon: usize,
    /// What it counts as where it is an operand.
    seen_as: usize,
}

impl Known {
    fn same(node: usize) -> Known {
        Known { canon: node, seen_as: node }
    }
}

/// Maps each node to the first of the same operation on the same operands, or to what `known` says of it given those
/// before.
fn same(graph: &Graph, known: &dyn Fn(usize, &[usize]) -> Option<Known>) -> Vec<usize> {
    let mut first: IdMap<(u64, usize)> = IdMap::default();
    let mut canon: Vec<usize> = Vec::with_capacity(graph.nodes.len());
    let mut seen_as: Vec<usize> = Vec::with_capacity(graph.nodes.len());
    for (i, node) in graph.nodes.iter().enumerate() {
        let of_node = || {
            let mut h = StructureHasher::default();
            match &node.op {
                GraphOp::Leaf(k) => (0, k).hash(&mut h),
                GraphOp::Param(k) => (1, k).hash(&mut h),
                GraphOp::Op(op) => op.hash_structure(&mut h),
            }
            (&node.shape, node.dtype).hash(&mut h);
            node.inputs.iter().for_each(|&j| seen_as[j].hash(&mut h));
            let (key, check) = h.both();
            let (other, found) = *first.entry(key).get_or_insert((check, i));
            Known::same(if other == check { found } else { i })
        };
        let known = known(i, &canon).unwrap_or_else(of_node);
        canon.push(known.canon);
        seen_as.push(known.seen_as);
    }
    canon
}

/// Heads other than reductions read memory: their operands are stored.
fn require_buffers(graph: &Graph, canon: &[usize], stored: &mut [bool]) {
    for (i, node) in graph.nodes.iter().enumerate() {
        let GraphOp::Op(op) = &node.op else { continue };
        if canon[i] != i || role(&node.op) != Role::Head || matches!(op, Op::Reduce { .. }) {
            continue;
        }
        let strided = matches!(op, Op::MatMul | Op::Pad { .. } | Op::Concat { .. } | Op::ArgReduce { .. });
        for (position, &input) in node.inputs.iter().enumerate() {
            if matches!(op, Op::Pad { .. }) && position == 1 {
                continue; // the fill value travels as a scalar
            }
            let (base, view) = resolve(graph, canon, stored, input);
            let whole = view.is_contiguous() && view.shape.size() == graph.nodes[base].shape.size();
            let target = if strided || whole { base } else { canon[input] };
            stored[target] |= role(&graph.nodes[target].op) != Role::Leaf;
        }
    }
}

/// A pointwise result that several kernels would compute is stored, unless computing it again is cheap.
fn store_repeated(graph: &Graph, canon: &[usize], consumers: &[Vec<usize>], stored: &mut [bool]) {
    let n = graph.nodes.len();
    // What a use repeats: the cost of the node with everything computed inside it, and the buffers read for it.
    let mut cost = vec![0usize; n];
    let mut reads = vec![0usize; n];
    let mut ops = vec![0usize; n];
    for i in 0..n {
        if canon[i] != i {
            continue;
        }
        let node = &graph.nodes[i];
        let below =
            |f: &[usize]| node.inputs.iter().map(|&j| if stored[canon[j]] { 0 } else { f[canon[j]] }).sum::<usize>();
        let own_reads = node.inputs.iter().filter(|&&j| {
            let j = canon[j];
            stored[j] || role(&graph.nodes[j].op) == Role::Leaf
        });
        reads[i] = own_reads.count() + below(&reads);
        ops[i] = 1 + below(&ops);
        match &node.op {
            GraphOp::Op(Op::Pointwise(f)) => cost[i] = f.program.cost() + below(&cost),
            GraphOp::Op(Op::View(_)) => cost[i] = below(&cost),
            _ => {}
        }
        if role(&node.op) != Role::Pointwise || stored[i] {
            continue;
        }
        let uses = use_sites(graph, consumers, i);
        let enlarged = uses
            .iter()
            .any(|&u| graph.nodes[u].shape.size() > node.shape.size() && role(&graph.nodes[u].op) == Role::Pointwise);
        let repeated = uses.len() > 1 && (cost[i] > CHEAP || reads[i] > 2);
        stored[i] = repeated || (enlarged && cost[i] > CHEAP) || ops[i] > MAX_KERNEL_OPS;
    }
}

/// The non-view nodes that use a node, through views, each as often as it does.
fn use_sites(graph: &Graph, consumers: &[Vec<usize>], node: usize) -> Vec<usize> {
    let mut sites = Vec::new();
    let mut stack = vec![node];
    while let Some(i) = stack.pop() {
        for &c in &consumers[i] {
            if role(&graph.nodes[c].op) == Role::View {
                stack.push(c);
            } else if !sites.contains(&c) {
                sites.push(c);
            }
        }
    }
    sites
}

/// Finds for each head the one stored pointwise node that all its uses end in, if there is one over the same elements.
fn fuse_heads(
    graph: &Graph,
    canon: &[usize],
    consumers: &[Vec<usize>],
    output: &[bool],
    stored: &mut [bool],
) -> Vec<Option<usize>> {
    let n = graph.nodes.len();
    // The stored node that a node's value ends in, if one and reached without changing the order of elements.
    let mut root: Vec<Option<usize>> = vec![None; n];
    let mut head: Vec<Option<usize>> = vec![None; n];
    for i in (0..n).rev() {
        if canon[i] != i || output[i] || consumers[i].is_empty() {
            continue;
        }
        let of_consumer = |&c: &usize| {
            let ordered = match &graph.nodes[c].op {
                GraphOp::Op(Op::Pointwise(_) | Op::View(ViewOp::Reshape)) => {
                    graph.nodes[c].shape.size() == graph.nodes[i].shape.size()
                }
                _ => false,
            };
            match (ordered, stored[c]) {
                (true, true) => Some(c),
                (true, false) => root[c],
                (false, _) => None,
            }
        };
        let first = of_consumer(&consumers[i][0]);
        let unanimous = first.is_some() && consumers[i].iter().all(|c| of_consumer(c) == first);
        if !unanimous {
            continue;
        }
        match role(&graph.nodes[i].op) {
            Role::Head => {
                let Some(r) = first else { continue };
                if head[r].is_none() {
                    head[r] = Some(i);
                    stored[i] = false;
                }
            }
            _ if !stored[i] => root[i] = first,
            _ => {}
        }
    }
    head
}
