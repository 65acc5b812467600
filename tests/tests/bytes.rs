//! uint8 and int8 that come from the host are held as bytes on every engine: the values are those of lanes, in a quarter of
//! the memory.

use std::sync::Arc;

use headwater_core::engine::Engine;
use headwater_core::transform::Captured;
use headwater_core::{ops, DType, Device, HostData, HostSlice, Result, Tensor};
use headwater_cpu::{CpuEngine, CpuOptions, Level};
use headwater_gpu::{GpuEngine, GpuOptions, NativeHost};

fn devices() -> Result<Vec<Device>> {
    let cpu = |threads, level| CpuEngine::new(CpuOptions { threads, level, ..CpuOptions::default() });
    let gpu = |tiles| Ok(GpuEngine::new(Arc::new(NativeHost::new()?), GpuOptions { tiles, ..GpuOptions::default() }));
    let engines: [Arc<dyn Engine>; 5] = [
        Arc::new(cpu(1, Level::Scalar)),
        Arc::new(cpu(1, Level::Best)),
        Arc::new(cpu(4, Level::Best)),
        Arc::new(gpu(false)?),
        Arc::new(gpu(true)?),
    ];
    Ok(engines.into_iter().map(Device::new).collect())
}

/// Bytes in no order.
fn noise(n: usize) -> Vec<u8> {
    (0..n as u32).map(|i| (i.wrapping_mul(0x9e37_79b9) >> 24) as u8).collect()
}

fn bytes(x: &Tensor) -> Result<usize> {
    Ok(x.buffer()?.data.bytes())
}

#[test]
fn a_byte_takes_a_byte() -> Result<()> {
    for device in devices()? {
        let n = 1 << 16;
        let x = device.tensor(HostSlice::U8(&noise(n)), [n])?;
        assert_eq!((bytes(&x)?, device.engine().memory().live), (n, n));
        // What only shows it shares it; what is computed has lanes.
        assert_eq!(bytes(&ops::reshape(&x, [16, n / 16])?)?, n);
        assert_eq!(bytes(&x.cast(DType::I32)?)?, n);
        assert_eq!(device.engine().memory().live, n);
        assert_eq!(bytes(&ops::add(&x, &x)?)?, 4 * n);
    }
    Ok(())
}

#[test]
fn any_number_of_elements_comes_back() -> Result<()> {
    for device in devices()? {
        for n in (0..40).chain([1000, 4099]) {
            let values = noise(n);
            let signed: Vec<i8> = values.iter().map(|&b| b as i8).collect();
            let (x, y) = (device.tensor(HostSlice::U8(&values), [n])?, device.tensor(HostSlice::I8(&signed), [n])?);
            assert_eq!((x.to_host()?, y.to_host()?), (HostData::U8(values.clone()), HostData::I8(signed.clone())));
            let wide: Vec<i32> = signed.iter().map(|&v| v.into()).collect();
            assert_eq!(y.cast(DType::I32)?.to_host()?, HostData::I32(wide));
            assert_eq!(ops::neg(&ops::neg(&y)?)?.to_host()?, HostData::I8(signed.clone()));
            // From any place to any other, forwards and back.
            let part = ops::slice(&x, &[n / 3], &[n - n / 3])?;
            assert_eq!(ops::concat(&[&part, &x], 0)?.to_host()?, HostData::U8([&values[n / 3..], &values].concat()));
            let backwards: Vec<u8> = values.iter().rev().copied().collect();
            assert_eq!(ops::reverse(&x, None)?.to_host()?, HostData::U8(backwards));
        }
    }
    Ok(())
}

#[test]
fn words_hold_four_bytes() -> Result<()> {
    for device in devices()? {
        let x = device.tensor_of_bytes(DType::I8, &[0x80ff_7f01, 2], [5].into())?;
        assert_eq!(x.to_vec()?, [1.0, 127.0, -1.0, -128.0, 2.0]);
        let error = device.tensor_of_bytes(DType::U8, &[1], [5].into()).expect_err("a word holds four");
        assert_eq!(error.code(), "shape");
    }
    Ok(())
}

