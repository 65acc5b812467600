//! Resizing of images.

use crate::dtype::DType;
use crate::error::{Error, Result};
use crate::op::{Op, ResizeGeometry, ResizeKind};
use crate::ops::rounded;
use crate::shape::Shape;
use crate::tensor::Tensor;

fn geometry(
    op: &str,
    x: &Tensor,
    size: (usize, usize),
    align_corners: bool,
    half_pixel_centers: bool,
) -> Result<ResizeGeometry> {
    let [batch, in_h, in_w, channels] = match **x.shape() {
        [n, h, w, c] => [n, h, w, c],
        _ => return Err(Error::shape(op, "images of rank 4", format_args!("rank {} shape {}", x.rank(), x.shape()))),
    };
    if in_h == 0 || in_w == 0 {
        return Err(Error::shape(op, "images with at least one pixel", x.shape()));
    }
    if align_corners && half_pixel_centers {
        return Err(Error::argument(op, "alignCorners or halfPixelCenters, not both", "both"));
    }
    Ok(ResizeGeometry { batch, in_h, in_w, out_h: size.0, out_w: size.1, channels, align_corners, half_pixel_centers })
}

pub(crate) fn resize(kind: ResizeKind, g: ResizeGeometry, x: &Tensor) -> Result<Tensor> {
    let shape = match kind {
        ResizeKind::Bilinear | ResizeKind::Nearest => Shape::from([g.batch, g.out_h, g.out_w, g.channels]),
        ResizeKind::BilinearBackward | ResizeKind::NearestBackward => {
            Shape::from([g.batch, g.in_h, g.in_w, g.channels])
        }
    };
    x.device().record(Op::Resize(kind, g), &[x], shape, DType::F32)
}

/// NHWC images at height and width `size`, each pixel from its four neighbours.
///
/// # Errors
/// `ErrorKind::Shape` when the rank is not 4 or an image has no pixels; `ErrorKind::Argument` when both conventions are asked for.
pub fn resize_bilinear(
    x: &Tensor,
    size: (usize, usize),
    align_corners: bool,
    half_pixel_centers: bool,
) -> Result<Tensor> {
    let geometry = geometry("resizeBilinear", x, size, align_corners, half_pixel_centers)?;
    rounded(resize(ResizeKind::Bilinear, geometry, &x.cast(DType::F32)?), x.dtype().float())
}

/// NHWC images at height and width `size`, each pixel from the nearest.
///
/// # Errors
/// As [`resize_bilinear`].
pub fn resize_nearest(
    x: &Tensor,
    size: (usize, usize),
    align_corners: bool,
    half_pixel_centers: bool,
) -> Result<Tensor> {
    let geometry = geometry("resizeNearestNeighbor", x, size, align_corners, half_pixel_centers)?;
    rounded(resize(ResizeKind::Nearest, geometry, &x.cast(DType::F32)?), x.dtype())
}
