//! Arithmetic on tensors that reads like arithmetic on numbers: what fails is kept and told at the end.
//!
//! Metrics are formulas of many small operations. Written with a `Result` for each, the code that gives intermediate values
//! back where an operation fails would be most of their part of the download.

use std::cell::OnceCell;
use std::ops::{Add, Div, Mul, Sub};

use headwater_core::ops;
use headwater_core::{AllOk, DType, Error, HostSlice, Result, Shape, Tensor};

/// The values of a computation, each after those it is made of. After a failure nothing more is computed.
#[derive(Default)]
pub(super) struct Calc {
    first: OnceCell<Next>,
}

struct Slot {
    value: Tensor,
    next: OnceCell<Next>,
}

enum Next {
    Value(Box<Slot>),
    Failed(Error),
}

/// A value of a computation: one word, which operations take and give.
#[derive(Clone, Copy)]
pub(super) struct Term<'a>(&'a Slot);

/// An operation on one value.
type Unary = fn(&Tensor) -> Result<Tensor>;
/// An operation on two values.
type Binary = fn(&Tensor, &Tensor) -> Result<Tensor>;
/// A reduction along axes, all where none are said, which it may keep.
type Reduction = fn(&Tensor, Option<&[isize]>, bool) -> Result<Tensor>;

/// Where the next value goes; none after a failure.
fn end(mut cell: &OnceCell<Next>) -> Option<&OnceCell<Next>> {
    loop {
        match cell.get() {
            None => return Some(cell),
            Some(Next::Value(slot)) => cell = &slot.next,
            Some(Next::Failed(_)) => return None,
        }
    }
}

/// Puts a value where there is none.
fn put(cell: &OnceCell<Next>, value: Tensor) -> Option<Term<'_>> {
    let next = cell.get_or_init(|| Next::Value(Box::new(Slot { value, next: OnceCell::new() })));
    match next {
        Next::Value(slot) => Some(Term(slot)),
        Next::Failed(_) => None,
    }
}

/// The tensors of what `f` computes of inputs, which it is given as float32.
///
/// # Errors
/// What failed first.
pub(super) fn compute(inputs: &[&Tensor], f: &dyn for<'a> Fn(&[Term<'a>]) -> Vec<Term<'a>>) -> Result<Vec<Tensor>> {
    let calc = Calc::default();
    let begin = |x: &&Tensor| end(&calc.first).and_then(|cell| put(cell, (*x).clone()));
    let given: Vec<Term<'_>> = inputs.iter().filter_map(begin).collect();
    let given: Vec<Term<'_>> = given.into_iter().map(Term::number).collect();
    let computed: Vec<Tensor> = f(&given).iter().map(|term| term.0.value.clone()).collect();
    let mut next = calc.first.into_inner();
    loop {
        match next {
            None => return Ok(computed),
            Some(Next::Value(slot)) => next = slot.next.into_inner(),
            Some(Next::Failed(error)) => return Err(error),
        }
    }
}

