//! Random numbers from a counter: element `i` depends on the seed and `i` alone, so that every engine, fused or not, on
//! any number of threads, gives the same numbers.
//!
//! The generator hashes (seed, counter) with two rounds of the finaliser of MurmurHash3 (Appleby) and a Weyl step
//! between, in 32-bit integer instructions that every engine has.

use crate::calc::{Calc, Term};
use crate::device::Device;
use crate::error::Result;
use crate::ops::{abs, bitwise_xor, cos, less_equal, log, right_shift};
use crate::shape::Shape;
use crate::tensor::Tensor;

impl<'a> Term<'a> {
    /// The bits, moved `by` places to the right.
    pub(super) fn shifted(self, by: u32) -> Term<'a> {
        self.by(f64::from(by), right_shift)
    }

    /// The product with a number of 32 bits.
    fn times(self, bits: u32) -> Term<'a> {
        self * f64::from(bits as i32)
    }

    fn folded(self, by: u32) -> Term<'a> {
        self.with(self.shifted(by), bitwise_xor)
    }

    /// The MurmurHash3 finaliser, elementwise on int32 bits.
    #[inline(never)]
    fn mixed(self) -> Term<'a> {
        self.folded(16).times(0x85eb_ca6b).folded(13).times(0xc2b2_ae35).folded(16)
    }
}

/// The same hash for a host value: derives one seed from another and a stream number.
pub fn hash_key(seed: u32, stream: u32) -> u32 {
    let mut x = seed ^ stream.wrapping_mul(0x9e37_79b9);
    for _ in 0..2 {
        x = (x ^ (x >> 16)).wrapping_mul(0x85eb_ca6b);
        x = (x ^ (x >> 13)).wrapping_mul(0xc2b2_ae35);
        x = (x ^ (x >> 16)).wrapping_add(0x6d2b_79f5);
    }
    x
}

/// 32 random bits per element of a flat tensor of `n`.
#[inline(never)]
pub(super) fn bits(beside: Term<'_>, n: usize, seed: u32) -> Term<'_> {
    let counter = beside.iota(&[n], 0).times(0x9e37_79b9);
    let key = beside.whole_scalar(hash_key(seed, 0) as i32);
    let first = counter.with(key, bitwise_xor).mixed();
    (first + beside.whole_scalar(hash_key(seed, 1) as i32)).mixed()
}

/// Uniform in [0, 1), 24 bits of it.
pub(super) fn unit(beside: Term<'_>, n: usize, seed: u32) -> Term<'_> {
    bits(beside, n, seed).shifted(8).number() * (1.0 / f64::from(1 << 24))
}

/// Standard normal, by Box and Muller's transform of two uniforms.
#[inline(never)]
pub(super) fn standard_normal(beside: Term<'_>, n: usize, seed: u32) -> Term<'_> {
    // 1 - u lies in (0, 1]: its logarithm is finite.
    let u = 1.0 - unit(beside, n, hash_key(seed, 2));
    let radius = (u.map(log) * -2.0).sqrt();
    let angle = unit(beside, n, hash_key(seed, 3)) * f64::from(std::f32::consts::TAU);
    radius * angle.map(cos)
}

/// The kinds of numbers that are scaled.
type Draw = for<'a> fn(Term<'a>, usize, u32) -> Term<'a>;

/// `draw() * by + offset`.
fn scaled(device: &Device, shape: &Shape, draw: Draw, by: f32, offset: f32, seed: u32) -> Result<Tensor> {
    let calc = Calc::default();
    let x = draw(calc.on(device), shape.size(), seed);
    calc.result((x * x.scalar(by.into()) + x.scalar(offset.into())).reshape(shape))
}

/// Uniform numbers in [low, high).
///
/// # Errors
/// None that a caller can cause.
pub fn random_uniform(device: &Device, shape: impl Into<Shape>, low: f32, high: f32, seed: u32) -> Result<Tensor> {
    scaled(device, &shape.into(), unit, high - low, low, seed)
}

/// Normal numbers.
///
/// # Errors
/// None that a caller can cause.
pub fn random_normal(device: &Device, shape: impl Into<Shape>, mean: f32, std: f32, seed: u32) -> Result<Tensor> {
    scaled(device, &shape.into(), standard_normal, std, mean, seed)
}

/// Normal numbers within two standard deviations of the mean: others are drawn again, up to eight times, then limited.
///
/// # Errors
/// None that a caller can cause.
pub fn truncated_normal(device: &Device, shape: impl Into<Shape>, mean: f32, std: f32, seed: u32) -> Result<Tensor> {
    scaled(device, &shape.into(), truncated, std, mean, seed)
}

fn truncated(beside: Term<'_>, n: usize, seed: u32) -> Term<'_> {
    let mut x = standard_normal(beside, n, seed);
    // A draw falls outside with probability 0.046; after eight more, once in 5e10.
    for round in 1..=8 {
        let again = standard_normal(beside, n, hash_key(seed, 16 + round));
        x = x.map(abs).by(2.0, less_equal).choose(x, again);
    }
    x.clip(-2.0, 2.0)
}
