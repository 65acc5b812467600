//! One kernel for each stored node, with the unstored nodes it needs computed inside.

use super::decide::{apply, resolve, role, Decisions, Role};
use super::{Graph, GraphNode, GraphOp};
use crate::collect::{joined, AllOk, Listed};
use crate::dtype::{DType, Scalar};
use crate::error::{Error, Result};
use crate::op::{IndexOp, Op, ViewOp};
use crate::plan::{Access, Head, Kernel, Map, PadValue, Source, Value, ValueId};
use crate::scalar::{Builder, Ex};
use crate::shape::Shape;
use crate::view::View;

/// Kernels before their shapes are collapsed, and the values they use.
pub(super) struct Drafts {
    pub values: Vec<Value>,
    pub kernels: Vec<Kernel>,
    /// The value of each output, in the order of [`Graph::outputs`].
    pub results: Vec<ValueId>,
}

pub(super) fn emit(graph: &Graph, decisions: Decisions, max_buffers: usize) -> Result<Drafts> {
    let mut values = vec![Value { size: 0, dtype: DType::F32, stored: DType::F32 }; graph.leaves];
    let mut value = vec![None; graph.nodes.len()];
    for (i, node) in graph.nodes.iter().enumerate() {
        if let GraphOp::Leaf(k) = node.op {
            values[k] = node.value();
            value[i] = Some(k);
        }
    }
    let mut emitter = Emitter { graph, decisions, max_buffers, values, kernels: Vec::new(), value };
    for i in 0..graph.nodes.len() {
        if emitter.decisions.canon[i] == i && emitter.decisions.stored[i] {
            emitter.value_of(i)?;
        }
    }
    let results = graph.outputs.iter().map(|&o| emitter.value_of(emitter.decisions.canon[o])).all_ok()?;
    Ok(Drafts { values: emitter.values, kernels: emitter.kernels, results })
}

struct Emitter<'g> {
    graph: &'g Graph,
    decisions: Decisions,
    max_buffers: usize,
    values: Vec<Value>,
    kernels: Vec<Kernel>,
    value: Vec<Option<ValueId>>,
}

/// Why a kernel could not be written as decided: this node needs a buffer first.
struct NeedsBuffer(usize);

/// An index map between a kernel's iteration and a node, outermost first.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Link {
    op: ViewOp,
    shape: Shape,
    /// The node whose elements are mapped.
    below: usize,
}

/// A map under construction.
struct Body<'b> {
    builder: &'b Builder,
    inputs: Vec<Access>,
    params: Vec<usize>,
    /// The head whose result the map continues.
    head: Option<usize>,
    done: Vec<(usize, Vec<Link>, Ex<'b>)>,
    /// Pointwise nodes computed inside, with the number of inputs known when each was finished.
    inlined: Vec<usize>,
    label: Vec<&'static str>,
}

impl<'g> Emitter<'g> {
    /// The value that holds the node's elements, writing the kernel that computes it if there is none yet.
    fn value_of(&mut self, node: usize) -> Result<ValueId> {
        let node = self.decisions.canon[node];
        if let Some(value) = self.value[node] {
            return Ok(value);
        }
        // A view that shows all of a stored value in order is that value.
        if role(&self.graph.nodes[node].op) == Role::View {
            let mut below = self.decisions.stored.clone();
            below[node] = false;
            let (base, view) = resolve(self.graph, &self.decisions.canon, &below, node);
            let whole = view.is_contiguous() && view.shape.size() == self.graph.nodes[base].shape.size();
            if whole && (self.value[base].is_some() || self.decisions.stored[base]) {
                let value = self.value_of(base)?;
                self.value[node] = Some(value);
                return Ok(value);
            }
        }
        self.decisions.stored[node] = true;
        loop {
            match self.kernel(node)? {
                Ok(kernel) => {
                    let value = self.values.len();
                    self.values.push(self.graph.nodes[node].value());
                    self.kernels.push(kernel);
                    self.value[node] = Some(value);
                    return Ok(value);
                }
                Err(NeedsBuffer(missing)) => {
                    if self.decisions.head[node] == Some(missing) {
                        self.decisions.head[node] = None;
                    }
                    self.value_of(missing)?;
                }
            }
        }
    }

