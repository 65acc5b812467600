//! Every head, one element per invocation: `head(i)` is the head's result at index `i`. The plain forms: faster ones,
//! where there are any, are other modules' work.

use headwater_core::Listed;
use std::fmt::Write;

use headwater_core::op::{
    ConvGeometry, ConvKind, IndexOp, PoolGeometry, PoolKind, ReduceOp, ResizeGeometry, ResizeKind, ScanKind,
};
use headwater_core::plan::{Access, Head, Map, PadValue, ValueId};
use headwater_core::selection::has;
use headwater_core::{DType, Shape};

use super::code::{type_name, Code};

/// Prints the function `head`.
pub fn head(code: &mut Code<'_>, head: &Head) {
    match head {
        Head::Reduce { op, body, kept } => reduce(code, *op, body, *kept),
        Head::ArgReduce { max, input } if const { has("kernel:argReduce") } => arg_reduce(code, *max, input),
        Head::Scan { kind, shape, input } if const { has("kernel:scan") } => scan(code, *kind, *shape, *input),
        Head::MatMul { a, b } => matmul(code, a, b),
        Head::Conv { kind, geometry, inputs } if const { has("kernel:conv") } => conv(code, *kind, geometry, *inputs),
        Head::Pool { kind, geometry, inputs } if const { has("kernel:pool") } => pool(code, *kind, geometry, inputs),
        Head::Resize { kind, geometry, input } if const { has("kernel:resize") } => {
            resize(code, *kind, geometry, *input)
        }
        Head::Index { op, from, to, input, index } if const { has("kernel:index") } => {
            pick(code, *op, *from, *to, *input, *index)
        }
        Head::Pad { before, between, shape, input, value } if const { has("kernel:pad") } => {
            pad(code, before, between, shape, input, *value)
        }
        Head::Concat { axis, shape, inputs } if const { has("kernel:concat") } => concat(code, *axis, shape, inputs),
        // Routines and scattering have shaders of their own; others are not planned where the build carries no kernel of their kind.
        _ => {}
    }
}

/// The value of an empty reduction.
pub fn empty_value(code: &mut Code<'_>, op: ReduceOp, dtype: DType) -> String {
    code.constant(dtype, op.empty(dtype))
}

/// The statement that takes the register `x` into the register `acc`.
pub fn accumulate(code: &mut Code<'_>, op: ReduceOp, dtype: DType, acc: &str) -> String {
    let value = match (op, dtype) {
        (ReduceOp::Sum | ReduceOp::Max, DType::Bool) => format!("{acc} | x"),
        (ReduceOp::Prod | ReduceOp::Min, DType::Bool) => format!("{acc} & x"),
        (ReduceOp::Sum, _) => format!("{acc} + x"),
        (ReduceOp::Prod, _) => format!("{acc} * x"),
        (ReduceOp::Max, DType::I32) => format!("max({acc}, x)"),
        (ReduceOp::Min, DType::I32) => format!("min({acc}, x)"),
        (ReduceOp::Max, _) => format!("{}({acc}, x)", code.function("max_")),
        (ReduceOp::Min, _) => format!("{}({acc}, x)", code.function("min_")),
    };
    format!("{acc} = {value};")
}

/// Prints `body(i, j)`: the element of row `i` at position `j` that a reduction takes in, or four from there when wide.
/// Returns its dtype.
pub fn reduction_body(code: &mut Code<'_>, body: &Map, kept: usize) -> DType {
    let dtype = body.program.types[body.outputs[0].0 as usize];
    let rank = body.shape.rank();
    let mut text = format!("fn body(i: u32, j: u32) -> {} {{\n", code.register(dtype));
    text.push_str(&code.coordinates("k", "i", &body.shape[..kept]));
    text.push_str(&code.coordinates("m", "j", &body.shape[kept..]));
    for d in 0..rank {
        let from = if d < kept { format!("k{d}") } else { format!("m{}", d - kept) };
        let _ = writeln!(text, "let e{d} = {from};");
    }
    text.push_str(&code.loads("e", body, None));
    text.push_str(&code.statements("e", body));
    let _ = writeln!(text, "return er{};\n}}", body.outputs[0].0);
    code.push(&text);
    dtype
}

