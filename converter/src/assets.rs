//! The model that demos embed.

use std::path::Path;

use headwater::Result;

use crate::mobilenet::from_torchvision;
use crate::tfjs::{write, Quantization, WriteOptions};
use crate::{pytorch, HostTensor};

/// Writes torchvision's MobileNetV2, of its checkpoint, in under 4 MB to a directory.
///
/// # Errors
/// `ErrorKind::Format` naming the file that cannot be read or written, or the tensor it lacks.
pub fn write_demo_model(checkpoint: &Path, directory: &Path) -> Result<()> {
    let model = from_torchvision(&pytorch::read(checkpoint)?, true)?;
    let options = WriteOptions { quantization: &small, metadata: None };
    write(directory, &model.topology, &model.weights, &options)
}

/// Eight bits where most of the size is. Depthwise kernels keep sixteen: their channels differ in range by orders of
/// magnitude once batch normalisation is folded in, and one scale for all would erase the small ones.
fn small(name: &str, tensor: &HostTensor) -> Quantization {
    if name.ends_with("/bias") {
        Quantization::None
    } else if name.ends_with("/depthwise_kernel") || tensor.shape.iter().product::<usize>() < 4096 {
        Quantization::Float16
    } else {
        Quantization::Uint8
    }
}
