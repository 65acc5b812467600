//! Rounding to float16 and bfloat16, bit by bit, on every engine: as in `headwater_core::half`, which its own tests hold against
//! float64 arithmetic.

use std::sync::Arc;

use headwater_core::half::{bf16_value, f16_value, BF16, F16};
use headwater_core::{ops, DType, Device, HostData, HostSlice, Result};
use headwater_cpu::{CpuEngine, CpuOptions, Level};
use headwater_gpu::{GpuEngine, GpuOptions, NativeHost};

/// All values of the upper half with lower halves around where rounding turns, and bits in no order.
fn patterns() -> Vec<f32> {
    let edges = (0..=0xffffu32).flat_map(|high| {
        let near = |low: u32| f32::from_bits((high << 16) | low);
        [0, 1, 0xfff, 0x1000, 0x1001, 0x2fff, 0x3000, 0x5000, 0x7fff, 0x8000, 0x8001, 0xd000, 0xffff].map(near)
    });
    let others = (0..250_000u32).map(|i| f32::from_bits(i.wrapping_mul(0x9e37_79b9) ^ i.rotate_left(16)));
    edges.chain(others).collect()
}

fn check(device: &Device) -> Result<()> {
    let values = patterns();
    let x = device.tensor(HostSlice::F32(&values), [values.len()])?;
    for (dtype, format) in [(DType::F16, F16), (DType::BF16, BF16)] {
        let lanes = x.cast(dtype)?.to_lanes()?;
        for (&x, &lane) in values.iter().zip(&lanes) {
            let (got, want) = (f32::from_bits(lane), format.round(x));
            // Processors may take subnormal numbers of float32 for zeros.
            let flushed = x.is_subnormal() && got == 0.0;
            let same = got == want || (got.is_nan() && want.is_nan()) || flushed;
            assert!(same, "{x:e} ({:x}) to {}: got {got:e}, expected {want:e}", x.to_bits(), dtype.name());
        }
    }
    // Every value goes to the device and back, and through an operation that leaves it as it is.
    let bits: Vec<u16> = (0..=u16::MAX).collect();
    for (data, value) in [(HostSlice::F16(&bits), f16_value as fn(u16) -> f32), (HostSlice::BF16(&bits), bf16_value)] {
        let x = device.tensor(data, [bits.len()])?;
        let same = ops::mul(&x, &x.constant(1.0))?;
        let through = ops::select(&ops::equal(&x, &x)?, &ops::neg(&ops::neg(&x)?)?, &x)?;
        for tensor in [&x, &same, &through] {
            let got = match tensor.to_host()? {
                HostData::F16(v) | HostData::BF16(v) => v,
                other => panic!("{:?}", other.dtype()),
            };
            for (&bits, &got) in bits.iter().zip(&got) {
                let (want, got) = (value(bits), value(got));
                let flushed = want.is_subnormal() && got == 0.0;
                assert!(got == want || (got.is_nan() && want.is_nan()) || flushed, "{bits:x}: got {got:e}");
            }
        }
    }
    Ok(())
}

fn cpu(level: Level) -> Device {
    Device::new(Arc::new(CpuEngine::new(CpuOptions { threads: 1, level, ..CpuOptions::default() })))
}

fn gpu(tiles: bool, halves: bool) -> Result<Device> {
    Ok(Device::new(Arc::new(GpuEngine::new(Arc::new(NativeHost::new()?), GpuOptions { tiles, halves }))))
}

#[test]
fn cpu_scalar() -> Result<()> {
    check(&cpu(Level::Scalar))
}

#[test]
fn cpu_simd() -> Result<()> {
    check(&cpu(Level::Best))
}

#[test]
fn gpu_one_by_one() -> Result<()> {
    check(&gpu(false, false)?)
}

#[test]
fn gpu_four_by_four() -> Result<()> {
    check(&gpu(true, false)?)
}

#[test]
fn gpu_in_sixteen_bits() -> Result<()> {
    check(&gpu(false, true)?)?;
    check(&gpu(true, true)?)
}
