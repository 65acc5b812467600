//! Random numbers from a counter: element `i` depends on the seed and `i` alone, so that every engine, fused or not, on
//! any number of threads, gives the same numbers.
//!
//! The generator hashes (seed, counter) with two rounds of the finaliser of MurmurHash3 (Appleby) and a Weyl step
//! between, in 32-bit integer instructions that every engine has.

use crate::device::Device;
use crate::dtype::{DType, Scalar};
use crate::error::Result;
use crate::ops::{add, bitwise_xor, cos, log, mul, reshape, right_shift, sqrt};
use crate::shape::Shape;
use crate::tensor::Tensor;

pub(super) fn int(device: &Device, bits: u32) -> Tensor {
    device.constant(Scalar::I32(bits as i32))
}

/// The MurmurHash3 finaliser, elementwise on int32 bits.
fn mix(x: &Tensor) -> Result<Tensor> {
    let d = x.device();
    let shift = |x: &Tensor, by: u32| bitwise_xor(x, &right_shift(x, &int(d, by))?);
    let x = mul(&shift(x, 16)?, &int(d, 0x85eb_ca6b))?;
    let x = mul(&shift(&x, 13)?, &int(d, 0xc2b2_ae35))?;
    shift(&x, 16)
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
pub(super) fn bits(device: &Device, n: usize, seed: u32) -> Result<Tensor> {
    let counter = mul(&device.iota([n], 0)?, &int(device, 0x9e37_79b9))?;
    let key = device.scalar(Scalar::I32(hash_key(seed, 0) as i32));
    let first = mix(&bitwise_xor(&counter, &key)?)?;
    mix(&add(&first, &device.scalar(Scalar::I32(hash_key(seed, 1) as i32)))?)
}

/// Uniform in [0, 1), 24 bits of it.
pub(super) fn unit(device: &Device, n: usize, seed: u32) -> Result<Tensor> {
    let high = right_shift(&bits(device, n, seed)?, &int(device, 8))?;
    mul(&high.cast(DType::F32)?, &device.constant(Scalar::F32(1.0 / (1 << 24) as f32)))
}

/// Standard normal, by Box and Muller's transform of two uniforms.
pub(super) fn standard_normal(device: &Device, n: usize, seed: u32) -> Result<Tensor> {
    // 1 - u lies in (0, 1]: its logarithm is finite.
    let one = device.constant(Scalar::F32(1.0));
    let u = crate::ops::sub(&one, &unit(device, n, hash_key(seed, 2))?)?;
    let radius = sqrt(&mul(&log(&u)?, &device.constant(Scalar::F32(-2.0)))?)?;
    let angle = mul(&unit(device, n, hash_key(seed, 3))?, &device.constant(Scalar::F32(std::f32::consts::TAU)))?;
    mul(&radius, &cos(&angle)?)
}

fn scale(x: &Tensor, by: f32, offset: f32) -> Result<Tensor> {
    let d = x.device();
    add(&mul(x, &d.scalar(Scalar::F32(by)))?, &d.scalar(Scalar::F32(offset)))
}

/// Uniform numbers in [low, high).
///
/// # Errors
/// None that a caller can cause.
pub fn random_uniform(device: &Device, shape: impl Into<Shape>, low: f32, high: f32, seed: u32) -> Result<Tensor> {
    let shape = shape.into();
    reshape(&scale(&unit(device, shape.size(), seed)?, high - low, low)?, shape)
}

/// Normal numbers.
///
/// # Errors
/// None that a caller can cause.
pub fn random_normal(device: &Device, shape: impl Into<Shape>, mean: f32, std: f32, seed: u32) -> Result<Tensor> {
    let shape = shape.into();
    reshape(&scale(&standard_normal(device, shape.size(), seed)?, std, mean)?, shape)
}

/// Normal numbers within two standard deviations of the mean: others are drawn again, up to eight times, then limited.
///
/// # Errors
/// None that a caller can cause.
pub fn truncated_normal(device: &Device, shape: impl Into<Shape>, mean: f32, std: f32, seed: u32) -> Result<Tensor> {
    let shape = shape.into();
    let (low, high) = (device.constant(Scalar::F32(-2.0)), device.constant(Scalar::F32(2.0)));
    let mut x = standard_normal(device, shape.size(), seed)?;
    // A draw falls outside with probability 0.046; after eight more, once in 5e10.
    for round in 1..=8 {
        let again = standard_normal(device, shape.size(), hash_key(seed, 16 + round))?;
        let inside = crate::ops::less_equal(&crate::ops::abs(&x)?, &high)?;
        x = crate::ops::select(&inside, &x, &again)?;
    }
    reshape(&scale(&crate::ops::clip(&x, &low, &high)?, std, mean)?, shape)
}
