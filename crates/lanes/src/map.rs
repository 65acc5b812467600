//! Elementwise instructions.

use headwater_core::half;
use headwater_core::math as platform;
use headwater_core::packed::widened;
use headwater_core::scalar::{BinOp, UnOp};
use headwater_core::DType;

use crate::math;
use crate::simd::{dispatch, Kernel, Level, Simd};

/// Lanes of the widest vectors.
const MOST_LANES: usize = 8;

/// A loop, compiled for each instruction set.
struct Loop<F>(F);

// The method is unsafe to call, by the trait; nothing in it is.
#[allow(unsafe_code)]
impl<F: FnOnce()> Kernel for Loop<F> {
    type Output = ();
    #[inline(always)]
    unsafe fn run<S: Simd>(self) {
        (self.0)();
    }
}

/// e^x of every lane that is a number, in the set's own instructions: those that multiply and add in one are a third of it.
struct Exp<'a> {
    a: &'a [u32],
    out: &'a mut [u32],
}

#[allow(unsafe_code)]
impl Kernel for Exp<'_> {
    type Output = ();
    #[inline(always)]
    unsafe fn run<S: Simd>(self) {
        let mut few = [[0; MOST_LANES]; 2];
        let n = self.a.len().min(self.out.len());
        let [few_a, few_out] = &mut few;
        let (a, out) = if n < S::LANES {
            few_a[..n].copy_from_slice(&self.a[..n]);
            (&few_a[..S::LANES], &mut few_out[..S::LANES])
        } else {
            (&self.a[..n], &mut self.out[..n])
        };
        // The last vector ends where the lanes do.
        let last = a.len() - S::LANES;
        let mut at = 0;
        loop {
            // SAFETY: `last + S::LANES` is the length of both slices, whose lanes may be floats.
            unsafe {
                let x = S::load(a.as_ptr().add(at).cast());
                S::store(out.as_mut_ptr().add(at).cast(), math::exp_of::<S>(x));
            }
            if at == last {
                break;
            }
            at = (at + S::LANES).min(last);
        }
        if n < S::LANES {
            self.out[..n].copy_from_slice(&few_out[..n]);
        }
    }
}

/// A one-operand instruction on every lane of `a`, of elements of `dtype`.
#[inline(never)]
pub fn unary(level: Level, op: UnOp, dtype: DType, a: &[u32], out: &mut [u32]) {
    if op == UnOp::Exp {
        dispatch(level, Exp { a, out });
    }
    dispatch(
        level,
        Loop(
            #[inline(always)]
            || unary_lanes(op, dtype, a, out),
        ),
    );
}

/// One value in every lane.
#[inline(never)]
pub fn fill(value: u32, out: &mut [u32]) {
    out.fill(value);
}

/// The lanes of bytes that are uint8 or int8.
#[inline(never)]
pub fn widen(dtype: DType, bytes: &[u8], out: &mut [u32]) {
    out.iter_mut().zip(bytes).for_each(|(o, &b)| *o = widened(dtype, b));
}

/// A two-operand instruction on every lane of `a` and `b`, of elements of `dtype`.
#[inline(never)]
pub fn binary(level: Level, op: BinOp, dtype: DType, a: &[u32], b: &[u32], out: &mut [u32]) {
    dispatch(
        level,
        Loop(
            #[inline(always)]
            || binary_lanes(op, dtype, a, b, out),
        ),
    );
}

/// The lane of `a` where that of `c` is not zero, else that of `b`.
#[inline(never)]
pub fn select(level: Level, c: &[u32], a: &[u32], b: &[u32], out: &mut [u32]) {
    dispatch(
        level,
        Loop(
            #[inline(always)]
            || select_lanes(c, a, b, out),
        ),
    );
}

/// Every lane of `a` converted from one dtype to another.
#[inline(never)]
pub fn convert(level: Level, from: DType, to: DType, a: &[u32], out: &mut [u32]) {
    dispatch(
        level,
        Loop(
            #[inline(always)]
            || convert_lanes(from, to, a, out),
        ),
    );
}

// One loop per instruction and no special forms for constants: those are tiles, too, that stay in the cache. Three
// times the code would be a tenth of the web build.

