//! Searching in sorted sequences, and counting.

use crate::dtype::{DType, Scalar};
use crate::error::{Error, Result};
use crate::op::ReduceOp;
use crate::ops::index::{indices_of, within};
use crate::ops::reduce::numeric;
use crate::ops::{
    add, is_nan, less, logical_and, logical_not, logical_or, minimum, mul, reshape, scatter, select, take_along,
};
use crate::shape::Shape;
use crate::tensor::Tensor;

/// Whether `a` comes before `b` in sorted order: NaN comes last.
fn before(a: &Tensor, b: &Tensor) -> Result<Tensor> {
    let smaller = less(a, b)?;
    if a.dtype() != DType::F32 {
        return Ok(smaller);
    }
    logical_or(&smaller, &logical_and(&is_nan(b)?, &logical_not(&is_nan(a)?)?)?)
}

/// Where `values [.., m]` would be inserted into the sorted rows of `sequence [.., n]`: int32 `[.., m]`, before equal
/// elements or, with `right`, after them. NaN comes last.
///
/// # Errors
/// `ErrorKind::Shape` when leading dimensions differ, or one is a scalar.
pub fn search_sorted(sequence: &Tensor, values: &Tensor, right: bool) -> Result<Tensor> {
    const NAME: &str = "searchSorted";
    let dtype = sequence.dtype().upcast(values.dtype()).upcast(DType::I32);
    let (sequence, wanted) = (sequence.cast(dtype)?, values.cast(dtype)?);
    let parts = sequence.shape().split_last().zip(wanted.shape().split_last());
    let Some(((&n, leading), (&m, of_values))) = parts else {
        let got = format!("{} and {}", sequence.shape(), wanted.shape());
        return Err(Error::shape(NAME, "tensors of rank at least 1", got));
    };
    if leading.iter().product::<usize>() != of_values.iter().product() {
        let expected = format!("values with leading dimensions {leading:?}");
        return Err(Error::shape(NAME, expected, wanted.shape()));
    }
    let rows: usize = leading.iter().product();
    let (sequence, wanted) = (reshape(&sequence, [rows, n])?, reshape(&wanted, [rows, m])?);
    let device = sequence.device();
    let whole = |v: usize| device.constant(Scalar::I32(v as i32));
    // The last element known to lie before; it moves on by ever smaller powers of 2.
    let mut last = device.full(wanted.shape(), Scalar::I32(-1))?;
    let mut step = (n + 1).next_power_of_two() / 2;
    while step > 0 {
        let further = add(&last, &whole(step))?;
        let element = take_along(&sequence, &further)?;
        let earlier = if right { logical_not(&before(&wanted, &element)?)? } else { before(&element, &wanted)? };
        last = select(&logical_and(&less(&further, &whole(n))?, &earlier)?, &further, &last)?;
        step /= 2;
    }
    reshape(&add(&last, &whole(1))?, values.shape())
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
            return Err(Error::shape(NAME, format!("{} weights", x.size()), weights.shape()));
        }
        Some(weights) if !binary => numeric(weights)?,
        _ => device.ones(x.shape(), DType::F32)?,
    };
    let rows: usize = leading.iter().product();
    let numbers = reshape(x, [rows, n])?;
    let whole = |v: i32| device.constant(Scalar::I32(v));
    // Numbers outside are not counted, in no row.
    let bins = add(&numbers, &mul(&device.iota(numbers.shape(), 0)?, &whole(size as i32))?)?;
    let bins = reshape(&select(&within(&numbers, size)?, &bins, &whole(-1))?, [rows * n])?;
    let total = scatter(&reshape(&weights, [1, rows * n, 1])?, &bins, rows * size, ReduceOp::Sum)?;
    let out: Shape = leading.iter().copied().chain([size]).collect();
    let total = reshape(&total, out)?;
    if binary {
        minimum(&total, &total.constant(1.0))
    } else {
        Ok(total)
    }
}
