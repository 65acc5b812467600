//! The catalogue. Pointwise cases come from the op table; the others are written here and, by family, in `cases/`.

mod images;
mod spectral;
mod volumes;

mod attention;
mod distributions;
mod indexing;
mod linalg;
mod quantize;
mod scan;

mod dtypes;

use headwater_core::ops::{self, Conv2dOptions, Padding, PoolOptions};
use headwater_core::pointwise::{rows, Row, TypeRule};
use headwater_core::{DType, HostData, Result, Tensor};

mod einsum;
mod layout;
mod recurrent;

/// An operand: its shape, and the dtype and range of its elements.
#[derive(Clone, Debug)]
pub struct Input {
    /// The shape.
    pub shape: Vec<usize>,
    /// The dtype.
    pub dtype: DType,
    /// The range elements are drawn from.
    pub range: (f64, f64),
}

impl Input {
    /// float32 elements in [-1, 1).
    pub fn f32(shape: &[usize]) -> Input {
        Input { shape: shape.to_vec(), dtype: DType::F32, range: (-1.0, 1.0) }
    }

    /// int32 elements in [0, end).
    pub fn index(shape: &[usize], end: usize) -> Input {
        Input { shape: shape.to_vec(), dtype: DType::I32, range: (0.0, end as f64) }
    }

    /// The same with another range.
    pub fn within(self, low: f64, high: f64) -> Input {
        Input { range: (low, high), ..self }
    }

    /// Elements that depend on `seed` alone; int32 and bool ones as whole numbers.
    pub fn elements(&self, seed: u32) -> Vec<f64> {
        let n: usize = self.shape.iter().product();
        let (low, high) = self.range;
        let unit = |i: usize| f64::from(ops::hash_key(seed, i as u32) >> 8) / f64::from(1 << 24);
        let draw = |i: usize| low + (high - low) * unit(i);
        match self.dtype {
            dtype if dtype.is_float() => HostData::from_f64(dtype, &(0..n).map(draw).collect::<Vec<_>>()).to_f64(),
            dtype if dtype.is_integer() => (0..n).map(|i| draw(i).floor()).collect(),
            _ => (0..n).map(|i| f64::from(u8::from(unit(i) < 0.5))).collect(),
        }
    }
}

/// The function under test.
pub type Function = Box<dyn Fn(&[Tensor]) -> Result<Tensor> + Send + Sync>;

/// One call of one op.
pub struct Case {
    /// For messages.
    pub name: String,
    /// The operands.
    pub inputs: Vec<Input>,
    /// The call.
    pub function: Function,
    /// Largest accepted error, relative to the larger of 1 and the value.
    pub tolerance: f64,
    /// Whether gradients are compared, too. Not where a tiny change of an operand jumps.
    pub smooth: bool,
}

/// A case with the usual tolerance.
pub(crate) fn case(
    name: &str,
    inputs: Vec<Input>,
    function: impl Fn(&[Tensor]) -> Result<Tensor> + Send + Sync + 'static,
) -> Case {
    Case { name: name.into(), inputs, function: Box::new(function), tolerance: 2e-5, smooth: true }
}

impl Case {
    /// Without gradients.
    pub(crate) fn rough(self) -> Case {
        Case { smooth: false, ..self }
    }
}

/// Every case.
pub fn cases() -> Vec<Case> {
    let mut all: Vec<Case> = rows().flat_map(pointwise).collect();
    all.extend(movement());
    all.extend(reductions());
    all.extend(contractions());
    all.extend(windows());
    all.extend(indexing());
    all.extend(composites());
    all.extend(attention::attention());
    all.extend(quantize::quantize());
    all.extend(distributions::distributions());
    all.extend(linalg::linalg());
    all.extend(indexing::cases());
    all.extend(scan::cases());
    all.extend(images::cases());
    all.extend(spectral::cases());
    all.extend(volumes::cases());
    all.extend(crate::large::large());
    all.extend(layout::cases());
    all.extend(einsum::cases());
    all.extend(recurrent::cases());
    all.extend(separable());
    all.extend(dtypes::dtypes());
    all
}

