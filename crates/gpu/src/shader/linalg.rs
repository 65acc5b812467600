//! Linear algebra: one workgroup for each matrix of a batch, or one invocation for each right side of a triangular system. A
//! first shader works in temporary memory, a second one takes the results from there into the kernel's tail. The algorithms
//! are those of `headwater_core::linalg`, in float32, in an order that lets the invocations of a workgroup share the work.
//!
//! Barriers stand where all invocations of a workgroup come by: what decides over that is a uniform, or read by
//! `workgroupUniformLoad`.

use headwater_core::op::Linalg;
use headwater_core::plan::{Map, Plan, ValueId};
use headwater_core::{number, DType, Shape};

use super::code::{spread, Code, GROUP};
use super::{Shader, Slot};

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
        code.push(&format!("fn {name}(i: u32) -> f32 {{ return {buffer}[i]; }}\n"));
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
    code.push(&format!("fn head(i: u32) -> f32 {{ return {from}[i / u.result * u.stride + i % u.result]; }}\n"));
    code.tail(map, true);
    vec![first, code.elementwise(map.shape.size(), true)]
}

/// What every routine of workgroups needs. Invocation `l` of `GROUP` works on matrix `g`.
const GROUPS: &str = "var<workgroup> told: u32;
fn sync() { storageBarrier(); workgroupBarrier(); }
@compute @workgroup_size(GROUP)
fn main(@builtin(workgroup_id) w: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) l: u32) {
  let g = w.y * groups.x + w.x;
  if (g < u.batch) { routine(g, l); }
}
";

const CHOLESKY: &str = "fn routine(g: u32, l: u32) {
  let n = u.n;
  let x = g * u.stride;
  for (var i = l; i < n * n; i += GROUP) { put(x + i, select(0.0, a(x + i), i % n <= i / n)); }
  sync();
  for (var j = 0u; j < n; j++) {
    if (l == 0u) {
      let d = at(x + j * n + j);
      told = select(0u, 1u, is_nan(d) || d <= 0.0);
      put(x + j * n + j, sqrt(d));
    }
    sync();
    if (workgroupUniformLoad(&told) != 0u) {
      for (var i = l; i < n * n; i += GROUP) { put(x + i, select(0.0, bits(0x7fc00000u), i % n <= i / n)); }
      return;
    }
    let d = at(x + j * n + j);
    for (var i = j + 1u + l; i < n; i += GROUP) { put(x + i * n + j, at(x + i * n + j) / d); }
    sync();
    let rest = n - 1u - j;
    for (var k = l; k < rest * rest; k += GROUP) {
      let i = j + 1u + k / rest;
      let c = j + 1u + k % rest;
      if (c <= i) { put(x + i * n + c, at(x + i * n + c) - at(x + i * n + j) * at(x + c * n + j)); }
    }
    sync();
  }
}
";

const TRIANGULAR_SOLVE: &str = "fn nth(i: u32) -> u32 { return select(u.n - 1u - i, i, FORWARD); }
fn routine(g: u32) {
  let matrix = g / u.k * u.n * u.n;
  let x = g / u.k * u.stride + g % u.k;
  for (var i = 0u; i < u.n; i++) {
    let row = nth(i);
    var s = b(x + row * u.k);
    for (var j = 0u; j < i; j++) {
      let column = nth(j);
      s = s - a(matrix + select(row * u.n + column, column * u.n + row, ADJOINT)) * at(x + column * u.k);
    }
    if (!UNIT) { s = s / a(matrix + row * u.n + row); }
    put(x + row * u.k, s);
  }
}
";

const LU: &str = "fn routine(g: u32, l: u32) {
  let n = u.n;
  let w = n + 1u;
  let x = g * u.stride;
  let order = x + n * w;
  for (var i = l; i < n * n; i += GROUP) { put(x + i / n * w + i % n, a(g * n * n + i)); }
  for (var i = l; i < n; i += GROUP) { put(order + i, f32(i)); }
  sync();
  var parity = 1.0;
  for (var j = 0u; j < n; j++) {
    if (l == 0u) {
      var best = j;
      for (var i = j + 1u; i < n; i++) {
        if (abs(at(x + i * w + j)) > abs(at(x + best * w + j))) { best = i; }
      }
      told = best;
    }
    let pivot = workgroupUniformLoad(&told);
    if (pivot != j) {
      parity = -parity;
      // The order of rows is swapped by another invocation than their elements.
      for (var c = l; c < n; c += GROUP) { swap(x + j * w + c, x + pivot * w + c); }
      if (l == GROUP - 1u) { swap(order + j, order + pivot); }
    }
    sync();
    let top = at(x + j * w + j);
    if (top != 0.0) {
      for (var i = j + 1u + l; i < n; i += GROUP) { put(x + i * w + j, at(x + i * w + j) / top); }
    }
    sync();
    let rest = n - 1u - j;
    if (top != 0.0) {
      for (var k = l; k < rest * rest; k += GROUP) {
        let row = x + (j + 1u + k / rest) * w;
        let c = j + 1u + k % rest;
        put(row + c, at(row + c) - at(row + j) * at(x + j * w + c));
      }
    }
    sync();
  }
  for (var i = l; i < n; i += GROUP) { put(x + u32(at(order + i)) * w + n, f32(i)); }
  if (l == 0u) { put(order + n, parity); }
}
fn swap(p: u32, q: u32) {
  let x = at(p);
  put(p, at(q));
  put(q, x);
}
";

