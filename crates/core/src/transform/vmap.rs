//! A function of one example applied to all of a batch at once.

use crate::collect::AllOk;
use crate::collect::Listed;
use std::sync::Arc;

use crate::device::Device;
use crate::error::{Error, Result};
use crate::ids::IdMap;
use crate::op::{ConvGeometry, ConvKind, Dims, IndexOp, Op, PoolGeometry, ResizeGeometry, ViewOp};
use crate::ops;
use crate::shape::Shape;
use crate::tensor::{Node, State, Tensor};

use super::trace::{steps, trace};

/// A value of the function: of each example, with the batch as dimension 0, or the same for all.
#[derive(Clone)]
enum Value {
    Each(Tensor),
    Same(Tensor),
}

/// Applies `f`, a function of one example, to all: `axes[i]` is the dimension of `xs[i]` that the examples lie along,
/// `None` for an operand that all share. Results have the batch along dimension `out_axis`.
///
/// The function is called once, on placeholders, and each operation it recorded is done for all examples together. Its
/// value and its gradients are those of a loop; a gradient given by [`crate::custom`] inside is not taken over to the
/// gradient of the mapped function, which is derived.
///
/// # Errors
/// What `f` gives; `ErrorKind::Argument` for an axis that is not there, when no operand is mapped, or when `f` reads values
/// that depend on its operands; `ErrorKind::Shape` when the operands have batches of different sizes.
pub fn vmap(
    xs: &[&Tensor],
    axes: &[Option<isize>],
    out_axis: isize,
    f: impl FnOnce(&[Tensor]) -> Result<Vec<Tensor>>,
) -> Result<Vec<Tensor>> {
    let Some(device) = xs.first().map(|x| x.device().clone()) else {
        return Err(Error::argument("vmap", "at least one operand", "none"));
    };
    let shapes: Vec<Shape> = xs.iter().zip(axes).map(|(x, &axis)| example(x, axis)).all_ok()?;
    let operands = shapes.into_iter().zip(xs).map(|(shape, x)| (shape, x.dtype()));
    let (placeholders, results) = trace(&device, operands, f)?;
    vmap_traced(&placeholders, xs, axes, &results, out_axis)
}

/// The shape of one example of `x`.
fn example(x: &Tensor, axis: Option<isize>) -> Result<Shape> {
    match axis {
        Some(axis) => Ok(x.shape().without(&[x.shape().axis(axis, "vmap")?])),
        None => Ok(x.shape().clone()),
    }
}

/// As [`vmap`], of the function that made `results` of `placeholders`, which stand for examples of `xs`.
///
/// # Errors
/// As [`vmap`].
pub fn vmap_traced(
    placeholders: &[Tensor],
    xs: &[&Tensor],
    axes: &[Option<isize>],
    results: &[Tensor],
    out_axis: isize,
) -> Result<Vec<Tensor>> {
    if xs.len() != axes.len() || xs.len() != placeholders.len() {
        return Err(Error::argument("vmap", format_args!("an axis for each of {} operands", xs.len()), axes.len()));
    }
    let mut n = None;
    let mut values: IdMap<Value> = IdMap::default();
    for ((x, &axis), placeholder) in xs.iter().zip(axes).zip(placeholders) {
        let value = match axis {
            None => Value::Same((*x).clone()),
            Some(axis) => {
                let axis = x.shape().axis(axis, "vmap")?;
                let size = *n.get_or_insert(x.shape()[axis]);
                if size != x.shape()[axis] {
                    let got = format_args!("{} along dimension {axis} of {}", x.shape()[axis], x.shape());
                    return Err(Error::shape("vmap", format_args!("{size} examples"), got));
                }
                Value::Each(front(x, axis)?)
            }
        };
        values.insert(placeholder.id(), value);
    }
    let Some(n) = n else {
        return Err(Error::argument("vmap", "at least one operand with an axis", "none"));
    };
    let batch = Batch { device: xs[0].device().clone(), n };
    for step in steps(results) {
        let (op, inputs) = match &*step.state() {
            State::Pending { op, inputs } => (op.clone(), inputs.clone()),
            _ => continue,
        };
        let of = |i: &Arc<Node>| {
            let outside = || Value::Same(Tensor::of_node(batch.device.clone(), i.clone()));
            values.get(i.id).cloned().unwrap_or_else(outside)
        };
        let operands: Vec<Value> = inputs.iter().map(of).listed();
        values.insert(step.id, batch.step(&op, &step, &operands)?);
    }
    let finish = |result: &Tensor| {
        let value = values.get(result.id()).cloned().unwrap_or_else(|| Value::Same(result.clone()));
        back(&batch.each(&value)?, out_axis)
    };
    results.iter().map(finish).all_ok()
}

