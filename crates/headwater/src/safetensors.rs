//! Named tensors as the bytes of a safetensors file: the length of a JSON header, the header, and the elements.

use std::collections::BTreeMap;

use headwater_core::{AllOk, DType, Device, Error, HostData, Result, Shape, Tensor};
use serde_json::{json, Map, Value};

/// Texts that a file has besides its tensors.
pub type Metadata = BTreeMap<String, String>;

const METADATA: &str = "__metadata__";
/// The format's names of dtypes.
const NAMES: [(DType, &str); 8] = [
    (DType::F32, "F32"),
    (DType::I32, "I32"),
    (DType::Bool, "BOOL"),
    (DType::F16, "F16"),
    (DType::BF16, "BF16"),
    (DType::U8, "U8"),
    (DType::I8, "I8"),
    (DType::U32, "U32"),
];

fn invalid(message: impl std::fmt::Display) -> Error {
    Error::format("safetensors", message)
}

/// The bytes of tensors and texts, every bit as it is.
///
/// # Errors
/// `ErrorKind::Argument` for a name that comes twice, or that of the metadata; what reading a tensor gives.
pub fn write(tensors: &[(String, Tensor)], metadata: &Metadata) -> Result<Vec<u8>> {
    let mut header = Map::new();
    let mut data = Vec::new();
    header.insert(METADATA.into(), json!(metadata));
    for (name, tensor) in tensors {
        let begin = data.len();
        data.extend(tensor.to_host()?.to_le_bytes());
        let dtype = NAMES.iter().find(|(dtype, _)| *dtype == tensor.dtype()).map(|(_, name)| *name);
        let entry = json!({"dtype": dtype, "shape": tensor.shape()[..], "data_offsets": [begin, data.len()]});
        if header.insert(name.clone(), entry).is_some() {
            return Err(Error::argument("safetensors", "names of which each comes once", name));
        }
    }
    let mut header = Value::Object(header).to_string();
    // Elements begin at a multiple of 8.
    header.extend(std::iter::repeat_n(' ', header.len().next_multiple_of(8) - header.len()));
    Ok([&(header.len() as u64).to_le_bytes(), header.as_bytes(), &data].concat())
}

/// The tensors of a file in the order in which they lie there, and its texts.
///
/// # Errors
/// `ErrorKind::Format` when the bytes are cut off or not of the format, or a dtype is none of [`DType`]'s.
pub fn read(device: &Device, bytes: &[u8]) -> Result<(Vec<(String, Tensor)>, Metadata)> {
    let cut = || invalid(format!("expected a header of the length that the file says, received {} bytes", bytes.len()));
    let (length, rest) = bytes.split_first_chunk().ok_or_else(cut)?;
    let length = usize::try_from(u64::from_le_bytes(*length)).map_err(|_| cut())?;
    let (header, data) = rest.split_at_checked(length).ok_or_else(cut)?;
    let mut header: Map<String, Value> =
        serde_json::from_slice(header).map_err(|e| invalid(format!("the header is no JSON object: {e}")))?;
    let metadata = header.remove(METADATA).map_or(Ok(Metadata::new()), serde_json::from_value);
    let metadata = metadata.map_err(|e| invalid(format!("the metadata are no texts: {e}")))?;
    let mut entries: Vec<Entry> = header.iter().map(|(name, value)| Entry::read(name, value)).all_ok()?;
    entries.sort_by_key(|entry| entry.begin);
    let mut at = 0;
    for entry in &entries {
        if entry.begin != at || entry.end < at {
            return Err(invalid(format!("'{}' does not begin where the tensor before it ends", entry.name)));
        }
        at = entry.end;
    }
    if at != data.len() {
        return Err(invalid(format!("expected {at} bytes of tensors, received {}", data.len())));
    }
    let tensors = entries.into_iter().map(|entry| entry.tensor(device, data)).all_ok()?;
    Ok((tensors, metadata))
}

/// What the header says of a tensor.
struct Entry {
    name: String,
    dtype: DType,
    shape: Vec<usize>,
    begin: usize,
    end: usize,
}

