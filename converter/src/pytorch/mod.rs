//! PyTorch checkpoints: state dictionaries of tensors.
//!
//! Two layouts: a zip archive of a pickle and one file per storage, and the older one: four pickles (magic number, protocol,
//! system, object), the storages' keys, then the storages one after another. The object pickle refers to storages by
//! persistent ids. Only what state dictionaries need is unpickled; nothing a file says is run.

mod pickle;
mod state;

use std::collections::HashMap;
use std::io::{Cursor, Read};
use std::path::Path;

use headwater::Result;

use crate::{format_error, read_file, TensorMap};
use pickle::{Unpickler, Value};
use state::{collect, Storage};

/// The number that the first pickle of the older layout holds.
const MAGIC: &[u8] = &[0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19];

/// Reads the tensors of a checkpoint.
///
/// # Errors
/// `ErrorKind::Format` naming the file and the place, what was expected and what came.
pub fn read(path: &Path) -> Result<TensorMap> {
    parse(&read_file(path)?, &path.display().to_string())
}

/// Reads the tensors of a checkpoint in memory; `name` is for messages.
///
/// # Errors
/// As [`read`].
pub fn parse(bytes: &[u8], name: &str) -> Result<TensorMap> {
    if bytes.starts_with(b"PK") {
        parse_zip(bytes, name)
    } else {
        parse_legacy(bytes, name)
    }
}

fn parse_legacy(bytes: &[u8], name: &str) -> Result<TensorMap> {
    let mut unpickler = Unpickler::new(bytes, name);
    match unpickler.load()? {
        Value::Long(digits) if digits == MAGIC => {}
        other => return Err(format_error(name, format!("expected PyTorch's magic number, found {}", other.kind()))),
    }
    unpickler.load()?; // protocol version
    unpickler.load()?; // sizes of the system that wrote it
    let object = unpickler.load()?;
    let keys = match unpickler.load()? {
        Value::List(keys) => keys,
        other => return Err(format_error(name, format!("expected a list of storage keys, found {}", other.kind()))),
    };
    let mut storages = HashMap::new();
    let kinds = state::storage_kinds(&object);
    for key in keys {
        let Value::Text(key) = key else {
            return Err(format_error(name, "expected texts as storage keys"));
        };
        let kind = kinds
            .get(&key)
            .copied()
            .ok_or_else(|| format_error(name, format!("storage '{key}' is used by no tensor")))?;
        let count = u64::from_le_bytes(unpickler.take_array(&format!("the size of storage '{key}'"))?);
        let bytes = usize::try_from(count).ok().and_then(|n| n.checked_mul(kind.bytes()));
        let bytes = bytes.ok_or_else(|| format_error(name, format!("storage '{key}' claims {count} elements")))?;
        let data = unpickler.take(bytes, &format!("storage '{key}'"))?;
        storages.insert(key, Storage { kind, data: data.to_vec() });
    }
    collect(&object, &storages, name)
}

