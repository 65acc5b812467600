//! Reductions of slices.

use headwater_core::op::ReduceOp;
use headwater_core::DType;

use crate::simd::{dispatch, Kernel, Level, Simd, MOST_LANES};
use crate::unrolled;

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

#[allow(unsafe_code)]
impl Kernel for Row<'_> {
    type Output = u32;
    #[inline(always)]
    unsafe fn run<S: Simd>(self) -> u32 {
        let empty = self.combine.empty();
        // One loop per operation: the choice must not be made per element.
        match (self.combine.op, self.combine.dtype) {
            (ReduceOp::Sum, DType::F32) => fold(self.lanes, empty, add),
            // SAFETY: the caller's.
            (ReduceOp::Max, DType::F32) if self.lanes.len() >= MAX_WAYS * S::LANES => unsafe {
                largest::<S>(self.lanes)
            },
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

/// Vectors of a step of [`largest`].
const MAX_WAYS: usize = 4;

/// The largest of at least [`MAX_WAYS`] vectors of lanes; NaN where one is. NaN is looked for apart: a maximum that keeps it
/// takes four times as long.
///
/// # Safety
/// The processor has `S`.
#[allow(unsafe_code)]
#[inline(always)]
unsafe fn largest<S: Simd>(lanes: &[u32]) -> u32 {
    const { assert!(S::LANES <= MOST_LANES) }
    let mut ends = [f32::NEG_INFINITY; MOST_LANES];
    // The last step ends where the lanes do.
    let last = lanes.len() - MAX_WAYS * S::LANES;
    let mut at = 0;
    // SAFETY: a step's vectors end at most where the lanes do, which may be floats; `ends` holds a vector.
    unsafe {
        let mut max = [S::splat(f32::NEG_INFINITY); MAX_WAYS];
        let mut nan = [S::splat(0.0); MAX_WAYS];
        loop {
            unrolled!(i < MAX_WAYS => {
                let x = S::load(lanes.as_ptr().add(at + i * S::LANES).cast());
                max[i] = S::max(max[i], x);
                nan[i] = S::keep_nan(x, nan[i]);
            });
            if at == last {
                break;
            }
            at = (at + MAX_WAYS * S::LANES).min(last);
        }
        let mut all = max[0];
        unrolled!(i < MAX_WAYS => { all = S::max(all, max[i]); });
        unrolled!(i < MAX_WAYS => { all = S::keep_nan(nan[i], all); });
        S::store(ends.as_mut_ptr(), all);
    }
    ends.into_iter().fold(f32::NEG_INFINITY.to_bits(), |a, b| larger(a, b.to_bits()))
}

/// Combines a slice into accumulators, element by element.
struct Column<'a> {
    combine: Combine,
    acc: &'a mut [u32],
    lanes: &'a [u32],
}

// The method is unsafe to call, by the trait; nothing in it is.
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
    fn the_largest_of_any_number_of_lanes_is_found_at_every_place_and_nan_is_kept() {
        let combine = Combine { op: ReduceOp::Max, dtype: DType::F32 };
        for level in [Level::Scalar, Level::Best] {
            for n in 0..70 {
                let mut lanes: Vec<u32> = (0..n).map(|i| (-1.0 - i as f32).to_bits()).collect();
                let empty = f32::from_bits(fold_row(level, combine, &lanes));
                assert_eq!(empty, if n == 0 { f32::NEG_INFINITY } else { -1.0 });
                for i in 0..n {
                    for x in [f32::INFINITY, 3.0, f32::NAN, -f32::NAN] {
                        let before = std::mem::replace(&mut lanes[i], x.to_bits());
                        let got = f32::from_bits(fold_row(level, combine, &lanes));
                        assert!(got == x || (got.is_nan() && x.is_nan()), "{level:?}: {x} at {i} of {n} gave {got}");
                        lanes[i] = before;
                    }
                }
            }
        }
    }

    #[test]
    fn sums_are_the_same_on_every_rung() {
        let lanes: Vec<u32> = (0..1003).map(|i| (i as f32 * 0.37).sin().to_bits()).collect();
        let combine = Combine { op: ReduceOp::Sum, dtype: DType::F32 };
        assert_eq!(fold_row(Level::Scalar, combine, &lanes), fold_row(Level::Best, combine, &lanes));
    }
}
