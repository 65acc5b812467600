//! The tiles: their scores, the sums that run over them, and the gradient, which computes the scores again.

use crate::dtype::{DType, Scalar};
use crate::error::Result;
use crate::ops::{
    add, batch_matmul_views, concat, exp, less_equal, log, max, maximum, mul, permute, real_div, reshape, select,
    slice, sub, sum, sum_to,
};
use crate::shape::Shape;
use crate::tensor::Tensor;

/// Scores at or below this are masked: no product of queries and keys comes near, and unlike an infinity it can be
/// subtracted from itself.
const MASKED: f64 = -1e30;

/// The operands, with batch and key heads as one dimension: `q` is `[batch * heads, group, queries, dim]`, `k` and `v` are
/// `[batch * heads, keys, dim]`, the mask is `[batch, heads, group, queries, keys]` with 1 where it broadcasts.
#[derive(Clone)]
pub(super) struct Operands {
    pub q: Tensor,
    pub k: Tensor,
    pub v: Tensor,
    pub mask: Option<Tensor>,
}

impl Operands {
    /// The mask where it is one of numbers, which has a gradient.
    fn bias(&self) -> Option<&Tensor> {
        self.mask.as_ref().filter(|m| m.dtype() == DType::F32)
    }
}

/// The sizes.
#[derive(Clone, Copy)]
pub(super) struct Tiling {
    pub batch: usize,
    /// Of keys; each has `group` heads of queries.
    pub heads: usize,
    pub group: usize,
    pub queries: usize,
    pub keys: usize,
    pub dim: usize,
    pub value_dim: usize,
    /// Queries and keys of a tile.
    pub tile: (usize, usize),
    pub scale: f64,
    pub causal: bool,
    /// Whether any score can be masked.
    pub masked: bool,
}

/// A tile: its first query and key, and how many it has of them.
#[derive(Clone, Copy)]
struct Tile {
    row: usize,
    rows: usize,
    column: usize,
    columns: usize,
}

/// What the tiles of some rows have given so far; all are `[batch * heads, group * rows, ..]`.
struct State {
    /// The largest score.
    largest: Tensor,
    /// The sum of e^(score - largest).
    total: Tensor,
    /// The sum of e^(score - largest) * value.
    weighted: Tensor,
}

/// `size` elements from `start` along `axis`.
fn part(x: &Tensor, axis: usize, start: usize, size: usize) -> Result<Tensor> {
    let mut begin = vec![0; x.rank()];
    begin[axis] = start;
    slice(x, &begin, &x.shape().with_dim(axis, size))
}

/// First elements and sizes of the parts of a length.
fn parts(length: usize, size: usize) -> impl Iterator<Item = (usize, usize)> {
    (0..length).step_by(size).map(move |at| (at, size.min(length - at)))
}

fn transposed(x: &Tensor) -> Result<Tensor> {
    permute(x, &[0, 2, 1])
}

/// `sum + term`, with the term first: a product takes the addition into its kernel.
fn plus(sum: Option<Tensor>, term: Tensor) -> Result<Option<Tensor>> {
    sum.map_or_else(|| Ok(term.clone()), |sum| add(&term, &sum)).map(Some)
}

/// Tensors joined along `axis`, or zeros of `shape` where there are none.
fn joined(tensors: &[Tensor], axis: isize, like: &Tensor, shape: &Shape) -> Result<Tensor> {
    if tensors.is_empty() {
        return like.device().zeros(shape, DType::F32);
    }
    concat(&tensors.iter().collect::<Vec<_>>(), axis)
}

impl Tiling {
    /// The tiles of `rows` queries from `row` in which any query sees a key.
    fn tiles(&self, row: usize, rows: usize) -> impl Iterator<Item = Tile> {
        let seen = if self.causal { self.keys.min(row + rows) } else { self.keys };
        parts(self.keys, self.tile.1).take_while(move |&(column, _)| column < seen).map(move |(column, columns)| Tile {
            row,
            rows,
            column,
            columns,
        })
    }

    /// Some queries' rows of `[batch * heads, group, queries, n]` as matrices `[batch * heads, group * rows, n]`.
    fn rows(&self, x: &Tensor, row: usize, rows: usize) -> Result<Tensor> {
        let n = x.shape()[3];
        reshape(&part(x, 2, row, rows)?, [self.batch * self.heads, self.group * rows, n])
    }

    /// The inverse of [`Tiling::rows`].
    fn split_rows(&self, x: &Tensor, rows: usize) -> Result<Tensor> {
        reshape(x, [self.batch * self.heads, self.group, rows, x.shape()[2]])
    }

    /// Rows of all queries, joined.
    fn join_rows(&self, found: &[Tensor], like: &Tensor, n: usize) -> Result<Tensor> {
        joined(found, 2, like, &Shape::from([self.batch * self.heads, self.group, self.queries, n]))
    }