fn parse_zip(bytes: &[u8], name: &str) -> Result<TensorMap> {
    let bad = |e: zip::result::ZipError| format_error(name, e);
    let mut archive = zip::ZipArchive::new(Cursor::new(bytes)).map_err(bad)?;
    let root = archive.file_names().flatten().find_map(|n| n.strip_suffix("data.pkl").map(String::from));
    let root = root.ok_or_else(|| format_error(name, "expected a 'data.pkl' in the archive, found none"))?;
    let mut file = |path: &str| -> Result<Vec<u8>> {
        let mut out = Vec::new();
        let mut entry = archive.by_name(path).map_err(|e| format_error(format!("{name}: {path}"), e))?;
        entry.read_to_end(&mut out).map_err(|e| format_error(format!("{name}: {path}"), e))?;
        Ok(out)
    };
    let object = Unpickler::new(&file(&format!("{root}data.pkl"))?, name).load()?;
    let mut storages = HashMap::new();
    for (key, kind) in state::storage_kinds(&object) {
        let data = file(&format!("{root}data/{key}"))?;
        storages.insert(key, Storage { kind, data });
    }
    collect(&object, &storages, name)
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use headwater::HostData;

    use super::*;

    fn text(out: &mut Vec<u8>, t: &str) {
        out.push(b'X');
        out.extend((t.len() as u32).to_le_bytes());
        out.extend(t.as_bytes());
    }

    /// The object pickle of tensors `w` (float32 [2, 2], transposed) and `n` (int64 scalar).
    fn object() -> Vec<u8> {
        let tensor = |out: &mut Vec<u8>, kind: &str, key: &str, count: u8, size: &[u8], stride: &[u8]| {
            out.extend(b"ctorch._utils\n_rebuild_tensor_v2\n((");
            text(out, "storage");
            out.extend(format!("ctorch\n{kind}\n").as_bytes());
            text(out, key);
            text(out, "cpu");
            out.extend([b'K', count, b'N', b't', b'Q', b'K', 0]);
            for dims in [size, stride] {
                out.push(b'(');
                dims.iter().for_each(|d| out.extend([b'K', *d]));
                out.push(b't');
            }
            out.extend([0x89]);
            out.extend(b"ccollections\nOrderedDict\n)RtR");
        };
        let mut out = vec![0x80, 2];
        out.extend(b"ccollections\nOrderedDict\n)R(");
        text(&mut out, "w");
        tensor(&mut out, "FloatStorage", "7", 4, &[2, 2], &[1, 2]);
        text(&mut out, "n");
        tensor(&mut out, "LongStorage", "9", 1, &[], &[]);
        out.extend(b"u.");
        out
    }

    fn storage_w() -> Vec<u8> {
        [1.0f32, 2.0, 3.0, 4.0].iter().flat_map(|x| x.to_le_bytes()).collect()
    }

    /// A checkpoint of the older layout.
    fn sample() -> Vec<u8> {
        let mut out = Vec::new();
        out.extend([0x80, 2, 0x8a, 10]);
        out.extend(MAGIC);
        out.push(b'.');
        out.extend([0x80, 2, b'M', 0xe9, 0x03, b'.']);
        out.extend([0x80, 2, b'}', b'.']);
        out.extend(object());
        out.extend([0x80, 2, b']', b'(']);
        text(&mut out, "7");
        text(&mut out, "9");
        out.extend(b"e.");
        out.extend(4u64.to_le_bytes());
        out.extend(storage_w());
        out.extend(1u64.to_le_bytes());
        out.extend(5i64.to_le_bytes());
        out
    }

    #[test]
    fn the_older_layout_is_read() -> Result<()> {
        let tensors = parse(&sample(), "sample.pth")?;
        assert_eq!(tensors["w"].shape, [2, 2]);
        assert_eq!(tensors["w"].data, HostData::F32(vec![1.0, 3.0, 2.0, 4.0]));
        assert_eq!(tensors["n"].data, HostData::I32(vec![5]));
        Ok(())
    }

    #[test]
    fn the_zip_layout_is_read_as_the_older_one() -> Result<()> {
        let archive = |storages: &[(&str, &[u8])]| -> std::io::Result<Vec<u8>> {
            let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
            let stored = zip::write::SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
            zip.start_file("archive/data.pkl", stored)?;
            zip.write_all(&object())?;
            for (key, bytes) in storages {
                zip.start_file(format!("archive/data/{key}"), stored)?;
                zip.write_all(bytes)?;
            }
            Ok(zip.finish()?.into_inner())
        };
        let (w, n) = (storage_w(), 5i64.to_le_bytes());
        let whole = archive(&[("7", &w), ("9", &n)]).map_err(|e| format_error("zip", e))?;
        assert_eq!(parse(&whole, "sample.pt")?, parse(&sample(), "sample.pth")?);
        for (storages, expected) in [
            (&[("7", &w[..])][..], "sample.pt: archive/data/9"),
            (&[("7", &w[..12]), ("9", &n[..])][..], "tensor 'w': shape [2, 2] with strides [1, 2] reaches outside"),
        ] {
            let damaged = archive(storages).map_err(|e| format_error("zip", e))?;
            let error = parse(&damaged, "sample.pt").expect_err("damaged").to_string();
            assert!(error.contains(expected), "{error}");
        }
        for length in 0..whole.len() {
            // What is left may still be an archive; it must not panic.
            let _ = parse(&whole[..length], "cut.pt");
        }
        Ok(())
    }

    #[test]
    fn damaged_files_are_errors_that_name_the_file() {
        let whole = sample();
        for length in 0..whole.len() {
            let error = parse(&whole[..length], "cut.pth").expect_err("truncated");
            assert!(error.to_string().starts_with("cut.pth"), "{error}");
        }
        for position in 0..whole.len() {
            for bit in 0..8 {
                let mut damaged = whole.clone();
                damaged[position] ^= 1 << bit;
                // It may still be a checkpoint; it must not panic.
                let _ = parse(&damaged, "damaged.pth");
            }
        }
    }
}
