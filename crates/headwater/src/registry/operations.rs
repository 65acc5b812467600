//! The operations that are not rows of the pointwise table.

use headwater_core::ops::{self, Conv1dOptions, Conv2dOptions, Padding, Padding1d, PoolOptions};
use headwater_core::Listed;
use headwater_core::{selected, AllOk, Result, Tensor};

use super::{one, two, Arity, Attrs, Declared};
use crate::nn::optimizers;
#[cfg(feature = "ops-losses")]
use crate::nn::{losses, metrics};

pub(super) fn padding(a: &Attrs<'_>, mode: usize) -> Result<Padding> {
    Ok(match a.size(mode)? {
        0 => Padding::Valid,
        1 => Padding::Same,
        _ => Padding::Explicit {
            top: a.size(mode + 1)?,
            bottom: a.size(mode + 2)?,
            left: a.size(mode + 3)?,
            right: a.size(mode + 4)?,
        },
    })
}

/// strideH, strideW, dilationH, dilationW, groups, padding mode, top, bottom, left, right.
fn conv_options(a: &Attrs<'_>, i: usize) -> Result<Conv2dOptions> {
    Ok(Conv2dOptions {
        stride: (a.size(i)?, a.size(i + 1)?),
        dilation: (a.size(i + 2)?, a.size(i + 3)?),
        groups: a.size(i + 4)?,
        padding: padding(a, i + 5)?,
    })
}

/// stride, dilation, groups, padding mode, before, after.
pub(super) fn conv1d_options(a: &Attrs<'_>, i: usize) -> Result<Conv1dOptions> {
    let padding = match a.size(i + 3)? {
        0 => Padding1d::Valid,
        1 => Padding1d::Same,
        _ => Padding1d::Explicit(a.size(i + 4)?, a.size(i + 5)?),
    };
    Ok(Conv1dOptions { stride: a.size(i)?, dilation: a.size(i + 1)?, groups: a.size(i + 2)?, padding })
}

/// windowH, windowW, strideH, strideW, dilationH, dilationW, padding mode, top, bottom, left, right.
pub(super) fn pool_options(a: &Attrs<'_>) -> Result<PoolOptions> {
    Ok(PoolOptions {
        window: (a.size(0)?, a.size(1)?),
        stride: (a.size(2)?, a.size(3)?),
        dilation: (a.size(4)?, a.size(5)?),
        padding: padding(a, 6)?,
    })
}

type Reduction = fn(&Tensor, Option<&[isize]>, bool) -> Result<Tensor>;

fn reduce(f: Reduction, x: &[Tensor], a: &Attrs<'_>) -> Result<Vec<Tensor>> {
    let axes = a.axes(1)?;
    one(f(&x[0], axes.as_deref(), a.flag(0)?))
}

const CREATION: &[Declared] = &[
    ("fill", Arity::Exactly(0), |d, _, a| {
        let dtype = a.dtype(0)?;
        one(ops::broadcast_to(&d.scalar_of(dtype, a.number(1)?), a.shape(2)?))
    }),
    ("zeros", Arity::Exactly(0), |d, _, a| one(d.zeros(a.shape(1)?, a.dtype(0)?))),
    ("ones", Arity::Exactly(0), |d, _, a| one(d.ones(a.shape(1)?, a.dtype(0)?))),
    ("range", Arity::Exactly(0), |d, _, a| one(ops::range(d, a.number(0)?, a.number(1)?, a.number(2)?, a.dtype(3)?))),
    ("randomUniform", Arity::Exactly(0), |d, _, a| {
        one(ops::random_uniform(d, a.shape(3)?, a.number(0)? as f32, a.number(1)? as f32, a.seed(2)?))
    }),
    ("randomNormal", Arity::Exactly(0), |d, _, a| {
        one(ops::random_normal(d, a.shape(3)?, a.number(0)? as f32, a.number(1)? as f32, a.seed(2)?))
    }),
    ("truncatedNormal", Arity::Exactly(0), |d, _, a| {
        one(ops::truncated_normal(d, a.shape(3)?, a.number(0)? as f32, a.number(1)? as f32, a.seed(2)?))
    }),
    ("oneHot", Arity::Exactly(1), |_, x, a| {
        one(ops::one_hot(&x[0], a.size(0)?, a.number(1)?, a.number(2)?, a.dtype(3)?))
    }),
];

