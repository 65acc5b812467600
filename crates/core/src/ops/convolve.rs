//! Convolutions made of those of images.

use crate::error::{Error, Result};
use crate::ops::{conv2d, depthwise_conv2d, expand_dims, squeeze, Conv2dOptions, Padding};
use crate::tensor::Tensor;

/// The parameters of a convolution of sequences.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Conv1dOptions {
    /// Elements between windows.
    pub stride: usize,
    /// Elements between filter elements.
    pub dilation: usize,
    /// How the ends are filled; of [`Padding::Explicit`] left and right count.
    pub padding: Padding,
    /// Groups of channels convolved apart.
    pub groups: usize,
}

impl Default for Conv1dOptions {
    fn default() -> Conv1dOptions {
        Conv1dOptions { stride: 1, dilation: 1, padding: Padding::Valid, groups: 1 }
    }
}

/// A convolution of sequences `x` `[batch, length, channels]` with filters `w` `[window, in_channels / groups, out_channels]`: of
/// images of one row.
///
/// # Errors
/// `ErrorKind::Shape` when ranks or channels do not fit or no window does; `ErrorKind::Argument` for a zero stride.
pub fn conv1d(x: &Tensor, w: &Tensor, options: &Conv1dOptions) -> Result<Tensor> {
    if x.rank() != 3 || w.rank() != 3 {
        let got = format!("{} and {}", x.shape(), w.shape());
        return Err(Error::shape("conv1d", "a batch of sequences and a filter, both of rank 3", got));
    }
    let padding = match options.padding {
        Padding::Explicit { left, right, .. } => Padding::Explicit { top: 0, bottom: 0, left, right },
        other => other,
    };
    let (stride, dilation) = ((1, options.stride), (1, options.dilation));
    let of_images = Conv2dOptions { stride, dilation, padding, groups: options.groups };
    squeeze(&conv2d(&expand_dims(x, 1)?, &expand_dims(w, 0)?, &of_images)?, Some(&[1]))
}

/// A convolution of each channel of NHWC images with filters of its own, whose results a second one of single pixels mixes:
/// `depthwise` is `[height, width, channels, multiplier]`, `pointwise` `[1, 1, channels * multiplier, out_channels]`. `options` are
/// those of the first (its groups are ignored).
///
/// # Errors
/// As [`conv2d`].
pub fn separable_conv2d(x: &Tensor, depthwise: &Tensor, pointwise: &Tensor, options: &Conv2dOptions) -> Result<Tensor> {
    if pointwise.rank() != 4 || pointwise.shape()[..2] != [1, 1] {
        return Err(Error::shape("separableConv2d", "a pointwise filter [1,1,channels,outputs]", pointwise.shape()));
    }
    conv2d(&depthwise_conv2d(x, depthwise, options)?, pointwise, &Conv2dOptions::default())
}
