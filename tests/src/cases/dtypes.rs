//! The dtypes that take less than a lane, and uint32: every op kind in each of them. Expected values are rounded, too, so that
//! results differ by one unit of the dtype at most.

use headwater_core::ops::{self, Conv2dOptions, Padding, PoolOptions};
use headwater_core::pointwise::{rows, Row, TypeRule};
use headwater_core::{DType, Result, Tensor};

use super::{case, Case, Input};

const FLOATS: [DType; 2] = [DType::F16, DType::BF16];
const WHOLE: [DType; 3] = [DType::U8, DType::I8, DType::U32];

/// Every case.
pub(super) fn dtypes() -> Vec<Case> {
    let mut all: Vec<Case> = rows().flat_map(pointwise).collect();
    all.extend(casts());
    for dtype in FLOATS {
        all.extend(floats(dtype));
    }
    for dtype in WHOLE {
        all.extend(whole(dtype));
    }
    for dtype in FLOATS.into_iter().chain(WHOLE) {
        all.extend(moves(dtype));
    }
    all
}

/// Elements over the dtype's range.
fn input(shape: &[usize], dtype: DType) -> Input {
    let range = match dtype {
        DType::U8 => (0.0, 256.0),
        DType::I8 => (-128.0, 128.0),
        DType::U32 => (0.0, 4_294_967_296.0),
        _ => (-1.0, 1.0),
    };
    Input { shape: shape.to_vec(), dtype, range }
}

/// One and a half units of the dtype, for each of the steps that a case takes.
fn rounded(case: Case, dtype: DType, steps: f64) -> Case {
    let unit = match dtype {
        DType::F16 => 2f64.powi(-10),
        DType::BF16 => 2f64.powi(-7),
        _ => return case.rough(),
    };
    Case { tolerance: 1.5 * unit * steps, ..case }
}

fn pointwise(row: &'static Row) -> Vec<Case> {
    let mut out = Vec::new();
    for dtype in FLOATS.into_iter().chain(WHOLE) {
        let fits = match row.types {
            TypeRule::Logical => false,
            TypeRule::Bitwise => dtype.is_integer(),
            _ => true,
        };
        if !fits {
            continue;
        }
        let shapes: &[&[&[usize]]] = match row.arity() {
            1 => &[&[&[1100]], &[&[]]],
            2 => &[&[&[2, 1, 5], &[3, 1]], &[&[40, 52], &[52]]],
            _ => &[&[&[3, 7], &[3, 7], &[3, 7]], &[&[4, 16], &[16], &[]]],
        };
        for shapes in shapes {
            let operand = |(i, (shape, &(low, high))): (usize, (&&[usize], &(f64, f64)))| match (row.types, dtype) {
                (TypeRule::Select, _) if i == 0 => input(shape, DType::Bool),
                // Functions of real numbers, and exponents and shifts, have ranges of their own.
                (TypeRule::Float, _) => input(shape, dtype).within(low, high),
                _ if dtype.is_float() => input(shape, dtype).within(low, high),
                _ if row.name == "pow" => input(shape, dtype).within(0.0, 5.0),
                _ if row.name.ends_with("Shift") && i == 1 => input(shape, dtype).within(0.0, 9.0),
                _ => input(shape, dtype),
            };
            let inputs = shapes.iter().zip(row.check.domain).enumerate().map(operand).collect();
            let name = format!("{} {} {shapes:?}", row.name, dtype.name());
            let case = case(&name, inputs, move |x| ops::pointwise(row.name, &x.iter().collect::<Vec<_>>()));
            // Gradients are rounded once more, from rounded results.
            let mut case = rounded(case, dtype, 4.0);
            // Where a rounded operand jumps, or its rounding is what is left of it.
            let jumps =
                ["floor", "ceil", "round", "mod", "floorDiv", "hardSigmoid", "tan", "acos", "asin", "atanh", "acosh"];
            case.smooth &= !jumps.contains(&row.name);
            out.push(case);
        }
    }
    out
}

fn casts() -> Vec<Case> {
    let mut out = Vec::new();
    for from in DType::ALL {
        for to in DType::ALL {
            for range in [(-300.0, 300.0), (-1e10, 1e10), (-2.0, 2.0)] {
                let inputs = vec![Input { range, ..input(&[500], from) }];
                let name = format!("cast {} to {} {range:?}", from.name(), to.name());
                out.push(rounded(case(&name, inputs, move |x| x[0].cast(to)), to, 1.0).rough());
            }
        }
        let twice = move |x: &[Tensor]| x[0].cast(DType::F32)?.cast(from)?.cast(DType::F16);
        out.push(
            rounded(
                case(&format!("cast {} there and back", from.name()), vec![input(&[70], from)], twice),
                DType::F16,
                1.0,
            )
            .rough(),
        );
    }
    out
}

type Reduction = fn(&Tensor, Option<&[isize]>, bool) -> Result<Tensor>;

