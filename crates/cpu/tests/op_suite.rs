//! The op suite on the CPU engine, in every mode.

use std::sync::Arc;

use headwater_core::Device;
use headwater_cpu::{CpuEngine, CpuOptions, Level};
use headwater_tests::{chains, compare};

fn device(threads: usize, level: Level) -> Device {
    Device::new(Arc::new(CpuEngine::new(CpuOptions { threads, level, ..CpuOptions::default() })))
}

fn check(device: &Device) {
    let chains = (0..200).map(chains::chain);
    let describe = |case| match compare::check(device, &case) {
        Ok(wrong) => wrong,
        Err(error) => Some(format!("{}: {error}", case.name)),
    };
    let wrong: Vec<String> = headwater_tests::cases().into_iter().chain(chains).filter_map(describe).collect();
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn scalar() {
    check(&device(1, Level::Scalar));
}

#[test]
fn simd() {
    check(&device(1, Level::Best));
}

#[test]
fn threads() {
    check(&device(4, Level::Best));
}
