//! Shapes and their rules.

use std::fmt;
use std::ops::Deref;

use smallvec::SmallVec;

use crate::collect::Listed;
use crate::error::{Error, Result};

/// Dimension sizes, outermost first. A scalar has none.
#[derive(Clone, PartialEq, Eq, Hash, Default)]
pub struct Shape(SmallVec<[usize; 6]>);

impl Shape {
    /// The shape of a scalar.
    pub fn scalar() -> Shape {
        Shape::default()
    }

    /// The number of elements. Every tensor's shape has one; of a shape that has not, the number is of no use.
    pub fn size(&self) -> usize {
        self.0.iter().fold(1, |size, &dim| size.wrapping_mul(dim))
    }

    /// Whether elements, and steps from one to another, can be counted: in a page, up to 2^31 - 1.
    pub(crate) fn is_countable(&self) -> bool {
        let size = self.0.iter().try_fold(1usize, |size, &dim| size.checked_mul(dim.max(1)));
        size.is_some_and(|size| size <= isize::MAX as usize)
    }

    /// The number of dimensions.
    pub fn rank(&self) -> usize {
        self.0.len()
    }

    /// Strides, in elements, of a contiguous row-major layout.
    pub fn strides(&self) -> SmallVec<[isize; 6]> {
        let mut strides = SmallVec::from_elem(0, self.rank());
        let mut step = 1;
        for (stride, &dim) in strides.iter_mut().zip(&self.0).rev() {
            *stride = step;
            step *= dim as isize;
        }
        strides
    }

    /// The shape both operands broadcast to, by NumPy's rule.
    ///
    /// # Errors
    /// `ErrorKind::Shape` naming `op` when a pair of dimensions differs and neither is 1.
    pub fn broadcast(&self, other: &Shape, op: &str) -> Result<Shape> {
        let rank = self.rank().max(other.rank());
        let dim = |s: &Shape, i: usize| (i + s.rank()).checked_sub(rank).map_or(1, |j| s[j]);
        let mut dims = SmallVec::new();
        for i in 0..rank {
            dims.push(match (dim(self, i), dim(other, i)) {
                (a, b) if a == b => a,
                (1, b) => b,
                (a, 1) => a,
                _ => {
                    let got = format_args!("{self} and {other}");
                    return Err(Error::shape(op, "shapes that broadcast together", got));
                }
            });
        }
        Ok(Shape(dims))
    }

    /// The dimensions of all parts, one after the other.
    pub fn joined(parts: &[&[usize]]) -> Shape {
        let mut dims = SmallVec::new();
        parts.iter().for_each(|part| dims.extend_from_slice(part));
        Shape(dims)
    }

    /// All dimensions' numbers but those of `axes`, and then those.
    pub fn order_with_last(&self, axes: &[usize]) -> Vec<usize> {
        let mut order: Vec<usize> = (0..self.rank()).listed();
        order.retain(|d| !axes.contains(d));
        order.extend_from_slice(axes);
        order
    }

    /// The shape without the dimensions in `axes`.
    pub fn without(&self, axes: &[usize]) -> Shape {
        self.iter().enumerate().filter(|(i, _)| !axes.contains(i)).map(|(_, &d)| d).collect()
    }

    /// The shape with the dimensions in `axes` set to 1.
    pub fn keeping(&self, axes: &[usize]) -> Shape {
        self.iter().enumerate().map(|(i, &d)| if axes.contains(&i) { 1 } else { d }).collect()
    }

    /// The shape with dimension `axis` replaced.
    pub fn with_dim(&self, axis: usize, dim: usize) -> Shape {
        self.iter().enumerate().map(|(i, &d)| if i == axis { dim } else { d }).collect()
    }

    /// `axis` counted from the front; negative values count from the back.
    ///
    /// # Errors
    /// `ErrorKind::Argument` naming `op` when the axis is outside `[-rank, rank)`.
    pub fn axis(&self, axis: isize, op: &str) -> Result<usize> {
        let rank = self.rank() as isize;
        if axis < -rank || axis >= rank {
            let expected = format_args!("an axis in [-{rank}, {rank}) for shape {self}");
            return Err(Error::argument(op, expected, axis));
        }
        Ok(axis.rem_euclid(rank.max(1)) as usize)
    }

