//! Reading a layers model.

use std::path::Path;

use headwater::{HostData, Result};
use serde_json::Value;

use super::Quantization;
use crate::{format_error, read_file, HostTensor, TensorMap};

/// A model as it lies on disk.
pub struct LayersModel {
    /// Keras's topology.
    pub topology: Value,
    /// The weights by name.
    pub weights: TensorMap,
    /// `userDefinedMetadata`, null where there is none.
    pub metadata: Value,
}

/// Reads a model from its directory or its `model.json`.
///
/// # Errors
/// `ErrorKind::Format` naming the file, what was expected and what came.
pub fn read(path: &Path) -> Result<LayersModel> {
    let json = if path.is_dir() { path.join("model.json") } else { path.to_path_buf() };
    let name = json.display().to_string();
    let mut model: Value = serde_json::from_slice(&read_file(&json)?).map_err(|e| format_error(&name, e))?;
    let mut weights = TensorMap::new();
    let groups = model.get("weightsManifest").and_then(Value::as_array);
    for group in groups.ok_or_else(|| format_error(&name, "expected a 'weightsManifest'"))? {
        let list = |key: &str| {
            let items = group.get(key).and_then(Value::as_array);
            items.ok_or_else(|| format_error(&name, format!("expected '{key}' in a group of the manifest")))
        };
        let mut bytes = Vec::new();
        let mut files = Vec::new();
        for path in list("paths")? {
            let file = path.as_str().ok_or_else(|| format_error(&name, "expected texts as paths"))?;
            bytes.extend(read_file(&json.with_file_name(file))?);
            files.push(file);
        }
        let mut at = 0;
        for entry in list("weights")? {
            let (weight, tensor, used) = decode(entry, &bytes[at..], &name, &files)?;
            weights.insert(weight, tensor);
            at += used;
        }
        if at != bytes.len() {
            let message = format!("expected {at} bytes of weights in {}, received {}", files.join(", "), bytes.len());
            return Err(format_error(&name, message));
        }
    }
    let topology = model.get_mut("modelTopology").map(Value::take).unwrap_or_default();
    let metadata = model.get_mut("userDefinedMetadata").map(Value::take).unwrap_or_default();
    Ok(LayersModel { topology, weights, metadata })
}

fn decode(entry: &Value, bytes: &[u8], model: &str, files: &[&str]) -> Result<(String, HostTensor, usize)> {
    let name = entry.get("name").and_then(Value::as_str).unwrap_or("unnamed");
    let what = format!("{model}: weight '{name}'");
    let shape: Option<Vec<usize>> = entry
        .get("shape")
        .and_then(Value::as_array)
        .and_then(|dims| dims.iter().map(|d| d.as_u64().map(|d| d as usize)).collect());
    let shape = shape.ok_or_else(|| format_error(&what, "expected a shape of whole numbers"))?;
    let size: usize = shape.iter().product();
    let dtype = entry.get("dtype").and_then(Value::as_str).unwrap_or("");
    let (quantization, scale, min) = Quantization::of_entry(entry.get("quantization"), &what)?;
    let width = if dtype == "bool" { 1 } else { quantization.bytes() };
    let needed = size * width;
    if bytes.len() < needed {
        let message = format!("expected {needed} bytes in {}, received {}", files.join(", "), bytes.len());
        return Err(format_error(&what, message));
    }
    let bytes = &bytes[..needed];
    let data = match dtype {
        "float32" => HostData::F32(quantization.decode(bytes, scale, min)),
        "int32" if quantization == Quantization::None => {
            HostData::I32(bytes.chunks_exact(4).map(|b| i32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect())
        }
        "int32" => {
            HostData::I32(quantization.decode(bytes, scale, min).into_iter().map(|v| v.round() as i32).collect())
        }
        "bool" => HostData::Bool(bytes.to_vec()),
        other => return Err(format_error(&what, format!("expected dtype float32, int32 or bool, received '{other}'"))),
    };
    Ok((name.into(), HostTensor { shape, data }, needed))
}
