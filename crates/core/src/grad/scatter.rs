//! The gradients of placing with a reduction.

use crate::calc::Term;
use crate::op::ReduceOp;
use crate::ops;
use crate::tensor::Tensor;

/// The gradient of `x [outer, k, inner]` given that of `y [outer, n, inner]`, its reduction at `index [k]`.
pub(super) fn backward<'a>(op: ReduceOp, x: Term<'a>, index: &Tensor, y: Term<'a>, dy: Term<'a>) -> Term<'a> {
    let picked = |t: Term<'a>| t.then(&|t| ops::gather(t, index, 1, 0));
    let dy = picked(dy);
    let zero = x.like(0.0);
    match op {
        ReduceOp::Sum => dy,
        // Every extremum receives the gradient, as in a reduction.
        ReduceOp::Max | ReduceOp::Min => x.with(picked(y), ops::equal).choose(dy, zero),
        // The product of the others: that of all but zeros by the element; a place with one zero has a gradient for that
        // one alone, a place with several has none.
        ReduceOp::Prod => {
            let over = |t: Term<'a>, op| picked(t.then(&|t| ops::scatter(t, index, y.dim(1), op)));
            let is_zero = x.with(zero, ops::equal);
            let factor = is_zero.choose(x.like(1.0), x);
            let zeros = is_zero.cast(x.value().dtype());
            let alone = over(zeros, ReduceOp::Sum).with(zeros, ops::equal);
            alone.choose(dy * over(factor, op).with(factor, ops::div), zero)
        }
    }
}
