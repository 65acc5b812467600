//! The gradients of cumulative operations.

use crate::dtype::{DType, Scalar};
use crate::error::Result;
use crate::op::{ReduceOp, ScanKind};
use crate::ops;
use crate::tensor::Tensor;

/// The gradient of `x [outer, n, inner]` given that of its scan.
pub(super) fn backward(kind: ScanKind, x: &Tensor, dy: &Tensor) -> Result<Tensor> {
    match kind.op {
        ReduceOp::Sum => ops::scan(dy, ScanKind { reverse: !kind.reverse, ..kind }),
        ReduceOp::Prod => product(kind, x, dy),
        ReduceOp::Max | ReduceOp::Min => extremum(kind, x, dy),
    }
}

/// `dx[k]` is the product of all before `k`, times the sum over `i >= k` of `dy[i]` times the product of what lies between:
/// a linear recurrence from the back. Nothing is divided by, so that zeros are no trouble.
fn product(kind: ScanKind, x: &Tensor, dy: &Tensor) -> Result<Tensor> {
    // Both recurrences run forwards over tensors turned to suit.
    let flipped = |t: &Tensor, flip: bool| if flip { ops::reverse(t, Some(&[1])) } else { Ok(t.clone()) };
    let (x, dy) = (flipped(x, !kind.reverse)?, flipped(dy, !kind.reverse)?);
    let dy = if kind.exclusive { ops::shift(&dy, 1, 0.0)? } else { dy };
    let after = ops::linear_recurrence(&ops::shift(&x, 1, 0.0)?, &dy)?;
    let before = ops::scan(&x, ScanKind { op: ReduceOp::Prod, exclusive: true, reverse: true })?;
    flipped(&ops::mul(&before, &after)?, !kind.reverse)
}

/// Each result's gradient goes to the position of the extremum it shows, the latest of equals.
fn extremum(kind: ScanKind, x: &Tensor, dy: &Tensor) -> Result<Tensor> {
    let shape = x.shape();
    let device = x.device();
    let best = ops::scan(x, ScanKind { exclusive: false, ..kind })?;
    let position = device.iota(shape, 1)?;
    // The running extremum of the positions of records: where there is none yet, a position outside.
    let op = if kind.reverse { ReduceOp::Min } else { ReduceOp::Max };
    let outside = device.constant(Scalar::from_bits(DType::I32, op.empty(DType::I32)));
    let records = ops::select(&ops::equal(x, &best)?, &position, &outside)?;
    let source = ops::scan(&records, ScanKind { op, ..kind })?;
    let lines = |t: &Tensor| ops::reshape(&ops::permute(t, &[0, 2, 1])?, [shape[0] * shape[2], shape[1]]);
    let sums = ops::put_along_add(&lines(dy)?, &lines(&source)?, shape[1])?;
    ops::permute(&ops::reshape(&sums, [shape[0], shape[2], shape[1]])?, &[0, 2, 1])
}
