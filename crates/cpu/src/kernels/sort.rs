//! Sorting by whole numbers.

use headwater_core::DType;

use super::Shared;
use crate::threads::Pool;

/// Elements of a task.
const GRAIN: usize = 1 << 12;

/// A whole number for an element, whose order is that of sorting. NaN comes last, and zeros are equal.
fn key(bits: u32, dtype: DType, descending: bool) -> u32 {
    let ascending = match dtype {
        DType::F32 if f32::from_bits(bits).is_nan() => return u32::MAX,
        DType::F32 if bits > 1 << 31 => !bits,
        DType::F32 => bits | 1 << 31,
        _ => bits ^ 1 << 31,
    };
    if descending {
        !ascending
    } else {
        ascending
    }
}

/// Positions of the first `k` elements in order of each row of `n`, into `out`; equal ones keep their order.
pub fn sort(pool: &Pool, x: &[u32], dtype: DType, descending: bool, n: usize, k: usize, out: &mut [u32]) {
    if out.is_empty() {
        return;
    }
    let (rows, batch) = (x.len() / n, (GRAIN / n).max(1));
    let shared = Shared(out.as_mut_ptr());
    pool.parallel_for(rows.div_ceil(batch), |task| {
        let mut order: Vec<u64> = Vec::with_capacity(n);
        for row in task * batch..((task + 1) * batch).min(rows) {
            // The position in the low half keeps the order of equals.
            let pair = |(i, &bits): (usize, &u32)| u64::from(key(bits, dtype, descending)) << 32 | i as u64;
            order.clear();
            order.extend(x[row * n..(row + 1) * n].iter().enumerate().map(pair));
            if k < n {
                order.select_nth_unstable(k);
            }
            order[..k].sort_unstable();
            // SAFETY: tasks have different rows, all inside `out`.
            let to = unsafe { std::slice::from_raw_parts_mut(shared.get().add(row * k), k) };
            to.iter_mut().zip(&order).for_each(|(to, &pair)| *to = pair as u32);
        }
    });
}
