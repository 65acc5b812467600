//! Plans made ready to run: shaders printed, pipelines found.

use headwater_core::plan::Plan;
use headwater_core::AllOk;
use headwater_core::Listed;
use headwater_core::Result;

use crate::engine::GpuOptions;
use crate::host::Id;
pub use crate::shader::Slot;
use crate::shader::{print, Shader};

/// A shader of a prepared plan. See [`Shader`].
pub struct Pass {
    pub pipeline: Id,
    pub buffers: Vec<Slot>,
    pub words: Vec<u32>,
    pub params: Vec<(usize, usize)>,
    pub groups: [u32; 3],
    pub temporary: usize,
}

/// The passes of each kernel of a plan.
///
/// # Errors
/// What `pipeline` gives.
pub fn prepare(
    plan: &Plan,
    options: &GpuOptions,
    pipeline: &mut dyn FnMut(&Shader, &str) -> Result<Id>,
) -> Result<Vec<Vec<Pass>>> {
    let mut passes = |kernel| -> Result<Vec<Pass>> {
        let shaders = print(plan, kernel, options)?;
        let pass = |shader: Shader| {
            Ok(Pass {
                pipeline: pipeline(&shader, &kernel.label)?,
                buffers: shader.reads.into_iter().chain(shader.writes).listed(),
                words: shader.words,
                params: shader.params,
                groups: shader.groups,
                temporary: shader.temporary,
            })
        };
        shaders.into_iter().map(pass).all_ok()
    };
    plan.kernels.iter().map(&mut passes).all_ok()
}
