//! Convolutions of sequences: of images of one row.

use crate::error::{Error, Result};
use crate::ops::contract::{conv2d_as, conv2d_transpose_as};
use crate::ops::{expand_dims, squeeze, Conv2dOptions, Padding1d};
use crate::tensor::Tensor;

/// The parameters of a 1-D convolution.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Conv1dOptions {
    /// Elements between windows.
    pub stride: usize,
    /// Elements between filter elements.
    pub dilation: usize,
    /// How the ends are filled.
    pub padding: Padding1d,
    /// Groups of channels convolved apart.
    pub groups: usize,
}

impl Default for Conv1dOptions {
    fn default() -> Conv1dOptions {
        Conv1dOptions { stride: 1, dilation: 1, padding: Padding1d::Valid, groups: 1 }
    }
}

impl Conv1dOptions {
    fn rows(&self) -> Conv2dOptions {
        Conv2dOptions {
            stride: (1, self.stride),
            dilation: (1, self.dilation),
            padding: self.padding.into(),
            groups: self.groups,
        }
    }
}

fn expect_rank3(op: &str, x: &Tensor, w: &Tensor) -> Result<()> {
    if x.rank() == 3 && w.rank() == 3 {
        Ok(())
    } else {
        Err(Error::shape(op, "sequences and a filter of rank 3", format_args!("{} and {}", x.shape(), w.shape())))
    }
}

/// A convolution of sequences `x` `[batch, width, channels]` with filters `w` `[width, in_channels / groups, out_channels]`.
///
/// # Errors
/// `ErrorKind::Shape` when ranks or channels do not fit or no window does; `ErrorKind::Argument` for a zero stride.
pub fn conv1d(x: &Tensor, w: &Tensor, options: &Conv1dOptions) -> Result<Tensor> {
    expect_rank3("conv1d", x, w)?;
    squeeze(&conv2d_as("conv1d", &expand_dims(x, 1)?, &expand_dims(w, 0)?, &options.rows())?, Some(&[1]))
}

/// The adjoint of [`conv1d`]: `x` is `[batch, width, in_channels]`, `w` `[width, out_channels / groups, in_channels]`,
/// `output` the width of the result.
///
/// # Errors
/// `ErrorKind::Shape` when a convolution of the output would not give sequences of `x`'s size; otherwise as [`conv1d`].
pub fn conv1d_transpose(x: &Tensor, w: &Tensor, output: usize, options: &Conv1dOptions) -> Result<Tensor> {
    const OP: &str = "conv1dTranspose";
    expect_rank3(OP, x, w)?;
    let (x, w) = (expand_dims(x, 1)?, expand_dims(w, 0)?);
    squeeze(&conv2d_transpose_as(OP, &x, &w, (1, output), &options.rows())?, Some(&[1]))
}
