//! Eigenvalues and singular values by Jacobi's rotations.

/// What both Jacobi methods need; vectors are rows of working memory. A sweep is a tournament: in each of its rounds
/// every row meets another one, so that all pairs of a round can turn at the same time. `sign_of` is 1 or -1: what makes the
/// first large element positive. `pair` gives pair k of a round, in ascending order; the second is n where the first has nobody
/// to meet. `finite` says whether a norm is that of something finite, and fills the n results with NaN otherwise; `turned`,
/// whether anything turned since the last time.
pub const ROTATIONS: &str = "var<workgroup> parts: array<f32, GROUP>;\
var<workgroup> turns: atomic<u32>;\
fn players() -> u32 { return (u.n + 1u) / 2u * 2u; }\
fn pair(round: u32, k: u32) -> vec2<u32> {\
  let ring = players() - 1u;\
  let p = select((round + k) % ring, ring, k == 0u);\
  let q = (round + ring - k) % ring;\
  return vec2<u32>(min(p, q), max(p, q));\
}\
fn rotation(p: f32, q: f32, pq: f32) -> vec2<f32> {\
  let theta = (q - p) / (2.0 * pq);\
  let size = abs(theta);\
  var tangent = 0.5 / size;\
  if (size < 1e9) { tangent = 1.0 / (size + sqrt(size * size + 1.0)); }\
  if (theta < 0.0) { tangent = -tangent; }\
  let cosine = 1.0 / sqrt(tangent * tangent + 1.0);\
  return vec2<f32>(cosine, tangent * cosine);\
}\
fn rotate(x: u32, y: u32, turn: vec2<f32>) {\
  let p = at(x);\
  let q = at(y);\
  put(x, turn.x * p - turn.y * q);\
  put(y, turn.y * p + turn.x * q);\
}\
fn inner(x: u32, y: u32, n: u32) -> f32 {\
  var s = 0.0;\
  for (var i = 0u; i < n; i++) { s = s + at(x + i) * at(y + i); }\
  return s;\
}\
fn norm_of(x: u32, n: u32, l: u32) -> f32 {\
  var s = 0.0;\
  for (var i = l; i < n; i += GROUP) { s = s + at(x + i) * at(x + i); }\
  parts[l] = s;\
  workgroupBarrier();\
  s = 0.0;\
  for (var i = 0u; i < GROUP; i++) { s = s + parts[i]; }\
  return sqrt(s);\
}\
fn finite(norm: f32, out: u32, n: u32, l: u32) -> bool {\
  if (l == 0u) { told = select(1u, 0u, is_nan(norm) || norm > 3.4028234e38); }\
  let yes = workgroupUniformLoad(&told) != 0u;\
  if (!yes) {\
    for (var i = l; i < n; i += GROUP) { put(out + i, bits(0x7fc00000u)); }\
  }\
  return yes;\
}\
fn turned(l: u32) -> bool {\
  sync();\
  if (l == 0u) { told = atomicExchange(&turns, 0u); }\
  return workgroupUniformLoad(&told) != 0u;\
}\
fn sign_of(x: u32, n: u32) -> f32 {\
  var largest = 0.0;\
  for (var i = 0u; i < n; i++) { largest = max(largest, abs(at(x + i))); }\
  for (var i = 0u; i < n; i++) {\
    if (abs(at(x + i)) >= LARGE * largest) { return select(1.0, -1.0, at(x + i) < 0.0); }\
  }\
  return 1.0;\
}\
";

/// Behind the results: the working copy, the eigenvectors as rows, and a round's rotations.
pub const EIGH: &str = "fn routine(g: u32, l: u32) {\
  let n = u.n;\
  let out = g * u.stride;\
  let x = out + n + n * n;\
  let v = x + n * n;\
  let angles = v + n * n;\
  for (var i = l; i < n * n; i += GROUP) {\
    put(x + i, a(g * n * n + i));\
    put(v + i, select(0.0, 1.0, i / n == i % n));\
  }\
  sync();\
  let norm = norm_of(x, n * n, l);\
  if (!finite(norm, out, n + n * n, l)) { return; }\
  let pairs = players() / 2u;\
  for (var sweep = 0u; sweep < SWEEPS; sweep++) {\
    for (var round = 0u; round + 1u < players(); round++) {\
      for (var k = l; k < pairs; k += GROUP) {\
        let p = pair(round, k);\
        var turn = vec2<f32>(1.0, 0.0);\
        if (p.y < n && abs(at(x + p.x * n + p.y)) > 1e-9 * norm) {\
          turn = rotation(at(x + p.x * n + p.x), at(x + p.y * n + p.y), at(x + p.x * n + p.y));\
          atomicStore(&turns, 1u);\
        }\
        put(angles + 2u * k, turn.x);\
        put(angles + 2u * k + 1u, turn.y);\
      }\
      sync();\
      for (var i = l; i < pairs * n; i += GROUP) {\
        let p = pair(round, i / n);\
        let turn = vec2<f32>(at(angles + i / n * 2u), at(angles + i / n * 2u + 1u));\
        if (turn.y != 0.0) {\
          rotate(x + p.x * n + i % n, x + p.y * n + i % n, turn);\
          rotate(v + p.x * n + i % n, v + p.y * n + i % n, turn);\
        }\
      }\
      sync();\
      for (var i = l; i < pairs * n; i += GROUP) {\
        let p = pair(round, i / n);\
        let turn = vec2<f32>(at(angles + i / n * 2u), at(angles + i / n * 2u + 1u));\
        if (turn.y != 0.0) {\
          let row = i % n;\
          rotate(x + row * n + p.x, x + row * n + p.y, turn);\
          if (row == p.x) { put(x + row * n + p.y, 0.0); }\
          if (row == p.y) { put(x + row * n + p.x, 0.0); }\
        }\
      }\
      sync();\
    }\
    if (!turned(l)) { break; }\
  }\
  for (var j = l; j < n; j += GROUP) {\
    let value = at(x + j * n + j);\
    var place = 0u;\
    for (var i = 0u; i < n; i++) {\
      let other = at(x + i * n + i);\
      if (other < value || (other == value && i < j)) { place++; }\
    }\
    put(out + place, value);\
    let s = sign_of(v + j * n, n);\
    for (var i = 0u; i < n; i++) { put(out + n + i * n + place, s * at(v + j * n + i)); }\
  }\
}\
";