fn reduce(code: &mut Code<'_>, op: ReduceOp, body: &Map, kept: usize) {
    let dtype = reduction_body(code, body, kept);
    let (empty, step) = (empty_value(code, op, dtype), accumulate(code, op, dtype, "acc"));
    code.sizes([("reduced", body.shape[kept..].iter().product())]);
    let kind = type_name(dtype);
    code.push(&format!(
        "fn head(i: u32) -> {kind} {{\
  var acc = {empty};\
  for (var j = 0u; j < u.reduced; j++) {{ let x = body(i, j); {step} }}\
  return acc;\
}}\
"
    ));
}

/// Statements that load element `[{row}, {j}]` of a matrix access, as an expression.
fn at_row(code: &mut Code<'_>, input: &Access, row: &str, j: &str) -> String {
    let at = code.offset(input.view.offset, &[(row, input.view.strides[0]), (j, input.view.strides[1])]);
    code.element(input, &at)
}

fn arg_reduce(code: &mut Code<'_>, max: bool, input: &Access) {
    best_of_row(code, max, input, "i", "var j = 1u; j < u.n; j++", "j");
}

/// Prints `head(i)`: the position of the best element of the row `row`, of its first and those that the loop `each` comes by,
/// at `at`. The first of equals: the lowest position, in whatever order they come. NaN is better than nothing, and nothing
/// is better than NaN in front.
pub fn best_of_row(code: &mut Code<'_>, max: bool, input: &Access, row: &str, each: &str, at: &str) {
    code.sizes([("n", input.view.shape[1])]);
    let (first, other) = (at_row(code, input, "row", "0u"), at_row(code, input, "row", "to"));
    let better = match (input.dtype, max) {
        (DType::Bool, true) => "x && !best",
        (DType::Bool, false) => "!x && best",
        (_, true) => "x > best",
        (_, false) => "x < best",
    };
    code.push(&format!(
        "fn head(i: u32) -> i32 {{\
  if (u.n == 0u) {{ return 0; }}\
  let row = {row};\
  var best = {first};\
  var at = 0u;\
  for ({each}) {{\
    let to = {at};\
    let x = {other};\
    if ({better} || (x == best && to < at)) {{ best = x; at = to; }}\
  }}\
  return i32(at);\
}}\
"
    ));
}

/// Prints `at(line, p)`, the index of the element that a scan meets as number `p` of a line, and how to read it there;
/// `u.n` are the elements of a line, `u.inner` the lines side by side.
pub fn scan_elements(code: &mut Code<'_>, kind: ScanKind, [_, n, inner]: [usize; 3], input: ValueId) -> String {
    code.sizes([("n", n), ("inner", inner)]);
    let place = if kind.reverse { "u.n - 1u - p" } else { "p" };
    code.push(&format!(
        "fn at(line: u32, p: u32) -> u32 {{ return (line / u.inner * u.n + {place}) * u.inner + line % u.inner; }}\
"
    ));
    code.read(input)
}

fn scan(code: &mut Code<'_>, kind: ScanKind, shape: [usize; 3], input: ValueId) {
    let x = scan_elements(code, kind, shape, input);
    let dtype = code.plan.values[input].dtype;
    let (empty, step) = (empty_value(code, kind.op, dtype), accumulate(code, kind.op, dtype, "acc"));
    let name = type_name(dtype);
    let last = if kind.exclusive { "<" } else { "<=" };
    let place = if kind.reverse { "u.n - 1u - i / u.inner % u.n" } else { "i / u.inner % u.n" };
    code.push(&format!(
        "fn head(i: u32) -> {name} {{\
  let line = i / u.inner / u.n * u.inner + i % u.inner;\
  var acc = {empty};\
  for (var p = 0u; p {last} {place}; p++) {{ let x = {x}(at(line, p)); {step} }}\
  return acc;\
}}\
"
    ));
}

