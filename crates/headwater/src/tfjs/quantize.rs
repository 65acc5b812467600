//! Weights in fewer bits, as TensorFlow.js stores them: per tensor, decoded to float32 on loading.

use headwater_core::{DType, HostData, Result};
use serde_json::{json, Value};

use super::format_error;

/// How a weight is stored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Quantization {
    /// As it is.
    #[default]
    None,
    /// 8 bits, affine.
    Uint8,
    /// 16 bits, affine.
    Uint16,
    /// IEEE half precision.
    Float16,
}

impl Quantization {
    /// Bytes of an element.
    pub fn bytes(self) -> usize {
        match self {
            Quantization::None => 4,
            Quantization::Uint16 | Quantization::Float16 => 2,
            Quantization::Uint8 => 1,
        }
    }

    /// The manifest's entry and the bytes of `values`; no entry where nothing is quantized.
    pub(super) fn encode(self, values: &[f32]) -> (Option<Value>, Vec<u8>) {
        match self {
            Quantization::None => (None, values.iter().flat_map(|v| v.to_le_bytes()).collect()),
            Quantization::Float16 => {
                let wide: Vec<f64> = values.iter().map(|&v| v.into()).collect();
                let bytes = HostData::from_f64(DType::F16, &wide).to_le_bytes();
                (Some(json!({"dtype": "float16", "original_dtype": "float32"})), bytes)
            }
            Quantization::Uint8 => {
                let (entry, levels) = affine(values, "uint8", 255.0);
                (Some(entry), levels.into_iter().map(|v| v as u8).collect())
            }
            Quantization::Uint16 => {
                let (entry, levels) = affine(values, "uint16", 65535.0);
                (Some(entry), levels.into_iter().flat_map(|v| (v as u16).to_le_bytes()).collect())
            }
        }
    }

    /// The quantization of a manifest entry, and its scale and minimum.
    pub(super) fn of_entry(entry: Option<&Value>, name: &str) -> Result<(Quantization, f32, f32)> {
        let Some(entry) = entry else { return Ok((Quantization::None, 1.0, 0.0)) };
        let number = |key: &str| {
            let value = entry.get(key).and_then(Value::as_f64).map(|v| v as f32);
            value.ok_or_else(|| format_error(name, format!("expected a number as '{key}' of its quantization")))
        };
        match entry.get("dtype").and_then(Value::as_str) {
            Some("uint8") => Ok((Quantization::Uint8, number("scale")?, number("min")?)),
            Some("uint16") => Ok((Quantization::Uint16, number("scale")?, number("min")?)),
            Some("float16") => Ok((Quantization::Float16, 1.0, 0.0)),
            other => Err(format_error(name, format!("unknown quantization dtype {other:?}"))),
        }
    }

    /// The values of stored bytes.
    pub(super) fn decode(self, bytes: &[u8], scale: f32, min: f32) -> Vec<f32> {
        let pair = |b: &[u8]| [b[0], b[1]];
        match self {
            Quantization::None => bytes.chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect(),
            Quantization::Float16 => HostData::from_le_bytes(DType::F16, bytes).into_f32(),
            Quantization::Uint8 => bytes.iter().map(|&b| f32::from(b) * scale + min).collect(),
            Quantization::Uint16 => {
                bytes.chunks_exact(2).map(|b| f32::from(u16::from_le_bytes(pair(b))) * scale + min).collect()
            }
        }
    }
}

/// Levels `0..=top` for values from the smallest to the largest, moved a little so that 0 is one of them.
fn affine(values: &[f32], dtype: &str, top: f64) -> (Value, Vec<f64>) {
    let low = values.iter().fold(0.0f64, |m, &v| m.min(v.into()));
    let high = values.iter().fold(0.0f64, |m, &v| m.max(v.into()));
    let scale = if high > low { (high - low) / top } else { 1.0 };
    let low = (low / scale).round() * scale;
    let levels = values.iter().map(|&v| ((f64::from(v) - low) / scale).round().clamp(0.0, top)).collect();
    (json!({"dtype": dtype, "min": low, "scale": scale, "original_dtype": "float32"}), levels)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_survive_within_half_a_level() -> Result<()> {
        let values: Vec<f32> = (0..1000).map(|i| (i as f32 * 0.713).sin() * 3.0 + 0.4).chain([0.0]).collect();
        for (q, error) in [
            (Quantization::None, 0.0),
            (Quantization::Uint8, 6.9 / 255.0 * 0.51),
            (Quantization::Uint16, 6.9 / 65535.0 * 0.6),
            (Quantization::Float16, 2e-3),
        ] {
            let (entry, bytes) = q.encode(&values);
            assert_eq!(bytes.len(), values.len() * q.bytes());
            let (read, scale, min) = Quantization::of_entry(entry.as_ref(), "w")?;
            let back = read.decode(&bytes, scale, min);
            assert!(values.iter().zip(&back).all(|(a, b)| (a - b).abs() <= error), "{q:?}");
            assert!(back[1000].abs() < 1e-6, "zero stays zero");
        }
        Ok(())
    }
}