    /// The kernel for a stored node; its output is the next value.
    fn kernel(&mut self, node: usize) -> Result<Result<Kernel, NeedsBuffer>> {
        let graph = self.graph;
        let shape = graph.nodes[node].shape.clone();
        let out = self.values.len();
        let fused = self.decisions.head[node];
        let own_head = role(&graph.nodes[node].op) == Role::Head;
        let head_node = if own_head { Some(node) } else { fused };
        let head = match head_node {
            None => None,
            Some(h) => match self.head(h)? {
                Ok(head) => Some(head),
                Err(missing) => return Ok(Err(missing)),
            },
        };
        // Writing the head may have given nodes buffers, and this kernel another output number.
        let out = out.max(self.values.len());
        let builder = Builder::new();
        let mut body = Body::new(&builder, if own_head { None } else { fused });
        let reg = if own_head {
            body.label.push(name(graph, node));
            builder.acc(graph.nodes[node].dtype).reg
        } else {
            match self.expression(&mut body, node, &[], true) {
                Ok(ex) => ex.reg,
                Err(missing) => return Ok(Err(missing)),
            }
        };
        let Body { inputs, params, inlined, mut label, .. } = body;
        let (program, regs) = builder.finish(&[reg]);
        if let (Some(h), false) = (fused, own_head) {
            label.insert(0, name(graph, h));
        }
        let map = Map { shape, inputs, params, program, outputs: vec![(regs[0], out)] };
        let kernel = Kernel { reads: reads(head.as_ref(), &map), head, map, label: joined(&label, "+") };
        if kernel.reads.len() + 1 > self.max_buffers {
            return self.too_many_buffers(node, fused, &inlined).map(Err);
        }
        Ok(Ok(kernel))
    }

    /// Chooses what to store so that a kernel reads fewer buffers.
    fn too_many_buffers(&self, node: usize, fused: Option<usize>, inlined: &[usize]) -> Result<NeedsBuffer> {
        // The deepest expression that itself reads several buffers replaces them by one.
        let several = inlined.iter().copied().find(|&i| i != node && self.graph.nodes[i].inputs.len() > 1);
        several.or(fused).map(NeedsBuffer).ok_or_else(|| {
            let expected = format_args!("at most {} operands for one kernel of this engine", self.max_buffers - 1);
            Error::argument(name(self.graph, node), expected, self.graph.nodes[node].inputs.len())
        })
    }

