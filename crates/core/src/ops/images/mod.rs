//! Geometry and color of NHWC images. Everything here is composed of gathers and pointwise operations, so gradients reach
//! images, boxes, transforms and grids.

mod color;
mod cubic;
mod grid;
mod sample;
mod warp;

pub use color::{grayscale_to_rgb, rgb_to_grayscale};
pub use cubic::resize_bicubic;
pub use grid::{affine_grid, grid_sample, GridPadding};
pub use sample::Interpolation;
pub use warp::{crop_and_resize, flip_left_right, rotate_with_offset, transform, FillMode};

use crate::calc::Term;
use crate::error::{Error, Result};
use crate::tensor::Tensor;

/// The sizes of a batch of images.
fn sizes(op: &str, images: &Tensor) -> Result<[usize; 4]> {
    match **images.shape() {
        [n, h, w, c] => Ok([n, h, w, c]),
        _ => {
            let got = format_args!("rank {} shape {}", images.rank(), images.shape());
            Err(Error::shape(op, "images of rank 4, [batch, height, width, channels]", got))
        }
    }
}

/// As [`sizes`], of images that can be read from.
fn pixels(op: &str, images: &Tensor) -> Result<[usize; 4]> {
    let sizes = sizes(op, images)?;
    if sizes[1] == 0 || sizes[2] == 0 {
        return Err(Error::shape(op, "images with at least one pixel", images.shape()));
    }
    Ok(sizes)
}

/// The index along dimension `axis` of `rank`, as float32; other dimensions are 1.
fn places(beside: Term<'_>, rank: usize, axis: usize, size: usize) -> Term<'_> {
    let mut shape = vec![1; rank];
    shape[axis] = size;
    beside.iota(&shape, axis).number()
}
