//! Reductions of slices by the segment they belong to.

use crate::calc::Calc;
use crate::dtype::DType;
use crate::error::{Error, Result};
use crate::op::ReduceOp;
use crate::ops::index::indices_of;
use crate::ops::{div, reshape, scatter};
use crate::shape::Shape;
use crate::tensor::Tensor;

/// The slices of `x` along its first axis reduced by the int32 `segments` they belong to, `n` of them: `[n, ..]`. Slices of
/// segments outside are left out; a segment without slices has the value of an empty reduction: 0 for a sum, 1 for a
/// product, the lowest value for a maximum, the highest for a minimum. Sums and products of bool are int32.
///
/// # Errors
/// `ErrorKind::DType` when `segments` is not int32; `ErrorKind::Shape` when it has not one number for each slice.
pub fn unsorted_segment(x: &Tensor, segments: &Tensor, n: usize, op: ReduceOp) -> Result<Tensor> {
    let name = match op {
        ReduceOp::Sum => "unsortedSegmentSum",
        ReduceOp::Prod => "unsortedSegmentProd",
        ReduceOp::Max => "unsortedSegmentMax",
        ReduceOp::Min => "unsortedSegmentMin",
    };
    let segments = &indices_of(name, "int32 segments", segments)?;
    let Some((&k, rest)) = x.shape().split_first() else {
        return Err(Error::shape(name, "a tensor of rank at least 1", x.shape()));
    };
    if segments.shape()[..] != [k] {
        return Err(Error::shape(name, format_args!("segments of shape [{k}]"), segments.shape()));
    }
    let out = Shape::joined(&[&[n], rest]);
    reshape(&scatter(&reshape(x, [1, k, rest.iter().product()])?, segments, n, op)?, out)
}

/// The sums of [`unsorted_segment`].
///
/// # Errors
/// As [`unsorted_segment`].
pub fn unsorted_segment_sum(x: &Tensor, segments: &Tensor, n: usize) -> Result<Tensor> {
    unsorted_segment(x, segments, n, ReduceOp::Sum)
}

/// The float32 means of the segments of [`unsorted_segment`]; 0 for one without slices.
///
/// # Errors
/// As [`unsorted_segment`].
pub fn unsorted_segment_mean(x: &Tensor, segments: &Tensor, n: usize) -> Result<Tensor> {
    let calc = Calc::default();
    let sums = calc.of(x).number().then(&|x| unsorted_segment_sum(x, segments, n));
    let ones = x.device().ones(segments.shape(), DType::F32)?;
    let counts = sums.take(unsorted_segment_sum(&ones, segments, n));
    let mut column = vec![1; x.rank().max(1)];
    column[0] = n;
    calc.result(sums.with(counts.at_least(1.0).reshape(&column), div))
}
