//! The gradient of each family.

use smallvec::{smallvec, SmallVec};

use crate::dtype::Scalar;
use crate::error::Result;
use crate::op::{ConvKind, IndexOp, Op, PoolKind, ReduceOp, ResizeKind, ScanKind, ViewOp};
use crate::ops;
use crate::pointwise::Derivative;
use crate::shape::Shape;
use crate::tensor::Tensor;

type Parts = SmallVec<[Option<Tensor>; 3]>;

/// The gradients of `inputs` given that of `output`; only those `needed` are computed. `None` is zero.
pub(super) fn backward(op: &Op, inputs: &[Tensor], output: &Tensor, dy: &Tensor, needed: &[bool]) -> Result<Parts> {
    // Moves and sums of whole numbers pass on what they receive.
    let passes = matches!(op, Op::View(_) | Op::Reduce { op: ReduceOp::Sum, .. });
    if !output.dtype().is_float() && !passes {
        return Ok(smallvec![None; inputs.len()]);
    }
    let only = |part: Tensor| Ok(smallvec![Some(part)]);
    match op {
        Op::Const(_)
        | Op::Param(_)
        | Op::Iota { .. }
        | Op::ArgReduce { .. }
        | Op::Routine(_)
        | Op::View(ViewOp::Detach) => Ok(smallvec![None; inputs.len()]),
        Op::Pointwise(function) => (0..inputs.len())
            .map(|i| {
                if !needed[i] {
                    return Ok(None);
                }
                let part = match function.derivative(i) {
                    None => return Ok(None),
                    Some(Derivative::OfOutput(d)) => ops::apply(d, &[output, dy])?,
                    Some(Derivative::OfInputs(d)) => {
                        let operands: Vec<&Tensor> = inputs.iter().chain([dy]).collect();
                        ops::apply(d, &operands)?
                    }
                };
                // Broadcast operands receive the sum over their repetitions.
                let full = ops::broadcast_to(&part, output.shape())?;
                ops::sum_to(&full, inputs[i].shape()).map(Some)
            })
            .collect(),
        Op::View(view) => only(view_backward(view, inputs[0].shape(), dy)?),
        Op::Reduce { op, axes } => only(reduce_backward(*op, axes, &inputs[0], output, dy)?),
        Op::Scan(kind) => only(super::scan::backward(*kind, &inputs[0], dy)?),
        Op::MatMul => {
            let (a, b) = (&inputs[0], &inputs[1]);
            let transposed = |t: &Tensor| ops::permute(t, &[0, 2, 1]);
            let da = if needed[0] { Some(ops::batch_matmul_views(dy, &transposed(b)?)?) } else { None };
            let db = if needed[1] { Some(ops::batch_matmul_views(&transposed(a)?, dy)?) } else { None };
            Ok(smallvec![da, db])
        }
        Op::Conv(kind, geometry) => {
            let conv = |kind, a: &Tensor, b: &Tensor| ops::conv(kind, *geometry, a, b);
            let (a, b) = (&inputs[0], &inputs[1]);
            use ConvKind::{BackwardFilter, BackwardInput, Forward};
            let da = needed[0].then(|| match kind {
                Forward => conv(BackwardInput, dy, b),
                BackwardInput => conv(Forward, dy, b),
                BackwardFilter => conv(BackwardInput, b, dy),
            });
            let db = needed[1].then(|| match kind {
                Forward => conv(BackwardFilter, a, dy),
                BackwardInput => conv(BackwardFilter, dy, a),
                BackwardFilter => conv(Forward, a, dy),
            });
            Ok(smallvec![da.transpose()?, db.transpose()?])
        }
        Op::Pool(kind, geometry) => {
            let pool = |kind, inputs: &[&Tensor]| ops::pool(kind, *geometry, inputs);
            let index = || pool(PoolKind::ArgMax, &[&inputs[0]]);
            let part = match kind {
                PoolKind::Max => pool(PoolKind::MaxScatter, &[dy, &index()?])?,
                PoolKind::ArgMax => return Ok(smallvec![None]),
                PoolKind::MaxScatter => pool(PoolKind::MaxGather, &[dy, &inputs[1]])?,
                PoolKind::MaxGather => pool(PoolKind::MaxScatter, &[dy, &inputs[1]])?,
                PoolKind::Avg => pool(PoolKind::AvgBackward, &[dy])?,
                PoolKind::AvgBackward => pool(PoolKind::Avg, &[dy])?,
            };
            let mut parts: Parts = smallvec![None; inputs.len()];
            parts[0] = Some(part);
            Ok(parts)
        }
        Op::Resize(kind, geometry) => {
            let adjoint = match kind {
                ResizeKind::Bilinear => ResizeKind::BilinearBackward,
                ResizeKind::BilinearBackward => ResizeKind::Bilinear,
                ResizeKind::Nearest => ResizeKind::NearestBackward,
                ResizeKind::NearestBackward => ResizeKind::Nearest,
            };
            only(ops::resize(adjoint, *geometry, dy)?)
        }
        Op::Index(op) => {
            let index = &inputs[1];
            let n = inputs[0].shape()[1];
            let part = match op {
                IndexOp::Gather => ops::scatter(dy, index, n, ReduceOp::Sum)?,
                IndexOp::Scatter(op) => super::scatter::backward(*op, &inputs[0], index, output, dy)?,
                IndexOp::TakeAlong => ops::put_along_add(dy, index, n)?,
                IndexOp::PutAlongAdd => ops::take_along(dy, index)?,
            };
            Ok(smallvec![Some(part), None])
        }
        Op::Pad { before, between } => {
            let step: SmallVec<[isize; 6]> = between.iter().map(|&b| b as isize + 1).collect();
            let part = ops::strided_slice(dy, before, inputs[0].shape(), &step)?;
            Ok(smallvec![Some(part), None])
        }
        Op::Concat { axis } => {
            let sizes: Vec<usize> = inputs.iter().map(|t| t.shape()[*axis]).collect();
            Ok(ops::split(dy, &sizes, *axis as isize)?.into_iter().map(Some).collect())
        }
    }
}