fn matmul(code: &mut Code<'_>, a: &Access, b: &Access) {
    code.sizes([("m", a.view.shape[1]), ("n", b.view.shape[2]), ("k", a.view.shape[2])]);
    let mut element = |access: &Access, row: &str, column: &str| {
        let s = &access.view.strides;
        let at = code.offset(access.view.offset, &[("g", s[0]), (row, s[1]), (column, s[2])]);
        code.element(access, &at)
    };
    let (x, y) = (element(a, "row", "j"), element(b, "j", "column"));
    code.push(&format!(
        "fn head(i: u32) -> f32 {{\
  let column = i % u.n;\
  let row = i / u.n % u.m;\
  let g = i / u.n / u.m;\
  var acc = 0.0;\
  for (var j = 0u; j < u.k; j++) {{ acc = acc + {x} * {y}; }}\
  return acc;\
}}\
"
    ));
}

/// Uniforms for the sizes of a convolution.
pub fn conv_sizes(code: &mut Code<'_>, g: &ConvGeometry) {
    code.sizes([
        ("batch", g.batch),
        ("in_h", g.in_h),
        ("in_w", g.in_w),
        ("in_c", g.in_channels),
        ("out_h", g.out_h),
        ("out_w", g.out_w),
        ("out_c", g.out_channels),
        ("filter_h", g.filter_h),
        ("filter_w", g.filter_w),
        ("stride_h", g.stride_h),
        ("stride_w", g.stride_w),
        ("dilation_h", g.dilation_h),
        ("dilation_w", g.dilation_w),
        ("top", g.pad_top),
        ("left", g.pad_left),
        // Channels of one group.
        ("cin", g.in_channels / g.groups),
        ("cout", g.out_channels / g.groups),
    ]);
}

/// Runs `body` for each tap `fh`, `fw` of the window of result `oh`, `ow` whose source `ih`, `iw` lies inside the image.
/// Windows have sizes `u.{window}_h` and `u.{window}_w`. Positions outside wrap around to large numbers, which the
/// comparisons reject.
fn each_tap(window: &str, body: &str) -> String {
    format!(
        "  for (var fh = 0u; fh < u.{window}_h; fh++) {{\
    let ih = oh * u.stride_h + fh * u.dilation_h - u.top;\
    if (ih >= u.in_h) {{ continue; }}\
    for (var fw = 0u; fw < u.{window}_w; fw++) {{\
      let iw = ow * u.stride_w + fw * u.dilation_w - u.left;\
      if (iw >= u.in_w) {{ continue; }}\
{body}\
    }}\
  }}\
"
    )
}

/// The adjoint: runs `body` for each tap `fh`, `fw` and result `oh`, `ow` whose window holds the source `ih`, `iw` there.
fn each_window(window: &str, body: &str) -> String {
    format!(
        "  for (var fh = 0u; fh < u.{window}_h; fh++) {{\
    let th = ih + u.top - fh * u.dilation_h;\
    let oh = th / u.stride_h;\
    if (th % u.stride_h != 0u || oh >= u.out_h || ih + u.top < fh * u.dilation_h) {{ continue; }}\
    for (var fw = 0u; fw < u.{window}_w; fw++) {{\
      let tw = iw + u.left - fw * u.dilation_w;\
      let ow = tw / u.stride_w;\
      if (tw % u.stride_w != 0u || ow >= u.out_w || iw + u.left < fw * u.dilation_w) {{ continue; }}\
{body}\
    }}\
  }}\
"
    )
}