impl<'a> Term<'a> {
    /// Another value, unless something failed.
    #[inline(never)]
    fn then(self, f: &dyn Fn(&Tensor) -> Result<Tensor>) -> Term<'a> {
        let Some(cell) = end(&self.0.next) else { return self };
        match f(&self.0.value) {
            Ok(value) => put(cell, value).unwrap_or(self),
            Err(error) => self.fail(error),
        }
    }

    /// The value of an operation.
    #[inline(never)]
    pub fn map(self, f: Unary) -> Term<'a> {
        self.then(&f)
    }

    /// The value of an operation on this and another value.
    #[inline(never)]
    pub fn with(self, other: Term<'a>, f: Binary) -> Term<'a> {
        self.then(&|x| f(x, &other.0.value))
    }

    /// The value of an operation on this value and a number.
    #[inline(never)]
    pub fn by(self, number: f64, f: Binary) -> Term<'a> {
        self.then(&|x| f(x, &x.constant(number)))
    }

    #[cold]
    #[inline(never)]
    pub fn fail(self, error: Error) -> Term<'a> {
        if let Some(cell) = end(&self.0.next) {
            cell.get_or_init(|| Next::Failed(error));
        }
        self
    }

    pub fn shape(self) -> &'a Shape {
        self.0.value.shape()
    }

    pub fn dims(self) -> Vec<usize> {
        self.shape().to_vec()
    }

    pub fn rank(self) -> usize {
        self.shape().rank()
    }

    #[inline(never)]
    pub fn size(self) -> usize {
        self.shape().size()
    }

    /// The last dimension; 1 of a scalar.
    #[inline(never)]
    pub fn last(self) -> usize {
        self.shape().last().copied().unwrap_or(1)
    }

    /// Float32 numbers, beside this value.
    #[inline(never)]
    pub fn vector(self, values: &[f64]) -> Term<'a> {
        let values: Vec<f32> = values.iter().map(|&v| v as f32).collect();
        self.then(&|x| x.device().tensor(HostSlice::F32(&values), [values.len()]))
    }

    /// A float32 scalar, beside this value.
    #[inline(never)]
    pub fn constant(self, value: f64) -> Term<'a> {
        self.then(&|x| Ok(x.device().constant_of(DType::F32, value)))
    }

    /// The float32 numbers from 0 to below `n`, beside this value.
    #[inline(never)]
    pub fn count_to(self, n: usize) -> Term<'a> {
        self.then(&|x| x.device().iota([n], 0)).number()
    }

    #[inline(never)]
    fn cast(self, dtype: DType) -> Term<'a> {
        self.then(&|x| x.cast(dtype))
    }

    /// As float32: 1 for true, 0 for false.
    pub fn number(self) -> Term<'a> {
        self.cast(DType::F32)
    }

    /// As whole numbers.
    pub fn whole(self) -> Term<'a> {
        self.cast(DType::I32)
    }

    #[inline(never)]
    pub fn reshape(self, dims: &[usize]) -> Term<'a> {
        self.then(&|x| ops::reshape(x, dims))
    }

    #[inline(never)]
    pub fn broadcast(self, dims: &[usize]) -> Term<'a> {
        self.then(&|x| ops::broadcast_to(x, dims))
    }

    /// `size` of axis `axis`, from `begin`; the whole of other axes.
    #[inline(never)]
    pub fn part(self, axis: usize, begin: usize, size: usize) -> Term<'a> {
        let mut sizes = self.dims();
        let mut begins = vec![0; sizes.len()];
        if let (Some(b), Some(s)) = (begins.get_mut(axis), sizes.get_mut(axis)) {
            (*b, *s) = (begin, size);
        }
        self.then(&|x| ops::slice(x, &begins, &sizes))
    }

    /// Entries of the first axis.
    #[inline(never)]
    pub fn pick(self, indices: Term<'a>) -> Term<'a> {
        self.then(&|x| ops::gather(x, &indices.0.value, 0, 0))
    }

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
    pub fn total(self) -> Term<'a> {
        self.reduce(ops::sum, None, false)
    }

    /// The mean of everything.
    pub fn mean(self) -> Term<'a> {
        self.reduce(ops::mean, None, false)
    }

    /// The largest of everything.
    pub fn max(self) -> Term<'a> {
        self.reduce(ops::max, None, false)
    }

    /// The largest along the last axis, which remains.
    pub fn max_of_rows(self) -> Term<'a> {
        self.reduce(ops::max, Some(&[-1]), true)
    }

    pub fn sum(self, axes: &[isize], keep: bool) -> Term<'a> {
        self.reduce(ops::sum, Some(axes), keep)
    }

    pub fn mean_along(self, axes: &[isize], keep: bool) -> Term<'a> {
        self.reduce(ops::mean, Some(axes), keep)
    }

    /// The axis `axis` last.
    #[inline(never)]
    pub fn axis_last(self, axis: isize) -> Term<'a> {
        self.then(&|x| {
            let axis = x.shape().axis(axis, "metric")? as isize;
            let mut order: Vec<isize> = (0..x.rank() as isize).collect();
            order[axis as usize..].rotate_left(1);
            ops::transpose(x, Some(&order))
        })
    }

    /// One value where this holds, and another where it does not.
    #[inline(never)]
    pub fn choose(self, yes: Term<'a>, no: Term<'a>) -> Term<'a> {
        self.then(&|x| ops::select(x, &yes.0.value, &no.0.value))
    }

    /// This where a condition holds, and the number where it does not.
    #[inline(never)]
    pub fn where_else(self, condition: Term<'a>, otherwise: f64) -> Term<'a> {
        condition.choose(self, self.constant(otherwise))
    }

    /// The quotient, 0 where the divisor is.
    #[inline(never)]
    pub fn over(self, divisor: Term<'a>) -> Term<'a> {
        self.with(divisor, ops::div_no_nan)
    }

    #[inline(never)]
    pub fn above(self, other: Term<'a>) -> Term<'a> {
        self.with(other, ops::greater)
    }

    /// Whether a number is below this.
    #[inline(never)]
    pub fn exceeds(self, number: f64) -> Term<'a> {
        self.by(number, ops::greater)
    }

    #[inline(never)]
    pub fn and(self, other: Term<'a>) -> Term<'a> {
        self.with(other, ops::logical_and)
    }

    #[inline(never)]
    pub fn square(self) -> Term<'a> {
        self * self
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

/// An operator between values, and between a value and a number.
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
        x.constant(self) - x
    }
}

/// The sums of two lists of tensors of the same shapes.
pub(super) fn sums(a: &[Tensor], b: &[Tensor]) -> Result<Vec<Tensor>> {
    a.iter().zip(b).map(|(a, b)| ops::add(a, b)).all_ok()
}
