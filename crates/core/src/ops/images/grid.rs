//! Sampling at the places of a grid (Jaderberg et al. 2015). Conventions are PyTorch's, but for the order of dimensions:
//! channels are last.

use super::sample::{mirrored, sample, Around};
use super::{pixels, places, Interpolation};
use crate::calc::Calc;
use crate::error::{Error, Result};
use crate::ops::round;
use crate::tensor::Tensor;

/// What [`grid_sample`] finds outside an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GridPadding {
    /// Zeros.
    Zeros,
    /// The pixels of its border.
    Border,
    /// The image mirrored: about the centers of the pixels at its border when corners are aligned, else about their outer
    /// edges.
    Reflection,
}

/// NHWC images at the places of a grid `[batch, height, width, 2]`, whose last dimension is `(x, y)`: -1 and 1 are the
/// centers of the pixels at the border when `align_corners`, else their outer edges. The result is
/// `[batch, height, width, channels]`. The gradient reaches images and grid.
///
/// # Errors
/// `ErrorKind::Shape` when shapes are not of that form or an image has no pixels.
pub fn grid_sample(
    images: &Tensor,
    grid: &Tensor,
    how: Interpolation,
    padding: GridPadding,
    align_corners: bool,
) -> Result<Tensor> {
    const OP: &str = "gridSample";
    let [batch, in_h, in_w, _] = pixels(OP, images)?;
    let (height, width) = match **grid.shape() {
        [n, h, w, 2] if n == batch => (h, w),
        _ => return Err(Error::shape(OP, format_args!("a grid of shape [{batch}, height, width, 2]"), grid.shape())),
    };
    let calc = Calc::default();
    let (images, grid) = (calc.of(images).number(), calc.of(grid).number());
    let place = |i: usize, size: usize| {
        let part = grid.part(3, i, 1).reshape(&[batch, height, width]);
        let n = size as f64;
        let (scale, shift) = if align_corners { ((n - 1.0) / 2.0, 0.0) } else { (n / 2.0, -0.5) };
        let at = (part + 1.0) * part.scalar(scale) + shift;
        match (how, padding) {
            // Mirrored first: halves are rounded where they end up.
            (Interpolation::Nearest, GridPadding::Reflection) => mirrored(at, size, align_corners).map(round),
            (Interpolation::Nearest, _) => at.map(round),
            _ => at,
        }
    };
    let around = match padding {
        GridPadding::Zeros => Around::Fill(images.like(0.0)),
        GridPadding::Border => Around::Edge,
        GridPadding::Reflection => Around::Mirror { centers: align_corners },
    };
    let numbers = images.iota(&[batch, 1, 1], 0);
    calc.result(sample(OP, images, numbers, [place(1, in_h), place(0, in_w)], how, around)?)
}

/// The grid for [`grid_sample`] that affine maps `theta` `[batch, 2, 3]` make of the places of a `height` x `width` image:
/// `[batch, height, width, 2]`, each the map of `(x, y, 1)`.
///
/// # Errors
/// `ErrorKind::Shape` when `theta` has another shape.
pub fn affine_grid(theta: &Tensor, size: (usize, usize), align_corners: bool) -> Result<Tensor> {
    let batch = theta.shape().first().copied().unwrap_or(0);
    if theta.shape()[..] != [batch, 2, 3] {
        return Err(Error::shape("affineGrid", "maps of shape [batch, 2, 3]", theta.shape()));
    }
    let calc = Calc::default();
    let theta = calc.of(theta).number();
    // From -1 to 1, by centers or outer edges of pixels; 0 where there is but one.
    let line = |axis: usize, size: usize| {
        let n = size as f64;
        let steps = if align_corners { (n - 1.0).max(1.0) } else { n.max(1.0) };
        let middle = (n - 1.0) / 2.0;
        (places(theta, 4, axis, size) - middle) * theta.scalar(2.0 / steps)
    };
    let column = |i: usize| theta.part(2, i, 1).reshape(&[batch, 1, 1, 2]);
    let turned = line(2, size.1) * column(0) + line(1, size.0) * column(1);
    calc.result(turned + column(2))
}