/// A row with equal, broadcast and empty shapes, in each dtype its rule accepts.
fn pointwise(row: &'static Row) -> Vec<Case> {
    let shapes: &[&[&[usize]]] = match row.arity() {
        1 => &[&[&[2, 3, 5]], &[&[1100]], &[&[]], &[&[0, 3]]],
        2 => &[&[&[3, 7], &[3, 7]], &[&[2, 1, 5], &[3, 1]], &[&[], &[6]], &[&[4, 513], &[513]], &[&[0], &[1]]],
        _ => &[&[&[3, 7], &[3, 7], &[3, 7]], &[&[2, 5], &[5], &[]]],
    };
    let dtypes: &[DType] = match row.types {
        TypeRule::Float | TypeRule::Test => &[DType::F32],
        TypeRule::Arithmetic | TypeRule::Compare | TypeRule::Select => &[DType::F32, DType::I32],
        TypeRule::Bitwise => &[DType::I32],
        TypeRule::Logical => &[DType::Bool],
    };
    let rounds = matches!(row.name, "floor" | "ceil" | "round" | "mod" | "floorDiv");
    let mut out = Vec::new();
    for (&dtype, shapes) in dtypes.iter().flat_map(|d| shapes.iter().map(move |s| (d, s))) {
        let inputs = (shapes.iter().zip(row.check.domain).enumerate())
            .map(|(i, (shape, &range))| {
                let dtype = if row.types == TypeRule::Select && i == 0 { DType::Bool } else { dtype };
                Input { shape: shape.to_vec(), dtype, range }
            })
            .collect();
        let name = format!("{} {} {shapes:?}", row.name, dtype.name());
        let function = move |x: &[Tensor]| ops::pointwise(row.name, &x.iter().collect::<Vec<_>>());
        let mut case = case(&name, inputs, function);
        case.smooth = dtype == DType::F32 && !rounds;
        // Integer powers of up to 4^4 and float ones of up to 3^4 lose digits in exp(y log x).
        case.tolerance = if row.name == "pow" { 1e-4 } else { 2e-5 };
        out.push(case);
    }
    out
}

fn movement() -> Vec<Case> {
    let x = || vec![Input::f32(&[2, 3, 4])];
    vec![
        case("reshape", x(), |x| ops::reshape(&x[0], [4, 6])),
        case("transpose", x(), |x| ops::transpose(&x[0], Some(&[2, 0, 1]))),
        case("transpose reshape", x(), |x| ops::reshape(&ops::transpose(&x[0], None)?, [8, 3])),
        case("broadcastTo", vec![Input::f32(&[3, 1])], |x| ops::broadcast_to(&x[0], [2, 3, 4])),
        case("slice", x(), |x| ops::slice(&x[0], &[1, 0, 2], &[1, 3, 2])),
        case("slice empty", x(), |x| ops::slice(&x[0], &[2, 0, 0], &[0, 3, 4])),
        case("stridedSlice", x(), |x| ops::strided_slice(&x[0], &[1, 2, 3], &[2, 2, 2], &[-1, -2, -3])),
        case("reverse", x(), |x| ops::reverse(&x[0], Some(&[0, 2]))),
        case("expandDims", x(), |x| ops::expand_dims(&x[0], -2)),
        case("pad", x(), |x| ops::pad(&x[0], &[(1, 0), (0, 2), (3, 1)], 0.5)),
        case("pad of a transpose", x(), |x| ops::pad(&ops::transpose(&x[0], None)?, &[(0, 1), (2, 0), (1, 1)], -1.0)),
        case("concat", vec![Input::f32(&[2, 3]), Input::f32(&[2, 1]), Input::f32(&[2, 4])], |x| {
            ops::concat(&x.iter().collect::<Vec<_>>(), 1)
        }),
        case("concat of twenty", (0..20).map(|_| Input::f32(&[1, 3])).collect(), |x| {
            ops::concat(&x.iter().collect::<Vec<_>>(), 0)
        }),
        case("stack", vec![Input::f32(&[2, 3]), Input::f32(&[2, 3])], |x| ops::stack(&[&x[0], &x[1]], 1)),
        case("split", x(), |x| ops::mul(&ops::split(&x[0], &[1, 3], -1)?[1], &ops::split(&x[0], &[1, 3], -1)?[0])),
        case("tile", x(), |x| ops::tile(&x[0], &[2, 1, 3])),
        case("cast", x(), |x| ops::mul(&x[0], &x[0].cast(DType::I32)?.cast(DType::F32)?)).rough(),
    ]
}