fn conv(code: &mut Code<'_>, kind: ConvKind, g: &ConvGeometry, inputs: [ValueId; 2]) {
    conv_sizes(code, g);
    let (a, b) = (code.read(inputs[0]), code.read(inputs[1]));
    let forward = format!(
        "      let x = ((n * u.in_h + ih) * u.in_w + iw) * u.in_c + first;\
      let w = (fh * u.filter_w + fw) * u.cin * u.out_c + oc;\
      for (var c = 0u; c < u.cin; c++) {{ acc = acc + {a}(x + c) * {b}(w + c * u.out_c); }}"
    );
    let backward = format!(
        "      let y = ((n * u.out_h + oh) * u.out_w + ow) * u.out_c + first;\
      let w = ((fh * u.filter_w + fw) * u.cin + ic % u.cin) * u.out_c + first;\
      for (var c = 0u; c < u.cout; c++) {{ acc = acc + {a}(y + c) * {b}(w + c); }}"
    );
    let text = match kind {
        ConvKind::Forward => format!(
            "fn head(i: u32) -> f32 {{\
  let oc = i % u.out_c;\
  let ow = i / u.out_c % u.out_w;\
  let oh = i / u.out_c / u.out_w % u.out_h;\
  let n = i / u.out_c / u.out_w / u.out_h;\
  let first = oc / u.cout * u.cin;\
  var acc = 0.0;\
{}  return acc;\
}}\
",
            each_tap("filter", &forward)
        ),
        ConvKind::BackwardInput => format!(
            "fn head(i: u32) -> f32 {{\
  let ic = i % u.in_c;\
  let iw = i / u.in_c % u.in_w;\
  let ih = i / u.in_c / u.in_w % u.in_h;\
  let n = i / u.in_c / u.in_w / u.in_h;\
  let first = ic / u.cin * u.cout;\
  var acc = 0.0;\
{}  return acc;\
}}\
",
            each_window("filter", &backward)
        ),
        // One sum for each row of the image: a long sum of many small terms loses digits.
        ConvKind::BackwardFilter => format!(
            "fn head(i: u32) -> f32 {{\
  let oc = i % u.out_c;\
  let c = i / u.out_c % u.cin;\
  let fw = i / u.out_c / u.cin % u.filter_w;\
  let fh = i / u.out_c / u.cin / u.filter_w;\
  let ic = oc / u.cout * u.cin + c;\
  var acc = 0.0;\
  for (var n = 0u; n < u.batch; n++) {{\
    for (var oh = 0u; oh < u.out_h; oh++) {{\
      let ih = oh * u.stride_h + fh * u.dilation_h - u.top;\
      if (ih >= u.in_h) {{ continue; }}\
      var row = 0.0;\
      for (var ow = 0u; ow < u.out_w; ow++) {{\
        let iw = ow * u.stride_w + fw * u.dilation_w - u.left;\
        if (iw >= u.in_w) {{ continue; }}\
        let x = ((n * u.in_h + ih) * u.in_w + iw) * u.in_c + ic;\
        let y = ((n * u.out_h + oh) * u.out_w + ow) * u.out_c + oc;\
        row = row + {a}(x) * {b}(y);\
      }}\
      acc = acc + row;\
    }}\
  }}\
  return acc;\
}}\
"
        ),
    };
    code.push(&text);
}