/// A data set of images gives batches without ever taking more memory than its bytes and theirs.
#[test]
fn batches_are_taken_of_a_data_set_that_stays_bytes() -> Result<()> {
    for device in devices()? {
        let (count, pixels) = (2000, 28 * 28);
        let values = noise(count * pixels);
        let images = device.tensor(HostSlice::U8(&values), [count, 28, 28, 1])?;
        let order: Vec<i32> = (0..count as i32).map(|i| i * 7 % count as i32).collect();
        let order = device.tensor(HostSlice::I32(&order), [count])?;
        let held = device.engine().memory().live;
        for batch in 0..3 {
            let rows = ops::slice(&order, &[batch * 32], &[32])?;
            let taken = ops::gather(&images, &rows, 0, 0)?.cast(DType::F32)?;
            let sliced = ops::slice(&images, &[batch * 32, 0, 0, 0], &[32, 28, 28, 1])?.cast(DType::F32)?;
            let filter = device.tensor(HostSlice::F32(&[0.01; 9]), [3, 3, 1, 1])?;
            let y = [
                ops::conv2d(&taken, &filter, &Default::default())?,
                ops::conv2d(&sliced, &filter, &Default::default())?,
            ];
            y.iter().try_for_each(|y| y.buffer().map(drop))?;
            let row: Vec<f32> = values[pixels * 7..][..pixels].iter().map(|&b| f32::from(b)).collect();
            if batch == 0 {
                assert_eq!(ops::slice(&taken, &[1, 0, 0, 0], &[1, 28, 28, 1])?.to_vec()?, row);
            }
        }
        let memory = device.engine().memory();
        assert!(memory.live + memory.pooled < held + 2_000_000, "{memory:?}, {held} before");
    }
    Ok(())
}

/// Kernels that compute on lanes get them for as long as they run.
#[test]
fn every_kernel_takes_bytes() -> Result<()> {
    for device in devices()? {
        let values: Vec<u8> = noise(600).into_iter().map(|b| b / 8).collect();
        let x = device.tensor(HostSlice::U8(&values), [20, 30])?;
        let lanes = device.tensor(HostSlice::I32(&values.iter().map(|&b| b.into()).collect::<Vec<_>>()), [20, 30])?;
        let held = device.engine().memory().live;
        type Function = fn(&Tensor, &Tensor) -> Result<Tensor>;
        let functions: [(&str, Function); 8] = [
            ("cumsum", |x, _| ops::cumsum(&x.cast(DType::I32)?, 1, false, false)),
            ("sort", |x, _| ops::sort(x, 1, false)),
            ("gather by bytes", |_, i| {
                ops::gather(
                    &i.cast(DType::I32)?,
                    &ops::reshape(&ops::slice(i, &[0, 0], &[1, 30])?, [30])?.cast(DType::I32)?,
                    1,
                    0,
                )
            }),
            ("unsorted segments", |x, i| {
                let segments = ops::reshape(&ops::slice(i, &[0, 0], &[20, 1])?, [20])?.cast(DType::I32)?;
                ops::unsorted_segment_sum(&x.cast(DType::I32)?, &segments, 32)
            }),
            ("matmul", |x, i| ops::matmul(x, i, false, true)),
            ("argMax", |x, _| ops::arg_max(x, 1)),
            ("pad", |x, _| ops::pad(x, &[(1, 2), (0, 3)], 7.0)),
            ("resize", |x, _| {
                ops::resize_bilinear(&ops::reshape(x, [1, 20, 30, 1])?.cast(DType::F32)?, (7, 9), false, true)
            }),
        ];
        for (name, f) in functions {
            let (got, want) = (f(&x, &x)?, f(&lanes, &lanes)?);
            assert_eq!(got.to_vec()?, want.to_vec()?, "{name}");
        }
        assert_eq!(device.engine().memory().live, held);
        assert_eq!(x.to_host()?, HostData::U8(values));
    }
    Ok(())
}

