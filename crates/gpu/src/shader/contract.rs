//! Matrix products and convolutions: each invocation computes a tile of rows and columns from registers.
//!
//! Everything here is a product of `[m, k]` by `[k, n]`, many times over (`g`): convolutions look their left operand's
//! rows up pixel by pixel. Operands are read four floats at a time where their layout allows.

use std::fmt::Write;

use headwater_core::op::{ConvGeometry, ConvKind, ReduceOp};
use headwater_core::plan::{Access, Head, Kernel, Plan, Source, ValueId};
use headwater_core::view::View;
use headwater_core::{joined, Listed};
use headwater_core::{DType, Shape};

use super::code::{can_be_wide, reads, Code, GROUP, MAX_GROUPS};
use super::heads::conv_sizes;
use super::reduce::join;
use super::{Shader, Slot};

/// The most invocations of a workgroup along columns.
const GROUP_COLUMNS: usize = 8;

/// How an operand is read.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Mode {
    /// Float by float.
    Scalar,
    /// Four steps of the sum at a time.
    Depth,
    /// Four rows (of the left operand) or columns (of the right one) at a time.
    Across,
}

/// An operand's strides along `g`, its own dimension (rows or columns) and the sum.
struct Operand {
    value: ValueId,
    offset: usize,
    across: isize,
    depth: isize,
    batch: isize,
    mode: Mode,
}

/// Sizes of a product, and of the tile of one invocation.
struct Sizes {
    g: usize,
    m: usize,
    n: usize,
    k: usize,
    rows: usize,
    columns: usize,
    /// Parts that the sum is split into, each by other invocations.
    parts: usize,
    /// Invocations of a workgroup along columns, rows and the rest: small products fill it with many of them.
    group: [usize; 3],
}

impl Operand {
    /// Whether four floats at a time can be read along the dimension with stride 1, `size` long.
    fn decide(&mut self, across: usize, depth: usize, alone: bool) {
        let aligned = |stride: isize| stride % 4 == 0;
        let fits = alone && self.offset.is_multiple_of(4) && aligned(self.batch);
        self.mode = match (self.across, self.depth) {
            (1, d) if fits && across.is_multiple_of(4) && aligned(d) => Mode::Across,
            (a, 1) if fits && depth.is_multiple_of(4) && aligned(a) => Mode::Depth,
            _ => Mode::Scalar,
        };
    }
}

/// Whether only one operand reads the value: a buffer is bound with one element type.
fn alone(kernel: &Kernel, operands: [ValueId; 2], value: ValueId) -> bool {
    !reads(&kernel.map, value) && operands[0] != operands[1]
}

fn value_of(access: &Access) -> Option<ValueId> {
    match access.source {
        Source::Buffer(value) => Some(value),
        Source::Index => None,
    }
}

/// The shaders of a contraction, or `None` where the plain form must do.
pub fn print(plan: &Plan, kernel: &Kernel) -> Option<Vec<Shader>> {
    match kernel.head.as_ref()? {
        Head::MatMul { a, b } => matmul(plan, kernel, a, b),
        Head::Conv { kind, geometry, inputs } => {
            let g = geometry;
            if g.groups != 1 {
                return None;
            }
            let plain = [g.filter_h, g.filter_w, g.stride_h, g.stride_w] == [1; 4]
                && [g.pad_top, g.pad_left] == [0; 2]
                && (g.in_h, g.in_w) == (g.out_h, g.out_w);
            if !plain {
                return conv(plan, kernel, *kind, g, *inputs);
            }
            // A product of pixels and channels.
            let (p, cin, cout) = (g.batch * g.in_h * g.in_w, g.in_channels, g.out_channels);
            let access = |value, shape: [usize; 2], swapped: bool| {
                let mut view = View::contiguous(Shape::from([1, shape[0], shape[1]]));
                if swapped {
                    view = view.permute(&[0, 2, 1]);
                }
                Access { source: Source::Buffer(value), view, dtype: DType::F32 }
            };
            let (a, b) = match kind {
                ConvKind::Forward => (access(inputs[0], [p, cin], false), access(inputs[1], [cin, cout], false)),
                ConvKind::BackwardInput => (access(inputs[0], [p, cout], false), access(inputs[1], [cin, cout], true)),
                ConvKind::BackwardFilter => (access(inputs[0], [p, cin], true), access(inputs[1], [p, cout], false)),
            };
            matmul(plan, kernel, &a, &b)
        }
        _ => None,
    }
}

