//! Reading images at places between their pixels.

use super::pixels;
use crate::calc::Term;
use crate::collect::Listed;
use crate::error::Result;
use crate::ops::{abs, clip, floor, greater_equal, less_equal, modulo};
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
#[derive(Clone, Copy)]
pub(super) enum Around<'a> {
    /// A value, or one for each channel.
    Fill(Term<'a>),
    /// The pixels of the border.
    Edge,
    /// The image mirrored: about the centers of the pixels at the border, or about their outer edges.
    Mirror {
        /// About centers.
        centers: bool,
    },
}

/// A row or column that takes part in a result, at places that broadcast.
struct Tap<'a> {
    /// Where it is, within the image.
    index: Term<'a>,
    /// Whether that is where it was looked for.
    inside: Term<'a>,
    /// Its part in the result; `None` for all of it.
    weight: Option<Term<'a>>,
}

/// Places beyond an axis of `size` led back to it by mirroring; those that touch the border may lie half a pixel outside.
pub(super) fn mirrored(at: Term<'_>, size: usize, centers: bool) -> Term<'_> {
    let (first, span) = if centers { (0.0, size as f64 - 1.0) } else { (-0.5, size as f64) };
    if span == 0.0 {
        return at.map(Tensor::zeros_like);
    }
    let turn = (at - first).with(at.scalar(2.0 * span), modulo);
    // There and back again: a triangle.
    at.scalar(first + span) - (turn - at.scalar(span)).map(abs)
}

/// Weights of four neighbours by the distance `t` from the second, 0 to 1.
fn cubic<'a>(t: Term<'a>) -> [Term<'a>; 4] {
    const A: f64 = -0.75;
    // Keys' kernel within one pixel and within two: a polynomial of the distance.
    let near = |d: Term<'a>| (d * (A + 2.0) - (A + 3.0)) * (d * d) + 1.0;
    let far = |d: Term<'a>| (d * (d * A - 5.0 * A) + 8.0 * A) * d - 4.0 * A;
    let back = 1.0 - t;
    [far(t + 1.0), near(t), near(back), far(back + 1.0)]
}

/// Whether places lie on an axis that ends at `last`.
pub(super) fn inside<'a>(at: Term<'a>, last: Term<'a>) -> Term<'a> {
    at.by(0.0, greater_equal).and(at.with(last, less_equal))
}

/// The nearest places on an axis that ends at `last`.
pub(super) fn within<'a>(at: Term<'a>, last: Term<'a>) -> Term<'a> {
    at.then(&|x| clip(x, &x.constant(0.0), last.value()))
}

/// The rows or columns of an axis of `size` from which the one at `at` is made.
fn taps<'a>(at: Term<'a>, size: usize, how: Interpolation, around: Around<'a>) -> Vec<Tap<'a>> {
    let last = at.scalar(size as f64 - 1.0);
    let tap = |mut place: Term<'a>, weight: Option<Term<'a>>| {
        if let Around::Mirror { centers } = around {
            place = mirrored(place, size, centers);
        }
        Tap { index: within(place, last).whole(), inside: inside(place, last), weight }
    };
    let whole = at.map(floor);
    let rest = at - whole;
    let several = |first: f64, weights: &[Term<'a>]| {
        weights.iter().enumerate().map(|(k, &weight)| tap(whole + (first + k as f64), Some(weight))).listed()
    };
    match how {
        Interpolation::Nearest => vec![tap(at, None)],
        Interpolation::Bilinear => several(0.0, &[1.0 - rest, rest]),
        Interpolation::Bicubic => several(-1.0, &cubic(rest)),
    }
}

/// Pixels `[.., channels]` of image number `image` at rows `y` and columns `x`: int32 and float32, which broadcast together.
/// For the nearest, rows and columns are whole numbers.
pub(super) fn sample<'a>(
    op: &str,
    images: Term<'a>,
    image: Term<'a>,
    [y, x]: [Term<'a>; 2],
    how: Interpolation,
    around: Around<'a>,
) -> Result<Term<'a>> {
    let [count, height, width, channels] = pixels(op, images.value())?;
    let flat = images.reshape(&[count * height * width, channels]);
    let columns = taps(x, width, how, around);
    let mut total: Option<Term<'a>> = None;
    for row in taps(y, height, how, around) {
        // Places are counted in whole numbers: floats lose count at sixteen million.
        let first = (image * x.whole_scalar(height as i32) + row.index) * x.whole_scalar(width as i32);
        for column in &columns {
            let mut found = flat.pick(first + column.index);
            if let Around::Fill(fill) = around {
                found = row.inside.and(column.inside).expand(-1).choose(found, fill);
            }
            if let (Some(a), Some(b)) = (row.weight, column.weight) {
                found = found * (a * b).expand(-1);
            }
            total = Some(total.map_or(found, |total| total + found));
        }
    }
    // An interpolation has at least one tap.
    Ok(total.unwrap_or(images))
}
