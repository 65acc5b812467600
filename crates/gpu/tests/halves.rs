//! float16 in 16 bits of memory: the values are those of 32, bit by bit, in half the memory.
#![cfg(feature = "native")]

use std::sync::Arc;

use headwater_core::half::{f16_bits, f16_value};
use headwater_core::ops::{self, Conv2dOptions};
use headwater_core::transform::Captured;
use headwater_core::{DType, Device, HostData, HostSlice, Result, Tensor};
use headwater_gpu::{GpuEngine, GpuOptions, NativeHost};
use headwater_tests::{chains, compare};

fn device(halves: bool) -> Result<Device> {
    let options = GpuOptions { halves, ..GpuOptions::default() };
    let device = Device::new(Arc::new(GpuEngine::new(Arc::new(NativeHost::new()?), options)));
    assert_eq!(device.engine().has_halves(), halves, "the software adapter has shader-f16");
    Ok(device)
}

fn tensor(device: &Device, values: &[f32], shape: &[usize]) -> Result<Tensor> {
    device.tensor(HostSlice::F32(values), shape)?.cast(DType::F16)
}

/// Bytes of the buffer that holds a tensor.
fn bytes(x: &Tensor) -> Result<usize> {
    Ok(x.buffer()?.data.bytes())
}

#[test]
fn float16_takes_half_the_memory() -> Result<()> {
    for (halves, size) in [(true, 2), (false, 4)] {
        let device = device(halves)?;
        let n = 1 << 16;
        let x = device.tensor(HostSlice::F16(&vec![0x3c00; n]), [n])?;
        let doubled = ops::add(&x, &x)?;
        assert_eq!((bytes(&x)?, bytes(&doubled)?), (size * n, size * n));
        assert_eq!(device.engine().memory().live, 2 * size * n);
        assert_eq!(bytes(&doubled.cast(DType::BF16)?)?, 4 * n, "WGSL has no bfloat16");
        assert_eq!(bytes(&ops::exp(&x.cast(DType::F32)?)?)?, 4 * n);
    }
    Ok(())
}

#[test]
fn any_number_of_elements_comes_back() -> Result<()> {
    let device = device(true)?;
    for n in 0..40u16 {
        let bits: Vec<u16> = (0..n).map(|i| i.wrapping_mul(2749)).collect();
        let x = device.tensor(HostSlice::F16(&bits), [bits.len()])?;
        assert_eq!(x.to_host()?, HostData::F16(bits.clone()));
        assert_eq!(ops::neg(&ops::neg(&x)?)?.to_host()?, HostData::F16(bits.clone()));
        // From any place to any other.
        let from = usize::from(n / 3);
        let part = ops::slice(&x, &[from], &[bits.len() - from])?;
        assert_eq!(ops::concat(&[&part, &x], 0)?.to_host()?, HostData::F16([&bits[from..], &bits].concat()));
    }
    Ok(())
}

/// Random programs of every family, whose operands are float16, with and without 16-bit memory.
#[test]
fn memory_does_not_change_values() -> Result<()> {
    let (with, without) = (device(true)?, device(false)?);
    for seed in 0..40 {
        let mut case = chains::chain(seed);
        case.inputs.iter_mut().filter(|x| x.dtype == DType::F32).for_each(|x| x.dtype = DType::F16);
        let values = |device| -> Result<Vec<Vec<u32>>> {
            let (y, gradients) = compare::run(device, &case)?;
            std::iter::once(&y).chain(&gradients).map(Tensor::to_lanes).collect()
        };
        assert_eq!(values(&with)?, values(&without)?, "{}", case.name);
    }
    Ok(())
}

