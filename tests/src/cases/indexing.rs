//! Placing with reductions, index vectors, searching and counting.

use headwater_core::op::ReduceOp;
use headwater_core::ops::{self, ScatterKind};
use headwater_core::{DType, Scalar};

use super::{case, Case, Input};

const REDUCTIONS: [ReduceOp; 4] = [ReduceOp::Sum, ReduceOp::Prod, ReduceOp::Max, ReduceOp::Min];

fn whole(shape: &[usize]) -> Input {
    Input { dtype: DType::I32, ..Input::f32(shape) }.within(-9.0, 9.0)
}

fn truth(shape: &[usize]) -> Input {
    Input { dtype: DType::Bool, ..Input::f32(shape) }
}

pub(super) fn cases() -> Vec<Case> {
    let mut all = segments();
    all.extend(vectors());
    all.extend(searching());
    all.extend(many());
    all
}

fn segments() -> Vec<Case> {
    let mut out = Vec::new();
    for op in REDUCTIONS {
        for (shape, n) in [(&[7usize, 3][..], 4), (&[5], 9), (&[0, 2], 3), (&[6, 2, 2], 1), (&[4, 0], 2)] {
            // Some belong to no segment. The lowest and highest values are made finite: they have a gradient of none.
            let inputs = vec![Input::f32(shape), Input::index(&shape[..1], n).within(-1.0, n as f64 + 1.0)];
            out.push(case(&format!("segment {op:?} {shape:?}"), inputs, move |x| {
                let y = ops::unsorted_segment(&x[0], &x[1], n, op)?;
                ops::clip(&y, &y.constant(-99.0), &y.constant(99.0))
            }));
        }
        let inputs = vec![whole(&[9, 2]), Input::index(&[9], 4)];
        out.push(case(&format!("segment {op:?} int32"), inputs, move |x| ops::unsorted_segment(&x[0], &x[1], 6, op)));
        let inputs = vec![truth(&[9, 2]), Input::index(&[9], 4)];
        out.push(case(&format!("segment {op:?} bool"), inputs, move |x| ops::unsorted_segment(&x[0], &x[1], 6, op)));
    }
    let zeros = vec![Input::f32(&[12, 2]), Input::index(&[12], 4)];
    out.push(case("segment product with zeros", zeros, |x| {
        let keep = ops::greater(&x[0], &x[0].constant(-0.4))?;
        ops::unsorted_segment(&ops::mul(&x[0], &keep.cast(DType::F32)?)?, &x[1], 4, ReduceOp::Prod)
    }));
    let inputs = vec![Input::f32(&[8, 2, 3]), Input::index(&[8], 3)];
    out.push(case("segment mean", inputs, |x| ops::unsorted_segment_mean(&x[0], &x[1], 5)));
    out
}

fn vectors() -> Vec<Case> {
    let mut out = Vec::new();
    // The tensor's shape, that of the vectors, and the largest of their numbers: some point outside.
    for (shape, vectors, end) in [
        (&[4usize, 5, 3][..], &[6usize, 2][..], 5),
        (&[4, 5], &[2, 3, 2], 4),
        (&[6, 2], &[9, 1], 7),
        (&[3, 2], &[2, 0], 1),
        (&[3, 2], &[0, 2], 1),
        (&[70], &[200, 1], 70),
    ] {
        let index = || Input::index(vectors, end).within(-0.5, end as f64);
        let depth = vectors[vectors.len() - 1];
        let of_slices = [&vectors[..vectors.len() - 1], &shape[depth..]].concat();
        out.push(case(&format!("gatherND {shape:?} {vectors:?}"), vec![Input::f32(shape), index()], |x| {
            ops::gather_nd(&x[0], &x[1])
        }));
        out.push(case(&format!("scatterND {shape:?} {vectors:?}"), vec![index(), Input::f32(&of_slices)], move |x| {
            ops::scatter_nd(&x[0], &x[1], shape)
        }));
        for kind in REDUCTIONS.map(ScatterKind::Reduce).into_iter().chain([ScatterKind::Update]) {
            for dtype in [DType::F32, DType::I32, DType::Bool] {
                let sums = matches!(kind, ScatterKind::Reduce(ReduceOp::Sum | ReduceOp::Prod));
                let of = |shape: &[usize]| match dtype {
                    DType::F32 => Input::f32(shape),
                    DType::I32 => whole(shape),
                    _ => truth(shape),
                };
                if sums && dtype == DType::Bool {
                    continue;
                }
                let name = format!("tensorScatter {kind:?} {} {shape:?} {vectors:?}", dtype.name());
                let inputs = vec![of(shape), index(), of(&of_slices)];
                out.push(case(&name, inputs, move |x| ops::tensor_scatter(&x[0], &x[1], &x[2], kind)));
            }
        }
    }
    let sparse = || vec![Input::index(&[6, 2], 4), Input::f32(&[6])];
    out.push(case("sparseToDense", sparse(), |x| {
        ops::sparse_to_dense(&x[0], &x[1], [4, 5], &x[1].device().scalar(Scalar::F32(-2.0)))
    }));
    out.push(case("sparseToDense of one value", vec![Input::index(&[5], 9), Input::f32(&[])], |x| {
        ops::sparse_to_dense(&x[0], &x[1], [9], &x[1].constant(3.0))
    }));
    out
}

