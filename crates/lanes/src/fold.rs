//! Reductions of slices.

use headwater_core::op::ReduceOp;
use headwater_core::DType;

use crate::simd::{dispatch, Kernel, Level, Simd};

/// Combines a slice into one value. The order does not depend on the instruction set.
#[inline(never)]
pub fn fold_row(level: Level, combine: Combine, lanes: &[u32]) -> u32 {
    dispatch(level, Row { combine, lanes })
}

/// Combines a slice into accumulators, element by element.
#[inline(never)]
pub fn fold_into(level: Level, combine: Combine, acc: &mut [u32], lanes: &[u32]) {
    dispatch(level, Column { combine, acc, lanes });
}

/// How values combine, on 32-bit lanes.
#[derive(Clone, Copy)]
pub struct Combine {
    /// The operation.
    pub op: ReduceOp,
    /// The dtype of the lanes.
    pub dtype: DType,
}

impl Combine {
    /// The value of nothing.
    pub fn empty(self) -> u32 {
        self.op.empty(self.dtype)
    }

    /// Two values combined.
    #[inline(always)]
    pub fn pair(self, a: u32, b: u32) -> u32 {
        if self.dtype == DType::F32 {
            let (x, y) = (f32::from_bits(a), f32::from_bits(b));
            return match self.op {
                ReduceOp::Sum => add(a, b),
                ReduceOp::Prod => (x * y).to_bits(),
                ReduceOp::Max => larger(a, b),
                ReduceOp::Min => choose(x < y, x, y).to_bits(),
            };
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
        let empty = self.combine.empty();
        // One loop per operation: the choice must not be made per element.
        match (self.combine.op, self.combine.dtype) {
            (ReduceOp::Sum, DType::F32) => fold(self.lanes, empty, add),
            (ReduceOp::Max, DType::F32) => fold(self.lanes, empty, larger),
            _ => fold(self.lanes, empty, |a, b| self.combine.pair(a, b)),
        }
    }
}

#[inline(always)]
fn add(a: u32, b: u32) -> u32 {
    (f32::from_bits(a) + f32::from_bits(b)).to_bits()
}

#[inline(always)]
fn larger(a: u32, b: u32) -> u32 {
    let (x, y) = (f32::from_bits(a), f32::from_bits(b));
    choose(x > y, x, y).to_bits()
}

#[inline(always)]
fn fold(lanes: &[u32], empty: u32, f: impl Fn(u32, u32) -> u32) -> u32 {
    let mut acc = [empty; WAYS];
    let (chunks, rest) = lanes.as_chunks::<WAYS>();
    for chunk in chunks {
        for i in 0..WAYS {
            acc[i] = f(acc[i], chunk[i]);
        }
    }
    for (i, &x) in rest.iter().enumerate() {
        acc[i] = f(acc[i], x);
    }
    let mut width = WAYS / 2;
    while width > 0 {
        for i in 0..width {
            acc[i] = f(acc[i], acc[i + width]);
        }
        width /= 2;
    }
    acc[0]
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
        match (self.combine.op, self.combine.dtype) {
            (ReduceOp::Sum, DType::F32) => each(self.acc, self.lanes, add),
            (ReduceOp::Max, DType::F32) => each(self.acc, self.lanes, larger),
            _ => each(self.acc, self.lanes, |a, b| self.combine.pair(a, b)),
        }
    }
}

#[inline(always)]
fn each(acc: &mut [u32], lanes: &[u32], f: impl Fn(u32, u32) -> u32) {
    let n = acc.len().min(lanes.len());
    let (acc, lanes) = (&mut acc[..n], &lanes[..n]);
    for i in 0..n {
        acc[i] = f(acc[i], lanes[i]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_are_the_same_on_every_rung() {
        let lanes: Vec<u32> = (0..1003).map(|i| (i as f32 * 0.37).sin().to_bits()).collect();
        let combine = Combine { op: ReduceOp::Sum, dtype: DType::F32 };
        assert_eq!(fold_row(Level::Scalar, combine, &lanes), fold_row(Level::Best, combine, &lanes));
    }
}
