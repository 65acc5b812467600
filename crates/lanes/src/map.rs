//! Elementwise instructions.

use headwater_core::half;
use headwater_core::math as platform;
use headwater_core::packed::widened;
use headwater_core::scalar::{BinOp, UnOp};
use headwater_core::DType;

use crate::math;
use crate::simd::{dispatch, Kernel, Level, Simd, MOST_LANES};

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

/// A function of every lane, in the set's own instructions: those that multiply and add in one are a third of it.
macro_rules! in_vectors {
    ($name:ident, $function:path, $numbers:path) => {
        struct $name<'a> {
            a: &'a [u32],
            out: &'a mut [u32],
        }

        #[allow(unsafe_code)]
        impl Kernel for $name<'_> {
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
                // Not known to the compiler, they stay in registers: WebAssembly engines make a constant anew wherever it is
                // used.
                let numbers = std::hint::black_box($numbers);
                let mut c = [S::splat(numbers[0]); $numbers.len()];
                for (c, number) in c.iter_mut().zip(numbers) {
                    *c = S::splat(number);
                }
                // The last vector ends where the lanes do.
                let last = a.len() - S::LANES;
                let mut at = 0;
                loop {
                    // SAFETY: `last + S::LANES` is the length of both slices, whose lanes may be floats.
                    unsafe {
                        let x = S::load(a.as_ptr().add(at).cast());
                        S::store(out.as_mut_ptr().add(at).cast(), $function(x, &c));
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
    };
}

in_vectors!(Exp, math::exp_of::<S>, math::EXP);
in_vectors!(Log, math::log_of::<S>, math::LOG);
in_vectors!(Log1p, math::log1p_of::<S>, math::LOG);
in_vectors!(Tanh, math::tanh_of::<S>, math::TANH);

/// A one-operand instruction on every lane of `a`, of elements of `dtype`.
#[inline(never)]
pub fn unary(level: Level, op: UnOp, dtype: DType, a: &[u32], out: &mut [u32]) {
    match op {
        UnOp::Exp => dispatch(level, Exp { a, out }),
        UnOp::Log => dispatch(level, Log { a, out }),
        UnOp::Log1p => dispatch(level, Log1p { a, out }),
        UnOp::Tanh => dispatch(level, Tanh { a, out }),
        _ => dispatch(
            level,
            Loop(
                #[inline(always)]
                || unary_lanes(op, dtype, a, out),
            ),
        ),
    }
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

/// Whether an operand of [`binary`] that is the same for all lanes may be given by its first [`BLOCK`] lanes.
pub fn takes_block(op: BinOp, dtype: DType) -> bool {
    let simple = matches!(op, BinOp::Add | BinOp::Sub | BinOp::Mul | BinOp::Div | BinOp::Min | BinOp::Max);
    simple && dtype == DType::F32
}

/// A two-operand instruction on every lane of `a` and `b`, of elements of `dtype`. An operand that is shorter than the result
/// is one block, which counts again and again: see [`takes_block`].
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

/// Elements of a block: four vectors of 128 bits.
pub const BLOCK: usize = 16;

/// As [`float2`] for functions of an instruction or two, where the loop itself is what takes time: its counting and
/// addresses serve a block of vectors.
#[allow(unsafe_code)]
#[inline(always)]
fn blocks2(a: &[u32], b: &[u32], out: &mut [u32], f: impl Fn(f32, f32) -> f32) {
    let f = |a: u32, b: u32| f(f32::from_bits(a), f32::from_bits(b)).to_bits();
    let n = out.len();
    let step = |x: &[u32]| if x.len() < n { 0 } else { BLOCK };
    let (a_step, b_step) = (step(a), step(b));
    let (blocks, rest) = out.as_chunks_mut::<BLOCK>();
    if !blocks.is_empty() && a.len().min(b.len()) < BLOCK {
        return;
    }
    let (mut x, mut y) = (a.as_ptr(), b.as_ptr());
    for o in blocks {
        // SAFETY: an operand has a block for each of the result's, or one and a step of none.
        let (x_block, y_block) = unsafe { (&*x.cast::<[u32; BLOCK]>(), &*y.cast::<[u32; BLOCK]>()) };
        // All are read before any is written: nothing needs to know that the slices do not overlap.
        *o = std::array::from_fn(|i| f(x_block[i], y_block[i]));
        (x, y) = (x.wrapping_add(a_step), y.wrapping_add(b_step));
    }
    let done = n - rest.len();
    let last = |x: &[u32], step: usize, i: usize| x[if step == 0 { i } else { done + i }];
    for (i, o) in rest.iter_mut().enumerate() {
        *o = f(last(a, a_step, i), last(b, b_step, i));
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
        // In loops of their own.
        UnOp::Exp | UnOp::Log | UnOp::Log1p | UnOp::Tanh => {}
        UnOp::Expm1 => float1(a, out, math::expm1),
        UnOp::Sin => {
            float1(a, out, math::sin);
            fix_large_angles(a, out, wide1(platform::sin));
        }
        UnOp::Cos => {
            float1(a, out, math::cos);
            fix_large_angles(a, out, wide1(platform::cos));
        }
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
    fn functions_in_vectors_of_any_number_of_lanes_are_accurate_and_keep_special_values() {
        let special =
            [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, 0.0, -0.0, 88.72, 88.73, -100.0, -104.0, -1.0, 1e-40];
        let exp = (UnOp::Exp, f32::exp as fn(f32) -> f32);
        let functions = [exp, (UnOp::Log, f32::ln), (UnOp::Log1p, f32::ln_1p), (UnOp::Tanh, f32::tanh)];
        for ((op, exact), level) in functions.into_iter().flat_map(|f| [(f, Level::Scalar), (f, Level::Best)]) {
            for n in 0..40 {
                let x: Vec<f32> = special.into_iter().chain((0..).map(|i| i as f32 * 0.7 - 9.0)).take(n).collect();
                let a: Vec<u32> = x.iter().map(|x| x.to_bits()).collect();
                let mut out = vec![0; n];
                unary(level, op, DType::F32, &a, &mut out);
                for (x, got) in x.into_iter().zip(out) {
                    let (got, want) = (f32::from_bits(got), exact(x));
                    assert!(
                        op != UnOp::Tanh || x.abs() < 10.0 || got.is_nan() || got.abs() == 1.0,
                        "tanh({x}) is {got}"
                    );
                    let near = (got - want).abs() <= want.abs().max(1e-36) * 3.0 * f32::EPSILON || got == want;
                    assert!(near || (got.is_nan() && want.is_nan()), "{level:?}: {op:?}({x}) is {got}, not {want}");
                }
            }
        }
    }

    #[test]
    fn an_operand_that_is_the_same_for_all_lanes_may_be_a_block() {
        let lanes: Vec<u32> = (0..100).map(|i| (i as f32 + 0.5).to_bits()).collect();
        let same = [3f32.to_bits(); 100];
        for op in [BinOp::Add, BinOp::Sub, BinOp::Mul, BinOp::Div, BinOp::Min, BinOp::Max] {
            for n in 0..lanes.len() {
                let short = n.min(BLOCK);
                let (mut long_out, mut short_out) = (vec![0; n], vec![0; n]);
                binary(Level::Best, op, DType::F32, &lanes[..n], &same[..n], &mut long_out);
                binary(Level::Best, op, DType::F32, &lanes[..n], &same[..short], &mut short_out);
                assert_eq!(long_out, short_out, "{op:?} of {n}");
                binary(Level::Best, op, DType::F32, &same[..n], &lanes[..n], &mut long_out);
                binary(Level::Best, op, DType::F32, &same[..short], &lanes[..n], &mut short_out);
                assert_eq!(long_out, short_out, "{op:?} of {n}, turned");
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