/// Behind `q` and `r`: the working copy, whose columns become the reflections' vectors (from below the diagonal, where
/// each begins with 1), and the reflections' factors.
const QR: &str = "var<workgroup> divisor: f32;
fn reflect(x: u32, width: u32, begin: u32, v: u32, j: u32, tau: f32) {
  for (var c = begin; c < width; c += GROUP) {
    var s = at(x + j * width + c);
    for (var i = j + 1u; i < u.m; i++) { s = s + at(v + i * u.n + j) * at(x + i * width + c); }
    s = tau * s;
    put(x + j * width + c, at(x + j * width + c) - s);
    for (var i = j + 1u; i < u.m; i++) { put(x + i * width + c, at(x + i * width + c) - s * at(v + i * u.n + j)); }
  }
}
fn routine(g: u32, l: u32) {
  let q = g * u.stride;
  let r = q + u.m * u.k;
  let x = r + u.k * u.n;
  let factor = x + u.m * u.n;
  for (var i = l; i < u.m * u.n; i += GROUP) { put(x + i, a(g * u.m * u.n + i)); }
  sync();
  for (var j = 0u; j < u.n; j++) {
    if (l == 0u) {
      let head = at(x + j * u.n + j);
      var size = 0.0;
      for (var i = j; i < u.m; i++) { size = size + at(x + i * u.n + j) * at(x + i * u.n + j); }
      size = sqrt(size);
      var tau = 0.0;
      divisor = 1.0;
      if (size != 0.0) {
        let diagonal = select(size, -size, head > 0.0);
        tau = (diagonal - head) / diagonal;
        divisor = head - diagonal;
        put(x + j * u.n + j, diagonal);
      }
      put(factor + j, tau);
    }
    sync();
    for (var i = j + 1u + l; i < u.m; i += GROUP) { put(x + i * u.n + j, at(x + i * u.n + j) / divisor); }
    sync();
    reflect(x, u.n, j + 1u + l, x, j, at(factor + j));
    sync();
  }
  for (var i = l; i < u.k * u.n; i += GROUP) {
    var e = 0.0;
    if (i / u.n <= i % u.n) { e = at(x + i); }
    put(r + i, e);
  }
  for (var i = l; i < u.m * u.k; i += GROUP) { put(q + i, select(0.0, 1.0, i / u.k == i % u.k)); }
  sync();
  // Every invocation has columns of its own.
  for (var j = u.n; j > 0u; j--) { reflect(q, u.k, l, x, j - 1u, at(factor + j - 1u)); }
}
";

