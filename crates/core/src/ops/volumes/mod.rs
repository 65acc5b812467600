//! Windows over volumes, and others than convolutions and pooling over images. Volumes are
//! `[batch, depth, height, width, channels]`.

mod conv;
mod local;
mod pool;

pub use conv::{conv3d, conv3d_transpose, Conv3dOptions};
pub use local::{dilation2d, local_response_normalization, Dilation2dOptions};
pub use pool::{avg_pool3d, max_pool3d, Pool3dOptions};

use crate::error::{Error, Result};
use crate::ops::Padding3d;
use crate::tensor::Tensor;

/// The dimensions of a tensor of rank 5.
fn five(op: &str, what: &str, x: &Tensor) -> Result<[usize; 5]> {
    match **x.shape() {
        [a, b, c, d, e] => Ok([a, b, c, d, e]),
        _ => Err(Error::shape(
            op,
            format_args!("{what} of rank 5"),
            format_args!("rank {} shape {}", x.rank(), x.shape()),
        )),
    }
}

/// For depth, height and width, the number of windows and the zeros before the first.
fn windows(
    op: &str,
    size: [usize; 3],
    window: [usize; 3],
    stride: [usize; 3],
    dilation: [usize; 3],
    padding: Padding3d,
) -> Result<[(usize, usize); 3]> {
    if [window, stride, dilation].iter().flatten().any(|&n| n == 0) {
        let got = format_args!("{window:?}, {stride:?} and {dilation:?}");
        return Err(Error::argument(op, "a window, strides and dilations of at least 1", got));
    }
    let mut found = [(0, 0); 3];
    for d in 0..3 {
        let along = padding.along(d).windows(size[d], window[d], stride[d], dilation[d]);
        found[d] = along.ok_or_else(|| {
            let got = format_args!("volumes of {size:?} with padding {:?}", padding.zeros());
            Error::shape(op, format_args!("volumes that hold the window {window:?}"), got)
        })?;
    }
    Ok(found)
}