/// A captured function reads operands as they are stored, call by call.
#[test]
fn captured_functions_take_bytes_and_lanes() -> Result<()> {
    for device in devices()? {
        let x = device.tensor(HostSlice::U8(&noise(4096)), [64, 64])?;
        let computed = ops::add(&x, &x.zeros_like()?)?;
        assert_eq!((bytes(&x)?, bytes(&computed)?), (4096, 4 * 4096));
        let f = Captured::new(&device, &[(x.shape().clone(), DType::U8)], |x| {
            Ok(vec![ops::slice(&x[0], &[3, 1], &[2, 6])?.cast(DType::F32)?, x[0].clone()])
        })?;
        let want = ops::slice(&x, &[3, 1], &[2, 6])?.to_vec()?;
        for operand in [&x, &computed, &x] {
            let before = device.engine().memory();
            let results = f.call(&[operand])?;
            assert_eq!(results[0].to_vec()?, want);
            assert_eq!(results[1].to_host()?, x.to_host()?);
            let after = device.engine().memory();
            assert!(after.live + after.pooled <= before.live + before.pooled + 1024, "{before:?}, {after:?}");
        }
    }
    Ok(())
}

/// One structure with leaves of either kind is two plans.
#[test]
fn computed_bytes_are_lanes() -> Result<()> {
    for device in devices()? {
        let mut x = device.tensor(HostSlice::U8(&[250, 3, 128, 7, 9]), [5])?;
        for step in 1..=4 {
            x = ops::add(&x, &x.constant(2.0))?;
            let want: Vec<u8> = [250u8, 3, 128, 7, 9].iter().map(|b| b.wrapping_add(2 * step)).collect();
            assert_eq!(x.to_host()?, HostData::U8(want));
        }
    }
    Ok(())
}

/// A weight that is computed of bytes wherever it is used: no run leaves its floats behind.
#[test]
fn what_is_recomputed_is_not_kept() -> Result<()> {
    for device in devices()? {
        let n = 256;
        let q = device.tensor(HostSlice::U8(&noise(n * n)), [n, n])?;
        let w = (&(&q.cast(DType::F32)? * 0.01)? + -1.0)?.recomputed();
        drop(q);
        let want: Vec<f32> = noise(n * n).iter().map(|&b| f32::from(b) * 0.01 - 1.0).collect();
        let x = device.ones([2, n], DType::F32)?;
        x.buffer()?;
        let held = device.engine().memory().live;
        for _ in 0..2 {
            let y = ops::matmul(&x, &w, false, false)?;
            let sum: f32 = (0..n).map(|i| want[i * n + 7]).sum();
            assert!((y.to_vec()?[7] - sum).abs() < 1e-3);
            assert!(w.to_vec()?.iter().zip(&want).all(|(a, b)| (a - b).abs() < 1e-6));
            drop(y);
            assert!(!w.is_computed());
            assert_eq!(device.engine().memory().live, held);
        }
        // Captured functions hold what they compute of it; its gradient is that of any operand.
        let f = Captured::new(&device, &[(x.shape().clone(), DType::F32)], |x| {
            Ok(vec![ops::matmul(&x[0], &w, false, false)?])
        })?;
        let got = f.call(&[&x])?;
        assert_eq!(got[0].to_vec()?, ops::matmul(&x, &w, false, false)?.to_vec()?);
        drop((got, f));
        let (_, gradients) =
            device.value_and_grads(&[&w], || ops::sum(&ops::matmul(&x, &w, false, false)?, None, false))?;
        assert_eq!(gradients[0].to_vec()?[..3], [2.0; 3]);
        drop(gradients);
        assert_eq!(device.engine().memory().live, held);
    }
    Ok(())
}