/// `x` with dimension `axis` first.
fn front(x: &Tensor, axis: usize) -> Result<Tensor> {
    let order: Vec<usize> = [axis].into_iter().chain((0..x.rank()).filter(|&d| d != axis)).listed();
    ops::permute(x, &order)
}

/// `x` with its first dimension at `axis`.
fn back(x: &Tensor, axis: isize) -> Result<Tensor> {
    let axis = x.shape().axis(axis, "vmap")?;
    let mut order: Vec<usize> = (1..x.rank()).listed();
    order.insert(axis, 0);
    ops::permute(x, &order)
}

/// Does for all examples what an operation does for one.
struct Batch {
    device: Device,
    n: usize,
}

impl Batch {
    /// The value of each example.
    fn each(&self, value: &Value) -> Result<Tensor> {
        match value {
            Value::Each(x) => Ok(x.clone()),
            Value::Same(x) => ops::broadcast_to(x, self.batched(x.shape())),
        }
    }

    /// A shape with the batch before it.
    fn batched(&self, shape: &[usize]) -> Shape {
        [self.n].iter().chain(shape).copied().collect()
    }

    /// The shape of an operand of all examples with batch and first dimension as one.
    fn folded(&self, shape: &[usize]) -> Shape {
        match shape.split_first() {
            Some((first, rest)) => [self.n * first].iter().chain(rest).copied().collect(),
            None => Shape::from([self.n]),
        }
    }

    /// Does an operation that treats its first dimension as a batch already.
    fn fold(&self, op: Op, node: &Node, operands: &[&Value]) -> Result<Tensor> {
        let fold = |value: &&Value| {
            let x = self.each(value)?;
            ops::reshape(&x, self.folded(&x.shape()[1..]))
        };
        let operands: Vec<Tensor> = operands.iter().map(fold).all_ok()?;
        self.fold_around(op, node, &operands.iter().listed())
    }

    /// Records an operation on operands that have batch and first dimension as one, and takes these apart again.
    fn fold_around(&self, op: Op, node: &Node, operands: &[&Tensor]) -> Result<Tensor> {
        let y = self.device.record(op, operands, self.folded(&node.shape), node.dtype)?;
        ops::reshape(&y, self.batched(&node.shape))
    }

    fn step(&self, op: &Op, node: &Node, operands: &[Value]) -> Result<Value> {
        let same: Option<Vec<&Tensor>> =
            operands.iter().map(|v| if let Value::Same(x) = v { Some(x) } else { None }).collect();
        if let Some(operands) = same {
            return self.device.record(op.clone(), &operands, node.shape.clone(), node.dtype).map(Value::Same);
        }
        self.step_of_each(op, node, operands).map(Value::Each)
    }