    fn head(&mut self, node: usize) -> Result<Result<Head, NeedsBuffer>> {
        let graph = self.graph;
        let GraphNode { op: GraphOp::Op(op), inputs, shape, .. } = &graph.nodes[node] else {
            return Err(Error::argument("plan", "an operation", "a leaf"));
        };
        if !op.is_carried() {
            return Err(Error::argument("plan", "an operation that this build carries", op.name()));
        }
        let shape_of = |i: usize| graph.nodes[inputs[i]].shape.clone();
        Ok(Ok(match op {
            Op::Reduce { op, axes } => {
                let full = shape_of(0);
                let kept: Vec<usize> = (0..full.rank()).filter(|d| !axes.contains(d)).listed();
                let perm: crate::op::Dims = kept.iter().chain(axes.iter()).copied().per_dimension();
                let permuted: Shape = perm.iter().map(|&d| full[d]).collect();
                let link = Link { op: ViewOp::Permute(perm), shape: permuted.clone(), below: inputs[0] };
                let builder = Builder::new();
                let mut body = Body::new(&builder, None);
                let reg = match self.expression(&mut body, inputs[0], &[link], false) {
                    Ok(ex) => ex.reg,
                    Err(missing) => return Ok(Err(missing)),
                };
                let Body { inputs, params, inlined, .. } = body;
                let (program, regs) = builder.finish(&[reg]);
                let body = Map { shape: permuted, inputs, params, program, outputs: vec![(regs[0], usize::MAX)] };
                if reads(None, &body).len() + 1 > self.max_buffers {
                    return self.too_many_buffers(node, None, &inlined).map(Err);
                }
                Head::Reduce { op: *op, body, kept: kept.len() }
            }
            Op::ArgReduce { max } => {
                let (value, view) = self.strided(inputs[0])?;
                Head::ArgReduce { max: *max, input: access(value, view, graph.nodes[inputs[0]].dtype) }
            }
            Op::Scan(kind) => {
                Head::Scan { kind: *kind, shape: [shape[0], shape[1], shape[2]], input: self.contiguous(inputs[0])? }
            }
            Op::MatMul => {
                let mut operand = |i: usize| -> Result<Access> {
                    let (value, view) = self.strided(inputs[i])?;
                    Ok(access(value, view, DType::F32))
                };
                Head::MatMul { a: operand(0)?, b: operand(1)? }
            }
            Op::Conv(kind, geometry) => Head::Conv {
                kind: *kind,
                geometry: *geometry,
                inputs: [self.contiguous(inputs[0])?, self.contiguous(inputs[1])?],
            },
            Op::Pool(kind, geometry) => Head::Pool {
                kind: *kind,
                geometry: *geometry,
                inputs: inputs.iter().map(|&i| self.contiguous(i)).all_ok()?,
            },
            Op::Resize(kind, geometry) => {
                Head::Resize { kind: *kind, geometry: *geometry, input: self.contiguous(inputs[0])? }
            }
            Op::Index(index_op) => {
                let triple = |s: &Shape| match index_op {
                    IndexOp::Gather | IndexOp::Scatter(_) => [s[0], s[1], s[2]],
                    IndexOp::TakeAlong | IndexOp::PutAlongAdd => [s[0], s[1], 1],
                };
                let (from, to) = (triple(&shape_of(0)), triple(shape));
                Head::Index {
                    op: *index_op,
                    from,
                    to,
                    input: self.contiguous(inputs[0])?,
                    index: self.contiguous(inputs[1])?,
                }
            }
            Op::Pad { before, between } => {
                let (value, view) = self.strided(inputs[0])?;
                let input = access(value, view, graph.nodes[inputs[0]].dtype);
                let fill = match &graph.nodes[self.decisions.canon[inputs[1]]].op {
                    GraphOp::Param(k) => PadValue::Param(*k),
                    GraphOp::Op(Op::Const(v)) => PadValue::Const(v.bits()),
                    _ => return Err(Error::argument("pad", "a scalar fill value", "a computed tensor")),
                };
                Head::Pad { before: before.clone(), between: between.clone(), shape: shape.clone(), input, value: fill }
            }
            Op::Concat { axis } => {
                let part = |&i: &usize| -> Result<Access> {
                    let (value, view) = self.strided(i)?;
                    Ok(access(value, view, graph.nodes[i].dtype))
                };
                Head::Concat { axis: *axis, shape: shape.clone(), inputs: inputs.iter().map(part).all_ok()? }
            }
            Op::Routine(routine) => Head::Routine {
                routine: *routine,
                shapes: (0..inputs.len()).map(shape_of).listed(),
                out: shape.clone(),
                inputs: inputs.iter().map(|&i| self.contiguous(i)).all_ok()?,
            },
            Op::Const(_) | Op::Param(_) | Op::Iota { .. } | Op::Pointwise(_) | Op::View(_) => {
                return Err(Error::argument("plan", "a kernel of its own", op.name()));
            }
        }))
    }

    /// The value that holds a node's elements, and the view of them.
    fn strided(&mut self, node: usize) -> Result<(ValueId, View)> {
        let (base, view) = resolve(self.graph, &self.decisions.canon, &self.decisions.stored, node);
        Ok((self.value_of(base)?, view))
    }

    /// The value that holds a node's elements row-major and nothing else.
    fn contiguous(&mut self, node: usize) -> Result<ValueId> {
        let (base, view) = resolve(self.graph, &self.decisions.canon, &self.decisions.stored, node);
        let whole = view.is_contiguous() && view.shape.size() == self.graph.nodes[base].shape.size();
        self.value_of(if whole { base } else { node })
    }

