//! Elementary functions without branches, so that loops over them become vector code. Errors are a few units in the
//! last place (polynomials: Cephes, Moshier).

// Coefficients are given as published.
#![allow(clippy::excessive_precision)]

use crate::simd::{Scalar, Simd};

/// `mask ? a : b`, as bits: the compiler turns it into a blend.
#[inline(always)]
fn choose(condition: bool, a: f32, b: f32) -> f32 {
    if condition {
        a
    } else {
        b
    }
}

/// `y`, but NaN where `x` is one. Comparisons that would let a NaN through do not: where LLVM 21 and 22 see one that
/// chooses between its operands they use WebAssembly's relaxed minimum and maximum, which may drop it (llvm-project#177968).
#[inline(always)]
pub fn nan_of(x: f32, y: f32) -> f32 {
    f32::from_bits(y.to_bits() | if x.is_nan() { u32::MAX } else { 0 })
}

/// The numbers that [`exp_of`] computes with: two limits, log2(e), the number that rounds, ln(2) in two parts, and the
/// polynomial's coefficients. 1.5 * 2^23, added, rounds to an integer that stands in the low bits; 254 more are two exponents'
/// bias.
pub const EXP: [f32; 12] = [
    -150.0,
    150.0,
    std::f32::consts::LOG2_E,
    12_582_912.0 + 254.0,
    -0.693_359_4,
    2.121_944_4e-4,
    1.381_454e-3,
    8.368_745e-3,
    4.166_839e-2,
    1.666_652_1e-1,
    4.999_999_4e-1,
    1.0,
];

/// e^x, in vectors, of [`EXP`] in vectors.
///
/// # Safety
/// The processor has the instruction set.
#[allow(unsafe_code)]
#[inline(always)]
pub unsafe fn exp_of<S: Simd>(x: S::V, c: &[S::V; 12]) -> S::V {
    // SAFETY: the caller's.
    unsafe {
        let limited = S::limit(x, c[0], c[1]);
        let shifted = S::mul_add(limited, c[2], c[3]);
        let n = S::sub(shifted, c[3]);
        let r = S::mul_add(n, c[5], S::mul_add(n, c[4], limited));
        let p = S::mul_add(c[6], r, c[7]);
        let p = S::mul_add(p, r, c[8]);
        let p = S::mul_add(p, r, c[9]);
        let p = S::mul_add(p, r, c[10]);
        let p = S::mul_add(p, r, c[11]);
        // Two steps: 2^n alone overflows before e^x does, and misses subnormal results. With x between -150 and 150 either
        // is an exponent.
        let (half, rest) = S::powers_of_two(shifted);
        let y = S::mul(S::mul_add(S::mul(r, half), p, half), rest);
        if S::LIMIT_KEEPS_NAN {
            y
        } else {
            S::keep_nan(x, y)
        }
    }
}

/// e^x.
#[allow(unsafe_code)]
#[inline(always)]
pub fn exp(x: f32) -> f32 {
    // SAFETY: the scalar set needs nothing.
    nan_of(x, unsafe { exp_of::<Scalar>(x, &EXP) })
}

/// The numbers that [`log_of`] computes with: 1, the polynomial's coefficients, -1/2, and ln(2) in two parts.
pub const LOG: [f32; 13] = [
    1.0,
    7.037_683_6e-2,
    -1.151_461e-1,
    1.167_699_9e-1,
    -1.242_014_1e-1,
    1.424_932_3e-1,
    -1.666_805_8e-1,
    2.000_071_5e-1,
    -2.499_999_4e-1,
    3.333_333_1e-1,
    -0.5,
    -2.121_944_4e-4,
    0.693_359_4,
];

/// The natural logarithm, in vectors, of [`LOG`] in vectors.
///
/// # Safety
/// The processor has the instruction set.
#[allow(unsafe_code)]
#[inline(always)]
pub unsafe fn log_of<S: Simd>(x: S::V, c: &[S::V; 13]) -> S::V {
    // SAFETY: the caller's.
    unsafe {
        let y = log_of_normal::<S>(x, c);
        if S::all_normal(x) {
            y
        } else {
            patched::<S>(x, y, c)
        }
    }
}

/// log(1 + x), accurate near zero: with the logarithm's slope times what 1 + x loses when it is rounded.
///
/// # Safety
/// The processor has the instruction set.
#[allow(unsafe_code)]
#[inline(always)]
pub unsafe fn log1p_of<S: Simd>(x: S::V, c: &[S::V; 13]) -> S::V {
    // SAFETY: the caller's.
    unsafe {
        let u = S::add(x, c[0]);
        let lost = S::sub(x, S::sub(u, c[0]));
        let y = S::add(log_of_normal::<S>(u, c), S::div(lost, u));
        if S::all_normal(u) {
            y
        } else {
            // 1 + x is exact where it is small.
            patched::<S>(u, y, c)
        }
    }
}

