//! Linear algebra on the host, one matrix at a time and in float64: the CPU engine's and the reference interpreter's.

mod direct;
mod jacobi;
mod qr;

use crate::op::Linalg;
use crate::shape::Shape;

/// Runs `routine` on one matrix of each operand, whose shapes are `[batch, rows, columns]`. `out` has
/// [`Linalg::size`] elements.
pub fn run(routine: Linalg, shapes: &[Shape], operands: &[Vec<f64>], out: &mut [f64]) {
    let (Some(x), Some(shape), Some(last), Some(b)) =
        (operands.first(), shapes.first(), shapes.last(), operands.last())
    else {
        return;
    };
    let (m, n, k) = (shape[1], shape[2], last[2]);
    match routine {
        Linalg::Cholesky => direct::cholesky(x, n, out),
        Linalg::TriangularSolve { lower, adjoint, unit } => {
            out.copy_from_slice(b);
            direct::triangular_solve(x, n, [lower, adjoint, unit], k, out);
        }
        Linalg::Lu => direct::lu(x, n, out),
        Linalg::Qr { full } => qr::qr(x, m, n, if full { m } else { n }, out),
        Linalg::Eigh => jacobi::eigh(x, n, out),
        Linalg::Svd => jacobi::svd(x, m, n, out),
    }
}

/// The sum of products, in four parts so that they need not wait for each other.
fn dot(a: &[f64], b: &[f64]) -> f64 {
    let mut sums = [0.0; 4];
    let (fours, others) = (a.chunks_exact(4).zip(b.chunks_exact(4)), a.len() / 4 * 4);
    for (a, b) in fours {
        (0..4).for_each(|i| sums[i] += a[i] * b[i]);
    }
    let rest: f64 = a[others..].iter().zip(&b[others..]).map(|(a, b)| a * b).sum();
    sums[0] + sums[1] + (sums[2] + sums[3]) + rest
}

/// `y += f * x`.
fn add_multiple(y: &mut [f64], f: f64, x: &[f64]) {
    y.iter_mut().zip(x).for_each(|(y, x)| *y += f * x);
}

/// Rows `p` and `q`, two different ones, of a matrix with `n` columns.
fn two_rows(x: &mut [f64], n: usize, p: usize, q: usize) -> (&mut [f64], &mut [f64]) {
    let (low, high) = x.split_at_mut(p.max(q) * n);
    let (a, b) = (&mut low[p.min(q) * n..][..n], &mut high[..n]);
    if p < q {
        (a, b)
    } else {
        (b, a)
    }
}

/// The identity matrix.
fn identity(n: usize) -> Vec<f64> {
    let mut x = vec![0.0; n * n];
    (0..n).for_each(|i| x[i * n + i] = 1.0);
    x
}
