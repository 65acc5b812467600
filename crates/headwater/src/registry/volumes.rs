//! Convolutions and pooling of volumes, and windows beyond those of models.

use headwater_core::ops::{self, Conv3dOptions, Dilation2dOptions, Padding3d, Pool3dOptions};
use headwater_core::Result;

use super::operations::{conv1d_options, padding, pool_options};
use super::{one, two, Arity, Attrs, Declared};

/// Depth, height and width.
fn three(a: &Attrs<'_>, i: usize) -> Result<[usize; 3]> {
    Ok([a.size(i)?, a.size(i + 1)?, a.size(i + 2)?])
}

/// padding mode, front, back, top, bottom, left, right.
fn padding3d(a: &Attrs<'_>, i: usize) -> Result<Padding3d> {
    let pair = |d: usize| Ok((a.size(i + 1 + 2 * d)?, a.size(i + 2 + 2 * d)?));
    Ok(match a.size(i)? {
        0 => Padding3d::Valid,
        1 => Padding3d::Same,
        _ => Padding3d::Explicit([pair(0)?, pair(1)?, pair(2)?]),
    })
}

/// strides, dilations, groups, padding.
fn conv3d_options(a: &Attrs<'_>, i: usize) -> Result<Conv3dOptions> {
    Ok(Conv3dOptions {
        stride: three(a, i)?,
        dilation: three(a, i + 3)?,
        groups: a.size(i + 6)?,
        padding: padding3d(a, i + 7)?,
    })
}

/// window, strides, dilations, padding.
fn pool3d_options(a: &Attrs<'_>) -> Result<Pool3dOptions> {
    Ok(Pool3dOptions { window: three(a, 0)?, stride: three(a, 3)?, dilation: three(a, 6)?, padding: padding3d(a, 9)? })
}

pub(super) const OPERATIONS: &[Declared] = &[
    ("conv1dTranspose", Arity::Exactly(2), |_, x, a| {
        one(ops::conv1d_transpose(&x[0], &x[1], a.size(0)?, &conv1d_options(a, 1)?))
    }),
    ("conv3d", Arity::Exactly(2), |_, x, a| one(ops::conv3d(&x[0], &x[1], &conv3d_options(a, 0)?))),
    ("conv3dTranspose", Arity::Exactly(2), |_, x, a| {
        one(ops::conv3d_transpose(&x[0], &x[1], three(a, 0)?, &conv3d_options(a, 3)?))
    }),
    ("maxPool3d", Arity::Exactly(1), |_, x, a| one(ops::max_pool3d(&x[0], &pool3d_options(a)?))),
    ("avgPool3d", Arity::Exactly(1), |_, x, a| one(ops::avg_pool3d(&x[0], &pool3d_options(a)?))),
    // The options of a pool, whether the batch counts.
    ("maxPoolWithArgmax", Arity::Exactly(1), |_, x, a| {
        two(ops::max_pool_with_argmax(&x[0], &pool_options(a)?, a.flag(11)?))
    }),
    // strideH, strideW, dilationH, dilationW, padding.
    ("dilation2d", Arity::Exactly(2), |_, x, a| {
        let options = Dilation2dOptions {
            stride: (a.size(0)?, a.size(1)?),
            dilation: (a.size(2)?, a.size(3)?),
            padding: padding(a, 4)?,
        };
        one(ops::dilation2d(&x[0], &x[1], &options))
    }),
    ("localResponseNormalization", Arity::Exactly(1), |_, x, a| {
        let number = |i: usize| a.number(i).map(|v| v as f32);
        one(ops::local_response_normalization(&x[0], a.size(0)?, number(1)?, number(2)?, number(3)?))
    }),
];