/// The natural logarithm of numbers from the least normal one up.
#[allow(unsafe_code)]
#[inline(always)]
unsafe fn log_of_normal<S: Simd>(x: S::V, c: &[S::V; 13]) -> S::V {
    // SAFETY: the caller's.
    unsafe {
        let (m, e) = S::mantissa_and_exponent(x);
        let m = S::sub(m, c[0]);
        let p = S::mul_add(c[1], m, c[2]);
        let p = S::mul_add(p, m, c[3]);
        let p = S::mul_add(p, m, c[4]);
        let p = S::mul_add(p, m, c[5]);
        let p = S::mul_add(p, m, c[6]);
        let p = S::mul_add(p, m, c[7]);
        let p = S::mul_add(p, m, c[8]);
        let p = S::mul_add(p, m, c[9]);
        let square = S::mul(m, m);
        let y = S::mul_add(S::mul(p, m), square, S::mul(e, c[11]));
        S::mul_add(e, c[12], S::add(S::mul_add(square, c[10], y), m))
    }
}

/// `y`, but the logarithm of `x` where that is not a normal positive number. Elsewhere nothing is computed anew: a result does
/// not depend on what lies beside it.
///
/// # Safety
/// The processor has the instruction set.
#[allow(unsafe_code)]
#[inline(always)]
unsafe fn patched<S: Simd>(x: S::V, y: S::V, c: &[S::V; 13]) -> S::V {
    // SAFETY: the caller's.
    unsafe {
        // 2^23 makes a subnormal number normal, whose logarithm is this.
        let scaled = log_of_normal::<S>(S::mul(x, S::splat(8_388_608.0)), c);
        let y = S::where_less(x, S::splat(f32::MIN_POSITIVE), S::sub(scaled, S::splat(15.942_385)), y);
        let zero = S::splat(0.0);
        let y = S::where_less(zero, x, y, S::splat(f32::NEG_INFINITY));
        let y = S::where_less(x, zero, S::splat(f32::NAN), y);
        // NaN and infinity are their own.
        S::where_less(x, S::splat(f32::INFINITY), y, x)
    }
}

/// e^x - 1, accurate near zero.
#[inline(always)]
pub fn expm1(x: f32) -> f32 {
    let p = 1.0 / 5040.0;
    let p = p * x + 1.0 / 720.0;
    let p = p * x + 1.0 / 120.0;
    let p = p * x + 1.0 / 24.0;
    let p = p * x + 1.0 / 6.0;
    let p = p * x + 0.5;
    choose(x.abs() < 0.35, p * x * x + x, exp(x) - 1.0)
}

/// The numbers that [`tanh_of`] computes with: two limits and the coefficients of a polynomial of odd powers and of the one
/// that divides it (Eigen's), and the limits of the quotient, which rounds to a little more than 1 where x is limited.
pub const TANH: [f32; 15] = [
    -9.286,
    9.286,
    -2.760_768_477_423_55e-16,
    2.000_187_904_824_77e-13,
    -8.604_671_522_137_35e-11,
    5.122_297_090_371_14e-8,
    1.485_722_357_179_79e-5,
    6.372_619_288_754_36e-4,
    4.893_524_558_917_86e-3,
    1.198_258_394_667_02e-6,
    1.185_347_056_866_54e-4,
    2.268_434_632_439e-3,
    4.893_525_185_543_85e-3,
    -1.0,
    1.0,
];

/// The hyperbolic tangent, in vectors, of [`TANH`] in vectors.
///
/// # Safety
/// The processor has the instruction set.
#[allow(unsafe_code)]
#[inline(always)]
pub unsafe fn tanh_of<S: Simd>(x: S::V, c: &[S::V; 15]) -> S::V {
    // SAFETY: the caller's.
    unsafe {
        let limited = S::limit(x, c[0], c[1]);
        let square = S::mul(limited, limited);
        let p = S::mul_add(c[2], square, c[3]);
        let p = S::mul_add(p, square, c[4]);
        let p = S::mul_add(p, square, c[5]);
        let p = S::mul_add(p, square, c[6]);
        let p = S::mul_add(p, square, c[7]);
        let p = S::mul_add(p, square, c[8]);
        let q = S::mul_add(c[9], square, c[10]);
        let q = S::mul_add(q, square, c[11]);
        let q = S::mul_add(q, square, c[12]);
        let y = S::limit(S::div(S::mul(p, limited), q), c[13], c[14]);
        if S::LIMIT_KEEPS_NAN {
            y
        } else {
            S::keep_nan(x, y)
        }
    }
}

/// Angles beyond this lose digits in the reduction below; the platform computes their functions.
pub const LARGE_ANGLE: f32 = 8192.0;