fn searching() -> Vec<Case> {
    let mut out = Vec::new();
    for (n, m) in [(7, 5), (1, 4), (0, 3), (1000, 40)] {
        for right in [false, true] {
            let inputs = vec![Input::f32(&[2, n]), Input::f32(&[2, m])];
            out.push(
                case(&format!("searchSorted {n} {m} right={right}"), inputs, move |x| {
                    ops::search_sorted(&ops::sort(&x[0], 1, false)?, &x[1], right)
                })
                .rough(),
            );
            let ties = vec![Input::index(&[3, n], 6), Input::index(&[3, m], 8)];
            out.push(
                case(&format!("searchSorted ties {n} {m} right={right}"), ties, move |x| {
                    ops::search_sorted(&ops::sort(&x[0], 1, false)?, &x[1], right)
                })
                .rough(),
            );
        }
    }
    for shape in [&[40usize][..], &[3, 20], &[0], &[2, 0]] {
        let numbers = || Input::index(shape, 9).within(-1.0, 9.0);
        out.push(case(&format!("bincount {shape:?}"), vec![numbers()], |x| ops::bincount(&x[0], None, 7, false)));
        out.push(case(&format!("bincount binary {shape:?}"), vec![numbers()], |x| ops::bincount(&x[0], None, 7, true)));
        out.push(case(&format!("bincount weighted {shape:?}"), vec![numbers(), Input::f32(shape)], |x| {
            ops::bincount(&x[0], Some(&x[1]), 7, false)
        }));
    }
    out
}

/// So many indices that places do not look at all of them.
fn many() -> Vec<Case> {
    let mut out = Vec::new();
    for op in REDUCTIONS {
        // Many places; few; indices most of which are 0.
        for (k, n, zeros) in [(1500usize, 2000usize, false), (5000, 3, false), (1300, 1000, true), (5000, 4000, true)] {
            for dtype in [DType::F32, DType::I32, DType::Bool] {
                let updates = match dtype {
                    // Products of many neither vanish nor overflow.
                    DType::F32 if op == ReduceOp::Prod => Input::f32(&[k, 2]).within(0.99, 1.01),
                    DType::F32 => Input::f32(&[k, 2]),
                    DType::I32 => whole(&[k, 2]),
                    _ => truth(&[k, 2]),
                };
                let inputs = vec![updates, Input::index(&[k], n).within(-2.0, n as f64 + 2.0)];
                let name = format!("segment {op:?} {} of many, {k} {n} {zeros}", dtype.name());
                let mut made = case(&name, inputs, move |x| {
                    let less = ops::less(&x[1], &x[1].constant(n as f64 / 4.0))?.cast(DType::I32)?;
                    let index = if zeros { ops::mul(&x[1], &less)? } else { x[1].clone() };
                    let y = ops::unsorted_segment(&x[0], &index, n, op)?;
                    ops::clip(&y, &y.constant(-999.0), &y.constant(999.0))
                });
                made.tolerance = 1e-4;
                out.push(made);
            }
        }
    }
    let rows = || vec![Input::f32(&[700, 3]), Input::index(&[400], 700)];
    out.push(case("gather of many", rows(), |x| ops::square(&ops::gather(&x[0], &x[1], 0, 0)?)));
    let outer = vec![Input::f32(&[3, 300, 2]), Input::index(&[200], 300)];
    out.push(case("gather of many along an axis", outer, |x| ops::gather(&x[0], &x[1], 1, 0)));
    for (shape, k) in [([3, 1500], 100), ([60, 70], 65)] {
        out.push(case(
            &format!("topk {k} of {shape:?}"),
            vec![Input::f32(&shape)],
            move |x| Ok(ops::topk(&x[0], k)?.0),
        ));
    }
    for (k, others) in [(400, 2), (400, 3), (400, 6), (4500, 2), (4500, 3), (4500, 6)] {
        let mut inputs = vec![Input::f32(&[k, 3]), Input::index(&[k], 700)];
        inputs.extend(vec![Input::f32(&[700, 3]); others]);
        out.push(case(&format!("segment sum of {k} among {others}"), inputs, |x| {
            let y = ops::unsorted_segment_sum(&x[0], &x[1], 700)?;
            x[2..].iter().try_fold(y, |y, x| ops::add(&ops::mul(&y, x)?, x))
        }));
    }
    out
}
