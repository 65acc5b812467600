//! The gradient of each family.

use crate::calc::{Calc, Term};
use crate::collect::Listed;
use crate::dtype::Scalar;
use crate::error::Result;
use crate::op::{ConvKind, IndexOp, Op, PoolKind, ReduceOp, ResizeKind, ScanKind, ViewOp};
use crate::ops;
use crate::pointwise::{Derivative, Function};
use crate::shape::Shape;
use crate::tensor::Tensor;

/// The gradients of `inputs` given that of `output`; only those `needed` are computed. `None` is zero.
pub(super) fn backward(
    op: &Op,
    inputs: &[Tensor],
    output: &Tensor,
    dy: &Tensor,
    needed: &[bool],
) -> Result<Vec<Option<Tensor>>> {
    let calc = Calc::default();
    let mut parts: Vec<Option<Term<'_>>> = vec![None; inputs.len()];
    // Moves and sums of whole numbers pass on what they receive.
    let passes = matches!(op, Op::View(_) | Op::Reduce { op: ReduceOp::Sum, .. });
    if output.dtype().is_float() || passes {
        rule(op, inputs, calc.of(output), calc.of(dy), needed, &mut parts);
    }
    calc.check()?;
    Ok(parts.into_iter().map(|part| part.map(|term| term.value().clone())).listed())
}

/// Writes the gradients of inputs to `parts`.
fn rule<'a>(op: &Op, inputs: &[Tensor], y: Term<'a>, dy: Term<'a>, needed: &[bool], parts: &mut [Option<Term<'a>>]) {
    let input = |i: usize| dy.of(&inputs[i]);
    parts[0] = Some(match op {
        Op::Const(_)
        | Op::Param(_)
        | Op::Iota { .. }
        | Op::ArgReduce { .. }
        | Op::Routine(_)
        | Op::View(ViewOp::Detach)
        | Op::Pool(PoolKind::ArgMax, _) => return,
        Op::Pointwise(function) => {
            for i in (0..inputs.len()).filter(|&i| needed[i]) {
                parts[i] = pointwise(function, i, inputs, y, dy);
            }
            return;
        }
        Op::View(view) => view_backward(view, inputs[0].shape(), dy),
        Op::Reduce { op, axes } => reduce_backward(*op, axes, input(0), y, dy),
        Op::Scan(kind) => super::scan::backward(*kind, input(0), dy),
        Op::MatMul => {
            let transposed = |i: usize| input(i).permute(&[0, 2, 1]);
            parts[0] = needed[0].then(|| dy.with(transposed(1), ops::batch_matmul_views));
            parts[1] = needed[1].then(|| transposed(0).with(dy, ops::batch_matmul_views));
            return;
        }
        Op::Conv(kind, geometry) => {
            use ConvKind::{BackwardFilter, BackwardInput, Forward};
            let (a, b) = (input(0), input(1));
            let both = match kind {
                Forward => [(BackwardInput, dy, b), (BackwardFilter, a, dy)],
                BackwardInput => [(Forward, dy, b), (BackwardFilter, dy, a)],
                BackwardFilter => [(BackwardInput, b, dy), (Forward, a, dy)],
            };
            for (i, (kind, a, b)) in both.into_iter().enumerate() {
                parts[i] = needed[i].then(|| a.then(&|a| ops::conv(kind, *geometry, a, b.value())));
            }
            return;
        }
        Op::Pool(kind, geometry) => {
            let index = || input(0).then(&|x| ops::pool(PoolKind::ArgMax, *geometry, &[x]));
            let (kind, index) = match kind {
                PoolKind::Max => (PoolKind::MaxScatter, Some(index())),
                PoolKind::MaxScatter => (PoolKind::MaxGather, Some(input(1))),
                PoolKind::MaxGather => (PoolKind::MaxScatter, Some(input(1))),
                PoolKind::Avg => (PoolKind::AvgBackward, None),
                PoolKind::AvgBackward | PoolKind::ArgMax => (PoolKind::Avg, None),
            };
            dy.then(&|dy| match index {
                Some(index) => ops::pool(kind, *geometry, &[dy, index.value()]),
                None => ops::pool(kind, *geometry, &[dy]),
            })
        }
        Op::Resize(kind, geometry) => {
            let adjoint = match kind {
                ResizeKind::Bilinear => ResizeKind::BilinearBackward,
                ResizeKind::BilinearBackward => ResizeKind::Bilinear,
                ResizeKind::Nearest => ResizeKind::NearestBackward,
                ResizeKind::NearestBackward => ResizeKind::Nearest,
            };
            dy.then(&|dy| ops::resize(adjoint, *geometry, dy))
        }
        Op::Index(op) => {
            let (index, n) = (&inputs[1], inputs[0].shape()[1]);
            match op {
                IndexOp::Gather => dy.then(&|dy| ops::scatter(dy, index, n, ReduceOp::Sum)),
                IndexOp::Scatter(op) => super::scatter::backward(*op, input(0), index, y, dy),
                IndexOp::TakeAlong => dy.then(&|dy| ops::put_along_add(dy, index, n)),
                IndexOp::PutAlongAdd => dy.then(&|dy| ops::take_along(dy, index)),
            }
        }
        Op::Pad { before, between } => {
            let step: Vec<isize> = between.iter().map(|&b| b as isize + 1).listed();
            dy.then(&|dy| ops::strided_slice(dy, before, inputs[0].shape(), &step))
        }
        Op::Concat { axis } => {
            let sizes: Vec<usize> = inputs.iter().map(|t| t.shape()[*axis]).listed();
            let found = dy.several(&|dy| ops::split(dy, &sizes, *axis as isize));
            parts.iter_mut().zip(found).for_each(|(part, found)| *part = Some(found));
            return;
        }
    });
}