    /// A tile's scores by the heads that masks tell apart.
    fn by_head(&self, scores: &Tensor, tile: Tile) -> Result<Tensor> {
        reshape(scores, [self.batch, self.heads, self.group, tile.rows, tile.columns])
    }

    /// The scores of a tile `[batch * heads, group * rows, columns]` of the scaled `products` of its queries and keys:
    /// [`MASKED`] where a query does not see a key.
    fn scores(&self, products: Tensor, mask: Option<&Tensor>, tile: Tile) -> Result<Tensor> {
        if !self.masked {
            return Ok(products);
        }
        let (device, low) = (products.device(), products.constant(MASKED));
        let mut scores = self.by_head(&products, tile)?;
        if let Some(mask) = mask {
            let mut mask = mask.clone();
            for (axis, start, size) in [(3, tile.row, tile.rows), (4, tile.column, tile.columns)] {
                if mask.shape()[axis] != 1 {
                    mask = part(&mask, axis, start, size)?;
                }
            }
            scores = if mask.dtype() == DType::Bool {
                select(&mask, &scores, &low)?
            } else {
                maximum(&add(&scores, &mask)?, &low)?
            };
        }
        if self.causal && tile.column + tile.columns > tile.row + 1 {
            let numbers = |first: usize, shape: [usize; 2], axis: usize| {
                add(&device.iota(shape, axis)?, &device.constant(Scalar::I32(first as i32)))
            };
            let (key, query) = (numbers(tile.column, [1, tile.columns], 1)?, numbers(tile.row, [tile.rows, 1], 0)?);
            scores = select(&less_equal(&key, &query)?, &scores, &low)?;
        }
        reshape(&scores, products.shape())
    }

    /// e^(scores - shift), and 0 where a query does not see a key.
    fn weights(&self, scores: &Tensor, shift: &Tensor) -> Result<Tensor> {
        let weights = exp(&sub(scores, shift)?)?;
        if !self.masked {
            return Ok(weights);
        }
        select(&less_equal(scores, &scores.constant(MASKED))?, &scores.constant(0.0), &weights)
    }

    /// `[batch * heads, group, queries, value_dim + 1]`: the result, and the logarithm of the sum of e^score.
    pub fn forward(&self, x: &Operands) -> Result<Tensor> {
        let mut done = Vec::new();
        for (row, rows) in parts(self.queries, self.tile.0) {
            let q = self.rows(&x.q, row, rows)?;
            let mut state = None;
            for tile in self.tiles(row, rows) {
                let k = part(&x.k, 1, tile.column, tile.columns)?;
                let v = part(&x.v, 1, tile.column, tile.columns)?;
                let products = mul(&batch_matmul_views(&q, &transposed(&k)?)?, &q.constant(self.scale))?;
                state = Some(self.next(state, &self.scores(products, x.mask.as_ref(), tile)?, &v)?);
            }
            if let Some(state) = state {
                done.push(self.split_rows(&self.finished(&state)?, rows)?);
            }
        }
        self.join_rows(&done, &x.q, self.value_dim + 1)
    }

    /// The sums with one more tile.
    fn next(&self, before: Option<State>, scores: &Tensor, v: &Tensor) -> Result<State> {
        let of_tile = max(scores, Some(&[2]), true)?;
        let largest = before.as_ref().map_or_else(|| Ok(of_tile.clone()), |s| maximum(&s.largest, &of_tile))?;
        let weights = self.weights(scores, &largest)?;
        let mut total = sum(&weights, Some(&[2]), true)?;
        let mut weighted = batch_matmul_views(&weights, v)?;
        if let Some(before) = before {
            let shrink = exp(&sub(&before.largest, &largest)?)?;
            total = add(&total, &mul(&before.total, &shrink)?)?;
            weighted = add(&weighted, &mul(&before.weighted, &shrink)?)?;
        }
        Ok(State { largest, total, weighted })
    }

    fn finished(&self, State { largest, total, weighted }: &State) -> Result<Tensor> {
        let mut total = total.clone();
        if self.masked {
            // The weights of a query that sees no key are zeros: divided by 1 they stay so.
            let none = less_equal(largest, &largest.constant(MASKED))?;
            total = select(&none, &total.constant(1.0), &total)?;
        }
        concat(&[&real_div(weighted, &total)?, &add(&log(&total)?, largest)?], 2)
    }

