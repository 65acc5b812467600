//! A plain engine: interprets plans element by element, in float64, by the definitions. It is what the real engines and
//! the gradients are tested against.

mod eval;
mod heads;

use std::any::Any;
use std::sync::Arc;

use crate::dtype::{DType, Scalar};
use crate::engine::{Buffer, BufferData, Engine, EngineMemory, ReadCallback};
use crate::error::{Error, Result};
use crate::packed::unpack;
use crate::plan::{Access, Kernel, Map, Plan, Source};
use eval::eval;

/// The interpreter. `max_buffers` bounds the buffers of one kernel, to exercise the splitting of kernels.
pub struct ReferenceEngine {
    /// See [`Engine::max_kernel_buffers`].
    pub max_buffers: usize,
}

impl Default for ReferenceEngine {
    fn default() -> ReferenceEngine {
        ReferenceEngine { max_buffers: 8 }
    }
}

struct Lanes(Vec<f64>);

impl BufferData for Lanes {
    fn bytes(&self) -> usize {
        self.0.len() * 8
    }
    fn as_any(&self) -> &dyn Any {
        self
    }
}

/// The state of one run.
struct Run<'p> {
    plan: &'p Plan,
    values: Vec<Option<Arc<Vec<f64>>>>,
    params: &'p [u32],
}

impl Engine for ReferenceEngine {
    fn name(&self) -> &'static str {
        "reference"
    }

    fn max_kernel_buffers(&self) -> usize {
        self.max_buffers
    }

    fn upload(&self, stored: DType, size: usize, words: &[u32]) -> Result<Buffer> {
        let lanes = unpack(stored, words.to_vec(), size);
        Ok(buffer(lanes.iter().map(|&bits| of_bits(stored, bits)).collect(), stored))
    }

    fn run(
        &self,
        plan: &Plan,
        values: &mut [Option<Buffer>],
        _from: usize,
        params: &[u32],
        _enough: &dyn Fn() -> bool,
    ) -> Result<usize> {
        let mut run = Run { plan, values: vec![None; plan.values.len()], params };
        for (slot, leaf) in run.values.iter_mut().zip(values.iter().flatten()) {
            *slot = Some(Arc::new(lanes(leaf)?.clone()));
        }
        for (kernel, frees) in plan.kernels.iter().zip(&plan.frees) {
            if kernel.reads.len() + kernel.map.outputs.len() > self.max_buffers {
                return Err(Error::device("reference", format_args!("kernel {} uses too many buffers", kernel.label)));
            }
            run.kernel(kernel)?;
            frees.iter().for_each(|&v| run.values[v] = None);
        }
        for &v in &plan.results {
            let lanes = run.lanes(v)?;
            if lanes.len() != plan.values[v].size {
                return Err(Error::device("reference", format_args!("value {v} has {} elements", lanes.len())));
            }
            values[v] = Some(buffer(lanes.to_vec(), plan.values[v].dtype));
        }
        Ok(plan.kernels.len())
    }

    fn read(&self, buffer: &Buffer, done: ReadCallback) {
        done(lanes(buffer).map(|lanes| lanes.iter().map(|&x| Scalar::from_f64(buffer.dtype, x).bits()).collect()));
    }

    fn wait(&self) -> bool {
        true
    }

    fn memory(&self) -> EngineMemory {
        EngineMemory::default()
    }
}

fn buffer(lanes: Vec<f64>, dtype: DType) -> Buffer {
    Buffer { size: lanes.len(), data: Arc::new(Lanes(lanes)), dtype }
}

/// A float32 buffer that holds float64 values, for differences that float32 could not resolve.
pub fn upload_f64(data: &[f64]) -> Buffer {
    buffer(data.to_vec(), DType::F32)
}

/// A buffer's elements as the engine holds them.
///
/// # Errors
/// `ErrorKind::Device` for a buffer of another engine.
pub fn read_f64(buffer: &Buffer) -> Result<Vec<f64>> {
    lanes(buffer).cloned()
}

fn of_bits(dtype: DType, bits: u32) -> f64 {
    match Scalar::from_bits(dtype, bits) {
        Scalar::F32(v) => f64::from(v),
        Scalar::I32(v) => f64::from(v),
        Scalar::Bool(v) => f64::from(u8::from(v)),
    }
}

fn lanes(buffer: &Buffer) -> Result<&Vec<f64>> {
    let lanes = buffer.data.as_any().downcast_ref::<Lanes>();
    lanes.map(|l| &l.0).ok_or_else(|| Error::device("reference", "a buffer of another engine"))
}

impl Run<'_> {
    fn lanes(&self, value: usize) -> Result<&[f64]> {
        let lanes = self.values.get(value).and_then(|v| v.as_deref());
        lanes
            .map(Vec::as_slice)
            .ok_or_else(|| Error::device("reference", format_args!("value {value} is read while it does not exist")))
    }

    /// The element an access shows at a linear index of its view.
    fn load(&self, access: &Access, index: usize) -> Result<f64> {
        let at = access.view.element(index);
        match access.source {
            Source::Index => Ok(at as f64),
            Source::Buffer(value) => {
                let lanes = self.lanes(value)?;
                lanes.get(at).copied().ok_or_else(|| {
                    Error::device(
                        "reference",
                        format_args!("element {at} of value {value} with {} elements", lanes.len()),
                    )
                })
            }
        }
    }

    /// Every register of a map's program at a linear index.
    fn registers(&self, map: &Map, index: usize, acc: Option<f64>) -> Result<Vec<f64>> {
        let inputs: Vec<f64> = map.inputs.iter().map(|a| self.load(a, index)).collect::<Result<_>>()?;
        // A parameter's dtype is that of the register it is loaded to.
        let mut params = vec![0.0; map.params.len()];
        for (instr, &dtype) in map.program.code.iter().zip(&map.program.types) {
            if let crate::scalar::Instr::Param(n) = instr {
                params[*n as usize] = of_bits(dtype, self.params[map.params[*n as usize]]);
            }
        }
        Ok(eval(&map.program, &inputs, &params, acc))
    }

    fn kernel(&mut self, kernel: &Kernel) -> Result<()> {
        let acc = kernel.head.as_ref().map(|head| self.head(head)).transpose()?;
        let map = &kernel.map;
        let n = map.shape.size();
        if let Some(acc) = &acc {
            if acc.len() != n {
                let message = format_args!("head of {} gives {} elements for {n}", kernel.label, acc.len());
                return Err(Error::device("reference", message));
            }
        }
        let mut outputs = vec![Vec::with_capacity(n); map.outputs.len()];
        for i in 0..n {
            let registers = self.registers(map, i, acc.as_ref().map(|a| a[i]))?;
            for (out, &(reg, _)) in outputs.iter_mut().zip(&map.outputs) {
                out.push(registers[reg as usize]);
            }
        }
        for (lanes, &(_, value)) in outputs.into_iter().zip(&map.outputs) {
            self.values[value] = Some(Arc::new(lanes));
        }
        Ok(())
    }
}