/// The remainder of an angle by a half turn of pi / 2, and the number of those turns.
#[inline(always)]
fn reduce(x: f32) -> (f32, i32) {
    const MAGIC: f32 = 12_582_912.0;
    let shifted = x * std::f32::consts::FRAC_2_PI + MAGIC;
    let n = shifted - MAGIC;
    let r = ((x - n * 1.570_312_5) - n * 4.837_512_9e-4) - n * 7.549_789_5e-8;
    (r, shifted.to_bits() as i32)
}

#[inline(always)]
fn quadrant(r: f32, k: i32) -> f32 {
    let z = r * r;
    let s = ((-1.951_529_6e-4 * z + 8.332_161e-3) * z + -1.666_665_5e-1) * z * r + r;
    let c = ((2.443_315_7e-5 * z + -1.388_731_6e-3) * z + 4.166_664_6e-2) * z * z - 0.5 * z + 1.0;
    let y = choose(k & 1 == 0, s, c);
    f32::from_bits(y.to_bits() ^ (((k & 2) as u32) << 30))
}

/// The sine of an angle of at most [`LARGE_ANGLE`].
#[inline(always)]
pub fn sin(x: f32) -> f32 {
    let (r, k) = reduce(x);
    quadrant(r, k)
}

/// The cosine of an angle of at most [`LARGE_ANGLE`].
#[inline(always)]
pub fn cos(x: f32) -> f32 {
    let (r, k) = reduce(x);
    quadrant(r, k.wrapping_add(1))
}

/// Rounds to the nearest integer, halves to even.
#[inline(always)]
pub fn round(x: f32) -> f32 {
    x.round_ties_even()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[allow(unsafe_code)]
    fn log(x: f32) -> f32 {
        // SAFETY: the scalar set needs nothing.
        unsafe { log_of::<Scalar>(x, &LOG) }
    }

    #[allow(unsafe_code)]
    fn log1p(x: f32) -> f32 {
        // SAFETY: the scalar set needs nothing.
        unsafe { log1p_of::<Scalar>(x, &LOG) }
    }

    #[allow(unsafe_code)]
    fn tanh(x: f32) -> f32 {
        // SAFETY: the scalar set needs nothing.
        nan_of(x, unsafe { tanh_of::<Scalar>(x, &TANH) })
    }

    fn check(name: &str, f: fn(f32) -> f32, exact: fn(f64) -> f64, low: f32, high: f32, units: f64) {
        for i in 0..200_000 {
            let x = low + (high - low) * (i as f32 / 200_000.0);
            let (got, want) = (f64::from(f(x)), exact(f64::from(x)));
            let unit = (want.abs() * f64::from(f32::EPSILON)).max(1e-38);
            assert!((got - want).abs() <= units * unit, "{name}({x}): got {got}, want {want}");
        }
    }

    #[test]
    fn functions_are_accurate_to_a_few_units() {
        check("exp", exp, f64::exp, -87.0, 88.5, 1.0);
        check("log", log, f64::ln, 1e-6, 0.9, 2.0);
        check("log", log, f64::ln, 1.1, 1e6, 2.0);
        check("expm1", expm1, f64::exp_m1, -1.0, 1.0, 4.0);
        check("log1p", log1p, f64::ln_1p, -0.9, 4.0, 4.0);
        check("tanh", tanh, f64::tanh, -12.0, 12.0, 3.0);
    }

    #[test]
    fn sine_and_cosine_are_accurate_absolutely() {
        for i in 0..200_000 {
            let x = -100.0 + i as f32 * 1e-3;
            assert!((f64::from(sin(x)) - f64::from(x).sin()).abs() < 3e-7, "sin {x}");
            assert!((f64::from(cos(x)) - f64::from(x).cos()).abs() < 3e-7, "cos {x}");
        }
    }

    #[test]
    fn special_values() {
        assert_eq!(exp(f32::INFINITY), f32::INFINITY);
        assert_eq!(exp(f32::NEG_INFINITY), 0.0);
        assert_eq!(exp(100.0), f32::INFINITY);
        assert!((exp(-100.0) / (-100.0f32).exp() - 1.0).abs() < 1e-2, "subnormal results are kept");
        assert_eq!(log(0.0), f32::NEG_INFINITY);
        assert_eq!(log(f32::INFINITY), f32::INFINITY);
        assert!((log(1e-40) - 1e-40f32.ln()).abs() < 2e-5);
        assert!(log(-1.0).is_nan());
        assert_eq!(tanh(100.0), 1.0);
        assert_eq!(tanh(-100.0), -1.0);
        assert_eq!(log1p(f32::INFINITY), f32::INFINITY);
        assert_eq!(log1p(-1.0), f32::NEG_INFINITY);
        for f in [exp, log, expm1, log1p, tanh, sin, cos] {
            assert!(f(f32::NAN).is_nan());
        }
    }
}
