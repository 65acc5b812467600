//! Element types.

use crate::error::{Error, Result};
use crate::half;

/// The type of a tensor's elements.
///
/// An element is computed with in a lane of 32 bits, whatever its dtype: a float16 or bfloat16 as the float32 of the same
/// value, an int8 or uint8 as the int32, a uint32 as its bits. What differs is the values there are: every operation rounds,
/// or wraps, its result once to those of the result's dtype. Programs know three dtypes only, the [lanes](DType::lane)
/// float32, int32 and bool. Engines hold elements in the same lanes, but float16 in 16 bits where they can, and bytes that
/// come from the host as bytes: see [`DType::stored`] and [`DType::uploaded`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DType {
    /// IEEE-754 binary32.
    F32,
    /// 32-bit two's-complement integer; arithmetic wraps.
    I32,
    /// Truth value; held as 0 or 1.
    Bool,
    /// IEEE-754 binary16: 11 significant bits, up to 65504.
    F16,
    /// The upper half of a float32: its range with 8 significant bits.
    BF16,
    /// 8-bit integer from 0; arithmetic wraps.
    U8,
    /// 8-bit two's-complement integer; arithmetic wraps.
    I8,
    /// 32-bit integer from 0; arithmetic wraps.
    U32,
}

impl DType {
    /// All dtypes; a dtype's position is the number it crosses to other languages as.
    pub const ALL: [DType; 8] =
        [DType::F32, DType::I32, DType::Bool, DType::F16, DType::BF16, DType::U8, DType::I8, DType::U32];

    /// The dtype's name, for those of TensorFlow.js the one there.
    pub fn name(self) -> &'static str {
        match self {
            DType::F32 => "float32",
            DType::I32 => "int32",
            DType::Bool => "bool",
            DType::F16 => "float16",
            DType::BF16 => "bfloat16",
            DType::U8 => "uint8",
            DType::I8 => "int8",
            DType::U32 => "uint32",
        }
    }

    /// The dtype with a given name.
    ///
    /// # Errors
    /// `ErrorKind::DType` when the name is unknown.
    pub fn from_name(name: &str) -> Result<DType> {
        let unknown = || {
            let expected = "float32, int32, bool, float16, bfloat16, uint8, int8 or uint32";
            Error::dtype("tensor", expected, format_args!("'{name}'"))
        };
        DType::ALL.into_iter().find(|d| d.name() == name).ok_or_else(unknown)
    }

    /// The dtype with a given number; see [`DType::ALL`].
    ///
    /// # Errors
    /// `ErrorKind::DType` naming `op` when there is none.
    pub fn from_code(op: &str, code: usize) -> Result<DType> {
        DType::ALL.get(code).copied().ok_or_else(|| Error::dtype(op, "0 to 7", code))
    }

    /// Bytes one element takes on the host and in files, as TensorFlow.js counts them. See [`DType::stored`] and
    /// [`DType::uploaded`] for what an engine holds.
    pub fn host_bytes(self) -> usize {
        match self {
            DType::F32 | DType::I32 | DType::U32 => 4,
            DType::F16 | DType::BF16 => 2,
            DType::Bool | DType::U8 | DType::I8 => 1,
        }
    }

    /// Whether elements are floating-point numbers, which have gradients.
    pub fn is_float(self) -> bool {
        self.lane() == DType::F32
    }

    /// Whether elements are whole numbers; truth values are not.
    pub fn is_integer(self) -> bool {
        self.lane() == DType::I32
    }

    /// What an engine computes with: float32, int32 or bool.
    pub fn lane(self) -> DType {
        match self {
            DType::F32 | DType::F16 | DType::BF16 => DType::F32,
            DType::I32 | DType::U8 | DType::I8 | DType::U32 => DType::I32,
            DType::Bool => DType::Bool,
        }
    }

    /// What an engine's memory holds: the lane, but float16 where the engine has `halves`
    /// ([`crate::engine::Engine::has_halves`]).
    pub fn stored(self, halves: bool) -> DType {
        if halves && self == DType::F16 {
            self
        } else {
            self.lane()
        }
    }

    /// What an engine's memory holds of elements that come from the host: uint8 and int8 stay bytes, which every kernel reads
    /// and none writes; the others as [`DType::stored`].
    pub fn uploaded(self, halves: bool) -> DType {
        if matches!(self, DType::U8 | DType::I8) {
            self
        } else {
            self.stored(halves)
        }
    }

    /// What scalar expressions compute in: the lane, but uint32 for uint32.
    pub(crate) fn wide(self) -> DType {
        if self == DType::U32 {
            self
        } else {
            self.lane()
        }
    }

    /// The dtype of functions of real numbers: a float is its own, anything else counts as float32.
    pub fn float(self) -> DType {
        if self.is_float() {
            self
        } else {
            DType::F32
        }
    }

    /// The dtype of sums: bool, int8 and uint8 are counted in int32.
    pub fn sum(self) -> DType {
        match self {
            DType::Bool | DType::U8 | DType::I8 => DType::I32,
            other => other,
        }
    }

    /// The dtype that operands of both become: bool < whole numbers < floats. Of two floats that is float32, of two kinds of
    /// whole numbers uint32 for uint8 and uint32, else int32: JAX's lattice, where that stays within 32 bits.
    ///
    /// |          | float32 | int32    | bool     | float16 | bfloat16 | uint8    | int8     | uint32   |
    /// |----------|---------|----------|----------|---------|----------|----------|----------|----------|
    /// | float32  | float32 | float32  | float32  | float32 | float32  | float32  | float32  | float32  |
    /// | int32    |         | int32    | int32    | float16 | bfloat16 | int32    | int32    | int32    |
    /// | bool     |         |          | bool     | float16 | bfloat16 | uint8    | int8     | uint32   |
    /// | float16  |         |          |          | float16 | float32  | float16  | float16  | float16  |
    /// | bfloat16 |         |          |          |         | bfloat16 | bfloat16 | bfloat16 | bfloat16 |
    /// | uint8    |         |          |          |         |          | uint8    | int32    | uint32   |
    /// | int8     |         |          |          |         |          |          | int8     | int32    |
    /// | uint32   |         |          |          |         |          |          |          | uint32   |
    pub fn upcast(self, other: DType) -> DType {
        let (a, b) = (self, other);
        match (a.is_float(), b.is_float()) {
            _ if a == b => a,
            (true, true) => DType::F32,
            (true, false) => a,
            (false, true) => b,
            _ if a == DType::Bool => b,
            _ if b == DType::Bool => a,
            _ if matches!((a, b), (DType::U8, DType::U32) | (DType::U32, DType::U8)) => DType::U32,
            _ => DType::I32,
        }
    }

    /// The number that a lane holds.
    pub fn number(self, lane: u32) -> f64 {
        match self {
            DType::U32 => f64::from(lane),
            _ if self.is_float() => f64::from(f32::from_bits(lane)),
            _ => f64::from(lane as i32),
        }
    }

    /// The lane of the dtype's value for what a wider lane holds: a float rounded to nearest, halves to even; a whole number
    /// wrapped around.
    pub fn narrow(self, lane: u32) -> u32 {
        match self {
            DType::F32 | DType::I32 | DType::U32 => lane,
            DType::Bool => u32::from(lane != 0),
            DType::F16 => half::F16.round(f32::from_bits(lane)).to_bits(),
            DType::BF16 => half::BF16.round(f32::from_bits(lane)).to_bits(),
            DType::U8 => lane & 0xff,
            DType::I8 => lane as i8 as u32,
        }
    }
}

