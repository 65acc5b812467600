//! Sorting: short runs by counting, then runs merged pairwise, each element finding its place by a search of the other
//! run. All merges are one shader. There is no form of one element per invocation: it would pass over a row for each place.

use headwater_core::plan::{Kernel, Plan, ValueId};
use headwater_core::DType;

use super::code::Code;
use super::{Shader, Slot};

/// Elements of the runs that are sorted by counting.
const RUN: usize = 32;

/// The shaders that write the positions of the first `k` of each of `rows` of `n` elements, in order.
pub fn print(plan: &Plan, kernel: &Kernel, input: ValueId, descending: bool, [rows, n, k]: [usize; 3]) -> Vec<Shader> {
    let key = |code: &mut Code<'_>| sort_key(code, input, descending);
    let (mut shaders, from) = positions(plan, &key, [rows, n, k]);
    let mut code = Code::new(plan);
    code.read_slot(from, DType::I32);
    code.sizes([("n", n), ("k", k)]);
    code.push("fn head(i: u32) -> i32 { return buf0(i / u.k * u.n + i % u.k); }\n");
    code.tail(&kernel.map, true);
    shaders.push(code.elementwise(rows * k, true));
    shaders
}

/// The shaders that put the positions of the elements of each of `rows` in order of what `key` prints: a function `key(p)`,
/// the whole number of the element at `p`, which reads one buffer. The first `k` of each `n` are right. They end in the
/// temporary buffer that is returned.
pub fn positions(plan: &Plan, key: &dyn Fn(&mut Code<'_>), [rows, n, k]: [usize; 3]) -> (Vec<Shader>, Slot) {
    let mut shaders: Vec<Shader> = Vec::new();
    let mut run = 1;
    while run < n || shaders.is_empty() {
        let pass = shaders.len();
        let grown = if pass > 0 { 2 * run } else { RUN };
        let mut code = Code::new(plan);
        code.sizes([("n", n), ("k", k), ("run", run), ("grown", grown)]);
        // Buffers are numbered as they are first read.
        key(&mut code);
        if pass > 0 {
            code.read_slot(Slot::Temporary((pass + 1) % 2), DType::I32);
        }
        code.write(Slot::Temporary(pass % 2), DType::I32);
        let mut shader = code.each(rows * n, if pass > 0 { MERGING } else { COUNTING });
        // Two buffers take turns.
        shader.temporary = if pass < 2 { rows * n } else { 0 };
        shaders.push(shader);
        run = grown;
    }
    let from = Slot::Temporary((shaders.len() + 1) % 2);
    (shaders, from)
}

/// Prints `key(p)`: a whole number for the element at `p` whose order is that of sorting. NaN comes last, and zeros are
/// equal.
fn sort_key(code: &mut Code<'_>, input: ValueId, descending: bool) {
    let x = code.read(input);
    let turn = if descending { "~" } else { "" };
    let key = match code.plan.values[input].dtype {
        DType::F32 => {
            let nan = code.need("is_nan");
            format!(
                "if ({nan}({x}(p))) {{ return 0xffffffffu; }}\
  let b = bitcast<u32>({x}(p));\
  return {turn}select(b | 0x80000000u, ~b, b > 0x80000000u);"
            )
        }
        DType::Bool => format!("return {turn}u32({x}(p));"),
        _ => format!("return {turn}(bitcast<u32>({x}(p)) ^ 0x80000000u);"),
    };
    code.push(&format!("fn key(p: u32) -> u32 {{\n{key}\n}}\n"));
}

/// The place of element `i` is the number of those of its run that come before it.
const COUNTING: &str = "  let p = i % u.n;\
  let first = p / u.grown * u.grown;\
  let mine = key(i);\
  var to = first;\
  for (var q = first; q < min(u.n, first + u.grown); q++) {\
    let other = key(i - p + q);\
    if (other < mine || (other == mine && q < p)) { to++; }\
  }\
  out0[i - p + to] = i32(p);\
";

/// The place of the element that `buf1(i)` names is its place in its run, and the number of those of the other run that come
/// before it: of equals, all on the left.
/// Of each run only the first k can be among the first k of both.
const MERGING: &str = "  let p = i % u.n;\
  let row = i - p;\
  let first = p / u.grown * u.grown;\
  let middle = min(first + u.run, u.n);\
  let left = p < middle;\
  if (p - select(middle, first, left) >= u.k) { return; }\
  let place = buf1(i);\
  let mine = key(row + u32(place));\
  var low = select(first, middle, left);\
  var high = min(low + u.k, select(middle, min(first + u.grown, u.n), left));\
  while (low < high) {\
    let half = (low + high) / 2u;\
    let other = key(row + u32(buf1(row + half)));\
    if (other < mine || (other == mine && !left)) { low = half + 1u; } else { high = half; }\
  }\
  out0[row + p + low - middle] = place;\
";
