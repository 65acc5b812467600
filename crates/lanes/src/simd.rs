//! The vector instructions that kernels are written in, and the choice among instruction sets.

/// Lanes of the widest vectors.
pub(crate) const MOST_LANES: usize = 8;

/// The bits of the square root of a half.
const SQRT_HALF: u32 = 0x3f35_04f3;
const MANTISSA: u32 = 0x007f_ffff;
const INFINITY: u32 = 0x7f80_0000;

/// A set of float32 vector instructions.
///
/// # Safety
/// Every function requires that the processor has the instruction set; loads and stores require `LANES` elements.
#[allow(clippy::missing_safety_doc)] // said once, for all
pub unsafe trait Simd: Copy + Send + Sync + 'static {
    /// A vector.
    type V: Copy;
    /// Elements in a vector.
    const LANES: usize;
    /// Whether [`Simd::limit`] keeps NaN.
    const LIMIT_KEEPS_NAN: bool = true;
    /// All lanes `x`.
    unsafe fn splat(x: f32) -> Self::V;
    /// Elements from memory of any alignment.
    unsafe fn load(p: *const f32) -> Self::V;
    /// Elements to memory of any alignment.
    unsafe fn store(p: *mut f32, v: Self::V);
    /// a + b.
    unsafe fn add(a: Self::V, b: Self::V) -> Self::V;
    /// a - b.
    unsafe fn sub(a: Self::V, b: Self::V) -> Self::V;
    /// a * b.
    unsafe fn mul(a: Self::V, b: Self::V) -> Self::V;
    /// a / b.
    unsafe fn div(a: Self::V, b: Self::V) -> Self::V;
    /// 2^(h - 127) and 2^(k - h - 127), where k is the number in an element's low nine bits and h half of it, rounded down.
    unsafe fn powers_of_two(x: Self::V) -> (Self::V, Self::V);
    /// The mantissa, in [sqrt(1/2), sqrt(2)), and the exponent that goes with it, of normal positive numbers.
    unsafe fn mantissa_and_exponent(x: Self::V) -> (Self::V, Self::V);
    /// Whether all are positive, finite, and not subnormal.
    unsafe fn all_normal(x: Self::V) -> bool;
    /// x where a is less than b, else y.
    unsafe fn where_less(a: Self::V, b: Self::V, x: Self::V, y: Self::V) -> Self::V;
    /// a * b + c, rounded once or twice.
    unsafe fn mul_add(a: Self::V, b: Self::V, c: Self::V) -> Self::V;
    /// x limited to [lo, hi]; of NaN, with relaxed instructions, anything: see [`crate::math::nan_of`].
    unsafe fn limit(x: Self::V, lo: Self::V, hi: Self::V) -> Self::V;
    /// The larger of two; of NaN, anything.
    unsafe fn max(a: Self::V, b: Self::V) -> Self::V;
    /// y, but NaN where x is.
    unsafe fn keep_nan(x: Self::V, y: Self::V) -> Self::V;
    /// x limited to [lo, hi]; NaN stays.
    #[inline(always)]
    unsafe fn clamp(x: Self::V, lo: Self::V, hi: Self::V) -> Self::V {
        // SAFETY: the caller's.
        let limited = unsafe { Self::limit(x, lo, hi) };
        if Self::LIMIT_KEEPS_NAN {
            return limited;
        }
        // SAFETY: the caller's.
        unsafe { Self::keep_nan(x, limited) }
    }
}

/// One lane, on any processor.
#[derive(Clone, Copy)]
pub struct Scalar;

