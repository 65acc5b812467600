//! The op suite on a GPU, in every mode. Without one these tests fail: `cargo xtask setup` installs a software adapter.
#![cfg(feature = "native")]

use std::sync::Arc;

use headwater_core::engine::Engine;
use headwater_core::{Device, Result};
use headwater_gpu::{GpuEngine, GpuOptions, NativeHost};
use headwater_tests::{chains, compare, Case};

fn check(make: fn(Arc<dyn Engine>) -> Device, options: GpuOptions, random_chains: u32) -> Result<()> {
    let device = make(Arc::new(GpuEngine::new(Arc::new(NativeHost::new()?), options)));
    let chains = (0..random_chains).map(chains::chain);
    let describe = |case| match compare::check(&device, &case) {
        Ok(wrong) => wrong,
        Err(error) => Some(format!("{}: {error}", case.name)),
    };
    // What holds no float16 has the same shaders with and without halves.
    let concerned = |case: &Case| !options.halves || case.name.contains("float16");
    let cases = headwater_tests::cases().into_iter().chain(chains).filter(concerned);
    let wrong: Vec<String> = cases.filter_map(describe).collect();
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
    Ok(())
}

#[test]
fn unfused() -> Result<()> {
    check(Device::unfused, GpuOptions { tiles: false, halves: false }, 10)
}

#[test]
fn fused_plain() -> Result<()> {
    check(Device::new, GpuOptions { tiles: false, halves: false }, 40)
}

#[test]
fn fused_tiled() -> Result<()> {
    check(Device::new, GpuOptions { tiles: true, halves: false }, 40)
}

#[test]
fn halves_unfused() -> Result<()> {
    check(Device::unfused, GpuOptions { tiles: true, halves: true }, 0)
}

#[test]
fn halves_plain() -> Result<()> {
    check(Device::new, GpuOptions { tiles: false, halves: true }, 0)
}

#[test]
fn halves_tiled() -> Result<()> {
    check(Device::new, GpuOptions { tiles: true, halves: true }, 0)
}
