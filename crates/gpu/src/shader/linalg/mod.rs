//! Linear algebra: one workgroup for each matrix of a batch, or one invocation for each right side of a triangular system. A
//! first shader works in temporary memory, a second one takes the results from there into the kernel's tail. The algorithms
//! are those of `headwater_core::linalg`, in float32, in an order that lets the invocations of a workgroup share the work.
//!
//! Barriers stand where all invocations of a workgroup come by: what decides over that is a uniform, or read by
//! `workgroupUniformLoad`.

mod direct;
mod jacobi;

use headwater_core::op::Linalg;
use headwater_core::plan::{Map, Plan, ValueId};
use headwater_core::{number, DType, Shape};

use super::code::{spread, Code, GROUP};
use super::{Shader, Slot};
use direct::{CHOLESKY, LU, QR, TRIANGULAR_SOLVE};
use jacobi::{EIGH, ROTATIONS, SVD};

/// The shaders of a routine over operands of `shapes` `[batch, rows, columns]`.
pub fn print(
    plan: &Plan,
    map: &Map,
    routine: Linalg,
    inputs: &[ValueId],
    shapes: &[Shape],
    out: &Shape,
) -> Vec<Shader> {
    let (batch, size) = (out[0], out[1]);
    let (m, n, k) = (shapes[0][1], shapes[0][2], shapes[shapes.len() - 1][2]);
    // Elements of temporary memory for a matrix: the result, and behind it what else the algorithm needs.
    let (text, needs, stride): (&[&str], &[&'static str], usize) = match routine {
        Linalg::Cholesky => (&[GROUPS, CHOLESKY], &["is_nan", "bits"], size),
        Linalg::TriangularSolve { .. } => (&[TRIANGULAR_SOLVE], &[], size),
        Linalg::Lu => (&[GROUPS, LU], &[], size),
        Linalg::Qr { .. } => (&[GROUPS, QR], &[], size + m * n + n),
        Linalg::Eigh => (&[GROUPS, ROTATIONS, EIGH], &["bits", "is_nan"], size + 2 * n * n + n + 1),
        Linalg::Svd => (&[GROUPS, ROTATIONS, SVD], &["bits", "is_nan"], size + m * n + n * n + 2 * n),
    };
    let width = match routine {
        Linalg::TriangularSolve { .. } => k,
        Linalg::Qr { full: true } => m,
        _ => n,
    };
    let mut code = Code::new(plan);
    needs.iter().for_each(|name| {
        code.need(name);
    });
    code.sizes([("m", m), ("n", n), ("k", width), ("stride", stride)]);
    for (&input, name) in inputs.iter().zip(["a", "b"]) {
        let buffer = code.read(input);
        code.push(&format!("fn {name}(i: u32) -> f32 {{ return {buffer}(i); }}\n"));
    }
    code.push(&format!("const GROUP = {GROUP}u;\n"));
    let temporary = code.write(Slot::Temporary(0), DType::F32);
    code.push(&format!(
        "fn at(i: u32) -> f32 {{ return {temporary}[i]; }}\nfn put(i: u32, x: f32) {{ {temporary}[i] = x; }}\n"
    ));
    if let Linalg::TriangularSolve { lower, adjoint, unit } = routine {
        code.push(&format!(
            "const ADJOINT = {adjoint};\nconst UNIT = {unit};\nconst FORWARD = {};\n",
            lower != adjoint
        ));
    }
    if matches!(routine, Linalg::Eigh | Linalg::Svd) {
        code.push(&format!("const LARGE = {};\nconst SWEEPS = {}u;\n", number(Linalg::LARGE), Linalg::SWEEPS));
    }
    text.iter().for_each(|text| code.push(text));
    let mut first = if matches!(routine, Linalg::TriangularSolve { .. }) {
        code.each(batch * k, "  routine(i);\n")
    } else {
        code.sizes([("batch", batch)]);
        code.finish(spread(batch))
    };
    first.temporary = batch * stride;
    let mut code = Code::new(plan);
    let from = code.read_slot(Slot::Temporary(0), DType::F32);
    code.sizes([("result", size), ("stride", stride)]);
    code.push(&format!("fn head(i: u32) -> f32 {{ return {from}(i / u.result * u.stride + i % u.result); }}\n"));
    code.tail(map, true);
    vec![first, code.elementwise(map.shape.size(), true)]
}

/// What every routine of workgroups needs. Invocation `l` of `GROUP` works on matrix `g`.
const GROUPS: &str = "var<workgroup> told: u32;\
fn sync() { storageBarrier(); workgroupBarrier(); }\
@compute @workgroup_size(GROUP)\
fn main(@builtin(workgroup_id) w: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) l: u32) {\
  let g = w.y * groups.x + w.x;\
  if (g < u.batch) { routine(g, l); }\
}\
";
