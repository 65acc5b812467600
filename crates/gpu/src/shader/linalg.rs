//! Linear algebra: one invocation for each matrix of a batch, or for each right side of a triangular system. A first shader
//! works in temporary memory, a second one takes the results from there into the kernel's tail. The algorithms are those of
//! `headwater_core::linalg`, in float32.

use headwater_core::op::Linalg;
use headwater_core::plan::{Map, Plan, ValueId};
use headwater_core::{number, DType, Shape};

use super::code::Code;
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
        Linalg::Cholesky => (&[CHOLESKY], &["is_nan", "bits"], size),
        Linalg::TriangularSolve { .. } => (&[TRIANGULAR_SOLVE], &[], size),
        Linalg::Lu => (&[LU], &[], size),
        Linalg::Qr { .. } => (&[QR], &[], size + m * n + n),
        Linalg::Eigh => (&[ROTATIONS, EIGH], &["bits", "is_nan"], size + 2 * n * n),
        Linalg::Svd => (&[ROTATIONS, SVD], &["bits", "is_nan"], size + m * n + n * n),
    };
    let width = match routine {
        Linalg::TriangularSolve { .. } => k,
        Linalg::Qr { full: true } => m,
        _ => n,
    };
    let invocations = if matches!(routine, Linalg::TriangularSolve { .. }) { batch * k } else { batch };
    let mut code = Code::new(plan);
    needs.iter().for_each(|name| {
        code.need(name);
    });
    code.sizes([("m", m), ("n", n), ("k", width), ("stride", stride)]);
    for (&input, name) in inputs.iter().zip(["a", "b"]) {
        let buffer = code.read(input);
        code.push(&format!("fn {name}(i: u32) -> f32 {{ return {buffer}[i]; }}\n"));
    }
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
    let mut first = code.each(invocations, "  routine(i);\n");
    first.temporary = batch * stride;
    let mut code = Code::new(plan);
    let from = code.read_slot(Slot::Temporary(0), DType::F32);
    code.sizes([("result", size), ("stride", stride)]);
    code.push(&format!("fn head(i: u32) -> f32 {{ return {from}[i / u.result * u.stride + i % u.result]; }}\n"));
    code.tail(map, true);
    vec![first, code.elementwise(map.shape.size(), true)]
}

const CHOLESKY: &str = "fn routine(g: u32) {
  let l = g * u.stride;
  for (var i = 0u; i < u.n; i++) {
    for (var j = 0u; j < u.n; j++) {
      if (j > i) { put(l + i * u.n + j, 0.0); continue; }
      var s = a(l + i * u.n + j);
      for (var t = 0u; t < j; t++) { s = s - at(l + i * u.n + t) * at(l + j * u.n + t); }
      if (j < i) { put(l + i * u.n + j, s / at(l + j * u.n + j)); continue; }
      if (is_nan(s) || s <= 0.0) { fail(l); return; }
      put(l + i * u.n + i, sqrt(s));
    }
  }
}
fn fail(l: u32) {
  for (var i = 0u; i < u.n * u.n; i++) { put(l + i, select(0.0, bits(0x7fc00000u), i % u.n <= i / u.n)); }
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

const LU: &str = "fn routine(g: u32) {
  let x = g * u.stride;
  let w = u.n + 1u;
  for (var i = 0u; i < u.n; i++) {
    for (var j = 0u; j < u.n; j++) { put(x + i * w + j, a((g * u.n + i) * u.n + j)); }
    put(x + u.n * w + i, f32(i));
  }
  var parity = 1.0;
  for (var j = 0u; j < u.n; j++) {
    var pivot = j;
    for (var i = j + 1u; i < u.n; i++) {
      if (abs(at(x + i * w + j)) > abs(at(x + pivot * w + j))) { pivot = i; }
    }
    if (pivot != j) {
      parity = -parity;
      for (var c = 0u; c < u.n; c++) { swap(x + j * w + c, x + pivot * w + c); }
      swap(x + u.n * w + j, x + u.n * w + pivot);
    }
    let top = at(x + j * w + j);
    if (top == 0.0) { continue; }
    for (var i = j + 1u; i < u.n; i++) {
      let f = at(x + i * w + j) / top;
      put(x + i * w + j, f);
      for (var c = j + 1u; c < u.n; c++) { put(x + i * w + c, at(x + i * w + c) - f * at(x + j * w + c)); }
    }
  }
  for (var i = 0u; i < u.n; i++) { put(x + u32(at(x + u.n * w + i)) * w + u.n, f32(i)); }
  put(x + u.n * w + u.n, parity);
}
fn swap(p: u32, q: u32) {
  let x = at(p);
  put(p, at(q));
  put(q, x);
}
";