fn pool(code: &mut Code<'_>, kind: PoolKind, g: &PoolGeometry, inputs: &[ValueId]) {
    code.sizes([
        ("in_h", g.in_h),
        ("in_w", g.in_w),
        ("c", g.channels),
        ("out_h", g.out_h),
        ("out_w", g.out_w),
        ("window_h", g.window_h),
        ("window_w", g.window_w),
        ("stride_h", g.stride_h),
        ("stride_w", g.stride_w),
        ("dilation_h", g.dilation_h),
        ("dilation_w", g.dilation_w),
        ("top", g.pad_top),
        ("left", g.pad_left),
    ]);
    let a = code.read(inputs[0]);
    let dtype = code.plan.values[inputs[0]].dtype;
    let kind_name = type_name(dtype);
    if kind == PoolKind::MaxGather {
        let index = code.read(inputs[1]);
        let text = format!(
            "fn head(i: u32) -> {kind_name} {{\
  let n = i / u.c / u.out_w / u.out_h;\
  return {a}(n * u.in_h * u.in_w * u.c + u32({index}(i)));\
}}\
"
        );
        code.push(&text);
        return;
    }
    if matches!(kind, PoolKind::Max | PoolKind::ArgMax | PoolKind::Avg) {
        let (start, step, result, result_kind) = match kind {
            PoolKind::Avg => {
                let start = "var acc = 0.0; var count = 0.0;";
                (start, "acc = acc + x; count = count + 1.0;".to_string(), "acc / max(count, 1.0)".to_string(), "f32")
            }
            _ => {
                let better = match dtype {
                    DType::F32 => {
                        let nan = code.need("is_nan");
                        format!("x > best || ({nan}(x) && !{nan}(best))")
                    }
                    _ => "x > best".into(),
                };
                let step = format!("if (at == 0xffffffffu || {better}) {{ best = x; at = p - base; }}");
                let start = if dtype == DType::F32 {
                    "var best = 0.0; var at = 0xffffffffu;"
                } else {
                    "var best = 0; var at = 0xffffffffu;"
                };
                // A window wholly outside the image chooses the image's first element.
                let outside = format!("select(best, {a}(base), at == 0xffffffffu)");
                match kind {
                    PoolKind::Max => (start, step, outside, kind_name),
                    _ => (start, step, "i32(select(at, 0u, at == 0xffffffffu))".into(), "i32"),
                }
            }
        };
        let element = format!("let p = base + (ih * u.in_w + iw) * u.c + c;\nlet x = {a}(p);\n{step}");
        let taps = each_tap("window", &element);
        let text = format!(
            "fn head(i: u32) -> {result_kind} {{\
  let c = i % u.c;\
  let ow = i / u.c % u.out_w;\
  let oh = i / u.c / u.out_w % u.out_h;\
  let base = i / u.c / u.out_w / u.out_h * u.in_h * u.in_w * u.c;\
  {start}\
{taps}  return {result};\
}}\
"
        );
        code.push(&text);
        return;
    }
    // Adjoints: the windows that hold the element.
    let step = match kind {
        PoolKind::MaxScatter => {
            let index = code.read(inputs[1]);
            format!("if (u32({index}(y)) == place) {{ acc = acc + {a}(y); }}")
        }
        _ => format!("acc = acc + {a}(y) / (inside(oh, u.stride_h, u.dilation_h, u.top, u.window_h, u.in_h) * inside(ow, u.stride_w, u.dilation_w, u.left, u.window_w, u.in_w));"),
    };
    let result = format!("let y = ((n * u.out_h + oh) * u.out_w + ow) * u.c + c;\n{step}");
    let windows = each_window("window", &result);
    let text = format!(
        "fn inside(o: u32, stride: u32, dilation: u32, pad: u32, window: u32, size: u32) -> f32 {{\
  var count = 0.0;\
  for (var f = 0u; f < window; f++) {{ if (o * stride + f * dilation - pad < size) {{ count = count + 1.0; }} }}\
  return count;\
}}\
fn head(i: u32) -> {kind_name} {{\
  let c = i % u.c;\
  let iw = i / u.c % u.in_w;\
  let ih = i / u.c / u.in_w % u.in_h;\
  let n = i / u.c / u.in_w / u.in_h;\
  let place = i % (u.in_h * u.in_w * u.c);\
  var acc = {kind_name}(0);\
{windows}  return acc;\
}}\
"
    );
    code.push(&text);
}

/// How source positions follow from result positions along one dimension: `o * scale + shift`, as TensorFlow.
fn resize_scale(g: &ResizeGeometry, input: usize, output: usize) -> (f32, f32) {
    let (input, output) = (input as f32, output as f32);
    if g.align_corners && output > 1.0 {
        ((input - 1.0) / (output - 1.0), 0.0)
    } else if g.half_pixel_centers {
        (input / output, 0.5)
    } else {
        (input / output, 0.0)
    }
}

