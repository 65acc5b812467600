//! Reductions of a program's values.

use headwater_core::op::ReduceOp;
use headwater_core::plan::{Access, Map};
use headwater_core::{DType, Result, Shape};

use super::eval::{Evaluate, Operands, Prepared, TILE};
use super::Run;
#[cfg(test)]
use crate::kernels::simd::Level;
use crate::kernels::simd::{dispatch, Kernel, Simd};
use crate::kernels::Shared;

/// Parts a long reduction of few results is split in: fixed, so that sums do not depend on the number of threads.
const PARTS: usize = 16;
/// Elements of a part below which splitting does not pay.
const MIN_PART: usize = 1 << 14;

/// How values combine, on 32-bit lanes.
#[derive(Clone, Copy)]
struct Combine {
    op: ReduceOp,
    dtype: DType,
}

impl Combine {
    fn empty(self) -> u32 {
        match (self.op, self.dtype) {
            (ReduceOp::Sum, _) => 0,
            (ReduceOp::Prod, DType::F32) => 1f32.to_bits(),
            (ReduceOp::Prod, _) => 1,
            (ReduceOp::Max, DType::F32) => f32::NEG_INFINITY.to_bits(),
            (ReduceOp::Min, DType::F32) => f32::INFINITY.to_bits(),
            (ReduceOp::Max, DType::I32) => i32::MIN as u32,
            (ReduceOp::Min, DType::I32) => i32::MAX as u32,
            (ReduceOp::Max, DType::Bool) => 0,
            (ReduceOp::Min, DType::Bool) => 1,
        }
    }

    #[inline(always)]
    fn pair(self, a: u32, b: u32) -> u32 {
        if self.dtype == DType::F32 {
            let (x, y) = (f32::from_bits(a), f32::from_bits(b));
            let z = match self.op {
                ReduceOp::Sum => x + y,
                ReduceOp::Prod => x * y,
                ReduceOp::Max => choose(x > y, x, y),
                ReduceOp::Min => choose(x < y, x, y),
            };
            return z.to_bits();
        }
        match self.op {
            ReduceOp::Sum => a.wrapping_add(b),
            ReduceOp::Prod => a.wrapping_mul(b),
            ReduceOp::Max => (a as i32).max(b as i32) as u32,
            ReduceOp::Min => (a as i32).min(b as i32) as u32,
        }
    }
}

/// The larger of two by a comparison that is false for NaN, which then goes through.
#[inline(always)]
fn choose(first: bool, x: f32, y: f32) -> f32 {
    if first || x.is_nan() {
        x
    } else {
        y
    }
}

/// Accumulators of a row: enough to keep the adders busy, and a sum of eight parts is more exact than one.
const WAYS: usize = 16;

/// Combines a slice into one value.
struct Row<'a> {
    combine: Combine,
    lanes: &'a [u32],
}

// The method is unsafe to call, by the trait; nothing in it is.
#[allow(unsafe_code)]
impl Kernel for Row<'_> {
    type Output = u32;
    #[inline(always)]
    unsafe fn run<S: Simd>(self) -> u32 {
        // One loop per operation: the choice must not be made per element.
        match (self.combine.op, self.combine.dtype) {
            (ReduceOp::Sum, DType::F32) => self.fold(Combine { op: ReduceOp::Sum, dtype: DType::F32 }),
            (ReduceOp::Max, DType::F32) => self.fold(Combine { op: ReduceOp::Max, dtype: DType::F32 }),
            _ => self.fold(self.combine),
        }
    }
}

impl Row<'_> {
    #[inline(always)]
    fn fold(&self, combine: Combine) -> u32 {
        let mut acc = [combine.empty(); WAYS];
        let chunks = self.lanes.chunks_exact(WAYS);
        let rest = chunks.remainder();
        for chunk in chunks {
            acc.iter_mut().zip(chunk).for_each(|(a, &x)| *a = combine.pair(*a, x));
        }
        acc.iter_mut().zip(rest).for_each(|(a, &x)| *a = combine.pair(*a, x));
        let mut width = WAYS / 2;
        while width > 0 {
            for i in 0..width {
                acc[i] = combine.pair(acc[i], acc[i + width]);
            }
            width /= 2;
        }
        acc[0]
    }
}

