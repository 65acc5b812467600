//! Depthwise convolutions: four channels and several pixels per invocation.

use std::fmt::Write;

use headwater_core::op::{ConvGeometry, ConvKind, ReduceOp};
use headwater_core::plan::{Kernel, Plan, ValueId};
use headwater_core::DType;

use super::code::{can_be_wide, reads, Code};
use super::heads::conv_sizes;
use super::reduce::join;
use super::{Shader, Slot};

/// Neighbouring result pixels of one invocation.
const PIXELS: usize = 4;

/// The shaders of a depthwise convolution, or `None` where the plain form must do: channels that are not in fours or
/// have several filters each.
pub fn print(
    plan: &Plan,
    kernel: &Kernel,
    kind: ConvKind,
    g: &ConvGeometry,
    inputs: [ValueId; 2],
) -> Option<Vec<Shader>> {
    let channels = g.in_channels;
    let fits = g.groups == channels && g.out_channels == channels && channels.is_multiple_of(4);
    if !fits
        || inputs[0] == inputs[1]
        || inputs.iter().any(|&v| reads(&kernel.map, v))
        || !can_be_wide(&kernel.map, &[])
    {
        return None;
    }
    let mut code = Code::new(plan);
    code.wide = true;
    let (a, b) = (code.read_vectors(inputs[0]), code.read_vectors(inputs[1]));
    conv_sizes(&mut code, g);
    code.sizes([("quads", channels / 4)]);
    if kind == ConvKind::BackwardFilter {
        return Some(filter(code, kernel, g, &a, &b));
    }
    let forward = kind == ConvKind::Forward;
    let (height, width) = if forward { (g.out_h, g.out_w) } else { (g.in_h, g.in_w) };
    let tiles = width.div_ceil(PIXELS);
    code.sizes([("tiles", tiles), ("height", height), ("width", width)]);
    code.tail(&kernel.map, true);
    let invocations = g.batch * height * tiles * (channels / 4);
    let mut text = format!(
        "  let c = i % u.quads;\
  let x = i / u.quads % u.tiles * {PIXELS}u;\
  let y = i / u.quads / u.tiles % u.height;\
  let n = i / u.quads / u.tiles / u.height;\
"
    );
    (0..PIXELS).for_each(|p| {
        let _ = writeln!(text, "var acc{p} = vec4<f32>();");
    });
    // Positions before the first wrap around to large numbers, which the comparisons reject.
    let (row, column, row_size) = if forward {
        (
            "  let h = y * u.stride_h + fh * u.dilation_h - u.top;\
  if (h >= u.in_h) { continue; }\
  let base = (n * u.in_h + h) * u.in_w;\
",
            "(x + Pu) * u.stride_w + fw * u.dilation_w - u.left",
            "u.in_w",
        )
    } else {
        (
            "  let t = y + u.top - fh * u.dilation_h;\
  let h = t / u.stride_h;\
  if (h >= u.out_h || t % u.stride_h != 0u) { continue; }\
  let base = (n * u.out_h + h) * u.out_w;\
",
            "(x + Pu) + u.left - fw * u.dilation_w",
            "u.out_w",
        )
    };
    let _ = write!(
        text,
        "  for (var fh = 0u; fh < u.filter_h; fh++) {{\
{row}  for (var fw = 0u; fw < u.filter_w; fw++) {{\
  let f = {b}((fh * u.filter_w + fw) * u.quads + c);\
"
    );
    for p in 0..PIXELS {
        let column = column.replace('P', &p.to_string());
        let _ = if forward {
            writeln!(
                text,
                "  let w{p} = {column};\
  if (w{p} < {row_size}) {{ acc{p} = acc{p} + f * {a}((base + w{p}) * u.quads + c); }}"
            )
        } else {
            writeln!(
                text,
                "  let t{p} = {column};\
  let w{p} = t{p} / u.stride_w;\
  if ((w{p} < {row_size}) & (w{p} * u.stride_w == t{p})) {{ acc{p} = acc{p} + f * {a}((base + w{p}) * u.quads + c); }}"
            )
        };
    }
    text.push_str("}\n}\nlet first = (((n * u.height + y) * u.width + x) * u.quads + c) * 4u;\n");
    (0..PIXELS).for_each(|p| {
        let _ = writeln!(text, "if (x + {p}u < u.width) {{ tail(first + {p}u * u.quads * 4u, acc{p}); }}");
    });
    Some(vec![code.each(invocations, &text)])
}

/// The gradient of the filters: few results of long sums, so the rows of all images are split among invocations.
fn filter(mut code: Code<'_>, kernel: &Kernel, g: &ConvGeometry, a: &str, b: &str) -> Vec<Shader> {
    let quads = g.filter_h * g.filter_w * g.in_channels / 4;
    let rows = g.batch * g.out_h;
    let parts = (16_384 / quads.max(1)).min(rows / 4).clamp(1, 256);
    let partial = Slot::Temporary(0);
    if parts > 1 {
        code.partial_tail(partial, DType::F32);
    } else {
        code.tail(&kernel.map, true);
    }
    code.sizes([("count", quads), ("parts", parts)]);
    let body = format!(
        "  let part = i / u.count;\
  let c = i % u.quads;\
  let fw = i % u.count / u.quads % u.filter_w;\
  let fh = i % u.count / u.quads / u.filter_w;\
  var acc = vec4<f32>();\
  for (var row = part; row < u.batch * u.out_h; row += u.parts) {{\
    let n = row / u.out_h;\
    let ih = row % u.out_h * u.stride_h + fh * u.dilation_h - u.top;\
    if (ih >= u.in_h) {{ continue; }}\
    for (var ow = 0u; ow < u.out_w; ow++) {{\
      let iw = ow * u.stride_w + fw * u.dilation_w - u.left;\
      if (iw >= u.in_w) {{ continue; }}\
      acc = acc + {a}(((n * u.in_h + ih) * u.in_w + iw) * u.quads + c) * {b}((row * u.out_w + ow) * u.quads + c);\
    }}\
  }}\
  tail(i * 4u, acc);\
"
    );
    let plan = code.plan;
    let mut first = code.each(quads * parts, &body);
    if parts == 1 {
        return vec![first];
    }
    first.temporary = quads * 4 * parts;
    vec![first, join(plan, &kernel.map, ReduceOp::Sum, (partial, DType::F32), [parts, quads * 4])]
}
