//! What NumPy, SciPy and JAX answer (`tests/answers/*.json`), on every engine in every mode.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use headwater::registry;
use headwater_core::engine::Engine;
use headwater_core::{DType, Device, Error, HostData, Result, Shape, Tensor};
use headwater_cpu::{CpuEngine, CpuOptions, Level};
use headwater_gpu::{GpuEngine, GpuOptions, NativeHost};
use serde_json::Value;

/// A tensor as a file has it: dtype, shape and elements.
struct Given {
    dtype: DType,
    shape: Shape,
    elements: Vec<f64>,
}

fn malformed(what: &Value) -> Error {
    Error::format("answers", format!("unexpected {what}"))
}

fn element(v: &Value) -> Result<f64> {
    match v.as_str() {
        Some("nan") => Ok(f64::NAN),
        Some("inf") => Ok(f64::INFINITY),
        Some("-inf") => Ok(f64::NEG_INFINITY),
        _ => v.as_f64().ok_or_else(|| malformed(v)),
    }
}

fn list(v: &Value) -> Result<&[Value]> {
    v.as_array().map(Vec::as_slice).ok_or_else(|| malformed(v))
}

fn numbers(v: &Value) -> Result<Vec<f64>> {
    list(v)?.iter().map(element).collect()
}

impl Given {
    fn new(v: &Value) -> Result<Given> {
        let dtype = DType::from_name(v[0].as_str().ok_or_else(|| malformed(v))?)?;
        let shape = numbers(&v[1])?.into_iter().map(|d| d as usize).collect();
        Ok(Given { dtype, shape, elements: numbers(&v[2])? })
    }

    fn upload(&self, device: &Device) -> Result<Tensor> {
        let data = HostData::from_f64(self.dtype, &self.elements);
        device.tensor(data.as_slice(), &self.shape)
    }

    /// How `got` differs from this tensor.
    fn difference(&self, got: &Tensor, tolerance: f64) -> Result<Option<String>> {
        if (got.dtype(), got.shape()) != (self.dtype, &self.shape) {
            return Ok(Some(format!("{got:?} instead of {} {}", self.dtype.name(), self.shape)));
        }
        let got = got.to_host()?.to_f64();
        let largest = self.elements.iter().filter(|v| v.is_finite()).fold(1.0f64, |m, v| m.max(v.abs()));
        // Only floats have anything to tolerate.
        let allowed = if self.dtype.is_float() { tolerance * largest } else { 0.0 };
        let same = |g: f64, w: f64| g == w || (g.is_nan() && w.is_nan()) || (g - w).abs() <= allowed;
        let wrong = got.iter().zip(&self.elements).enumerate().find(|&(_, (&g, &w))| !same(g, w));
        Ok(wrong.map(|(i, (g, w))| format!("element {i}: got {g}, expected {w}")))
    }
}

fn check(device: &Device, case: &Value) -> Result<Option<String>> {
    let op = case["op"].as_str().ok_or_else(|| malformed(case))?;
    let inputs = list(&case["inputs"])?.iter().map(|v| Given::new(v)?.upload(device)).collect::<Result<Vec<_>>>()?;
    let attrs = if case["attrs"].is_null() { Vec::new() } else { numbers(&case["attrs"])? };
    let outputs = registry::invoke(device, registry::op_id(op)?, &inputs, &attrs)?;
    let expected = list(&case["outputs"])?;
    if outputs.len() != expected.len() {
        return Ok(Some(format!("{} results instead of {}", outputs.len(), expected.len())));
    }
    let tolerance = case["tolerance"].as_f64().unwrap_or(1e-5);
    for (got, want) in outputs.iter().zip(expected) {
        if let Some(wrong) = Given::new(want)?.difference(got, tolerance)? {
            return Ok(Some(wrong));
        }
    }
    Ok(None)
}

/// Runs every family's cases, all of one process on one device: cached pipelines meet many shapes.
fn run(device: &Device) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("answers");
    let mut files: Vec<_> = fs::read_dir(&folder).expect("tests/answers").flatten().map(|e| e.path()).collect();
    files.retain(|p| p.extension().is_some_and(|e| e == "json"));
    files.sort();
    assert!(!files.is_empty(), "no answers");
    let mut wrong = Vec::new();
    for file in files {
        let name = file.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let text = fs::read_to_string(&file).expect("readable");
        let family: Value = serde_json::from_str(&text).expect("JSON");
        for (i, case) in family["cases"].as_array().expect("cases").iter().enumerate() {
            let problem = match check(device, case) {
                Ok(problem) => problem,
                Err(error) => Some(error.to_string()),
            };
            if let Some(problem) = problem {
                wrong.push(format!("{name} {i} ({} {}): {problem}", case["op"], case["note"]));
            }
        }
    }
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
}

fn cpu(threads: usize, level: Level) -> Device {
    Device::new(Arc::new(CpuEngine::new(CpuOptions { threads, level, ..CpuOptions::default() })))
}

fn gpu(make: fn(Arc<dyn Engine>) -> Device, tiles: bool) -> Device {
    let host = NativeHost::new().expect("a GPU: `cargo xtask setup` installs a software one");
    make(Arc::new(GpuEngine::new(Arc::new(host), GpuOptions { tiles, ..GpuOptions::default() })))
}

#[test]
fn cpu_scalar() {
    run(&cpu(1, Level::Scalar));
}

#[test]
fn cpu_simd() {
    run(&cpu(1, Level::Best));
}

#[test]
fn cpu_threads() {
    run(&cpu(4, Level::Best));
}

#[test]
fn gpu_unfused() {
    run(&gpu(Device::unfused, false));
}

#[test]
fn gpu_fused() {
    run(&gpu(Device::new, true));
}