const MOVEMENT: &[Declared] = &[
    ("cast", Arity::Exactly(1), |_, x, a| one(x[0].cast(a.dtype(0)?))),
    ("reshape", Arity::Exactly(1), |_, x, a| one(ops::reshape(&x[0], a.shape(0)?))),
    ("transpose", Arity::Exactly(1), |_, x, a| one(ops::transpose(&x[0], Some(&a.axes(0)?.unwrap_or_default())))),
    ("broadcastTo", Arity::Exactly(1), |_, x, a| one(ops::broadcast_to(&x[0], a.shape(0)?))),
    ("slice", Arity::Exactly(1), |_, x, a| {
        let r = x[0].rank();
        let sizes = a.sizes(0)?;
        one(ops::slice(&x[0], &sizes[..r.min(sizes.len())], sizes.get(r..).unwrap_or(&[])))
    }),
    ("stridedSlice", Arity::Exactly(1), |_, x, a| {
        let r = x[0].rank();
        let all = |from: usize| (0..r).map(move |d| from + d);
        let begin: Vec<usize> = all(0).map(|i| a.size(i)).all_ok()?;
        let size: Vec<usize> = all(r).map(|i| a.size(i)).all_ok()?;
        let step: Vec<isize> = all(2 * r).map(|i| a.index(i)).all_ok()?;
        one(ops::strided_slice(&x[0], &begin, &size, &step))
    }),
    ("reverse", Arity::Exactly(1), |_, x, a| one(ops::reverse(&x[0], a.axes(0)?.as_deref()))),
    ("pad", Arity::Exactly(1), |_, x, a| {
        let pairs: Vec<(usize, usize)> =
            (0..x[0].rank()).map(|d| Ok((a.size(1 + 2 * d)?, a.size(2 + 2 * d)?))).all_ok()?;
        one(ops::pad(&x[0], &pairs, a.number(0)?))
    }),
    ("concat", Arity::AtLeast(1), |_, x, a| one(ops::concat(&x.iter().listed(), a.index(0)?))),
    ("tile", Arity::Exactly(1), |_, x, a| one(ops::tile(&x[0], &a.sizes(0)?))),
    ("stopGradient", Arity::Exactly(1), |_, x, _| one(x[0].stop_gradient())),
    ("gather", Arity::Exactly(2), |_, x, a| one(ops::gather(&x[0], &x[1], a.index(0)?, a.size(1)?))),
    ("unsortedSegmentSum", Arity::Exactly(2), |_, x, a| one(ops::unsorted_segment_sum(&x[0], &x[1], a.size(0)?))),
];

const REDUCTIONS: &[Declared] = &[
    ("sum", Arity::Exactly(1), |_, x, a| reduce(ops::sum, x, a)),
    ("mean", Arity::Exactly(1), |_, x, a| reduce(ops::mean, x, a)),
    ("prod", Arity::Exactly(1), |_, x, a| reduce(ops::prod, x, a)),
    ("max", Arity::Exactly(1), |_, x, a| reduce(ops::max, x, a)),
    ("min", Arity::Exactly(1), |_, x, a| reduce(ops::min, x, a)),
    ("any", Arity::Exactly(1), |_, x, a| reduce(ops::any, x, a)),
    ("all", Arity::Exactly(1), |_, x, a| reduce(ops::all, x, a)),
    ("logSumExp", Arity::Exactly(1), |_, x, a| reduce(ops::log_sum_exp, x, a)),
    ("moments", Arity::Exactly(1), |_, x, a| two(ops::moments(&x[0], a.axes(1)?.as_deref(), a.flag(0)?))),
    ("argMax", Arity::Exactly(1), |_, x, a| one(ops::arg_max(&x[0], a.index(0)?))),
    ("argMin", Arity::Exactly(1), |_, x, a| one(ops::arg_min(&x[0], a.index(0)?))),
    ("softmax", Arity::Exactly(1), |_, x, a| one(ops::softmax(&x[0], a.index(0)?))),
    ("logSoftmax", Arity::Exactly(1), |_, x, a| one(ops::log_softmax(&x[0], a.index(0)?))),
    ("softmaxCrossEntropy", Arity::Exactly(2), |_, x, _| one(ops::softmax_cross_entropy(&x[0], &x[1]))),
    ("sigmoidCrossEntropy", Arity::Exactly(2), |_, x, _| one(ops::sigmoid_cross_entropy(&x[0], &x[1]))),
];