fn reductions(dtype: DType) -> Vec<Case> {
    let list: [(&str, Reduction); 8] = [
        ("sum", ops::sum),
        ("mean", ops::mean),
        ("prod", ops::prod),
        ("max", ops::max),
        ("min", ops::min),
        ("any", ops::any),
        ("all", ops::all),
        ("logSumExp", ops::log_sum_exp),
    ];
    let mut out = Vec::new();
    for (name, f) in list {
        for shape in [[3, 4, 5], [2, 3000, 1], [1, 700, 9], [0, 2, 3]] {
            // Products of more would be infinite, or nothing.
            let x = if name == "prod" && dtype.is_float() {
                input(&shape, dtype).within(0.9, 1.1)
            } else {
                input(&shape, dtype)
            };
            // Other whole numbers are exact in float32 up to here.
            let x = if name == "mean" && dtype == DType::U32 { x.within(0.0, 9.0) } else { x };
            let name = format!("{name} {} {shape:?}", dtype.name());
            out.push(rounded(case(&name, vec![x], move |x| f(&x[0], Some(&[0, 1]), false)), dtype, 4.0));
        }
    }
    for axis in [0, 2] {
        out.push(
            case(&format!("argMax {} {axis}", dtype.name()), vec![input(&[4, 5, 40], dtype)], move |x| {
                ops::arg_max(&x[0], axis)
            })
            .rough(),
        );
        out.push(
            case(&format!("argMin {} {axis}", dtype.name()), vec![input(&[4, 5, 40], dtype)], move |x| {
                ops::arg_min(&x[0], axis)
            })
            .rough(),
        );
    }
    out
}

fn moves(dtype: DType) -> Vec<Case> {
    let x = || vec![input(&[2, 3, 4], dtype)];
    let name = |op: &str| format!("{op} {}", dtype.name());
    let mut out = reductions(dtype);
    out.extend(
        [
            case(&name("reshape"), x(), |x| ops::reshape(&ops::transpose(&x[0], None)?, [8, 3])),
            case(&name("stridedSlice"), x(), |x| ops::strided_slice(&x[0], &[1, 2, 3], &[2, 2, 2], &[-1, -2, -3])),
            case(&name("broadcastTo"), vec![input(&[3, 1], dtype)], |x| ops::broadcast_to(&x[0], [2, 3, 4])),
            case(&name("pad"), x(), |x| ops::pad(&x[0], &[(1, 0), (0, 2), (3, 1)], 7.3)),
            case(&name("concat"), vec![input(&[2, 3], dtype), input(&[2, 1], dtype)], |x| {
                ops::concat(&[&x[0], &x[1]], 1)
            }),
            case(&name("concat with float32"), vec![input(&[2, 3], dtype), Input::f32(&[2, 1])], |x| {
                ops::concat(&[&x[0], &x[1]], 1)
            }),
            case(&name("gather"), vec![input(&[4, 5, 3], dtype), Input::index(&[2, 4], 7)], |x| {
                ops::gather(&x[0], &x[1], 1, 0)
            }),
            case(&name("unsortedSegmentSum"), vec![input(&[70, 3], dtype), Input::index(&[70], 4)], |x| {
                ops::unsorted_segment_sum(&x[0], &x[1], 3)
            }),
            case(&name("topk values"), vec![input(&[3, 20], dtype)], |x| Ok(ops::topk(&x[0], 5)?.0)),
            case(&name("topk indices"), vec![input(&[3, 20], dtype)], |x| Ok(ops::topk(&x[0], 5)?.1)),
            case(&name("where"), vec![input(&[40], dtype), Input::f32(&[40])], |x| {
                ops::select(&ops::greater(&x[0], &x[1])?, &x[0], &x[0].zeros_like()?)
            }),
            case(&name("range"), vec![input(&[1], dtype)], move |x| ops::range(x[0].device(), 3.0, 90.0, 0.75, dtype))
                .rough(),
            case(&name("oneHot"), vec![Input::index(&[3, 2], 4)], move |x| ops::one_hot(&x[0], 4, 2.0, 1.0, dtype))
                .rough(),
            case(
                &name("matMul"),
                vec![input(&[9, 12], dtype).within(-9.0, 9.0), input(&[12, 20], dtype).within(-9.0, 9.0)],
                |x| ops::matmul(&x[0], &x[1], false, false),
            ),
        ]
        .into_iter()
        .map(|case| rounded(case, dtype, 4.0)),
    );
    out
}

