//! Arithmetic on tensors that reads like arithmetic on numbers: what fails is kept and told at the end.
//!
//! A formula of many small operations, written with a `Result` for each, is mostly code that gives intermediate values back
//! where an operation fails. Here an operation is a call that takes and gives one word.

mod gradient;
mod terms;

use std::cell::{Cell, OnceCell};

use crate::collect::Listed;
use crate::device::Device;
use crate::dtype::DType;
use crate::error::{Error, Result};
use crate::tensor::Tensor;

pub use gradient::{with_gradient, Gradient};

/// The values of a computation, which it keeps until its end. After a failure
/// nothing more is computed, and values are no longer what they seem: their sizes must not be trusted as indices.
///
/// ```
/// # use headwater_core::{calc::Calc, ops, Result, Tensor};
/// fn softplus(x: &Tensor) -> Result<Tensor> {
///     let calc = Calc::default();
///     let x = calc.of(x);
///     calc.result((x.map(ops::exp) + 1.0).map(ops::log))
/// }
/// ```
#[derive(Default)]
pub struct Calc<'a> {
    first: OnceCell<Box<Block<'a>>>,
    last: Cell<Option<&'a Block<'a>>>,
    /// Values of the last block.
    used: Cell<usize>,
    failure: OnceCell<Error>,
}

/// Some values. Each block has room for twice as many as the one before: they are dropped one within the other.
struct Block<'a> {
    slots: Vec<OnceCell<Slot<'a>>>,
    next: OnceCell<Box<Block<'a>>>,
}

struct Slot<'a> {
    calc: &'a Calc<'a>,
    value: Tensor,
}

/// A value of a computation: one word, which operations take and give.
#[derive(Clone, Copy)]
pub struct Term<'a>(&'a Slot<'a>);

/// An operation on one value.
pub type Unary = fn(&Tensor) -> Result<Tensor>;
/// An operation on two values.
pub type Binary = fn(&Tensor, &Tensor) -> Result<Tensor>;
/// A reduction along axes, all where none are said, which it may keep.
pub type Reduction = fn(&Tensor, Option<&[isize]>, bool) -> Result<Tensor>;

impl<'a> Calc<'a> {
    /// A value to begin with.
    #[inline(never)]
    pub fn of(&'a self, value: &Tensor) -> Term<'a> {
        self.put(value.clone())
    }

    /// A scalar of a device to begin with, beside which values are made of nothing.
    #[inline(never)]
    pub fn on(&'a self, device: &Device) -> Term<'a> {
        self.put(device.constant_of(DType::F32, 0.0))
    }

    #[inline(never)]
    fn put(&'a self, value: Tensor) -> Term<'a> {
        let block = match self.last.get() {
            Some(block) if self.used.get() < block.slots.len() => block,
            last => {
                let (end, size) = last.map_or((&self.first, 8), |block| (&block.next, 2 * block.slots.len()));
                let new =
                    || Box::new(Block { slots: (0..size).map(|_| OnceCell::new()).listed(), next: OnceCell::new() });
                self.used.set(0);
                end.get_or_init(new)
            }
        };
        self.last.set(Some(block));
        let slot = block.slots[self.used.get()].get_or_init(|| Slot { calc: self, value });
        self.used.set(self.used.get() + 1);
        Term(slot)
    }

    /// What a value is.
    ///
    /// # Errors
    /// What failed first.
    #[inline(never)]
    pub fn result(&'a self, term: Term<'a>) -> Result<Tensor> {
        self.check()?;
        Ok(term.0.value.clone())
    }

    /// What values are.
    ///
    /// # Errors
    /// What failed first.
    #[inline(never)]
    pub fn results(&'a self, terms: &[Term<'a>]) -> Result<Vec<Tensor>> {
        self.check()?;
        Ok(terms.iter().map(|term| term.0.value.clone()).listed())
    }

    /// What two values are.
    ///
    /// # Errors
    /// What failed first.
    #[inline(never)]
    pub fn pair(&'a self, [a, b]: [Term<'a>; 2]) -> Result<(Tensor, Tensor)> {
        self.check()?;
        Ok((a.0.value.clone(), b.0.value.clone()))
    }

    /// Whether all went well so far.
    ///
    /// # Errors
    /// What failed first.
    pub fn check(&self) -> Result<()> {
        self.failure.get().map_or(Ok(()), |error| Err(error.clone()))
    }
}

/// The tensors of what `f` computes of inputs.
///
/// # Errors
/// What failed first.
pub fn compute(inputs: &[&Tensor], f: &dyn for<'a> Fn(&[Term<'a>]) -> Vec<Term<'a>>) -> Result<Vec<Tensor>> {
    let calc = Calc::default();
    let given: Vec<Term<'_>> = inputs.iter().map(|x| calc.of(x)).listed();
    calc.results(&f(&given))
}

/// The same for both. Not `map` of arrays: every closure brings another copy of that.
#[inline(never)]
pub fn each<'a>([a, b]: [Term<'a>; 2], f: &dyn Fn(Term<'a>) -> Term<'a>) -> [Term<'a>; 2] {
    [f(a), f(b)]
}

impl<'a> Calc<'a> {
    /// Two values to begin with.
    #[inline(never)]
    pub fn both(&'a self, a: &Tensor, b: &Tensor) -> [Term<'a>; 2] {
        [self.of(a), self.of(b)]
    }
}

impl<'a> Term<'a> {
    /// Another value, unless something failed.
    #[inline(never)]
    pub fn then(self, f: &dyn Fn(&Tensor) -> Result<Tensor>) -> Term<'a> {
        let calc = self.0.calc;
        if calc.failure.get().is_some() {
            return self;
        }
        match f(&self.0.value) {
            Ok(value) => calc.put(value),
            Err(error) => self.fail(error),
        }
    }

    /// Several values, unless something failed: then none.
    #[inline(never)]
    pub fn several(self, f: &dyn Fn(&Tensor) -> Result<Vec<Tensor>>) -> Vec<Term<'a>> {
        let calc = self.0.calc;
        if calc.failure.get().is_none() {
            match f(&self.0.value) {
                Ok(values) => return values.into_iter().map(|value| calc.put(value)).listed(),
                Err(error) => self.fail(error),
            };
        }
        Vec::new()
    }

    /// Two values, unless something failed.
    #[inline(never)]
    pub fn two(self, f: &dyn Fn(&Tensor) -> Result<(Tensor, Tensor)>) -> [Term<'a>; 2] {
        let calc = self.0.calc;
        if calc.failure.get().is_some() {
            return [self; 2];
        }
        match f(&self.0.value) {
            Ok((a, b)) => [calc.put(a), calc.put(b)],
            Err(error) => [self.fail(error); 2],
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

    /// Keeps the failure, if it is the first.
    #[cold]
    #[inline(never)]
    pub fn fail(self, error: Error) -> Term<'a> {
        self.0.calc.failure.get_or_init(|| error);
        self
    }

    /// A value from outside, in the same computation.
    #[inline(never)]
    pub fn of(self, value: &Tensor) -> Term<'a> {
        self.0.calc.of(value)
    }

    /// A tensor that was to be computed, or its failure.
    #[inline(never)]
    pub fn take(self, value: Result<Tensor>) -> Term<'a> {
        match value {
            Ok(value) => self.0.calc.put(value),
            Err(error) => self.fail(error),
        }
    }

    /// The value.
    pub fn value(self) -> &'a Tensor {
        &self.0.value
    }
}
