//! Placing by many indices, at a cost that does not grow with their number times that of the places. Nothing depends on
//! which invocation is first: the same updates are combined in the same order in every run.

use headwater_core::op::{IndexOp, ReduceOp};
use headwater_core::plan::{Kernel, Plan, ValueId};
use headwater_core::DType;

use super::code::{stored_name, type_name, Code, MAX_BUFFERS};
use super::heads::{accumulate, empty_value, placed};
use super::{reduce, sort, Shader, Slot};

/// Updates that every place may as well look at.
const FEW: usize = 16;
/// Steps of one invocation, and of all together, up to which the same holds.
const SHORT: [usize; 2] = [1 << 10, 1 << 18];
/// The fewest updates of a block.
const MIN_BLOCK: usize = 32;

/// The shaders that place updates `[outer, k, inner]` by an index of `k` numbers, or one of as many for each `outer`; `None`
/// for what only picks, and where the plain form does as well.
pub fn print(
    plan: &Plan,
    kernel: &Kernel,
    op: IndexOp,
    sizes: [[usize; 3]; 2],
    operands: [ValueId; 2],
) -> Option<Vec<Shader>> {
    let (op, along) = match op {
        IndexOp::Scatter(op) => (op, false),
        IndexOp::PutAlongAdd => (ReduceOp::Sum, true),
        IndexOp::Gather | IndexOp::TakeAlong => return None,
    };
    let [[outer, k, _], to] = sizes;
    let size: usize = to.iter().product();
    if k <= FEW || (k <= SHORT[0] && k * size <= SHORT[1]) {
        return None;
    }
    let lists = if along { outer } else { 1 };
    // About what sorting takes for an index.
    let steps = 2 * k.ilog2().pow(2) as usize;
    let print = if size <= lists * steps { looked_up } else { sorted };
    Some(print(plan, kernel, op, lists, sizes, operands))
}

/// Few places: each looks at all updates, a block of them at a time.
fn looked_up(
    plan: &Plan,
    kernel: &Kernel,
    op: ReduceOp,
    lists: usize,
    sizes: [[usize; 3]; 2],
    operands: [ValueId; 2],
) -> Vec<Shader> {
    let [[_, k, _], to] = sizes;
    let size: usize = to.iter().product();
    let block = k.isqrt();
    let blocks = k.div_ceil(block);
    let dtype = plan.values[operands[0]].dtype;
    let mut code = Code::new(plan);
    placed(&mut code, op, lists > 1, sizes, operands);
    code.sizes([("block", block), ("size", size)]);
    let partial = Slot::Temporary(0);
    let to = code.write(partial, dtype);
    let part = format!("{}(placed(i % u.size, first, min(u.k, first + u.block)))", stored_name(dtype, false));
    let mut first = code.each(size * blocks, &format!("  let first = i / u.size * u.block;\n  {to}[i] = {part};\n"));
    first.temporary = size * blocks;
    vec![first, reduce::join(plan, kernel, op, (partial, dtype), [blocks, size])]
}

/// Many places: the updates are put in order of their places, and each place searches for its own. A place of many, as an
/// index that repeats one number makes it, takes in what whole blocks of them come to; one with fewer than a block takes in
/// its updates in order of position.
fn sorted(
    plan: &Plan,
    kernel: &Kernel,
    op: ReduceOp,
    lists: usize,
    [from, to]: [[usize; 3]; 2],
    [input, index]: [ValueId; 2],
) -> Vec<Shader> {
    let ([outer, k, inner], n) = (from, to[1]);
    let block = k.isqrt().max(MIN_BLOCK);
    let blocks = k / block;
    let dtype = plan.values[input].dtype;
    // Buffers are numbered as they are first read.
    let key = |code: &mut Code<'_>| {
        code.read(index);
        // A negative number is a huge one.
        code.push("fn key(p: u32) -> u32 { return u32(buf0(p)); }\n");
    };
    let (mut shaders, order) = sort::positions(plan, &key, [lists, k, k], None);
    let made = shaders.len().min(2);
    let (totals, results) = (Slot::Temporary(made), Slot::Temporary(made + 1));
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
        let (empty, step) = (empty_value(&mut code, op, dtype), accumulate(&mut code, op, dtype, "acc"));
        let (memory, register) = (stored_name(dtype, false), type_name(dtype));
        code.push(&format!(
            "alias Register = {register};
alias Element = {memory};
fn none() -> Register {{ return {empty}; }}
fn take(a: Register, x: Register) -> Register {{ var acc = a; {step} return acc; }}
fn position(outer: u32, j: u32) -> u32 {{ return u32(buf1(outer * u.list + j)); }}
fn place(outer: u32, j: u32) -> u32 {{ return key(outer * u.list + position(outer, j)); }}
fn update(outer: u32, j: u32, inner: u32) -> Register {{ return {x}((outer * u.k + position(outer, j)) * u.inner + inner); }}
"
        ));
        code
    };
    // What the blocks come to all of whose updates are for one place.
    let mut first = shader(false).each(
        outer * blocks * inner,
        "  let inner = i % u.inner;
  let outer = i / u.inner / u.blocks;
  let j = i / u.inner % u.blocks * u.block;
  if (place(outer, j) != place(outer, j + u.block - 1u)) { return; }
  var acc = none();
  for (var t = 0u; t < u.block; t++) { acc = take(acc, update(outer, j + t, inner)); }
  out0[i] = Element(acc);
",
    );
    first.temporary = outer * blocks * inner;
    shaders.push(first);
    let mut code = shader(true);
    code.push(
        "fn head(i: u32) -> Register {
  let inner = i % u.inner;
  let at = i / u.inner % u.n;
  let outer = i / u.inner / u.n;
  var j = 0u;
  var end = u.k;
  while (j < end) {
    let half = (j + end) / 2u;
    if (place(outer, half) < at) { j = half + 1u; } else { end = half; }
  }
  var acc = none();
  while (j < u.k && place(outer, j) == at) {
    if (j % u.block == 0u && j + u.block <= u.k && place(outer, j + u.block - 1u) == at) {
      acc = take(acc, buf2((outer * u.blocks + j / u.block) * u.inner + inner));
      j += u.block;
    } else {
      acc = take(acc, update(outer, j, inner));
      j++;
    }
  }
  return acc;
}
",
    );
    let size = outer * n * inner;
    // Two temporary buffers are read, too.
    let direct = kernel.reads.len() + kernel.map.outputs.len() + 2 <= MAX_BUFFERS;
    if direct {
        code.tail(&kernel.map, true);
    } else {
        code.partial_tail(results, dtype);
    }
    let mut last = code.elementwise(size, true);
    last.temporary = if direct { 0 } else { size };
    shaders.push(last);
    if !direct {
        shaders.push(reduce::join(plan, kernel, op, (results, dtype), [1, size]));
    }
    shaders
}
