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

/// The natural logarithm.
#[inline(always)]
pub fn log(x: f32) -> f32 {
    let tiny = x < f32::MIN_POSITIVE;
    let scaled = choose(tiny, x * 8_388_608.0, x);
    let bits = scaled.to_bits();
    // Mantissa in [sqrt(1/2), sqrt(2)), exponent to match.
    let shifted = bits.wrapping_sub(0x3f35_04f3);
    let e = ((shifted as i32) >> 23) as f32 - choose(tiny, 23.0, 0.0);
    let m = f32::from_bits((shifted & 0x007f_ffff).wrapping_add(0x3f35_04f3)) - 1.0;
    let p = 7.037_683_6e-2;
    let p = p * m + -1.151_461e-1;
    let p = p * m + 1.167_699_9e-1;
    let p = p * m + -1.242_014_1e-1;
    let p = p * m + 1.424_932_3e-1;
    let p = p * m + -1.666_805_8e-1;
    let p = p * m + 2.000_071_5e-1;
    let p = p * m + -2.499_999_4e-1;
    let p = p * m + 3.333_333_1e-1;
    let square = m * m;
    let y = p * m * square + e * -2.121_944_4e-4 - 0.5 * square + m + e * 0.693_359_4;
    let y = choose(x == f32::INFINITY, f32::INFINITY, y);
    let y = choose(x == 0.0, f32::NEG_INFINITY, y);
    // Negative numbers and NaN.
    choose(x >= 0.0, y, f32::NAN)
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

/// log(1 + x), accurate near zero (Kahan's correction for the rounding of 1 + x).
#[inline(always)]
pub fn log1p(x: f32) -> f32 {
    let u = 1.0 + x;
    let exact = u == 1.0 || u == f32::INFINITY;
    let corrected = log(u) * (x / choose(exact, 1.0, u - 1.0));
    choose(u == 1.0, x, choose(u == f32::INFINITY, u, corrected))
}

/// The hyperbolic tangent.
#[inline(always)]
pub fn tanh(x: f32) -> f32 {
    let a = x.abs();
    let square = x * x;
    let p = -5.704_988_7e-3;
    let p = p * square + 2.063_908_9e-2;
    let p = p * square + -5.373_971_6e-2;
    let p = p * square + 1.333_144_2e-1;
    let p = p * square + -3.333_328e-1;
    let near = p * square * x + x;
    let far = 1.0 - 2.0 / (exp(a + a) + 1.0);
    choose(a < 0.625, near, f32::from_bits(far.to_bits() | (x.to_bits() & 0x8000_0000)))
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
