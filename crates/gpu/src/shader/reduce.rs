//! Reductions by whole workgroups.

use headwater_core::op::ReduceOp;
use headwater_core::plan::{Kernel, Map, Plan};

use super::Shader;

/// The shaders of a reduction, or `None` where one invocation per row does as well.
pub fn print(_plan: &Plan, _kernel: &Kernel, _op: ReduceOp, _body: &Map, _kept: usize) -> Option<Vec<Shader>> {
    None
}