#[inline(always)]
fn map1(a: &[u32], out: &mut [u32], f: impl Fn(u32) -> u32) {
    out.iter_mut().zip(a).for_each(|(o, &a)| *o = f(a));
}

#[inline(always)]
fn map2(a: &[u32], b: &[u32], out: &mut [u32], f: impl Fn(u32, u32) -> u32) {
    out.iter_mut().zip(a).zip(b).for_each(|((o, &a), &b)| *o = f(a, b));
}

#[inline(always)]
fn float1(a: &[u32], out: &mut [u32], f: impl Fn(f32) -> f32) {
    map1(a, out, |a| f(f32::from_bits(a)).to_bits());
}

#[inline(always)]
fn float2(a: &[u32], b: &[u32], out: &mut [u32], f: impl Fn(f32, f32) -> f32) {
    map2(a, b, out, |a, b| f(f32::from_bits(a), f32::from_bits(b)).to_bits());
}

/// A function that the platform computes in float64, for each element: there are no vectors of it.
#[inline(always)]
fn wide1(f: impl Fn(f64) -> f64) -> impl Fn(f32) -> f32 {
    move |x| f(f64::from(x)) as f32
}

/// As [`wide1`], of two operands.
#[inline(always)]
fn wide2(f: impl Fn(f64, f64) -> f64) -> impl Fn(f32, f32) -> f32 {
    move |x, y| f(f64::from(x), f64::from(y)) as f32
}

/// Elements of a block of [`blocks2`]: four vectors of 128 bits.
const BLOCK: usize = 16;

/// As [`float2`] for functions of an instruction or two, where the loop itself is what takes time: its counting and
/// addresses serve a block of vectors.
#[inline(always)]
fn blocks2(a: &[u32], b: &[u32], out: &mut [u32], f: impl Fn(f32, f32) -> f32) {
    let f = |a: u32, b: u32| f(f32::from_bits(a), f32::from_bits(b)).to_bits();
    let (blocks, rest) = out.as_chunks_mut::<BLOCK>();
    let (a_blocks, a_rest) = a.as_chunks::<BLOCK>();
    let (b_blocks, b_rest) = b.as_chunks::<BLOCK>();
    for ((o, a), b) in blocks.iter_mut().zip(a_blocks).zip(b_blocks) {
        // All are read before any is written: nothing needs to know that the slices do not overlap.
        *o = std::array::from_fn(|i| f(a[i], b[i]));
    }
    for ((o, &a), &b) in rest.iter_mut().zip(a_rest).zip(b_rest) {
        *o = f(a, b);
    }
}

#[inline(always)]
fn compare2(a: &[u32], b: &[u32], out: &mut [u32], f: impl Fn(f32, f32) -> bool) {
    map2(a, b, out, |a, b| u32::from(f(f32::from_bits(a), f32::from_bits(b))));
}

/// Angles in the tile that the quick reduction cannot take, one by one.
fn fix_large_angles(a: &[u32], out: &mut [u32], f: impl Fn(f32) -> f32) {
    for (o, &a) in out.iter_mut().zip(a) {
        let x = f32::from_bits(a);
        if x.abs() > math::LARGE_ANGLE {
            *o = f(x).to_bits();
        }
    }
}

/// NaN in the results where the operands have it.
#[inline(always)]
fn keep_nan(a: &[u32], out: &mut [u32]) {
    let keep = |a: u32, o: u32| math::nan_of(f32::from_bits(a), f32::from_bits(o)).to_bits();
    out.iter_mut().zip(a).for_each(|(o, &a)| *o = keep(a, *o));
}

