//! Strided views: affine maps from an index to an element of a buffer.

use smallvec::SmallVec;

use crate::collect::Listed;
use crate::shape::Shape;

/// An affine index map: element `i` of the view lies at `offset + sum(i[d] * strides[d])` of its buffer.
/// Strides may be zero (broadcast) or negative (reversed).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct View {
    /// The view's shape.
    pub shape: Shape,
    /// Elements to move per step along each dimension.
    pub strides: SmallVec<[isize; 6]>,
    /// The element at index zero.
    pub offset: usize,
}

impl View {
    /// The row-major view of a whole buffer.
    pub fn contiguous(shape: Shape) -> View {
        View { strides: shape.strides(), shape, offset: 0 }
    }

    /// Whether linear index `i` of the view is element `i` of the buffer.
    pub fn is_contiguous(&self) -> bool {
        let natural = self.shape.strides();
        self.offset == 0 && (0..self.shape.rank()).all(|d| self.shape[d] <= 1 || self.strides[d] == natural[d])
    }

    /// The view with its dimensions in the order `perm`.
    pub fn permute(&self, perm: &[usize]) -> View {
        View {
            shape: perm.iter().map(|&p| self.shape[p]).collect(),
            strides: perm.iter().map(|&p| self.strides[p]).per_dimension(),
            offset: self.offset,
        }
    }

    /// The view repeated along dimensions of size 1, and along new leading dimensions.
    pub fn broadcast_to(&self, shape: &Shape) -> View {
        let lead = shape.rank() - self.shape.rank();
        let strides = (0..shape.rank())
            .map(|d| match d.checked_sub(lead) {
                Some(s) if self.shape[s] == shape[d] && shape[d] != 1 => self.strides[s],
                _ => 0,
            })
            .per_dimension();
        View { shape: shape.clone(), strides, offset: self.offset }
    }

    /// Every `step`-th element from `begin`, `size` of them, along each dimension. Steps may be negative.
    pub fn slice(&self, begin: &[usize], size: &[usize], step: &[isize]) -> View {
        let mut offset = self.offset as isize;
        let mut strides = SmallVec::new();
        for d in 0..self.shape.rank() {
            // An empty view reads nothing; its begin may lie outside the buffer.
            if size.iter().all(|&s| s > 0) {
                offset += begin[d] as isize * self.strides[d];
            }
            strides.push(self.strides[d] * step[d]);
        }
        View { shape: Shape::from(size), strides, offset: offset.max(0) as usize }
    }

    /// The view under another shape with the same elements in row-major order, if strides can express it.
    pub fn reshape(&self, shape: &Shape) -> Option<View> {
        if self.shape.size() == 0 {
            return Some(View::contiguous(shape.clone()));
        }
        let old: Vec<(usize, isize)> =
            (0..self.shape.rank()).filter(|&d| self.shape[d] != 1).map(|d| (self.shape[d], self.strides[d])).listed();
        let mut strides: SmallVec<[isize; 6]> = SmallVec::from_elem(0, shape.rank());
        let (mut o, mut n) = (0, 0);
        while o < old.len() {
            // Grow a group of old and of new dimensions until both hold equally many elements.
            let (o_start, n_start) = (o, n);
            let mut old_size = old[o].0;
            o += 1;
            let mut new_size = 1;
            while new_size != old_size || n == n_start {
                if new_size < old_size || n == n_start {
                    new_size *= *shape.get(n)?;
                    n += 1;
                } else {
                    old_size *= old.get(o)?.0;
                    o += 1;
                }
            }
            // Within the group the old dimensions must be mutually contiguous.
            if (o_start..o - 1).any(|d| old[d].1 != old[d + 1].1 * old[d + 1].0 as isize) {
                return None;
            }
            let mut step = old[o - 1].1;
            for d in (n_start..n).rev() {
                strides[d] = step;
                step *= shape[d] as isize;
            }
        }
        Some(View { shape: shape.clone(), strides, offset: self.offset })
    }

