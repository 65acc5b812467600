//! Cumulative operations in parts: each invocation walks a part of a line once, from what all parts before it come to.

use headwater_core::op::ScanKind;
use headwater_core::plan::{Kernel, Plan, ValueId};

use super::code::{root, Code, MAX_BUFFERS};
use super::heads::{accumulate, empty_value, scan_elements};
use super::{Shader, Slot};

/// Invocations that keep a GPU busy.
const BUSY: usize = 1 << 14;
/// Elements of a part below which splitting does not pay.
const MIN_PART: usize = 32;

/// The shaders of a scan: one that combines the elements of each part where lines are split, and one that scans.
pub fn print(plan: &Plan, kernel: &Kernel, kind: ScanKind, shape: [usize; 3], input: ValueId) -> Vec<Shader> {
    let [outer, n, inner] = shape;
    let lines = outer * inner;
    // A part walks the parts before it, too: about as many as it has elements.
    let parts = (BUSY / lines).min(root(n)).min(n / MIN_PART).max(1);
    let parts = if kernel.reads.len() + kernel.map.outputs.len() < MAX_BUFFERS { parts } else { 1 };
    let size = n.div_ceil(parts);
    let parts = n.div_ceil(size);
    let dtype = plan.values[input].dtype;
    let totals = Slot::Temporary(0);
    let mut shaders = Vec::new();
    for scans in [false, true] {
        if !scans && parts == 1 {
            continue;
        }
        let mut code = Code::new(plan);
        let x = scan_elements(&mut code, kind, shape, input);
        let (empty, step) = (empty_value(&mut code, kind.op, dtype), accumulate(&mut code, kind.op, dtype, "acc"));
        code.sizes([("lines", lines), ("part", size)]);
        let mut body = format!("let line = i % u.lines;\nlet part = i / u.lines;\nvar acc = {empty};\n");
        if scans && parts > 1 {
            let totals = code.read_slot(totals, dtype);
            body.push_str(&format!("for (var t = line; t < i; t += u.lines) {{ let x = {totals}(t); {step} }}\n"));
        }
        let place = if !scans {
            step
        } else if kind.exclusive {
            format!("tail(j, acc); {step}")
        } else {
            format!("{step} tail(j, acc);")
        };
        body.push_str(&format!(
            "  for (var p = part * u.part; p < min(u.n, (part + 1u) * u.part); p++) {{\
    let j = at(line, p);\
    let x = {x}(j);\
    {place}\
  }}\
"
        ));
        if scans {
            code.tail(&kernel.map, true);
        } else {
            let name = code.write(totals, dtype);
            body.push_str(&format!("{name}[i] = acc;\n"));
        }
        let mut shader = code.each(lines * parts, &body);
        shader.temporary = if scans { 0 } else { lines * parts };
        shaders.push(shader);
    }
    shaders
}
