//! Geometry and color of images.

use headwater_core::ops::{self, FillMode, GridPadding, Interpolation};
use headwater_core::{DType, HostSlice, Result, Tensor};

use super::{case, Case, Input};

use Interpolation::{Bicubic, Bilinear, Nearest};

pub(super) fn cases() -> Vec<Case> {
    let mut out = crops();
    out.extend(projections());
    out.extend(grids());
    for (size, align, half) in [
        ((4, 9), false, false),
        ((7, 3), true, false),
        ((9, 11), false, true),
        ((2, 3), false, true),
        ((1, 1), true, false),
    ] {
        let name = format!("resizeBicubic {size:?} align={align} half={half}");
        out.push(case(&name, vec![Input::f32(&[2, 5, 6, 3])], move |x| ops::resize_bicubic(&x[0], size, align, half)));
    }
    out.push(case("resizeBicubic of a pixel", vec![Input::f32(&[1, 1, 1, 2])], |x| {
        ops::resize_bicubic(&x[0], (3, 2), false, true)
    }));
    out.push(case("flipLeftRight", vec![Input::f32(&[2, 3, 4, 2])], |x| ops::flip_left_right(&x[0])));
    out.push(case("rgbToGrayscale", vec![Input::f32(&[2, 4, 3])], |x| ops::rgb_to_grayscale(&x[0])));
    out.push(case("grayscaleToRGB", vec![Input::f32(&[2, 4, 1])], |x| ops::grayscale_to_rgb(&x[0])));
    out
}

/// Whether gradients by places are compared: not where they jump.
fn smooth(how: Interpolation, case: Case) -> Case {
    if how == Nearest {
        case.rough()
    } else {
        case
    }
}

fn crops() -> Vec<Case> {
    let mut out = Vec::new();
    for (how, size) in [(Nearest, (3, 4)), (Bilinear, (3, 4)), (Bilinear, (1, 1)), (Bicubic, (4, 2))] {
        // Some lie partly outside, some belong to no image.
        let inputs = vec![Input::f32(&[2, 6, 7, 3]), Input::f32(&[5, 4]).within(-0.2, 1.2), Input::index(&[5], 3)];
        out.push(smooth(
            how,
            case(&format!("cropAndResize {how:?} {size:?}"), inputs, move |x| {
                ops::crop_and_resize(&x[0], &x[1], &x[2], size, how, 0.25)
            }),
        ));
    }
    let inputs = vec![Input::f32(&[1, 4, 4, 2]), Input::f32(&[0, 4]), Input::index(&[0], 1)];
    out.push(case("cropAndResize of no boxes", inputs, |x| {
        ops::crop_and_resize(&x[0], &x[1], &x[2], (2, 2), Bilinear, 0.0)
    }));
    out
}

/// The identity and `by` of a projection.
fn near_identity(by: &Tensor) -> Result<Tensor> {
    let identity = by.device().tensor(HostSlice::F32(&[1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0]), [1, 8])?;
    let scale = by.device().tensor(HostSlice::F32(&[0.4, 0.4, 3.0, 0.4, 0.4, 3.0, 0.04, 0.04]), [1, 8])?;
    ops::add(&identity, &ops::mul(by, &scale)?)
}

fn projections() -> Vec<Case> {
    let mut out = Vec::new();
    for mode in [FillMode::Constant, FillMode::Reflect, FillMode::Wrap, FillMode::Nearest] {
        for (how, rows) in [(Nearest, 2), (Bilinear, 2), (Bilinear, 1), (Bicubic, 2)] {
            let inputs = vec![Input::f32(&[2, 6, 5, 3]), Input::f32(&[rows, 8])];
            let name = format!("transform {mode:?} {how:?} {rows}");
            out.push(smooth(
                how,
                case(&name, inputs, move |x| ops::transform(&x[0], &near_identity(&x[1])?, how, mode, 0.5, (5, 7))),
            ));
        }
    }
    let inputs = vec![Input::f32(&[2, 7, 6, 3]), Input::f32(&[3])];
    out.push(case("rotateWithOffset", inputs, |x| ops::rotate_with_offset(&x[0], 0.4, &x[1], (0.4, 0.6))));
    out.push(case("rotateWithOffset one fill", vec![Input::f32(&[1, 5, 5, 1]), Input::f32(&[])], |x| {
        ops::rotate_with_offset(&x[0], -2.0, &x[1], (0.5, 0.5))
    }));
    out
}

fn grids() -> Vec<Case> {
    let mut out = Vec::new();
    for padding in [GridPadding::Zeros, GridPadding::Border, GridPadding::Reflection] {
        for how in [Nearest, Bilinear, Bicubic] {
            for align in [false, true] {
                let inputs = vec![Input::f32(&[2, 5, 6, 3]), Input::f32(&[2, 4, 3, 2]).within(-2.3, 2.3)];
                let name = format!("gridSample {padding:?} {how:?} align={align}");
                out.push(smooth(
                    how,
                    case(&name, inputs, move |x| ops::grid_sample(&x[0], &x[1], how, padding, align)),
                ));
            }
        }
    }
    let one = vec![Input::f32(&[1, 1, 1, 2]), Input::f32(&[1, 3, 3, 2]).within(-1.5, 1.5)];
    out.push(case("gridSample of a pixel", one, |x| {
        ops::grid_sample(&x[0], &x[1], Bilinear, GridPadding::Reflection, true)
    }));
    out.push(case("gridSample of no images", vec![Input::f32(&[0, 2, 2, 1]), Input::f32(&[0, 3, 3, 2])], |x| {
        ops::grid_sample(&x[0], &x[1], Bilinear, GridPadding::Zeros, false)
    }));
    for (size, align) in [((3, 4), false), ((4, 3), true), ((1, 5), true), ((1, 1), false)] {
        out.push(case(&format!("affineGrid {size:?} align={align}"), vec![Input::f32(&[2, 2, 3])], move |x| {
            ops::affine_grid(&x[0], size, align)
        }));
    }
    out.push(case("affineGrid gridSample", vec![Input::f32(&[2, 6, 6, 2]), Input::f32(&[2, 2, 3])], |x| {
        let grid = ops::affine_grid(&x[1], (5, 5), false)?;
        ops::grid_sample(&x[0], &grid, Bilinear, GridPadding::Zeros, false)
    }));
    let whole =
        vec![Input { dtype: DType::I32, ..Input::f32(&[1, 4, 4, 2]) }.within(0.0, 255.0), Input::f32(&[1, 2, 2, 2])];
    out.push(case("gridSample of int32", whole, |x| {
        ops::grid_sample(&x[0], &x[1], Bilinear, GridPadding::Border, true)
    }));
    out
}