fn resize(code: &mut Code<'_>, kind: ResizeKind, g: &ResizeGeometry, input: ValueId) {
    code.sizes([("in_h", g.in_h), ("in_w", g.in_w), ("out_h", g.out_h), ("out_w", g.out_w), ("c", g.channels)]);
    let ((scale_h, half), (scale_w, _)) = (resize_scale(g, g.in_h, g.out_h), resize_scale(g, g.in_w, g.out_w));
    code.float("scale_h", scale_h);
    code.float("scale_w", scale_w);
    code.float("half", half);
    let a = code.read(input);
    let backward = matches!(kind, ResizeKind::BilinearBackward | ResizeKind::NearestBackward);
    let bilinear = matches!(kind, ResizeKind::Bilinear | ResizeKind::BilinearBackward);
    // The two neighbours of a result position and the weight of the second.
    let taps = if bilinear {
        "  let low = max(floor(at), 0.0);\
  let first = min(u32(low), size - 1u);\
  return Taps(first, min(first + 1u, size - 1u), max(at - low, 0.0));"
    } else if g.align_corners || g.half_pixel_centers {
        // Halves away from zero.
        "  let first = min(u32(max(floor(at + 0.5), 0.0)), size - 1u);\nreturn Taps(first, first, 0.0);"
    } else {
        "  let first = min(u32(max(floor(at), 0.0)), size - 1u);\nreturn Taps(first, first, 0.0);"
    };
    code.push(&format!(
        "struct Taps {{ first: u32, second: u32, part: f32 }}\
fn taps(o: u32, scale: f32, size: u32) -> Taps {{\
  let at = (f32(o) + u.half) * scale - u.half;\
{taps}\
}}\
"
    ));
    let text = if backward {
        format!(
            // `range`: the result positions that may read position i, with room for rounding.
            "fn weight(t: Taps, i: u32) -> f32 {{\
  return select(0.0, 1.0 - t.part, t.first == i) + select(0.0, t.part, t.second == i);\
}}\
fn range(i: u32, scale: f32, size: u32, results: u32) -> vec2<u32> {{\
  let last = f32(results - 1u);\
  let low = (f32(i) - 1.0 + u.half) / scale - u.half - 2.0;\
  let high = (f32(i) + 1.0 + u.half) / scale - u.half + 2.0;\
  let all = !(scale > 0.0);\
  return vec2<u32>(\
    select(u32(clamp(low, 0.0, last)), 0u, all || i == 0u),\
    select(u32(clamp(high, 0.0, last)), results - 1u, all || i == size - 1u),\
  );\
}}\
fn head(i: u32) -> f32 {{\
  let c = i % u.c;\
  let iw = i / u.c % u.in_w;\
  let ih = i / u.c / u.in_w % u.in_h;\
  let n = i / u.c / u.in_w / u.in_h;\
  let rows = range(ih, u.scale_h, u.in_h, u.out_h);\
  let columns = range(iw, u.scale_w, u.in_w, u.out_w);\
  var acc = 0.0;\
  if (u.out_h == 0u || u.out_w == 0u) {{ return acc; }}\
  for (var oh = rows.x; oh <= rows.y; oh++) {{\
    let wh = weight(taps(oh, u.scale_h, u.in_h), ih);\
    if (wh == 0.0) {{ continue; }}\
    for (var ow = columns.x; ow <= columns.y; ow++) {{\
      let ww = weight(taps(ow, u.scale_w, u.in_w), iw);\
      if (ww != 0.0) {{ acc = acc + wh * ww * {a}(((n * u.out_h + oh) * u.out_w + ow) * u.c + c); }}\
    }}\
  }}\
  return acc;\
}}\
"
        )
    } else {
        let dtype = type_name(code.plan.values[input].dtype);
        let value = if bilinear {
            format!(
                "mix(mix({a}(top + w.first * u.c), {a}(top + w.second * u.c), w.part), mix({a}(bottom + w.first * u.c), {a}(bottom + w.second * u.c), w.part), h.part)"
            )
        } else {
            format!("{a}(top + w.first * u.c)")
        };
        format!(
            "fn head(i: u32) -> {dtype} {{\
  let c = i % u.c;\
  let h = taps(i / u.c / u.out_w % u.out_h, u.scale_h, u.in_h);\
  let w = taps(i / u.c % u.out_w, u.scale_w, u.in_w);\
  let n = i / u.c / u.out_w / u.out_h;\
  let top = (n * u.in_h + h.first) * u.in_w * u.c + c;\
  let bottom = (n * u.in_h + h.second) * u.in_w * u.c + c;\
  return {value};\
}}\
"
        )
    };
    code.push(&text);
}