    fn step_of_each(&self, op: &Op, node: &Node, operands: &[Value]) -> Result<Tensor> {
        let out = self.batched(&node.shape);
        let record = |op: Op, operands: &[&Tensor]| self.device.record(op, operands, out.clone(), node.dtype);
        let shifted = |dims: &[usize]| -> Dims { [0].into_iter().chain(dims.iter().map(|d| d + 1)).per_dimension() };
        let zero_first = |dims: &[usize]| -> Dims { [0].iter().chain(dims).copied().per_dimension() };
        match op {
            Op::Pointwise(_) => {
                // Operands of lower rank broadcast from the right: the batch keeps to the left.
                let aligned = |value: &Value| match value {
                    Value::Same(x) => Ok(x.clone()),
                    Value::Each(x) => self.aligned(x, node.shape.rank()),
                };
                let operands: Vec<Tensor> = operands.iter().map(aligned).all_ok()?;
                record(op.clone(), &operands.iter().listed())
            }
            Op::View(view) => {
                let x = self.each(&operands[0])?;
                match view {
                    ViewOp::Broadcast => record(op.clone(), &[&self.aligned(&x, node.shape.rank())?]),
                    ViewOp::Permute(perm) => record(Op::View(ViewOp::Permute(shifted(perm))), &[&x]),
                    ViewOp::Slice { begin, step } => {
                        let step = [1].iter().chain(step).copied().collect();
                        record(Op::View(ViewOp::Slice { begin: zero_first(begin), step }), &[&x])
                    }
                    ViewOp::Reshape | ViewOp::Detach | ViewOp::Recompute { .. } => record(op.clone(), &[&x]),
                }
            }
            Op::Reduce { op, axes } => {
                let axes = axes.iter().map(|a| a + 1).collect();
                record(Op::Reduce { op: *op, axes }, &[&self.each(&operands[0])?])
            }
            Op::Concat { axis } => {
                let operands: Vec<Tensor> = operands.iter().map(|v| self.each(v)).all_ok()?;
                record(Op::Concat { axis: axis + 1 }, &operands.iter().listed())
            }
            Op::Pad { before, between } => match &operands[1] {
                Value::Same(value) => {
                    let op = Op::Pad { before: zero_first(before), between: zero_first(between) };
                    record(op, &[&self.each(&operands[0])?, value])
                }
                Value::Each(_) => self.one_by_one(op, node, operands),
            },
            Op::MatMul => self.matmul(node, operands),
            Op::Conv(kind @ (ConvKind::Forward | ConvKind::BackwardInput), geometry) => match &operands[1] {
                Value::Same(filter) => {
                    let geometry = ConvGeometry { batch: self.n * geometry.batch, ..*geometry };
                    let x = self.each(&operands[0])?;
                    let x = ops::reshape(&x, self.folded(&x.shape()[1..]))?;
                    self.fold_around(Op::Conv(*kind, geometry), node, &[&x, filter])
                }
                Value::Each(_) => self.one_by_one(op, node, operands),
            },
            Op::Pool(kind, geometry) => {
                let geometry = PoolGeometry { batch: self.n * geometry.batch, ..*geometry };
                self.fold(Op::Pool(*kind, geometry), node, &operands.iter().listed())
            }
            Op::Resize(kind, geometry) => {
                let geometry = ResizeGeometry { batch: self.n * geometry.batch, ..*geometry };
                self.fold(Op::Resize(*kind, geometry), node, &[&operands[0]])
            }
            Op::Index(kind @ (IndexOp::Gather | IndexOp::Scatter(_))) => match &operands[1] {
                Value::Same(index) => {
                    let x = self.each(&operands[0])?;
                    let x = ops::reshape(&x, self.folded(&x.shape()[1..]))?;
                    self.fold_around(Op::Index(*kind), node, &[&x, index])
                }
                Value::Each(_) => self.one_by_one(op, node, operands),
            },
            // Rows: of each example its own.
            Op::ArgReduce { .. }
            | Op::Routine(_)
            | Op::Scan(_)
            | Op::Index(IndexOp::TakeAlong | IndexOp::PutAlongAdd) => {
                self.fold(op.clone(), node, &operands.iter().listed())
            }
            Op::Conv(ConvKind::BackwardFilter, _) | Op::Const(_) | Op::Param(_) | Op::Iota { .. } => {
                self.one_by_one(op, node, operands)
            }
        }
    }

    /// An operand of all examples whose one example broadcasts to `rank` dimensions.
    fn aligned(&self, x: &Tensor, rank: usize) -> Result<Tensor> {
        let ones = vec![1; rank + 1 - x.rank()];
        ops::reshape(x, [self.n].iter().chain(&ones).chain(&x.shape()[1..]).copied().collect::<Shape>())
    }

    fn matmul(&self, node: &Node, operands: &[Value]) -> Result<Tensor> {
        if let (Value::Each(a), Value::Same(b)) = (&operands[0], &operands[1]) {
            if b.shape()[0] == 1 {
                // One right operand for all: a single tall product.
                let (m, k) = (a.shape()[2], a.shape()[3]);
                let y = ops::batch_matmul_views(&ops::reshape(a, [1, self.n * m, k])?, b)?;
                return ops::reshape(&y, self.batched(&node.shape));
            }
        }
        self.fold(Op::MatMul, node, &operands.iter().listed())
    }

    /// Does an operation example by example, where it has no form for all.
    fn one_by_one(&self, op: &Op, node: &Node, operands: &[Value]) -> Result<Tensor> {
        let of = |i: usize, value: &Value| match value {
            Value::Same(x) => Ok(x.clone()),
            Value::Each(x) => {
                let mut begin = vec![0; x.rank()];
                begin[0] = i;
                let part = ops::slice(x, &begin, &x.shape().with_dim(0, 1))?;
                ops::reshape(&part, Shape::from(&x.shape()[1..]))
            }
        };
        let example = |i: usize| {
            let operands: Vec<Tensor> = operands.iter().map(|v| of(i, v)).all_ok()?;
            self.device.record(op.clone(), &operands.iter().listed(), node.shape.clone(), node.dtype)
        };
        let all: Vec<Tensor> = (0..self.n).map(example).all_ok()?;
        if all.is_empty() {
            return self.device.zeros(self.batched(&node.shape), node.dtype);
        }
        ops::stack(&all.iter().listed(), 0)
    }
}
