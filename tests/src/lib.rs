//! The op suite: one catalogue of cases, run on every engine in every mode against the float64 reference interpreter,
//! with gradients against central differences.

pub mod cases;
pub mod chains;
pub mod compare;
mod large;

pub use cases::{cases, Case, Input};
