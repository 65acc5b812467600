//! Blocks, borders, grids and diagonals.

use headwater_core::ops::{self, Mirror};
use headwater_core::{DType, Tensor};

use super::{case, Case, Input};

pub(super) fn cases() -> Vec<Case> {
    let mut out = vec![
        case("batchToSpaceND", vec![Input::f32(&[12, 2, 3, 2])], |x| {
            ops::batch_to_space(&x[0], &[2, 3], &[(1, 0), (0, 2)])
        }),
        case("batchToSpaceND one dimension", vec![Input::f32(&[6, 4])], |x| {
            ops::batch_to_space(&x[0], &[3], &[(2, 1)])
        }),
        case("spaceToBatchND", vec![Input::f32(&[2, 3, 4, 2])], |x| {
            ops::space_to_batch(&x[0], &[2, 3], &[(1, 0), (0, 2)])
        }),
        case("spaceToBatchND of nothing", vec![Input::f32(&[0, 4, 2])], |x| {
            ops::space_to_batch(&x[0], &[2], &[(0, 0)])
        }),
        case("depthToSpace", vec![Input::f32(&[2, 2, 3, 12])], |x| ops::depth_to_space(&x[0], 2)),
        case("spaceToDepth", vec![Input::f32(&[2, 4, 6, 3])], |x| ops::space_to_depth(&x[0], 2)),
        case("meshgrid", vec![Input::f32(&[3]), Input::f32(&[4]), Input::f32(&[2])], |x| {
            let grid = ops::meshgrid(&x.iter().collect::<Vec<&Tensor>>(), true)?;
            ops::add(&ops::mul(&grid[0], &grid[1])?, &grid[2])
        }),
        case("eye", vec![Input::f32(&[3, 5])], |x| ops::mul(&x[0], &ops::eye(x[0].device(), 3, 5, DType::F32)?)),
        case("diag", vec![Input::f32(&[2, 3])], |x| ops::diag(&x[0])),
        case("diag int32", vec![Input::index(&[4], 9)], |x| ops::diag(&x[0])).rough(),
        case("diag of a scalar", vec![Input::f32(&[])], |x| ops::diag(&x[0])),
    ];
    for (name, mode) in [("reflect", Mirror::Reflect), ("symmetric", Mirror::Symmetric)] {
        let pads = [(2, 1), (0, 0), (1, 3)];
        out.push(case(&format!("mirrorPad {name}"), vec![Input::f32(&[3, 2, 4])], move |x| {
            ops::mirror_pad(&x[0], &pads, mode)
        }));
    }
    for offset in [0, 1, -2, 7] {
        out.push(case(&format!("diagonal {offset}"), vec![Input::f32(&[3, 2, 5])], move |x| {
            ops::diagonal(&x[0], offset, (0, -1))
        }));
    }
    out
}
