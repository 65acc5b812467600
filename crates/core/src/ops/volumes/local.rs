//! Other operations on neighbourhoods: morphology and normalisation.

use crate::calc::Calc;
use crate::error::{Error, Result};
use crate::ops::{avg_pool, div, maximum, pad, pow, square, strided_slice, Padding, PoolOptions};
use crate::tensor::Tensor;

/// The parameters of a greyscale dilation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Dilation2dOptions {
    /// Rows and columns between windows.
    pub stride: (usize, usize),
    /// Rows and columns between filter elements.
    pub dilation: (usize, usize),
    /// How borders are filled; what lies there is never chosen.
    pub padding: Padding,
}

/// Greyscale dilation: the largest sum of image and filter under each window. `x` are NHWC images, `w` is
/// `[height, width, channels]`.
///
/// # Errors
/// `ErrorKind::Shape` when ranks or channels do not fit or no window does; `ErrorKind::Argument` for an empty filter or a
/// zero stride.
pub fn dilation2d(x: &Tensor, w: &Tensor, options: &Dilation2dOptions) -> Result<Tensor> {
    const OP: &str = "dilation2d";
    let (n, sizes, taps, channels) = match (&**x.shape(), &**w.shape()) {
        (&[n, h, width, c], &[kh, kw, kc]) if c == kc => (n, [h, width], [kh, kw], c),
        (image, filter) => {
            let got = format_args!("{image:?} and {filter:?}");
            return Err(Error::shape(OP, "images of rank 4 and a filter of rank 3 for their channels", got));
        }
    };
    let (stride, dilation) = ([options.stride.0, options.stride.1], [options.dilation.0, options.dilation.1]);
    if [taps, stride, dilation].iter().flatten().any(|&v| v == 0) {
        return Err(Error::argument(
            OP,
            "a filter, strides and dilations of at least 1",
            format_args!("{:?}", [taps, stride, dilation]),
        ));
    }
    let mut paddings = [(0, 0); 4];
    let mut counts = [0; 2];
    for d in 0..2 {
        let along = options.padding.windows(d == 0, sizes[d], taps[d], stride[d], dilation[d]);
        let (count, before) = along
            .ok_or_else(|| Error::shape(OP, format_args!("images that hold the filter {}", w.shape()), x.shape()))?;
        let reach = (count.max(1) - 1) * stride[d] + (taps[d] - 1) * dilation[d] + 1;
        paddings[d + 1] = (before, reach.saturating_sub(before + sizes[d]));
        counts[d] = count;
    }
    let calc = Calc::default();
    let padded = calc.of(x).number().then(&|x| pad(x, &paddings, f64::from(f32::MIN)));
    let filter = calc.of(w).number();
    let under = |k: usize| {
        let (i, j) = (k / taps[1], k % taps[1]);
        let begin = [0, i * dilation[0], j * dilation[1], 0];
        let step = [1, stride[0] as isize, stride[1] as isize, 1];
        let part = padded.then(&|x| strided_slice(x, &begin, &[n, counts[0], counts[1], channels], &step));
        part + filter.slice(&[i, j, 0], &[1, 1, channels]).reshape(&[channels])
    };
    let largest = (1..taps[0] * taps[1]).fold(under(0), |best, k| best.with(under(k), maximum));
    calc.result(largest.cast(x.dtype().upcast(w.dtype())))
}

/// Each element over a power of the squares of its neighbours among the channels, the last dimension (Krizhevsky et al.
/// 2012): `x / (bias + alpha * sum(x²))^beta`, the sum over `radius` channels to either side.
///
/// # Errors
/// `ErrorKind::Shape` for a scalar.
pub fn local_response_normalization(x: &Tensor, radius: usize, bias: f32, alpha: f32, beta: f32) -> Result<Tensor> {
    let Some(&channels) = x.shape().last() else {
        return Err(Error::shape("localResponseNormalization", "a tensor of rank at least 1", x.shape()));
    };
    let calc = Calc::default();
    let wide = calc.of(x).number();
    if x.size() == 0 {
        return calc.result(wide);
    }
    // A sum is the mean of a window that lies within what zeros surround, times its elements.
    let reach = radius.min(channels);
    let window = 2 * reach + 1;
    let columns = wide.map(square).reshape(&[x.size() / channels, channels, 1, 1]);
    let options = PoolOptions { window: (window, 1), stride: (1, 1), dilation: (1, 1), padding: Padding::Valid };
    let means = columns.pad(&[(0, 0), (reach, reach), (0, 0), (0, 0)]).then(&|x| avg_pool(x, &options));
    let scalar = |v: f32| wide.scalar(f64::from(v));
    let scale = means.reshape(x.shape()) * scalar(alpha * window as f32) + scalar(bias);
    calc.result(wide.with(scale.with(scalar(beta), pow), div))
}
