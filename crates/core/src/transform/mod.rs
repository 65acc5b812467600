//! Functions of functions beyond reverse-mode gradients: forward-mode derivatives ([`Device::jvp`]), gradients that
//! compute intermediate values again ([`Device::checkpoint`]), functions of one example applied to a batch ([`vmap`]),
//! and functions captured as one plan ([`Captured`]).
//!
//! The last two trace: they call the function once on [`placeholders`](placeholder), which have shapes and dtypes but no
//! values, and read what it did off the pending graph.

mod capture;
mod checkpoint;
mod forward;
mod trace;
mod vmap;

pub use capture::Captured;
pub use checkpoint::Checkpoint;
pub use trace::placeholder;
pub use vmap::{vmap, vmap_traced};
