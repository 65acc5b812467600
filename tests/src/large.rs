//! Cases large enough, and divisible enough, for the engines' fast paths: whole vectors, tiles, split sums.

use headwater_core::ops::{self, Conv2dOptions, Padding, PoolOptions};
use headwater_core::DType;

use crate::cases::{case, Case, Input};

/// The cases.
pub fn large() -> Vec<Case> {
    let mut out = products();
    out.extend(convolutions());
    out.extend(reductions());
    out.extend(pointwise());
    out
}

fn products() -> Vec<Case> {
    let mut out = Vec::new();
    for (ta, tb) in [(false, false), (false, true), (true, false), (true, true)] {
        for (m, k, n) in [(20, 32, 24), (9, 16, 4), (16, 7, 12), (3, 64, 1)] {
            let a = if ta { [k, m] } else { [m, k] };
            let b = if tb { [n, k] } else { [k, n] };
            let inputs = vec![Input::f32(&a), Input::f32(&b), Input::f32(&[n])];
            let name = format!("matMul large {a:?}{} {b:?}{}", if ta { "T" } else { "" }, if tb { "T" } else { "" });
            out.push(case(&name, inputs, move |x| ops::tanh(&ops::add(&ops::matmul(&x[0], &x[1], ta, tb)?, &x[2])?)));
        }
    }
    let batched = vec![Input::f32(&[3, 8, 16]), Input::f32(&[3, 16, 12])];
    out.push(case("matMul large batch", batched, |x| ops::matmul(&x[0], &x[1], false, false)));
    for n in [8, 7] {
        let long = vec![Input::f32(&[4, 3000]), Input::f32(&[3000, n]), Input::f32(&[4, n])];
        let mut case = case(&format!("matMul large split {n}"), long, |x| {
            ops::add(&ops::matmul(&x[0], &x[1], false, false)?, &x[2])
        });
        // Sums of 3000 terms.
        case.tolerance = 1e-4;
        out.push(case);
    }
    out.push(case("matMul large with itself", vec![Input::f32(&[16, 16])], |x| {
        ops::add(&ops::matmul(&x[0], &x[0], false, true)?, &x[0])
    }));
    out
}

fn convolutions() -> Vec<Case> {
    let mut out = Vec::new();
    let same = Conv2dOptions { padding: Padding::Same, ..Conv2dOptions::default() };
    for (name, x, w, options) in [
        ("same", [2, 9, 10, 8], [3, 3, 8, 12], same),
        ("stride 2", [2, 9, 10, 8], [3, 3, 8, 12], Conv2dOptions { stride: (2, 2), ..same }),
        ("dilation", [1, 12, 11, 4], [3, 3, 4, 8], Conv2dOptions { dilation: (2, 3), ..Conv2dOptions::default() }),
        ("1x1", [2, 8, 8, 8], [1, 1, 8, 16], same),
        ("split", [8, 17, 16, 4], [3, 3, 4, 8], same),
        ("odd", [2, 9, 10, 3], [3, 3, 3, 6], same),
        ("one image", [1, 49, 47, 4], [3, 3, 4, 4], same),
    ] {
        let inputs = vec![Input::f32(&x), Input::f32(&w), Input::f32(&[w[3]])];
        let mut case = case(&format!("conv2d large {name}"), inputs, move |t| {
            ops::relu6(&ops::add(&ops::conv2d(&t[0], &t[1], &options)?, &t[2])?)
        });
        case.tolerance = 5e-5;
        out.push(case);
    }
    for (name, value) in [("zeros", 0.0), ("ones", 1.0)] {
        let inputs = vec![Input::f32(&[2, 7, 6, 8]), Input::f32(&[3, 3, 8, 4])];
        out.push(case(&format!("conv2d large padded by {name}"), inputs, move |t| {
            let padded = ops::pad(&t[0], &[(0, 0), (1, 2), (0, 1), (0, 0)], value)?;
            ops::conv2d(&padded, &t[1], &Conv2dOptions { stride: (2, 2), ..Conv2dOptions::default() })
        }));
    }
    for (name, options) in [
        ("same", same),
        ("stride 2", Conv2dOptions { stride: (2, 2), ..same }),
        ("dilation valid", Conv2dOptions { dilation: (2, 2), ..Conv2dOptions::default() }),
    ] {
        let inputs = vec![Input::f32(&[3, 12, 11, 8]), Input::f32(&[3, 3, 8, 1]), Input::f32(&[8])];
        out.push(case(&format!("depthwiseConv2d large {name}"), inputs, move |x| {
            ops::relu6(&ops::add(&ops::depthwise_conv2d(&x[0], &x[1], &options)?, &x[2])?)
        }));
    }
    let pool = PoolOptions { window: (3, 3), stride: (2, 2), dilation: (1, 1), padding: Padding::Same };
    let images = || vec![Input::f32(&[2, 9, 8, 8])];
    let outside = PoolOptions {
        window: (2, 2),
        stride: (2, 2),
        dilation: (1, 1),
        padding: Padding::Explicit { top: 2, bottom: 2, left: 2, right: 2 },
    };
    out.push(case("maxPool of windows outside", images(), move |x| ops::max_pool(&x[0], &outside)).rough());
    out.push(case("argMax of nothing", vec![Input::f32(&[3, 0])], |x| ops::arg_max(&x[0], 1)).rough());
    out.push(case("conv2d of no channels", vec![Input::f32(&[1, 4, 4, 0]), Input::f32(&[3, 3, 0, 2])], |x| {
        ops::conv2d(&x[0], &x[1], &Conv2dOptions::default())
    }));
    out.push(case("maxPool large", images(), move |x| ops::max_pool(&x[0], &pool)));
    out.push(case("avgPool large", images(), move |x| ops::avg_pool(&x[0], &pool)));
    out
}