/// Combines a slice into accumulators, element by element.
struct Column<'a> {
    combine: Combine,
    acc: &'a mut [u32],
    lanes: &'a [u32],
}

// As for rows.
#[allow(unsafe_code)]
impl Kernel for Column<'_> {
    type Output = ();
    #[inline(always)]
    unsafe fn run<S: Simd>(self) {
        let mut fixed = |combine: Combine| {
            self.acc.iter_mut().zip(self.lanes).for_each(|(a, &x)| *a = combine.pair(*a, x));
        };
        match (self.combine.op, self.combine.dtype) {
            (ReduceOp::Sum, DType::F32) => fixed(Combine { op: ReduceOp::Sum, dtype: DType::F32 }),
            _ => fixed(self.combine),
        }
    }
}

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
        let parts = if rows < PARTS && n >= 2 * MIN_PART { PARTS } else { 1 };
        let part = n.div_ceil(parts).next_multiple_of(TILE);
        let mut partial = vec![combine.empty(); rows * parts];
        let shared = Shared(partial.as_mut_ptr());
        // Short rows are evaluated many at a time.
        let batch = (TILE / n).clamp(1, rows);
        let tasks = rows.div_ceil(batch) * parts;
        let grain = if rows * n < MIN_PART { tasks } else { (MIN_PART / (part * batch)).max(1) };
        self.engine.pool.parallel_for(tasks.div_ceil(grain), |group| {
            let mut scratch = vec![0u32; (batch * n).clamp(1, TILE * 4)];
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
                    let len = scratch.len().min(end - start);
                    let operands = Operands { inputs: &inputs, params: self.params, acc: &[] };
                    let outputs = vec![&mut scratch[..len]];
                    Evaluate { map: body, prepared, operands, range: start..start + len, outputs }.run(level);
                    // The pieces of rows that the tile holds.
                    let mut at = 0;
                    while at < len {
                        let row = (start + at) / n;
                        let piece = ((row + 1) * n - (start + at)).min(len - at);
                        let value = dispatch(level, Row { combine, lanes: &scratch[at..at + piece] });
                        acc[row - first] = combine.pair(acc[row - first], value);
                        at += piece;
                    }
                    start += len;
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
        let prepared = Prepared::new(body);
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
            let mut i = first;
            while i < last {
                let count = batch.min(last - i);
                let range = i * rows..(i + count) * rows;
                let tile = &mut scratch[..count * rows];
                let operands = Operands { inputs: &inputs, params: self.params, acc: &[] };
                Evaluate { map: body, prepared: &prepared, operands, range, outputs: vec![&mut *tile] }.run(level);
                for lanes in tile.chunks_exact(rows) {
                    dispatch(level, Column { combine, acc: &mut *acc, lanes });
                }
                i += count;
            }
        });
        out.copy_from_slice(&partial[..rows]);
        for p in 1..parts {
            dispatch(level, Column { combine, acc: &mut *out, lanes: &partial[p * rows..(p + 1) * rows] });
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
    let order: Vec<usize> = (kept..body.shape.rank()).chain(0..kept).collect();
    let mut turned = body.clone();
    turned.shape = order.iter().map(|&d| body.shape[d]).collect::<Shape>();
    turned.inputs.iter_mut().for_each(|a| a.view = a.view.permute(&order));
    turned
}

/// Reduces on the widest instructions; for tests.
#[cfg(test)]
fn row_sum(level: Level, values: &[f32]) -> f32 {
    let combine = Combine { op: ReduceOp::Sum, dtype: DType::F32 };
    f32::from_bits(dispatch(level, Row { combine, lanes: bytemuck::cast_slice(values) }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_are_the_same_on_every_rung() {
        let values: Vec<f32> = (0..1003).map(|i| (i as f32 * 0.37).sin()).collect();
        assert_eq!(row_sum(Level::Scalar, &values), row_sum(Level::Best, &values));
    }
}
