//! Matrix products and convolutions.

use crate::calc::Calc;
use crate::collect::Listed;
use crate::dtype::DType;
use crate::error::{Error, Result};
use crate::op::{ConvGeometry, ConvKind, Op};
use crate::ops::{mul, reshape, rounded, sum, Padding};
use crate::shape::Shape;
use crate::tensor::Tensor;

/// The parameters of a 2-D convolution.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Conv2dOptions {
    /// Rows and columns between windows.
    pub stride: (usize, usize),
    /// Rows and columns between filter elements.
    pub dilation: (usize, usize),
    /// How borders are filled.
    pub padding: Padding,
    /// Groups of channels convolved apart.
    pub groups: usize,
}

impl Default for Conv2dOptions {
    fn default() -> Conv2dOptions {
        Conv2dOptions { stride: (1, 1), dilation: (1, 1), padding: Padding::Valid, groups: 1 }
    }
}

/// A batched product: the last two dimensions are matrices, transposed where asked; leading ones broadcast. Computed in
/// float32 and rounded once to the wider dtype of the operands, int32 for int8 and uint8, which are exact while sums stay
/// below 2^24. Of int32 and uint32 it is exact, or wraps, and slower than of floats.
///
/// # Errors
/// `ErrorKind::Shape` when inner dimensions differ, ranks are below 2 or batches do not broadcast.
pub fn matmul(a: &Tensor, b: &Tensor, transpose_a: bool, transpose_b: bool) -> Result<Tensor> {
    if a.rank() < 2 || b.rank() < 2 {
        return Err(Error::shape(
            "matMul",
            "operands of rank at least 2",
            format_args!("{} and {}", a.shape(), b.shape()),
        ));
    }
    let dtype = a.dtype().upcast(b.dtype()).sum();
    let exact = dtype.is_integer() && [a, b].iter().any(|x| matches!(x.dtype(), DType::I32 | DType::U32));
    let calc = Calc::default();
    let operand = |x: &Tensor, transposed: bool| {
        let wide = calc.of(x).cast(if exact { dtype } else { DType::F32 });
        if !transposed {
            return wide;
        }
        let mut order: Vec<usize> = (0..x.rank()).listed();
        order.swap(x.rank() - 1, x.rank() - 2);
        wide.permute(&order)
    };
    let (x, y) = (operand(a, transpose_a), operand(b, transpose_b));
    calc.check()?;
    let (rx, ry) = (x.rank(), y.rank());
    let (m, k, n) = (x.shape()[rx - 2], x.shape()[rx - 1], y.shape()[ry - 1]);
    if k != y.shape()[ry - 2] {
        let got = format_args!(
            "inner dimensions {k} and {} of shapes {} and {} (transposeA={transpose_a}, transposeB={transpose_b})",
            y.shape()[ry - 2],
            a.shape(),
            b.shape()
        );
        return Err(Error::shape("matMul", "equal inner dimensions", got));
    }
    let (batch_x, batch_y) = (Shape::from(&x.shape()[..rx - 2]), Shape::from(&y.shape()[..ry - 2]));
    let batch = batch_x.broadcast(&batch_y, "matMul")?;
    let (x, y) = if batch_y.size() == 1 && !transpose_a && batch_x.size() == batch.size() {
        // One right operand for all: a single tall product.
        (x.reshape(&[1, batch.size() * m, k]), y.reshape(&[1, k, n]))
    } else {
        let [x, y] = [(x, m, k), (y, k, n)].map(|(t, rows, columns)| {
            t.broadcast(&Shape::joined(&[&batch, &[rows, columns]])).reshape(&[batch.size(), rows, columns])
        });
        (x, y)
    };
    let product =
        x.with(y, if exact { whole_products } else { batch_matmul_views }).reshape(&Shape::joined(&[&batch, &[m, n]]));
    calc.result(product.cast(dtype))
}

/// `[batch, m, k] x [batch, k, n]`, both of the same whole numbers.
fn whole_products(a: &Tensor, b: &Tensor) -> Result<Tensor> {
    let (x, y) = (a.shape(), b.shape());
    let pairs = mul(&reshape(a, [x[0], x[1], x[2], 1])?, &reshape(b, [y[0], 1, y[1], y[2]])?)?;
    sum(&pairs, Some(&[2]), false)
}

/// `[batch, m, k] x [batch, k, n]`, both float32.
///
/// # Errors
/// `ErrorKind::Shape` when the shapes are not of that form.
pub fn batch_matmul_views(a: &Tensor, b: &Tensor) -> Result<Tensor> {
    if a.rank() != 3 || b.rank() != 3 || a.shape()[0] != b.shape()[0] || a.shape()[2] != b.shape()[1] {
        return Err(Error::shape(
            "matMul",
            "[batch,m,k] and [batch,k,n]",
            format_args!("{} and {}", a.shape(), b.shape()),
        ));
    }
    let shape = Shape::from([a.shape()[0], a.shape()[1], b.shape()[2]]);
    a.device().record(Op::MatMul, &[a, b], shape, DType::F32)
}

fn expect_rank4(op: &str, what: &str, x: &Tensor) -> Result<()> {
    if x.rank() == 4 {
        Ok(())
    } else {
        Err(Error::shape(op, format_args!("{what} of rank 4"), format_args!("rank {} shape {}", x.rank(), x.shape())))
    }
}

