//! TensorFlow.js layers models: `model.json` with a Keras topology and a manifest of weights, and shards of their bytes.
//!
//! [`Model::save`](crate::nn::Model::save) and [`Model::load`](crate::nn::Model::load) are all that most programs need.

mod model;
mod quantize;
mod read;
mod write;

use std::path::Path;

use headwater_core::{Error, Result};

pub use model::SaveOptions;
pub use quantize::Quantization;
pub use read::{read, LayersModel};
pub use write::{write, WriteOptions};

/// A `ErrorKind::Format` about `what`.
fn format_error(what: impl std::fmt::Display, message: impl std::fmt::Display) -> Error {
    Error::format(what, message)
}

/// The bytes of a file.
///
/// # Errors
/// `ErrorKind::Format` naming the file.
fn read_file(path: &Path) -> Result<Vec<u8>> {
    std::fs::read(path).map_err(|e| format_error(path.display(), e))
}

/// Writes a file.
///
/// # Errors
/// `ErrorKind::Format` naming the file.
fn write_file(path: &Path, bytes: &[u8]) -> Result<()> {
    std::fs::write(path, bytes).map_err(|e| format_error(path.display(), e))
}
