//! Geometry of images.

use headwater_core::ops::{self, FillMode, GridPadding, Interpolation};
use headwater_core::Result;

use super::{one, Arity, Attrs, Declared};

/// 0 nearest, 1 bilinear, 2 bicubic.
fn interpolation(a: &Attrs<'_>, i: usize) -> Result<Interpolation> {
    a.choice(i, &[Interpolation::Nearest, Interpolation::Bilinear, Interpolation::Bicubic])
}

/// 0 constant, 1 reflect, 2 wrap, 3 nearest.
fn fill_mode(a: &Attrs<'_>, i: usize) -> Result<FillMode> {
    a.choice(i, &[FillMode::Constant, FillMode::Reflect, FillMode::Wrap, FillMode::Nearest])
}

/// 0 zeros, 1 border, 2 reflection.
fn grid_padding(a: &Attrs<'_>, i: usize) -> Result<GridPadding> {
    a.choice(i, &[GridPadding::Zeros, GridPadding::Border, GridPadding::Reflection])
}

pub(super) const OPERATIONS: &[Declared] = &[
    ("cropAndResize", Arity::Exactly(3), |_, x, a| {
        let size = (a.size(0)?, a.size(1)?);
        one(ops::crop_and_resize(&x[0], &x[1], &x[2], size, interpolation(a, 2)?, a.number(3)?))
    }),
    ("transform", Arity::Exactly(2), |_, x, a| {
        let size = (a.size(0)?, a.size(1)?);
        one(ops::transform(&x[0], &x[1], interpolation(a, 2)?, fill_mode(a, 3)?, a.number(4)?, size))
    }),
    ("rotateWithOffset", Arity::Exactly(2), |_, x, a| {
        one(ops::rotate_with_offset(&x[0], a.number(0)?, &x[1], (a.number(1)?, a.number(2)?)))
    }),
    ("flipLeftRight", Arity::Exactly(1), |_, x, _| one(ops::flip_left_right(&x[0]))),
    ("rgbToGrayscale", Arity::Exactly(1), |_, x, _| one(ops::rgb_to_grayscale(&x[0]))),
    ("grayscaleToRGB", Arity::Exactly(1), |_, x, _| one(ops::grayscale_to_rgb(&x[0]))),
    ("gridSample", Arity::Exactly(2), |_, x, a| {
        one(ops::grid_sample(&x[0], &x[1], interpolation(a, 0)?, grid_padding(a, 1)?, a.flag(2)?))
    }),
    ("affineGrid", Arity::Exactly(1), |_, x, a| one(ops::affine_grid(&x[0], (a.size(0)?, a.size(1)?), a.flag(2)?))),
    ("resizeBicubic", Arity::Exactly(1), |_, x, a| {
        one(ops::resize_bicubic(&x[0], (a.size(0)?, a.size(1)?), a.flag(2)?, a.flag(3)?))
    }),
];
