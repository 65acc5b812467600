//! Arguments of operations as lists of numbers.

use headwater_core::AllOk;
use headwater_core::{number, DType, Error, Result, Shape};

/// The numbers an operation was called with.
pub struct Attrs<'a> {
    op: &'a str,
    values: &'a [f64],
}

impl<'a> Attrs<'a> {
    /// The numbers `values` of a call of `op`.
    pub fn new(op: &'a str, values: &'a [f64]) -> Attrs<'a> {
        Attrs { op, values }
    }

    /// Number `i`.
    ///
    /// # Errors
    /// `ErrorKind::Argument` when there are fewer.
    pub fn number(&self, i: usize) -> Result<f64> {
        let missing = || {
            Error::argument(self.op, format_args!("attribute {i}"), format_args!("{} attributes", self.values.len()))
        };
        self.values.get(i).copied().ok_or_else(missing)
    }

    /// Number `i` as a size.
    ///
    /// # Errors
    /// `ErrorKind::Argument` when it is missing, negative or not whole.
    pub fn size(&self, i: usize) -> Result<usize> {
        let x = self.number(i)?;
        if x < 0.0 || x.fract() != 0.0 || x > 9e15 {
            return Err(Error::argument(self.op, format_args!("a whole number as attribute {i}"), number(x)));
        }
        Ok(x as usize)
    }

    /// Number `i` as a signed index.
    ///
    /// # Errors
    /// `ErrorKind::Argument` when it is missing or not whole.
    pub fn index(&self, i: usize) -> Result<isize> {
        let x = self.number(i)?;
        if x.fract() != 0.0 || x.abs() > 9e15 {
            return Err(Error::argument(self.op, format_args!("a whole number as attribute {i}"), number(x)));
        }
        Ok(x as isize)
    }

    /// Number `i` as a truth value.
    ///
    /// # Errors
    /// `ErrorKind::Argument` when it is missing.
    pub fn flag(&self, i: usize) -> Result<bool> {
        Ok(self.number(i)? != 0.0)
    }

    /// Which of `all` number `i` counts.
    ///
    /// # Errors
    /// `ErrorKind::Argument` when it is missing or counts none.
    pub fn choice<T: Copy>(&self, i: usize, all: &[T]) -> Result<T> {
        let at = self.size(i)?;
        let wrong = || Error::argument(self.op, format_args!("a number below {} as attribute {i}", all.len()), at);
        all.get(at).copied().ok_or_else(wrong)
    }

    /// Number `i` as 32 bits of a seed.
    ///
    /// # Errors
    /// `ErrorKind::Argument` when it is missing.
    pub fn seed(&self, i: usize) -> Result<u32> {
        Ok(self.number(i)? as i64 as u32)
    }

    /// Number `i` as a dtype, by its position in [`DType::ALL`].
    ///
    /// # Errors
    /// `ErrorKind::DType` for another number.
    pub fn dtype(&self, i: usize) -> Result<DType> {
        DType::from_code(self.op, self.size(i)?)
    }

    /// The numbers from `i` on, as sizes.
    ///
    /// # Errors
    /// As [`Attrs::size`].
    pub fn sizes(&self, i: usize) -> Result<Vec<usize>> {
        (i..self.values.len()).map(|i| self.size(i)).all_ok()
    }

    /// The numbers from `i` on, as a shape.
    ///
    /// # Errors
    /// As [`Attrs::size`].
    pub fn shape(&self, i: usize) -> Result<Shape> {
        self.sizes(i).map(Shape::from)
    }

    /// The numbers from `i` on, as axes; `None` when there are none: all axes.
    ///
    /// # Errors
    /// As [`Attrs::index`].
    pub fn axes(&self, i: usize) -> Result<Option<Vec<isize>>> {
        let axes: Vec<isize> = (i..self.values.len()).map(|i| self.index(i)).all_ok()?;
        Ok(if axes.is_empty() { None } else { Some(axes) })
    }
}