fn matmul(plan: &Plan, kernel: &Kernel, a: &Access, b: &Access) -> Option<Vec<Shader>> {
    let (values, strides) = ([value_of(a)?, value_of(b)?], |x: &Access| x.view.strides.clone());
    let [g, m, k] = [a.view.shape[0], a.view.shape[1], a.view.shape[2]];
    let n = b.view.shape[2];
    let stride = |s: isize, size: usize| if size == 1 { 0 } else { s };
    let operand = |x: &Access, value, across: usize, depth: usize, size: usize| Operand {
        value,
        offset: x.view.offset,
        across: stride(strides(x)[across], size),
        depth: strides(x)[depth],
        batch: stride(strides(x)[0], g),
        mode: Mode::Scalar,
    };
    let mut left = operand(a, values[0], 1, 2, m);
    let mut right = operand(b, values[1], 2, 1, n);
    left.decide(m, k, alone(kernel, values, values[0]));
    right.decide(n, k, alone(kernel, values, values[1]));
    let mut sizes = Sizes::new(g, m, n, k);
    sizes.split(k, 4)?;
    let mut code = Code::new(plan);
    let names = [bind(&mut code, &left), bind(&mut code, &right)];
    code.sizes([("m", m), ("n", n), ("k", k), ("part", k.div_ceil(sizes.parts).next_multiple_of(4))]);
    let mut body = String::new();
    let rows = left.across_bases(&mut code, "a", "row", "u.m", sizes.rows);
    let columns = right.across_bases(&mut code, "b", "column", "u.n", sizes.columns);
    body.push_str(&rows);
    body.push_str(&columns);
    let steps = (left.depth_stride(&mut code), right.depth_stride(&mut code));
    let range = if sizes.parts > 1 { ("part * u.part", "min(u.k, part * u.part + u.part)") } else { ("0u", "u.k") };
    body.push_str(&inner(&sizes, (&left, &right), &names, steps, false, range));
    Some(finish(code, kernel, &sizes, [&left, &right], &body))
}