fn reductions() -> Vec<Case> {
    let mut out = Vec::new();
    for (shape, axes) in [
        (&[40, 128][..], &[1][..]),
        (&[128, 40], &[0]),
        (&[130, 41], &[0]),
        (&[6, 8, 64], &[0, 2]),
        (&[64, 10, 8], &[0, 1]),
        (&[2, 9000], &[1]),
        (&[9001, 3], &[0]),
        (&[70, 100], &[0, 1]),
    ] {
        let x = || vec![Input::f32(shape)];
        let mut sum = case(&format!("sum large {shape:?} {axes:?}"), x(), move |x| {
            ops::sum(&ops::square(&x[0])?, Some(axes), false)
        });
        sum.tolerance = 1e-4;
        out.push(sum);
        out.push(case(&format!("max large {shape:?} {axes:?}"), x(), move |x| ops::max(&x[0], Some(axes), true)));
        let integers = vec![Input::index(shape, 7)];
        out.push(case(&format!("min large int32 {shape:?} {axes:?}"), integers, move |x| {
            ops::min(&x[0], Some(axes), false)
        }));
    }
    for (shape, axis) in [(&[3usize, 2500][..], 1), (&[70_000], 0), (&[1100, 4], 0)] {
        for arg in [ops::arg_max, ops::arg_min] {
            let numbers = Input::f32(shape);
            let ties = Input::index(shape, 5);
            let truth = Input { dtype: DType::Bool, ..Input::f32(shape) };
            for x in [numbers.clone(), ties, truth] {
                let name = format!("argMax or argMin large {} {shape:?}", x.dtype.name());
                out.push(case(&name, vec![x], move |x| arg(&x[0], axis)).rough());
            }
            // NaN in front, and further on.
            out.push(
                case(&format!("argMax of NaN large {shape:?}"), vec![numbers], move |x| arg(&ops::sqrt(&x[0])?, axis))
                    .rough(),
            );
        }
    }
    out.push(case("sum large and a column of the same", vec![Input::f32(&[40, 128])], |x| {
        ops::add(&ops::sum(&x[0], Some(&[1]), true)?, &ops::slice(&x[0], &[0, 3], &[40, 1])?)
    }));
    let logits = || vec![Input::f32(&[33, 128]).within(-6.0, 6.0)];
    out.push(case("softmax large", logits(), |x| ops::softmax(&x[0], -1)));
    out.push(case("logSoftmax large", logits(), |x| ops::log_softmax(&x[0], 0)));
    out.push(case("any large", vec![Input::f32(&[40, 128]).within(-1.0, 0.01)], |x| {
        ops::any(&ops::greater(&x[0], &x[0].zeros_like()?)?, Some(&[1]), false)
    }));
    out
}