impl Entry {
    fn read(name: &str, value: &Value) -> Result<Entry> {
        let wrong = |what: &str| invalid(format!("'{name}' has no valid {what}: {value}"));
        let whole = |key: &str| -> Result<Vec<usize>> {
            let list = value.get(key).and_then(Value::as_array).ok_or_else(|| wrong(key))?;
            let number = |v: &Value| v.as_u64().and_then(|n| usize::try_from(n).ok()).ok_or_else(|| wrong(key));
            list.iter().map(number).all_ok()
        };
        let dtype = value.get("dtype").and_then(Value::as_str).ok_or_else(|| wrong("dtype"))?;
        let dtype = NAMES.iter().find(|(_, name)| *name == dtype).ok_or_else(|| wrong("dtype"))?.0;
        let [begin, end] = whole("data_offsets")?[..] else { return Err(wrong("data_offsets")) };
        let shape = whole("shape")?;
        let size = shape.iter().try_fold(dtype.host_bytes(), |n, &d| n.checked_mul(d));
        if size != end.checked_sub(begin) {
            return Err(wrong("data_offsets for its shape"));
        }
        Ok(Entry { name: name.into(), dtype, shape, begin, end })
    }

    fn tensor(self, device: &Device, data: &[u8]) -> Result<(String, Tensor)> {
        let bytes = data.get(self.begin..self.end).unwrap_or_default();
        let values = HostData::from_le_bytes(self.dtype, bytes);
        Ok((self.name, device.tensor(values.as_slice(), Shape::from(&self.shape[..]))?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_bit_of_every_dtype_comes_back() -> Result<()> {
        let device = crate::cpu(1);
        let values = [0.0, -0.0, 1.0, 0.1, f64::NAN, f64::INFINITY];
        let tensor = |dtype: DType| -> Result<(String, Tensor)> {
            let data = HostData::from_f64(dtype, &values);
            Ok((dtype.name().into(), device.tensor(data.as_slice(), [2, 3])?))
        };
        let mut tensors: Vec<(String, Tensor)> = DType::ALL.into_iter().map(tensor).all_ok()?;
        tensors.push(("empty".into(), device.zeros([0, 4], DType::F32)?));
        tensors.push(("scalar".into(), device.ones([], DType::I32)?));
        let metadata = Metadata::from([("of".into(), "\"a test\"".into())]);
        let bytes = write(&tensors, &metadata)?;
        let (again, texts) = read(&device, &bytes)?;
        assert_eq!(texts, metadata);
        assert_eq!(again.len(), tensors.len());
        for (name, tensor) in &tensors {
            let found = &again.iter().find(|(other, _)| other == name).unwrap().1;
            assert_eq!((found.dtype(), found.shape()), (tensor.dtype(), tensor.shape()));
            assert_eq!(found.to_lanes()?, tensor.to_lanes()?, "{name}");
        }
        assert_eq!(write(&again, &texts)?.len(), bytes.len());
        Ok(())
    }

    #[test]
    fn bytes_that_are_cut_off_or_something_else_are_errors() -> Result<()> {
        let device = crate::cpu(1);
        let x = device.ones([3], DType::F32)?;
        let bytes = write(&[("x".into(), x.clone())], &Metadata::new())?;
        for length in 0..bytes.len() {
            assert_eq!(read(&device, &bytes[..length]).expect_err("cut off").code(), "format", "{length}");
        }
        let says = |bytes: &[u8], text: &str| {
            let error = read(&device, bytes).expect_err(text).to_string();
            assert!(error.contains(text), "{error}");
        };
        says(&[bytes.as_slice(), &[0]].concat(), "expected 12 bytes of tensors, received 13");
        says(&[255; 40], "expected a header");
        let altered = |from: &str, to: &str| {
            let length = usize::from(bytes[0]) + 8;
            let header = String::from_utf8(bytes[8..length].to_vec()).unwrap();
            assert!(header.contains(from) && from.len() == to.len());
            [&bytes[..8], header.replace(from, to).as_bytes(), &bytes[length..]].concat()
        };
        says(&altered("F32", "F64"), "'x' has no valid dtype");
        says(&altered("[3]", "[4]"), "'x' has no valid data_offsets for its shape");
        says(&altered("[0,12]", "[1,13]"), "'x' does not begin where");
        says(&altered("{", "["), "the header is no JSON object");
        let twice = [("x".into(), x.clone()), ("x".into(), x)];
        assert_eq!(write(&twice, &Metadata::new()).expect_err("twice").code(), "argument");
        Ok(())
    }
}