fn conv(plan: &Plan, kernel: &Kernel, kind: ConvKind, g: &ConvGeometry, inputs: [ValueId; 2]) -> Option<Vec<Shader>> {
    let (cin, cout) = (g.in_channels as isize, g.out_channels as isize);
    let taps = g.filter_h * g.filter_w;
    let operand = |value, across, depth| Operand { value, offset: 0, across, depth, batch: 0, mode: Mode::Scalar };
    let (mut left, mut right, mut sizes) = match kind {
        ConvKind::Forward => (
            operand(inputs[0], cin, 1),
            operand(inputs[1], 1, cout),
            Sizes::new(1, g.batch * g.out_h * g.out_w, g.out_channels, g.in_channels),
        ),
        ConvKind::BackwardInput => (
            operand(inputs[0], cout, 1),
            operand(inputs[1], cout, 1),
            Sizes::new(1, g.batch * g.in_h * g.in_w, g.in_channels, g.out_channels),
        ),
        ConvKind::BackwardFilter => (
            operand(inputs[0], 1, cin * g.stride_w as isize),
            operand(inputs[1], 1, cout),
            Sizes::new(taps, g.in_channels, g.out_channels, g.batch * g.out_h * g.out_w),
        ),
    };
    let filter = kind == ConvKind::BackwardFilter;
    // A filter gradient's sum runs over pixels, which lie whole numbers of channels (its rows) apart: never four at a time.
    let depth = if filter { 1 } else { sizes.k };
    left.decide(sizes.m, depth, alone(kernel, inputs, inputs[0]));
    right.decide(sizes.n, depth, alone(kernel, inputs, inputs[1]));
    sizes.split(if filter { g.batch * g.out_h } else { 1 }, 1)?;
    let mut code = Code::new(plan);
    let names = [bind(&mut code, &left), bind(&mut code, &right)];
    conv_sizes(&mut code, g);
    code.sizes([("m", sizes.m), ("n", sizes.n), ("k", sizes.k), ("parts", sizes.parts)]);
    let mut body = right.across_bases(&mut code, "c", "column", "u.n", sizes.columns);
    let steps = (left.depth_stride(&mut code), right.depth_stride(&mut code));
    let bases = |text: &mut String, base: &str| {
        let count = if right.mode == Mode::Across { sizes.columns / 4 } else { sizes.columns };
        (0..count).for_each(|j| {
            let _ = writeln!(text, "let b{j} = c{j} + {base};");
        });
    };
    if filter {
        body.push_str(&left.across_bases(&mut code, "r", "row", "u.m", sizes.rows));
        let count = if left.mode == Mode::Across { sizes.rows / 4 } else { sizes.rows };
        body.push_str(
            // From `low` to `high`: the result columns whose source lies inside the image.
            "  let fh = g / u.filter_w;\
  let fw = g % u.filter_w;\
  let shift = fw * u.dilation_w;\
  let low = select((u.left - shift + u.stride_w - 1u) / u.stride_w, 0u, shift >= u.left);\
  let high = select(min(u.out_w, (u.in_w - 1u + u.left - shift) / u.stride_w + 1u), 0u, u.in_w + u.left <= shift);\
  for (var line = part; line < u.batch * u.out_h; line += u.parts) {\
  let image = line / u.out_h;\
  let oh = line % u.out_h;\
  let ih = oh * u.stride_h + fh * u.dilation_h - u.top;\
  if (ih >= u.in_h) { continue; }\
  let left_base = ((image * u.in_h + ih) * u.in_w + shift - u.left) * u.in_c;\
  let right_base = line * u.out_w * u.out_c;\
",
        );
        (0..count).for_each(|r| {
            let _ = writeln!(body, "let a{r} = r{r} + left_base;");
        });
        bases(&mut body, "right_base");
        body.push_str(&inner(&sizes, (&left, &right), &names, steps, false, ("low", "high")));
        body.push_str("}\n");
        return Some(finish(code, kernel, &sizes, [&left, &right], &body));
    }
    let forward = kind == ConvKind::Forward;
    let (rows_w, rows_h) = if forward { ("u.out_w", "u.out_h") } else { ("u.in_w", "u.in_h") };
    for r in 0..sizes.rows {
        let _ = writeln!(
            body,
            "  let p{r} = min(row + {r}u, u.m - 1u);\
  let x{r} = p{r} % {rows_w};\
  let y{r} = p{r} / {rows_w} % {rows_h};\
  let n{r} = p{r} / {rows_w} / {rows_h};"
        );
    }
    body.push_str(
        "  for (var fh = 0u; fh < u.filter_h; fh++) {\
  for (var fw = 0u; fw < u.filter_w; fw++) {\
",
    );
    for r in 0..sizes.rows {
        // Positions before the first wrap around to large numbers, which the comparisons reject. Without `&&`, whose
        // branches multiply: a software GPU took 12 s to compile them.
        let text = if forward {
            format!(
                "  let h{r} = y{r} * u.stride_h + fh * u.dilation_h - u.top;\
  let w{r} = x{r} * u.stride_w + fw * u.dilation_w - u.left;\
  let ok{r} = (h{r} < u.in_h) & (w{r} < u.in_w);\
  let a{r} = select(0u, ((n{r} * u.in_h + h{r}) * u.in_w + w{r}) * u.in_c, ok{r});\
"
            )
        } else {
            format!(
                "  let th{r} = y{r} + u.top - fh * u.dilation_h;\
  let tw{r} = x{r} + u.left - fw * u.dilation_w;\
  let h{r} = th{r} / u.stride_h;\
  let w{r} = tw{r} / u.stride_w;\
  let ok{r} = (h{r} < u.out_h) & (w{r} < u.out_w) & (h{r} * u.stride_h == th{r}) & (w{r} * u.stride_w == tw{r});\
  let a{r} = select(0u, ((n{r} * u.out_h + h{r}) * u.out_w + w{r}) * u.out_c, ok{r});\
"
            )
        };
        body.push_str(&text);
    }
    let any: Vec<String> = (0..sizes.rows).map(|r| format!("ok{r}")).listed();
    let _ = writeln!(body, "if (!({})) {{ continue; }}", joined(&any, " | "));
    bases(&mut body, "(fh * u.filter_w + fw) * u.in_c * u.out_c");
    body.push_str(&inner(&sizes, (&left, &right), &names, steps, true, ("0u", "u.k")));
    body.push_str("}\n}\n");
    Some(finish(code, kernel, &sizes, [&left, &right], &body))
}

/// The name of an operand's buffer.
fn bind(code: &mut Code<'_>, operand: &Operand) -> String {
    if operand.mode == Mode::Scalar {
        code.read(operand.value)
    } else {
        code.read_vectors(operand.value)
    }
}

