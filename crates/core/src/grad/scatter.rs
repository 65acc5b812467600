//! The gradients of placing with a reduction.

use crate::error::Result;
use crate::op::ReduceOp;
use crate::ops;
use crate::tensor::Tensor;

/// The gradient of `x [outer, k, inner]` given that of `y [outer, n, inner]`, its reduction at `index [k]`.
pub(super) fn backward(op: ReduceOp, x: &Tensor, index: &Tensor, y: &Tensor, dy: &Tensor) -> Result<Tensor> {
    let picked = |t: &Tensor| ops::gather(t, index, 1, 0);
    let dy = picked(dy)?;
    let zero = x.constant(0.0);
    match op {
        ReduceOp::Sum => Ok(dy),
        // Every extremum receives the gradient, as in a reduction.
        ReduceOp::Max | ReduceOp::Min => ops::select(&ops::equal(x, &picked(y)?)?, &dy, &zero),
        // The product of the others: that of all but zeros by the element; a place with one zero has a gradient for that
        // one alone, a place with several has none.
        ReduceOp::Prod => {
            let n = y.shape()[1];
            let is_zero = ops::equal(x, &zero)?;
            let factor = ops::select(&is_zero, &x.constant(1.0), x)?;
            let product = picked(&ops::scatter(&factor, index, n, op)?)?;
            let zeros = picked(&ops::scatter(&is_zero.cast(x.dtype())?, index, n, ReduceOp::Sum)?)?;
            let others = ops::equal(&zeros, &is_zero.cast(x.dtype())?)?;
            ops::select(&others, &ops::mul(&dy, &ops::div(&product, &factor)?)?, &zero)
        }
    }
}
