//! Affine quantisation: whole numbers of few bits that stand for `(q - zero point) * scale` (Jacob et al. 2018).

use crate::calc::{with_gradient, Calc, Gradient, Term};
use crate::dtype::DType;
use crate::error::{Error, Result};
use crate::ops::{greater_equal, less_equal, reshape, round};
use crate::shape::Shape;
use crate::tensor::Tensor;

/// The whole numbers that a value is quantised to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum QuantizedType {
    /// -128 to 127.
    Int8,
    /// 0 to 255.
    Uint8,
}

impl QuantizedType {
    /// The smallest and the largest.
    pub fn range(self) -> (i32, i32) {
        match self {
            QuantizedType::Int8 => (-128, 127),
            QuantizedType::Uint8 => (0, 255),
        }
    }

    /// The dtype of tensors of them.
    pub fn dtype(self) -> DType {
        match self {
            QuantizedType::Int8 => DType::I8,
            QuantizedType::Uint8 => DType::U8,
        }
    }
}

/// A scale or zero point, one for all or one for each part of `x` along `axis`, in a shape that broadcasts to `x`.
fn spread(parameter: &Tensor, x: &Tensor, axis: Option<isize>, op: &str) -> Result<Tensor> {
    let axis = axis.map(|axis| x.shape().axis(axis, op)).transpose()?;
    match axis {
        Some(axis) if parameter.rank() == 1 && parameter.size() == x.shape()[axis] => {
            reshape(parameter, Shape::from(vec![1; x.rank()]).with_dim(axis, parameter.size()))
        }
        _ if parameter.size() == 1 && parameter.rank() <= 1 => reshape(parameter, Shape::scalar()),
        _ => {
            let expected = match axis {
                Some(axis) => format!("one scale and zero point, or {}, one for each of axis {axis}", x.shape()[axis]),
                None => "one scale and zero point".into(),
            };
            Err(Error::shape(op, expected, parameter.shape()))
        }
    }
}

/// What quantisation computes with: `x`, the scale and the zero point in float32, the latter in shapes that broadcast.
fn operands<'a>(
    calc: &'a Calc<'a>,
    x: &Tensor,
    scale: &Tensor,
    zero_point: &Tensor,
    axis: Option<isize>,
    op: &str,
) -> Result<[Term<'a>; 3]> {
    let parameter = |p: &Tensor| spread(p, x, axis, op).map(|p| calc.of(&p).number());
    Ok([calc.of(x).number(), parameter(scale)?, parameter(zero_point)?])
}

/// `round(x / scale) + zero_point` in float32, not limited.
fn steps<'a>([x, scale, zero_point]: [Term<'a>; 3]) -> Term<'a> {
    (x / scale).map(round) + zero_point
}

/// `round(x / scale) + zero_point`, limited to the range of `to`, as int8 or uint8: halves are rounded to even, NaN
/// gives 0. One scale and zero point serve all of `x`, or with `axis` each part along it has its own: `[n]`.
///
/// # Errors
/// `ErrorKind::Argument` when the axis does not exist; `ErrorKind::Shape` when there are more or fewer scales or zero
/// points.
pub fn quantize(
    x: &Tensor,
    scale: &Tensor,
    zero_point: &Tensor,
    axis: Option<isize>,
    to: QuantizedType,
) -> Result<Tensor> {
    let calc = Calc::default();
    // The conversion limits to the range.
    calc.result(steps(operands(&calc, x, scale, zero_point, axis, "quantize")?).cast(to.dtype()))
}

/// `(q - zero_point) * scale`, float32: what [`quantize`]d numbers stand for. Differentiable by the scale.
///
/// # Errors
/// As [`quantize`].
pub fn dequantize(q: &Tensor, scale: &Tensor, zero_point: &Tensor, axis: Option<isize>) -> Result<Tensor> {
    let calc = Calc::default();
    let [q, scale, zero_point] = operands(&calc, q, scale, zero_point, axis, "dequantize")?;
    calc.result((q - zero_point) * scale)
}

/// `x` as it is after [`quantize`] and [`dequantize`] (but NaN stays), for training a model that will be quantised. The
/// gradient by `x` passes straight through where `x` lies in the range, and is 0 where it was limited (Bengio et al.
/// 2013); there is none by the scale and the zero point.
///
/// # Errors
/// As [`quantize`].
pub fn fake_quantize(
    x: &Tensor,
    scale: &Tensor,
    zero_point: &Tensor,
    axis: Option<isize>,
    to: QuantizedType,
) -> Result<Tensor> {
    let calc = Calc::default();
    let given = operands(&calc, x, scale, zero_point, axis, "fakeQuantize")?;
    let (low, high) = to.range();
    let (low, high) = (f64::from(low), f64::from(high));
    let unlimited = x.device().without_tapes(|| steps(given));
    let inside = unlimited.by(low, greater_equal).and(unlimited.by(high, less_equal)).value().clone();
    let backward: Gradient = Box::new(move |_, dy| vec![dy.where_else(dy.of(&inside), 0.0)]);
    let of = |x: Term<'_>| x.value().clone();
    let (unlimited, scale, zero_point) = (of(unlimited), of(given[1]), of(given[2]));
    let limited = with_gradient(
        &given[..1],
        &|x| (x[0].of(&unlimited).clip(low, high) - x[0].of(&zero_point)) * x[0].of(&scale),
        backward,
    );
    calc.result(limited)
}