fn pointwise<'a>(function: &Function, wrt: usize, inputs: &[Tensor], y: Term<'a>, dy: Term<'a>) -> Option<Term<'a>> {
    let derivative = function.derivative(wrt)?;
    let part = dy.then(&|dy| match &derivative {
        Derivative::OfOutput(d) => ops::apply(d.clone(), &[y.value(), dy]),
        Derivative::OfInputs(d) => ops::apply(d.clone(), &inputs.iter().chain([dy]).listed()),
    });
    // Broadcast operands receive the sum over their repetitions.
    Some(part.broadcast(y.shape()).then(&|full| ops::sum_to(full, inputs[wrt].shape())))
}

fn view_backward<'a>(view: &ViewOp, input: &Shape, dy: Term<'a>) -> Term<'a> {
    match view {
        ViewOp::Reshape => dy.reshape(input),
        ViewOp::Detach => dy.then(&|dy| dy.zeros_like()),
        ViewOp::Recompute { .. } => dy,
        ViewOp::Broadcast => dy.then(&|dy| ops::sum_to(dy, input)),
        ViewOp::Permute(perm) => dy.permute(&inverse(perm)),
        ViewOp::Slice { begin, step } => {
            // A backwards slice is a forwards slice of the reversed.
            let backwards: Vec<isize> = (0..step.len()).filter(|&d| step[d] < 0).map(|d| d as isize).listed();
            let forwards = if backwards.is_empty() { dy } else { dy.then(&|dy| ops::reverse(dy, Some(&backwards))) };
            let lowest = |d: usize| {
                let last = dy.shape()[d].saturating_sub(1) as isize * step[d];
                (begin[d] as isize + last.min(0)).max(0) as usize
            };
            let before: Vec<usize> = (0..step.len()).map(lowest).listed();
            let between: Vec<usize> = step.iter().map(|s| s.unsigned_abs() - 1).listed();
            forwards.then(&|forwards| {
                let zero = forwards.device().constant(Scalar::F32(0.0));
                ops::pad_between(forwards, &before, &between, input.clone(), &zero)
            })
        }
    }
}

/// The order that undoes another.
fn inverse(order: &[usize]) -> Vec<usize> {
    let mut inverse = vec![0; order.len()];
    order.iter().enumerate().for_each(|(i, &p)| inverse[p] = i);
    inverse
}

fn reduce_backward<'a>(op: ReduceOp, axes: &[usize], x: Term<'a>, y: Term<'a>, dy: Term<'a>) -> Term<'a> {
    let kept = x.shape().keeping(axes);
    let spread = |t: Term<'a>| t.reshape(&kept).broadcast(x.shape());
    let dy = spread(dy);
    match op {
        ReduceOp::Sum => dy,
        // Every maximum receives the gradient, as in TensorFlow.js.
        ReduceOp::Max | ReduceOp::Min => x.with(spread(y), ops::equal).choose(dy, x.like(0.0)),
        ReduceOp::Prod => prod_backward(axes, x, dy),
    }
}

/// The product of the other elements, without dividing, so that zeros are no trouble: products of all before times
/// products of all after.
fn prod_backward<'a>(axes: &[usize], x: Term<'a>, dy: Term<'a>) -> Term<'a> {
    let order = x.shape().order_with_last(axes);
    let n: usize = axes.iter().map(|&a| x.shape()[a]).product();
    let permuted = x.permute(&order);
    let flat = permuted.reshape(&[x.size() / n.max(1), n, 1]);
    let others = |reverse| flat.then(&|x| ops::scan(x, ScanKind { op: ReduceOp::Prod, exclusive: true, reverse }));
    let others = (others(false) * others(true)).reshape(permuted.shape());
    dy * others.permute(&inverse(&order))
}
