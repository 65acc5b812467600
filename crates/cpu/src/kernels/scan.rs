//! Cumulative operations.

use headwater_core::op::ScanKind;
use headwater_core::DType;
use headwater_lanes::{fold_into, simd::Level, Combine};

use super::Shared;
use crate::threads::Pool;

/// Elements below which a scan runs on one thread.
const PARALLEL: usize = 1 << 15;
/// Elements that are combined before they join what is before them.
const STEPS: usize = 8;
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
    // SAFETY: tasks have other columns or another `o`, all inside `out`.
    let part = |range: std::ops::Range<usize>| unsafe {
        std::slice::from_raw_parts_mut(shared.get().add(range.start), range.len())
    };
    let line = |o: usize| {
        let range = o * n..(o + 1) * n;
        let (to, x) = (part(range.clone()), &x[range]);
        let mut acc = combine.empty();
        for start in (0..n).step_by(STEPS) {
            // What a few elements come to does not wait for all before them.
            let mut few = combine.empty();
            for i in start..(start + STEPS).min(n) {
                let at = if kind.reverse { n - 1 - i } else { i };
                let next = combine.pair(few, x[at]);
                to[at] = combine.pair(acc, if kind.exclusive { few } else { next });
                few = next;
            }
            acc = combine.pair(acc, few);
        }
    };
    // Several lines that lie side by side are combined at a time.
    let lines = |o: usize, columns: std::ops::Range<usize>| {
        let mut acc = vec![combine.empty(); columns.len()];
        for i in 0..n {
            let start = (o * n + if kind.reverse { n - 1 - i } else { i }) * inner;
            let range = start + columns.start..start + columns.end;
            let to = part(range.clone());
            if kind.exclusive {
                to.copy_from_slice(&acc);
            }
            fold_into(level, combine, &mut acc, &x[range]);
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
            if inner == 1 {
                line(o);
            } else {
                lines(o, part * LINES..((part + 1) * LINES).min(inner));
            }
        }
    });
}
