//! Linear algebra over batches: each matrix by itself, on the threads of a pool.

use headwater_core::linalg;
use headwater_core::op::Linalg;
use headwater_core::Listed;
use headwater_core::Shape;

use super::Shared;
use crate::threads::Pool;

/// Runs `routine` on every matrix of operands `[batch, rows, columns]`, in float64, into `out` `[batch, size]`.
pub fn run(pool: &Pool, routine: Linalg, shapes: &[Shape], operands: &[&[f32]], out: &mut [f32]) {
    let batch = shapes.first().map_or(0, |s| s[0]);
    let size = out.len() / batch.max(1);
    let target = Shared(out.as_mut_ptr());
    let parts = batch.min(pool.threads() * 4);
    let chunk = batch.div_ceil(parts.max(1));
    pool.parallel_for(batch.div_ceil(chunk.max(1)), |part| {
        let mut result = vec![0.0; size];
        for g in part * chunk..((part + 1) * chunk).min(batch) {
            let matrix = |(x, s): (&&[f32], &Shape)| {
                let size = s[1] * s[2];
                x[g * size..(g + 1) * size].iter().map(|&x| f64::from(x)).collect()
            };
            let matrices: Vec<Vec<f64>> = operands.iter().zip(shapes).map(matrix).listed();
            linalg::run(routine, shapes, &matrices, &mut result);
            // SAFETY: `out` has `size` elements for each matrix, and every matrix belongs to one task.
            let out = unsafe { std::slice::from_raw_parts_mut(target.get().add(g * size), size) };
            out.iter_mut().zip(&result).for_each(|(out, &x)| *out = x as f32);
        }
    });
}
