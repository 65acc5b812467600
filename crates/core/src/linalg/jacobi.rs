//! Eigenvalues and singular values by Jacobi's rotations (Golub and Van Loan, Matrix Computations, 8.5 and 8.6).

use super::{add_multiple, dot, identity, two_rows};
use crate::collect::Listed;
use crate::op::Linalg;

/// The cosine and sine of the rotation that makes `[[p, pq], [pq, q]]` diagonal, `pq` not being 0.
fn rotation(p: f64, q: f64, pq: f64) -> (f64, f64) {
    let theta = (q - p) / (2.0 * pq);
    let tangent = theta.signum() / (theta.abs() + (theta * theta + 1.0).sqrt());
    let cosine = 1.0 / (tangent * tangent + 1.0).sqrt();
    (cosine, tangent * cosine)
}

fn rotate(x: &mut [f64], n: usize, [p, q]: [usize; 2], (cosine, sine): (f64, f64)) {
    let (a, b) = two_rows(x, n, p, q);
    for (a, b) in a.iter_mut().zip(b) {
        (*a, *b) = (cosine * *a - sine * *b, sine * *a + cosine * *b);
    }
}

/// Calls `turn` with every pair below `n` again and again, until it turned none or often enough.
fn sweep(n: usize, mut turn: impl FnMut(usize, usize) -> bool) {
    for _ in 0..Linalg::SWEEPS {
        let mut turned = false;
        for p in 0..n {
            for q in p + 1..n {
                turned |= turn(p, q);
            }
        }
        if !turned {
            break;
        }
    }
}

/// The positions of the elements in ascending order, the first of equals first.
fn ascending(x: &[f64]) -> Vec<usize> {
    let mut order = vec![0; x.len()];
    for i in 0..x.len() {
        let before = |&j: &usize| x[j] < x[i] || (x[j] == x[i] && j < i);
        order[(0..x.len()).filter(before).count()] = i;
    }
    order
}

/// 1 or -1: what makes a vector's sign the one that [`Linalg::LARGE`] says.
fn sign(v: &[f64]) -> f64 {
    let largest = v.iter().fold(0.0f64, |m, x| m.max(x.abs()));
    let large = v.iter().find(|x| x.abs() >= Linalg::LARGE * largest);
    if large.is_some_and(|&x| x < 0.0) {
        -1.0
    } else {
        1.0
    }
}

/// See [`Linalg::Eigh`].
pub fn eigh(a: &[f64], n: usize, out: &mut [f64]) {
    let norm = dot(a, a).sqrt();
    if !norm.is_finite() {
        return out.fill(f64::NAN);
    }
    let (mut a, mut v) = (a.to_vec(), identity(n));
    sweep(n, |p, q| {
        let (i, j, between) = (p * n + p, q * n + q, p * n + q);
        if a[between].abs() <= 1e-17 * norm {
            return false;
        }
        let turn = rotation(a[i], a[j], a[between]);
        rotate(&mut a, n, [p, q], turn);
        for row in a.chunks_exact_mut(n) {
            let (x, y) = (row[p], row[q]);
            (row[p], row[q]) = (turn.0 * x - turn.1 * y, turn.1 * x + turn.0 * y);
        }
        (a[between], a[q * n + p]) = (0.0, 0.0);
        rotate(&mut v, n, [p, q], turn);
        true
    });
    let values: Vec<f64> = (0..n).map(|i| a[i * n + i]).listed();
    for (to, from) in ascending(&values).into_iter().enumerate() {
        out[to] = values[from];
        let v = &v[from * n..(from + 1) * n];
        let sign = sign(v);
        v.iter().enumerate().for_each(|(i, v)| out[n + i * n + to] = sign * v);
    }
}

/// See [`Linalg::Svd`]: rotates columns until they are orthogonal (Hestenes 1958).
pub fn svd(x: &[f64], m: usize, n: usize, out: &mut [f64]) {
    let norm = dot(x, x).sqrt();
    if !norm.is_finite() {
        return out.fill(f64::NAN);
    }
    // Rows are columns here, so that they lie together.
    let mut columns = vec![0.0; n * m];
    (0..n * m).for_each(|i| columns[i % n * m + i / n] = x[i]);
    let mut v = identity(n);
    // What is shorter is rounding.
    let nothing = f64::EPSILON * m as f64 * norm;
    sweep(n, |p, q| {
        let (a, b) = (&columns[p * m..(p + 1) * m], &columns[q * m..(q + 1) * m]);
        let (pp, qq, pq) = (dot(a, a), dot(b, b), dot(a, b));
        if pp.min(qq) <= nothing * nothing || pq.abs() <= 1e-15 * (pp * qq).sqrt() {
            return false;
        }
        let turn = rotation(pp, qq, pq);
        rotate(&mut columns, m, [p, q], turn);
        rotate(&mut v, n, [p, q], turn);
        true
    });
    let minus: Vec<f64> = columns.chunks_exact(m.max(1)).map(|c| -dot(c, c).sqrt()).listed();
    let (left, rest) = out.split_at_mut(m * n);
    let (values, right) = rest.split_at_mut(n);
    let mut found: Vec<f64> = Vec::with_capacity(n * m);
    for (to, from) in ascending(&minus).into_iter().enumerate() {
        values[to] = -minus[from];
        let mut u = if values[to] > nothing {
            columns[from * m..(from + 1) * m].iter().map(|x| x / values[to]).listed()
        } else {
            orthogonal(&found, m)
        };
        let sign = sign(&u);
        u.iter_mut().for_each(|u| *u *= sign);
        u.iter().enumerate().for_each(|(i, u)| left[i * n + to] = *u);
        (0..n).for_each(|i| right[i * n + to] = sign * v[from * n + i]);
        found.extend(u);
    }
}

/// A unit vector orthogonal to the orthonormal rows of `found`: the axis that is farthest from them, without their part.
fn orthogonal(found: &[f64], m: usize) -> Vec<f64> {
    let covered = |i: usize| found.iter().skip(i).step_by(m).map(|x| x * x).sum::<f64>();
    let axis = (1..m).fold(0, |best, i| if covered(i) < covered(best) { i } else { best });
    let mut v = vec![0.0; m];
    v[axis] = 1.0;
    // Twice is enough (Kahan).
    for _ in 0..2 {
        for other in found.chunks_exact(m) {
            let along = dot(&v, other);
            add_multiple(&mut v, -along, other);
        }
        let size = dot(&v, &v).sqrt();
        v.iter_mut().for_each(|v| *v /= size);
    }
    v
}
