//! Picking and placing by n-dimensional indices, searching and counting.

use headwater_core::op::ReduceOp;
use headwater_core::ops::{self, ScatterKind};
use headwater_core::{Error, Result};

use super::{one, Arity, Attrs, Declared};

/// Number `i`: 0 replaces, then sum, prod, max, min.
fn scatter_kind(a: &Attrs<'_>, i: usize) -> Result<ScatterKind> {
    Ok(match a.size(i)? {
        0 => ScatterKind::Update,
        1 => ScatterKind::Reduce(ReduceOp::Sum),
        2 => ScatterKind::Reduce(ReduceOp::Prod),
        3 => ScatterKind::Reduce(ReduceOp::Max),
        4 => ScatterKind::Reduce(ReduceOp::Min),
        other => return Err(Error::argument("tensorScatter", "a kind from 0 to 4", other)),
    })
}

pub(super) const OPERATIONS: &[Declared] = &[
    ("gatherND", Arity::Exactly(2), |_, x, _| one(ops::gather_nd(&x[0], &x[1]))),
    // indices, updates
    ("scatterND", Arity::Exactly(2), |_, x, a| one(ops::scatter_nd(&x[0], &x[1], a.shape(0)?))),
    // tensor, indices, updates
    ("tensorScatter", Arity::Exactly(3), |_, x, a| one(ops::tensor_scatter(&x[0], &x[1], &x[2], scatter_kind(a, 0)?))),
    // indices, values, default
    ("sparseToDense", Arity::Exactly(3), |_, x, a| one(ops::sparse_to_dense(&x[0], &x[1], a.shape(0)?, &x[2]))),
    ("unsortedSegmentProd", Arity::Exactly(2), |_, x, a| {
        one(ops::unsorted_segment(&x[0], &x[1], a.size(0)?, ReduceOp::Prod))
    }),
    ("unsortedSegmentMax", Arity::Exactly(2), |_, x, a| {
        one(ops::unsorted_segment(&x[0], &x[1], a.size(0)?, ReduceOp::Max))
    }),
    ("unsortedSegmentMin", Arity::Exactly(2), |_, x, a| {
        one(ops::unsorted_segment(&x[0], &x[1], a.size(0)?, ReduceOp::Min))
    }),
    ("unsortedSegmentMean", Arity::Exactly(2), |_, x, a| one(ops::unsorted_segment_mean(&x[0], &x[1], a.size(0)?))),
    // after equal elements
    ("searchSorted", Arity::Exactly(2), |_, x, a| one(ops::search_sorted(&x[0], &x[1], a.flag(0)?))),
    // numbers, weights; size, binary
    ("bincount", Arity::AtLeast(1), |_, x, a| one(ops::bincount(&x[0], x.get(1), a.size(0)?, a.flag(1)?))),
];
