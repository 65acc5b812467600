//! Rearrangements of blocks, borders that mirror, grids and diagonals: all written in views, joins and comparisons of indices.

use crate::collect::AllOk;
use crate::collect::Listed;
use crate::device::Device;
use crate::dtype::{DType, Scalar};
use crate::error::{Error, Result};
use crate::ops::{broadcast_to, concat, equal, pad, permute, reshape, reverse, select, slice, strided_slice};
use crate::shape::Shape;
use crate::tensor::Tensor;

/// The product of block sizes.
fn volume(op: &str, block: &[usize]) -> Result<usize> {
    let product = block.iter().try_fold(1usize, |n, &b| n.checked_mul(b)).filter(|&n| n > 0);
    product.ok_or_else(|| Error::argument(op, "block sizes of at least 1", format_args!("{block:?}")))
}

/// That `x` has a batch and so many more dimensions, with a pair of numbers for each.
fn expect_blocks(op: &str, x: &Tensor, block: &[usize], pairs: &[(usize, usize)]) -> Result<()> {
    if pairs.len() != block.len() {
        return Err(Error::argument(op, format_args!("{} pairs, one per block size", block.len()), pairs.len()));
    }
    if x.rank() <= block.len() {
        return Err(Error::shape(op, format_args!("a tensor of rank above {}", block.len()), x.shape()));
    }
    Ok(())
}

/// Parts of the batch moved into blocks of space, then `crops` cut off before and after: the inverse of
/// [`space_to_batch`]. `x` is `[batch, space.., rest..]` with as many dimensions of space as `block` has sizes; the result
/// is `[batch / product(block), space * block - crops.., rest..]` of `x`'s dtype.
///
/// # Errors
/// `ErrorKind::Shape` when the rank is too low, the batch is not a multiple of the blocks or nothing is left of a
/// dimension; `ErrorKind::Argument` for a block size of 0 or a number of crops other than that of block sizes.
pub fn batch_to_space(x: &Tensor, block: &[usize], crops: &[(usize, usize)]) -> Result<Tensor> {
    const OP: &str = "batchToSpaceND";
    expect_blocks(OP, x, block, crops)?;
    let (n, cells, batch) = (block.len(), volume(OP, block)?, x.shape()[0]);
    if batch % cells != 0 {
        return Err(Error::shape(OP, format_args!("a batch that is a multiple of {cells}"), x.shape()));
    }
    let (space, rest) = x.shape()[1..].split_at(n);
    let split = Shape::joined(&[block, &[batch / cells], space, rest]);
    // The cells of each dimension go behind it.
    let (mut order, mut whole) = (vec![n], vec![batch / cells]);
    for d in 0..n {
        order.extend([n + 1 + d, d]);
        whole.push(space[d] * block[d]);
    }
    order.extend(2 * n + 1..split.rank());
    let whole = Shape::joined(&[&whole, rest]);
    let joined = reshape(&permute(&reshape(x, split)?, &order)?, &whole)?;
    let (mut begin, mut size) = (vec![0; whole.rank()], whole.to_vec());
    for (d, &(before, after)) in crops.iter().enumerate() {
        begin[d + 1] = before;
        let left = size[d + 1].checked_sub(before).and_then(|s| s.checked_sub(after));
        size[d + 1] =
            left.ok_or_else(|| Error::shape(OP, format_args!("crops inside {whole}"), format_args!("{crops:?}")))?;
    }
    slice(&joined, &begin, &size)
}