// SAFETY: plain float arithmetic; loads and stores touch one element, which the caller guarantees.
unsafe impl Simd for Scalar {
    type V = f32;
    const LANES: usize = 1;
    #[inline(always)]
    unsafe fn splat(x: f32) -> f32 {
        x
    }
    #[inline(always)]
    unsafe fn load(p: *const f32) -> f32 {
        *p
    }
    #[inline(always)]
    unsafe fn store(p: *mut f32, v: f32) {
        *p = v;
    }
    #[inline(always)]
    unsafe fn add(a: f32, b: f32) -> f32 {
        a + b
    }
    #[inline(always)]
    unsafe fn sub(a: f32, b: f32) -> f32 {
        a - b
    }
    #[inline(always)]
    unsafe fn mul(a: f32, b: f32) -> f32 {
        a * b
    }
    #[inline(always)]
    unsafe fn div(a: f32, b: f32) -> f32 {
        a / b
    }
    #[inline(always)]
    unsafe fn powers_of_two(x: f32) -> (f32, f32) {
        let half = x.to_bits() >> 1;
        (f32::from_bits(half << 23), f32::from_bits(x.to_bits().wrapping_sub(half) << 23))
    }
    #[inline(always)]
    unsafe fn mantissa_and_exponent(x: f32) -> (f32, f32) {
        let shifted = x.to_bits().wrapping_sub(SQRT_HALF);
        (f32::from_bits((shifted & MANTISSA).wrapping_add(SQRT_HALF)), (shifted as i32 >> 23) as f32)
    }
    #[inline(always)]
    unsafe fn all_normal(x: f32) -> bool {
        (f32::MIN_POSITIVE..f32::INFINITY).contains(&x)
    }
    #[inline(always)]
    unsafe fn where_less(a: f32, b: f32, x: f32, y: f32) -> f32 {
        if a < b {
            x
        } else {
            y
        }
    }
    #[inline(always)]
    unsafe fn mul_add(a: f32, b: f32, c: f32) -> f32 {
        a * b + c
    }
    #[inline(always)]
    unsafe fn limit(x: f32, lo: f32, hi: f32) -> f32 {
        let x = if x < lo { lo } else { x };
        if x > hi {
            hi
        } else {
            x
        }
    }
    #[inline(always)]
    unsafe fn max(a: f32, b: f32) -> f32 {
        if a < b {
            b
        } else {
            a
        }
    }
    #[inline(always)]
    unsafe fn keep_nan(x: f32, y: f32) -> f32 {
        crate::math::nan_of(x, y)
    }
}

#[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
mod wasm {
    use std::arch::wasm32::*;

    use super::{INFINITY, MANTISSA, SQRT_HALF};

    /// WebAssembly simd128, with relaxed multiply-add where the build has it.
    #[derive(Clone, Copy)]
    pub struct Wasm;

    // SAFETY: the build enables the instructions, and an engine that lacks them rejects the module as a whole.
    unsafe impl super::Simd for Wasm {
        type V = v128;
        const LANES: usize = 4;
        // Its comparisons become relaxed minima and maxima (llvm-project#177968).
        const LIMIT_KEEPS_NAN: bool = cfg!(not(target_feature = "relaxed-simd"));
        #[inline(always)]
        unsafe fn splat(x: f32) -> v128 {
            f32x4_splat(x)
        }
        #[inline(always)]
        unsafe fn load(p: *const f32) -> v128 {
            v128_load(p.cast())
        }
        #[inline(always)]
        unsafe fn store(p: *mut f32, v: v128) {
            v128_store(p.cast(), v);
        }
        #[inline(always)]
        unsafe fn add(a: v128, b: v128) -> v128 {
            f32x4_add(a, b)
        }
        #[inline(always)]
        unsafe fn sub(a: v128, b: v128) -> v128 {
            f32x4_sub(a, b)
        }
        #[inline(always)]
        unsafe fn mul(a: v128, b: v128) -> v128 {
            f32x4_mul(a, b)
        }
        #[inline(always)]
        unsafe fn div(a: v128, b: v128) -> v128 {
            f32x4_div(a, b)
        }
        #[inline(always)]
        unsafe fn powers_of_two(x: v128) -> (v128, v128) {
            let half = u32x4_shr(x, 1);
            (i32x4_shl(half, 23), i32x4_shl(i32x4_sub(x, half), 23))
        }
        #[inline(always)]
        unsafe fn mantissa_and_exponent(x: v128) -> (v128, v128) {
            let root = u32x4_splat(SQRT_HALF);
            let shifted = u32x4_sub(x, root);
            let m = u32x4_add(v128_and(shifted, u32x4_splat(MANTISSA)), root);
            (m, f32x4_convert_i32x4(i32x4_shr(shifted, 23)))
        }
        #[inline(always)]
        unsafe fn all_normal(x: v128) -> bool {
            let most = i32x4_gt(i32x4_splat(INFINITY as i32), x);
            i32x4_all_true(v128_and(i32x4_gt(x, i32x4_splat(MANTISSA as i32)), most))
        }
        #[inline(always)]
        unsafe fn where_less(a: v128, b: v128, x: v128, y: v128) -> v128 {
            v128_bitselect(x, y, f32x4_lt(a, b))
        }
        #[inline(always)]
        unsafe fn mul_add(a: v128, b: v128, c: v128) -> v128 {
            #[cfg(target_feature = "relaxed-simd")]
            return f32x4_relaxed_madd(a, b, c);
            #[cfg(not(target_feature = "relaxed-simd"))]
            return f32x4_add(f32x4_mul(a, b), c);
        }
        #[inline(always)]
        unsafe fn limit(x: v128, lo: v128, hi: v128) -> v128 {
            // One instruction each on x86, and NaN stays; min and max are seven.
            f32x4_pmin(f32x4_pmax(x, lo), hi)
        }
        #[inline(always)]
        unsafe fn max(a: v128, b: v128) -> v128 {
            #[cfg(target_feature = "relaxed-simd")]
            return f32x4_relaxed_max(a, b);
            #[cfg(not(target_feature = "relaxed-simd"))]
            return f32x4_pmax(a, b);
        }
        #[inline(always)]
        unsafe fn keep_nan(x: v128, y: v128) -> v128 {
            v128_or(y, f32x4_ne(x, x))
        }
    }
}
#[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
pub use wasm::Wasm;

