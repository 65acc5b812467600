//! Attention and normalisation over features.

use headwater_core::ops::{self, AttentionOptions};
use headwater_core::{Result, Tensor};

use super::{one, Arity, Attrs, Declared};

/// The tensors after the first: a scale, where flag 0 is set, then an offset, where flag 1 is.
fn scale_and_offset<'a>(x: &'a [Tensor], a: &Attrs<'_>) -> Result<(Option<&'a Tensor>, Option<&'a Tensor>)> {
    let mut rest = x[1..].iter();
    let scale = if a.flag(0)? { rest.next() } else { None };
    let offset = if a.flag(1)? { rest.next() } else { None };
    Ok((scale, offset))
}

pub(super) const OPERATIONS: &[Declared] = &[
    // q, k, v, and a mask if there is one; causal, scale.
    ("scaledDotProductAttention", Arity::AtLeast(3), |_, x, a| {
        let options = AttentionOptions { causal: a.flag(0)?, scale: Some(a.number(1)?), tile: None };
        one(ops::scaled_dot_product_attention(&x[0], &x[1], &x[2], x.get(3), &options))
    }),
    // x, scale, offset; whether there is a scale, an offset, epsilon, axes.
    ("layerNorm", Arity::AtLeast(1), |_, x, a| {
        let (scale, offset) = scale_and_offset(x, a)?;
        one(ops::layer_norm(&x[0], a.axes(3)?.as_deref(), scale, offset, a.number(2)?))
    }),
    // x, scale, offset; whether there is a scale, an offset, epsilon, groups.
    ("groupNorm", Arity::AtLeast(1), |_, x, a| {
        let (scale, offset) = scale_and_offset(x, a)?;
        one(ops::group_norm(&x[0], a.size(3)?, scale, offset, a.number(2)?))
    }),
    // x, and a scale if there is one; epsilon, axes.
    ("rmsNorm", Arity::AtLeast(1), |_, x, a| one(ops::rms_norm(&x[0], a.axes(1)?.as_deref(), x.get(1), a.number(0)?))),
    ("l2Normalize", Arity::Exactly(1), |_, x, a| one(ops::l2_normalize(&x[0], a.axes(1)?.as_deref(), a.number(0)?))),
];
