//! Times of placing, picking, sorting and scanning on this machine's GPU:
//! `cargo run --release -p headwater-gpu --features native --example index [part of a name]`.

use std::sync::Arc;
use std::time::Instant;

use headwater_core::{ops, DType, Device, Result, Tensor};
use headwater_gpu::{GpuEngine, GpuOptions, NativeHost};

/// Milliseconds of the fastest of a few runs, the first of which makes the plan.
fn time(name: &str, run: impl Fn() -> Result<Tensor>) -> Result<()> {
    if std::env::args().nth(1).is_some_and(|part| !name.contains(&part)) {
        return Ok(());
    }
    let mut best = f64::INFINITY;
    let begin = Instant::now();
    for round in 0..6 {
        if round > 1 && begin.elapsed().as_secs() > 4 {
            break;
        }
        let start = Instant::now();
        let y = run()?;
        // One number is read, so that all of it is computed and nothing else is copied.
        ops::slice(&ops::reshape(&y, [y.size()])?, &[0], &[1])?.to_host()?;
        if round > 0 {
            best = best.min(start.elapsed().as_secs_f64() * 1e3);
        }
    }
    println!("{name:<60} {best:>10.2} ms");
    Ok(())
}

fn main() -> Result<()> {
    let device = Device::new(Arc::new(GpuEngine::new(Arc::new(NativeHost::new()?), GpuOptions::default())));
    let normal = |shape: &[usize]| -> Result<Tensor> {
        let x = ops::random_normal(&device, shape, 0.0, 1.0, 7)?;
        x.buffer()?;
        Ok(x)
    };
    let whole = |k: usize, n: usize| -> Result<Tensor> {
        let x = ops::random_uniform(&device, [k], 0.0, n as f32, 8)?.cast(DType::I32)?;
        x.buffer()?;
        Ok(x)
    };
    for (n, inner, k) in [(20_000, 128, 2048), (20_000, 128, 64), (200, 16, 2048), (1000, 1, 100_000)] {
        let (table, index, dy) = (normal(&[n, inner])?, whole(k, n)?, normal(&[k, inner])?);
        time(&format!("gradient of {k} rows of {n} x {inner}"), || {
            let (_, g) = device.value_and_grads(&[&table], || {
                ops::sum(&ops::mul(&ops::gather(&table, &index, 0, 0)?, &dy)?, None, false)
            })?;
            Ok(g[0].clone())
        })?;
    }
    let index = device.zeros([2048], DType::I32)?;
    let dy = normal(&[2048, 128])?;
    time("2048 updates of 1 of 20,000 rows of 128", || ops::unsorted_segment_sum(&dy, &index, 20_000))?;
    for (k, n) in [(1_000_000, 10), (1_000_000, 256), (1_000_000, 10_000)] {
        let x = whole(k, n)?;
        time(&format!("bincount of {k} into {n}"), || ops::bincount(&x, None, n, false))?;
    }
    let x = normal(&[100_000])?;
    time("topk 100 of 100,000", || Ok(ops::topk(&x, 100)?.0))?;
    time("sort 100,000", || ops::sort(&x, 0, false))?;
    let x = normal(&[1_000_000])?;
    time("cumsum 1,000,000", || ops::cumsum(&x, 0, false, false))?;
    let x = normal(&[1000, 1000])?;
    time("cumsum 1000 x 1000", || ops::cumsum(&x, 1, false, false))
}
