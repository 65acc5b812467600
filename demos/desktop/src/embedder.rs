//! Models of layers on disk, and MobileNetV2 as a maker of features.

use std::path::{Path, PathBuf};

use headwater::data::images::{pixels, Fill};
use headwater::nn::Model;
use headwater::{tfjs, Device, Error, HostSlice, Result, Tensor};
use serde_json::Value;

/// The model that lies with the demos.
pub const DEFAULT_MODEL: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../assets/mobilenet_v2_uint8");

/// The layer whose output describes an image.
const FEATURES: &str = "features";

/// An error about a file or directory.
pub fn file_error(path: &Path, message: impl std::fmt::Display) -> Error {
    Error::format(path.display(), message)
}

/// Reads a TensorFlow.js layers model and the names of its classes, which may be none.
///
/// # Errors
/// [`headwater::Error::Format`] naming the file or weight; what layers give.
pub fn load(device: &Device, directory: &Path) -> Result<(Model, Vec<String>)> {
    let stored = tfjs::read(directory)?;
    let model = stored.model(device)?;
    let labels = stored.metadata.get("labels").and_then(Value::as_array);
    let labels = labels.into_iter().flatten().filter_map(|l| l.as_str().map(String::from)).collect();
    Ok((model, labels))
}

/// Height and width of the images that a model takes.
///
/// # Errors
/// [`headwater::Error::Format`] when it does not take images of a fixed size with three channels.
pub fn image_size(model: &Model, directory: &Path) -> Result<(usize, usize)> {
    match model.input_shapes().as_slice() {
        [shape] => match shape.as_slice() {
            [_, Some(h), Some(w), Some(3)] => Ok((*h, *w)),
            other => Err(file_error(directory, format!("expected inputs [null, height, width, 3], found {other:?}"))),
        },
        other => Err(file_error(directory, format!("expected a model with one input, found {}", other.len()))),
    }
}

/// Images on a device: red, green and blue from 0 to 255, of shape `[files, height, width, 3]`.
///
/// # Errors
/// [`headwater::Error::Format`] naming a file that is not an image.
pub fn upload(device: &Device, files: &[PathBuf], size: (usize, usize)) -> Result<Tensor> {
    let mut batch = Vec::with_capacity(files.len() * size.0 * size.1 * 3);
    for file in files {
        batch.extend(pixels(file, size, Fill::Crop, false)?.into_iter().map(f32::from));
    }
    device.tensor(HostSlice::F32(&batch), [files.len(), size.0, size.1, 3])
}

/// Makes features of images.
pub struct Embedder {
    model: Model,
    size: (usize, usize),
}

impl Embedder {
    /// The part up to the layer `features` of the model in a directory.
    ///
    /// # Errors
    /// As [`load`] and [`image_size`]; [`headwater::Error::Unknown`] when there is no such layer.
    pub fn load(device: &Device, directory: &Path) -> Result<Embedder> {
        let (model, _) = load(device, directory)?;
        let size = image_size(&model, directory)?;
        Ok(Embedder { model: model.up_to(FEATURES)?, size })
    }

    /// The features of image files, one row each.
    ///
    /// # Errors
    /// [`headwater::Error::Format`] naming a file that is not an image.
    pub fn embed(&self, files: &[PathBuf]) -> Result<Tensor> {
        let images = upload(self.model.device(), files, self.size)?;
        Ok(self.model.predict(&[&images])?.swap_remove(0))
    }
}