impl Sizes {
    fn new(g: usize, m: usize, n: usize, k: usize) -> Sizes {
        let rows = match m {
            0..4 => 1,
            4..8 => 4,
            _ => 8,
        };
        let columns = if n >= 8 && n.is_multiple_of(4) { 8 } else { 4 };
        Sizes { g, m, n, k, rows, columns, parts: 1, group: [1; 3] }
    }

    /// Splits a sum over `of` items, of at least `least` each, where the result alone keeps too few invocations busy.
    /// `None` when the tiles are more than a dispatch can have.
    fn split(&mut self, of: usize, least: usize) -> Option<()> {
        let tiles = self.g * self.m.div_ceil(self.rows) * self.n.div_ceil(self.columns);
        if tiles < 1024 && self.k >= 2048 {
            self.parts = (2048 / tiles.max(1)).min(self.k / 256).min(of / least).clamp(1, 64);
        }
        let x = self.n.div_ceil(self.columns).next_power_of_two().min(GROUP_COLUMNS);
        let y = self.m.div_ceil(self.rows).next_power_of_two().min(GROUP / x);
        self.group = [x, y, GROUP / x / y];
        let groups = self.groups();
        groups.iter().all(|&g| g <= MAX_GROUPS).then_some(())
    }

    /// Workgroups.
    fn groups(&self) -> [usize; 3] {
        let [x, y, z] = self.group;
        [self.n.div_ceil(self.columns * x), self.m.div_ceil(self.rows * y), (self.g * self.parts).div_ceil(z)]
    }
}

impl Operand {
    /// Statements for the positions of the tile's first element of each row or column (of each four, when read so).
    /// Those outside repeat the last inside; their results are not stored.
    fn across_bases(&self, code: &mut Code<'_>, name: &str, start: &str, size: &str, count: usize) -> String {
        let mut text = String::new();
        let step = if self.mode == Mode::Across { 4 } else { 1 };
        for j in (0..count).step_by(step) {
            let at = format!("min({start} + {j}u, {size} - {step}u)");
            let base = code.offset(self.offset, &[("g", self.batch), (at.as_str(), self.across)]);
            let _ = writeln!(text, "let {name}{} = {base};", j / step);
        }
        text
    }

    fn depth_stride(&self, code: &mut Code<'_>) -> String {
        match self.depth {
            0 => "0u".into(),
            1 => "1u".into(),
            stride => code.number(stride as usize),
        }
    }
}

/// The loop over the sum, from bases `a0..` and `b0..`; `masked` rows count as zero where `ok` is false.
fn inner(
    sizes: &Sizes,
    (left, right): (&Operand, &Operand),
    [a, b]: &[String; 2],
    (a_step, b_step): (String, String),
    masked: bool,
    (from, to): (&str, &str),
) -> String {
    let component = |i: usize| ["x", "y", "z", "w"][i % 4];
    let steps = if left.mode == Mode::Depth || right.mode == Mode::Depth { 4 } else { 1 };
    let mut text = format!("for (var k = {from}; k < {to}; k += {steps}u) {{\n");
    let at = |base: String, t: usize, step: &str| match (step, t) {
        ("1u", 0) => format!("{base} + k"),
        ("1u", t) => format!("{base} + k + {t}u"),
        (_, 0) => format!("{base} + k * {step}"),
        (_, t) => format!("{base} + (k + {t}u) * {step}"),
    };
    let mask = |load: String, zero: &str, r: usize| {
        if masked {
            format!("select({zero}, {load}, ok{r})")
        } else {
            load
        }
    };
    for r in 0..sizes.rows {
        match left.mode {
            Mode::Depth => {
                let load = mask(format!("{a}((a{r} + k) >> 2u)"), "vec4<f32>()", r);
                let _ = writeln!(text, "let l{r} = {load};");
            }
            Mode::Across if r % 4 == 0 => (0..steps).for_each(|t| {
                let q = r / 4;
                let _ = writeln!(text, "let l{t}_{q} = {a}(({}) >> 2u);", at(format!("a{q}"), t, &a_step));
            }),
            Mode::Across => {}
            Mode::Scalar => (0..steps).for_each(|t| {
                let load = mask(format!("{a}({})", at(format!("a{r}"), t, &a_step)), "0.0", r);
                let _ = writeln!(text, "let l{t}_{r} = {load};");
            }),
        }
    }
    let quads = sizes.columns / 4;
    if right.mode == Mode::Depth {
        for j in 0..sizes.columns {
            let _ = writeln!(text, "let v{j} = {b}((b{j} + k) >> 2u);");
        }
    }
    for (t, q) in (0..steps).flat_map(|t| (0..quads).map(move |q| (t, q))) {
        let of = |f: &dyn Fn(usize) -> String| {
            format!("vec4<f32>({}, {}, {}, {})", f(4 * q), f(4 * q + 1), f(4 * q + 2), f(4 * q + 3))
        };
        let load = match right.mode {
            Mode::Across => format!("{b}(({}) >> 2u)", at(format!("b{q}"), t, &b_step)),
            Mode::Depth => of(&|j| format!("v{j}.{}", component(t))),
            Mode::Scalar => of(&|j| format!("{b}({})", at(format!("b{j}"), t, &b_step))),
        };
        let _ = writeln!(text, "let s{t}_{q} = {load};");
    }
    for (t, r) in (0..steps).flat_map(|t| (0..sizes.rows).map(move |r| (t, r))) {
        let x = match left.mode {
            Mode::Depth => format!("l{r}.{}", component(t)),
            Mode::Across => format!("l{t}_{}.{}", r / 4, component(r)),
            Mode::Scalar => format!("l{t}_{r}"),
        };
        for q in 0..quads {
            let _ = writeln!(text, "acc{r}_{q} = acc{r}_{q} + {x} * s{t}_{q};");
        }
    }
    text.push_str("}\n");
    text
}