/// Behind the results: the columns as rows, which become the left vectors, the right vectors as rows, the columns' lengths,
/// and which is in which place. A column without a direction becomes `orthogonal` to those before: the axis that is
/// farthest from them, without their part.
pub const SVD: &str = "fn routine(g: u32, l: u32) {\
  let m = u.m;\
  let n = u.n;\
  let left = g * u.stride;\
  let values = left + m * n;\
  let right = values + n;\
  let x = right + n * n;\
  let v = x + m * n;\
  let sizes = v + n * n;\
  let order = sizes + n;\
  for (var i = l; i < m * n; i += GROUP) { put(x + i % n * m + i / n, a(g * m * n + i)); }\
  for (var i = l; i < n * n; i += GROUP) { put(v + i, select(0.0, 1.0, i / n == i % n)); }\
  sync();\
  let norm = norm_of(x, m * n, l);\
  if (!finite(norm, left, m * n + n + n * n, l)) { return; }\
  let nothing = 1.2e-7 * f32(m) * norm;\
  for (var sweep = 0u; sweep < SWEEPS; sweep++) {\
    for (var round = 0u; round + 1u < players(); round++) {\
      for (var k = l; k < players() / 2u; k += GROUP) {\
        let p = pair(round, k);\
        if (p.y >= n) { continue; }\
        let c = x + p.x * m;\
        let d = x + p.y * m;\
        let cc = inner(c, c, m);\
        let dd = inner(d, d, m);\
        let cd = inner(c, d, m);\
        if (min(cc, dd) <= nothing * nothing || abs(cd) <= 2e-7 * sqrt(cc) * sqrt(dd)) { continue; }\
        atomicStore(&turns, 1u);\
        let turn = rotation(cc, dd, cd);\
        for (var i = 0u; i < m; i++) { rotate(c + i, d + i, turn); }\
        for (var i = 0u; i < n; i++) { rotate(v + p.x * n + i, v + p.y * n + i, turn); }\
      }\
      sync();\
    }\
    if (!turned(l)) { break; }\
  }\
  for (var j = l; j < n; j += GROUP) { put(sizes + j, sqrt(inner(x + j * m, x + j * m, m))); }\
  sync();\
  for (var j = l; j < n; j += GROUP) {\
    let size = at(sizes + j);\
    var place = 0u;\
    for (var i = 0u; i < n; i++) {\
      if (at(sizes + i) > size || (at(sizes + i) == size && i < j)) { place++; }\
    }\
    put(order + place, f32(j));\
    put(values + place, size);\
    if (size > nothing) {\
      for (var i = 0u; i < m; i++) { put(x + j * m + i, at(x + j * m + i) / size); }\
    }\
  }\
  sync();\
  if (l == 0u) {\
    for (var place = 0u; place < n; place++) {\
      if (at(values + place) <= nothing) { orthogonal(x, order, place, m); }\
    }\
  }\
  sync();\
  for (var place = l; place < n; place += GROUP) {\
    let j = u32(at(order + place));\
    let s = sign_of(x + j * m, m);\
    for (var i = 0u; i < m; i++) { put(left + i * n + place, s * at(x + j * m + i)); }\
    for (var i = 0u; i < n; i++) { put(right + i * n + place, s * at(v + j * n + i)); }\
  }\
}\
fn orthogonal(x: u32, order: u32, place: u32, m: u32) {\
  var axis = 0u;\
  var least = 2.0;\
  for (var i = 0u; i < m; i++) {\
    var covered = 0.0;\
    for (var j = 0u; j < place; j++) {\
      let e = at(x + u32(at(order + j)) * m + i);\
      covered = covered + e * e;\
    }\
    if (covered < least) { axis = i; least = covered; }\
  }\
  let column = x + u32(at(order + place)) * m;\
  for (var i = 0u; i < m; i++) { put(column + i, select(0.0, 1.0, i == axis)); }\
  for (var again = 0u; again < 2u; again++) {\
    for (var j = 0u; j < place; j++) {\
      let other = x + u32(at(order + j)) * m;\
      let along = inner(column, other, m);\
      for (var i = 0u; i < m; i++) { put(column + i, at(column + i) - along * at(other + i)); }\
    }\
    let size = sqrt(inner(column, column, m));\
    for (var i = 0u; i < m; i++) { put(column + i, at(column + i) / size); }\
  }\
}\
";