#[cfg(target_arch = "x86_64")]
mod x86 {
    use std::arch::x86_64::*;

    use super::{INFINITY, MANTISSA, SQRT_HALF};

    /// AVX2 with fused multiply-add.
    #[derive(Clone, Copy)]
    pub struct Avx2;

    // SAFETY: callers detected AVX2 and FMA (see `dispatch`); loads and stores touch eight elements.
    unsafe impl super::Simd for Avx2 {
        type V = __m256;
        const LANES: usize = 8;
        #[inline(always)]
        unsafe fn splat(x: f32) -> __m256 {
            _mm256_set1_ps(x)
        }
        #[inline(always)]
        unsafe fn load(p: *const f32) -> __m256 {
            _mm256_loadu_ps(p)
        }
        #[inline(always)]
        unsafe fn store(p: *mut f32, v: __m256) {
            _mm256_storeu_ps(p, v);
        }
        #[inline(always)]
        unsafe fn add(a: __m256, b: __m256) -> __m256 {
            _mm256_add_ps(a, b)
        }
        #[inline(always)]
        unsafe fn sub(a: __m256, b: __m256) -> __m256 {
            _mm256_sub_ps(a, b)
        }
        #[inline(always)]
        unsafe fn mul(a: __m256, b: __m256) -> __m256 {
            _mm256_mul_ps(a, b)
        }
        #[inline(always)]
        unsafe fn div(a: __m256, b: __m256) -> __m256 {
            _mm256_div_ps(a, b)
        }
        #[inline(always)]
        unsafe fn powers_of_two(x: __m256) -> (__m256, __m256) {
            let x = _mm256_castps_si256(x);
            let half = _mm256_srli_epi32::<1>(x);
            let rest = _mm256_sub_epi32(x, half);
            let power = |k| _mm256_castsi256_ps(_mm256_slli_epi32::<23>(k));
            (power(half), power(rest))
        }
        #[inline(always)]
        unsafe fn mantissa_and_exponent(x: __m256) -> (__m256, __m256) {
            let root = _mm256_set1_epi32(SQRT_HALF as i32);
            let shifted = _mm256_sub_epi32(_mm256_castps_si256(x), root);
            let m = _mm256_add_epi32(_mm256_and_si256(shifted, _mm256_set1_epi32(MANTISSA as i32)), root);
            (_mm256_castsi256_ps(m), _mm256_cvtepi32_ps(_mm256_srai_epi32::<23>(shifted)))
        }
        #[inline(always)]
        unsafe fn all_normal(x: __m256) -> bool {
            let x = _mm256_castps_si256(x);
            let least = _mm256_cmpgt_epi32(x, _mm256_set1_epi32(MANTISSA as i32));
            let most = _mm256_cmpgt_epi32(_mm256_set1_epi32(INFINITY as i32), x);
            _mm256_movemask_ps(_mm256_castsi256_ps(_mm256_and_si256(least, most))) == 0xff
        }
        #[inline(always)]
        unsafe fn where_less(a: __m256, b: __m256, x: __m256, y: __m256) -> __m256 {
            _mm256_blendv_ps(y, x, _mm256_cmp_ps::<_CMP_LT_OQ>(a, b))
        }
        #[inline(always)]
        unsafe fn mul_add(a: __m256, b: __m256, c: __m256) -> __m256 {
            _mm256_fmadd_ps(a, b, c)
        }
        #[inline(always)]
        unsafe fn limit(x: __m256, lo: __m256, hi: __m256) -> __m256 {
            // The second operand of min and max is returned where either is NaN.
            _mm256_min_ps(hi, _mm256_max_ps(lo, x))
        }
        #[inline(always)]
        unsafe fn max(a: __m256, b: __m256) -> __m256 {
            _mm256_max_ps(a, b)
        }
        #[inline(always)]
        unsafe fn keep_nan(x: __m256, y: __m256) -> __m256 {
            _mm256_or_ps(y, _mm256_cmp_ps::<_CMP_UNORD_Q>(x, x))
        }
    }
}
#[cfg(target_arch = "x86_64")]
pub use x86::Avx2;