fn view_backward(view: &ViewOp, input: &Shape, dy: &Tensor) -> Result<Tensor> {
    match view {
        ViewOp::Reshape => ops::reshape(dy, input),
        ViewOp::Detach => dy.zeros_like(),
        ViewOp::Recompute { .. } => Ok(dy.clone()),
        ViewOp::Broadcast => ops::sum_to(dy, input),
        ViewOp::Permute(perm) => {
            let mut inverse = vec![0; perm.len()];
            perm.iter().enumerate().for_each(|(i, &p)| inverse[p] = i);
            ops::permute(dy, &inverse)
        }
        ViewOp::Slice { begin, step } => {
            // A backwards slice is a forwards slice of the reversed.
            let backwards: Vec<isize> = (0..step.len()).filter(|&d| step[d] < 0).map(|d| d as isize).collect();
            let forwards = if backwards.is_empty() { dy.clone() } else { ops::reverse(dy, Some(&backwards))? };
            let lowest = |d: usize| {
                let last = dy.shape()[d].saturating_sub(1) as isize * step[d];
                (begin[d] as isize + last.min(0)).max(0) as usize
            };
            let before: Vec<usize> = (0..step.len()).map(lowest).collect();
            let between: Vec<usize> = step.iter().map(|s| s.unsigned_abs() - 1).collect();
            let zero = dy.device().constant(Scalar::F32(0.0));
            ops::pad_between(&forwards, &before, &between, input.clone(), &zero)
        }
    }
}

fn reduce_backward(op: ReduceOp, axes: &[usize], x: &Tensor, y: &Tensor, dy: &Tensor) -> Result<Tensor> {
    let kept = x.shape().keeping(axes);
    let spread = |t: &Tensor| ops::broadcast_to(&ops::reshape(t, &kept)?, x.shape());
    let dy = spread(dy)?;
    match op {
        ReduceOp::Sum => Ok(dy),
        // Every maximum receives the gradient, as in TensorFlow.js.
        ReduceOp::Max | ReduceOp::Min => {
            let hit = ops::equal(x, &spread(y)?)?;
            ops::select(&hit, &dy, &x.constant(0.0))
        }
        ReduceOp::Prod => prod_backward(axes, x, &dy),
    }
}

/// The product of the other elements, without dividing, so that zeros are no trouble: products of all before times
/// products of all after.
fn prod_backward(axes: &[usize], x: &Tensor, dy: &Tensor) -> Result<Tensor> {
    let order = x.shape().order_with_last(axes);
    let n: usize = axes.iter().map(|&a| x.shape()[a]).product();
    let permuted = ops::permute(x, &order)?;
    let rows = x.size() / n.max(1);
    let flat = ops::reshape(&permuted, [rows, n, 1])?;
    let others = |reverse| ops::scan(&flat, ScanKind { op: ReduceOp::Prod, exclusive: true, reverse });
    let others = ops::reshape(&ops::mul(&others(false)?, &others(true)?)?, permuted.shape())?;
    let mut inverse = vec![0; order.len()];
    order.iter().enumerate().for_each(|(i, &p)| inverse[p] = i);
    ops::mul(dy, &ops::permute(&others, &inverse)?)
}
