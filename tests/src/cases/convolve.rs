//! Convolutions made of those of images.

use headwater_core::ops::{self, Conv1dOptions, Conv2dOptions, Padding};

use super::{case, Case, Input};

pub(super) fn cases() -> Vec<Case> {
    let base = Conv1dOptions::default();
    let explicit = Padding::Explicit { top: 9, bottom: 9, left: 2, right: 1 };
    let mut out = Vec::new();
    for (name, channels, options) in [
        ("valid", 4, base),
        ("same stride 2", 4, Conv1dOptions { stride: 2, padding: Padding::Same, ..base }),
        ("dilation", 4, Conv1dOptions { dilation: 2, ..base }),
        ("explicit", 4, Conv1dOptions { padding: explicit, ..base }),
        ("groups", 2, Conv1dOptions { groups: 2, ..base }),
    ] {
        let inputs = vec![Input::f32(&[2, 9, 4]), Input::f32(&[3, channels, 6])];
        out.push(case(&format!("conv1d {name}"), inputs, move |x| ops::conv1d(&x[0], &x[1], &options)));
    }
    let same = Conv2dOptions { padding: Padding::Same, ..Conv2dOptions::default() };
    for (name, options) in [("same", same), ("stride 2", Conv2dOptions { stride: (2, 2), ..same })] {
        let inputs = vec![Input::f32(&[2, 6, 5, 3]), Input::f32(&[3, 3, 3, 2]), Input::f32(&[1, 1, 6, 4])];
        out.push(case(&format!("separableConv2d {name}"), inputs, move |x| {
            ops::separable_conv2d(&x[0], &x[1], &x[2], &options)
        }));
    }
    out
}
