//! Searching in sorted sequences, and counting.

use crate::calc::{Calc, Term};
use crate::dtype::{DType, Scalar};
use crate::error::{Error, Result};
use crate::op::ReduceOp;
use crate::ops::index::{indices_of, within};
use crate::ops::reduce::numeric;
use crate::ops::{is_nan, less, logical_not, logical_or, scatter, take_along};
use crate::tensor::Tensor;

/// Whether `a` comes before `b` in sorted order: NaN comes last.
fn before<'a>(a: Term<'a>, b: Term<'a>) -> Term<'a> {
    let smaller = a.with(b, less);
    if a.value().dtype() != DType::F32 {
        return smaller;
    }
    smaller.with(b.map(is_nan).and(a.map(is_nan).map(logical_not)), logical_or)
}

/// Where `values [.., m]` would be inserted into the sorted rows of `sequence [.., n]`: int32 `[.., m]`, before equal
/// elements or, with `right`, after them. NaN comes last.
///
/// # Errors
/// `ErrorKind::Shape` when leading dimensions differ, or one is a scalar.
pub fn search_sorted(sequence: &Tensor, values: &Tensor, right: bool) -> Result<Tensor> {
    const NAME: &str = "searchSorted";
    let dtype = sequence.dtype().upcast(values.dtype()).upcast(DType::I32);
    let parts = sequence.shape().split_last().zip(values.shape().split_last());
    let Some(((&n, leading), (&m, of_values))) = parts else {
        let got = format_args!("{} and {}", sequence.shape(), values.shape());
        return Err(Error::shape(NAME, "tensors of rank at least 1", got));
    };
    if leading.iter().product::<usize>() != of_values.iter().product() {
        let expected = format_args!("values with leading dimensions {leading:?}");
        return Err(Error::shape(NAME, expected, values.shape()));
    }
    let rows: usize = leading.iter().product();
    let calc = Calc::default();
    let sequence = calc.of(sequence).cast(dtype).reshape(&[rows, n]);
    let wanted = calc.of(values).cast(dtype).reshape(&[rows, m]);
    // The last element known to lie before; it moves on by ever smaller powers of 2.
    let mut last = calc.of(&values.device().full([rows, m], Scalar::I32(-1))?);
    let mut step = (n + 1).next_power_of_two() / 2;
    while step > 0 {
        let further = last + step as f64;
        let element = sequence.with(further, take_along);
        let earlier = if right { before(wanted, element).map(logical_not) } else { before(element, wanted) };
        last = further.by(n as f64, less).and(earlier).choose(further, last);
        step /= 2;
    }
    calc.result((last + 1.0).reshape(values.shape()))
}

/// How often each number below `size` occurs in each row of the int32 `x [.., n]`, or the sum of the `weights` of its
/// occurrences, one for each element of `x`: `[.., size]`. Counts are float32, sums of the dtype of `weights`. Other
/// numbers are not counted. `binary` gives 1 for what occurs, whatever its weight.
///
/// # Errors
/// `ErrorKind::DType` when `x` is not int32; `ErrorKind::Shape` when it is a scalar or has another size than `weights`.
pub fn bincount(x: &Tensor, weights: Option<&Tensor>, size: usize, binary: bool) -> Result<Tensor> {
    const NAME: &str = "bincount";
    let x = &indices_of(NAME, "int32", x)?;
    let Some((&n, leading)) = x.shape().split_last() else {
        return Err(Error::shape(NAME, "a tensor of rank at least 1", x.shape()));
    };
    let device = x.device();
    let weights = match weights {
        Some(weights) if weights.size() != x.size() => {
            return Err(Error::shape(NAME, format_args!("{} weights", x.size()), weights.shape()));
        }
        Some(weights) if !binary => numeric(weights)?,
        _ => device.ones(x.shape(), DType::F32)?,
    };
    let rows: usize = leading.iter().product();
    let calc = Calc::default();
    let numbers = calc.of(x).reshape(&[rows, n]);
    // Numbers outside are not counted, in no row.
    let bins = numbers + numbers.iota(&[rows, n], 0) * size as f64;
    let bins = bins.where_else(numbers.then(&|x| within(x, size)), -1.0).reshape(&[rows * n]);
    let weights = calc.of(&weights).reshape(&[1, rows * n, 1]);
    let mut out = leading.to_vec();
    out.push(size);
    let total = weights.then(&|x| scatter(x, bins.value(), rows * size, ReduceOp::Sum)).reshape(&out);
    calc.result(if binary { total.at_most(1.0) } else { total })
}
