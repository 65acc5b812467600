//! Every shader of the op suite is valid WGSL, on machines without a GPU too: a host that only compiles.

use std::sync::{Arc, Mutex};

use headwater_core::{Device, Error, Result};
use headwater_gpu::{Dispatch, GpuEngine, GpuOptions, Host, Id, Limits, StampsCallback, WordsCallback};
use headwater_tests::{chains, compare};

#[derive(Default)]
struct Compiler {
    wrong: Mutex<Vec<String>>,
}

impl Host for Compiler {
    fn limits(&self) -> Limits {
        Limits { max_buffer_bytes: 1 << 27, max_storage_buffers: 8, timestamps: false, halves: true }
    }
    fn create_buffer(&self, _: Id, _: usize) -> Result<()> {
        Ok(())
    }
    fn destroy_buffer(&self, _: Id) {}
    fn write_buffer(&self, _: Id, _: &[u32]) {}
    fn create_pipeline(&self, _: Id, source: &str, reads: usize, writes: usize) -> Result<()> {
        let fail = |message: String| {
            let message = format!("{message}\n{source}");
            self.wrong.lock().expect("not poisoned").push(message.clone());
            Err(Error::device("compiler", message))
        };
        if reads + writes > 8 {
            return fail(format!("{reads} + {writes} buffers"));
        }
        let module = match naga::front::wgsl::parse_str(source) {
            Ok(module) => module,
            Err(error) => return fail(error.emit_to_string(source)),
        };
        let capabilities = if source.starts_with("enable f16;") {
            naga::valid::Capabilities::SHADER_FLOAT16
        } else {
            naga::valid::Capabilities::empty()
        };
        let mut validator = naga::valid::Validator::new(naga::valid::ValidationFlags::all(), capabilities);
        match validator.validate(&module) {
            Ok(_) => Ok(()),
            Err(error) => fail(error.emit_to_string(source)),
        }
    }
    fn submit(&self, dispatches: &[Dispatch], uniforms: &[u32], _: Option<StampsCallback>) -> Result<()> {
        for dispatch in dispatches {
            assert!((dispatch.uniform_offset + dispatch.uniform_size) as usize <= uniforms.len());
            assert!(dispatch.groups.iter().all(|&g| (1..=65_535).contains(&g)), "{:?}", dispatch.groups);
        }
        Ok(())
    }
    fn read_buffer(&self, _: Id, words: usize, _: bool, done: WordsCallback) {
        done(Ok(vec![0; words]));
    }
    fn wait(&self) -> bool {
        true
    }
}

fn compile(options: GpuOptions) {
    let host = Arc::new(Compiler::default());
    let engine = Arc::new(GpuEngine::new(host.clone(), options));
    let device = Device::new(engine.clone());
    for case in headwater_tests::cases().into_iter().chain((0..200).map(chains::chain)) {
        let alone = compare::operands(&device, &case.inputs).and_then(|x| (case.function)(&x)?.to_host());
        drop(alone);
        if let Ok((y, gradients)) = compare::run(&device, &case) {
            // Results are zeros; what matters is that everything compiles.
            for tensor in std::iter::once(&y).chain(&gradients) {
                let _ = tensor.to_host();
            }
        }
    }
    let wrong = host.wrong.lock().expect("not poisoned");
    assert!(wrong.is_empty(), "{} wrong, the first:\n{}", wrong.len(), wrong[0]);
    assert!(engine.pipelines() > 100, "{} shaders", engine.pipelines());
}

#[test]
fn plain_shaders_are_valid() {
    compile(GpuOptions { tiles: false, ..GpuOptions::default() });
}

#[test]
fn tiled_shaders_are_valid() {
    compile(GpuOptions { tiles: true, ..GpuOptions::default() });
}
