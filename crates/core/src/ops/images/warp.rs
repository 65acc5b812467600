//! Images cut out, mirrored, rotated and projected. Names and conventions are TensorFlow's.

use super::sample::{sample, Around};
use super::{float, pixels, places, sizes, Interpolation};
use crate::dtype::DType;
use crate::error::{Error, Result};
use crate::host::HostSlice;
use crate::math;
use crate::number;
use crate::ops::{
    add, ceil, check_table, clip, div, equal, expand_dims, floor, greater, greater_equal, less, less_equal,
    logical_and, minimum, modulo, mul, reshape, reverse, select, slice, sub,
};
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

/// The image numbers `[batch, 1, 1]`.
pub(super) fn numbers(x: &Tensor, batch: usize) -> Result<Tensor> {
    x.device().iota([batch, 1, 1], 0)
}

fn within(x: &Tensor, size: usize) -> Result<Tensor> {
    clip(x, &x.constant(0.0), &float(x, size as f64 - 1.0))
}

fn inside(x: &Tensor, size: usize) -> Result<Tensor> {
    logical_and(&greater_equal(x, &x.constant(0.0))?, &less_equal(x, &float(x, size as f64 - 1.0))?)
}

/// Places as [`sample`] takes them: those of the nearest pixels, of which the later of two equals.
fn rounded(at: &Tensor, how: Interpolation) -> Result<Tensor> {
    match how {
        Interpolation::Nearest => floor(&(at + 0.5)?),
        _ => Ok(at.clone()),
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
        return Err(Error::shape(OP, format!("numbers of images of shape [{count}]"), box_image.shape()));
    }
    if box_image.dtype() != DType::I32 {
        return Err(Error::dtype(OP, "int32 numbers of images", box_image.dtype().name()));
    }
    if size.0 == 0 || size.1 == 0 {
        return Err(Error::argument(OP, "a size of at least 1x1", format!("{size:?}")));
    }
    check_table(OP, size.0.max(size.1))?;
    let (images, boxes) = (images.cast(DType::F32)?, boxes.cast(DType::F32)?);
    let y = line(&reshape(&boxes, [count, 4, 1])?, 0, height, size.0)?;
    let x = line(&reshape(&boxes, [count, 4, 1])?, 1, width, size.1)?;
    let y = reshape(&y, [count, size.0, 1])?;
    let x = reshape(&x, [count, 1, size.1])?;
    let index = reshape(box_image, [count, 1, 1])?;
    let known = clip(&index, &index.constant(0.0), &index.constant(batch as f64 - 1.0))?;
    let place = |at: &Tensor, size: usize| rounded(&within(at, size)?, how);
    let crops = sample(OP, &images, &known, &place(&y, height)?, &place(&x, width)?, how, &Around::Edge)?;
    let covered = expand_dims(&logical_and(&inside(&y, height)?, &inside(&x, width)?)?, -1)?;
    let filled = select(&covered, &crops, &float(&crops, outside))?;
    select(&expand_dims(&equal(&index, &known)?, -1)?, &filled, &filled.constant(0.0))
}

/// Places from corner `axis` of boxes `[count, 4, 1]` to the opposite one, `[count, 1, steps]`; half way where one row or
/// column is all. The corners come out exactly.
fn line(boxes: &Tensor, axis: usize, size: usize, steps: usize) -> Result<Tensor> {
    let last = size as f64 - 1.0;
    let corner = |i: usize| slice(boxes, &[0, i, 0], &[boxes.shape()[0], 1, 1]);
    let (from, to) = (corner(axis)?, corner(axis + 2)?);
    if steps == 1 {
        return mul(&add(&from, &to)?, &float(boxes, last / 2.0));
    }
    let weighted = |corner: &Tensor, weight: &dyn Fn(f64) -> f64| {
        let weight = |i: usize| weight(last * i as f64 / (steps as f64 - 1.0)) as f32;
        let weights: Vec<f32> = (0..steps).map(weight).collect();
        mul(corner, &boxes.device().tensor(HostSlice::F32(&weights), [1, 1, steps])?)
    };
    add(&weighted(&from, &|part| last - part)?, &weighted(&to, &|part| part)?)
}

