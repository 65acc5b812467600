//! Element types and host-side values.

use crate::error::{Error, Result};

/// The type of a tensor's elements.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DType {
    /// IEEE-754 binary32.
    F32,
    /// 32-bit two's-complement integer; arithmetic wraps.
    I32,
    /// Truth value; held as 0 or 1.
    Bool,
}

impl DType {
    /// TensorFlow.js's name of the dtype (`float32`, `int32`, `bool`).
    pub fn name(self) -> &'static str {
        match self {
            DType::F32 => "float32",
            DType::I32 => "int32",
            DType::Bool => "bool",
        }
    }

    /// The dtype with a given TensorFlow.js name.
    ///
    /// # Errors
    /// `ErrorKind::DType` when the name is unknown.
    pub fn from_name(name: &str) -> Result<DType> {
        match name {
            "float32" => Ok(DType::F32),
            "int32" => Ok(DType::I32),
            "bool" => Ok(DType::Bool),
            _ => Err(Error::dtype("tensor", "float32, int32 or bool", format!("'{name}'"))),
        }
    }

    /// Bytes one element takes on the host, as TensorFlow.js counts them (bool takes one).
    pub fn host_bytes(self) -> usize {
        match self {
            DType::F32 | DType::I32 => 4,
            DType::Bool => 1,
        }
    }

    /// The smallest dtype that holds the values of both: bool < int32 < float32.
    pub fn upcast(self, other: DType) -> DType {
        use DType::{Bool, F32, I32};
        match (self, other) {
            (F32, _) | (_, F32) => F32,
            (I32, _) | (_, I32) => I32,
            (Bool, Bool) => Bool,
        }
    }
}

/// A scalar with its dtype; engines receive it as 32 raw bits.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Scalar {
    /// A float32 value.
    F32(f32),
    /// An int32 value.
    I32(i32),
    /// A bool value.
    Bool(bool),
}

impl Scalar {
    /// The value's dtype.
    pub fn dtype(self) -> DType {
        match self {
            Scalar::F32(_) => DType::F32,
            Scalar::I32(_) => DType::I32,
            Scalar::Bool(_) => DType::Bool,
        }
    }

    /// The 32-bit lane that represents the value on every engine.
    pub fn bits(self) -> u32 {
        match self {
            Scalar::F32(v) => v.to_bits(),
            Scalar::I32(v) => v as u32,
            Scalar::Bool(v) => u32::from(v),
        }
    }

    /// The value of `dtype` that a 32-bit lane represents.
    pub fn from_bits(dtype: DType, bits: u32) -> Scalar {
        match dtype {
            DType::F32 => Scalar::F32(f32::from_bits(bits)),
            DType::I32 => Scalar::I32(bits as i32),
            DType::Bool => Scalar::Bool(bits != 0),
        }
    }

    /// `value` as a scalar of `dtype`: truncated for int32, `!= 0` for bool.
    pub fn from_f64(dtype: DType, value: f64) -> Scalar {
        match dtype {
            DType::F32 => Scalar::F32(value as f32),
            DType::I32 => Scalar::I32(value as i32),
            DType::Bool => Scalar::Bool(value != 0.0),
        }
    }
}

/// Elements borrowed from the host.
#[derive(Clone, Copy, Debug)]
pub enum HostSlice<'a> {
    /// float32 elements.
    F32(&'a [f32]),
    /// int32 elements.
    I32(&'a [i32]),
    /// bool elements, one byte each, 0 or 1.
    Bool(&'a [u8]),
}

impl HostSlice<'_> {
    /// The dtype of the elements.
    pub fn dtype(&self) -> DType {
        match self {
            HostSlice::F32(_) => DType::F32,
            HostSlice::I32(_) => DType::I32,
            HostSlice::Bool(_) => DType::Bool,
        }
    }

    /// The number of elements.
    pub fn len(&self) -> usize {
        match self {
            HostSlice::F32(v) => v.len(),
            HostSlice::I32(v) => v.len(),
            HostSlice::Bool(v) => v.len(),
        }
    }

    /// Whether there are no elements.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// Elements read back to the host.
#[derive(Clone, Debug, PartialEq)]
pub enum HostData {
    /// float32 elements.
    F32(Vec<f32>),
    /// int32 elements.
    I32(Vec<i32>),
    /// bool elements, one byte each, 0 or 1.
    Bool(Vec<u8>),
}

impl HostData {
    /// The elements as float64, whatever their dtype.
    pub fn to_f64(&self) -> Vec<f64> {
        match self {
            HostData::F32(v) => v.iter().map(|&x| f64::from(x)).collect(),
            HostData::I32(v) => v.iter().map(|&x| f64::from(x)).collect(),
            HostData::Bool(v) => v.iter().map(|&x| f64::from(x)).collect(),
        }
    }

    /// The elements as float32, converted where the dtype is another.
    pub fn into_f32(self) -> Vec<f32> {
        match self {
            HostData::F32(v) => v,
            HostData::I32(v) => v.into_iter().map(|x| x as f32).collect(),
            HostData::Bool(v) => v.into_iter().map(f32::from).collect(),
        }
    }

    /// Rebuilds elements of `dtype` from 32-bit lanes.
    pub fn from_lanes(dtype: DType, lanes: &[u32]) -> HostData {
        match dtype {
            DType::F32 => HostData::F32(lanes.iter().map(|&b| f32::from_bits(b)).collect()),
            DType::I32 => HostData::I32(lanes.iter().map(|&b| b as i32).collect()),
            DType::Bool => HostData::Bool(lanes.iter().map(|&b| u8::from(b != 0)).collect()),
        }
    }

    /// The elements, borrowed.
    pub fn as_slice(&self) -> HostSlice<'_> {
        match self {
            HostData::F32(v) => HostSlice::F32(v),
            HostData::I32(v) => HostSlice::I32(v),
            HostData::Bool(v) => HostSlice::Bool(v),
        }
    }
}
