//! Triangular factors and systems.

use super::{add_multiple, dot, two_rows};
use crate::collect::Listed;

/// See [`crate::op::Linalg::Cholesky`]: row by row, each from the rows above.
pub fn cholesky(a: &[f64], n: usize, l: &mut [f64]) {
    l.fill(0.0);
    for i in 0..n {
        for j in 0..=i {
            let rest = a[i * n + j] - dot(&l[i * n..i * n + j], &l[j * n..j * n + j]);
            l[i * n + j] = if i != j {
                rest / l[j * n + j]
            } else if rest > 0.0 {
                rest.sqrt()
            } else {
                return (0..n).for_each(|i| l[i * n..=i * n + i].fill(f64::NAN));
            };
        }
    }
}

/// See [`crate::op::Linalg::TriangularSolve`]: the right side `x` `[n, k]` is replaced by the solution.
pub fn triangular_solve(a: &[f64], n: usize, [lower, adjoint, unit]: [bool; 3], k: usize, x: &mut [f64]) {
    let nth = |i: usize| if lower != adjoint { i } else { n - 1 - i };
    for row in (0..n).map(nth) {
        for column in (0..n).map(nth).take_while(|&column| column != row) {
            let f = if adjoint { a[column * n + row] } else { a[row * n + column] };
            let (x, known) = two_rows(x, k, row, column);
            add_multiple(x, -f, known);
        }
        if !unit {
            x[row * k..(row + 1) * k].iter_mut().for_each(|x| *x /= a[row * n + row]);
        }
    }
}

/// See [`crate::op::Linalg::Lu`].
pub fn lu(a: &[f64], n: usize, out: &mut [f64]) {
    let width = n + 1;
    out.fill(0.0);
    (0..n).for_each(|i| out[i * width..][..n].copy_from_slice(&a[i * n..(i + 1) * n]));
    let mut order: Vec<usize> = (0..n).listed();
    let mut parity = 1.0;
    for j in 0..n {
        let size = |i: usize, out: &[f64]| out[i * width + j].abs();
        let pivot = (j + 1..n).fold(j, |best, i| if size(i, out) > size(best, out) { i } else { best });
        if pivot != j {
            let (a, b) = two_rows(out, width, j, pivot);
            a.swap_with_slice(b);
            order.swap(j, pivot);
            parity = -parity;
        }
        // A column of zeros is eliminated already.
        if size(j, out) == 0.0 {
            continue;
        }
        for i in j + 1..n {
            let (row, top) = two_rows(out, width, i, j);
            row[j] /= top[j];
            let f = -row[j];
            add_multiple(&mut row[j + 1..n], f, &top[j + 1..n]);
        }
    }
    for (i, &from) in order.iter().enumerate() {
        out[n * width + i] = from as f64;
        out[from * width + n] = i as f64;
    }
    out[n * width + n] = parity;
}