/// A value of a lane. Engines receive it as 32 raw bits.
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
    /// The lane's dtype.
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

    /// The value that a 32-bit lane of a tensor of `dtype` represents.
    pub fn from_bits(dtype: DType, bits: u32) -> Scalar {
        match dtype.lane() {
            DType::F32 => Scalar::F32(f32::from_bits(bits)),
            DType::Bool => Scalar::Bool(bits != 0),
            _ => Scalar::I32(bits as i32),
        }
    }

    /// `value` as a tensor of `dtype` holds it: rounded to a float, limited to the range of a whole number and truncated,
    /// `!= 0` for bool.
    pub fn from_f64(dtype: DType, value: f64) -> Scalar {
        match dtype {
            DType::F32 | DType::F16 | DType::BF16 => {
                Scalar::F32(f32::from_bits(dtype.narrow((value as f32).to_bits())))
            }
            DType::I32 => Scalar::I32(value as i32),
            DType::Bool => Scalar::Bool(value != 0.0),
            DType::U8 => Scalar::I32(i32::from(value as u8)),
            DType::I8 => Scalar::I32(i32::from(value as i8)),
            DType::U32 => Scalar::I32(value as u32 as i32),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dtypes_are_found_by_name_and_number() -> Result<()> {
        for (code, dtype) in DType::ALL.into_iter().enumerate() {
            assert_eq!(DType::from_name(dtype.name())?, dtype);
            assert_eq!((DType::from_code("cast", code)?, dtype as usize), (dtype, code));
        }
        assert_eq!(
            DType::from_name("float64").expect_err("unknown").to_string(),
            "Error in tensor: expected dtype float32, int32, bool, float16, bfloat16, uint8, int8 or uint32, received 'float64'"
        );
        assert_eq!(DType::from_code("cast", 8).expect_err("unknown").code(), "dtype");
        Ok(())
    }

    /// The table of [`DType::upcast`], row by row.
    #[test]
    fn dtypes_are_promoted_as_the_table_says() {
        use DType::{Bool, BF16, F16, F32, I32, I8, U32, U8};
        let table = [
            [F32, F32, F32, F32, F32, F32, F32, F32],
            [F32, I32, I32, F16, BF16, I32, I32, I32],
            [F32, I32, Bool, F16, BF16, U8, I8, U32],
            [F32, F16, F16, F16, F32, F16, F16, F16],
            [F32, BF16, BF16, F32, BF16, BF16, BF16, BF16],
            [F32, I32, U8, F16, BF16, U8, I32, U32],
            [F32, I32, I8, F16, BF16, I32, I8, I32],
            [F32, I32, U32, F16, BF16, U32, I32, U32],
        ];
        for (a, row) in DType::ALL.into_iter().zip(table) {
            for (b, want) in DType::ALL.into_iter().zip(row) {
                assert_eq!(a.upcast(b), want, "{} and {}", a.name(), b.name());
            }
        }
    }

    #[test]
    fn scalars_fit_their_dtype() {
        let at = |dtype, value| Scalar::from_f64(dtype, value);
        assert_eq!(at(DType::U8, 300.0), Scalar::I32(255));
        assert_eq!(at(DType::I8, -129.5), Scalar::I32(-128));
        assert_eq!(at(DType::U32, 4e9), Scalar::I32(4_000_000_000u32 as i32));
        assert_eq!(at(DType::F16, 0.1), Scalar::F32(0.099_975_586));
        assert_eq!(at(DType::BF16, 0.1), Scalar::F32(0.100_097_656));
    }
}