fn whole(dtype: DType) -> Vec<Case> {
    let name = |op: &str| format!("{op} {}", dtype.name());
    let index = || input(&[5], dtype).within(0.0, 6.0);
    vec![
        case(&name("indices"), vec![Input::f32(&[6, 3]), index()], |x| ops::gather(&x[0], &x[1], 0, 0)),
        case(&name("segments"), vec![Input::f32(&[5, 3]), index()], |x| ops::unsorted_segment_sum(&x[0], &x[1], 4)),
        case(&name("oneHot of"), vec![index()], |x| ops::one_hot(&x[0], 6, 1.0, 0.0, DType::F32)),
        case(
            &name("conv2d"),
            vec![input(&[1, 6, 6, 3], dtype).within(-9.0, 9.0), input(&[3, 3, 3, 4], dtype).within(-9.0, 9.0)],
            |x| ops::conv2d(&x[0], &x[1], &Conv2dOptions::default()),
        ),
        case(&name("division by zero"), vec![input(&[300], dtype), input(&[300], dtype).within(0.0, 3.0)], |x| {
            ops::add(&ops::floor_div(&x[0], &x[1])?, &ops::modulo(&x[0], &x[1])?)
        }),
        case(&name("large divisors"), vec![input(&[300], dtype), input(&[300], dtype)], |x| ops::modulo(&x[0], &x[1])),
    ]
    .into_iter()
    .map(Case::rough)
    .collect()
}

fn floats(dtype: DType) -> Vec<Case> {
    let same = Conv2dOptions { padding: Padding::Same, ..Conv2dOptions::default() };
    let pool = PoolOptions { window: (3, 3), stride: (2, 2), dilation: (1, 1), padding: Padding::Same };
    let half = |shape: &[usize]| input(shape, dtype);
    let name = |op: &str| format!("{op} {}", dtype.name());
    let images = || vec![half(&[2, 9, 8, 8])];
    vec![
        case(&name("chain"), vec![half(&[9, 12]), half(&[12, 20]), half(&[20])], |x| {
            ops::tanh(&ops::add(&ops::matmul(&x[0], &x[1], false, false)?, &x[2])?)
        }),
        case(&name("matMul large"), vec![half(&[70, 129]), half(&[129, 67])], |x| {
            ops::matmul(&x[0], &x[1], false, false)
        }),
        case(&name("matMul with float32"), vec![half(&[5, 4]), Input::f32(&[4, 3])], |x| {
            ops::matmul(&x[0], &x[1], false, false)
        }),
        case(&name("conv2d"), vec![half(&[2, 9, 10, 8]), half(&[3, 3, 8, 12]), half(&[12])], move |x| {
            ops::relu6(&ops::add(&ops::conv2d(&x[0], &x[1], &same)?, &x[2])?)
        }),
        case(&name("depthwiseConv2d"), vec![half(&[1, 7, 8, 5]), half(&[3, 3, 5, 1])], move |x| {
            ops::depthwise_conv2d(&x[0], &x[1], &same)
        }),
        case(&name("conv2dTranspose"), vec![half(&[2, 4, 3, 5]), half(&[3, 3, 6, 5])], move |x| {
            ops::conv2d_transpose(&x[0], &x[1], (4, 3), &same)
        }),
        case(&name("maxPool"), images(), move |x| ops::max_pool(&x[0], &pool)),
        case(&name("avgPool"), images(), move |x| ops::avg_pool(&x[0], &pool)),
        case(&name("resizeBilinear"), images(), |x| ops::resize_bilinear(&x[0], (5, 13), false, true)),
        case(&name("resizeNearestNeighbor"), images(), |x| ops::resize_nearest(&x[0], (5, 13), false, false)),
        case(&name("softmax"), vec![half(&[4, 7]).within(-6.0, 6.0)], |x| ops::softmax(&x[0], -1)),
        case(&name("logSoftmax"), vec![half(&[4, 7]).within(-6.0, 6.0)], |x| ops::log_softmax(&x[0], 0)),
        case(&name("softmaxCrossEntropy"), vec![half(&[4, 7]).within(0.0, 1.0), half(&[4, 7])], |x| {
            ops::softmax_cross_entropy(&x[0], &x[1])
        }),
        case(&name("sigmoidCrossEntropy"), vec![half(&[4, 7]).within(0.0, 1.0), half(&[4, 7])], |x| {
            ops::sigmoid_cross_entropy(&x[0], &x[1])
        }),
        case(&name("moments"), vec![half(&[5, 4, 3])], |x| Ok(ops::moments(&x[0], Some(&[0, 1]), false)?.1)),
        case(&name("batchNorm"), vec![half(&[4, 3, 3, 5]), half(&[5]), half(&[5]).within(0.5, 1.0), half(&[5])], |x| {
            ops::batch_norm(&x[0], &x[1], &x[2], Some(&x[3]), Some(&x[1]), 1e-3)
        }),
        case(&name("dropout"), vec![half(&[50, 4])], |x| ops::dropout(&x[0], 0.4, None, 7)),
        case(&name("leakyRelu"), vec![half(&[50])], |x| ops::leaky_relu(&x[0], 0.2)),
        case(&name("takeAlong"), vec![half(&[4, 30])], |x| Ok(ops::topk(&x[0], 3)?.0)),
    ]
    .into_iter()
    .map(|case| rounded(case, dtype, 6.0))
    .collect()
}