/// Behind `q` and `r`: the working copy, whose columns become the reflections' vectors (from below the diagonal, where
/// each begins with 1), and the reflections' factors.
const QR: &str = "fn reflect(x: u32, width: u32, begin: u32, v: u32, j: u32, tau: f32) {
  for (var c = begin; c < width; c++) {
    var s = at(x + j * width + c);
    for (var i = j + 1u; i < u.m; i++) { s = s + at(v + i * u.n + j) * at(x + i * width + c); }
    s = tau * s;
    put(x + j * width + c, at(x + j * width + c) - s);
    for (var i = j + 1u; i < u.m; i++) { put(x + i * width + c, at(x + i * width + c) - s * at(v + i * u.n + j)); }
  }
}
fn routine(g: u32) {
  let q = g * u.stride;
  let r = q + u.m * u.k;
  let x = r + u.k * u.n;
  let factor = x + u.m * u.n;
  for (var i = 0u; i < u.m * u.n; i++) { put(x + i, a(g * u.m * u.n + i)); }
  for (var j = 0u; j < u.n; j++) {
    let head = at(x + j * u.n + j);
    var size = 0.0;
    for (var i = j; i < u.m; i++) { size = size + at(x + i * u.n + j) * at(x + i * u.n + j); }
    size = sqrt(size);
    var tau = 0.0;
    if (size != 0.0) {
      let diagonal = select(size, -size, head > 0.0);
      tau = (diagonal - head) / diagonal;
      for (var i = j + 1u; i < u.m; i++) { put(x + i * u.n + j, at(x + i * u.n + j) / (head - diagonal)); }
      put(x + j * u.n + j, diagonal);
    }
    put(factor + j, tau);
    reflect(x, u.n, j + 1u, x, j, tau);
  }
  for (var i = 0u; i < u.k; i++) {
    for (var j = 0u; j < u.n; j++) {
      var e = 0.0;
      if (i <= j) { e = at(x + i * u.n + j); }
      put(r + i * u.n + j, e);
    }
  }
  for (var i = 0u; i < u.m * u.k; i++) { put(q + i, select(0.0, 1.0, i / u.k == i % u.k)); }
  for (var j = u.n; j > 0u; j--) { reflect(q, u.k, j - 1u, x, j - 1u, at(factor + j - 1u)); }
}
";

