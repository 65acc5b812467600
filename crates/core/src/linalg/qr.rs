//! The QR decomposition by Householder reflections.

use super::add_multiple;
use crate::collect::Listed;

/// Applies `1 - tau v vᵀ` to the rows from `first` on and the columns from `from` on of a matrix with `width` columns.
fn reflect(x: &mut [f64], width: usize, first: usize, from: usize, v: &[f64], tau: f64) {
    let mut sums = vec![0.0; width - from];
    let rows = || (first..first + v.len()).map(|i| i * width + from..(i + 1) * width);
    for (row, v) in rows().zip(v) {
        add_multiple(&mut sums, *v, &x[row]);
    }
    for (row, v) in rows().zip(v) {
        add_multiple(&mut x[row], -tau * v, &sums);
    }
}

/// See [`crate::op::Linalg::Qr`].
pub fn qr(x: &[f64], m: usize, n: usize, k: usize, out: &mut [f64]) {
    let (q, r) = out.split_at_mut(m * k);
    let mut x = x.to_vec();
    // Each reflection's vector, from the diagonal on, and factor.
    let mut reflections: Vec<(Vec<f64>, f64)> = Vec::with_capacity(n);
    for j in 0..n {
        let mut v: Vec<f64> = (j..m).map(|i| x[i * n + j]).listed();
        let size = v.iter().map(|v| v * v).sum::<f64>().sqrt();
        let (head, diagonal) = (v[0], if v[0] > 0.0 { -size } else { size });
        // A column of zeros is left as it is.
        let tau = if size == 0.0 { 0.0 } else { (diagonal - head) / diagonal };
        if tau != 0.0 {
            v.iter_mut().for_each(|v| *v /= head - diagonal);
        }
        v[0] = 1.0;
        reflect(&mut x, n, j, j, &v, tau);
        reflections.push((v, tau));
    }
    for i in 0..k {
        for j in 0..n {
            r[i * n + j] = if i <= j { x[i * n + j] } else { 0.0 };
        }
    }
    q.fill(0.0);
    (0..k).for_each(|i| q[i * k + i] = 1.0);
    for (j, (v, tau)) in reflections.iter().enumerate().rev() {
        reflect(q, k, j, j, v, *tau);
    }
}
