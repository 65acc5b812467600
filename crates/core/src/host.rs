//! Elements on the host.

use std::borrow::Cow;

use crate::dtype::DType;
use crate::half::{bf16_bits, bf16_value, f16_bits, f16_value};

/// Elements borrowed from the host.
#[derive(Clone, Copy, Debug)]
pub enum HostSlice<'a> {
    /// float32 elements.
    F32(&'a [f32]),
    /// int32 elements.
    I32(&'a [i32]),
    /// bool elements, one byte each, 0 or 1.
    Bool(&'a [u8]),
    /// float16 elements, as their bits.
    F16(&'a [u16]),
    /// bfloat16 elements, as their bits.
    BF16(&'a [u16]),
    /// uint8 elements.
    U8(&'a [u8]),
    /// int8 elements.
    I8(&'a [i8]),
    /// uint32 elements.
    U32(&'a [u32]),
}

impl<'a> HostSlice<'a> {
    /// The dtype of the elements.
    pub fn dtype(&self) -> DType {
        match self {
            HostSlice::F32(_) => DType::F32,
            HostSlice::I32(_) => DType::I32,
            HostSlice::Bool(_) => DType::Bool,
            HostSlice::F16(_) => DType::F16,
            HostSlice::BF16(_) => DType::BF16,
            HostSlice::U8(_) => DType::U8,
            HostSlice::I8(_) => DType::I8,
            HostSlice::U32(_) => DType::U32,
        }
    }

    /// The number of elements.
    pub fn len(&self) -> usize {
        match self {
            HostSlice::F32(v) => v.len(),
            HostSlice::I32(v) => v.len(),
            HostSlice::Bool(v) | HostSlice::U8(v) => v.len(),
            HostSlice::F16(v) | HostSlice::BF16(v) => v.len(),
            HostSlice::I8(v) => v.len(),
            HostSlice::U32(v) => v.len(),
        }
    }

    /// Whether there are no elements.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The elements in lanes of 32 bits: see [`DType`].
    pub(crate) fn lanes(self) -> Cow<'a, [u32]> {
        match self {
            HostSlice::F32(v) => Cow::Borrowed(bytemuck::cast_slice(v)),
            HostSlice::I32(v) => Cow::Borrowed(bytemuck::cast_slice(v)),
            HostSlice::U32(v) => Cow::Borrowed(v),
            HostSlice::Bool(v) => v.iter().map(|&x| u32::from(x != 0)).collect(),
            HostSlice::U8(v) => v.iter().map(|&x| u32::from(x)).collect(),
            HostSlice::I8(v) => v.iter().map(|&x| x as u32).collect(),
            HostSlice::F16(v) => v.iter().map(|&x| f16_value(x).to_bits()).collect(),
            HostSlice::BF16(v) => v.iter().map(|&x| bf16_value(x).to_bits()).collect(),
        }
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
    /// float16 elements, as their bits.
    F16(Vec<u16>),
    /// bfloat16 elements, as their bits.
    BF16(Vec<u16>),
    /// uint8 elements.
    U8(Vec<u8>),
    /// int8 elements.
    I8(Vec<i8>),
    /// uint32 elements.
    U32(Vec<u32>),
}

impl HostData {
    /// The dtype of the elements.
    pub fn dtype(&self) -> DType {
        self.as_slice().dtype()
    }

    /// The elements as float64, whatever their dtype.
    pub fn to_f64(&self) -> Vec<f64> {
        self.as_slice().lanes().iter().map(|&lane| self.dtype().number(lane)).collect()
    }

    /// The elements as float32, converted where the dtype is another.
    pub fn into_f32(self) -> Vec<f32> {
        match self {
            HostData::F32(v) => v,
            other => other.to_f64().into_iter().map(|x| x as f32).collect(),
        }
    }

    /// Elements of `dtype` for numbers: rounded to a float, limited to the range of a whole number and truncated, `!= 0` for
    /// bool.
    pub fn from_f64(dtype: DType, values: &[f64]) -> HostData {
        let lane = |&x: &f64| crate::Scalar::from_f64(dtype, x).bits();
        HostData::from_lanes(dtype, values.iter().map(lane).collect())
    }

    /// Elements of `dtype` from lanes of 32 bits: see [`DType`].
    pub fn from_lanes(dtype: DType, lanes: Vec<u32>) -> HostData {
        let lanes_of = lanes.into_iter();
        match dtype {
            DType::F32 => HostData::F32(lanes_of.map(f32::from_bits).collect()),
            DType::I32 => HostData::I32(lanes_of.map(|b| b as i32).collect()),
            DType::Bool => HostData::Bool(lanes_of.map(|b| u8::from(b != 0)).collect()),
            DType::F16 => HostData::F16(lanes_of.map(|b| f16_bits(f32::from_bits(b))).collect()),
            DType::BF16 => HostData::BF16(lanes_of.map(|b| bf16_bits(f32::from_bits(b))).collect()),
            DType::U8 => HostData::U8(lanes_of.map(|b| b as u8).collect()),
            DType::I8 => HostData::I8(lanes_of.map(|b| b as i8).collect()),
            DType::U32 => HostData::U32(lanes_of.collect()),
        }
    }

    /// The elements, borrowed.
    pub fn as_slice(&self) -> HostSlice<'_> {
        match self {
            HostData::F32(v) => HostSlice::F32(v),
            HostData::I32(v) => HostSlice::I32(v),
            HostData::Bool(v) => HostSlice::Bool(v),
            HostData::F16(v) => HostSlice::F16(v),
            HostData::BF16(v) => HostSlice::BF16(v),
            HostData::U8(v) => HostSlice::U8(v),
            HostData::I8(v) => HostSlice::I8(v),
            HostData::U32(v) => HostSlice::U32(v),
        }
    }

    /// Elements of `dtype` from bytes, as [`HostData::to_le_bytes`] gives them. Bytes that are no whole element are left out.
    pub fn from_le_bytes(dtype: DType, bytes: &[u8]) -> HostData {
        let value = if dtype == DType::F16 { f16_value } else { bf16_value };
        let lanes = match dtype.host_bytes() {
            4 => bytes.as_chunks().0.iter().map(|&b| u32::from_le_bytes(b)).collect(),
            2 => bytes.as_chunks().0.iter().map(|&b| value(u16::from_le_bytes(b)).to_bits()).collect(),
            _ => bytes.iter().map(|&b| u32::from(b)).collect(),
        };
        HostData::from_lanes(dtype, lanes)
    }

    /// The elements as bytes, least significant first, [`DType::host_bytes`] each: as files hold them.
    pub fn to_le_bytes(&self) -> Vec<u8> {
        match self {
            HostData::F32(v) => v.iter().flat_map(|x| x.to_le_bytes()).collect(),
            HostData::I32(v) => v.iter().flat_map(|x| x.to_le_bytes()).collect(),
            HostData::U32(v) => v.iter().flat_map(|x| x.to_le_bytes()).collect(),
            HostData::F16(v) | HostData::BF16(v) => v.iter().flat_map(|x| x.to_le_bytes()).collect(),
            HostData::Bool(v) | HostData::U8(v) => v.clone(),
            HostData::I8(v) => v.iter().map(|&x| x as u8).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_come_back_from_lanes_and_bytes() {
        for dtype in DType::ALL {
            let limits = HostData::from_f64(dtype, &[0.0, 1.0, -1.0, 0.1, 1e10, -1e10, f64::NAN]);
            assert_eq!(limits.dtype(), dtype);
            let lanes = limits.as_slice().lanes().into_owned();
            assert!(lanes.iter().all(|&lane| dtype.narrow(lane) == lane), "{limits:?}");
            let bytes = limits.to_le_bytes();
            assert_eq!(bytes.len(), limits.as_slice().len() * dtype.host_bytes());
            for again in [HostData::from_lanes(dtype, lanes), HostData::from_le_bytes(dtype, &bytes)] {
                assert_eq!(format!("{again:?}"), format!("{limits:?}"));
            }
        }
        let i8s = HostData::from_f64(DType::I8, &[-1.0, 200.0, -200.0]);
        assert_eq!((i8s.to_f64(), i8s.to_le_bytes()), (vec![-1.0, 127.0, -128.0], vec![255, 127, 128]));
    }
}
