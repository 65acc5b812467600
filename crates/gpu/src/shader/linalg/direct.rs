//! Factors and triangular systems.

/// Column by column: each is taken from what remains.
pub const CHOLESKY: &str = "fn routine(g: u32, l: u32) {\
  let n = u.n;\
  let x = g * u.stride;\
  for (var i = l; i < n * n; i += GROUP) { put(x + i, select(0.0, a(x + i), i % n <= i / n)); }\
  sync();\
  for (var j = 0u; j < n; j++) {\
    if (l == 0u) {\
      let d = at(x + j * n + j);\
      told = select(0u, 1u, is_nan(d) || d <= 0.0);\
      put(x + j * n + j, sqrt(d));\
    }\
    sync();\
    if (workgroupUniformLoad(&told) != 0u) {\
      for (var i = l; i < n * n; i += GROUP) { put(x + i, select(0.0, bits(0x7fc00000u), i % n <= i / n)); }\
      return;\
    }\
    let d = at(x + j * n + j);\
    for (var i = j + 1u + l; i < n; i += GROUP) { put(x + i * n + j, at(x + i * n + j) / d); }\
    sync();\
    let rest = n - 1u - j;\
    for (var k = l; k < rest * rest; k += GROUP) {\
      let i = j + 1u + k / rest;\
      let c = j + 1u + k % rest;\
      if (c <= i) { put(x + i * n + c, at(x + i * n + c) - at(x + i * n + j) * at(x + c * n + j)); }\
    }\
    sync();\
  }\
}\
";

/// Invocation `g` has one column of one right side.
pub const TRIANGULAR_SOLVE: &str = "fn nth(i: u32) -> u32 { return select(u.n - 1u - i, i, FORWARD); }\
fn routine(g: u32) {\
  let matrix = g / u.k * u.n * u.n;\
  let x = g / u.k * u.stride + g % u.k;\
  for (var i = 0u; i < u.n; i++) {\
    let row = nth(i);\
    var s = b(x + row * u.k);\
    for (var j = 0u; j < i; j++) {\
      let column = nth(j);\
      s = s - a(matrix + select(row * u.n + column, column * u.n + row, ADJOINT)) * at(x + column * u.k);\
    }\
    if (!UNIT) { s = s / a(matrix + row * u.n + row); }\
    put(x + row * u.k, s);\
  }\
}\
";

/// The pivots' order is the last row.
/// The order of rows is swapped by another invocation than their elements.
pub const LU: &str = "fn routine(g: u32, l: u32) {\
  let n = u.n;\
  let w = n + 1u;\
  let x = g * u.stride;\
  let order = x + n * w;\
  for (var i = l; i < n * n; i += GROUP) { put(x + i / n * w + i % n, a(g * n * n + i)); }\
  for (var i = l; i < n; i += GROUP) { put(order + i, f32(i)); }\
  sync();\
  var parity = 1.0;\
  for (var j = 0u; j < n; j++) {\
    if (l == 0u) {\
      var best = j;\
      for (var i = j + 1u; i < n; i++) {\
        if (abs(at(x + i * w + j)) > abs(at(x + best * w + j))) { best = i; }\
      }\
      told = best;\
    }\
    let pivot = workgroupUniformLoad(&told);\
    if (pivot != j) {\
      parity = -parity;\
      for (var c = l; c < n; c += GROUP) { swap(x + j * w + c, x + pivot * w + c); }\
      if (l == GROUP - 1u) { swap(order + j, order + pivot); }\
    }\
    sync();\
    let top = at(x + j * w + j);\
    if (top != 0.0) {\
      for (var i = j + 1u + l; i < n; i += GROUP) { put(x + i * w + j, at(x + i * w + j) / top); }\
    }\
    sync();\
    let rest = n - 1u - j;\
    if (top != 0.0) {\
      for (var k = l; k < rest * rest; k += GROUP) {\
        let row = x + (j + 1u + k / rest) * w;\
        let c = j + 1u + k % rest;\
        put(row + c, at(row + c) - at(row + j) * at(x + j * w + c));\
      }\
    }\
    sync();\
  }\
  for (var i = l; i < n; i += GROUP) { put(x + u32(at(order + i)) * w + n, f32(i)); }\
  if (l == 0u) { put(order + n, parity); }\
}\
fn swap(p: u32, q: u32) {\
  let x = at(p);\
  put(p, at(q));\
  put(q, x);\
}\
";

/// Behind `q` and `r`: the working copy, whose columns become the reflections' vectors (from below the diagonal, where
/// each begins with 1), and the reflections' factors.
/// Every invocation has columns of its own of `q`.
pub const QR: &str = "var<workgroup> divisor: f32;\
fn reflect(x: u32, width: u32, begin: u32, v: u32, j: u32, tau: f32) {\
  for (var c = begin; c < width; c += GROUP) {\
    var s = at(x + j * width + c);\
    for (var i = j + 1u; i < u.m; i++) { s = s + at(v + i * u.n + j) * at(x + i * width + c); }\
    s = tau * s;\
    put(x + j * width + c, at(x + j * width + c) - s);\
    for (var i = j + 1u; i < u.m; i++) { put(x + i * width + c, at(x + i * width + c) - s * at(v + i * u.n + j)); }\
  }\
}\
fn routine(g: u32, l: u32) {\
  let q = g * u.stride;\
  let r = q + u.m * u.k;\
  let x = r + u.k * u.n;\
  let factor = x + u.m * u.n;\
  for (var i = l; i < u.m * u.n; i += GROUP) { put(x + i, a(g * u.m * u.n + i)); }\
  sync();\
  for (var j = 0u; j < u.n; j++) {\
    if (l == 0u) {\
      let head = at(x + j * u.n + j);\
      var size = 0.0;\
      for (var i = j; i < u.m; i++) { size = size + at(x + i * u.n + j) * at(x + i * u.n + j); }\
      size = sqrt(size);\
      var tau = 0.0;\
      divisor = 1.0;\
      if (size != 0.0) {\
        let diagonal = select(size, -size, head > 0.0);\
        tau = (diagonal - head) / diagonal;\
        divisor = head - diagonal;\
        put(x + j * u.n + j, diagonal);\
      }\
      put(factor + j, tau);\
    }\
    sync();\
    for (var i = j + 1u + l; i < u.m; i += GROUP) { put(x + i * u.n + j, at(x + i * u.n + j) / divisor); }\
    sync();\
    reflect(x, u.n, j + 1u + l, x, j, at(factor + j));\
    sync();\
  }\
  for (var i = l; i < u.k * u.n; i += GROUP) {\
    var e = 0.0;\
    if (i / u.n <= i % u.n) { e = at(x + i); }\
    put(r + i, e);\
  }\
  for (var i = l; i < u.m * u.k; i += GROUP) { put(q + i, select(0.0, 1.0, i / u.k == i % u.k)); }\
  sync();\
  for (var j = u.n; j > 0u; j--) { reflect(q, u.k, l, x, j - 1u, at(factor + j - 1u)); }\
}\
";
