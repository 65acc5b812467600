//! Placing by many indices, at a cost that does not grow with their number times the elements of the places. The same updates
//! are combined in the same order in every run.

use headwater_core::op::{IndexOp, ReduceOp};
use headwater_core::plan::{Kernel, Plan, ValueId};
#[cfg(feature = "sort")]
use headwater_core::selection::has;
use headwater_core::DType;

#[cfg(feature = "sort")]
use super::code::root;
use super::code::{stored_name, type_name, Code, MAX_BUFFERS};
use super::heads::{accumulate, empty_value};
#[cfg(feature = "sort")]
use super::sort;
use super::{reduce, Shader, Slot};
use crate::engine::GpuOptions;

/// Updates beyond which they are sorted, where the build can.
#[cfg(feature = "sort")]
const LINKED: usize = 1 << 12;
/// The fewest updates of a block.
#[cfg(feature = "sort")]
const MIN_BLOCK: usize = 32;

/// The shaders that place updates `[outer, k, inner]` by an index of `k` numbers, or one of as many for each `outer`; `None`
/// for what only picks.
pub fn print(
    plan: &Plan,
    kernel: &Kernel,
    options: &GpuOptions,
    op: IndexOp,
    sizes: [[usize; 3]; 2],
    operands: [ValueId; 2],
) -> Option<Vec<Shader>> {
    let (op, along) = match op {
        IndexOp::Scatter(op) => (op, false),
        IndexOp::PutAlongAdd => (ReduceOp::Sum, true),
        IndexOp::Gather | IndexOp::TakeAlong => return None,
    };
    let lists = if along { sizes[0][0] } else { 1 };
    #[cfg(feature = "sort")]
    if options.tiles && sizes[0][1] > LINKED && const { has("kernel:sort") } {
        return Some(sorted(plan, kernel, op, lists, sizes, operands));
    }
    #[cfg(not(feature = "sort"))]
    let _ = options;
    Some(linked(plan, kernel, op, lists, sizes, operands))
}

/// What shaders combine updates with: `none()` and `take(acc, x)`.
fn combining(code: &mut Code<'_>, op: ReduceOp, dtype: DType) {
    let (empty, step) = (empty_value(code, op, dtype), accumulate(code, op, dtype, "acc"));
    let (memory, register) = (stored_name(dtype, false), type_name(dtype));
    code.push(&format!(
        "alias Register = {register};\
alias Element = {memory};\
fn none() -> Register {{ return {empty}; }}\
fn take(a: Register, x: Register) -> Register {{ var acc = a; {step} return acc; }}\
"
    ));
}

/// Appends the shader of a head, and one that continues with the tail where that reads too many buffers beside the `more`
/// that the head reads and the kernel does not.
fn finish(
    mut code: Code<'_>,
    kernel: &Kernel,
    op: ReduceOp,
    dtype: DType,
    size: usize,
    more: usize,
    all: &mut Vec<Shader>,
) {
    if kernel.reads.len() + kernel.map.outputs.len() + more <= MAX_BUFFERS {
        code.tail(&kernel.map, true);
        return all.push(code.elementwise(size, true));
    }
    let results = Slot::Temporary(all.iter().filter(|s| s.temporary > 0).count());
    let plan = code.plan;
    code.partial_tail(results, dtype);
    let mut last = code.elementwise(size, true);
    last.temporary = size;
    all.push(last);
    all.push(reduce::join(plan, &kernel.map, op, (results, dtype), [1, size]));
}

/// The plain form: each place finds its first update, and each update the next for its place, by a search of the index; each
/// element of a place then follows these links.
fn linked(
    plan: &Plan,
    kernel: &Kernel,
    op: ReduceOp,
    lists: usize,
    [[outer, k, inner], [_, n, _]]: [[usize; 3]; 2],
    [input, index]: [ValueId; 2],
) -> Vec<Shader> {
    let links = Slot::Temporary(0);
    let mut code = Code::new(plan);
    code.sizes([("n", n), ("k", k)]);
    // Buffers are numbered as they are first read.
    code.read(index);
    code.write(links, DType::I32);
    let mut first = code.each(
        lists * (n + k),
        "  let list = i / (u.n + u.k) * u.k;\
  var at = i % (u.n + u.k);\
  var j = 0u;\
  if (at >= u.n) {\
    j = at - u.n;\
    at = u32(buf0(list + j));\
    j++;\
  }\
  while (j < u.k && u32(buf0(list + j)) != at) { j++; }\
  out0[i] = i32(j);\
",
    );
    first.temporary = lists * (n + k);
    let mut shaders = vec![first];
    let mut code = Code::new(plan);
    let list = if lists > 1 { n + k } else { 0 };
    code.sizes([("n", n), ("k", k), ("inner", inner), ("list", list)]);
    code.read_slot(links, DType::I32);
    code.read(input);
    let dtype = plan.values[input].dtype;
    combining(&mut code, op, dtype);
    code.push(
        "fn head(i: u32) -> Register {\
  let inner = i % u.inner;\
  let outer = i / u.inner / u.n;\
  let list = outer * u.list;\
  var acc = none();\
  var j = u32(buf0(list + i / u.inner % u.n));\
  while (j < u.k) {\
    acc = take(acc, buf1((outer * u.k + j) * u.inner + inner));\
    j = u32(buf0(list + u.n + j));\
  }\
  return acc;\
}\
",
    );
    // The links are read, too.
    finish(code, kernel, op, dtype, outer * n * inner, 1, &mut shaders);
    shaders
}