#[cfg(target_arch = "aarch64")]
mod arm {
    use std::arch::aarch64::*;

    use super::{INFINITY, MANTISSA, SQRT_HALF};

    /// NEON, which every aarch64 processor has.
    #[derive(Clone, Copy)]
    pub struct Neon;

    // SAFETY: NEON is part of aarch64; loads and stores touch four elements.
    unsafe impl super::Simd for Neon {
        type V = float32x4_t;
        const LANES: usize = 4;
        #[inline(always)]
        unsafe fn splat(x: f32) -> float32x4_t {
            vdupq_n_f32(x)
        }
        #[inline(always)]
        unsafe fn load(p: *const f32) -> float32x4_t {
            vld1q_f32(p)
        }
        #[inline(always)]
        unsafe fn store(p: *mut f32, v: float32x4_t) {
            vst1q_f32(p, v);
        }
        #[inline(always)]
        unsafe fn add(a: float32x4_t, b: float32x4_t) -> float32x4_t {
            vaddq_f32(a, b)
        }
        #[inline(always)]
        unsafe fn sub(a: float32x4_t, b: float32x4_t) -> float32x4_t {
            vsubq_f32(a, b)
        }
        #[inline(always)]
        unsafe fn mul(a: float32x4_t, b: float32x4_t) -> float32x4_t {
            vmulq_f32(a, b)
        }
        #[inline(always)]
        unsafe fn div(a: float32x4_t, b: float32x4_t) -> float32x4_t {
            vdivq_f32(a, b)
        }
        #[inline(always)]
        unsafe fn powers_of_two(x: float32x4_t) -> (float32x4_t, float32x4_t) {
            let x = vreinterpretq_u32_f32(x);
            let half = vshrq_n_u32::<1>(x);
            let power = |k| vreinterpretq_f32_u32(vshlq_n_u32::<23>(k));
            (power(half), power(vsubq_u32(x, half)))
        }
        #[inline(always)]
        unsafe fn mantissa_and_exponent(x: float32x4_t) -> (float32x4_t, float32x4_t) {
            let root = vdupq_n_u32(SQRT_HALF);
            let shifted = vsubq_u32(vreinterpretq_u32_f32(x), root);
            let m = vaddq_u32(vandq_u32(shifted, vdupq_n_u32(MANTISSA)), root);
            (vreinterpretq_f32_u32(m), vcvtq_f32_s32(vshrq_n_s32::<23>(vreinterpretq_s32_u32(shifted))))
        }
        #[inline(always)]
        unsafe fn all_normal(x: float32x4_t) -> bool {
            // What is below wraps round to the largest.
            let x = vsubq_u32(vreinterpretq_u32_f32(x), vdupq_n_u32(MANTISSA + 1));
            vmaxvq_u32(x) < INFINITY - MANTISSA - 1
        }
        #[inline(always)]
        unsafe fn where_less(a: float32x4_t, b: float32x4_t, x: float32x4_t, y: float32x4_t) -> float32x4_t {
            vbslq_f32(vcltq_f32(a, b), x, y)
        }
        #[inline(always)]
        unsafe fn mul_add(a: float32x4_t, b: float32x4_t, c: float32x4_t) -> float32x4_t {
            vfmaq_f32(c, a, b)
        }
        #[inline(always)]
        unsafe fn limit(x: float32x4_t, lo: float32x4_t, hi: float32x4_t) -> float32x4_t {
            vminq_f32(vmaxq_f32(x, lo), hi)
        }
        #[inline(always)]
        unsafe fn max(a: float32x4_t, b: float32x4_t) -> float32x4_t {
            vmaxq_f32(a, b)
        }
        #[inline(always)]
        unsafe fn keep_nan(x: float32x4_t, y: float32x4_t) -> float32x4_t {
            vreinterpretq_f32_u32(vornq_u32(vreinterpretq_u32_f32(y), vceqq_f32(x, x)))
        }
    }
}
#[cfg(target_arch = "aarch64")]
pub use arm::Neon;