/// Where on an axis of the image a place lies, by the mode that continues the image.
fn continued(at: &Tensor, size: usize, mode: FillMode) -> Result<Tensor> {
    let n = size as f64;
    let at = match mode {
        FillMode::Constant => return Ok(at.clone()),
        FillMode::Reflect if size > 1 => {
            let turn = modulo(at, &float(at, 2.0 * n))?;
            minimum(&turn, &sub(&float(at, 2.0 * n - 1.0), &turn)?)?
        }
        FillMode::Wrap if size > 1 => {
            // The period is one longer than what it is counted with; so it is in TensorFlow.
            let last = float(at, n - 1.0);
            let turns = div(at, &last)?;
            let zero = at.constant(0.0);
            let beyond = select(&greater(at, &last)?, &floor(&turns)?, &zero)?;
            let back = select(&less(at, &zero)?, &(&ceil(&turns)? - 1.0)?, &beyond)?;
            sub(at, &mul(&back, &float(at, n))?)?
        }
        _ => at.clone(),
    };
    within(&at, size)
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
    project("transform", images, transforms, how, mode, &float(images, fill), size)
}

/// [`transform`] for `op`, with a fill that broadcasts to channels.
fn project(
    op: &str,
    images: &Tensor,
    transforms: &Tensor,
    how: Interpolation,
    mode: FillMode,
    fill: &Tensor,
    size: (usize, usize),
) -> Result<Tensor> {
    let [batch, height, width, _] = pixels(op, images)?;
    let rows = transforms.shape().first().copied().unwrap_or(0);
    if transforms.shape()[..] != [rows, 8] || (rows != batch && rows != 1) {
        return Err(Error::shape(op, format!("transforms of shape [{batch}, 8] or [1, 8]"), transforms.shape()));
    }
    let (images, table) = (images.cast(DType::F32)?, transforms.cast(DType::F32)?);
    let out_x = places(&images, 3, 2, size.1)?;
    let out_y = places(&images, 3, 1, size.0)?;
    let factor = |i: usize| reshape(&slice(&table, &[0, i], &[rows, 1])?, [rows, 1, 1]);
    let along = |i: usize, last: &Tensor| add(&add(&mul(&factor(i)?, &out_x)?, &mul(&factor(i + 1)?, &out_y)?)?, last);
    let one = images.constant(1.0);
    let depth = along(6, &one)?;
    let infinite = equal(&depth, &images.constant(0.0))?;
    let divisor = select(&infinite, &one, &depth)?;
    let place =
        |i: usize, size: usize| rounded(&continued(&div(&along(i, &factor(i + 2)?)?, &divisor)?, size, mode)?, how);
    let around = if mode == FillMode::Constant { Around::Fill(fill) } else { Around::Edge };
    let (y, x) = (place(3, height)?, place(0, width)?);
    let found = sample(op, &images, &numbers(&images, batch)?, &y, &x, how, &around)?;
    select(&expand_dims(&infinite, -1)?, fill, &found)
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
        return Err(Error::shape(OP, format!("a fill value, or one for each of {channels} channels"), fill.shape()));
    }
    let (x, y) = (width as f64 * center.0, height as f64 * center.1);
    let (sin, cos) = (math::sin(radians), math::cos(radians));
    let map = [cos, -sin, x - x * cos + y * sin, sin, cos, y - x * sin - y * cos, 0.0, 0.0].map(|v| v as f32);
    let table = images.device().tensor(HostSlice::F32(&map), [1, 8])?;
    let (how, mode) = (Interpolation::Nearest, FillMode::Constant);
    project(OP, images, &table, how, mode, &fill.cast(DType::F32)?, (height, width))
}

/// NHWC images mirrored left to right.
///
/// # Errors
/// `ErrorKind::Shape` when the rank is not 4.
pub fn flip_left_right(images: &Tensor) -> Result<Tensor> {
    sizes("flipLeftRight", images)?;
    reverse(images, Some(&[2]))
}
