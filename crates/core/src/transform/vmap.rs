//! A function of one example applied to all of a batch at once.

use crate::collect::AllOk;
use crate::collect::Listed;
use std::sync::Arc;

use crate::calc::{Calc, Term};
use crate::device::Device;
use crate::error::{Error, Result};
use crate::ids::IdMap;
use crate::op::{ConvGeometry, ConvKind, Dims, IndexOp, Op, PoolGeometry, ResizeGeometry, ViewOp};
use crate::ops;
use crate::shape::Shape;
use crate::tensor::{Node, State, Tensor};

use super::trace::{steps, trace};

/// A value of the function: of each example, with the batch as dimension 0, or the same for all.
#[derive(Clone, Copy)]
struct Value<'a> {
    x: Term<'a>,
    each: bool,
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
    let calc = Calc::default();
    let mut n = None;
    let mut values: IdMap<Value<'_>> = IdMap::default();
    for ((x, &axis), placeholder) in xs.iter().zip(axes).zip(placeholders) {
        let mut value = Value { x: calc.of(x), each: false };
        if let Some(axis) = axis {
            let axis = x.shape().axis(axis, "vmap")?;
            let size = *n.get_or_insert(x.shape()[axis]);
            if size != x.shape()[axis] {
                let got = format_args!("{} along dimension {axis} of {}", x.shape()[axis], x.shape());
                return Err(Error::shape("vmap", format_args!("{size} examples"), got));
            }
            let mut order: Vec<usize> = (0..x.rank()).listed();
            order[..=axis].rotate_right(1);
            value = Value { x: value.x.permute(&order), each: true };
        }
        values.insert(placeholder.id(), value);
    }
    let Some(n) = n else {
        return Err(Error::argument("vmap", "at least one operand with an axis", "none"));
    };
    let device = xs[0].device();
    let batch = Batch { device, n };
    for step in steps(results) {
        let (op, inputs) = match &*step.state() {
            State::Pending { op, inputs } => (op.clone(), inputs.clone()),
            _ => continue,
        };
        let of = |i: &Arc<Node>| {
            let outside = || Value { x: calc.of(&Tensor::of_node(device.clone(), i.clone())), each: false };
            values.get(i.id).copied().unwrap_or_else(outside)
        };
        let operands: Vec<Value<'_>> = inputs.iter().map(of).listed();
        let each = operands.iter().any(|v| v.each);
        let x = if each {
            Step { batch: &batch, op: &op, node: &step }.of_each(&operands)
        } else {
            let same: Vec<&Tensor> = operands.iter().map(|v| v.x.value()).listed();
            calc.of(&device.record(op, &same, step.shape.clone(), step.dtype)?)
        };
        calc.check()?;
        values.insert(step.id, Value { x, each });
    }
    let finish = |result: &Tensor| {
        let value = values.get(result.id()).copied();
        let x = batch.each(value.unwrap_or_else(|| Value { x: calc.of(result), each: false }));
        x.then(&|x| {
            let mut order: Vec<usize> = (0..x.rank()).listed();
            order[..=x.shape().axis(out_axis, "vmap")?].rotate_left(1);
            // Where `axis` comes first in the order, dimension 0 goes there.
            ops::permute(x, &order)
        })
    };
    let finished: Vec<Term<'_>> = results.iter().map(finish).listed();
    calc.results(&finished)
}

/// The shape without its first dimension; that of a scalar, which comes of a failure, has none.
fn rest(shape: &[usize]) -> &[usize] {
    shape.get(1..).unwrap_or(&[])
}

/// All examples.
struct Batch<'b> {
    device: &'b Device,
    n: usize,
}

impl Batch<'_> {
    /// The value of each example.
    fn each<'a>(&self, value: Value<'a>) -> Term<'a> {
        if value.each {
            value.x
        } else {
            value.x.broadcast(&self.batched(value.x.shape()))
        }
    }

    /// A shape with the batch before it.
    #[inline(never)]
    fn batched(&self, shape: &[usize]) -> Shape {
        let mut dims = vec![self.n];
        dims.extend_from_slice(shape);
        Shape::from(&dims[..])
    }

    /// The shape of an operand of all examples with batch and first dimension as one.
    #[inline(never)]
    fn folded(&self, shape: &[usize]) -> Shape {
        let mut dims = shape.to_vec();
        match dims.first_mut() {
            Some(first) => *first *= self.n,
            None => dims.push(self.n),
        }
        Shape::from(&dims[..])
    }
}

/// Does for all examples what an operation does for one.
struct Step<'b> {
    batch: &'b Batch<'b>,
    op: &'b Op,
    node: &'b Node,
}

