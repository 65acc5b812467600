//! Reductions by whole workgroups: invocations share a row, and a row may be shared by several workgroups.

use std::fmt::Write;

use headwater_core::op::ReduceOp;
use headwater_core::plan::{Kernel, Map, Plan, Source};
use headwater_core::DType;

use super::code::{can_be_wide, reads, spread, stored_name, type_name, Code, GROUP, MAX_GROUPS};
use super::heads::{accumulate, empty_value, reduction_body};
use super::{Shader, Slot};

/// Invocations that keep a device busy: where rows are fewer, more lanes share a row.
const BUSY: usize = 1 << 14;

/// The shaders of a reduction, or `None` where one invocation per row does as well.
pub fn print(plan: &Plan, kernel: &Kernel, op: ReduceOp, body: &Map, kept: usize) -> Option<Vec<Shader>> {
    let rows: usize = body.shape[..kept].iter().product();
    let n: usize = body.shape[kept..].iter().product();
    if n < 32 || rows * n < 4096 {
        return None;
    }
    // Neighbouring invocations should read neighbouring elements: of one row, or of as many rows.
    let along = body.inputs.iter().any(|a| a.view.strides.last() == Some(&1));
    let lanes = if along {
        (BUSY / rows).max(n / 64).clamp(4, GROUP).next_power_of_two()
    } else {
        GROUP / 16.min(rows.next_power_of_two())
    };
    let columns = GROUP / lanes;
    // A place in the workgroup: which of its rows, which lane of the row, and how far the next lane is.
    let (local, lane, next) = if along {
        (format!("l / {lanes}u"), format!("l % {lanes}u"), 1)
    } else {
        (format!("l % {columns}u"), format!("l / {columns}u"), columns)
    };
    let groups = rows.div_ceil(columns);
    let parts = if groups < 128 { (256 / groups).min(n / 256).clamp(1, MAX_GROUPS) } else { 1 };
    let mut code = Code::new(plan);
    // A buffer is bound with one element type, and the tail reads element by element.
    let shared = body.inputs.iter().any(|a| matches!(a.source, Source::Buffer(v) if reads(&kernel.map, v)));
    code.wide = !shared && can_be_wide(body, &[]);
    let step = if code.wide { 4 } else { 1 };
    let dtype = reduction_body(&mut code, body, kept);
    let kind = type_name(dtype);
    let empty = empty_value(&mut code, op, dtype);
    let wide = code.wide.then(|| (code.register(dtype), accumulate(&mut code, op, dtype, "wide")));
    code.wide = false;
    let scalar = accumulate(&mut code, op, dtype, "acc");
    let (start, take, flat) = if let Some((wide, take)) = wide {
        let mut flat = String::new();
        for c in ["x", "y", "z", "w"] {
            let _ = writeln!(flat, "  {{ let x = wide.{c}; {scalar} }}");
        }
        (format!("var wide = {wide}({empty});"), take, flat)
    } else {
        (String::new(), scalar.clone(), String::new())
    };
    let size = n.div_ceil(parts).next_multiple_of(4);
    let parts = n.div_ceil(size);
    code.sizes([("rows", rows), ("n", n), ("part", size)]);
    let partial = Slot::Temporary(0);
    if parts > 1 {
        let name = code.write(partial, dtype);
        let stored = stored_name(dtype, false);
        code.push(&format!(
            "fn store(row: u32, part: u32, acc: {kind}) {{ {name}[part * u.rows + row] = {stored}(acc); }}\n"
        ));
    } else {
        code.tail(&kernel.map, true);
        code.push(&format!("fn store(row: u32, part: u32, acc: {kind}) {{ tail(row, acc); }}\n"));
    }
    code.push(&format!(
        "var<workgroup> gathered: array<{kind}, {GROUP}>;\
@compute @workgroup_size({GROUP})\
fn main(@builtin(workgroup_id) w: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) l: u32) {{\
  let lane = {lane};\
  let row = (w.y * groups.x + w.x) * {columns}u + {local};\
  let end = min(u.n, (w.z + 1u) * u.part);\
  var acc = {empty};\
  {start}\
  if (row < u.rows) {{\
    for (var j = w.z * u.part + lane * {step}u; j < end; j += {}u) {{ let x = body(row, j); {take} }}\
  }}\
{flat}  gathered[l] = acc;\
  workgroupBarrier();\
  if (lane % 8u == 0u) {{\
    for (var t = 1u; t < min(8u, {lanes}u - lane); t++) {{ let x = gathered[l + t * {next}u]; {scalar} }}\
    gathered[l] = acc;\
  }}\
  workgroupBarrier();\
  if (lane == 0u && row < u.rows) {{\
    for (var t = 8u; t < {lanes}u; t += 8u) {{ let x = gathered[l + t * {next}u]; {scalar} }}\
    store(row, w.z, acc);\
  }}\
}}\
",
        lanes * step
    ));
    let [x, y, _] = spread(groups);
    let mut first = code.finish([x, y, parts as u32]);
    if parts == 1 {
        return Some(vec![first]);
    }
    first.temporary = parts * rows;
    Some(vec![first, join(plan, &kernel.map, op, (partial, dtype), [parts, rows])])
}

/// The shader that reduces the parts `[parts, rows]` in a temporary buffer and continues with the tail.
pub fn join(
    plan: &Plan,
    map: &Map,
    op: ReduceOp,
    (partial, dtype): (Slot, DType),
    [parts, rows]: [usize; 2],
) -> Shader {
    let mut code = Code::new(plan);
    code.wide = dtype == DType::F32 && rows.is_multiple_of(4) && can_be_wide(map, &[]);
    let element = if code.wide {
        format!("{}((part * u.size + i) >> 2u)", code.read_slot_vectors(partial))
    } else {
        format!("{}(part * u.size + i)", code.read_slot(partial, dtype))
    };
    let (empty, take) = (empty_value(&mut code, op, dtype), accumulate(&mut code, op, dtype, "acc"));
    code.sizes([("parts", parts)]);
    let kind = code.register(dtype);
    code.push(&format!(
        "fn head(i: u32) -> {kind} {{\
  var acc = {kind}({empty});\
  for (var part = 0u; part < u.parts; part++) {{ let x = {element}; {take} }}\
  return acc;\
}}\
"
    ));
    code.tail(map, true);
    code.elementwise(rows, true)
}