/// What both Jacobi methods need; vectors are rows of working memory. A sweep is a tournament: in each of its rounds
/// every row meets another one, so that all pairs of a round can turn at the same time. `sign_of` is 1 or -1: what makes the
/// first large element positive.
const ROTATIONS: &str = "var<workgroup> parts: array<f32, GROUP>;
var<workgroup> turns: atomic<u32>;
fn players() -> u32 { return (u.n + 1u) / 2u * 2u; }
// Pair k of a round, in ascending order; the second is n where the first has nobody to meet.
fn pair(round: u32, k: u32) -> vec2<u32> {
  let ring = players() - 1u;
  let p = select((round + k) % ring, ring, k == 0u);
  let q = (round + ring - k) % ring;
  return vec2<u32>(min(p, q), max(p, q));
}
fn rotation(p: f32, q: f32, pq: f32) -> vec2<f32> {
  let theta = (q - p) / (2.0 * pq);
  let size = abs(theta);
  var tangent = 0.5 / size;
  if (size < 1e9) { tangent = 1.0 / (size + sqrt(size * size + 1.0)); }
  if (theta < 0.0) { tangent = -tangent; }
  let cosine = 1.0 / sqrt(tangent * tangent + 1.0);
  return vec2<f32>(cosine, tangent * cosine);
}
fn rotate(x: u32, y: u32, turn: vec2<f32>) {
  let p = at(x);
  let q = at(y);
  put(x, turn.x * p - turn.y * q);
  put(y, turn.y * p + turn.x * q);
}
fn inner(x: u32, y: u32, n: u32) -> f32 {
  var s = 0.0;
  for (var i = 0u; i < n; i++) { s = s + at(x + i) * at(y + i); }
  return s;
}
fn norm_of(x: u32, n: u32, l: u32) -> f32 {
  var s = 0.0;
  for (var i = l; i < n; i += GROUP) { s = s + at(x + i) * at(x + i); }
  parts[l] = s;
  workgroupBarrier();
  s = 0.0;
  for (var i = 0u; i < GROUP; i++) { s = s + parts[i]; }
  return sqrt(s);
}
// Whether a norm is that of something finite; fills the n results with NaN otherwise.
fn finite(norm: f32, out: u32, n: u32, l: u32) -> bool {
  if (l == 0u) { told = select(1u, 0u, is_nan(norm) || norm > 3.4028234e38); }
  let yes = workgroupUniformLoad(&told) != 0u;
  if (!yes) {
    for (var i = l; i < n; i += GROUP) { put(out + i, bits(0x7fc00000u)); }
  }
  return yes;
}
// Whether anything turned since the last time.
fn turned(l: u32) -> bool {
  sync();
  if (l == 0u) { told = atomicExchange(&turns, 0u); }
  return workgroupUniformLoad(&told) != 0u;
}
fn sign_of(x: u32, n: u32) -> f32 {
  var largest = 0.0;
  for (var i = 0u; i < n; i++) { largest = max(largest, abs(at(x + i))); }
  for (var i = 0u; i < n; i++) {
    if (abs(at(x + i)) >= LARGE * largest) { return select(1.0, -1.0, at(x + i) < 0.0); }
  }
  return 1.0;
}
";

/// Behind the results: the working copy, the eigenvectors as rows, and a round's rotations.
const EIGH: &str = "fn routine(g: u32, l: u32) {
  let n = u.n;
  let out = g * u.stride;
  let x = out + n + n * n;
  let v = x + n * n;
  let angles = v + n * n;
  for (var i = l; i < n * n; i += GROUP) {
    put(x + i, a(g * n * n + i));
    put(v + i, select(0.0, 1.0, i / n == i % n));
  }
  sync();
  let norm = norm_of(x, n * n, l);
  if (!finite(norm, out, n + n * n, l)) { return; }
  let pairs = players() / 2u;
  for (var sweep = 0u; sweep < SWEEPS; sweep++) {
    for (var round = 0u; round + 1u < players(); round++) {
      for (var k = l; k < pairs; k += GROUP) {
        let p = pair(round, k);
        var turn = vec2<f32>(1.0, 0.0);
        if (p.y < n && abs(at(x + p.x * n + p.y)) > 1e-9 * norm) {
          turn = rotation(at(x + p.x * n + p.x), at(x + p.y * n + p.y), at(x + p.x * n + p.y));
          atomicStore(&turns, 1u);
        }
        put(angles + 2u * k, turn.x);
        put(angles + 2u * k + 1u, turn.y);
      }
      sync();
      for (var i = l; i < pairs * n; i += GROUP) {
        let p = pair(round, i / n);
        let turn = vec2<f32>(at(angles + i / n * 2u), at(angles + i / n * 2u + 1u));
        if (turn.y != 0.0) {
          rotate(x + p.x * n + i % n, x + p.y * n + i % n, turn);
          rotate(v + p.x * n + i % n, v + p.y * n + i % n, turn);
        }
      }
      sync();
      for (var i = l; i < pairs * n; i += GROUP) {
        let p = pair(round, i / n);
        let turn = vec2<f32>(at(angles + i / n * 2u), at(angles + i / n * 2u + 1u));
        if (turn.y != 0.0) {
          let row = i % n;
          rotate(x + row * n + p.x, x + row * n + p.y, turn);
          if (row == p.x) { put(x + row * n + p.y, 0.0); }
          if (row == p.y) { put(x + row * n + p.x, 0.0); }
        }
      }
      sync();
    }
    if (!turned(l)) { break; }
  }
  for (var j = l; j < n; j += GROUP) {
    let value = at(x + j * n + j);
    var place = 0u;
    for (var i = 0u; i < n; i++) {
      let other = at(x + i * n + i);
      if (other < value || (other == value && i < j)) { place++; }
    }
    put(out + place, value);
    let s = sign_of(v + j * n, n);
    for (var i = 0u; i < n; i++) { put(out + n + i * n + place, s * at(v + j * n + i)); }
  }
}
";

