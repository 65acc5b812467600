//! Elementwise instructions.

use headwater_core::half;
use headwater_core::math as platform;
use headwater_core::scalar::{BinOp, UnOp};
use headwater_core::DType;

use crate::math;
use crate::simd::{dispatch, Kernel, Level, Simd};

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

/// A one-operand instruction on every lane of `a`, of elements of `dtype`.
#[inline(never)]
pub fn unary(level: Level, op: UnOp, dtype: DType, a: &[u32], out: &mut [u32]) {
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
        UnOp::Exp => float1(a, out, math::exp),
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
            BinOp::Add => float2(a, b, out, |x, y| x + y),
            BinOp::Sub => float2(a, b, out, |x, y| x - y),
            BinOp::Mul => float2(a, b, out, |x, y| x * y),
            BinOp::Div => float2(a, b, out, |x, y| x / y),
            BinOp::Rem => float2(a, b, out, |x, y| x % y),
            // The comparison is false for NaN, which goes through.
            BinOp::Min => float2(a, b, out, |x, y| if x < y || x.is_nan() { x } else { y }),
            BinOp::Max => float2(a, b, out, |x, y| if x > y || x.is_nan() { x } else { y }),
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
    out.iter_mut().zip(c).zip(a).zip(b).for_each(|(((o, &c), &a), &b)| *o = if c != 0 { a } else { b });
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
