//! The tiles: their scores, the sums that run over them, and the gradient, which computes the scores again.

use crate::calc::{each, Calc, Term};
use crate::collect::AllOk;
use crate::collect::Listed;
use crate::dtype::DType;
use crate::error::Result;
use crate::ops::{add, batch_matmul_views, concat, exp, less_equal, log, maximum, sum_to};
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

/// What the tiles of some rows have given so far, nothing before the first: the largest score, the sum of
/// e^(score - largest), and the sum of e^(score - largest) * value, all `[batch * heads, group * rows, ..]`.
type State = Vec<Tensor>;

/// First elements and sizes of the parts of a length.
fn parts(length: usize, size: usize) -> impl Iterator<Item = (usize, usize)> {
    (0..length).step_by(size).map(move |at| (at, size.min(length - at)))
}

fn transposed(x: Term<'_>) -> Term<'_> {
    x.permute(&[0, 2, 1])
}

fn dot<'a>(a: Term<'a>, b: Term<'a>) -> Term<'a> {
    a.with(b, batch_matmul_views)
}

/// Tensors joined along `axis`, or zeros of `shape` where there are none.
fn joined(tensors: &[Tensor], axis: isize, like: &Tensor, shape: &Shape) -> Result<Tensor> {
    if tensors.is_empty() {
        return like.device().zeros(shape, DType::F32);
    }
    concat(&tensors.iter().listed(), axis)
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
    fn rows<'a>(&self, x: Term<'a>, row: usize, rows: usize) -> Term<'a> {
        x.part(2, row, rows).reshape(&[self.batch * self.heads, self.group * rows, x.dim(3)])
    }

    /// The inverse of [`Tiling::rows`].
    fn split_rows<'a>(&self, x: Term<'a>, rows: usize) -> Term<'a> {
        x.reshape(&[self.batch * self.heads, self.group, rows, x.dim(2)])
    }

    /// Rows of all queries, joined.
    fn join_rows(&self, found: &[Tensor], like: &Tensor, n: usize) -> Result<Tensor> {
        joined(found, 2, like, &Shape::from([self.batch * self.heads, self.group, self.queries, n]))
    }

    /// A tile's scores by the heads that masks tell apart.
    fn by_head<'a>(&self, scores: Term<'a>, tile: Tile) -> Term<'a> {
        scores.reshape(&[self.batch, self.heads, self.group, tile.rows, tile.columns])
    }

    /// The scores of a tile `[batch * heads, group * rows, columns]` of the scaled `products` of its queries and keys:
    /// [`MASKED`] where a query does not see a key.
    fn scores<'a>(&self, products: Term<'a>, mask: Option<&Tensor>, tile: Tile) -> Term<'a> {
        if !self.masked {
            return products;
        }
        let low = products.like(MASKED);
        let mut scores = self.by_head(products, tile);
        if let Some(mask) = mask {
            let mut part = products.of(mask);
            for (axis, start, size) in [(3, tile.row, tile.rows), (4, tile.column, tile.columns)] {
                if mask.shape()[axis] != 1 {
                    part = part.part(axis, start, size);
                }
            }
            scores =
                if mask.dtype() == DType::Bool { part.choose(scores, low) } else { (scores + part).with(low, maximum) };
        }
        if self.causal && tile.column + tile.columns > tile.row + 1 {
            let numbers = |first: usize, shape: [usize; 2], axis: usize| products.iota(&shape, axis) + first as f64;
            let (key, query) = (numbers(tile.column, [1, tile.columns], 1), numbers(tile.row, [tile.rows, 1], 0));
            scores = key.with(query, less_equal).choose(scores, low);
        }
        scores.reshape(products.shape())
    }

    /// e^(scores - shift), and 0 where a query does not see a key.
    fn weights<'a>(&self, scores: Term<'a>, shift: Term<'a>) -> Term<'a> {
        let weights = (scores - shift).map(exp);
        if !self.masked {
            return weights;
        }
        scores.by(MASKED, less_equal).choose(scores.like(0.0), weights)
    }

    /// `[batch * heads, group, queries, value_dim + 1]`: the result, and the logarithm of the sum of e^score.
    pub fn forward(&self, x: &Operands) -> Result<Tensor> {
        let mut done = Vec::new();
        for (row, rows) in parts(self.queries, self.tile.0) {
            let mut state = State::new();
            for tile in self.tiles(row, rows) {
                state = self.next(x, &state, tile)?;
            }
            if !state.is_empty() {
                done.push(self.finished(&state, rows)?);
            }
        }
        self.join_rows(&done, &x.q, self.value_dim + 1)
    }

    /// The sums with one more tile.
    fn next(&self, x: &Operands, before: &State, tile: Tile) -> Result<State> {
        let calc = Calc::default();
        let q = self.rows(calc.of(&x.q), tile.row, tile.rows);
        let [k, v] = each(calc.both(&x.k, &x.v), &|t| t.part(1, tile.column, tile.columns));
        let scores = self.scores(dot(q, transposed(k)) * self.scale, x.mask.as_ref(), tile);
        let mut largest = scores.max_along(&[2], true);
        if let Some(before) = before.first() {
            largest = calc.of(before).with(largest, maximum);
        }
        let weights = self.weights(scores, largest);
        let (mut total, mut weighted) = (weights.sum(&[2], true), dot(weights, v));
        if let [before, total_before, weighted_before] = &before[..] {
            let shrink = (calc.of(before) - largest).map(exp);
            total = total + calc.of(total_before) * shrink;
            weighted = weighted + calc.of(weighted_before) * shrink;
        }
        calc.results(&[largest, total, weighted])
    }

    fn finished(&self, state: &State, rows: usize) -> Result<Tensor> {
        let calc = Calc::default();
        let [largest, mut total] = calc.both(&state[0], &state[1]);
        let weighted = calc.of(&state[2]);
        if self.masked {
            // The weights of a query that sees no key are zeros: divided by 1 they stay so.
            total = largest.by(MASKED, less_equal).choose(total.like(1.0), total);
        }
        let both = (weighted / total).join(total.map(log) + largest, 2);
        calc.result(self.split_rows(both, rows))
    }

    /// The gradients of [`Tiling::forward`] by `q`, `k`, `v` and a mask of numbers.
    pub fn backward(&self, x: &Operands, y: &Tensor, dy: &Tensor) -> Result<Vec<Tensor>> {
        let mut dk: Vec<Option<Tensor>> = vec![None; self.keys.div_ceil(self.tile.1)];
        let mut dv = dk.clone();
        let (mut dq, mut dbias) = (Vec::new(), Vec::new());
        for (row, rows) in parts(self.queries, self.tile.0) {
            let of_rows = self.rows_backward(x, y, dy, row, rows)?;
            let (mut dq_rows, mut dbias_rows) = (None, Vec::new());
            for tile in self.tiles(row, rows) {
                let n = tile.column / self.tile.1;
                let sums = [dv[n].take(), dk[n].take(), dq_rows.take()];
                let mut found = self.tile_backward(x, &of_rows, sums, tile)?.into_iter();
                (dv[n], dk[n], dq_rows) = (found.next(), found.next(), found.next());
                dbias_rows.extend(found);
            }
            if let Some(rows_of) = dq_rows {
                let calc = Calc::default();
                dq.push(calc.result(self.split_rows(calc.of(&rows_of), rows))?);
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

    /// What gradients of tiles need of some rows: their queries, the result's gradient, the logarithms of their sums, and
    /// what reaches all scores of a row alike, through their sum.
    fn rows_backward(&self, x: &Operands, y: &Tensor, dy: &Tensor, row: usize, rows: usize) -> Result<Vec<Tensor>> {
        let calc = Calc::default();
        let y = each(calc.both(y, dy), &|t| self.rows(t, row, rows));
        // Scaled before the product and not after as forward: equal nodes are computed once, and the scores of all
        // tiles would be kept from there to here.
        let q = self.rows(calc.of(&x.q), row, rows) * self.scale;
        let [out, dout] = each(y, &|t| t.part(2, 0, self.value_dim));
        let [log_total, dlog_total] = each(y, &|t| t.part(2, self.value_dim, 1));
        let common = (dout * out).sum(&[2], true) - dlog_total;
        calc.results(&[q, dout, log_total, common])
    }

    /// A tile's gradients by its values, keys and queries, with `sums` of others added, and by a mask of numbers.
    fn tile_backward(
        &self,
        x: &Operands,
        of_rows: &[Tensor],
        sums: [Option<Tensor>; 3],
        tile: Tile,
    ) -> Result<Vec<Tensor>> {
        let calc = Calc::default();
        let [q, dout] = calc.both(&of_rows[0], &of_rows[1]);
        let [log_total, common] = calc.both(&of_rows[2], &of_rows[3]);
        let [k, v] = each(calc.both(&x.k, &x.v), &|t| t.part(1, tile.column, tile.columns));
        let weights = self.weights(self.scores(dot(q, transposed(k)), x.mask.as_ref(), tile), log_total);
        let dscores = weights * (dot(dout, transposed(v)) - common);
        let parts = [dot(transposed(weights), dout), dot(transposed(dscores), q), dot(dscores, k) * self.scale];
        // The part first: a product takes the addition into its kernel.
        let mut all = parts.to_vec();
        for (part, sum) in all.iter_mut().zip(&sums) {
            *part = sum.as_ref().map_or(*part, |sum| *part + calc.of(sum));
        }
        if let Some(bias) = x.bias() {
            all.push(self.bias_gradient(bias, dscores, tile));
        }
        calc.results(&all)
    }

    /// The gradients of all keys, joined; those that no query sees have zeros.
    fn join_columns(&self, found: Vec<Option<Tensor>>, like: &Tensor) -> Result<Tensor> {
        let sizes = parts(self.keys, self.tile.1).map(|(_, columns)| columns);
        let filled = found.into_iter().zip(sizes).map(|(part, columns)| match part {
            Some(part) => Ok(part),
            None => like.device().zeros(like.shape().with_dim(1, columns), DType::F32),
        });
        joined(&filled.all_ok()?, 1, like, like.shape())
    }

    /// A tile's part of the mask's gradient: the sum over what the mask broadcasts to.
    fn bias_gradient<'a>(&self, bias: &Tensor, dscores: Term<'a>, tile: Tile) -> Term<'a> {
        let mut shape = bias.shape().clone();
        for (axis, size) in [(3, tile.rows), (4, tile.columns)] {
            if shape[axis] != 1 {
                shape = shape.with_dim(axis, size);
            }
        }
        self.by_head(dscores, tile).then(&|x| sum_to(x, &shape))
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
        if let Some((first, rest)) = parts.split_first() {
            return rest.iter().try_fold(first.clone(), |sum, term| add(term, &sum));
        }
    }
    joined(parts, axis as isize, like, whole)
}
