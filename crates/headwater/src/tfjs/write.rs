//! Writing a layers model.

use std::path::Path;

use headwater_core::{HostData, Result};
use serde_json::{json, Value};

use super::Quantization;
use super::{format_error, write_file};
use crate::HostTensor;

/// Bytes of a shard, as TensorFlow.js's converter cuts them.
const SHARD_BYTES: usize = 4 << 20;

/// What is said of a model beyond its topology and weights.
pub struct WriteOptions<'a> {
    /// How each weight is stored, by name.
    pub quantization: &'a dyn Fn(&str, &HostTensor) -> Quantization,
    /// Goes to `userDefinedMetadata`.
    pub metadata: Option<Value>,
}

/// Writes a model of a Keras topology to a directory, which is made. Weights are in the order that layers list them.
///
/// # Errors
/// `ErrorKind::Format` naming the file that cannot be written.
pub fn write(dir: &Path, topology: &Value, weights: &[(String, HostTensor)], options: &WriteOptions<'_>) -> Result<()> {
    write_all(dir, topology, weights, &[], options)
}

/// As [`write`], with what an optimizer keeps, which is stored as it is.
pub(super) fn write_all(
    dir: &Path,
    topology: &Value,
    weights: &[(String, HostTensor)],
    optimizer: &[(String, HostTensor)],
    options: &WriteOptions<'_>,
) -> Result<()> {
    std::fs::create_dir_all(dir).map_err(|e| format_error(dir.display(), e))?;
    let (mut entries, mut bytes) = (Vec::new(), Vec::new());
    for (i, (name, tensor)) in weights.iter().chain(optimizer).enumerate() {
        let of_optimizer = i >= weights.len();
        let (dtype, quantization, data) = match &tensor.data {
            HostData::F32(v) => {
                let quantization = if of_optimizer { Quantization::None } else { (options.quantization)(name, tensor) };
                let (entry, data) = quantization.encode(v);
                ("float32", entry, data)
            }
            other => (other.dtype().name(), None, other.to_le_bytes()),
        };
        let mut entry = json!({"name": name, "shape": tensor.shape, "dtype": dtype});
        if let (Some(quantization), Some(entry)) = (quantization, entry.as_object_mut()) {
            entry.insert("quantization".into(), quantization);
        }
        if of_optimizer {
            entry["group"] = "optimizer".into();
        }
        entries.push(entry);
        bytes.extend(data);
    }
    let shards: Vec<&[u8]> = bytes.chunks(SHARD_BYTES).collect();
    let mut paths = Vec::new();
    for (i, shard) in shards.iter().enumerate() {
        let file = format!("group1-shard{}of{}.bin", i + 1, shards.len());
        write_file(&dir.join(&file), shard)?;
        paths.push(file);
    }
    let mut model = json!({
        "format": "layers-model",
        "generatedBy": concat!("headwater ", env!("CARGO_PKG_VERSION")),
        "convertedBy": concat!("headwater ", env!("CARGO_PKG_VERSION")),
        "modelTopology": topology,
        "weightsManifest": [{"paths": paths, "weights": entries}],
    });
    if let (Some(metadata), Some(model)) = (&options.metadata, model.as_object_mut()) {
        model.insert("userDefinedMetadata".into(), metadata.clone());
    }
    let path = dir.join("model.json");
    let text = serde_json::to_vec(&model).map_err(|e| format_error(path.display(), e))?;
    write_file(&path, &text)
}
