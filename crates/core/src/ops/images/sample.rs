//! Reading images at places between their pixels.

use super::{float, pixels, whole};
use crate::dtype::DType;
use crate::error::Result;
use crate::ops::{
    abs, add, clip, expand_dims, floor, gather, greater_equal, less_equal, logical_and, modulo, mul, reshape, select,
    sub,
};
use crate::tensor::Tensor;

/// How pixels between pixels are computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Interpolation {
    /// From the nearest.
    Nearest,
    /// From the four around, by distance.
    Bilinear,
    /// From the sixteen around, by cubic convolution (Keys 1981) with a = -0.75.
    Bicubic,
}

/// What lies around an image.
pub(super) enum Around<'a> {
    /// A value, or one for each channel.
    Fill(&'a Tensor),
    /// The pixels of the border.
    Edge,
    /// The image mirrored: about the centers of the pixels at the border, or about their outer edges.
    Mirror {
        /// About centers.
        centers: bool,
    },
}

/// A row or column that takes part in a result, at places that broadcast.
struct Tap {
    /// Where it is, within the image.
    index: Tensor,
    /// Whether that is where it was looked for.
    inside: Tensor,
    /// Its part in the result; `None` for all of it.
    weight: Option<Tensor>,
}

/// Places beyond an axis of `size` led back to it by mirroring; those that touch the border may lie half a pixel outside.
pub(super) fn mirrored(at: &Tensor, size: usize, centers: bool) -> Result<Tensor> {
    let (first, span) = if centers { (0.0, size as f64 - 1.0) } else { (-0.5, size as f64) };
    if span == 0.0 {
        return at.zeros_like();
    }
    let turn = modulo(&(at - first)?, &float(at, 2.0 * span))?;
    // There and back again: a triangle.
    sub(&float(at, first + span), &abs(&sub(&turn, &float(at, span))?)?)
}

/// Weights of four neighbours by the distance `t` from the second, 0 to 1.
fn cubic(t: &Tensor) -> Result<Vec<Tensor>> {
    const A: f64 = -0.75;
    // Keys' kernel within one pixel and within two: a polynomial of the distance.
    let near = |d: &Tensor| -> Result<Tensor> {
        let inner = (&(d * (A + 2.0))? - (A + 3.0))?;
        &mul(&inner, &mul(d, d)?)? + 1.0
    };
    let far = |d: &Tensor| -> Result<Tensor> {
        let inner = (&mul(d, &(&(d * A)? - 5.0 * A)?)? + 8.0 * A)?;
        &mul(&inner, d)? - 4.0 * A
    };
    let back = (1.0 - t)?;
    Ok(vec![far(&(t + 1.0)?)?, near(t)?, near(&back)?, far(&(&back + 1.0)?)?])
}

/// The rows or columns of an axis of `size` from which the one at `at` is made.
fn taps(at: &Tensor, size: usize, how: Interpolation, around: &Around<'_>) -> Result<Vec<Tap>> {
    let last = float(at, size as f64 - 1.0);
    let zero = at.constant(0.0);
    let tap = |place: Tensor, weight: Option<Tensor>| -> Result<Tap> {
        let place = match around {
            Around::Mirror { centers } => mirrored(&place, size, *centers)?,
            _ => place,
        };
        let inside = logical_and(&greater_equal(&place, &zero)?, &less_equal(&place, &last)?)?;
        Ok(Tap { index: clip(&place, &zero, &last)?.cast(DType::I32)?, inside, weight })
    };
    let whole = floor(at)?;
    let rest = sub(at, &whole)?;
    let (first, weights) = match how {
        Interpolation::Nearest => return Ok(vec![tap(at.clone(), None)?]),
        Interpolation::Bilinear => (0.0, vec![(1.0 - &rest)?, rest]),
        Interpolation::Bicubic => (-1.0, cubic(&rest)?),
    };
    (weights.into_iter().enumerate()).map(|(k, weight)| tap((&whole + (first + k as f64))?, Some(weight))).collect()
}

/// Pixels `[.., channels]` of image number `image` at rows `y` and columns `x`: int32 and float32, which broadcast together.
/// For the nearest, rows and columns are whole numbers.
pub(super) fn sample(
    op: &str,
    images: &Tensor,
    image: &Tensor,
    y: &Tensor,
    x: &Tensor,
    how: Interpolation,
    around: &Around<'_>,
) -> Result<Tensor> {
    let [count, height, width, channels] = pixels(op, images)?;
    let flat = reshape(images, [count * height * width, channels])?;
    let columns = taps(x, width, how, around)?;
    let mut total: Option<Tensor> = None;
    for row in taps(y, height, how, around)? {
        // Places are counted in whole numbers: floats lose count at sixteen million.
        let first = mul(&add(&mul(image, &whole(x, height))?, &row.index)?, &whole(x, width))?;
        for column in &columns {
            let mut found = gather(&flat, &add(&first, &column.index)?, 0, 0)?;
            if let Around::Fill(fill) = around {
                let inside = logical_and(&row.inside, &column.inside)?;
                found = select(&expand_dims(&inside, -1)?, &found, fill)?;
            }
            if let (Some(a), Some(b)) = (&row.weight, &column.weight) {
                found = mul(&found, &expand_dims(&mul(a, b)?, -1)?)?;
            }
            total = Some(match total {
                Some(total) => add(&total, &found)?,
                None => found,
            });
        }
    }
    // An interpolation has at least one tap.
    total.map_or_else(|| images.zeros_like(), Ok)
}
