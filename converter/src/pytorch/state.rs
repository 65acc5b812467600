//! Tensors of a state dictionary: views of storages.

use std::collections::HashMap;

use half::{bf16, f16};
use headwater::{HostData, Result};

use super::pickle::Value;
use crate::{format_error, HostTensor, TensorMap};

/// The element type of a storage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    F32,
    F64,
    F16,
    BF16,
    I64,
    I32,
    I16,
    I8,
    U8,
    Bool,
}

impl Kind {
    /// Bytes of an element.
    pub fn bytes(self) -> usize {
        match self {
            Kind::F64 | Kind::I64 => 8,
            Kind::F32 | Kind::I32 => 4,
            Kind::F16 | Kind::BF16 | Kind::I16 => 2,
            Kind::I8 | Kind::U8 | Kind::Bool => 1,
        }
    }

    fn of_class(class: &str) -> Option<Kind> {
        Some(match class.rsplit('.').next()? {
            "FloatStorage" => Kind::F32,
            "DoubleStorage" => Kind::F64,
            "HalfStorage" => Kind::F16,
            "BFloat16Storage" => Kind::BF16,
            "LongStorage" => Kind::I64,
            "IntStorage" => Kind::I32,
            "ShortStorage" => Kind::I16,
            "CharStorage" => Kind::I8,
            "ByteStorage" => Kind::U8,
            "BoolStorage" => Kind::Bool,
            _ => return None,
        })
    }
}

/// Elements of a tensor that repeats those of its storage (a stride of 0); more are a damaged file.
const MAX_EXPANDED: usize = 1 << 24;

/// A storage's bytes.
pub struct Storage {
    pub kind: Kind,
    pub data: Vec<u8>,
}

/// The key and the kind of a persistent id `("storage", class, key, location, size)`.
fn storage_of(id: &[Value]) -> Option<(String, Kind)> {
    match id {
        [Value::Text(tag), Value::Global(class), Value::Text(key), ..] if tag == "storage" => {
            Some((key.clone(), Kind::of_class(class)?))
        }
        _ => None,
    }
}

/// The storages that an object refers to.
pub fn storage_kinds(object: &Value) -> HashMap<String, Kind> {
    let mut kinds = HashMap::new();
    let mut stack = vec![object];
    while let Some(value) = stack.pop() {
        match value {
            Value::Persistent(id) => kinds.extend(storage_of(id)),
            Value::Tuple(items) | Value::List(items) | Value::Call(_, items) => stack.extend(items),
            Value::Dict(items) => items.iter().for_each(|(_, v)| stack.push(v)),
            _ => {}
        }
    }
    kinds
}

/// The tensors of an object: a dictionary, or one nested in it under `state_dict`; names of nested ones are joined by dots.
pub fn collect(object: &Value, storages: &HashMap<String, Storage>, name: &str) -> Result<TensorMap> {
    let mut tensors = TensorMap::new();
    let Value::Dict(items) = object else {
        return Err(format_error(name, format!("expected a dictionary of tensors, found {}", object.kind())));
    };
    let mut stack: Vec<(String, &Value)> = Vec::new();
    let push = |prefix: &str, items: &'_ [(Value, Value)]| -> Vec<(String, usize)> {
        let named = items.iter().enumerate().filter_map(|(i, (k, _))| match k {
            Value::Text(key) => Some((format!("{prefix}{key}"), i)),
            _ => None,
        });
        named.collect()
    };
    stack.extend(push("", items).into_iter().map(|(n, i)| (n, &items[i].1)));
    while let Some((key, value)) = stack.pop() {
        match value {
            Value::Dict(items) => {
                stack.extend(push(&format!("{key}."), items).into_iter().map(|(n, i)| (n, &items[i].1)))
            }
            Value::Call(function, arguments) => {
                let what = format!("{name}: tensor '{key}'");
                if let Some(tensor) = rebuild(function, arguments, storages, &what)? {
                    tensors.insert(key, tensor);
                }
            }
            _ => {}
        }
    }
    Ok(tensors)
}