    /// The buffer element at a row-major linear index of the view.
    pub fn element(&self, mut linear: usize) -> usize {
        let mut at = self.offset as isize;
        for (&dim, &stride) in self.shape.iter().zip(&self.strides).rev() {
            at += (linear % dim) as isize * stride;
            linear /= dim;
        }
        at as usize
    }
}

/// Merges neighbouring dimensions that every view walks contiguously, and drops those of size 1, so that kernels
/// iterate over as few dimensions as possible. All views must have shape `shape`; the result has rank >= 1.
pub fn collapse(shape: &Shape, views: &mut [View]) -> Shape {
    let mut dims: SmallVec<[usize; 6]> = SmallVec::new();
    let mut strides: Vec<SmallVec<[isize; 6]>> = vec![SmallVec::new(); views.len()];
    for d in 0..shape.rank() {
        if shape[d] == 1 {
            continue;
        }
        let mergeable = !dims.is_empty()
            && views
                .iter()
                .zip(&strides)
                .all(|(v, s)| s.last().is_some_and(|&last| last == v.strides[d] * shape[d] as isize));
        if let (true, Some(last)) = (mergeable, dims.last_mut()) {
            *last *= shape[d];
            for (v, s) in views.iter().zip(&mut strides) {
                if let Some(stride) = s.last_mut() {
                    *stride = v.strides[d];
                }
            }
        } else {
            dims.push(shape[d]);
            for (v, s) in views.iter().zip(&mut strides) {
                s.push(v.strides[d]);
            }
        }
    }
    if dims.is_empty() {
        dims.push(1);
        strides.iter_mut().for_each(|s| s.push(0));
    }
    let shape: Shape = dims.iter().copied().collect();
    for (view, strides) in views.iter_mut().zip(strides) {
        view.shape = shape.clone();
        view.strides = strides;
    }
    shape
}

#[cfg(test)]
mod tests {
    use super::*;

    fn elements(view: &View) -> Vec<usize> {
        (0..view.shape.size()).map(|i| view.element(i)).collect()
    }

    #[test]
    fn views_compose() {
        let base = View::contiguous(Shape::from([2, 3]));
        assert_eq!(elements(&base.permute(&[1, 0])), [0, 3, 1, 4, 2, 5]);
        assert_eq!(elements(&base.slice(&[0, 2], &[2, 3], &[1, -1])), [2, 1, 0, 5, 4, 3]);
        assert_eq!(elements(&base.slice(&[1, 0], &[1, 2], &[1, 2])), [3, 5]);
        let column = View::contiguous(Shape::from([2, 1]));
        assert_eq!(elements(&column.broadcast_to(&Shape::from([2, 2, 3]))), [0, 0, 0, 1, 1, 1, 0, 0, 0, 1, 1, 1]);
    }

    #[test]
    fn reshape_keeps_order_or_declines() {
        let base = View::contiguous(Shape::from([2, 3, 4]));
        assert_eq!(base.reshape(&Shape::from([6, 4])), Some(View::contiguous(Shape::from([6, 4]))));
        let swapped = base.permute(&[1, 0, 2]);
        assert_eq!(swapped.reshape(&Shape::from([6, 4])), None);
        let split = swapped.reshape(&Shape::from([3, 2, 2, 1, 2])).expect("dimensions split freely");
        assert_eq!(elements(&split), elements(&swapped));
        let broadcast = View::contiguous(Shape::scalar()).broadcast_to(&Shape::from([4]));
        assert_eq!(elements(&broadcast.reshape(&Shape::from([2, 2])).expect("zero strides merge")), [0; 4]);
    }

    #[test]
    fn collapse_merges_what_all_views_share() {
        let shape = Shape::from([2, 3, 4]);
        let mut views = [View::contiguous(shape.clone()), View::contiguous(Shape::from([4])).broadcast_to(&shape)];
        let before: Vec<_> = views.iter().map(elements).collect();
        assert_eq!(collapse(&shape, &mut views), Shape::from([6, 4]));
        assert_eq!(views.iter().map(elements).collect::<Vec<_>>(), before);
        let mut none: [View; 0] = [];
        assert_eq!(collapse(&Shape::scalar(), &mut none), Shape::from([1]));
    }
}
