//! The QR decomposition.

use super::solve::{triangular, Triangle};
use super::{routine, Matrices};
use crate::calc::{with_gradient, Calc, Gradient, Term};
use crate::error::{Error, Result};
use crate::op::Linalg;
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
    let calc = Calc::default();
    let a = Matrices::new(&calc, "qr", x)?;
    let (m, n) = (a.m, a.n);
    // The first columns of a wide matrix determine q.
    let [q, mut r] = tall(a.x.part(2, 0, n.min(m)), m, n.min(m), full);
    if n > m {
        r = r.join(q.t().dot(a.x.part(2, m, n - m)), -1);
    }
    a.both([q, r])
}

/// Of `[batch, m, n]`, `m >= n`.
fn tall(x: Term<'_>, m: usize, n: usize, full: bool) -> [Term<'_>; 2] {
    let k = if full { m } else { n };
    let backward: Gradient = Box::new(move |packed, dy| {
        if k > n {
            let message = "qr() with fullMatrices has no gradient where there are more rows than columns";
            return vec![dy.fail(Error::gradient(message))];
        }
        let ([q, r], [dq, dr]) = (factors(packed, m, n, k), factors(dy, m, n, k));
        let inner = r.dot(dr.t()) - dq.t().dot(q);
        // The lower triangle, mirrored.
        let mirrored = inner.triangle(true, true) + inner.triangle(true, false).t();
        let left = dq + q.dot(mirrored);
        vec![triangular(r, left.t(), Triangle { lower: false, adjoint: false, unit: false }).t()]
    });
    factors(with_gradient(&[x], &|x| routine(Linalg::Qr { full }, x), backward), m, n, k)
}

/// `q` and `r`, which the routine gives in one.
fn factors(packed: Term<'_>, m: usize, n: usize, k: usize) -> [Term<'_>; 2] {
    [packed.unpack(0, &[m, k]), packed.unpack(m * k, &[k, n])]
}
