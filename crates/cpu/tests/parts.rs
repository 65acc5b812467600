//! Runs that stop between kernels and go on.

use std::sync::Arc;

use headwater_core::{ops, Device, HostSlice, Result, Tensor};
use headwater_cpu::{CpuEngine, CpuOptions};

fn device() -> Device {
    Device::new(Arc::new(CpuEngine::new(CpuOptions { threads: 1, ..CpuOptions::default() })))
}

/// Products after one another, each a kernel, and a sum that is a result too.
fn chain(device: &Device, length: usize) -> Result<(Tensor, Tensor)> {
    let values: Vec<f32> = (0..16).map(|i| (i % 5) as f32 * 0.25 - 0.5).collect();
    let x = device.tensor(HostSlice::F32(&values), [4, 4])?;
    let mut y = x.clone();
    for _ in 0..length {
        y = ops::matmul(&y, &x, false, false)?;
    }
    let sum = ops::sum(&y, None, false)?;
    Ok((y, sum))
}

#[test]
fn parts_give_what_the_whole_gives() -> Result<()> {
    let (whole, sum) = chain(&device(), 6)?;
    let device = device();
    let (y, total) = chain(&device, 6)?;
    let mut calls = 1;
    while !device.flush_part(&|| true)? {
        calls += 1;
    }
    assert_eq!(calls, device.stats().kernels);
    assert!(calls >= 6, "{calls} calls");
    assert_eq!((device.stats().runs, device.stats().plans), (1, 1));
    assert_eq!((y.to_vec()?, total.to_vec()?), (whole.to_vec()?, sum.to_vec()?));
    assert!(device.flush_part(&|| true)?, "nothing is left");
    assert_eq!(device.stats().runs, 1);
    Ok(())
}

#[test]
fn what_is_recorded_between_parts_waits_for_them() -> Result<()> {
    let (whole, _) = chain(&device(), 6)?;
    let device = device();
    let (y, total) = chain(&device, 6)?;
    assert!(!device.flush_part(&|| true)?);
    let twice = ops::add(&y, &y)?;
    // A part of the run that is not over does not begin the next.
    assert!(!device.flush_part(&|| true)?);
    drop(total);
    let wanted: Vec<f32> = whole.to_vec()?.iter().map(|v| v + v).collect();
    assert_eq!(twice.to_vec()?, wanted);
    assert_eq!(y.to_vec()?, whole.to_vec()?);
    assert_eq!(device.stats().runs, 2);
    assert!(device.flush_part(&|| true)?);
    Ok(())
}

#[test]
fn a_device_may_go_with_a_run_that_is_not_over() -> Result<()> {
    let device = device();
    let (y, _) = chain(&device, 6)?;
    assert!(!device.flush_part(&|| true)?);
    drop(y);
    drop(device);
    Ok(())
}
