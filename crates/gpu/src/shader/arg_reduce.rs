//! The positions of extrema of long rows: several invocations share a row.

use headwater_core::plan::{Access, Kernel, Plan};
use headwater_core::DType;

use super::code::{root, Code, MAX_BUFFERS};
use super::heads::best_of_row;
use super::{Shader, Slot};

/// Elements of a row below which splitting does not pay.
const LONG: usize = 1024;

/// The shaders of an argMax or argMin, or `None` where one invocation per row does as well.
pub fn print(plan: &Plan, kernel: &Kernel, max: bool, input: &Access) -> Option<Vec<Shader>> {
    let (rows, n) = (input.view.shape[0], input.view.shape[1]);
    if n < LONG || kernel.reads.len() + kernel.map.outputs.len() >= MAX_BUFFERS {
        return None;
    }
    let parts = root(n);
    let found = Slot::Temporary(0);
    let mut code = Code::new(plan);
    best_of_row(&mut code, max, input, "i / u.parts", "var j = i % u.parts; j < u.n; j += u.parts", "j");
    code.sizes([("parts", parts)]);
    let to = code.write(found, DType::I32);
    let mut first = code.each(rows * parts, &format!("{to}[i] = head(i);\n"));
    first.temporary = rows * parts;
    let mut code = Code::new(plan);
    code.sizes([("parts", parts)]);
    let from = code.read_slot(found, DType::I32);
    let each = "var p = i * u.parts; p < (i + 1u) * u.parts; p++";
    best_of_row(&mut code, max, input, "i", each, &format!("u32({from}(p))"));
    code.tail(&kernel.map, true);
    Some(vec![first, code.elementwise(rows, true)])
}