    /// `axes` counted from the front, sorted, without repeats; all of them when `None`.
    ///
    /// # Errors
    /// As [`Shape::axis`].
    pub fn axes(&self, axes: Option<&[isize]>, op: &str) -> Result<SmallVec<[usize; 6]>> {
        let Some(axes) = axes else {
            return Ok((0..self.rank()).collect());
        };
        let mut out = SmallVec::new();
        for &axis in axes {
            out.push(self.axis(axis, op)?);
        }
        out.sort_unstable();
        out.dedup();
        Ok(out)
    }
}

impl Deref for Shape {
    type Target = [usize];
    fn deref(&self) -> &[usize] {
        &self.0
    }
}

impl FromIterator<usize> for Shape {
    fn from_iter<I: IntoIterator<Item = usize>>(iter: I) -> Shape {
        // One loop for all kinds of iterators: each would bring its own to the download.
        fn collect(next: &mut dyn FnMut() -> Option<usize>) -> Shape {
            let mut dims = SmallVec::new();
            while let Some(dim) = next() {
                dims.push(dim);
            }
            Shape(dims)
        }
        let mut iter = iter.into_iter();
        collect(&mut || iter.next())
    }
}

impl From<&[usize]> for Shape {
    fn from(dims: &[usize]) -> Shape {
        Shape(SmallVec::from_slice(dims))
    }
}

impl<const N: usize> From<[usize; N]> for Shape {
    fn from(dims: [usize; N]) -> Shape {
        Shape(SmallVec::from_slice(&dims))
    }
}

impl From<Vec<usize>> for Shape {
    fn from(dims: Vec<usize>) -> Shape {
        Shape(SmallVec::from_vec(dims))
    }
}

impl From<&Shape> for Shape {
    fn from(shape: &Shape) -> Shape {
        shape.clone()
    }
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[")?;
        for (i, d) in self.0.iter().enumerate() {
            write!(f, "{}{d}", if i == 0 { "" } else { "," })?;
        }
        f.write_str("]")
    }
}

impl fmt::Debug for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn broadcasting_follows_numpy() {
        let s = |d: &[usize]| Shape::from(d);
        assert_eq!(s(&[2, 3]).broadcast(&s(&[3]), "add"), Ok(s(&[2, 3])));
        assert_eq!(s(&[2, 1]).broadcast(&s(&[1, 4]), "add"), Ok(s(&[2, 4])));
        assert_eq!(s(&[]).broadcast(&s(&[5]), "add"), Ok(s(&[5])));
        assert_eq!(s(&[0]).broadcast(&s(&[1]), "add"), Ok(s(&[0])));
        let error = s(&[2, 3]).broadcast(&s(&[4]), "add").unwrap_err();
        assert_eq!(error.to_string(), "Error in add: expected shapes that broadcast together, received [2,3] and [4]");
    }

    #[test]
    fn shapes_whose_elements_cannot_be_counted_are_told_apart() {
        let most = isize::MAX as usize;
        for (shape, countable) in [
            (vec![most], true),
            (vec![most, 2], false),
            (vec![1 << (usize::BITS / 2), 1 << (usize::BITS / 2)], false),
            (vec![0, most, 2], false),
            (vec![0, 5], true),
            (vec![], true),
        ] {
            assert_eq!(Shape::from(shape.clone()).is_countable(), countable, "{shape:?}");
        }
    }

    #[test]
    fn axes_may_be_negative_and_are_checked() {
        let s = Shape::from([2, 3, 4]);
        assert_eq!(s.axes(Some(&[-1, 0, -1]), "sum").unwrap().as_slice(), &[0, 2]);
        assert!(s.axis(3, "sum").is_err());
        assert!(Shape::scalar().axis(0, "sum").is_err());
    }
}
