//! Attention, in tiles of queries and keys.

mod tiles;

use crate::calc::Calc;
use crate::dtype::DType;
use crate::error::{Error, Result};
use crate::grad::custom;
use crate::ops::reshape;
use crate::shape::Shape;
use crate::tensor::Tensor;
use tiles::{Operands, Tiling};

/// The name that errors give.
const OP: &str = "scaledDotProductAttention";
/// Keys of a tile.
const TILE_KEYS: usize = 512;
/// Most queries of a tile.
const TILE_QUERIES: usize = 1024;
/// Most queries of a tile of causal attention: the fewer, the more tiles lie above the diagonal and are left out.
const TILE_CAUSAL_QUERIES: usize = 256;
/// Fewest queries of a tile, below which products are slow.
const LEAST_QUERIES: usize = 64;
/// Scores of a tile, in all batches and heads together.
const TILE_SCORES: usize = 1 << 22;

/// The parameters of [`scaled_dot_product_attention`].
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct AttentionOptions {
    /// Whether query `i` sees keys `0..=i` alone. The first query belongs to the first key, however many there are of
    /// either, as in PyTorch.
    pub causal: bool,
    /// What products of queries and keys are multiplied by; `1 / sqrt(dim)` where `None`.
    pub scale: Option<f64>,
    /// Queries and keys of a tile; chosen by the sizes where `None`.
    pub tile: Option<(usize, usize)>,
}

/// `softmax(q kᵀ * scale + mask) v` over the last two dimensions, in PyTorch's layout: `q` is
/// `[batch, heads, queries, dim]`, `k` `[batch, key heads, keys, dim]` and `v` `[batch, key heads, keys, value dim]`; the
/// result is `[batch, heads, queries, value dim]`, float32. All three may lack the batch, or the batch and the heads.
///
/// Each key head serves `heads / key heads` consecutive heads of queries (grouped-query attention: Ainslie et al. 2023).
///
/// `mask` broadcasts to `[batch, heads, queries, keys]`: a bool one is true where a query sees a key; one of numbers is
/// added to the scaled products and hides a key where the sum is -1e30 or less. A query that sees no key gives zeros.
///
/// The matrix of scores between all queries and all keys is never formed, neither forward nor backward, so that memory
/// grows with the lengths and not with their product (FlashAttention: Dao et al. 2022; the running sums: Milakov &
/// Gimelshein 2018). Differentiable by `q`, `k`, `v` and a mask of numbers.
///
/// # Errors
/// `ErrorKind::Shape` when ranks, batches, heads, dimensions or lengths do not fit, or the mask does not broadcast;
/// `ErrorKind::Argument` for a tile of nothing.
pub fn scaled_dot_product_attention(
    q: &Tensor,
    k: &Tensor,
    v: &Tensor,
    mask: Option<&Tensor>,
    options: &AttentionOptions,
) -> Result<Tensor> {
    let tiling = tiling(q, k, v, mask.is_some(), options)?;
    let Tiling { batch, heads, group, queries, keys, dim, value_dim, .. } = tiling;
    let calc = Calc::default();
    let flat = |x: &Tensor, dims: &[usize]| calc.result(calc.of(x).number().reshape(dims));
    let operands = Operands {
        q: flat(q, &[batch * heads, group, queries, dim])?,
        k: flat(k, &[batch * heads, keys, dim])?,
        v: flat(v, &[batch * heads, keys, value_dim])?,
        mask: mask.map(|m| split_heads(&tiling, m)).transpose()?,
    };
    let Operands { q: flat_q, k: flat_k, v: flat_v, mask } = &operands;
    let mut inputs = vec![flat_q, flat_k, flat_v];
    inputs.extend(mask.as_ref().filter(|m| m.dtype() == DType::F32));
    // The result and, in a last column, the logarithm of the weights' sum, from which the gradient has the weights again.
    let again = operands.clone();
    let both = custom(&inputs, |_| tiling.forward(&operands), move |y, dy| tiling.backward(&again, y, dy))?;
    let out = q.shape().with_dim(q.rank() - 1, value_dim);
    calc.result(calc.of(&both).part(3, 0, value_dim).reshape(&out))
}

/// The sizes of operands that fit.
fn tiling(q: &Tensor, k: &Tensor, v: &Tensor, masked: bool, options: &AttentionOptions) -> Result<Tiling> {
    let rank = q.rank();
    let wrong =
        |expected: &str| Error::shape(OP, expected, format_args!("q {}, k {}, v {}", q.shape(), k.shape(), v.shape()));
    if !(2..=4).contains(&rank) || k.rank() != rank || v.rank() != rank {
        return Err(wrong("q, k and v of one rank from 2 to 4"));
    }
    // From the back: dim, length, heads, batch.
    let size = |x: &Tensor, from_back: usize| if from_back < rank { x.shape()[rank - 1 - from_back] } else { 1 };
    if size(q, 0) != size(k, 0) || size(k, 1) != size(v, 1) {
        return Err(wrong("q and k of one last dimension, k and v of one length"));
    }
    let (query_heads, heads) = (size(q, 2), size(k, 2));
    let grouped = query_heads == heads || (heads > 0 && query_heads.is_multiple_of(heads));
    if !grouped || heads != size(v, 2) || size(q, 3) != size(k, 3) || size(k, 3) != size(v, 3) {
        return Err(wrong("one batch, one number of heads of k and v, and a multiple of it of q"));
    }
    let (batch, queries, keys, dim) = (size(q, 3), size(q, 1), size(k, 1), size(q, 0));
    let tile = options.tile.unwrap_or_else(|| {
        let columns = keys.clamp(1, TILE_KEYS);
        let rows = TILE_SCORES / (batch * query_heads * columns).max(1);
        let most = if options.causal { TILE_CAUSAL_QUERIES } else { TILE_QUERIES };
        (rows.clamp(LEAST_QUERIES, most), columns)
    });
    if tile.0 == 0 || tile.1 == 0 {
        return Err(Error::argument(OP, "a tile of at least one query and key", format_args!("{tile:?}")));
    }
    Ok(Tiling {
        batch,
        heads,
        group: query_heads / heads.max(1),
        queries,
        keys,
        dim,
        value_dim: size(v, 0),
        tile,
        scale: options.scale.unwrap_or_else(|| 1.0 / (dim.max(1) as f64).sqrt()),
        causal: options.causal,
        masked: masked || options.causal,
    })
}

/// A mask as `[batch, heads, group, queries, keys]`, with 1 where it broadcasts.
fn split_heads(tiling: &Tiling, mask: &Tensor) -> Result<Tensor> {
    let full = Shape::from([tiling.batch, tiling.heads * tiling.group, tiling.queries, tiling.keys]);
    if !mask.shape().broadcast(&full, OP).is_ok_and(|s| s == full) {
        return Err(Error::shape(OP, format_args!("a mask that broadcasts to {full}"), mask.shape()));
    }
    let mut dims = vec![1; 4 - mask.rank()];
    dims.extend_from_slice(mask.shape());
    let (heads, group) = if dims[1] == 1 { (1, 1) } else { (tiling.heads, tiling.group) };
    let mask = if mask.dtype() == DType::Bool { mask.clone() } else { mask.cast(DType::F32)? };
    reshape(&mask, [dims[0], heads, group, dims[2], dims[3]])
}