/// How far up the ladder of instruction sets to go.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Level {
    /// One element at a time: what the other rungs are tested against.
    Scalar,
    /// The widest the processor has.
    #[default]
    Best,
}

/// A computation written over any instruction set.
pub trait Kernel {
    /// What it gives.
    type Output;
    /// Runs with instruction set `S`.
    ///
    /// # Safety
    /// The processor has `S`.
    unsafe fn run<S: Simd>(self) -> Self::Output;
}

/// Runs a kernel with the widest instruction set that `level` and the processor allow.
#[inline]
#[cfg_attr(all(target_arch = "wasm32", target_feature = "simd128"), allow(unused_variables))]
pub fn dispatch<K: Kernel>(level: Level, kernel: K) -> K::Output {
    // The level is a rung for native tests; the web module is not doubled for it.
    #[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
    // SAFETY: the whole module requires simd128.
    return unsafe { kernel.run::<Wasm>() };
    #[allow(unreachable_code)]
    if level == Level::Best {
        #[cfg(target_arch = "aarch64")]
        // SAFETY: NEON is part of aarch64.
        return unsafe { kernel.run::<Neon>() };
        #[cfg(target_arch = "x86_64")]
        if has_avx2() {
            // SAFETY: AVX2 and FMA were detected.
            return unsafe { run_avx2(kernel) };
        }
    }
    // SAFETY: the scalar set needs nothing.
    unsafe { kernel.run::<Scalar>() }
}

/// Whether the processor has AVX2 and FMA. Detection is cached by the standard library.
#[cfg(target_arch = "x86_64")]
pub fn has_avx2() -> bool {
    std::is_x86_feature_detected!("avx2") && std::is_x86_feature_detected!("fma")
}

/// Compiles the kernel, inlined here, with AVX2 and FMA.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
unsafe fn run_avx2<K: Kernel>(kernel: K) -> K::Output {
    // SAFETY: the caller detected the features.
    unsafe { kernel.run::<Avx2>() }
}

/// Runs the body for `i` from 0 up to a constant of at most eight, unrolled: accumulators that are indexed by anything but
/// constants are kept in memory, and the innermost loops store them every time.
#[macro_export]
macro_rules! unrolled {
    ($i:ident < $n:expr => $body:block) => {
        $crate::unrolled!(@ $i, $n, $body, 0, 1, 2, 3, 4, 5, 6, 7)
    };
    (@ $i:ident, $n:expr, $body:block, $($at:literal),*) => {
        $(if $at < $n {
            let $i: usize = $at;
            $body
        })*
    };
}