#[test]
fn sums_are_of_float32() -> Result<()> {
    let device = device(true)?;
    // In float16, 2048 + 1 is 2048.
    let n = 4096;
    let ones = |shape: &[usize]| tensor(&device, &vec![1.0; shape.iter().product()], shape);
    let sums = [
        ops::matmul(&ones(&[1, n])?, &ones(&[n, 1])?, false, false)?,
        ops::matmul(&ones(&[8, n])?, &ones(&[n, 8])?, false, false)?,
        ops::conv2d(&ones(&[1, 4, 4, n / 16])?, &ones(&[4, 4, n / 16, 4])?, &Conv2dOptions::default())?,
        ops::sum(&ones(&[n])?, None, false)?,
        ops::sum(&ones(&[3, n])?, Some(&[1]), false)?,
    ];
    for sum in sums {
        assert_eq!(sum.dtype(), DType::F16);
        assert!(sum.to_vec()?.iter().all(|&s| s == n as f32), "{:?}", sum.to_vec()?);
    }
    Ok(())
}

#[test]
fn the_limits_of_float16() -> Result<()> {
    let device = device(true)?;
    let tiny = 2f32.powi(-24);
    let edges =
        [65519.996, 65520.0, -65520.0, 1e30, f32::NAN, f32::NEG_INFINITY, tiny, tiny / 2.0, -1.5 * tiny, 2049.0, -0.0];
    let x = tensor(&device, &edges, &[edges.len()])?;
    let inf = f32::INFINITY;
    let want = [65504.0, inf, -inf, inf, f32::NAN, -inf, tiny, 0.0, -2.0 * tiny, 2048.0, -0.0];
    for y in [&x, &x.cast(DType::F32)?, &ops::mul(&x, &x.constant(1.0))?] {
        let got = y.to_vec()?;
        let same = |(a, b): (&f32, &f32)| a.to_bits() == b.to_bits() || (a.is_nan() && b.is_nan());
        assert!(got.iter().zip(&want).all(same), "{got:?}");
    }
    let twice = ops::add(&x, &x)?.to_vec()?;
    assert_eq!(twice[..4], [inf, inf, -inf, inf]);
    let whole = x.cast(DType::I32)?.to_vec()?;
    assert_eq!(whole[4..], [0.0, i32::MIN as f32, 0.0, 0.0, 0.0, 2048.0, 0.0]);
    assert_eq!(x.cast(DType::Bool)?.to_vec()?[6..], [1.0, 0.0, 1.0, 1.0, 0.0]);
    let back = device.tensor(HostSlice::I32(&[1, -7, 70_000]), [3])?.cast(DType::F16)?;
    assert_eq!(back.to_vec()?, [1.0, -7.0, inf]);
    Ok(())
}

/// A float32 tensor that only shows a float16 one shares its memory; captured plans expect memory of the operand's dtype.
#[test]
fn a_widened_view_is_an_operand_of_a_captured_function() -> Result<()> {
    let device = device(true)?;
    let half = tensor(&device, &[0.5, 1.5, -2.0], &[3])?;
    let wide = half.cast(DType::F32)?;
    device.flush()?;
    assert_eq!((wide.dtype(), wide.buffer()?.dtype), (DType::F32, DType::F16));
    let operands = [(half.shape().clone(), DType::F16), (wide.shape().clone(), DType::F32)];
    let f =
        Captured::new(&device, &operands, |x| Ok(vec![ops::add(&x[0].cast(DType::F32)?, &x[1])?, ops::neg(&x[0])?]))?;
    for wide in [&wide, &device.tensor(HostSlice::F32(&[0.5, 1.5, -2.0]), [3])?] {
        let results = f.call(&[&half, wide])?;
        assert_eq!(results[0].to_vec()?, [1.0, 3.0, -4.0]);
        assert_eq!(results[1].to_host()?, HostData::F16([-0.5, -1.5, 2.0].map(f16_bits).to_vec()));
    }
    // One structure, operands in memory of either kind: two plans.
    let sums = [&wide, &device.tensor(HostSlice::F32(&[0.5, 1.5, -2.0]), [3])?];
    for x in sums {
        assert_eq!(ops::exp(x)?.to_vec()?.len(), 3);
        assert_eq!(ops::square(x)?.to_vec()?, [0.25, 2.25, 4.0]);
    }
    Ok(())
}

