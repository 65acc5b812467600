//! Pooling of volumes: of their planes, then along the depth.

use super::{five, windows};
use crate::error::Result;
use crate::op::PoolKind;
use crate::ops::pool::pool_as;
use crate::ops::{reshape, Padding3d, PoolOptions};
use crate::tensor::Tensor;

/// The parameters of a window operation over volumes, by depth, height and width.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pool3dOptions {
    /// Elements of a window.
    pub window: [usize; 3],
    /// Elements between windows.
    pub stride: [usize; 3],
    /// Elements between a window's elements.
    pub dilation: [usize; 3],
    /// How borders are filled.
    pub padding: Padding3d,
}

fn pool3d(op: &str, kind: PoolKind, x: &Tensor, o: &Pool3dOptions) -> Result<Tensor> {
    let [n, depth, height, width, channels] = five(op, "volumes", x)?;
    let [(out_d, _), (out_h, _), (out_w, _)] =
        windows(op, [depth, height, width], o.window, o.stride, o.dilation, o.padding)?;
    let plane = PoolOptions {
        window: (o.window[1], o.window[2]),
        stride: (o.stride[1], o.stride[2]),
        dilation: (o.dilation[1], o.dilation[2]),
        padding: o.padding.plane(),
    };
    let column = PoolOptions {
        window: (o.window[0], 1),
        stride: (o.stride[0], 1),
        dilation: (o.dilation[0], 1),
        padding: o.padding.depth(),
    };
    let planes = pool_as(op, kind, &reshape(x, [n * depth, height, width, channels])?, &plane)?;
    let columns = pool_as(op, kind, &reshape(&planes, [n, depth, out_h * out_w, channels])?, &column)?;
    reshape(&columns, [n, out_d, out_h, out_w, channels])
}

/// The largest element of each window of volumes `[batch, depth, height, width, channels]`.
///
/// # Errors
/// `ErrorKind::Shape` when the rank is not 5 or no window fits; `ErrorKind::Argument` for an empty window or a zero stride.
pub fn max_pool3d(x: &Tensor, options: &Pool3dOptions) -> Result<Tensor> {
    pool3d("maxPool3d", PoolKind::Max, x, options)
}

/// The mean of each window of volumes, over the elements inside the volume.
///
/// # Errors
/// As [`max_pool3d`].
pub fn avg_pool3d(x: &Tensor, options: &Pool3dOptions) -> Result<Tensor> {
    pool3d("avgPool3d", PoolKind::Avg, x, options)
}
