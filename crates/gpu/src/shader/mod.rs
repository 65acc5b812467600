//! Kernels as WGSL.

#[cfg(feature = "scan")]
mod arg_reduce;
mod code;
mod contract;
mod depthwise;
mod heads;
#[cfg(feature = "linalg")]
mod linalg;
mod math;
mod program;
mod reduce;
#[cfg(feature = "scan")]
mod scan;
mod scatter;
#[cfg(feature = "sort")]
mod sort;

#[cfg(any(feature = "linalg", feature = "sort"))]
use headwater_core::op::Routine;
use headwater_core::plan::{Head, Kernel, Plan, ValueId};
use headwater_core::selection::has;
use headwater_core::{Error, Result};

use crate::engine::GpuOptions;
pub use code::MAX_BUFFERS;
use code::{can_be_wide, Code};

/// A buffer a shader uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Slot {
    /// A value of the plan.
    Value(ValueId),
    /// The kernel's temporary buffer of this number.
    Temporary(usize),
}

/// A compute shader and what to run it with.
#[derive(Clone, Debug)]
pub struct Shader {
    /// The WGSL text: bindings as [`crate::Host::create_pipeline`] says, entry point `main`.
    pub source: String,
    /// The buffers read, by binding.
    pub reads: Vec<Slot>,
    /// The buffers written, by binding.
    pub writes: Vec<Slot>,
    /// The uniform words.
    pub words: Vec<u32>,
    /// Words to replace by the plan's run-time scalars: `(word, scalar)`.
    pub params: Vec<(usize, usize)>,
    /// Workgroups.
    pub groups: [u32; 3],
    /// Words of a temporary buffer to make before this shader runs; 0: none.
    pub temporary: usize,
}

/// The shaders that compute a kernel, in order.
///
/// # Errors
/// `ErrorKind::Device` for what this engine cannot compute.
pub fn print(plan: &Plan, kernel: &Kernel, options: &GpuOptions) -> Result<Vec<Shader>> {
    if kernel.map.shape.size() == 0 {
        return Ok(Vec::new());
    }
    #[cfg(feature = "linalg")]
    if let (true, Some(Head::Routine { routine: Routine::Linalg(routine), inputs, shapes, out })) =
        (const { has("kernel:linalg") }, &kernel.head)
    {
        return Ok(linalg::print(plan, &kernel.map, *routine, inputs, shapes, out));
    }
    #[cfg(feature = "sort")]
    if let (true, Some(Head::Routine { routine: Routine::Sort { descending }, inputs, shapes, out })) =
        (const { has("kernel:sort") }, &kernel.head)
    {
        return Ok(sort::print(plan, kernel, inputs[0], *descending, [shapes[0][0], shapes[0][1], out[1]]));
    }
    if let Some(Head::Routine { routine, .. }) = &kernel.head {
        return Err(Error::device("webgpu", format_args!("this build is without the feature {}", routine.feature())));
    }
    if let (true, Some(Head::Index { op, from, to, input, index })) = (const { has("kernel:index") }, &kernel.head) {
        if let Some(shaders) = scatter::print(plan, kernel, options, *op, [*from, *to], [*input, *index]) {
            return Ok(shaders);
        }
    }
    if options.tiles {
        match &kernel.head {
            Some(Head::Reduce { op, body, kept }) => {
                if let Some(shaders) = reduce::print(plan, kernel, *op, body, *kept) {
                    return Ok(shaders);
                }
            }
            #[cfg(feature = "scan")]
            Some(Head::ArgReduce { max, input }) if const { has("kernel:argReduce") } => {
                if let Some(shaders) = arg_reduce::print(plan, kernel, *max, input) {
                    return Ok(shaders);
                }
            }
            #[cfg(feature = "scan")]
            Some(Head::Scan { kind, shape, input }) if const { has("kernel:scan") } => {
                return Ok(scan::print(plan, kernel, *kind, *shape, *input));
            }
            Some(Head::Conv { kind, geometry, inputs }) if const { has("kernel:depthwise") } && geometry.groups > 1 => {
                if let Some(shaders) = depthwise::print(plan, kernel, *kind, geometry, *inputs) {
                    return Ok(shaders);
                }
            }
            Some(Head::MatMul { .. } | Head::Conv { .. }) => {
                if let Some(shaders) = contract::print(plan, kernel) {
                    return Ok(shaders);
                }
            }
            _ => {}
        }
    }
    let mut code = Code::new(plan);
    code.wide = options.tiles && kernel.head.is_none() && can_be_wide(&kernel.map, &[]);
    if let Some(head) = &kernel.head {
        heads::head(&mut code, head);
    }
    code.tail(&kernel.map, kernel.head.is_some());
    Ok(vec![code.elementwise(kernel.map.shape.size(), kernel.head.is_some())])
}