/// The whole shader around `body`, and one that adds the parts where the sum was split.
fn finish(mut code: Code<'_>, kernel: &Kernel, sizes: &Sizes, operands: [&Operand; 2], body: &str) -> Vec<Shader> {
    let [x, y, z] = sizes.group;
    let scalars: Vec<ValueId> = operands.iter().filter(|o| o.mode == Mode::Scalar).map(|o| o.value).listed();
    let (rows, columns, parts) = (sizes.rows, sizes.columns, sizes.parts);
    let size = sizes.g * sizes.m * sizes.n;
    let split = parts > 1;
    let partial = Slot::Temporary(0);
    let fours = sizes.n.is_multiple_of(4);
    if split {
        code.wide = fours;
        code.partial_tail(partial, DType::F32);
    } else {
        code.wide = fours && can_be_wide(&kernel.map, &scalars);
        code.tail(&kernel.map, true);
    }
    code.sizes([("groups", sizes.g), ("products", sizes.g * parts), ("size", size)]);
    let mut text = format!(
        "@compute @workgroup_size({x}, {y}, {z})\
fn main(@builtin(global_invocation_id) id: vec3<u32>) {{\
  let column = id.x * {columns}u;\
  let row = id.y * {rows}u;\
  let g = id.z % u.groups;\
  let part = id.z / u.groups;\
  if (column >= u.n || row >= u.m || id.z >= u.products) {{ return; }}\
"
    );
    for (r, q) in (0..rows).flat_map(|r| (0..columns / 4).map(move |q| (r, q))) {
        let _ = writeln!(text, "var acc{r}_{q} = vec4<f32>();");
    }
    text.push_str(body);
    for (r, q) in (0..rows).flat_map(|r| (0..columns / 4).map(move |q| (r, q))) {
        let first = q * 4;
        let store = if code.wide {
            format!("if (column + {first}u < u.n) {{ tail(i, acc{r}_{q}); }}")
        } else {
            let left = format!("select(0u, u.n - column - {first}u, column + {first}u < u.n)");
            format!("for (var j = 0u; j < min(4u, {left}); j++) {{ tail(i + j, acc{r}_{q}[j]); }}")
        };
        let _ = writeln!(
            text,
            "  if (row + {r}u < u.m) {{\
    let i = part * u.size + (g * u.m + row + {r}u) * u.n + column + {first}u;\
    {store}\
  }}"
        );
    }
    text.push_str("}\n");
    code.push(&text);
    let groups = sizes.groups().map(|g| g as u32);
    let plan = code.plan;
    let mut first = code.finish(groups);
    if !split {
        return vec![first];
    }
    first.temporary = parts * size;
    vec![first, join(plan, &kernel.map, ReduceOp::Sum, (partial, DType::F32), [parts, size])]
}
