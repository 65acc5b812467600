//! Index maps, and joining.

use crate::collect::AllOk;
use crate::collect::Listed;
use smallvec::SmallVec;

use crate::dtype::{DType, Scalar};
use crate::error::{Error, Result};
use crate::op::{Dims, Op, ViewOp};
use crate::shape::Shape;
use crate::tensor::Tensor;

/// Operands one kernel joins; more are joined in a tree.
const MAX_CONCAT: usize = 6;

/// Elements of `x` in another order, seen as `dtype`, which has the same lanes.
pub(super) fn view(x: &Tensor, op: ViewOp, shape: Shape, dtype: DType) -> Result<Tensor> {
    x.device().record(Op::View(op), &[x], shape, dtype)
}

/// The same elements under another shape.
///
/// # Errors
/// `ErrorKind::Shape` when the sizes differ.
pub fn reshape(x: &Tensor, shape: impl Into<Shape>) -> Result<Tensor> {
    reshape_to(x, shape.into())
}

// Not generic: each kind of shape would bring another copy to the download.
fn reshape_to(x: &Tensor, shape: Shape) -> Result<Tensor> {
    if shape.size() != x.size() {
        let expected = format_args!("a shape of {} elements, as {} has", x.size(), x.shape());
        return Err(Error::shape("reshape", expected, shape));
    }
    view(x, ViewOp::Reshape, shape, x.dtype())
}

/// Dimension `d` of the result is dimension `perm[d]` of `x`.
///
/// # Errors
/// `ErrorKind::Argument` when `perm` is not a permutation of the axes.
pub fn permute(x: &Tensor, perm: &[usize]) -> Result<Tensor> {
    let mut sorted = perm.to_vec();
    sorted.sort_unstable();
    if sorted != (0..x.rank()).listed() {
        return Err(Error::argument(
            "transpose",
            format_args!("a permutation of {} axes", x.rank()),
            format_args!("{perm:?}"),
        ));
    }
    let shape = perm.iter().map(|&p| x.shape()[p]).collect();
    view(x, ViewOp::Permute(perm.iter().copied().per_dimension()), shape, x.dtype())
}

/// Dimensions in the order `perm` (negative: from the back), reversed when `None`.
///
/// # Errors
/// As [`permute`].
pub fn transpose(x: &Tensor, perm: Option<&[isize]>) -> Result<Tensor> {
    let perm: Vec<usize> = match perm {
        None => (0..x.rank()).rev().listed(),
        Some(perm) => perm.iter().map(|&p| x.shape().axis(p, "transpose")).all_ok()?,
    };
    permute(x, &perm)
}

/// `x` repeated along dimensions of size 1 and along new leading ones.
///
/// # Errors
/// `ErrorKind::Shape` when `x` does not broadcast to `shape`.
pub fn broadcast_to(x: &Tensor, shape: impl Into<Shape>) -> Result<Tensor> {
    broadcast_to_shape(x, shape.into())
}

fn broadcast_to_shape(x: &Tensor, shape: Shape) -> Result<Tensor> {
    if x.shape().broadcast(&shape, "broadcastTo")? != shape {
        return Err(Error::shape("broadcastTo", format_args!("a shape that {} broadcasts to", x.shape()), shape));
    }
    if *x.shape() == shape {
        return Ok(x.clone());
    }
    view(x, ViewOp::Broadcast, shape, x.dtype())
}

/// `size` elements from `begin` along each dimension.
///
/// # Errors
/// `ErrorKind::Shape` when the ranks differ or the slice reaches outside `x`.
pub fn slice(x: &Tensor, begin: &[usize], size: &[usize]) -> Result<Tensor> {
    let inside =
        begin.len() == x.rank() && size.len() == x.rank() && (0..x.rank()).all(|d| begin[d] + size[d] <= x.shape()[d]);
    if !inside {
        let got = format_args!("begin {begin:?} size {size:?}");
        return Err(Error::shape("slice", format_args!("a slice inside {}", x.shape()), got));
    }
    strided_slice(x, begin, size, &SmallVec::<[isize; 6]>::from_elem(1, x.rank()))
}

