//! Matrix products and convolutions on tiles.

use headwater_core::plan::{Kernel, Plan};

use super::Shader;

/// The shader of a contraction, or `None` where the plain form must do.
pub fn print(_plan: &Plan, _kernel: &Kernel) -> Option<Shader> {
    None
}