/// Behind the results: the columns as rows, which become the left vectors, the right vectors as rows, the columns' lengths,
/// and which is in which place. A column without a direction becomes `orthogonal` to those before: the axis that is
/// farthest from them, without their part.
const SVD: &str = "fn routine(g: u32, l: u32) {
  let m = u.m;
  let n = u.n;
  let left = g * u.stride;
  let values = left + m * n;
  let right = values + n;
  let x = right + n * n;
  let v = x + m * n;
  let sizes = v + n * n;
  let order = sizes + n;
  for (var i = l; i < m * n; i += GROUP) { put(x + i % n * m + i / n, a(g * m * n + i)); }
  for (var i = l; i < n * n; i += GROUP) { put(v + i, select(0.0, 1.0, i / n == i % n)); }
  sync();
  let norm = norm_of(x, m * n, l);
  if (!finite(norm, left, m * n + n + n * n, l)) { return; }
  let nothing = 1.2e-7 * f32(m) * norm;
  for (var sweep = 0u; sweep < SWEEPS; sweep++) {
    for (var round = 0u; round + 1u < players(); round++) {
      for (var k = l; k < players() / 2u; k += GROUP) {
        let p = pair(round, k);
        if (p.y >= n) { continue; }
        let c = x + p.x * m;
        let d = x + p.y * m;
        let cc = inner(c, c, m);
        let dd = inner(d, d, m);
        let cd = inner(c, d, m);
        if (min(cc, dd) <= nothing * nothing || abs(cd) <= 2e-7 * sqrt(cc) * sqrt(dd)) { continue; }
        atomicStore(&turns, 1u);
        let turn = rotation(cc, dd, cd);
        for (var i = 0u; i < m; i++) { rotate(c + i, d + i, turn); }
        for (var i = 0u; i < n; i++) { rotate(v + p.x * n + i, v + p.y * n + i, turn); }
      }
      sync();
    }
    if (!turned(l)) { break; }
  }
  for (var j = l; j < n; j += GROUP) { put(sizes + j, sqrt(inner(x + j * m, x + j * m, m))); }
  sync();
  for (var j = l; j < n; j += GROUP) {
    let size = at(sizes + j);
    var place = 0u;
    for (var i = 0u; i < n; i++) {
      if (at(sizes + i) > size || (at(sizes + i) == size && i < j)) { place++; }
    }
    put(order + place, f32(j));
    put(values + place, size);
    if (size > nothing) {
      for (var i = 0u; i < m; i++) { put(x + j * m + i, at(x + j * m + i) / size); }
    }
  }
  sync();
  if (l == 0u) {
    for (var place = 0u; place < n; place++) {
      if (at(values + place) <= nothing) { orthogonal(x, order, place, m); }
    }
  }
  sync();
  for (var place = l; place < n; place += GROUP) {
    let j = u32(at(order + place));
    let s = sign_of(x + j * m, m);
    for (var i = 0u; i < m; i++) { put(left + i * n + place, s * at(x + j * m + i)); }
    for (var i = 0u; i < n; i++) { put(right + i * n + place, s * at(v + j * n + i)); }
  }
}
fn orthogonal(x: u32, order: u32, place: u32, m: u32) {
  var axis = 0u;
  var least = 2.0;
  for (var i = 0u; i < m; i++) {
    var covered = 0.0;
    for (var j = 0u; j < place; j++) {
      let e = at(x + u32(at(order + j)) * m + i);
      covered = covered + e * e;
    }
    if (covered < least) { axis = i; least = covered; }
  }
  let column = x + u32(at(order + place)) * m;
  for (var i = 0u; i < m; i++) { put(column + i, select(0.0, 1.0, i == axis)); }
  for (var again = 0u; again < 2u; again++) {
    for (var j = 0u; j < place; j++) {
      let other = x + u32(at(order + j)) * m;
      let along = inner(column, other, m);
      for (var i = 0u; i < m; i++) { put(column + i, at(column + i) - along * at(other + i)); }
    }
    let size = sqrt(inner(column, column, m));
    for (var i = 0u; i < m; i++) { put(column + i, at(column + i) / size); }
  }
}
";