/// Space, after `paddings` with zeros, cut into blocks whose cells are moved into the batch. `x` is
/// `[batch, space.., rest..]` with as many dimensions of space as `block` has sizes; the result is
/// `[batch * product(block), padded space / block.., rest..]` of `x`'s dtype.
///
/// # Errors
/// `ErrorKind::Shape` when the rank is too low or a padded dimension is not a multiple of its block; `ErrorKind::Argument`
/// for a block size of 0 or a number of paddings other than that of block sizes.
pub fn space_to_batch(x: &Tensor, block: &[usize], paddings: &[(usize, usize)]) -> Result<Tensor> {
    const OP: &str = "spaceToBatchND";
    expect_blocks(OP, x, block, paddings)?;
    let (n, cells) = (block.len(), volume(OP, block)?);
    let mut all = vec![(0, 0); x.rank()];
    all[1..=n].copy_from_slice(paddings);
    let padded = if paddings.iter().all(|&p| p == (0, 0)) { x.clone() } else { pad(x, &all, 0.0)? };
    let (batch, (space, rest)) = (x.shape()[0], padded.shape()[1..].split_at(n));
    if space.iter().zip(block).any(|(d, b)| d % b != 0) {
        let expected = format_args!("padded dimensions that are multiples of {block:?}");
        return Err(Error::shape(OP, expected, padded.shape()));
    }
    let (mut split, mut out) = (vec![batch], vec![batch * cells]);
    let (mut inner, mut order) = (Vec::new(), vec![0]);
    for d in 0..n {
        let blocks = space[d] / block[d];
        split.extend([blocks, block[d]]);
        out.push(blocks);
        inner.push(2 * d + 2);
        order.push(2 * d + 1);
    }
    let split = Shape::joined(&[&split, rest]);
    order.extend(2 * n + 1..split.rank());
    inner.extend(order);
    reshape(&permute(&reshape(&padded, split)?, &inner)?, Shape::joined(&[&out, rest]))
}

/// That `x` is NHWC and the block's cells can be counted: their number.
fn expect_images(op: &str, x: &Tensor, block: usize) -> Result<usize> {
    if x.rank() != 4 {
        return Err(Error::shape(op, "an image batch of rank 4", x.shape()));
    }
    volume(op, &[block, block])
}

/// Channels of NHWC images moved into blocks of space:
/// `[batch, height, width, channels]` becomes `[batch, height * block, width * block, channels / block^2]`. The first channels
/// are those of the block's upper left.
///
/// # Errors
/// `ErrorKind::Shape` when `x` is not of rank 4 or its channels are not a multiple of the block's cells;
/// `ErrorKind::Argument` for a block of 0.
pub fn depth_to_space(x: &Tensor, block: usize) -> Result<Tensor> {
    let cells = expect_images("depthToSpace", x, block)?;
    let [n, h, w, c] = [x.shape()[0], x.shape()[1], x.shape()[2], x.shape()[3]];
    if c % cells != 0 {
        return Err(Error::shape("depthToSpace", format_args!("channels that are a multiple of {cells}"), x.shape()));
    }
    let split = reshape(x, [n, h, w, block, block, c / cells])?;
    reshape(&permute(&split, &[0, 1, 3, 2, 4, 5])?, [n, h * block, w * block, c / cells])
}

/// Blocks of space of NHWC images moved into channels, the inverse of [`depth_to_space`]:
/// `[batch, height, width, channels]` becomes `[batch, height / block, width / block, channels * block^2]`.
///
/// # Errors
/// `ErrorKind::Shape` when `x` is not of rank 4 or its height or width is not a multiple of the block;
/// `ErrorKind::Argument` for a block of 0.
pub fn space_to_depth(x: &Tensor, block: usize) -> Result<Tensor> {
    let cells = expect_images("spaceToDepth", x, block)?;
    let [n, h, w, c] = [x.shape()[0], x.shape()[1], x.shape()[2], x.shape()[3]];
    if h % block != 0 || w % block != 0 {
        return Err(Error::shape(
            "spaceToDepth",
            format_args!("a height and width that are multiples of {block}"),
            x.shape(),
        ));
    }
    let split = reshape(x, [n, h / block, block, w / block, block, c])?;
    reshape(&permute(&split, &[0, 1, 3, 2, 4, 5])?, [n, h / block, w / block, c * cells])
}

/// What a mirrored border repeats.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mirror {
    /// The inside without its edge: `c b | a b c | b a`.
    Reflect,
    /// The inside with its edge: `b a | a b c | c b`.
    Symmetric,
}

