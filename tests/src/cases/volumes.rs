//! Convolutions and pooling of sequences and volumes, and other windows.

use headwater_core::ops::{
    self, Conv1dOptions, Conv2dOptions, Conv3dOptions, Dilation2dOptions, Padding, Padding1d, Padding3d, Pool3dOptions,
    PoolOptions,
};

use super::{case, Case, Input};

pub(super) fn cases() -> Vec<Case> {
    let mut out = sequences();
    out.extend(convolutions());
    out.extend(pools());
    out.extend(neighbourhoods());
    out
}

fn sequences() -> Vec<Case> {
    let base = Conv1dOptions::default();
    let same = Conv1dOptions { padding: Padding1d::Same, ..base };
    let mut out = Vec::new();
    for (name, x, w, options) in [
        ("valid", [2, 9, 3], [4, 3, 5], base),
        ("same stride 2", [2, 9, 3], [3, 3, 4], Conv1dOptions { stride: 2, ..same }),
        ("groups", [1, 7, 6], [3, 2, 9], Conv1dOptions { groups: 3, ..same }),
        (
            "explicit dilation",
            [2, 6, 2],
            [3, 2, 2],
            Conv1dOptions { dilation: 2, padding: Padding1d::Explicit(3, 1), ..base },
        ),
    ] {
        out.push(case(&format!("conv1d {name}"), vec![Input::f32(&x), Input::f32(&w)], move |x| {
            ops::conv1d(&x[0], &x[1], &options)
        }));
    }
    let stride = Conv1dOptions { stride: 2, groups: 2, ..same };
    out.push(case("conv1dTranspose", vec![Input::f32(&[2, 4, 6]), Input::f32(&[3, 2, 6])], move |x| {
        ops::conv1d_transpose(&x[0], &x[1], 8, &stride)
    }));
    let grouped = Conv2dOptions { groups: 2, stride: (2, 1), padding: Padding::Same, ..Conv2dOptions::default() };
    out.push(case("conv2dTranspose groups", vec![Input::f32(&[1, 3, 4, 6]), Input::f32(&[3, 3, 2, 6])], move |x| {
        ops::conv2d_transpose(&x[0], &x[1], (6, 4), &grouped)
    }));
    out
}

fn convolutions() -> Vec<Case> {
    let base = Conv3dOptions::default();
    let same = Conv3dOptions { padding: Padding3d::Same, ..base };
    let explicit = Padding3d::Explicit([(1, 2), (0, 1), (2, 0)]);
    let mut out = Vec::new();
    for (name, x, w, options) in [
        ("valid", [2, 4, 5, 4, 2], [2, 3, 2, 2, 3], base),
        ("same", [1, 4, 3, 5, 2], [3, 2, 3, 2, 4], same),
        ("stride", [2, 5, 4, 6, 2], [2, 2, 3, 2, 3], Conv3dOptions { stride: [2, 1, 3], ..same }),
        ("dilation", [1, 6, 5, 5, 1], [2, 3, 2, 1, 2], Conv3dOptions { dilation: [3, 1, 2], ..base }),
        ("explicit", [1, 3, 4, 3, 2], [3, 2, 2, 2, 2], Conv3dOptions { padding: explicit, ..base }),
        ("groups", [1, 3, 3, 3, 6], [2, 2, 2, 2, 6], Conv3dOptions { groups: 3, ..same }),
        ("1x1x1", [2, 2, 3, 2, 3], [1, 1, 1, 3, 4], base),
        ("no volumes", [0, 3, 3, 3, 2], [2, 2, 2, 2, 3], base),
    ] {
        out.push(case(&format!("conv3d {name}"), vec![Input::f32(&x), Input::f32(&w)], move |x| {
            ops::conv3d(&x[0], &x[1], &options)
        }));
    }
    let bias = vec![Input::f32(&[1, 4, 4, 4, 3]), Input::f32(&[3, 3, 3, 3, 4]), Input::f32(&[4])];
    out.push(case("conv3d bias relu", bias, move |x| ops::relu(&ops::add(&ops::conv3d(&x[0], &x[1], &same)?, &x[2])?)));
    for (name, x, w, output, options) in [
        ("valid", [2, 2, 3, 2, 3], [3, 2, 2, 2, 3], [4, 4, 3], base),
        ("same stride", [1, 3, 2, 2, 4], [2, 3, 3, 3, 4], [5, 4, 4], Conv3dOptions { stride: [2, 2, 2], ..same }),
        (
            "dilation groups",
            [1, 2, 2, 2, 4],
            [2, 1, 2, 3, 4],
            [4, 2, 3],
            Conv3dOptions { dilation: [2, 1, 1], groups: 2, ..base },
        ),
        (
            "larger stride than filter",
            [1, 2, 2, 2, 2],
            [1, 1, 1, 1, 2],
            [6, 4, 5],
            Conv3dOptions { stride: [3, 2, 3], ..same },
        ),
    ] {
        out.push(case(&format!("conv3dTranspose {name}"), vec![Input::f32(&x), Input::f32(&w)], move |x| {
            ops::conv3d_transpose(&x[0], &x[1], output, &options)
        }));
    }
    out
}