fn geometry(op: &str, x: &Shape, w: &Shape, o: &Conv2dOptions) -> Result<ConvGeometry> {
    let (sh, sw) = o.stride;
    let (dh, dw) = o.dilation;
    if sh == 0 || sw == 0 || dh == 0 || dw == 0 || o.groups == 0 {
        return Err(Error::argument(
            op,
            "strides, dilations and groups of at least 1",
            format_args!("{:?} and {}", [o.stride, o.dilation], o.groups),
        ));
    }
    if x[3] != w[2] * o.groups || !w[3].is_multiple_of(o.groups) {
        let expected = format_args!("a filter for {} input channels in {} groups", x[3], o.groups);
        return Err(Error::shape(op, expected, format_args!("filter {w}")));
    }
    let windows = |vertical, size, window, stride, dilation| {
        o.padding.windows(vertical, size, window, stride, dilation).ok_or_else(|| {
            Error::shape(
                op,
                format_args!("an image that holds the filter {w}"),
                format_args!("image {x} with padding {:?}", o.padding.zeros()),
            )
        })
    };
    let (out_h, pad_top) = windows(true, x[1], w[0], sh, dh)?;
    let (out_w, pad_left) = windows(false, x[2], w[1], sw, dw)?;
    Ok(ConvGeometry {
        batch: x[0],
        in_h: x[1],
        in_w: x[2],
        in_channels: x[3],
        out_h,
        out_w,
        out_channels: w[3],
        filter_h: w[0],
        filter_w: w[1],
        stride_h: sh,
        stride_w: sw,
        dilation_h: dh,
        dilation_w: dw,
        pad_top,
        pad_left,
        groups: o.groups,
    })
}

pub(crate) fn conv(kind: ConvKind, geometry: ConvGeometry, a: &Tensor, b: &Tensor) -> Result<Tensor> {
    let shape = match kind {
        ConvKind::Forward => geometry.output_shape(),
        ConvKind::BackwardInput => geometry.input_shape(),
        ConvKind::BackwardFilter => geometry.filter_shape(),
    };
    a.device().record(Op::Conv(kind, geometry), &[a, b], shape, DType::F32)
}

/// A convolution of operands of any dtype, in float32.
fn convolve(kind: ConvKind, geometry: ConvGeometry, x: &Tensor, w: &Tensor) -> Result<Tensor> {
    let narrow = |t: &Tensor| matches!(t.dtype(), DType::U8 | DType::I8);
    let dtype = if narrow(x) && narrow(w) { DType::I32 } else { x.dtype().upcast(w.dtype()).float() };
    rounded(conv(kind, geometry, &x.cast(DType::F32)?, &w.cast(DType::F32)?), dtype)
}

/// A convolution of NHWC images `x` with filters `w` `[height, width, in_channels / groups, out_channels]`. Computed in
/// float32 and rounded once to the wider dtype of the operands; of int8 and uint8 it is int32, exact while sums stay below
/// 2^24, of other whole numbers float32.
///
/// # Errors
/// `ErrorKind::Shape` when ranks or channels do not fit or no window does; `ErrorKind::Argument` for a zero stride.
pub fn conv2d(x: &Tensor, w: &Tensor, options: &Conv2dOptions) -> Result<Tensor> {
    conv2d_as("conv2d", x, w, options)
}

/// [`conv2d`] for `op`.
pub(crate) fn conv2d_as(op: &str, x: &Tensor, w: &Tensor, options: &Conv2dOptions) -> Result<Tensor> {
    expect_rank4(op, "an image batch", x)?;
    expect_rank4(op, "a filter", w)?;
    let geometry = geometry(op, x.shape(), w.shape(), options)?;
    convolve(ConvKind::Forward, geometry, x, w)
}

/// A convolution of each channel with filters of its own: `w` is `[height, width, channels, multiplier]`, result channel
/// `c * multiplier + m`. `options.groups` is ignored.
///
/// # Errors
/// As [`conv2d`].
pub fn depthwise_conv2d(x: &Tensor, w: &Tensor, options: &Conv2dOptions) -> Result<Tensor> {
    expect_rank4("depthwiseConv2d", "an image batch", x)?;
    expect_rank4("depthwiseConv2d", "a filter", w)?;
    let [h, width, channels, multiplier] = [w.shape()[0], w.shape()[1], w.shape()[2], w.shape()[3]];
    if channels != x.shape()[3] {
        let expected = format_args!("a filter for {} channels", x.shape()[3]);
        return Err(Error::shape("depthwiseConv2d", expected, format_args!("filter {}", w.shape())));
    }
    let grouped = reshape(w, [h, width, 1, channels * multiplier])?;
    conv2d(x, &grouped, &Conv2dOptions { groups: channels, ..*options })
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

/// The transposed convolution, the adjoint of [`conv2d`]: `x` are NHWC images, `w` is
/// `[height, width, out_channels / groups, in_channels]`, `output` the height and width of the result.
///
/// # Errors
/// `ErrorKind::Shape` when a convolution of the output would not give images of `x`'s size; otherwise as [`conv2d`].
pub fn conv2d_transpose(x: &Tensor, w: &Tensor, output: (usize, usize), options: &Conv2dOptions) -> Result<Tensor> {
    conv2d_transpose_as("conv2dTranspose", x, w, output, options)
}

/// [`conv2d_transpose`] for `op`.
pub(crate) fn conv2d_transpose_as(
    op: &str,
    x: &Tensor,
    w: &Tensor,
    output: (usize, usize),
    options: &Conv2dOptions,
) -> Result<Tensor> {
    expect_rank4(op, "an image batch", x)?;
    expect_rank4(op, "a filter", w)?;
    let result = Shape::from([x.shape()[0], output.0, output.1, w.shape()[2] * options.groups]);
    let geometry = geometry(op, &result, w.shape(), options)?;
    if geometry.output_shape() != *x.shape() {
        let expected = format_args!("images {} for an output of {result}", geometry.output_shape());
        return Err(Error::shape(op, expected, x.shape()));
    }
    convolve(ConvKind::BackwardInput, geometry, x, w)
}
