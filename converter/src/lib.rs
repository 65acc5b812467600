//! Readers and writers of model formats.
//!
//! * [`pytorch`]: PyTorch checkpoints, of the zip layout and of the older one.
//! * [`tfjs`](headwater::tfjs): TensorFlow.js layers models, the interchange format of the web face.
//! * [`mobilenet`]: MobileNetV2 with torchvision's weights as a Keras model.
//! * [`assets`]: the models that the demos embed.

pub mod assets;
pub mod mobilenet;
pub mod pytorch;

pub use headwater::{tfjs, HostTensor, TensorMap};

use std::path::Path;

use headwater::{Error, Result};

/// A `ErrorKind::Format` about `what`.
pub(crate) fn format_error(what: impl std::fmt::Display, message: impl std::fmt::Display) -> Error {
    Error::format(what, message)
}

/// The bytes of a file.
///
/// # Errors
/// `ErrorKind::Format` naming the file.
pub(crate) fn read_file(path: &Path) -> Result<Vec<u8>> {
    std::fs::read(path).map_err(|e| format_error(path.display(), e))
}
