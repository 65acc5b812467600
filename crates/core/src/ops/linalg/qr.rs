//! The QR decomposition.

use super::solve::{triangular, Triangle};
use super::{routine, with_gradient, Matrices, Term};
use crate::error::{Error, Result};
use crate::op::Linalg;
use crate::ops::{concat, slice};
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
    let (m, n) = (a.m, a.n);
    // The first columns of a wide matrix determine q.
    let columns = |begin: usize, size: usize| a.x.map(|x| slice(x, &[0, 0, begin], &[x.shape()[0], m, size]));
    let (q, r) = tall(&columns(0, n.min(m)), m, n.min(m), full);
    let r = if n > m { r.zip(&q.t().dot(&columns(m, n - m)), |a, b| concat(&[a, b], -1)) } else { r };
    Ok((a.back(&q)?, a.back(&r)?))
}

/// Of `[batch, m, n]`, `m >= n`.
fn tall(x: &Term, m: usize, n: usize, full: bool) -> (Term, Term) {
    let k = if full { m } else { n };
    let both = move |packed: &Term| (packed.part(0, &[m, k]), packed.part(m * k, &[k, n]));
    let backward = move |packed: &Term, dy: &Term| {
        if k > n {
            let message = "qr() with fullMatrices has no gradient where there are more rows than columns";
            return vec![Term(Err(Error::gradient(message)))];
        }
        let ((q, r), (dq, dr)) = (both(packed), both(dy));
        let inner = &r.dot(&dr.t()) - &dq.t().dot(&q);
        // The lower triangle, mirrored.
        let mirrored = &inner.triangle(true, true) + &inner.triangle(true, false).t();
        let left = &dq + &q.dot(&mirrored);
        vec![triangular(&r, &left.t(), Triangle { lower: false, adjoint: false, unit: false }).t()]
    };
    both(&with_gradient(&[x], &|x| routine(Linalg::Qr { full }, x), Box::new(backward)))
}
