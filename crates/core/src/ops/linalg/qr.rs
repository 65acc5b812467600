//! The QR decomposition.

use super::parts::triangle;
use super::solve::triangular;
use super::{part, product, routine, transposed, Matrices};
use crate::error::{Error, Result};
use crate::grad::custom;
use crate::op::Linalg;
use crate::ops::{add, concat, slice, sub};
use crate::tensor::Tensor;

/// `q` with orthonormal columns and upper triangular `r` with `q r = x` `[m, n]`: `[m, k]` and `[k, n]`, k being `m` where
/// `full` and the smaller of both otherwise. Signs are TensorFlow.js's: see [`Linalg::Qr`]. There is no gradient of a `full`
/// one with more rows than columns; that of another is not finite where columns depend on each other.
///
/// Gradient: Walter and Lehmann, Algorithmic differentiation of linear algebra functions, 2010.
///
/// # Errors
/// `ErrorKind::Shape` when there are no two dimensions.
pub fn qr(x: &Tensor, full: bool) -> Result<(Tensor, Tensor)> {
    let a = Matrices::new("qr", x)?;
    let (m, n) = (a.rows(), a.columns());
    // The first columns of a wide matrix determine q.
    let columns = |begin: usize, size: usize| slice(&a.x, &[0, 0, begin], &[a.x.shape()[0], m, size]);
    let (q, r) = tall(&columns(0, n.min(m))?, full)?;
    let r = if n > m { concat(&[&r, &product(&transposed(&q)?, &columns(m, n - m)?)?], -1)? } else { r };
    Ok((a.back(&q)?, a.back(&r)?))
}

/// Of `[batch, m, n]`, `m >= n`.
fn tall(x: &Tensor, full: bool) -> Result<(Tensor, Tensor)> {
    let (m, n) = (x.shape()[1], x.shape()[2]);
    let k = if full { m } else { n };
    let both = move |packed: &Tensor| Ok((part(packed, 0, [m, k])?, part(packed, m * k, [k, n])?));
    let backward = move |packed: &Tensor, dy: &Tensor| {
        if k > n {
            return Err(Error::gradient(
                "qr() with fullMatrices has no gradient where there are more rows than columns",
            ));
        }
        let ((q, r), (dq, dr)) = (both(packed)?, both(dy)?);
        let inner = sub(&product(&r, &transposed(&dr)?)?, &product(&transposed(&dq)?, &q)?)?;
        // The lower triangle, mirrored.
        let mirrored = add(&triangle(&inner, true, true)?, &transposed(&triangle(&inner, true, false)?)?)?;
        let left = add(&dq, &product(&q, &mirrored)?)?;
        Ok(vec![transposed(&triangular(&r, &transposed(&left)?, false, false, false)?)?])
    };
    both(&custom(&[x], |x| routine(Linalg::Qr { full }, &[&x[0]]), backward)?)
}
