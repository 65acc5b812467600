//! Kernels timed by the GPU.
#![cfg(feature = "native")]

use std::sync::{mpsc, Arc};

use headwater_core::engine::KernelTime;
use headwater_core::{ops, Device, Result};
use headwater_gpu::{GpuEngine, GpuOptions, Host, NativeHost};

fn take(device: &Device) -> Vec<KernelTime> {
    let (send, receive) = mpsc::channel();
    device.engine().take_times(Box::new(move |times| {
        let _ = send.send(times);
    }));
    device.engine().wait();
    receive.recv().expect("an answer").expect("times")
}

#[test]
fn kernels_are_timed_by_the_gpu() -> Result<()> {
    let host = Arc::new(NativeHost::new()?);
    let able = host.limits().timestamps;
    let device = Device::new(Arc::new(GpuEngine::new(host, GpuOptions::default())));
    let x = ops::random_normal(&device, [64, 64], 0.0, 1.0, 1)?;
    x.buffer()?;
    assert_eq!(device.engine().time_kernels(true), able);
    for _ in 0..2 {
        ops::softmax(&ops::matmul(&x, &x, false, false)?, -1)?.buffer()?;
    }
    let times = take(&device);
    if able {
        assert!(times.len() >= 4, "{times:?}");
        assert!(times.iter().any(|t| t.label.contains("matMul")), "{times:?}");
        assert!(times.iter().all(|t| t.duration >= 0.0), "{times:?}");
        assert!(times.windows(2).all(|t| t[0].start <= t[1].start), "{times:?}");
    } else {
        assert_eq!(times, []);
    }
    // What was taken is gone; nothing is measured any more once it is off.
    assert_eq!(take(&device), []);
    device.engine().time_kernels(false);
    ops::exp(&x)?.buffer()?;
    assert_eq!(take(&device), []);
    Ok(())
}