    /// The expression of a node's element, seen through `chain` from the kernel's iteration.
    fn expression<'b>(
        &mut self,
        body: &mut Body<'b>,
        node: usize,
        chain: &[Link],
        root: bool,
    ) -> Result<Ex<'b>, NeedsBuffer> {
        let node = self.decisions.canon[node];
        if let Some(&(.., ex)) = body.done.iter().find(|(n, c, _)| *n == node && c == chain) {
            return Ok(ex);
        }
        let graph = self.graph;
        let GraphNode { op, inputs, shape, dtype, .. } = &graph.nodes[node];
        let ex = if body.head == Some(node) {
            body.builder.acc(*dtype)
        } else if self.value[node].is_some() || (self.decisions.stored[node] && !root) {
            let Some(value) = self.value[node] else {
                return Err(NeedsBuffer(node));
            };
            let view = fold(View::contiguous(shape.clone()), chain)?;
            body.load(access(value, view, *dtype))
        } else {
            match op {
                GraphOp::Leaf(_) => return Err(NeedsBuffer(node)),
                GraphOp::Param(k) => {
                    let slot = body.params.iter().position(|p| p == k).unwrap_or_else(|| {
                        body.params.push(*k);
                        body.params.len() - 1
                    });
                    body.builder.param(slot, *dtype)
                }
                GraphOp::Op(Op::Const(v)) => body.builder.constant(*v),
                GraphOp::Op(Op::Param(v)) => body.builder.constant(*v),
                GraphOp::Op(Op::Iota { axis }) => {
                    let mut along = View::contiguous(shape.clone());
                    along.strides.iter_mut().enumerate().for_each(|(d, s)| *s = isize::from(d == *axis));
                    let view = fold(along, chain)?;
                    body.load(Access { source: Source::Index, view, dtype: DType::I32 })
                }
                GraphOp::Op(Op::View(view)) => {
                    let mut longer = chain.to_vec();
                    longer.push(Link { op: view.clone(), shape: shape.clone(), below: inputs[0] });
                    self.expression(body, inputs[0], &longer, false)?
                }
                GraphOp::Op(Op::Pointwise(function)) => {
                    let mut operands = Vec::with_capacity(inputs.len());
                    for &input in inputs {
                        let ex = if graph.nodes[input].shape == *shape {
                            self.expression(body, input, chain, false)?
                        } else {
                            let mut longer = chain.to_vec();
                            longer.push(Link { op: ViewOp::Broadcast, shape: shape.clone(), below: input });
                            self.expression(body, input, &longer, false)?
                        };
                        operands.push(ex);
                    }
                    body.inlined.push(node);
                    body.label.push(function.name);
                    let zero = body.builder.constant(Scalar::F32(0.0));
                    let regs = body.builder.inline(&function.program, &|n| operands[n as usize], &|_| zero);
                    regs[function.output as usize]
                }
                GraphOp::Op(_) => return Err(NeedsBuffer(node)),
            }
        };
        body.done.push((node, chain.to_vec(), ex));
        Ok(ex)
    }
}

impl<'b> Body<'b> {
    fn new(builder: &'b Builder, head: Option<usize>) -> Body<'b> {
        let (inputs, params, inlined, label) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        Body { builder, inputs, params, head, done: Vec::new(), inlined, label }
    }

    fn load(&mut self, access: Access) -> Ex<'b> {
        let dtype = access.dtype;
        let n = self.inputs.iter().position(|a| *a == access).unwrap_or_else(|| {
            self.inputs.push(access);
            self.inputs.len() - 1
        });
        self.builder.input(n, dtype)
    }
}

/// Applies a chain of index maps, innermost last, to the view of a node.
fn fold(mut view: View, chain: &[Link]) -> Result<View, NeedsBuffer> {
    for link in chain.iter().rev() {
        view = apply(&view, &link.op, &link.shape).ok_or(NeedsBuffer(link.below))?;
    }
    Ok(view)
}

fn access(value: ValueId, view: View, dtype: DType) -> Access {
    Access { source: Source::Buffer(value), view, dtype }
}

fn name(graph: &Graph, node: usize) -> &'static str {
    match &graph.nodes[node].op {
        GraphOp::Op(op) => op.name(),
        GraphOp::Leaf(_) => "tensor",
        GraphOp::Param(_) => "scalar",
    }
}

/// The distinct values a kernel reads.
pub(super) fn reads(head: Option<&Head>, map: &Map) -> Vec<ValueId> {
    let mut all: Vec<ValueId> = Vec::new();
    let of_access = |a: &Access| match a.source {
        Source::Buffer(value) => Some(value),
        Source::Index => None,
    };
    match head {
        None => {}
        Some(Head::Reduce { body, .. }) => all.extend(body.inputs.iter().filter_map(of_access)),
        Some(Head::ArgReduce { input, .. } | Head::Pad { input, .. }) => all.extend(of_access(input)),
        Some(Head::MatMul { a, b }) => all.extend([a, b].into_iter().filter_map(of_access)),
        Some(Head::Conv { inputs, .. }) => all.extend(inputs),
        Some(Head::Pool { inputs, .. } | Head::Routine { inputs, .. }) => all.extend(inputs),
        Some(Head::Resize { input, .. } | Head::Scan { input, .. }) => all.push(*input),
        Some(Head::Index { input, index, .. }) => all.extend([*input, *index]),
        Some(Head::Concat { inputs, .. }) => all.extend(inputs.iter().filter_map(of_access)),
    }
    all.extend(map.inputs.iter().filter_map(of_access));
    let mut distinct = Vec::new();
    all.into_iter().for_each(|v| {
        if !distinct.contains(&v) {
            distinct.push(v);
        }
    });
    distinct
}