/// What both Jacobi methods need; vectors are rows of working memory. `sign_of` is 1 or -1: what makes the first large
/// element positive.
const ROTATIONS: &str = "fn rotation(p: f32, q: f32, pq: f32) -> vec2<f32> {
  let theta = (q - p) / (2.0 * pq);
  let size = abs(theta);
  var tangent = 0.5 / size;
  if (size < 1e9) { tangent = 1.0 / (size + sqrt(size * size + 1.0)); }
  if (theta < 0.0) { tangent = -tangent; }
  let cosine = 1.0 / sqrt(tangent * tangent + 1.0);
  return vec2<f32>(cosine, tangent * cosine);
}
fn rotate(x: u32, y: u32, step: u32, n: u32, turn: vec2<f32>) {
  for (var i = 0u; i < n; i++) {
    let p = at(x + i * step);
    let q = at(y + i * step);
    put(x + i * step, turn.x * p - turn.y * q);
    put(y + i * step, turn.y * p + turn.x * q);
  }
}
fn inner(x: u32, y: u32, n: u32) -> f32 {
  var s = 0.0;
  for (var i = 0u; i < n; i++) { s = s + at(x + i) * at(y + i); }
  return s;
}
fn identity(x: u32) {
  for (var i = 0u; i < u.n * u.n; i++) { put(x + i, select(0.0, 1.0, i / u.n == i % u.n)); }
}
fn fail(x: u32, n: u32) {
  for (var i = 0u; i < n; i++) { put(x + i, bits(0x7fc00000u)); }
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

/// Behind the results: the working copy, and the eigenvectors as rows.
const EIGH: &str = "fn routine(g: u32) {
  let n = u.n;
  let out = g * u.stride;
  let x = out + n + n * n;
  let v = x + n * n;
  for (var i = 0u; i < n * n; i++) { put(x + i, a(g * n * n + i)); }
  let norm = sqrt(inner(x, x, n * n));
  if (is_nan(norm) || norm > 3.4028234e38) { fail(out, n + n * n); return; }
  identity(v);
  for (var sweep = 0u; sweep < SWEEPS; sweep++) {
    var turned = false;
    for (var p = 0u; p < n; p++) {
      for (var q = p + 1u; q < n; q++) {
        let between = at(x + p * n + q);
        if (abs(between) <= 1e-9 * norm) { continue; }
        turned = true;
        let turn = rotation(at(x + p * n + p), at(x + q * n + q), between);
        rotate(x + p * n, x + q * n, 1u, n, turn);
        rotate(x + p, x + q, n, n, turn);
        put(x + p * n + q, 0.0);
        put(x + q * n + p, 0.0);
        rotate(v + p * n, v + q * n, 1u, n, turn);
      }
    }
    if (!turned) { break; }
  }
  for (var j = 0u; j < n; j++) {
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

/// Behind the results: the columns as rows, and the right vectors as rows. In the end the longest column that was not taken
/// is put in its place, again and again, and becomes a unit vector; one without a direction becomes `orthogonal` to those
/// before: the axis that is farthest from them, without their part.
const SVD: &str = "fn routine(g: u32) {
  let m = u.m;
  let n = u.n;
  let left = g * u.stride;
  let values = left + m * n;
  let right = values + n;
  let x = right + n * n;
  let v = x + m * n;
  for (var i = 0u; i < m * n; i++) { put(x + i % n * m + i / n, a(g * m * n + i)); }
  let norm = sqrt(inner(x, x, m * n));
  if (is_nan(norm) || norm > 3.4028234e38) { fail(left, m * n + n + n * n); return; }
  identity(v);
  let nothing = 1.2e-7 * f32(m) * norm;
  for (var sweep = 0u; sweep < SWEEPS; sweep++) {
    var turned = false;
    for (var p = 0u; p < n; p++) {
      for (var q = p + 1u; q < n; q++) {
        let pp = inner(x + p * m, x + p * m, m);
        let qq = inner(x + q * m, x + q * m, m);
        let pq = inner(x + p * m, x + q * m, m);
        if (min(pp, qq) <= nothing * nothing || abs(pq) <= 2e-7 * sqrt(pp) * sqrt(qq)) { continue; }
        turned = true;
        let turn = rotation(pp, qq, pq);
        rotate(x + p * m, x + q * m, 1u, m, turn);
        rotate(v + p * n, v + q * n, 1u, n, turn);
      }
    }
    if (!turned) { break; }
  }
  for (var place = 0u; place < n; place++) {
    var longer = place;
    var longest = inner(x + place * m, x + place * m, m);
    for (var j = place + 1u; j < n; j++) {
      let size = inner(x + j * m, x + j * m, m);
      if (size > longest) { longer = j; longest = size; }
    }
    if (longer != place) {
      swap(x + longer * m, x + place * m, m);
      swap(v + longer * n, v + place * n, n);
    }
    let column = x + place * m;
    let value = sqrt(longest);
    put(values + place, value);
    if (value > nothing) {
      for (var i = 0u; i < m; i++) { put(column + i, at(column + i) / value); }
    } else {
      orthogonal(x, place, m);
    }
    let s = sign_of(column, m);
    for (var i = 0u; i < m; i++) { put(left + i * n + place, s * at(column + i)); }
    for (var i = 0u; i < n; i++) { put(right + i * n + place, s * at(v + place * n + i)); }
  }
}
fn swap(x: u32, y: u32, n: u32) {
  for (var i = 0u; i < n; i++) {
    let p = at(x + i);
    put(x + i, at(y + i));
    put(y + i, p);
  }
}
fn orthogonal(x: u32, place: u32, m: u32) {
  var axis = 0u;
  var least = 2.0;
  for (var i = 0u; i < m; i++) {
    var covered = 0.0;
    for (var j = 0u; j < place; j++) { covered = covered + at(x + j * m + i) * at(x + j * m + i); }
    if (covered < least) { axis = i; least = covered; }
  }
  let column = x + place * m;
  for (var i = 0u; i < m; i++) { put(column + i, select(0.0, 1.0, i == axis)); }
  for (var round = 0u; round < 2u; round++) {
    for (var j = 0u; j < place; j++) {
      let along = inner(column, x + j * m, m);
      for (var i = 0u; i < m; i++) { put(column + i, at(column + i) - along * at(x + j * m + i)); }
    }
    let size = sqrt(inner(column, column, m));
    for (var i = 0u; i < m; i++) { put(column + i, at(column + i) / size); }
  }
}
";