#[inline(always)]
fn unary_lanes(op: UnOp, dtype: DType, a: &[u32], out: &mut [u32]) {
    if dtype != DType::F32 {
        return match op {
            UnOp::Neg => map1(a, out, |a| (a as i32).wrapping_neg() as u32),
            UnOp::Abs => map1(a, out, |a| (a as i32).wrapping_abs() as u32),
            UnOp::Not => map1(a, out, |a| u32::from(a == 0)),
            _ => map1(a, out, |a| a),
        };
    }
    match op {
        UnOp::Neg => float1(a, out, |x| -x),
        UnOp::Abs => float1(a, out, f32::abs),
        UnOp::Floor => float1(a, out, f32::floor),
        UnOp::Ceil => float1(a, out, f32::ceil),
        UnOp::Round => float1(a, out, math::round),
        UnOp::Trunc => float1(a, out, f32::trunc),
        UnOp::Sqrt => float1(a, out, f32::sqrt),
        // What is left to do after `Exp` where a limit may lose NaN: in its loop it would take three times as long.
        UnOp::Exp if cfg!(target_feature = "relaxed-simd") => keep_nan(a, out),
        UnOp::Exp => {}
        UnOp::Expm1 => float1(a, out, math::expm1),
        UnOp::Log => float1(a, out, math::log),
        UnOp::Log1p => float1(a, out, math::log1p),
        UnOp::Sin => {
            float1(a, out, math::sin);
            fix_large_angles(a, out, wide1(platform::sin));
        }
        UnOp::Cos => {
            float1(a, out, math::cos);
            fix_large_angles(a, out, wide1(platform::cos));
        }
        UnOp::Tanh => float1(a, out, math::tanh),
        UnOp::Tan => float1(a, out, wide1(platform::tan)),
        UnOp::Asin => float1(a, out, wide1(platform::asin)),
        UnOp::Acos => float1(a, out, wide1(platform::acos)),
        UnOp::Atan => float1(a, out, wide1(platform::atan)),
        UnOp::IsNan => map1(a, out, |a| u32::from(a & 0x7fff_ffff > 0x7f80_0000)),
        UnOp::IsInf => map1(a, out, |a| u32::from(a & 0x7fff_ffff == 0x7f80_0000)),
        UnOp::Not => map1(a, out, |a| u32::from(f32::from_bits(a) == 0.0)),
        UnOp::RoundF16 | UnOp::RoundBf16 => {
            let format = if op == UnOp::RoundF16 { half::F16 } else { half::BF16 };
            float1(a, out, |x| format.round(x));
        }
    }
}

#[inline(always)]
fn binary_lanes(op: BinOp, dtype: DType, a: &[u32], b: &[u32], out: &mut [u32]) {
    if dtype == DType::F32 {
        return match op {
            BinOp::Add => blocks2(a, b, out, |x, y| x + y),
            BinOp::Sub => blocks2(a, b, out, |x, y| x - y),
            BinOp::Mul => blocks2(a, b, out, |x, y| x * y),
            BinOp::Div => blocks2(a, b, out, |x, y| x / y),
            BinOp::Rem => float2(a, b, out, |x, y| x % y),
            // The comparison is false for NaN, which goes through.
            BinOp::Min => blocks2(a, b, out, |x, y| if x < y || x.is_nan() { x } else { y }),
            BinOp::Max => blocks2(a, b, out, |x, y| if x > y || x.is_nan() { x } else { y }),
            BinOp::Pow => float2(a, b, out, wide2(platform::pow)),
            BinOp::Atan2 => float2(a, b, out, wide2(platform::atan2)),
            BinOp::Eq => compare2(a, b, out, |x, y| x == y),
            BinOp::Ne => compare2(a, b, out, |x, y| x != y),
            BinOp::Lt => compare2(a, b, out, |x, y| x < y),
            BinOp::Le => compare2(a, b, out, |x, y| x <= y),
            BinOp::Gt => compare2(a, b, out, |x, y| x > y),
            BinOp::Ge => compare2(a, b, out, |x, y| x >= y),
            BinOp::And | BinOp::Or | BinOp::Xor | BinOp::Shl | BinOp::Shr => map1(a, out, |a| a),
        };
    }
    let int = |a: u32| a as i32;
    match op {
        BinOp::Add if dtype == DType::Bool => map2(a, b, out, |a, b| a | b),
        BinOp::Add => map2(a, b, out, u32::wrapping_add),
        BinOp::Sub => map2(a, b, out, u32::wrapping_sub),
        BinOp::Mul => map2(a, b, out, u32::wrapping_mul),
        BinOp::Div => map2(a, b, out, |a, b| if b == 0 { 0 } else { int(a).wrapping_div(int(b)) as u32 }),
        BinOp::Rem => map2(a, b, out, |a, b| if b == 0 { 0 } else { int(a).wrapping_rem(int(b)) as u32 }),
        BinOp::Min => map2(a, b, out, |a, b| int(a).min(int(b)) as u32),
        BinOp::Max => map2(a, b, out, |a, b| int(a).max(int(b)) as u32),
        BinOp::Eq => map2(a, b, out, |a, b| u32::from(a == b)),
        BinOp::Ne => map2(a, b, out, |a, b| u32::from(a != b)),
        BinOp::Lt => map2(a, b, out, |a, b| u32::from(int(a) < int(b))),
        BinOp::Le => map2(a, b, out, |a, b| u32::from(int(a) <= int(b))),
        BinOp::Gt => map2(a, b, out, |a, b| u32::from(int(a) > int(b))),
        BinOp::Ge => map2(a, b, out, |a, b| u32::from(int(a) >= int(b))),
        BinOp::And => map2(a, b, out, |a, b| a & b),
        BinOp::Or => map2(a, b, out, |a, b| a | b),
        BinOp::Xor => map2(a, b, out, |a, b| a ^ b),
        BinOp::Shl => map2(a, b, out, u32::wrapping_shl),
        BinOp::Shr => map2(a, b, out, u32::wrapping_shr),
        BinOp::Pow | BinOp::Atan2 => map1(a, out, |a| a),
    }
}

