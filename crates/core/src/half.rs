//! The two floats of 16 bits, each as the float32 of the same value.

/// A float of 16 bits.
#[derive(Clone, Copy, Debug)]
pub struct Half {
    /// The bits of float32's fraction that it lacks.
    dropped: u32,
    /// The bits of the float32 below which its units do not become smaller, where float32's do.
    tiny: u32,
    /// The bits of the float32 from which on it is infinite.
    infinite: u32,
}

/// IEEE-754 binary16.
pub const F16: Half = Half { dropped: 13, tiny: 0x3880_0000, infinite: 0x4780_0000 };
/// The upper half of a float32.
pub const BF16: Half = Half { dropped: 16, tiny: 0, infinite: 0x7f80_0000 };

impl Half {
    /// The value of the format nearest to `x`, halves to even. NaN stays.
    #[inline(always)]
    pub fn round(self, x: f32) -> f32 {
        let magnitude = x.to_bits() & 0x7fff_ffff;
        let unit = 1 << self.dropped;
        let even = (magnitude >> self.dropped) & 1;
        let normal = (magnitude + (unit / 2 - 1) + even) & 0u32.wrapping_sub(unit);
        let normal = if normal >= self.infinite { 0x7f80_0000 } else { normal };
        // Below 2^-14 float16 has units of 2^-24, as float32 has between 1/2 and 1.
        let tiny = ((f32::from_bits(magnitude) + 0.5) - 0.5).to_bits();
        let rounded = if magnitude < self.tiny { tiny } else { normal };
        let rounded = if magnitude > 0x7f80_0000 { magnitude } else { rounded };
        f32::from_bits(rounded | (x.to_bits() & 0x8000_0000))
    }
}

/// 2^112: between the exponents of float16 and float32.
const SCALE: u32 = 0x7780_0000;

/// The value of the float16 with the bits `half`.
pub fn f16_value(half: u16) -> f32 {
    let magnitude = u32::from(half & 0x7fff);
    // Subnormal numbers become normal in the product.
    let finite = (f32::from_bits(magnitude << 13) * f32::from_bits(SCALE)).to_bits();
    let special = magnitude << 13 | 0x7f80_0000;
    let bits = if magnitude < 0x7c00 { finite } else { special };
    f32::from_bits(bits | u32::from(half & 0x8000) << 16)
}

/// The bits of the float16 of value `x`, which is one.
pub fn f16_bits(x: f32) -> u16 {
    let scaled = (x.abs() / f32::from_bits(SCALE)).to_bits();
    ((scaled >> 13) & 0x7fff) as u16 | (x.to_bits() >> 16 & 0x8000) as u16
}

/// The value of the bfloat16 with the bits `half`.
pub fn bf16_value(half: u16) -> f32 {
    f32::from_bits(u32::from(half) << 16)
}

/// The bits of the bfloat16 of value `x`, which is one.
pub fn bf16_bits(x: f32) -> u16 {
    // What tells NaN may be in the half that goes.
    let quiet = if x.is_nan() { 0x40 } else { 0 };
    (x.to_bits() >> 16) as u16 | quiet
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The float nearest to `x` with so many significant bits, none below `unit`, in float64 arithmetic: halves to even.
    fn nearest(x: f32, significant: i32, unit: f64, largest: f64) -> f64 {
        let x = f64::from(x);
        if x.is_infinite() {
            return x;
        }
        let exponent = if x == 0.0 { 0 } else { x.abs().log2().floor() as i32 };
        // log2 may round up to the next power.
        let exponent = if x.abs() < 2f64.powi(exponent) { exponent - 1 } else { exponent };
        let unit = 2f64.powi(exponent - significant + 1).max(unit);
        let rounded = (x / unit).round_ties_even() * unit;
        if rounded.abs() > largest {
            f64::INFINITY.copysign(x)
        } else {
            rounded
        }
    }

    /// Edges of both formats, and bits in no order.
    fn patterns() -> impl Iterator<Item = u32> {
        let edges = (0..=0xffffu32).flat_map(|high| {
            let near = |low: u32| (high << 16) | low;
            [0, 1, 0xfff, 0x1000, 0x1001, 0x2fff, 0x3000, 0x7fff, 0x8000, 0x8001, 0xffff].map(near)
        });
        edges.chain((0..2_000_000u32).map(|i| i.wrapping_mul(0x9e37_79b9) ^ i.rotate_left(16)))
    }

    #[test]
    fn every_float16_comes_back() {
        for half in 0..=u16::MAX {
            let value = f16_value(half);
            assert_eq!(F16.round(value).to_bits(), value.to_bits(), "{half:x}");
            if value.is_nan() {
                assert!(f16_value(f16_bits(value)).is_nan());
            } else {
                assert_eq!(f16_bits(value), half, "{value}");
            }
        }
        assert_eq!(f16_value(0x3555), 0.333_251_95);
        assert_eq!(f16_value(0x0001), 2f32.powi(-24));
        assert_eq!(f16_value(0xfbff), -65504.0);
    }

    #[test]
    fn every_bfloat16_comes_back() {
        for half in 0..=u16::MAX {
            let value = bf16_value(half);
            if value.is_nan() {
                assert!(BF16.round(value).is_nan() && bf16_value(bf16_bits(value)).is_nan());
            } else {
                assert_eq!(BF16.round(value).to_bits(), value.to_bits());
                assert_eq!(bf16_bits(value), half);
            }
        }
        assert!(bf16_value(bf16_bits(f32::from_bits(0x7f80_0001))).is_nan());
    }

    #[test]
    fn floats_are_rounded_to_the_nearest() {
        for bits in patterns() {
            let x = f32::from_bits(bits);
            let (half, brain) = (F16.round(x), BF16.round(x));
            if x.is_nan() {
                assert!(half.is_nan() && brain.is_nan());
                continue;
            }
            assert_eq!(f64::from(half), nearest(x, 11, 2f64.powi(-24), 65504.0), "{x:e} to float16");
            assert_eq!(f64::from(brain), nearest(x, 8, 2f64.powi(-133), f64::from(f32::MAX)), "{x:e} to bfloat16");
            assert_eq!((half.is_sign_negative(), brain.is_sign_negative()), (bits >> 31 == 1, bits >> 31 == 1));
        }
    }
}
