//! The gradients of cumulative operations.

use crate::calc::Term;
use crate::dtype::{DType, Scalar};
use crate::op::{ReduceOp, ScanKind};
use crate::ops;

fn scan(x: Term<'_>, kind: ScanKind) -> Term<'_> {
    x.then(&|x| ops::scan(x, kind))
}

/// The gradient of `x [outer, n, inner]` given that of its scan.
pub(super) fn backward<'a>(kind: ScanKind, x: Term<'a>, dy: Term<'a>) -> Term<'a> {
    match kind.op {
        ReduceOp::Sum => scan(dy, ScanKind { reverse: !kind.reverse, ..kind }),
        ReduceOp::Prod => product(kind, x, dy),
        ReduceOp::Max | ReduceOp::Min => extremum(kind, x, dy),
    }
}

/// `dx[k]` is the product of all before `k`, times the sum over `i >= k` of `dy[i]` times the product of what lies between:
/// a linear recurrence from the back. Nothing is divided by, so that zeros are no trouble.
fn product<'a>(kind: ScanKind, x: Term<'a>, dy: Term<'a>) -> Term<'a> {
    // Both recurrences run forwards over tensors turned to suit.
    let flipped = |t: Term<'a>| if kind.reverse { t } else { t.reverse(1) };
    let shifted = |t: Term<'a>| t.then(&|t| ops::shift(t, 1, 0.0));
    let (x, dy) = (flipped(x), flipped(dy));
    let dy = if kind.exclusive { shifted(dy) } else { dy };
    let after = shifted(x).with(dy, ops::linear_recurrence);
    flipped(scan(x, ScanKind { op: ReduceOp::Prod, exclusive: true, reverse: true }) * after)
}

/// Each result's gradient goes to the position of the extremum it shows, the latest of equals.
fn extremum<'a>(kind: ScanKind, x: Term<'a>, dy: Term<'a>) -> Term<'a> {
    let &[outer, n, inner] = &**x.shape() else { return dy };
    let best = scan(x, ScanKind { exclusive: false, ..kind });
    // The running extremum of the positions of records: where there is none yet, a position outside.
    let op = if kind.reverse { ReduceOp::Min } else { ReduceOp::Max };
    let outside = x.then(&|x| Ok(x.device().constant(Scalar::from_bits(DType::I32, op.empty(DType::I32)))));
    let records = x.with(best, ops::equal).choose(x.iota(x.shape(), 1), outside);
    let source = scan(records, ScanKind { op, ..kind });
    let lines = |t: Term<'a>| t.permute(&[0, 2, 1]).reshape(&[outer * inner, n]);
    let sums = lines(dy).then(&|dy| ops::put_along_add(dy, lines(source).value(), n));
    sums.reshape(&[outer, inner, n]).permute(&[0, 2, 1])
}
