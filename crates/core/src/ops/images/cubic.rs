//! Resizing by cubic convolution.

use super::pixels;
use crate::dtype::DType;
use crate::error::{Error, Result};
use crate::host::HostSlice;
use crate::ops::{check_table, gather, mul, reshape, sum};
use crate::shape::Shape;
use crate::tensor::Tensor;

/// NHWC images at height and width `size`, each pixel from the sixteen around it by cubic convolution (Keys 1981), as
/// TensorFlow: with `half_pixel_centers`, a = -0.5, and pixels beyond the border take no part; without, a = -0.75, and the
/// border is repeated.
///
/// # Errors
/// `ErrorKind::Shape` when the rank is not 4 or an image has no pixels; `ErrorKind::Argument` when both conventions are
/// asked for.
pub fn resize_bicubic(
    images: &Tensor,
    size: (usize, usize),
    align_corners: bool,
    half_pixel_centers: bool,
) -> Result<Tensor> {
    const OP: &str = "resizeBicubic";
    pixels(OP, images)?;
    if align_corners && half_pixel_centers {
        return Err(Error::argument(OP, "alignCorners or halfPixelCenters, not both", "both"));
    }
    check_table(OP, size.0.max(size.1))?;
    let rows = along(&images.cast(DType::F32)?, 1, size.0, align_corners, half_pixel_centers)?;
    along(&rows, 2, size.1, align_corners, half_pixel_centers)
}

/// Keys' kernel at distance `d`.
fn kernel(a: f64, d: f64) -> f64 {
    match d.abs() {
        d if d <= 1.0 => ((a + 2.0) * d - (a + 3.0)) * d * d + 1.0,
        d if d < 2.0 => ((a * d - 5.0 * a) * d + 8.0 * a) * d - 4.0 * a,
        _ => 0.0,
    }
}

/// One dimension resized: the four neighbours of every place, one after the other, weighted and summed.
fn along(x: &Tensor, axis: usize, out: usize, align_corners: bool, half_pixel_centers: bool) -> Result<Tensor> {
    let size = x.shape()[axis];
    let (inner, outer) = (size as f64, out as f64);
    let scale = if align_corners && out > 1 { (inner - 1.0) / (outer - 1.0) } else { inner / outer };
    let shift = if half_pixel_centers { 0.5 } else { 0.0 };
    let (mut index, mut weight) = (vec![0i32; 4 * out], vec![0f32; 4 * out]);
    for o in 0..out {
        let at = (o as f64 + shift) * scale - shift;
        let taps: [f64; 4] = std::array::from_fn(|k| at.floor() + k as f64 - 1.0);
        let inside = |place: f64| place >= 0.0 && place < inner;
        let weights = taps.map(|place| match half_pixel_centers {
            true if !inside(place) => 0.0,
            true => kernel(-0.5, at - place),
            false => kernel(-0.75, at - place),
        });
        let total: f64 = weights.iter().sum();
        for k in 0..4 {
            index[k * out + o] = taps[k].clamp(0.0, inner - 1.0) as i32;
            weight[k * out + o] = (weights[k] / total) as f32;
        }
    }
    let device = x.device();
    let index = device.tensor(HostSlice::I32(&index), [4 * out])?;
    let mut column = vec![1; x.rank() - axis];
    column[0] = 4 * out;
    let weight = device.tensor(HostSlice::F32(&weight), column)?;
    let weighted = mul(&gather(x, &index, axis as isize, 0)?, &weight)?;
    let (before, after) = x.shape().split_at(axis);
    let apart = Shape::joined(&[before, &[4, out], &after[1..]]);
    sum(&reshape(&weighted, apart)?, Some(&[axis as isize]), false)
}