/// Weights of float32, a network of float16, and a loss scale that is halved where gradients overflow.
#[test]
fn mixed_precision_trains() -> Result<()> {
    let device = device(true)?;
    let x = ops::random_normal(&device, [64, 8], 0.0, 1.0, 1)?.cast(DType::F16)?;
    let target = ops::sum(&x, Some(&[1]), true)?;
    let mut weights =
        [ops::random_normal(&device, [8, 32], 0.0, 0.4, 2)?, ops::random_normal(&device, [32, 1], 0.0, 0.2, 3)?];
    let (mut scale, mut skipped, mut losses) = (65536.0, 0, Vec::new());
    for _ in 0..120 {
        let wanted: Vec<&Tensor> = weights.iter().collect();
        let (loss, gradients) = device.value_and_grads(&wanted, || {
            let hidden = ops::relu(&ops::matmul(&x, &weights[0].cast(DType::F16)?, false, false)?)?;
            let y = ops::matmul(&hidden, &weights[1].cast(DType::F16)?, false, false)?;
            let error = ops::square(&ops::sub(&y, &target)?)?;
            ops::mul(&ops::mean(&error.cast(DType::F32)?, None, false)?, &device.scalar_of(DType::F32, scale))
        })?;
        assert!(gradients.iter().all(|g| g.dtype() == DType::F32));
        let finite = |g: &Tensor| Ok(g.to_vec()?.iter().all(|g| g.is_finite()));
        if !gradients.iter().map(finite).collect::<Result<Vec<_>>>()?.iter().all(|&f| f) {
            scale /= 2.0;
            skipped += 1;
            continue;
        }
        losses.push(loss.item()? / scale);
        for (weight, gradient) in weights.iter_mut().zip(&gradients) {
            *weight = ops::sub(weight, &ops::mul(gradient, &device.scalar_of(DType::F32, 0.03 / scale))?)?;
        }
    }
    assert!(skipped > 0, "the first scale is too large");
    assert!(losses[losses.len() - 1] < losses[0] / 20.0, "{skipped} skipped, {losses:?}");
    Ok(())
}

/// What a step of a network in `dtype` takes at most.
fn step_memory(halves: bool, dtype: DType) -> Result<usize> {
    let device = device(halves)?;
    let x = ops::random_normal(&device, [512, 256], 0.0, 1.0, 1)?.cast(dtype)?;
    let weights: Vec<Tensor> =
        (2..8).map(|seed| ops::random_normal(&device, [256, 256], 0.0, 0.1, seed)).collect::<Result<_>>()?;
    device.flush()?;
    let (loss, gradients) = device.value_and_grads(&weights.iter().collect::<Vec<_>>(), || {
        let layer = |x: Tensor, w: &Tensor| ops::tanh(&ops::matmul(&x, &w.cast(dtype)?, false, false)?);
        let y = weights.iter().try_fold(x.clone(), layer)?;
        ops::mean(&y.cast(DType::F32)?, None, false)
    })?;
    device.flush()?;
    drop((loss, gradients));
    // What was freed is kept for reuse.
    let memory = device.engine().memory();
    Ok(memory.live + memory.pooled)
}

#[test]
fn mixed_precision_takes_less_memory() -> Result<()> {
    let [half, lanes, whole] =
        [step_memory(true, DType::F16)?, step_memory(false, DType::F16)?, step_memory(true, DType::F32)?];
    println!("{half} bytes in 16 bits, {lanes} in 32, {whole} of float32");
    assert!(half * 4 < lanes * 3 && half * 4 < whole * 3, "{half} of {lanes} and {whole}");
    Ok(())
}

#[test]
fn every_float16_goes_through_a_shader() -> Result<()> {
    let device = device(true)?;
    let bits: Vec<u16> = (0..=u16::MAX).filter(|&b| !f16_value(b).is_nan()).collect();
    let x = device.tensor(HostSlice::F16(&bits), [bits.len()])?;
    assert_eq!(ops::abs(&x)?.to_host()?, HostData::F16(bits.iter().map(|b| b & 0x7fff).collect()));
    assert_eq!(ops::reshape(&x, [1, bits.len()])?.to_host()?, HostData::F16(bits.clone()));
    Ok(())
}