/// `size` elements, every `step`-th from `begin`, along each dimension. Steps may be negative.
///
/// # Errors
/// `ErrorKind::Shape` when a position lies outside `x`; `ErrorKind::Argument` when a step is zero.
pub fn strided_slice(x: &Tensor, begin: &[usize], size: &[usize], step: &[isize]) -> Result<Tensor> {
    let ranks_agree = [begin.len(), size.len(), step.len()].iter().all(|&r| r == x.rank());
    let inside = ranks_agree
        && (0..x.rank()).all(|d| {
            let last = begin[d] as isize + (size[d] as isize - 1) * step[d];
            size[d] == 0 || (begin[d] < x.shape()[d] && last >= 0 && last < x.shape()[d] as isize)
        });
    if !inside {
        let got = format_args!("begin {begin:?} size {size:?} step {step:?}");
        return Err(Error::shape("stridedSlice", format_args!("a slice inside {}", x.shape()), got));
    }
    if step.contains(&0) {
        return Err(Error::argument("stridedSlice", "steps other than 0", format_args!("{step:?}")));
    }
    let op = ViewOp::Slice { begin: Dims::from_slice(begin), step: SmallVec::from_slice(step) };
    view(x, op, Shape::from(size), x.dtype())
}

/// The elements in reverse order along `axes`, all of them when `None`.
///
/// # Errors
/// `ErrorKind::Argument` when an axis does not exist.
pub fn reverse(x: &Tensor, axes: Option<&[isize]>) -> Result<Tensor> {
    let axes = x.shape().axes(axes, "reverse")?;
    let flipped = |d: usize| axes.contains(&d) && x.shape()[d] > 0;
    let begin: Dims = (0..x.rank()).map(|d| if flipped(d) { x.shape()[d] - 1 } else { 0 }).per_dimension();
    let step: SmallVec<[isize; 6]> = (0..x.rank()).map(|d| if flipped(d) { -1 } else { 1 }).per_dimension();
    strided_slice(x, &begin, x.shape(), &step)
}

/// A dimension of size 1 put in at `axis`.
///
/// # Errors
/// `ErrorKind::Argument` when the axis is outside `[-rank - 1, rank]`.
pub fn expand_dims(x: &Tensor, axis: isize) -> Result<Tensor> {
    let mut dims = x.shape().to_vec();
    let longer = Shape::joined(&[x.shape(), &[1]]);
    dims.insert(longer.axis(axis, "expandDims")?, 1);
    reshape(x, dims)
}

/// Dimensions of size 1 left out: those in `axes`, or all.
///
/// # Errors
/// `ErrorKind::Shape` when a named dimension is not 1; `ErrorKind::Argument` when an axis does not exist.
pub fn squeeze(x: &Tensor, axes: Option<&[isize]>) -> Result<Tensor> {
    let axes = match axes {
        Some(axes) if !axes.is_empty() => x.shape().axes(Some(axes), "squeeze")?,
        _ => (0..x.rank()).filter(|&d| x.shape()[d] == 1).collect(),
    };
    if let Some(&axis) = axes.iter().find(|&&d| x.shape()[d] != 1) {
        return Err(Error::shape("squeeze", format_args!("dimension {axis} of size 1"), x.shape()));
    }
    reshape(x, x.shape().without(&axes))
}

/// `value` put before and after the elements of each dimension.
///
/// # Errors
/// `ErrorKind::Shape` when there is not one pair per dimension.
pub fn pad(x: &Tensor, paddings: &[(usize, usize)], value: f64) -> Result<Tensor> {
    if paddings.len() != x.rank() {
        return Err(Error::shape("pad", format_args!("{} paddings, one per dimension", x.rank()), paddings.len()));
    }
    let before: Vec<usize> = paddings.iter().map(|p| p.0).listed();
    let shape = paddings.iter().zip(x.shape().iter()).map(|(p, &d)| p.0 + d + p.1).collect();
    let scalar = Scalar::from_f64(x.dtype(), value);
    // Zeros are part of the structure: a convolution can take them over.
    let value = if scalar.bits() == 0 { x.device().constant(scalar) } else { x.device().scalar(scalar) };
    pad_between(x, &before, &vec![0; x.rank()], shape, &value)
}

/// Places the elements of `x` in a tensor of `shape` filled with `value`: `before` from the start and `between` apart.
pub(crate) fn pad_between(
    x: &Tensor,
    before: &[usize],
    between: &[usize],
    shape: Shape,
    value: &Tensor,
) -> Result<Tensor> {
    let op = Op::Pad { before: Dims::from_slice(before), between: Dims::from_slice(between) };
    x.device().record(op, &[x, value], shape, x.dtype())
}