fn reductions() -> Vec<Case> {
    type Reduction = fn(&Tensor, Option<&[isize]>, bool) -> Result<Tensor>;
    let list: [(&str, Reduction); 6] = [
        ("sum", ops::sum),
        ("mean", ops::mean),
        ("prod", ops::prod),
        ("max", ops::max),
        ("min", ops::min),
        ("logSumExp", ops::log_sum_exp),
    ];
    let mut out = Vec::new();
    for (name, f) in list {
        let axes: [Option<&'static [isize]>; 5] = [None, Some(&[0]), Some(&[-1]), Some(&[1]), Some(&[0, 2])];
        for axes in axes {
            for keep in [false, true] {
                let name = format!("{name} {axes:?} keep={keep}");
                out.push(case(&name, vec![Input::f32(&[3, 4, 5])], move |x| f(&x[0], axes, keep)));
            }
        }
        out.push(case(&format!("{name} long row"), vec![Input::f32(&[3, 3000])], move |x| f(&x[0], Some(&[1]), false)));
        out.push(case(&format!("{name} long column"), vec![Input::f32(&[700, 9])], move |x| {
            f(&x[0], Some(&[0]), false)
        }));
        out.push(case(&format!("{name} of a product"), vec![Input::f32(&[40, 6]), Input::f32(&[6])], move |x| {
            f(&ops::mul(&x[0], &x[1])?, Some(&[0]), false)
        }));
        out.push(case(&format!("{name} of size 1"), vec![Input::f32(&[1, 1])], move |x| f(&x[0], Some(&[1]), false)));
    }
    out.push(case("sum of nothing", vec![Input::f32(&[0, 3])], |x| ops::sum(&x[0], Some(&[0]), false)));
    out.push(case("prod of nothing", vec![Input::f32(&[2, 0])], |x| ops::prod(&x[0], Some(&[1]), false)));
    out.push(case("sum int32", vec![Input::index(&[5, 6], 100)], |x| ops::sum(&x[0], Some(&[1]), false)).rough());
    out.push(
        case("any", vec![Input { dtype: DType::Bool, ..Input::f32(&[6, 2]) }], |x| ops::any(&x[0], Some(&[1]), false))
            .rough(),
    );
    out.push(
        case("all", vec![Input { dtype: DType::Bool, ..Input::f32(&[6, 2]) }], |x| ops::all(&x[0], Some(&[1]), false))
            .rough(),
    );
    for axis in [0, 1, -1] {
        out.push(
            case(&format!("argMax {axis}"), vec![Input::f32(&[4, 5, 6])], move |x| ops::arg_max(&x[0], axis)).rough(),
        );
        out.push(
            case(&format!("argMin {axis}"), vec![Input::f32(&[4, 5, 6])], move |x| ops::arg_min(&x[0], axis)).rough(),
        );
    }
    out
}

fn contractions() -> Vec<Case> {
    let mut out = Vec::new();
    for (m, k, n) in [(1, 1, 1), (3, 4, 5), (17, 33, 9), (1, 40, 70), (65, 7, 1), (70, 129, 67)] {
        for (ta, tb) in [(false, false), (true, false), (false, true), (true, true)] {
            let a = if ta { [k, m] } else { [m, k] };
            let b = if tb { [n, k] } else { [k, n] };
            let name = format!("matMul {m}x{k}x{n} {ta} {tb}");
            out.push(case(&name, vec![Input::f32(&a), Input::f32(&b)], move |x| ops::matmul(&x[0], &x[1], ta, tb)));
        }
    }
    out.push(case("matMul of nothing", vec![Input::f32(&[2, 0]), Input::f32(&[0, 3])], |x| {
        ops::matmul(&x[0], &x[1], false, false)
    }));
    out.push(case("matMul batched", vec![Input::f32(&[2, 3, 4, 5]), Input::f32(&[3, 5, 6])], |x| {
        ops::matmul(&x[0], &x[1], false, false)
    }));
    out.push(case("matMul shared right", vec![Input::f32(&[2, 3, 5]), Input::f32(&[5, 4])], |x| {
        ops::matmul(&x[0], &x[1], false, false)
    }));
    // Their strides are negative: the first element lies behind the others.
    for axes in [[0], [1], [2]] {
        let inputs = vec![Input::f32(&[3, 4, 5]), Input::f32(&[3, 5, 70])];
        out.push(case(&format!("matMul of operands reversed along {axes:?}"), inputs, move |x| {
            ops::matmul(&ops::reverse(&x[0], Some(&axes))?, &ops::reverse(&x[1], Some(&axes))?, false, false)
        }));
    }
    out.push(case("matMul of a reversed matrix", vec![Input::f32(&[4, 5]), Input::f32(&[5, 3])], |x| {
        ops::matmul(&x[0], &ops::reverse(&x[1], None)?, false, false)
    }));
    out.push(case("matMul bias relu", vec![Input::f32(&[9, 12]), Input::f32(&[12, 20]), Input::f32(&[20])], |x| {
        ops::relu(&ops::add(&ops::matmul(&x[0], &x[1], false, false)?, &x[2])?)
    }));
    out.push(case(
        "matMul residual tanh",
        vec![Input::f32(&[9, 12]), Input::f32(&[12, 20]), Input::f32(&[9, 20])],
        |x| ops::tanh(&ops::add(&ops::matmul(&x[0], &x[1], false, false)?, &x[2])?),
    ));
    let same = Conv2dOptions { padding: Padding::Same, ..Conv2dOptions::default() };
    let explicit = Padding::Explicit { top: 1, bottom: 2, left: 0, right: 3 };
    let convolutions = [
        ("valid", [2, 7, 6, 3], [3, 2, 3, 5], Conv2dOptions::default()),
        ("same", [1, 7, 6, 4], [3, 3, 4, 8], same),
        ("1x1", [2, 5, 5, 6], [1, 1, 6, 9], Conv2dOptions::default()),
        ("stride 2", [1, 9, 8, 3], [3, 3, 3, 4], Conv2dOptions { stride: (2, 2), ..same }),
        ("1x1 stride 2", [1, 6, 6, 3], [1, 1, 3, 4], Conv2dOptions { stride: (2, 2), ..same }),
        ("stride 2x1 valid", [1, 9, 8, 3], [2, 3, 3, 4], Conv2dOptions { stride: (2, 1), ..Conv2dOptions::default() }),
        ("dilation", [1, 9, 9, 2], [3, 3, 2, 3], Conv2dOptions { dilation: (2, 3), ..Conv2dOptions::default() }),
        ("explicit", [1, 5, 6, 2], [3, 3, 2, 3], Conv2dOptions { padding: explicit, ..Conv2dOptions::default() }),
        ("groups", [2, 5, 5, 6], [3, 3, 2, 9], Conv2dOptions { groups: 3, ..same }),
        ("one channel", [3, 9, 9, 1], [5, 5, 1, 8], Conv2dOptions::default()),
        ("wide", [1, 6, 5, 20], [3, 3, 20, 40], same),
    ];
    for (name, x, w, options) in convolutions {
        out.push(case(&format!("conv2d {name}"), vec![Input::f32(&x), Input::f32(&w)], move |t| {
            ops::conv2d(&t[0], &t[1], &options)
        }));
        let bias = Input::f32(&[w[3]]);
        out.push(case(&format!("conv2d {name} bias relu6"), vec![Input::f32(&x), Input::f32(&w), bias], move |t| {
            ops::relu6(&ops::add(&ops::conv2d(&t[0], &t[1], &options)?, &t[2])?)
        }));
    }
    for (name, multiplier, options) in [
        ("same", 1, same),
        ("stride 2", 1, Conv2dOptions { stride: (2, 2), ..same }),
        ("multiplier", 2, same),
        ("dilation", 1, Conv2dOptions { dilation: (2, 2), ..same }),
        ("valid", 1, Conv2dOptions::default()),
    ] {
        let inputs = vec![Input::f32(&[2, 7, 8, 5]), Input::f32(&[3, 3, 5, multiplier])];
        out.push(case(&format!("depthwiseConv2d {name}"), inputs, move |x| {
            ops::depthwise_conv2d(&x[0], &x[1], &options)
        }));
    }
    let inputs = vec![Input::f32(&[1, 10, 9, 24]), Input::f32(&[3, 3, 24, 1]), Input::f32(&[24])];
    out.push(case("depthwiseConv2d bias relu6", inputs, move |x| {
        ops::relu6(&ops::add(&ops::depthwise_conv2d(&x[0], &x[1], &same)?, &x[2])?)
    }));
    let stride2 = Conv2dOptions { stride: (2, 2), ..same };
    let inputs = vec![Input::f32(&[2, 4, 3, 5]), Input::f32(&[3, 3, 6, 5])];
    out.push(case("conv2dTranspose", inputs, move |x| ops::conv2d_transpose(&x[0], &x[1], (8, 6), &stride2)));
    out
}

fn separable() -> Vec<Case> {
    let mut out = Vec::new();
    let same = Conv2dOptions { padding: Padding::Same, ..Conv2dOptions::default() };
    for (name, options) in [("same", same), ("stride 2", Conv2dOptions { stride: (2, 2), ..same })] {
        let inputs = vec![Input::f32(&[2, 6, 5, 3]), Input::f32(&[3, 3, 3, 2]), Input::f32(&[1, 1, 6, 4])];
        out.push(case(&format!("separableConv2d {name}"), inputs, move |x| {
            ops::separable_conv2d(&x[0], &x[1], &x[2], &options)
        }));
    }
    out
}

fn windows() -> Vec<Case> {
    let mut out = Vec::new();
    let base = PoolOptions { window: (2, 2), stride: (2, 2), dilation: (1, 1), padding: Padding::Valid };
    let pools = [
        ("2x2", base),
        ("3x2 stride 1 same", PoolOptions { window: (3, 2), stride: (1, 1), padding: Padding::Same, ..base }),
        ("3x3 stride 2 same", PoolOptions { window: (3, 3), padding: Padding::Same, ..base }),
        ("dilated", PoolOptions { dilation: (2, 2), stride: (1, 1), ..base }),
    ];
    for (name, options) in pools {
        let x = || vec![Input::f32(&[2, 7, 6, 5])];
        out.push(case(&format!("maxPool {name}"), x(), move |x| ops::max_pool(&x[0], &options)));
        out.push(case(&format!("avgPool {name}"), x(), move |x| ops::avg_pool(&x[0], &options)));
    }
    for (size, align, half) in
        [((4, 9), false, false), ((7, 3), true, false), ((10, 10), false, true), ((1, 1), false, false)]
    {
        let x = || vec![Input::f32(&[2, 5, 6, 3])];
        let name = format!("{size:?} align={align} half={half}");
        out.push(case(&format!("resizeBilinear {name}"), x(), move |x| ops::resize_bilinear(&x[0], size, align, half)));
        out.push(case(&format!("resizeNearestNeighbor {name}"), x(), move |x| {
            ops::resize_nearest(&x[0], size, align, half)
        }));
    }
    out
}

fn indexing() -> Vec<Case> {
    let mut out = Vec::new();
    for axis in [0isize, 1, 2] {
        let inputs = vec![Input::f32(&[4, 5, 3]), Input::index(&[2, 4], 3)];
        out.push(case(&format!("gather axis {axis}"), inputs, move |x| ops::gather(&x[0], &x[1], axis, 0)));
    }
    let inputs = vec![Input::f32(&[4, 5, 3]), Input::index(&[4, 6], 5)];
    out.push(case("gather batched", inputs, |x| ops::gather(&x[0], &x[1], 1, 1)));
    let inputs = vec![Input::f32(&[4, 3]), Input::index(&[9], 8)];
    out.push(case("gather outside", inputs, |x| ops::gather(&x[0], &x[1], 0, 0)));
    for (shape, segments, n) in [(vec![7, 3], 7, 4), (vec![5], 5, 9), (vec![0, 2], 0, 3), (vec![6, 2, 2], 6, 1)] {
        // Some belong to no segment.
        let inputs = vec![Input::f32(&shape), Input::index(&[segments], n + 1).within(-1.0, n as f64 + 1.0)];
        out.push(case(&format!("unsorted_segment_sum {shape:?}"), inputs, move |x| {
            ops::unsorted_segment_sum(&x[0], &x[1], n)
        }));
    }
    let whole = Input { dtype: DType::I32, ..Input::f32(&[6, 2]) }.within(-9.0, 9.0);
    out.push(case("unsorted_segment_sum int32", vec![whole, Input::index(&[6], 3)], |x| {
        ops::unsorted_segment_sum(&x[0], &x[1], 3)
    }));
    out.push(case("oneHot", vec![Input::index(&[3, 2], 4)], |x| ops::one_hot(&x[0], 4, 2.0, -1.0, DType::F32)));
    out.push(case("topk values", vec![Input::f32(&[3, 20])], |x| Ok(ops::topk(&x[0], 5)?.0)));
    out.push(case("topk indices", vec![Input::f32(&[3, 20])], |x| Ok(ops::topk(&x[0], 5)?.1)).rough());
    out.push(case("topk of ties", vec![Input::index(&[4, 30], 3)], |x| Ok(ops::topk(&x[0], 30)?.1)).rough());
    out
}

fn composites() -> Vec<Case> {
    let logits = || vec![Input::f32(&[4, 7]).within(-6.0, 6.0)];
    let pair = || vec![Input::f32(&[4, 7]).within(0.0, 1.0), Input::f32(&[4, 7]).within(-5.0, 5.0)];
    vec![
        case("softmax", logits(), |x| ops::softmax(&x[0], -1)),
        case("softmax axis 0", logits(), |x| ops::softmax(&x[0], 0)),
        case("logSoftmax", logits(), |x| ops::log_softmax(&x[0], -1)),
        case("softmaxCrossEntropy", pair(), |x| ops::softmax_cross_entropy(&x[0], &x[1])),
        case("sigmoidCrossEntropy", pair(), |x| ops::sigmoid_cross_entropy(&x[0], &x[1])),
        case("moments", vec![Input::f32(&[5, 4, 3])], |x| Ok(ops::moments(&x[0], Some(&[0, 1]), false)?.1)),
        case("batchNorm of a batch", vec![Input::f32(&[4, 3, 3, 5]), Input::f32(&[5]), Input::f32(&[5])], |x| {
            let (mean, variance) = ops::moments(&x[0], Some(&[0, 1, 2]), false)?;
            ops::batch_norm(&x[0], &mean, &variance, Some(&x[1]), Some(&x[2]), 1e-3)
        }),
        case("dropout", vec![Input::f32(&[50, 4])], |x| ops::dropout(&x[0], 0.4, None, 7)),
        case("leakyRelu", vec![Input::f32(&[50])], |x| ops::leaky_relu(&x[0], 0.2)),
        case("randomUniform", vec![Input::f32(&[1])], |x| ops::random_uniform(x[0].device(), [300], -2.0, 3.0, 42))
            .rough(),
        case("randomNormal", vec![Input::f32(&[1])], |x| ops::random_normal(x[0].device(), [300], 1.0, 2.0, 42))
            .rough(),
        case("truncatedNormal", vec![Input::f32(&[1])], |x| ops::truncated_normal(x[0].device(), [300], 0.0, 1.0, 5))
            .rough(),
        case(
            "cnn",
            vec![
                Input::f32(&[2, 12, 12, 1]),
                Input::f32(&[3, 3, 1, 4]),
                Input::f32(&[4]),
                Input::f32(&[100, 5]),
                Input::f32(&[2, 5]).within(0.0, 1.0),
            ],
            |x| {
                let c = ops::relu(&ops::add(&ops::conv2d(&x[0], &x[1], &Conv2dOptions::default())?, &x[2])?)?;
                let options = PoolOptions { window: (2, 2), stride: (2, 2), dilation: (1, 1), padding: Padding::Valid };
                let flat = ops::reshape(&ops::max_pool(&c, &options)?, [2, 100])?;
                ops::mean(&ops::softmax_cross_entropy(&x[4], &ops::matmul(&flat, &x[3], false, false)?)?, None, false)
            },
        ),
    ]
}