/// The tensor that a call would have made; `None` for other objects.
fn rebuild(
    function: &str,
    arguments: &[Value],
    storages: &HashMap<String, Storage>,
    what: &str,
) -> Result<Option<HostTensor>> {
    match (function, arguments) {
        ("torch._utils._rebuild_parameter", [Value::Call(inner, arguments), ..]) => {
            rebuild(inner, arguments, storages, what)
        }
        (
            "torch._utils._rebuild_tensor_v2" | "torch._utils._rebuild_tensor",
            [Value::Persistent(id), Value::Int(offset), Value::Tuple(size), Value::Tuple(stride), ..],
        ) => {
            let (key, _) = storage_of(id).ok_or_else(|| format_error(what, "its storage is of an unknown kind"))?;
            let storage =
                storages.get(&key).ok_or_else(|| format_error(what, format!("storage '{key}' is missing")))?;
            let numbers = |v: &[Value]| -> Option<Vec<usize>> {
                v.iter().map(|v| if let Value::Int(n) = v { usize::try_from(*n).ok() } else { None }).collect()
            };
            let (shape, strides) = numbers(size)
                .zip(numbers(stride))
                .filter(|(s, t)| s.len() == t.len())
                .ok_or_else(|| format_error(what, "expected a size and a stride of whole numbers"))?;
            let offset = usize::try_from(*offset).map_err(|e| format_error(what, e))?;
            view(storage, offset, shape, &strides, what).map(Some)
        }
        _ => Ok(None),
    }
}

fn view(storage: &Storage, offset: usize, shape: Vec<usize>, strides: &[usize], what: &str) -> Result<HostTensor> {
    let width = storage.kind.bytes();
    let count = storage.data.len() / width;
    let size = shape.iter().try_fold(1usize, |n, &d| n.checked_mul(d));
    // The last element must lie inside the storage: then all do.
    let last =
        shape.iter().zip(strides).try_fold(offset, |at, (&d, &s)| at.checked_add(d.saturating_sub(1).checked_mul(s)?));
    let fits = size.zip(last).filter(|&(n, last)| n == 0 || (last < count && n <= count.max(MAX_EXPANDED)));
    let Some((size, _)) = fits else {
        let message =
            format!("shape {shape:?} with strides {strides:?} reaches outside its storage of {count} elements");
        return Err(format_error(what, message));
    };
    let position = |mut i: usize| {
        let mut at = offset;
        for (&d, &s) in shape.iter().zip(strides).rev() {
            at += i % d * s;
            i /= d;
        }
        at
    };
    let element = |i: usize| &storage.data[position(i) * width..][..width];
    let float = |f: &dyn Fn(&[u8]) -> f32| HostData::F32((0..size).map(|i| f(element(i))).collect());
    let int = |f: &dyn Fn(&[u8]) -> i64| -> Result<HostData> {
        let narrow = |i: usize| {
            let v = f(element(i));
            i32::try_from(v).map_err(|_| format_error(what, format!("{v} does not fit int32")))
        };
        Ok(HostData::I32((0..size).map(narrow).collect::<Result<_>>()?))
    };
    let data = match storage.kind {
        Kind::F32 => float(&|b| f32::from_le_bytes(array(b))),
        Kind::F64 => float(&|b| f64::from_le_bytes(array(b)) as f32),
        Kind::F16 => float(&|b| f16::from_le_bytes(array(b)).to_f32()),
        Kind::BF16 => float(&|b| bf16::from_le_bytes(array(b)).to_f32()),
        Kind::I64 => int(&|b| i64::from_le_bytes(array(b)))?,
        Kind::I32 => int(&|b| i32::from_le_bytes(array(b)).into())?,
        Kind::I16 => int(&|b| i16::from_le_bytes(array(b)).into())?,
        Kind::I8 => int(&|b| i8::from_le_bytes(array(b)).into())?,
        Kind::U8 => int(&|b| b[0].into())?,
        Kind::Bool => HostData::Bool((0..size).map(|i| u8::from(element(i)[0] != 0)).collect()),
    };
    Ok(HostTensor { shape, data })
}

/// The bytes of one element; `element` cut the slice to the kind's width.
fn array<const N: usize>(bytes: &[u8]) -> [u8; N] {
    let mut out = [0; N];
    out.copy_from_slice(bytes);
    out
}