const CONTRACTIONS: &[Declared] = &[
    ("matMul", Arity::Exactly(2), |_, x, a| one(ops::matmul(&x[0], &x[1], a.flag(0)?, a.flag(1)?))),
    ("conv1d", Arity::Exactly(2), |_, x, a| one(ops::conv1d(&x[0], &x[1], &conv1d_options(a, 0)?))),
    ("conv2d", Arity::Exactly(2), |_, x, a| one(ops::conv2d(&x[0], &x[1], &conv_options(a, 0)?))),
    ("depthwiseConv2d", Arity::Exactly(2), |_, x, a| one(ops::depthwise_conv2d(&x[0], &x[1], &conv_options(a, 0)?))),
    ("conv2dTranspose", Arity::Exactly(2), |_, x, a| {
        one(ops::conv2d_transpose(&x[0], &x[1], (a.size(0)?, a.size(1)?), &conv_options(a, 2)?))
    }),
    ("maxPool", Arity::Exactly(1), |_, x, a| one(ops::max_pool(&x[0], &pool_options(a)?))),
    ("avgPool", Arity::Exactly(1), |_, x, a| one(ops::avg_pool(&x[0], &pool_options(a)?))),
    ("resizeBilinear", Arity::Exactly(1), |_, x, a| {
        one(ops::resize_bilinear(&x[0], (a.size(0)?, a.size(1)?), a.flag(2)?, a.flag(3)?))
    }),
    ("resizeNearestNeighbor", Arity::Exactly(1), |_, x, a| {
        one(ops::resize_nearest(&x[0], (a.size(0)?, a.size(1)?), a.flag(2)?, a.flag(3)?))
    }),
];

const COMPOSITES: &[Declared] = &[
    ("div", Arity::Exactly(2), |_, x, _| one(ops::div(&x[0], &x[1]))),
    ("leakyRelu", Arity::Exactly(1), |d, x, a| {
        let dtype = x[0].dtype().float();
        one(ops::prelu(&x[0].cast(dtype)?, &d.scalar_of(dtype, a.number(0)?)))
    }),
    ("batchNorm", Arity::AtLeast(3), |_, x, a| {
        let offset = if a.flag(1)? { x.get(3) } else { None };
        let scale = if a.flag(2)? { x.last() } else { None };
        one(ops::batch_norm(&x[0], &x[1], &x[2], offset, scale, a.number(0)? as f32))
    }),
    ("dropout", Arity::Exactly(1), |_, x, a| {
        let noise = a.shape(2)?;
        let noise = if noise.rank() == 0 { None } else { Some(&noise) };
        one(ops::dropout(&x[0], a.number(0)? as f32, noise, a.seed(1)?))
    }),
];

/// All declarations of this build: what models and their training need, then the families that it may leave out.
pub(super) fn all() -> impl Iterator<Item = Declared> {
    let all: &[&'static [Declared]] = &[
        selected!(Declared, CREATION),
        selected!(Declared, MOVEMENT),
        selected!(Declared, REDUCTIONS),
        selected!(Declared, CONTRACTIONS),
        selected!(Declared, COMPOSITES),
        #[cfg(feature = "ops-losses")]
        selected!(Declared, losses::OPERATIONS),
        #[cfg(feature = "ops-losses")]
        selected!(Declared, metrics::OPERATIONS),
        selected!(Declared, optimizers::OPERATIONS),
    ];
    all.iter().copied().chain(super::families()).flat_map(|list| list.iter().copied())
}
