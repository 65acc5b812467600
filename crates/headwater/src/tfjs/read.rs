//! Reading a layers model.

use std::path::Path;

use headwater_core::{DType, HostData, Result};
use serde_json::Value;

use super::Quantization;
use super::{format_error, read_file};
use crate::{HostTensor, TensorMap};

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
    let dtype = entry.get("dtype").and_then(Value::as_str).unwrap_or("");
    let (quantization, scale, min) = Quantization::of_entry(entry.get("quantization"), &what)?;
    // As it is, in a dtype of this library.
    let plain = DType::from_name(dtype).ok().filter(|_| quantization == Quantization::None);
    let width = plain.map_or(quantization.bytes(), DType::host_bytes);
    let needed = shape.iter().try_fold(width, |n, &d| n.checked_mul(d));
    let needed = needed.ok_or_else(|| format_error(&what, format!("shape {shape:?} is larger than any file")))?;
    if bytes.len() < needed {
        let message = format!("expected {needed} bytes in {}, received {}", files.join(", "), bytes.len());
        return Err(format_error(&what, message));
    }
    let bytes = &bytes[..needed];
    let data = match (plain, dtype) {
        (Some(dtype), _) => HostData::from_le_bytes(dtype, bytes),
        (None, "float32") => HostData::F32(quantization.decode(bytes, scale, min)),
        (None, "int32") => {
            HostData::I32(quantization.decode(bytes, scale, min).into_iter().map(|v| v.round() as i32).collect())
        }
        (None, other) => {
            return Err(format_error(&what, format!("expected a dtype that is known, received '{other}'")))
        }
    };
    Ok((name.into(), HostTensor { shape, data }, needed))
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::PathBuf;

    use serde_json::json;

    use super::*;
    use crate::tfjs::{write, write_file, WriteOptions};

    /// A directory of the test's own with a model whose weights take 4,800,011 bytes: more than one shard.
    fn sample(test: &str) -> Result<(PathBuf, Vec<(String, HostTensor)>)> {
        let dir = std::env::temp_dir().join(format!("headwater-{test}-{}", std::process::id()));
        let ramp = (0..1_200_000).map(|i| i as f32 / 1024.0).collect();
        let weights = vec![
            ("dense/kernel".to_owned(), HostTensor::f32(vec![1000, 1200], ramp)),
            ("dense/steps".to_owned(), HostTensor { shape: vec![2], data: HostData::I32(vec![-7, 1 << 30]) }),
            ("dense/mask".to_owned(), HostTensor { shape: vec![3], data: HostData::Bool(vec![1, 0, 1]) }),
        ];
        let options =
            WriteOptions { quantization: &|_, _| Quantization::None, metadata: Some(json!({"labels": ["a"]})) };
        write(&dir, &json!({"class_name": "Sequential"}), &weights, &options)?;
        Ok((dir, weights))
    }

    fn error(path: &Path) -> String {
        read(path).err().map_or_else(|| "no error".into(), |e| e.to_string())
    }

    #[test]
    fn what_is_written_is_read_across_shards() -> Result<()> {
        let (dir, weights) = sample("round-trip")?;
        assert!(dir.join("group1-shard2of2.bin").is_file(), "4.8 MB are two shards");
        let model = read(&dir)?;
        assert_eq!(model.weights, weights.into_iter().collect());
        assert_eq!(model.topology, json!({"class_name": "Sequential"}));
        assert_eq!(model.metadata, json!({"labels": ["a"]}));
        drop(fs::remove_dir_all(dir));
        Ok(())
    }

    #[test]
    fn weights_of_every_dtype_come_back() -> Result<()> {
        let dir = std::env::temp_dir().join(format!("headwater-dtypes-{}", std::process::id()));
        let weight = |dtype: DType| {
            let data = HostData::from_f64(dtype, &[0.0, 1.0, 77.0]);
            (dtype.name().to_owned(), HostTensor { shape: vec![3], data })
        };
        let weights: Vec<_> = DType::ALL.into_iter().map(weight).collect();
        let options = WriteOptions { quantization: &|_, _| Quantization::None, metadata: None };
        write(&dir, &json!({}), &weights, &options)?;
        assert_eq!(read(&dir)?.weights, weights.into_iter().collect());
        drop(fs::remove_dir_all(dir));
        Ok(())
    }

    #[test]
    fn damaged_models_are_errors_that_say_what_is_wrong() -> Result<()> {
        let (dir, _) = sample("damaged")?;
        let (json, shard) = (dir.join("model.json"), dir.join("group1-shard2of2.bin"));
        let bytes = read_file(&shard)?;
        write_file(&shard, &bytes[..bytes.len() - 5])?;
        let message = error(&json);
        assert!(message.contains("'dense/steps'") && message.contains("expected 8 bytes"), "{message}");
        assert!(message.contains("received 6"), "{message}");
        write_file(&shard, &[&bytes[..], &[0]].concat())?;
        assert!(error(&json).contains("expected 4800011 bytes"), "{}", error(&json));
        drop(fs::remove_file(&shard));
        assert!(error(&json).contains("group1-shard2of2.bin"), "{}", error(&json));
        let manifest = |shape: Value| json!({"weightsManifest": [{"paths": [], "weights": [{"name": "w", "dtype": "float32", "shape": shape}]}]});
        for (text, expected) in [
            ("{\"weightsManif".to_owned(), "EOF"),
            ("{}".to_owned(), "expected a 'weightsManifest'"),
            (manifest(json!([1u64 << 40, 1u64 << 40])).to_string(), "larger than any file"),
            (manifest(json!([-1])).to_string(), "expected a shape of whole numbers"),
        ] {
            write_file(&json, text.as_bytes())?;
            assert!(error(&json).contains(expected), "{}", error(&json));
        }
        drop(fs::remove_dir_all(dir));
        Ok(())
    }
}