impl Step<'_> {
    /// Records an operation with the value of one example in the shape `out`.
    #[inline(never)]
    fn record<'a>(&self, op: Op, operands: &[Term<'a>], out: &Shape) -> Term<'a> {
        operands[0].then(&|_| {
            let operands: Vec<&Tensor> = operands.iter().map(|x| x.value()).listed();
            self.batch.device.record(op.clone(), &operands, out.clone(), self.node.dtype)
        })
    }

    /// As [`Step::record`], with the values of all examples.
    #[inline(never)]
    fn record_all<'a>(&self, op: Op, operands: &[Term<'a>]) -> Term<'a> {
        self.record(op, operands, &self.batch.batched(&self.node.shape))
    }

    /// Does an operation that treats its first dimension as a batch already; the second operand may be the `same` for all.
    #[inline(never)]
    fn fold<'a>(&self, op: Op, operands: &[Value<'a>], same: bool) -> Term<'a> {
        let fold = |(i, value): (usize, &Value<'a>)| {
            if same && i == 1 {
                return value.x;
            }
            let x = self.batch.each(*value);
            x.reshape(&self.batch.folded(rest(x.shape())))
        };
        let operands: Vec<Term<'a>> = operands.iter().enumerate().map(fold).listed();
        let y = self.record(op, &operands, &self.batch.folded(&self.node.shape));
        y.reshape(&self.batch.batched(&self.node.shape))
    }

    fn of_each<'a>(&self, operands: &[Value<'a>]) -> Term<'a> {
        let shifted = |dims: &[usize]| -> Dims { [0].into_iter().chain(dims.iter().map(|d| d + 1)).per_dimension() };
        let zero_first = |dims: &[usize]| -> Dims { [0].iter().chain(dims).copied().per_dimension() };
        let first = operands[0];
        // Of the second operand, where one for each example has no form for all.
        let shared = operands.get(1).is_none_or(|v| !v.each);
        let n = self.batch.n;
        match self.op {
            // Operands of lower rank broadcast from the right: the batch keeps to the left.
            Op::Pointwise(_) | Op::View(ViewOp::Broadcast) => {
                let operands: Vec<Term<'a>> = operands.iter().map(|v| self.aligned(*v)).listed();
                self.record_all(self.op.clone(), &operands)
            }
            Op::View(view) => {
                let view = match view {
                    ViewOp::Permute(perm) => ViewOp::Permute(shifted(perm)),
                    ViewOp::Slice { begin, step } => {
                        let step = [1].iter().chain(step).copied().per_dimension();
                        ViewOp::Slice { begin: zero_first(begin), step }
                    }
                    other => other.clone(),
                };
                self.record_all(Op::View(view), &[first.x])
            }
            Op::Reduce { op, axes } => {
                let axes = axes.iter().map(|a| a + 1).per_dimension();
                self.record_all(Op::Reduce { op: *op, axes }, &[first.x])
            }
            Op::Concat { axis } => {
                let operands: Vec<Term<'a>> = operands.iter().map(|v| self.batch.each(*v)).listed();
                self.record_all(Op::Concat { axis: axis + 1 }, &operands)
            }
            Op::Pad { before, between } if shared => {
                let op = Op::Pad { before: zero_first(before), between: zero_first(between) };
                self.record_all(op, &[self.batch.each(first), operands[1].x])
            }
            Op::MatMul => self.matmul(operands),
            Op::Conv(kind @ (ConvKind::Forward | ConvKind::BackwardInput), geometry) if shared => {
                let geometry = ConvGeometry { batch: n * geometry.batch, ..*geometry };
                self.fold(Op::Conv(*kind, geometry), operands, true)
            }
            Op::Pool(kind, geometry) => {
                let geometry = PoolGeometry { batch: n * geometry.batch, ..*geometry };
                self.fold(Op::Pool(*kind, geometry), operands, false)
            }
            Op::Resize(kind, geometry) => {
                let geometry = ResizeGeometry { batch: n * geometry.batch, ..*geometry };
                self.fold(Op::Resize(*kind, geometry), operands, false)
            }
            Op::Index(IndexOp::Gather | IndexOp::Scatter(_)) if shared => self.fold(self.op.clone(), operands, true),
            // Rows: of each example its own.
            Op::ArgReduce { .. }
            | Op::Routine(_)
            | Op::Scan(_)
            | Op::Index(IndexOp::TakeAlong | IndexOp::PutAlongAdd) => self.fold(self.op.clone(), operands, false),
            Op::Conv(..) | Op::Index(_) | Op::Pad { .. } | Op::Const(_) | Op::Param(_) | Op::Iota { .. } => {
                self.one_by_one(operands)
            }
        }
    }

    /// An operand whose one example broadcasts to the rank of the result.
    fn aligned<'a>(&self, Value { x, each }: Value<'a>) -> Term<'a> {
        if !each {
            return x;
        }
        let mut dims = vec![1; (self.node.shape.rank() + 1).saturating_sub(x.rank())];
        dims.extend_from_slice(rest(x.shape()));
        x.reshape(&self.batch.batched(&dims))
    }

    fn matmul<'a>(&self, operands: &[Value<'a>]) -> Term<'a> {
        let (a, b) = (operands[0], operands[1]);
        if a.each && !b.each && b.x.dim(0) == 1 {
            // One right operand for all: a single tall product.
            let tall = a.x.reshape(&[1, self.batch.n * a.x.dim(2), a.x.dim(3)]);
            return tall.with(b.x, ops::batch_matmul_views).reshape(&self.batch.batched(&self.node.shape));
        }
        self.fold(Op::MatMul, operands, false)
    }

    /// Does an operation example by example, where it has no form for all.
    fn one_by_one<'a>(&self, operands: &[Value<'a>]) -> Term<'a> {
        let part = |i: usize, Value { x, each }: Value<'a>| {
            if each {
                x.part(0, i, 1).reshape(rest(x.shape()))
            } else {
                x
            }
        };
        let example = |i: usize| {
            let operands: Vec<Term<'a>> = operands.iter().map(|v| part(i, *v)).listed();
            self.record(self.op.clone(), &operands, &self.node.shape)
        };
        let all: Vec<Term<'a>> = (0..self.batch.n).map(example).listed();
        operands[0].x.then(&|_| {
            if all.is_empty() {
                return self.batch.device.zeros(self.batch.batched(&self.node.shape), self.node.dtype);
            }
            let all: Vec<&Tensor> = all.iter().map(|x| x.value()).listed();
            ops::stack(&all, 0)
        })
    }
}