fn pick(code: &mut Code<'_>, op: IndexOp, from: [usize; 3], to: [usize; 3], input: ValueId, index: ValueId) {
    let row = if op == IndexOp::TakeAlong { "outer * u.k + j" } else { "j" };
    code.sizes([("n", from[1]), ("k", to[1]), ("inner", from[2])]);
    let dtype = code.plan.values[input].dtype;
    let (kind, position, x) = (type_name(dtype), code.read(index), code.read(input));
    let element = format!("{x}((outer * u.n + at) * u.inner + inner)");
    code.push(&format!(
        "fn head(i: u32) -> {kind} {{\
  let inner = i % u.inner;\
  let j = i / u.inner % u.k;\
  let outer = i / u.inner / u.k;\
  let at = u32({position}({row}));\
  if (at >= u.n) {{ return {kind}(); }}\
  return {element};\
}}\
"
    ));
}

fn pad(code: &mut Code<'_>, before: &[usize], between: &[usize], shape: &Shape, input: &Access, value: PadValue) {
    let fill = match value {
        PadValue::Const(bits) => code.constant(input.dtype, bits),
        PadValue::Param(param) => code.param(input.dtype, param),
    };
    let mut text = format!("fn head(i: u32) -> {} {{\n", type_name(input.dtype));
    text.push_str(&code.coordinates("d", "i", shape));
    let mut terms = Vec::new();
    for (d, &between) in between.iter().enumerate() {
        let (start, size) = (code.number(before[d]), code.number(input.view.shape[d]));
        let mut inside = format!("s{d}");
        let _ = writeln!(text, "let s{d} = d{d} - {start};");
        if between > 0 {
            let step = code.number(between + 1);
            let _ = writeln!(text, "let t{d} = s{d} / {step};\nif (s{d} % {step} != 0u) {{ return {fill}; }}");
            inside = format!("t{d}");
        }
        // Positions before the first wrap around to large numbers.
        let low = format!("d{d} < {start}");
        let _ = writeln!(text, "if ({low} || {inside} >= {size}) {{ return {fill}; }}");
        terms.push((inside, input.view.strides[d]));
    }
    let at = code.offset(input.view.offset, &terms);
    let element = code.element(input, &at);
    let _ = writeln!(text, "return {element};\n}}");
    code.push(&text);
}

fn concat(code: &mut Code<'_>, axis: usize, shape: &Shape, inputs: &[Access]) {
    let dtype = inputs.first().map_or(DType::F32, |a| a.dtype);
    let mut text = format!("fn head(i: u32) -> {} {{\n", type_name(dtype));
    text.push_str(&code.coordinates("d", "i", shape));
    let _ = writeln!(text, "var at = d{axis};");
    for (n, input) in inputs.iter().enumerate() {
        let terms: Vec<(String, isize)> = (input.view.strides.iter().enumerate())
            .map(|(d, &s)| (if d == axis { "at".to_string() } else { format!("d{d}") }, s))
            .listed();
        let position = code.offset(input.view.offset, &terms);
        let element = code.element(input, &position);
        if n + 1 == inputs.len() {
            let _ = writeln!(text, "return {element};\n}}");
        } else {
            let size = code.number(input.view.shape[axis]);
            let _ = writeln!(text, "if (at < {size}) {{ return {element}; }}\nat = at - {size};");
        }
    }
    code.push(&text);
}