    /// The gradients of [`Tiling::forward`] by `q`, `k`, `v` and a mask of numbers.
    pub fn backward(&self, x: &Operands, y: &Tensor, dy: &Tensor) -> Result<Vec<Tensor>> {
        let scale = y.constant(self.scale);
        let mut dk: Vec<Option<Tensor>> = vec![None; self.keys.div_ceil(self.tile.1)];
        let mut dv = dk.clone();
        let (mut dq, mut dbias) = (Vec::new(), Vec::new());
        for (row, rows) in parts(self.queries, self.tile.0) {
            let (y, dy) = (self.rows(y, row, rows)?, self.rows(dy, row, rows)?);
            // Scaled before the product and not after as forward: equal nodes are computed once, and the scores of all
            // tiles would be kept from there to here.
            let q = mul(&self.rows(&x.q, row, rows)?, &scale)?;
            let (out, dout) = (part(&y, 2, 0, self.value_dim)?, part(&dy, 2, 0, self.value_dim)?);
            let (log_total, dlog_total) = (part(&y, 2, self.value_dim, 1)?, part(&dy, 2, self.value_dim, 1)?);
            // What reaches all scores of a row alike, through their sum.
            let common = sub(&sum(&mul(&dout, &out)?, Some(&[2]), true)?, &dlog_total)?;
            let (mut dq_rows, mut dbias_rows) = (None, Vec::new());
            for tile in self.tiles(row, rows) {
                let n = tile.column / self.tile.1;
                let k = part(&x.k, 1, tile.column, tile.columns)?;
                let v = part(&x.v, 1, tile.column, tile.columns)?;
                let products = batch_matmul_views(&q, &transposed(&k)?)?;
                let weights = self.weights(&self.scores(products, x.mask.as_ref(), tile)?, &log_total)?;
                let dweights = batch_matmul_views(&dout, &transposed(&v)?)?;
                let dscores = mul(&weights, &sub(&dweights, &common)?)?;
                dv[n] = plus(dv[n].take(), batch_matmul_views(&transposed(&weights)?, &dout)?)?;
                dk[n] = plus(dk[n].take(), batch_matmul_views(&transposed(&dscores)?, &q)?)?;
                dq_rows = plus(dq_rows, mul(&batch_matmul_views(&dscores, &k)?, &scale)?)?;
                if let Some(bias) = x.bias() {
                    dbias_rows.push(self.bias_gradient(bias, &dscores, tile)?);
                }
            }
            if let Some(rows_of) = dq_rows {
                dq.push(self.split_rows(&rows_of, rows)?);
            }
            if let Some(bias) = x.bias() {
                dbias.extend(self.bias_row(bias, dbias_rows)?);
            }
        }
        let mut all =
            vec![self.join_rows(&dq, &x.q, self.dim)?, self.join_columns(dk, &x.k)?, self.join_columns(dv, &x.v)?];
        if let Some(bias) = x.bias() {
            all.push(collected(&dbias, 3, bias, bias.shape())?);
        }
        Ok(all)
    }

    /// The gradients of all keys, joined; those that no query sees have zeros.
    fn join_columns(&self, found: Vec<Option<Tensor>>, like: &Tensor) -> Result<Tensor> {
        let sizes = parts(self.keys, self.tile.1).map(|(_, columns)| columns);
        let filled = found.into_iter().zip(sizes).map(|(part, columns)| match part {
            Some(part) => Ok(part),
            None => like.device().zeros(like.shape().with_dim(1, columns), DType::F32),
        });
        joined(&filled.collect::<Result<Vec<_>>>()?, 1, like, like.shape())
    }

    /// A tile's part of the mask's gradient: the sum over what the mask broadcasts to.
    fn bias_gradient(&self, bias: &Tensor, dscores: &Tensor, tile: Tile) -> Result<Tensor> {
        let mut shape = bias.shape().clone();
        for (axis, size) in [(3, tile.rows), (4, tile.columns)] {
            if shape[axis] != 1 {
                shape = shape.with_dim(axis, size);
            }
        }
        sum_to(&self.by_head(dscores, tile)?, &shape)
    }

    /// The mask's gradient in a row of tiles, with zeros for the keys that none of them sees.
    fn bias_row(&self, bias: &Tensor, mut tiles: Vec<Tensor>) -> Result<Option<Tensor>> {
        let Some(whole) = tiles.first().map(|t| t.shape().with_dim(4, bias.shape()[4])) else {
            return Ok(None);
        };
        let found: usize = tiles.iter().map(|t| t.shape()[4]).sum();
        if found < whole[4] {
            tiles.push(bias.device().zeros(whole.with_dim(4, whole[4] - found), DType::F32)?);
        }
        collected(&tiles, 4, bias, &whole).map(Some)
    }
}

/// Parts of a tensor of shape `whole` along `axis`: joined, or added up where it broadcasts along it.
fn collected(parts: &[Tensor], axis: usize, like: &Tensor, whole: &Shape) -> Result<Tensor> {
    if whole[axis] == 1 {
        if let Some(total) = parts.iter().cloned().try_fold(None, plus)? {
            return Ok(total);
        }
    }
    joined(parts, axis as isize, like, whole)
}
