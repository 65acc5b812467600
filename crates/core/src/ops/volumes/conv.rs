//! Convolutions of volumes: for each plane of the filter, a convolution of the planes under it.

use super::{five, windows};
use crate::dtype::{DType, Scalar};
use crate::error::{Error, Result};
use crate::ops::contract::{conv2d_as, conv2d_transpose_as};
use crate::ops::{add, pad, pad_between, reshape, slice, strided_slice, Conv2dOptions, Padding3d};
use crate::shape::Shape;
use crate::tensor::Tensor;

/// The parameters of a 3-D convolution, by depth, height and width.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Conv3dOptions {
    /// Elements between windows.
    pub stride: [usize; 3],
    /// Elements between filter elements.
    pub dilation: [usize; 3],
    /// How borders are filled.
    pub padding: Padding3d,
    /// Groups of channels convolved apart.
    pub groups: usize,
}

impl Default for Conv3dOptions {
    fn default() -> Conv3dOptions {
        Conv3dOptions { stride: [1; 3], dilation: [1; 3], padding: Padding3d::Valid, groups: 1 }
    }
}

impl Conv3dOptions {
    /// Those of the convolutions of planes.
    fn planes(&self) -> Conv2dOptions {
        Conv2dOptions {
            stride: (self.stride[1], self.stride[2]),
            dilation: (self.dilation[1], self.dilation[2]),
            padding: self.padding.plane(),
            groups: self.groups,
        }
    }
}

/// The windows that filters `w` find in volumes `x`, as [`windows`].
fn geometry(op: &str, x: [usize; 5], w: [usize; 5], o: &Conv3dOptions) -> Result<[(usize, usize); 3]> {
    if o.groups == 0 || x[4] != w[3] * o.groups || !w[4].is_multiple_of(o.groups) {
        let expected = format_args!("a filter for {} input channels in {} groups", x[4], o.groups);
        return Err(Error::shape(op, expected, format_args!("filter {}", Shape::from(w))));
    }
    windows(op, [x[1], x[2], x[3]], [w[0], w[1], w[2]], o.stride, o.dilation, o.padding)
}

/// The `k`-th plane of a filter.
fn plane(w: &Tensor, k: usize) -> Result<Tensor> {
    let rest = &w.shape()[1..];
    reshape(&slice(w, &[k, 0, 0, 0, 0], &w.shape().with_dim(0, 1))?, rest)
}

fn sum(parts: &mut dyn Iterator<Item = Result<Tensor>>) -> Option<Result<Tensor>> {
    parts.reduce(|total, part| add(&total?, &part?))
}

/// A convolution of volumes `x` `[batch, depth, height, width, channels]` with filters `w`
/// `[depth, height, width, in_channels / groups, out_channels]`.
///
/// # Errors
/// `ErrorKind::Shape` when ranks or channels do not fit or no window does; `ErrorKind::Argument` for an empty filter or a
/// zero stride.
pub fn conv3d(x: &Tensor, w: &Tensor, options: &Conv3dOptions) -> Result<Tensor> {
    const OP: &str = "conv3d";
    let sizes = five(OP, "volumes", x)?;
    let taps = five(OP, "a filter", w)?;
    let [(count, before), (out_h, _), (out_w, _)] = geometry(OP, sizes, taps, options)?;
    let ([n, depth, height, width, channels], [stride, ..], [dilation, ..]) = (sizes, options.stride, options.dilation);
    let reach = (count.max(1) - 1) * stride + (taps[0] - 1) * dilation + 1;
    let after = reach.saturating_sub(before + depth);
    let mut padded = x.cast(DType::F32)?;
    if before + after > 0 {
        padded = pad(&padded, &[(0, 0), (before, after), (0, 0), (0, 0), (0, 0)], 0.0)?;
    }
    let under = |k: usize| {
        let begin = [0, k * dilation, 0, 0, 0];
        let size = [n, count, height, width, channels];
        let planes = strided_slice(&padded, &begin, &size, &[1, stride as isize, 1, 1, 1])?;
        let planes = reshape(&planes, [n * count, height, width, channels])?;
        conv2d_as(OP, &planes, &plane(w, k)?, &options.planes())
    };
    let shape = Shape::from([n, count, out_h, out_w, taps[4]]);
    match sum(&mut (0..taps[0]).map(under)) {
        Some(total) => reshape(&total?, shape),
        None => x.device().zeros(shape, DType::F32),
    }
}

/// The transposed convolution, the adjoint of [`conv3d`]: `x` are volumes, `w` is
/// `[depth, height, width, out_channels / groups, in_channels]`, `output` the depth, height and width of the result.
///
/// # Errors
/// `ErrorKind::Shape` when a convolution of the output would not give volumes of `x`'s size; otherwise as [`conv3d`].
pub fn conv3d_transpose(x: &Tensor, w: &Tensor, output: [usize; 3], options: &Conv3dOptions) -> Result<Tensor> {
    const OP: &str = "conv3dTranspose";
    let [n, depth, height, width, channels] = five(OP, "volumes", x)?;
    let taps = five(OP, "a filter", w)?;
    let [out_d, out_h, out_w] = output;
    let result = [n, out_d, out_h, out_w, taps[3] * options.groups];
    let [(d, before), (h, _), (w_, _)] = geometry(OP, result, taps, options)?;
    if [d, h, w_, taps[4]] != [depth, height, width, channels] {
        let expected =
            format!("volumes {} for an output of {}", Shape::from([n, d, h, w_, taps[4]]), Shape::from(result));
        return Err(Error::shape(OP, expected, x.shape()));
    }
    let ([stride, ..], [dilation, ..]) = (options.stride, options.dilation);
    let planes = reshape(&x.cast(DType::F32)?, [n * depth, height, width, channels])?;
    let reach = (depth.max(1) - 1) * stride + (taps[0] - 1) * dilation + 1;
    let whole = Shape::from([n, reach.max(before + out_d), out_h, out_w, result[4]]);
    let zero = x.device().constant(Scalar::F32(0.0));
    let placed = |k: usize| {
        let part = conv2d_transpose_as(OP, &planes, &plane(w, k)?, (out_h, out_w), &options.planes())?;
        let part = reshape(&part, [n, depth, out_h, out_w, result[4]])?;
        pad_between(&part, &[0, k * dilation, 0, 0, 0], &[0, stride - 1, 0, 0, 0], whole.clone(), &zero)
    };
    match sum(&mut (0..taps[0]).map(placed)) {
        Some(total) => slice(&total?, &[0, before, 0, 0, 0], &result),
        None => x.device().zeros(result, DType::F32),
    }
}