/// Tensors joined along `axis`; dtypes are unified.
///
/// # Errors
/// `ErrorKind::Argument` for an empty list or a wrong axis; `ErrorKind::Shape` when other dimensions differ.
pub fn concat(tensors: &[&Tensor], axis: isize) -> Result<Tensor> {
    let Some(first) = tensors.first() else {
        return Err(Error::argument("concat", "at least one tensor", "none"));
    };
    let axis = first.shape().axis(axis, "concat")?;
    let dtype = tensors.iter().fold(DType::Bool, |d, t| d.upcast(t.dtype()));
    for other in tensors {
        if other.rank() != first.rank() || other.shape().with_dim(axis, 0) != first.shape().with_dim(axis, 0) {
            let expected = format_args!("shapes equal to {} but for axis {axis}", first.shape());
            return Err(Error::shape("concat", expected, other.shape()));
        }
    }
    let mut parts: Vec<Tensor> = tensors.iter().map(|t| t.cast(dtype)).all_ok()?;
    while parts.len() > 1 {
        parts = parts.chunks(MAX_CONCAT).map(|group| concat_group(group, axis)).all_ok()?;
    }
    Ok(parts.swap_remove(0))
}

fn concat_group(group: &[Tensor], axis: usize) -> Result<Tensor> {
    if let [only] = group {
        return Ok(only.clone());
    }
    let dim = group.iter().map(|t| t.shape()[axis]).sum();
    let shape = group[0].shape().with_dim(axis, dim);
    let inputs: Vec<&Tensor> = group.iter().listed();
    group[0].device().record(Op::Concat { axis }, &inputs, shape, group[0].dtype())
}

/// Tensors of one shape joined along a new dimension at `axis`.
///
/// # Errors
/// As [`concat`] and [`expand_dims`].
pub fn stack(tensors: &[&Tensor], axis: isize) -> Result<Tensor> {
    let expanded: Vec<Tensor> = tensors.iter().map(|t| expand_dims(t, axis)).all_ok()?;
    concat(&expanded.iter().listed(), axis)
}

/// Parts of `sizes` along `axis`.
///
/// # Errors
/// `ErrorKind::Shape` when the sizes do not add up.
pub fn split(x: &Tensor, sizes: &[usize], axis: isize) -> Result<Vec<Tensor>> {
    let axis = x.shape().axis(axis, "split")?;
    if sizes.iter().sum::<usize>() != x.shape()[axis] {
        return Err(Error::shape(
            "split",
            format_args!("sizes that add up to {}", x.shape()[axis]),
            format_args!("{sizes:?}"),
        ));
    }
    let mut start = 0;
    (sizes.iter())
        .map(|&size| {
            let mut begin = vec![0; x.rank()];
            begin[axis] = start;
            start += size;
            slice(x, &begin, &x.shape().with_dim(axis, size))
        })
        .all_ok()
}

/// The parts of size 1 along `axis`, without that dimension.
///
/// # Errors
/// `ErrorKind::Argument` when the axis does not exist.
pub fn unstack(x: &Tensor, axis: isize) -> Result<Vec<Tensor>> {
    let at = x.shape().axis(axis, "unstack")?;
    let parts = split(x, &vec![1; x.shape()[at]], axis)?;
    parts.iter().map(|part| squeeze(part, Some(&[at as isize]))).all_ok()
}

/// `x` repeated `reps[d]` times along each dimension `d`.
///
/// # Errors
/// `ErrorKind::Shape` when there is not one count per dimension.
pub fn tile(x: &Tensor, reps: &[usize]) -> Result<Tensor> {
    if reps.len() != x.rank() {
        return Err(Error::shape(
            "tile",
            format_args!("{} counts, one per dimension", x.rank()),
            format_args!("{reps:?}"),
        ));
    }
    let interleave =
        |pairs: &mut dyn Iterator<Item = (usize, usize)>| pairs.flat_map(|(a, b)| [a, b]).collect::<Shape>();
    let dims = x.shape().iter().copied();
    let split = reshape(x, interleave(&mut dims.clone().map(|d| (1, d))))?;
    let repeated = broadcast_to(&split, interleave(&mut reps.iter().copied().zip(dims.clone())))?;
    reshape(&repeated, reps.iter().zip(dims).map(|(&r, d)| r * d).collect::<Shape>())
}