/// `x` with borders that mirror its inside: `paddings` elements before and after each dimension.
///
/// # Errors
/// `ErrorKind::Shape` when there is not one pair per dimension; `ErrorKind::Argument` when a border is longer than what it
/// mirrors.
pub fn mirror_pad(x: &Tensor, paddings: &[(usize, usize)], mode: Mirror) -> Result<Tensor> {
    if paddings.len() != x.rank() {
        return Err(Error::shape(
            "mirrorPad",
            format_args!("{} paddings, one per dimension", x.rank()),
            paddings.len(),
        ));
    }
    let edge = usize::from(mode == Mirror::Reflect);
    let mut result = x.clone();
    for (axis, &(before, after)) in paddings.iter().enumerate() {
        let n = x.shape()[axis];
        let most = n.saturating_sub(edge);
        if before.max(after) > most {
            let expected = format_args!("at most {most} elements before and after dimension {axis} of {}", x.shape());
            return Err(Error::argument("mirrorPad", expected, format_args!("{:?}", (before, after))));
        }
        let mirrored = |from: usize, count: usize| {
            let mut begin = vec![0; x.rank()];
            begin[axis] = from;
            reverse(&slice(&result, &begin, &result.shape().with_dim(axis, count))?, Some(&[axis as isize]))
        };
        let mut pieces = Vec::with_capacity(3);
        if before > 0 {
            pieces.push(mirrored(edge, before)?);
        }
        pieces.push(result.clone());
        if after > 0 {
            pieces.push(mirrored(n - edge - after, after)?);
        }
        result = concat(&pieces.iter().listed(), axis as isize)?;
    }
    Ok(result)
}

/// The coordinates of a grid: for each of `axes`, taken as a vector, a tensor whose dimension of that number runs through
/// it and which is constant along the others. With `by_rows` the first two dimensions change places, so that the first
/// vector runs along rows (`indexing='xy'` of NumPy).
///
/// # Errors
/// None that a caller can cause.
pub fn meshgrid(axes: &[&Tensor], by_rows: bool) -> Result<Vec<Tensor>> {
    let swap = by_rows && axes.len() > 1;
    let place = |i: usize| if swap && i < 2 { 1 - i } else { i };
    let full: Shape = (0..axes.len()).map(|d| axes[place(d)].size()).collect();
    let alone = vec![1; axes.len()];
    (axes.iter().enumerate())
        .map(|(i, x)| broadcast_to(&reshape(x, Shape::from(&alone[..]).with_dim(place(i), x.size()))?, &full))
        .all_ok()
}

/// Where the row's number equals the column's.
fn on_diagonal(device: &Device, rows: usize, columns: usize) -> Result<Tensor> {
    equal(&device.iota([rows, columns], 0)?, &device.iota([rows, columns], 1)?)
}

/// A matrix with ones on its main diagonal and zeros elsewhere.
///
/// # Errors
/// None that a caller can cause.
pub fn eye(device: &Device, rows: usize, columns: usize, dtype: DType) -> Result<Tensor> {
    let value = |v: f64| device.constant(Scalar::from_f64(dtype, v));
    select(&on_diagonal(device, rows, columns)?, &value(1.0), &value(0.0))
}

/// A tensor of twice the rank, zero but for `x` on its diagonal: element `[i.., i..]` is `x[i..]`.
///
/// # Errors
/// None that a caller can cause.
pub fn diag(x: &Tensor) -> Result<Tensor> {
    let n = x.size();
    let matrix = select(&on_diagonal(x.device(), n, n)?, &reshape(x, [n, 1])?, &x.constant(0.0))?;
    reshape(&matrix, Shape::joined(&[x.shape(), x.shape()]))
}

/// The elements of the matrices in dimensions `axes` whose column is `offset` to the right of their row (to the left when
/// negative), as a new last dimension in place of the two.
///
/// # Errors
/// `ErrorKind::Argument` when an axis does not exist or both are the same.
pub fn diagonal(x: &Tensor, offset: isize, axes: (isize, isize)) -> Result<Tensor> {
    let (rows, columns) = (x.shape().axis(axes.0, "diagonal")?, x.shape().axis(axes.1, "diagonal")?);
    if rows == columns {
        return Err(Error::argument("diagonal", "two different axes", format_args!("{axes:?}")));
    }
    let (m, n) = (x.shape()[rows], x.shape()[columns]);
    let (down, right) = (offset.min(0).unsigned_abs(), offset.max(0).unsigned_abs());
    let count = m.saturating_sub(down).min(n.saturating_sub(right));
    let order = x.shape().order_with_last(&[rows, columns]);
    let rest = x.shape().without(&[rows, columns]);
    let last = |size: usize| Shape::joined(&[&rest, &[size]]);
    let flat = reshape(&permute(x, &order)?, last(m * n))?;
    // Row after row, neighbours on a diagonal lie one row and one column apart.
    let (mut begin, mut step) = (vec![0; flat.rank()], vec![1; flat.rank()]);
    if count > 0 {
        begin[rest.rank()] = down * n + right;
        step[rest.rank()] = n as isize + 1;
    }
    strided_slice(&flat, &begin, &last(count), &step)
}
