//! Window operations over images.

use crate::dtype::{DType, Scalar};
use crate::error::{Error, Result};
use crate::op::{Op, PoolGeometry, PoolKind};
use crate::ops::{add, mul, rounded, Padding};
use crate::tensor::Tensor;

/// The parameters of a window operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PoolOptions {
    /// Rows and columns of a window.
    pub window: (usize, usize),
    /// Rows and columns between windows.
    pub stride: (usize, usize),
    /// Rows and columns between a window's elements.
    pub dilation: (usize, usize),
    /// How borders are filled.
    pub padding: Padding,
}

fn geometry(op: &str, x: &Tensor, o: &PoolOptions) -> Result<PoolGeometry> {
    let [batch, in_h, in_w, channels] = match **x.shape() {
        [n, h, w, c] => [n, h, w, c],
        _ => {
            let got = format_args!("rank {} shape {}", x.rank(), x.shape());
            return Err(Error::shape(op, "an image batch of rank 4", got));
        }
    };
    if [o.window.0, o.window.1, o.stride.0, o.stride.1, o.dilation.0, o.dilation.1].contains(&0) {
        return Err(Error::argument(
            op,
            "a window, strides and dilations of at least 1",
            format_args!("{:?}", [o.window, o.stride, o.dilation]),
        ));
    }
    let windows = |vertical, size, window, stride, dilation| {
        o.padding.windows(vertical, size, window, stride, dilation).ok_or_else(|| {
            Error::shape(
                op,
                format_args!("an image that holds the window {:?}", o.window),
                format_args!("image {}", x.shape()),
            )
        })
    };
    let (out_h, pad_top) = windows(true, in_h, o.window.0, o.stride.0, o.dilation.0)?;
    let (out_w, pad_left) = windows(false, in_w, o.window.1, o.stride.1, o.dilation.1)?;
    Ok(PoolGeometry {
        batch,
        in_h,
        in_w,
        channels,
        out_h,
        out_w,
        window_h: o.window.0,
        window_w: o.window.1,
        stride_h: o.stride.0,
        stride_w: o.stride.1,
        dilation_h: o.dilation.0,
        dilation_w: o.dilation.1,
        pad_top,
        pad_left,
    })
}

pub(crate) fn pool(kind: PoolKind, geometry: PoolGeometry, inputs: &[&Tensor]) -> Result<Tensor> {
    let (shape, dtype) = match kind {
        PoolKind::Max | PoolKind::Avg | PoolKind::MaxGather => (geometry.output_shape(), DType::F32),
        PoolKind::ArgMax => (geometry.output_shape(), DType::I32),
        PoolKind::MaxScatter | PoolKind::AvgBackward => (geometry.input_shape(), DType::F32),
    };
    inputs[0].device().record(Op::Pool(kind, geometry), inputs, shape, dtype)
}

/// What `kind` makes of the windows of images, for `op`.
pub(crate) fn pool_as(op: &str, kind: PoolKind, x: &Tensor, options: &PoolOptions) -> Result<Tensor> {
    let result = pool(kind, geometry(op, x, options)?, &[&x.cast(DType::F32)?]);
    if kind == PoolKind::ArgMax {
        return result;
    }
    rounded(result, x.dtype().float())
}

/// The largest element of each window of NHWC images.
///
/// # Errors
/// `ErrorKind::Shape` when the rank is not 4 or no window fits; `ErrorKind::Argument` for a zero stride.
pub fn max_pool(x: &Tensor, options: &PoolOptions) -> Result<Tensor> {
    pool_as("maxPool", PoolKind::Max, x, options)
}

/// The mean of each window of NHWC images, over the elements inside the image.
///
/// # Errors
/// As [`max_pool`].
pub fn avg_pool(x: &Tensor, options: &PoolOptions) -> Result<Tensor> {
    pool_as("avgPool", PoolKind::Avg, x, options)
}

/// [`max_pool`], and the int32 position `(row * width + column) * channels + channel` of each window's first maximum within
/// its image, or with `batch_in_index` within the batch.
///
/// # Errors
/// As [`max_pool`].
pub fn max_pool_with_argmax(x: &Tensor, options: &PoolOptions, batch_in_index: bool) -> Result<(Tensor, Tensor)> {
    const OP: &str = "maxPoolWithArgmax";
    let largest = pool_as(OP, PoolKind::Max, x, options)?;
    let index = pool_as(OP, PoolKind::ArgMax, x, options)?;
    if !batch_in_index {
        return Ok((largest, index));
    }
    let (device, batch) = (x.device(), x.shape()[0]);
    let image = Scalar::I32((x.size() / batch.max(1)) as i32);
    let first = mul(&device.iota([batch, 1, 1, 1], 0)?, &device.scalar(image))?;
    Ok((largest, add(&index, &first)?))
}
