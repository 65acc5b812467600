//! Images cut out, mirrored, rotated and projected. Names and conventions are TensorFlow's.

use super::sample::{inside, sample, within, Around};
use super::{pixels, places, sizes, Interpolation};
use crate::calc::{Calc, Term};
use crate::dtype::DType;
use crate::error::{Error, Result};
use crate::host::HostSlice;
use crate::math;
use crate::number;
use crate::ops::{ceil, check_table, div, equal, floor, greater, less, minimum, modulo, reverse};
use crate::tensor::Tensor;

/// How an image continues beyond its border in [`transform`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FillMode {
    /// With one value.
    Constant,
    /// Mirrored about the outer edges of its border.
    Reflect,
    /// From its other end.
    Wrap,
    /// With the pixels of its border.
    Nearest,
}

/// Places as [`sample`] takes them: those of the nearest pixels, of which the later of two equals.
fn rounded(at: Term<'_>, how: Interpolation) -> Term<'_> {
    match how {
        Interpolation::Nearest => (at + 0.5).map(floor),
        _ => at,
    }
}

/// Boxes `[y1, x1, y2, x2]`, in parts of height and width, cut out of NHWC images and resized to `size`:
/// `boxes` is `[count, 4]`, the int32 `box_image` `[count]` says which image, the result is
/// `[count, height, width, channels]`. Corners are aligned; what lies outside the image is `outside`; boxes of images
/// that there are not are 0. The gradient reaches images and boxes.
///
/// # Errors
/// `ErrorKind::Shape` when shapes are not of that form or an image has no pixels; `ErrorKind::DType` when `box_image` is not
/// int32; `ErrorKind::Argument` for an empty `size`.
pub fn crop_and_resize(
    images: &Tensor,
    boxes: &Tensor,
    box_image: &Tensor,
    size: (usize, usize),
    how: Interpolation,
    outside: f64,
) -> Result<Tensor> {
    const OP: &str = "cropAndResize";
    let [batch, height, width, _] = pixels(OP, images)?;
    let count = boxes.shape().first().copied().unwrap_or(0);
    if boxes.shape()[..] != [count, 4] {
        return Err(Error::shape(OP, "boxes of shape [count, 4]", boxes.shape()));
    }
    if box_image.shape()[..] != [count] {
        return Err(Error::shape(OP, format_args!("numbers of images of shape [{count}]"), box_image.shape()));
    }
    if box_image.dtype() != DType::I32 {
        return Err(Error::dtype(OP, "int32 numbers of images", box_image.dtype().name()));
    }
    if size.0 == 0 || size.1 == 0 {
        return Err(Error::argument(OP, "a size of at least 1x1", format_args!("{size:?}")));
    }
    check_table(OP, size.0.max(size.1))?;
    let calc = Calc::default();
    let (images, boxes) = (calc.of(images).number(), calc.of(boxes).number().reshape(&[count, 4, 1]));
    let y = line(boxes, 0, height, size.0).reshape(&[count, size.0, 1]);
    let x = line(boxes, 1, width, size.1).reshape(&[count, 1, size.1]);
    let index = calc.of(box_image).reshape(&[count, 1, 1]);
    let known = index.clip(0.0, batch as f64 - 1.0);
    let last = [images.scalar(height as f64 - 1.0), images.scalar(width as f64 - 1.0)];
    let at = [rounded(within(y, last[0]), how), rounded(within(x, last[1]), how)];
    let crops = sample(OP, images, known, at, how, Around::Edge)?;
    let covered = inside(y, last[0]).and(inside(x, last[1])).expand(-1);
    let filled = covered.choose(crops, images.scalar(outside));
    calc.result(filled.where_else(index.with(known, equal).expand(-1), 0.0))
}

/// Places from corner `axis` of boxes `[count, 4, 1]` to the opposite one, `[count, 1, steps]`; half way where one row or
/// column is all. The corners come out exactly.
fn line(boxes: Term<'_>, axis: usize, size: usize, steps: usize) -> Term<'_> {
    let last = size as f64 - 1.0;
    let (from, to) = (boxes.part(1, axis, 1), boxes.part(1, axis + 2, 1));
    if steps == 1 {
        return (from + to) * boxes.scalar(last / 2.0);
    }
    let part = |i: usize| last * i as f64 / (steps as f64 - 1.0);
    let table = |weights: &mut dyn Iterator<Item = f64>| boxes.array(weights, &[1, 1, steps]);
    from * table(&mut (0..steps).map(|i| last - part(i))) + to * table(&mut (0..steps).map(part))
}

/// Where on an axis of the image a place lies, by the mode that continues the image.
fn continued(at: Term<'_>, size: usize, mode: FillMode) -> Term<'_> {
    let n = size as f64;
    let last = at.scalar(n - 1.0);
    let at = match mode {
        FillMode::Constant => return at,
        FillMode::Reflect if size > 1 => {
            let turn = at.with(at.scalar(2.0 * n), modulo);
            turn.with(at.scalar(2.0 * n - 1.0) - turn, minimum)
        }
        FillMode::Wrap if size > 1 => {
            // The period is one longer than what it is counted with; so it is in TensorFlow.
            let turns = at.with(last, div);
            let beyond = turns.map(floor).where_else(at.with(last, greater), 0.0);
            let back = at.by(0.0, less).choose(turns.map(ceil) - 1.0, beyond);
            at - back * at.scalar(n)
        }
        _ => at,
    };
    within(at, last)
}

/// NHWC images seen through projections `[a0, a1, a2, b0, b1, b2, c0, c1]`, one (`[1, 8]`) or one per image (`[batch, 8]`),
/// which lead from places in the result to places in the image: `x = (a0 x' + a1 y' + a2) / k`,
/// `y = (b0 x' + b1 y' + b2) / k`, `k = c0 x' + c1 y' + 1`. The result has height and width `size`; where `k` is 0, and
/// outside the image in mode [`FillMode::Constant`], it is `fill`. The gradient reaches images and projections.
///
/// # Errors
/// `ErrorKind::Shape` when shapes are not of that form or an image has no pixels.
pub fn transform(
    images: &Tensor,
    transforms: &Tensor,
    how: Interpolation,
    mode: FillMode,
    fill: f64,
    size: (usize, usize),
) -> Result<Tensor> {
    let calc = Calc::default();
    let fill = calc.on(images.device()).scalar(fill);
    calc.result(project(&calc, "transform", images, transforms, how, mode, fill, size)?)
}

/// [`transform`] for `op`, with a fill that broadcasts to channels.
#[allow(clippy::too_many_arguments)] // Those of `transform`.
fn project<'a>(
    calc: &'a Calc<'a>,
    op: &str,
    images: &Tensor,
    transforms: &Tensor,
    how: Interpolation,
    mode: FillMode,
    fill: Term<'a>,
    size: (usize, usize),
) -> Result<Term<'a>> {
    let [batch, height, width, _] = pixels(op, images)?;
    let rows = transforms.shape().first().copied().unwrap_or(0);
    if transforms.shape()[..] != [rows, 8] || (rows != batch && rows != 1) {
        return Err(Error::shape(op, format_args!("transforms of shape [{batch}, 8] or [1, 8]"), transforms.shape()));
    }
    let (images, table) = (calc.of(images).number(), calc.of(transforms).number());
    let out_x = places(images, 3, 2, size.1);
    let out_y = places(images, 3, 1, size.0);
    let factor = |i: usize| table.part(1, i, 1).reshape(&[rows, 1, 1]);
    let along = |i: usize, last: Term<'a>| (factor(i) * out_x + factor(i + 1) * out_y) + last;
    let depth = along(6, images.like(1.0));
    let infinite = depth.by(0.0, equal);
    let divisor = infinite.choose(images.like(1.0), depth);
    let place = |i: usize, size: usize| rounded(continued(along(i, factor(i + 2)).with(divisor, div), size, mode), how);
    let around = if mode == FillMode::Constant { Around::Fill(fill) } else { Around::Edge };
    let numbers = images.iota(&[batch, 1, 1], 0);
    let found = sample(op, images, numbers, [place(3, height), place(0, width)], how, around)?;
    Ok(infinite.expand(-1).choose(fill, found))
}

/// NHWC images rotated counter-clockwise by `radians` about `center`, `(x, y)` in parts of width and height, to the nearest
/// pixels. `fill`, a value or one for each channel, is what comes in from outside.
///
/// # Errors
/// `ErrorKind::Shape` when the rank is not 4, an image has no pixels or `fill` has another shape; `ErrorKind::Argument` when
/// the angle is not finite.
pub fn rotate_with_offset(images: &Tensor, radians: f64, fill: &Tensor, center: (f64, f64)) -> Result<Tensor> {
    const OP: &str = "rotateWithOffset";
    let [_, height, width, channels] = pixels(OP, images)?;
    if !radians.is_finite() {
        return Err(Error::argument(OP, "a finite angle", number(radians)));
    }
    if fill.rank() > 1 || (fill.size() != 1 && fill.size() != channels) {
        return Err(Error::shape(
            OP,
            format_args!("a fill value, or one for each of {channels} channels"),
            fill.shape(),
        ));
    }
    let (x, y) = (width as f64 * center.0, height as f64 * center.1);
    let (sin, cos) = (math::sin(radians), math::cos(radians));
    let map = [cos, -sin, x - x * cos + y * sin, sin, cos, y - x * sin - y * cos, 0.0, 0.0].map(|v| v as f32);
    let table = images.device().tensor(HostSlice::F32(&map), [1, 8])?;
    let (how, mode) = (Interpolation::Nearest, FillMode::Constant);
    let calc = Calc::default();
    let fill = calc.of(fill).number();
    calc.result(project(&calc, OP, images, &table, how, mode, fill, (height, width))?)
}

/// NHWC images mirrored left to right.
///
/// # Errors
/// `ErrorKind::Shape` when the rank is not 4.
pub fn flip_left_right(images: &Tensor) -> Result<Tensor> {
    sizes("flipLeftRight", images)?;
    reverse(images, Some(&[2]))
}
