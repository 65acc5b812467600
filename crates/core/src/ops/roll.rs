//! Rotations along axes, and the Kronecker product.

use crate::calc::Calc;
use crate::error::{Error, Result};
use crate::ops::{mul, reshape};
use crate::tensor::Tensor;

/// `x` shifted by `shifts[i]` along `axes[i]`, one after the other; what leaves at one end enters at the other.
///
/// # Errors
/// `ErrorKind::Argument` when an axis does not exist or there are not as many axes as shifts.
pub fn roll(x: &Tensor, shifts: &[isize], axes: &[isize]) -> Result<Tensor> {
    if shifts.len() != axes.len() {
        return Err(Error::argument("roll", format_args!("{} axes, one per shift", shifts.len()), axes.len()));
    }
    let calc = Calc::default();
    let mut y = calc.of(x);
    for (&shift, &axis) in shifts.iter().zip(axes) {
        let axis = x.shape().axis(axis, "roll")?;
        let n = x.shape()[axis];
        let by = shift.rem_euclid(n.max(1) as isize) as usize;
        if by > 0 {
            y = y.part(axis, n - by, by).join(y.part(axis, 0, n - by), axis as isize);
        }
    }
    calc.result(y)
}

/// The Kronecker product: a copy of `b` for each element of `a`, times it. The shorter shape is taken to begin with ones.
///
/// # Errors
/// As [`mul`].
pub fn kron(a: &Tensor, b: &Tensor) -> Result<Tensor> {
    let rank = a.rank().max(b.rank());
    let dim = |t: &Tensor, d: usize| (t.rank() + d).checked_sub(rank).map_or(1, |d| t.shape()[d]);
    let (mut outer, mut inner, mut whole) = (Vec::new(), Vec::new(), Vec::new());
    for d in 0..rank {
        let (m, n) = (dim(a, d), dim(b, d));
        outer.extend_from_slice(&[m, 1]);
        inner.extend_from_slice(&[1, n]);
        whole.push(m * n);
    }
    reshape(&mul(&reshape(a, outer)?, &reshape(b, inner)?)?, whole)
}