#[inline(always)]
fn select_lanes(c: &[u32], a: &[u32], b: &[u32], out: &mut [u32]) {
    // With bits: of a branch the compiler would make a choice between addresses, lane by lane.
    let pick = |c: u32, a: u32, b: u32| b ^ ((a ^ b) & if c != 0 { u32::MAX } else { 0 });
    out.iter_mut().zip(c).zip(a).zip(b).for_each(|(((o, &c), &a), &b)| *o = pick(c, a, b));
}

#[inline(always)]
fn convert_lanes(from: DType, to: DType, a: &[u32], out: &mut [u32]) {
    match (from, to) {
        (DType::F32, DType::I32) => map1(a, out, |a| f32::from_bits(a) as i32 as u32),
        (DType::F32, DType::Bool) => map1(a, out, |a| u32::from(f32::from_bits(a) != 0.0)),
        (DType::I32 | DType::Bool, DType::F32) => map1(a, out, |a| (a as i32 as f32).to_bits()),
        (DType::I32, DType::Bool) => map1(a, out, |a| u32::from(a != 0)),
        _ => map1(a, out, |a| a),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exponentials_of_any_number_of_lanes_are_accurate_and_keep_special_values() {
        let special = [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, 0.0, -0.0, 88.72, 88.73, -100.0, -104.0];
        for level in [Level::Scalar, Level::Best] {
            for n in 0..40 {
                let x: Vec<f32> = special.into_iter().chain((0..).map(|i| i as f32 * 0.7 - 9.0)).take(n).collect();
                let a: Vec<u32> = x.iter().map(|x| x.to_bits()).collect();
                let mut out = vec![0; n];
                unary(level, UnOp::Exp, DType::F32, &a, &mut out);
                for (x, got) in x.into_iter().zip(out) {
                    let (got, want) = (f32::from_bits(got), x.exp());
                    let near = (got - want).abs() <= want * f32::EPSILON || got == want;
                    assert!(near || (got.is_nan() && want.is_nan()), "{level:?}: exp({x}) is {got}, not {want}");
                }
            }
        }
    }

    #[test]
    fn the_larger_and_the_smaller_of_two_keep_nan() {
        let values = [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, 1.0, -2.0];
        for (x, y) in values.into_iter().flat_map(|x| values.map(|y| (x, y))) {
            // A block and a rest.
            let (a, b) = ([x.to_bits(); 19], [y.to_bits(); 19]);
            for (op, want) in [(BinOp::Max, x.max(y)), (BinOp::Min, x.min(y))] {
                let want = if x.is_nan() || y.is_nan() { f32::NAN } else { want };
                let mut out = [0; 19];
                binary(Level::Best, op, DType::F32, &a, &b, &mut out);
                for got in out.map(f32::from_bits) {
                    assert!(got == want || (got.is_nan() && want.is_nan()), "{op:?} of {x} and {y} is {got}");
                }
            }
        }
    }
}
