//! Quantisation.

use headwater_core::ops::{self, QuantizedType};
use headwater_core::{Error, Result};

use super::{one, Arity, Attrs, Declared};

/// Number `i` as a quantised type: 0 int8, 1 uint8.
fn quantized(a: &Attrs<'_>, i: usize) -> Result<QuantizedType> {
    match a.size(i)? {
        0 => Ok(QuantizedType::Int8),
        1 => Ok(QuantizedType::Uint8),
        other => Err(Error::argument("quantize", "0 or 1 as the type", other)),
    }
}

/// Number `i` as an axis, where there is one.
fn axis(a: &Attrs<'_>, i: usize) -> Result<Option<isize>> {
    Ok(a.axes(i)?.and_then(|axes| axes.first().copied()))
}

/// x, scale, zero point; type, and the axis if there is one.
pub(super) const OPERATIONS: &[Declared] = &[
    ("quantize", Arity::Exactly(3), |_, x, a| one(ops::quantize(&x[0], &x[1], &x[2], axis(a, 1)?, quantized(a, 0)?))),
    ("fakeQuantize", Arity::Exactly(3), |_, x, a| {
        one(ops::fake_quantize(&x[0], &x[1], &x[2], axis(a, 1)?, quantized(a, 0)?))
    }),
    // Its operand as it is, but not kept.
    ("recomputed", Arity::Exactly(1), |_, x, _| one(Ok(x[0].clone().recomputed()))),
    // Without a type.
    ("dequantize", Arity::Exactly(3), |_, x, a| one(ops::dequantize(&x[0], &x[1], &x[2], axis(a, 0)?))),
];