fn pools() -> Vec<Case> {
    let base = Pool3dOptions { window: [2; 3], stride: [2; 3], dilation: [1; 3], padding: Padding3d::Valid };
    let explicit = Padding3d::Explicit([(1, 0), (0, 1), (1, 1)]);
    let mut out = Vec::new();
    for (name, options) in [
        ("valid", base),
        ("same", Pool3dOptions { window: [3, 2, 3], stride: [1, 2, 2], padding: Padding3d::Same, ..base }),
        ("dilated", Pool3dOptions { dilation: [2, 1, 3], stride: [1; 3], ..base }),
        ("explicit", Pool3dOptions { padding: explicit, ..base }),
    ] {
        let x = || vec![Input::f32(&[2, 4, 5, 6, 2])];
        out.push(case(&format!("maxPool3d {name}"), x(), move |x| ops::max_pool3d(&x[0], &options)));
        out.push(case(&format!("avgPool3d {name}"), x(), move |x| ops::avg_pool3d(&x[0], &options)));
    }
    let options = PoolOptions { window: (2, 3), stride: (2, 2), dilation: (1, 1), padding: Padding::Same };
    let x = || vec![Input::f32(&[2, 5, 6, 3])];
    out.push(case("maxPoolWithArgmax", x(), move |x| Ok(ops::max_pool_with_argmax(&x[0], &options, false)?.0)));
    for batch in [false, true] {
        let index = case(&format!("maxPoolWithArgmax index {batch}"), x(), move |x| {
            Ok(ops::max_pool_with_argmax(&x[0], &options, batch)?.1)
        });
        out.push(index.rough());
    }
    out
}

fn neighbourhoods() -> Vec<Case> {
    let base = Dilation2dOptions { stride: (1, 1), dilation: (1, 1), padding: Padding::Valid };
    let mut out = Vec::new();
    for (name, options) in [
        ("valid", base),
        ("same stride", Dilation2dOptions { stride: (2, 3), padding: Padding::Same, ..base }),
        ("dilated", Dilation2dOptions { dilation: (2, 1), ..base }),
    ] {
        let inputs = vec![Input::f32(&[2, 6, 5, 3]), Input::f32(&[2, 3, 3])];
        out.push(case(&format!("dilation2d {name}"), inputs, move |x| ops::dilation2d(&x[0], &x[1], &options)));
    }
    for (shape, radius) in [(vec![2, 3, 3, 6], 2), (vec![4, 3], 5), (vec![2, 7], 0), (vec![1], 1), (vec![0, 3], 1)] {
        let name = format!("localResponseNormalization {shape:?} {radius}");
        out.push(case(&name, vec![Input::f32(&shape)], move |x| {
            ops::local_response_normalization(&x[0], radius, 1.5, 0.7, 0.75)
        }));
    }
    out
}