fn pointwise() -> Vec<Case> {
    let pair = |a: &[usize], b: &[usize]| vec![Input::f32(a), Input::f32(b)];
    vec![
        case("add large row", pair(&[6, 5, 8], &[8]), |x| ops::add(&x[0], &x[1])),
        case("add large column", pair(&[6, 8], &[6, 1]), |x| ops::mul(&x[0], &x[1])),
        case("add large transposed", pair(&[8, 12], &[12, 8]), |x| ops::add(&x[0], &ops::transpose(&x[1], None)?)),
        case("add large twice", vec![Input::f32(&[8, 8])], |x| ops::add(&x[0], &ops::slice(&x[0], &[0, 0], &[8, 1])?)),
        case("where large", pair(&[4, 16], &[4, 16]), |x| {
            let less = ops::less(&x[0], &x[1])?;
            let both = ops::logical_and(&less, &ops::greater(&x[0], &x[0].zeros_like()?)?)?;
            ops::select(&both, &ops::exp(&x[0])?, &ops::sin(&x[1])?)
        }),
        case("constants large", vec![Input::f32(&[8, 8])], |x| {
            let constant = |v: f32| x[0].device().constant(headwater_core::Scalar::F32(v));
            let bounded = ops::minimum(&x[0], &constant(f32::MAX))?;
            ops::maximum(&bounded, &constant(f32::NEG_INFINITY))
        }),
        // Rows as long as a tile or longer, and not all of a tile; a column that an instruction takes whole, too.
        case("long rows column", pair(&[3, 2600], &[3, 1]), |x| {
            ops::mul(&ops::exp(&ops::sub(&x[0], &x[1])?)?, &ops::add(&x[1], &ops::tanh(&x[1])?)?)
        }),
        case("long rows column whole", pair(&[3, 1100], &[3, 1]), |x| {
            ops::add(&ops::select(&ops::greater(&x[0], &x[1])?, &x[0], &x[1])?, &ops::sin(&x[1])?)
        }),
        case("long rows constants", vec![Input::f32(&[9001])], |x| {
            let constant = |v: f32| x[0].device().constant(headwater_core::Scalar::F32(v));
            ops::sub(&constant(0.5), &ops::mul(&x[0], &constant(3.0))?)
        }),
        case("long rows alone", vec![Input::f32(&[9001])], |x| {
            ops::add(&x[0].device().constant(headwater_core::Scalar::F32(0.25)), &x[0])
        }),
        case("long rows softmax", vec![Input::f32(&[3, 1500]).within(-6.0, 6.0)], |x| ops::softmax(&x[0], -1)),
        case("long rows layerNorm", vec![Input::f32(&[3, 1300])], |x| {
            ops::layer_norm(&x[0], Some(&[-1]), None, None, 1e-3)
        }),
        // Many rows: more than one task, of rows shorter and longer than a tile.
        case("many rows softmax", vec![Input::f32(&[67, 600]).within(-6.0, 6.0)], |x| ops::softmax(&x[0], -1)),
        case("many rows logSoftmax", vec![Input::f32(&[1100, 31]).within(-6.0, 6.0)], |x| ops::log_softmax(&x[0], -1)),
        case("many rows layerNorm", vec![Input::f32(&[9, 41, 90]), Input::f32(&[90])], |x| {
            ops::layer_norm(&x[0], Some(&[-1]), Some(&x[1]), None, 1e-3)
        }),
        case("many rows flipped", pair(&[70, 480], &[70, 1]), |x| {
            let turned = ops::reverse(&x[0], Some(&[0]))?;
            let scaled = ops::mul(&turned, &ops::mean(&ops::exp(&turned)?, Some(&[1]), true)?)?;
            ops::sub(&scaled, &ops::add(&ops::max(&ops::mul(&scaled, &x[0])?, Some(&[1]), true)?, &x[1])?)
        }),
        case("dropout large", vec![Input::f32(&[64, 32])], |x| ops::dropout(&x[0], 0.4, None, 7)),
        case("slice large", vec![Input::f32(&[12, 16])], |x| ops::relu(&ops::slice(&x[0], &[2, 4], &[8, 8])?)),
    ]
}
