//! Reductions of a program's values.

use headwater_core::op::ReduceOp;
use headwater_core::plan::{Access, Map};
use headwater_core::scalar::Instr;
use headwater_core::Listed;
use headwater_core::{Result, Shape};

use super::eval::{in_place, Evaluate, Operands, Prepared, TILE};
use super::Run;
use crate::kernels::Shared;
use headwater_lanes::{fold_into, fold_row, Combine};

/// Parts a long reduction of few results is split in: fixed, so that sums do not depend on the number of threads.
const PARTS: usize = 16;
/// Elements of a part below which splitting does not pay.
const MIN_PART: usize = 1 << 14;
/// Elements that are combined before the result joins the total: what a sum of many rounds off grows with the blocks and
/// their size, not with their product (Higham 1993).
const BLOCK: usize = TILE * 4;
/// The same for rows of results.
const BLOCK_ROWS: usize = 256;

impl Run<'_> {
    /// Reduces `body`, evaluated over `kept` leading and the remaining reduced dimensions, into `out`.
    pub(super) fn reduce(
        &self,
        op: ReduceOp,
        body: &Map,
        kept: usize,
        prepared: &Prepared,
        out: &mut [u32],
    ) -> Result<()> {
        let rows: usize = body.shape[..kept].iter().product();
        let n: usize = body.shape[kept..].iter().product();
        let combine = Combine { op, dtype: body.program.types[body.outputs[0].0 as usize] };
        if n == 0 || rows == 0 {
            out.fill(combine.empty());
            return Ok(());
        }
        if walks_columns(body, kept) {
            return self.reduce_columns(combine, &columns_first(body, kept), rows, n, out);
        }
        let inputs = self.inputs(body)?;
        let level = self.engine.level;
        // What is only read is reduced where it lies.
        let there = match body.program.code.as_slice() {
            &[Instr::Input(k)] if in_place(&body.inputs[k as usize], &self.plan.values) => {
                Some(&inputs[k as usize].words[body.inputs[k as usize].view.offset..])
            }
            _ => None,
        };
        let parts = if rows < PARTS && n >= 2 * MIN_PART { PARTS } else { 1 };
        let part = n.div_ceil(parts).next_multiple_of(TILE);
        let mut partial = vec![combine.empty(); rows * parts];
        let shared = Shared(partial.as_mut_ptr());
        // Short rows are evaluated many at a time.
        let batch = (TILE / n).clamp(1, rows);
        let tasks = rows.div_ceil(batch) * parts;
        let grain = if rows * n < MIN_PART { tasks } else { (MIN_PART / (part * batch)).max(1) };
        self.engine.pool.parallel_for(tasks.div_ceil(grain), |group| {
            let mut scratch = vec![0u32; if there.is_some() { 0 } else { (batch * n).clamp(1, BLOCK) }];
            let operands = Operands { inputs: &inputs, params: self.params, acc: &[] };
            let mut evaluate = Evaluate::new(body, prepared, operands, scratch.len());
            for task in group * grain..((group + 1) * grain).min(tasks) {
                let (first, p) = (task / parts * batch, task % parts);
                let last = (first + batch).min(rows);
                let (begin, end) = if parts == 1 {
                    (first * n, last * n)
                } else {
                    (first * n + p * part, first * n + ((p + 1) * part).min(n))
                };
                let mut acc = vec![combine.empty(); last - first];
                let mut start = begin;
                while start < end {
                    let tile = match there {
                        Some(lanes) => &lanes[start..end.min(start + BLOCK)],
                        None => {
                            let len = scratch.len().min(end - start);
                            evaluate.run(level, start..start + len, &mut [&mut scratch[..len]]);
                            &scratch[..len]
                        }
                    };
                    // The pieces of rows that the tile holds.
                    let mut at = 0;
                    while at < tile.len() {
                        let row = (start + at) / n;
                        let piece = ((row + 1) * n - (start + at)).min(tile.len() - at);
                        let value = fold_row(level, combine, &tile[at..at + piece]);
                        acc[row - first] = combine.pair(acc[row - first], value);
                        at += piece;
                    }
                    start += tile.len();
                }
                for (i, value) in acc.into_iter().enumerate() {
                    write(shared, (first + i) * parts + p, value);
                }
            }
        });
        for (row, out) in out.iter_mut().enumerate() {
            let values = &partial[row * parts..(row + 1) * parts];
            *out = values[1..].iter().fold(values[0], |a, &b| combine.pair(a, b));
        }
        Ok(())
    }

    /// `body` has the reduced dimensions first: whole rows of results are combined at a time.
    fn reduce_columns(&self, combine: Combine, body: &Map, rows: usize, n: usize, out: &mut [u32]) -> Result<()> {
        let inputs = self.inputs(body)?;
        let prepared = Prepared::new(body, &self.plan.values);
        let level = self.engine.level;
        let parts = if rows * n < 2 * MIN_PART { 1 } else { PARTS.min(n) };
        let part = n.div_ceil(parts);
        let mut partial = vec![combine.empty(); parts * rows];
        let shared = Shared(partial.as_mut_ptr());
        self.engine.pool.parallel_for(parts, |p| {
            let (first, last) = (p * part, ((p + 1) * part).min(n));
            let acc = super::part_of(shared, p * rows..(p + 1) * rows);
            // Several short rows of results are evaluated in one go.
            let batch = (TILE * 2 / rows).max(1);
            let mut scratch = vec![0u32; batch * rows];
            let mut block =
                if last.saturating_sub(first) > BLOCK_ROWS { vec![combine.empty(); rows] } else { Vec::new() };
            let mut in_block = 0;
            let operands = Operands { inputs: &inputs, params: self.params, acc: &[] };
            let mut evaluate = Evaluate::new(body, &prepared, operands, scratch.len());
            let mut i = first;
            while i < last {
                let count = batch.min(last - i);
                let range = i * rows..(i + count) * rows;
                let tile = &mut scratch[..count * rows];
                evaluate.run(level, range, &mut [&mut *tile]);
                let sums = if block.is_empty() { &mut *acc } else { &mut block };
                for lanes in tile.chunks_exact(rows) {
                    fold_into(level, combine, sums, lanes);
                }
                i += count;
                in_block += count;
                if in_block >= BLOCK_ROWS || i == last {
                    fold_into(level, combine, acc, &block);
                    block.fill(combine.empty());
                    in_block = 0;
                }
            }
        });
        out.copy_from_slice(&partial[..rows]);
        for p in 1..parts {
            fold_into(level, combine, out, &partial[p * rows..(p + 1) * rows]);
        }
        Ok(())
    }
}

/// Writes one element of an array that tasks share.
#[allow(unsafe_code)]
fn write(shared: Shared<u32>, at: usize, value: u32) {
    // SAFETY: every (row, part) is written by one task, inside the array.
    unsafe { *shared.get().add(at) = value };
}

/// Whether memory runs along the kept dimensions rather than along the reduced ones.
fn walks_columns(body: &Map, kept: usize) -> bool {
    let runs = |access: &Access, d: usize| access.view.strides[d] == 1 && access.view.shape[d] > 1;
    let last = body.shape.rank() - 1;
    let kept_size: usize = body.shape[..kept].iter().product();
    kept_size > 1
        && body.inputs.iter().any(|a| runs(a, kept - 1))
        && !body.inputs.iter().any(|a| runs(a, last) && !runs(a, kept - 1))
}

/// The body with its reduced dimensions before the kept ones.
fn columns_first(body: &Map, kept: usize) -> Map {
    let order: Vec<usize> = (kept..body.shape.rank()).chain(0..kept).listed();
    let mut turned = body.clone();
    turned.shape = order.iter().map(|&d| body.shape[d]).collect::<Shape>();
    turned.inputs.iter_mut().for_each(|a| a.view = a.view.permute(&order));
    turned
}