/// Many updates: they are put in order of their places, and each place searches for its own. A place of many, as an
/// index that repeats one number makes it, takes in what whole blocks of them come to; one with fewer than a block takes in
/// its updates in order of position.
#[cfg(feature = "sort")]
fn sorted(
    plan: &Plan,
    kernel: &Kernel,
    op: ReduceOp,
    lists: usize,
    [from, to]: [[usize; 3]; 2],
    [input, index]: [ValueId; 2],
) -> Vec<Shader> {
    let ([outer, k, inner], n) = (from, to[1]);
    let block = root(k).max(MIN_BLOCK);
    let blocks = k / block;
    let dtype = plan.values[input].dtype;
    // Buffers are numbered as they are first read.
    let key = |code: &mut Code<'_>| {
        code.read(index);
        // A negative number is a huge one.
        code.push("fn key(p: u32) -> u32 { return u32(buf0(p)); }\n");
    };
    let (mut shaders, order) = sort::positions(plan, &key, [lists, k, k]);
    let totals = Slot::Temporary(shaders.len().min(2));
    let shader = |joins: bool| {
        let mut code = Code::new(plan);
        let list = if lists > 1 { k } else { 0 };
        code.sizes([("n", n), ("k", k), ("inner", inner), ("block", block), ("blocks", blocks), ("list", list)]);
        key(&mut code);
        code.read_slot(order, DType::I32);
        if joins {
            code.read_slot(totals, dtype);
        } else {
            code.write(totals, dtype);
        }
        let x = code.read(input);
        combining(&mut code, op, dtype);
        code.push(&format!(
            "fn position(outer: u32, j: u32) -> u32 {{ return u32(buf1(outer * u.list + j)); }}\
fn place(outer: u32, j: u32) -> u32 {{ return key(outer * u.list + position(outer, j)); }}\
fn update(outer: u32, j: u32, inner: u32) -> Register {{ return {x}((outer * u.k + position(outer, j)) * u.inner + inner); }}\
"
        ));
        code
    };
    // What the blocks come to all of whose updates are for one place.
    let mut first = shader(false).each(
        outer * blocks * inner,
        "  let inner = i % u.inner;\
  let outer = i / u.inner / u.blocks;\
  let j = i / u.inner % u.blocks * u.block;\
  if (place(outer, j) != place(outer, j + u.block - 1u)) { return; }\
  var acc = none();\
  for (var t = 0u; t < u.block; t++) { acc = take(acc, update(outer, j + t, inner)); }\
  out0[i] = Element(acc);\
",
    );
    first.temporary = outer * blocks * inner;
    shaders.push(first);
    let mut code = shader(true);
    code.push(
        "fn head(i: u32) -> Register {\
  let inner = i % u.inner;\
  let at = i / u.inner % u.n;\
  let outer = i / u.inner / u.n;\
  var j = 0u;\
  var end = u.k;\
  while (j < end) {\
    let half = (j + end) / 2u;\
    if (place(outer, half) < at) { j = half + 1u; } else { end = half; }\
  }\
  var acc = none();\
  while (j < u.k && place(outer, j) == at) {\
    if (j % u.block == 0u && j + u.block <= u.k && place(outer, j + u.block - 1u) == at) {\
      acc = take(acc, buf2((outer * u.blocks + j / u.block) * u.inner + inner));\
      j += u.block;\
    } else {\
      acc = take(acc, update(outer, j, inner));\
      j++;\
    }\
  }\
  return acc;\
}\
",
    );
    // The order and the blocks are read, too.
    finish(code, kernel, op, dtype, outer * n * inner, 2, &mut shaders);
    shaders
}
