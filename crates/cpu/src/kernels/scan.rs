//! Cumulative operations.

use headwater_core::op::ScanKind;
use headwater_core::DType;
use headwater_lanes::{fold_into, simd::Level, Combine};

use super::Shared;
use crate::threads::Pool;

/// Elements below which a scan runs on one thread.
const PARALLEL: usize = 1 << 15;
/// Neighbouring lines of one task.
const LINES: usize = 256;

/// Combines each element of `x [outer, n, inner]` with those before it along `n`, into `out` of as many elements.
pub fn scan(
    level: Level,
    pool: &Pool,
    kind: ScanKind,
    dtype: DType,
    [outer, n, inner]: [usize; 3],
    x: &[u32],
    out: &mut [u32],
) {
    if out.is_empty() {
        return;
    }
    let combine = Combine { op: kind.op, dtype };
    let shared = Shared(out.as_mut_ptr());
    let row = |o: usize, i: usize, columns: &std::ops::Range<usize>| {
        let start = (o * n + if kind.reverse { n - 1 - i } else { i }) * inner;
        start + columns.start..start + columns.end
    };
    // Several lines that lie side by side are combined at a time.
    let lines = |o: usize, columns: std::ops::Range<usize>| {
        let mut acc = vec![combine.empty(); columns.len()];
        for i in 0..n {
            let range = row(o, i, &columns);
            // SAFETY: tasks have other columns or another `o`, all inside `out`.
            let to = unsafe { std::slice::from_raw_parts_mut(shared.get().add(range.start), range.len()) };
            if kind.exclusive {
                to.copy_from_slice(&acc);
            }
            if let ([acc], [x]) = (&mut acc[..], &x[range.clone()]) {
                *acc = combine.pair(*acc, *x);
            } else {
                fold_into(level, combine, &mut acc, &x[range]);
            }
            if !kind.exclusive {
                to.copy_from_slice(&acc);
            }
        }
    };
    let parts = inner.div_ceil(LINES);
    let tasks = outer * parts;
    let grain = if outer * n * inner < PARALLEL { tasks } else { (PARALLEL / (n * inner.min(LINES))).max(1) };
    pool.parallel_for(tasks.div_ceil(grain), |group| {
        for task in group * grain..((group + 1) * grain).min(tasks) {
            let (o, part) = (task / parts, task % parts);
            lines(o, part * LINES..((part + 1) * LINES).min(inner));
        }
    });
}
