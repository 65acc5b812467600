//! Operations on the values of a computation.

use std::ops::{Add, Div, Mul, Neg, Sub};

use super::{Reduction, Term};
use crate::collect::Listed;
use crate::dtype::{DType, Scalar};
use crate::host::HostSlice;
use crate::ops;
use crate::shape::Shape;

impl<'a> Term<'a> {
    /// The dimension sizes.
    pub fn shape(self) -> &'a Shape {
        self.value().shape()
    }

    /// The dimension sizes, to change.
    pub fn dims(self) -> Vec<usize> {
        self.shape().to_vec()
    }

    /// The number of dimensions.
    pub fn rank(self) -> usize {
        self.shape().rank()
    }

    /// The number of elements.
    #[inline(never)]
    pub fn size(self) -> usize {
        self.shape().size()
    }

    /// The size of an axis; 1 where there is none, as after a failure.
    #[inline(never)]
    pub fn dim(self, axis: usize) -> usize {
        self.shape().get(axis).copied().unwrap_or(1)
    }

    /// The last dimension; 1 of a scalar.
    #[inline(never)]
    pub fn last(self) -> usize {
        self.shape().last().copied().unwrap_or(1)
    }

    /// Float32 numbers, beside this value.
    #[inline(never)]
    pub fn vector(self, values: &[f64]) -> Term<'a> {
        self.array(&mut values.iter().copied(), &[values.len()])
    }

    /// Float32 numbers in a shape, beside this value.
    #[inline(never)]
    pub fn array(self, values: &mut dyn Iterator<Item = f64>, dims: &[usize]) -> Term<'a> {
        let values: Vec<f32> = values.map(|v| v as f32).collect();
        self.then(&|x| x.device().tensor(HostSlice::F32(&values), dims))
    }

    /// A float32 scalar, beside this value.
    #[inline(never)]
    pub fn constant(self, value: f64) -> Term<'a> {
        self.then(&|x| Ok(x.device().constant_of(DType::F32, value)))
    }

    /// A float32 scalar, beside this value, whose value is no part of the plan.
    #[inline(never)]
    pub fn scalar(self, value: f64) -> Term<'a> {
        self.then(&|x| Ok(x.device().scalar(Scalar::F32(value as f32))))
    }

    /// As [`Term::scalar`], int32.
    #[inline(never)]
    pub fn whole_scalar(self, value: i32) -> Term<'a> {
        self.then(&|x| Ok(x.device().scalar(Scalar::I32(value))))
    }

    /// Int32 numbers of axis `axis` of `dims`, beside this value.
    #[inline(never)]
    pub fn iota(self, dims: &[usize], axis: usize) -> Term<'a> {
        self.then(&|x| x.device().iota(dims, axis))
    }

    /// The float32 numbers from 0 to below `n`, beside this value.
    pub fn count_to(self, n: usize) -> Term<'a> {
        self.iota(&[n], 0).number()
    }

    /// As another dtype.
    #[inline(never)]
    pub fn cast(self, dtype: DType) -> Term<'a> {
        self.then(&|x| x.cast(dtype))
    }

    /// As float32: 1 for true, 0 for false.
    #[inline(never)]
    pub fn number(self) -> Term<'a> {
        self.cast(DType::F32)
    }

    /// As int32.
    #[inline(never)]
    pub fn whole(self) -> Term<'a> {
        self.cast(DType::I32)
    }

    /// The elements in another shape.
    #[inline(never)]
    pub fn reshape(self, dims: &[usize]) -> Term<'a> {
        self.then(&|x| ops::reshape(x, dims))
    }

    /// Repeated to a shape.
    #[inline(never)]
    pub fn broadcast(self, dims: &[usize]) -> Term<'a> {
        self.then(&|x| ops::broadcast_to(x, dims))
    }

    /// The axes in another order.
    #[inline(never)]
    pub fn permute(self, order: &[usize]) -> Term<'a> {
        self.then(&|x| ops::permute(x, order))
    }

    /// With an axis of 1 at `axis`.
    #[inline(never)]
    pub fn expand(self, axis: isize) -> Term<'a> {
        self.then(&|x| ops::expand_dims(x, axis))
    }

    /// Without an axis of 1.
    #[inline(never)]
    pub fn squeeze(self, axis: isize) -> Term<'a> {
        self.then(&|x| ops::squeeze(x, Some(&[axis])))
    }

    /// `sizes` from `begin`.
    #[inline(never)]
    pub fn slice(self, begin: &[usize], sizes: &[usize]) -> Term<'a> {
        self.then(&|x| ops::slice(x, begin, sizes))
    }

    /// `size` of axis `axis`, from `begin`; the whole of other axes.
    #[inline(never)]
    pub fn part(self, axis: usize, begin: usize, size: usize) -> Term<'a> {
        let mut sizes = self.dims();
        let mut begins = vec![0; sizes.len()];
        if let (Some(b), Some(s)) = (begins.get_mut(axis), sizes.get_mut(axis)) {
            (*b, *s) = (begin, size);
        }
        self.slice(&begins, &sizes)
    }

    /// With zeros before and after each axis.
    #[inline(never)]
    pub fn pad(self, paddings: &[(usize, usize)]) -> Term<'a> {
        self.then(&|x| ops::pad(x, paddings, 0.0))
    }

    /// In the opposite order along an axis.
    #[inline(never)]
    pub fn reverse(self, axis: isize) -> Term<'a> {
        self.then(&|x| ops::reverse(x, Some(&[axis])))
    }

    /// `parts` parts of one size along an axis; none after a failure.
    #[inline(never)]
    pub fn split(self, parts: usize, axis: isize) -> Vec<Term<'a>> {
        self.several(&|x| {
            let whole = x.shape()[x.shape().axis(axis, "split")?];
            ops::split(x, &vec![whole / parts.max(1); parts], axis)
        })
    }

    /// This and another value, one after the other along an axis.
    #[inline(never)]
    pub fn join(self, other: Term<'a>, axis: isize) -> Term<'a> {
        self.then(&|x| ops::concat(&[x, other.value()], axis))
    }

    /// Matrix products.
    #[inline(never)]
    pub fn matmul(self, other: Term<'a>) -> Term<'a> {
        self.then(&|x| ops::matmul(x, other.value(), false, false))
    }

    /// Entries of the first axis.
    #[inline(never)]
    pub fn pick(self, indices: Term<'a>) -> Term<'a> {
        self.then(&|x| ops::gather(x, indices.value(), 0, 0))
    }

    /// Where the largest is along an axis.
    #[inline(never)]
    pub fn arg_max(self, axis: isize) -> Term<'a> {
        self.then(&|x| ops::arg_max(x, axis))
    }

    /// 1 where the number of one of `depth` classes is this.
    #[inline(never)]
    pub fn one_hot(self, depth: usize) -> Term<'a> {
        self.whole().then(&|x| ops::one_hot(x, depth, 1.0, 0.0, DType::F32))
    }

    #[inline(never)]
    fn reduce(self, f: Reduction, axes: Option<&[isize]>, keep: bool) -> Term<'a> {
        self.then(&|x| f(x, axes, keep))
    }

    /// The sum over everything.
    #[inline(never)]
    pub fn total(self) -> Term<'a> {
        self.reduce(ops::sum, None, false)
    }

    /// The mean of everything.
    #[inline(never)]
    pub fn mean(self) -> Term<'a> {
        self.reduce(ops::mean, None, false)
    }

    /// The largest of everything.
    #[inline(never)]
    pub fn max(self) -> Term<'a> {
        self.reduce(ops::max, None, false)
    }

    /// The largest along axes.
    #[inline(never)]
    pub fn max_along(self, axes: &[isize], keep: bool) -> Term<'a> {
        self.reduce(ops::max, Some(axes), keep)
    }

    /// The largest along the last axis, which remains.
    pub fn max_of_rows(self) -> Term<'a> {
        self.max_along(&[-1], true)
    }

    /// The sum along axes.
    #[inline(never)]
    pub fn sum(self, axes: &[isize], keep: bool) -> Term<'a> {
        self.reduce(ops::sum, Some(axes), keep)
    }

    /// The mean along axes.
    #[inline(never)]
    pub fn mean_along(self, axes: &[isize], keep: bool) -> Term<'a> {
        self.reduce(ops::mean, Some(axes), keep)
    }

    /// The axis `axis` last. `op` is named where there is none.
    #[inline(never)]
    pub fn axis_last(self, axis: isize, op: &str) -> Term<'a> {
        self.then(&|x| {
            let axis = x.shape().axis(axis, op)?;
            let mut order: Vec<usize> = (0..x.rank()).listed();
            order[axis..].rotate_left(1);
            ops::permute(x, &order)
        })
    }

    /// One value where this holds, and another where it does not.
    #[inline(never)]
    pub fn choose(self, yes: Term<'a>, no: Term<'a>) -> Term<'a> {
        self.then(&|x| ops::select(x, yes.value(), no.value()))
    }

    /// This where a condition holds, and the number where it does not.
    #[inline(never)]
    pub fn where_else(self, condition: Term<'a>, otherwise: f64) -> Term<'a> {
        condition.choose(self, self.like(otherwise))
    }

    /// A scalar of this value's dtype.
    #[inline(never)]
    pub fn like(self, value: f64) -> Term<'a> {
        self.then(&|x| Ok(x.constant(value)))
    }

    /// The quotient, 0 where the divisor is.
    #[inline(never)]
    pub fn over(self, divisor: Term<'a>) -> Term<'a> {
        self.with(divisor, ops::div_no_nan)
    }

    /// Whether this is above another value.
    #[inline(never)]
    pub fn above(self, other: Term<'a>) -> Term<'a> {
        self.with(other, ops::greater)
    }

    /// Whether this is above a number.
    #[inline(never)]
    pub fn exceeds(self, number: f64) -> Term<'a> {
        self.by(number, ops::greater)
    }

    /// Whether both hold.
    #[inline(never)]
    pub fn and(self, other: Term<'a>) -> Term<'a> {
        self.with(other, ops::logical_and)
    }

    /// The larger of both.
    #[inline(never)]
    pub fn at_least(self, number: f64) -> Term<'a> {
        self.by(number, ops::maximum)
    }

    /// The smaller of both.
    #[inline(never)]
    pub fn at_most(self, number: f64) -> Term<'a> {
        self.by(number, ops::minimum)
    }

    /// Within limits.
    #[inline(never)]
    pub fn clip(self, low: f64, high: f64) -> Term<'a> {
        self.then(&|x| ops::clip(x, &x.constant(low), &x.constant(high)))
    }

    /// The product with itself.
    #[inline(never)]
    pub fn square(self) -> Term<'a> {
        self * self
    }

    /// The square root.
    #[inline(never)]
    pub fn sqrt(self) -> Term<'a> {
        self.map(ops::sqrt)
    }

    /// One number as a scalar, several as they are.
    #[inline(never)]
    pub fn bare(self) -> Term<'a> {
        if self.size() == 1 {
            self.reshape(&[])
        } else {
            self
        }
    }
}

/// An operator between values, and between a value and a number of its dtype.
macro_rules! operator {
    ($($trait:ident $method:ident $op:path;)*) => {$(
        impl<'a> $trait for Term<'a> {
            type Output = Term<'a>;
            #[inline(never)]
            fn $method(self, other: Term<'a>) -> Term<'a> {
                self.with(other, $op)
            }
        }
        impl<'a> $trait<f64> for Term<'a> {
            type Output = Term<'a>;
            #[inline(never)]
            fn $method(self, other: f64) -> Term<'a> {
                self.by(other, $op)
            }
        }
    )*};
}
operator! {
    Add add ops::add;
    Sub sub ops::sub;
    Mul mul ops::mul;
    Div div ops::real_div;
}

impl<'a> Sub<Term<'a>> for f64 {
    type Output = Term<'a>;
    #[inline(never)]
    fn sub(self, x: Term<'a>) -> Term<'a> {
        x.like(self) - x
    }
}

impl<'a> Neg for Term<'a> {
    type Output = Term<'a>;
    #[inline(never)]
    fn neg(self) -> Term<'a> {
        self.map(ops::neg)
    }
}
