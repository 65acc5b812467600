//! Placing by many indices, at a cost that does not grow with their number times that of the places. Nothing depends on
//! which invocation is first: the same updates are combined in the same order in every run.

use headwater_core::op::{IndexOp, ReduceOp};
use headwater_core::plan::{Kernel, Plan, ValueId};
use headwater_core::DType;

use super::code::{reads, stored_name, type_name, Code, MAX_BUFFERS};
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
    let to = code.write(Slot::Temporary(0), dtype);
    let part = format!("{}(placed(i % u.size, first, min(u.k, first + u.block)))", stored_name(dtype, false));
    let mut first = code.each(size * blocks, &format!("  let first = i / u.size * u.block;\n  {to}[i] = {part};\n"));
    first.temporary = size * blocks;
    vec![first, reduce::join(plan, kernel, op, dtype, [blocks, size])]
}

/// Many places: the updates are put in order of their places, so that each finds its own. A place of many, as an index that
/// repeats one number makes it, adds up what whole blocks of them come to; one with fewer than a block adds its updates in
/// order of position.
fn sorted(
    plan: &Plan,
    kernel: &Kernel,
    op: ReduceOp,
    lists: usize,
    [from, to]: [[usize; 3]; 2],
    [input, index]: [ValueId; 2],
) -> Vec<Shader> {
    let ([outer, k, inner], n) = (from, to[1]);
    let along = lists > 1;
    let block = k.isqrt().max(MIN_BLOCK);
    let blocks = k / block;
    let dtype = plan.values[input].dtype;
    let kind = type_name(dtype);
    let key = |code: &mut Code<'_>| {
        let index = code.read(index);
        // A negative number is a huge one.
        code.push(&format!("fn key(p: u32) -> u32 {{ return u32({index}(p)); }}\n"));
    };
    let (mut shaders, order) = sort::positions(plan, &key, [lists, k, k], None);
    let made = shaders.len().min(2);
    let [starts, totals, results] = [0, 1, 2].map(|t| Slot::Temporary(made + t));
    // Which of the sorted updates are the first of each place.
    let mut code = Code::new(plan);
    code.sizes([("n", n), ("k", k)]);
    key(&mut code);
    let from = code.read_slot(order, DType::I32);
    let to = code.write(starts, DType::I32);
    let mut shader = code.each(
        lists * (n + 1),
        &format!(
            "  let list = i / (u.n + 1u) * u.k;
  let at = i % (u.n + 1u);
  var low = 0u;
  var high = u.k;
  while (low < high) {{
    let half = (low + high) / 2u;
    if (key(list + u32({from}(list + half))) < at) {{ low = half + 1u; }} else {{ high = half; }}
  }}
  {to}[i] = i32(low);
"
        ),
    );
    shader.temporary = lists * (n + 1);
    shaders.push(shader);
    // How the other shaders combine one update after the other.
    let updates = |code: &mut Code<'_>| {
        code.sizes([("n", n), ("k", k), ("inner", inner), ("block", block), ("blocks", blocks)]);
        let (empty, step) = (empty_value(code, op, dtype), accumulate(code, op, dtype, "acc"));
        let (from, x) = (code.read_slot(order, DType::I32), code.read(input));
        let element = format!("{x}((outer * u.k + u32({from}(list + j))) * u.inner + inner)");
        (from, format!("  var acc = {empty};\n"), format!("{{ let x = {element}; {step} }}"), step)
    };
    let list = if along { "outer * u.k" } else { "0u" };
    // What the blocks come to all of whose updates are for one place.
    let mut code = Code::new(plan);
    key(&mut code);
    let (from, empty, take, _) = updates(&mut code);
    let to = code.write(totals, dtype);
    let acc = format!("{}(acc)", stored_name(dtype, false));
    let mut shader = code.each(
        outer * blocks * inner,
        &format!(
            "  let inner = i % u.inner;
  let first = i / u.inner % u.blocks * u.block;
  let end = first + u.block;
  let outer = i / u.inner / u.blocks;
  let list = {list};
  if (key(list + u32({from}(list + first))) != key(list + u32({from}(list + end - 1u)))) {{ return; }}
{empty}  for (var j = first; j < end; j++) {take}
  {to}[i] = {acc};
"
        ),
    );
    shader.temporary = outer * blocks * inner;
    shaders.push(shader);
    // The places.
    let mut code = Code::new(plan);
    let (_, empty, take, step) = updates(&mut code);
    let (starts, totals) = (code.read_slot(starts, DType::I32), code.read_slot(totals, dtype));
    let total = format!("{totals}((outer * u.blocks + j / u.block) * u.inner + inner)");
    let start = if along { "outer * (u.n + 1u) + at" } else { "at" };
    code.push(&format!(
        "fn head(i: u32) -> {kind} {{
  let inner = i % u.inner;
  let at = i / u.inner % u.n;
  let outer = i / u.inner / u.n;
  let list = {list};
  var j = u32({starts}({start}));
  let end = u32({starts}({start} + 1u));
  let first = min((j + u.block - 1u) / u.block * u.block, end);
  let last = max(end / u.block * u.block, first);
{empty}  for (; j < first; j++) {take}
  for (; j < last; j += u.block) {{ let x = {total}; {step} }}
  for (; j < end; j++) {take}
  return acc;
}}
"
    ));
    let size = outer * n * inner;
    // Three temporary buffers are read instead of the index.
    let buffers = kernel.reads.len() + 2 + usize::from(reads(&kernel.map, index)) + kernel.map.outputs.len();
    if buffers <= MAX_BUFFERS {
        code.tail(&kernel.map, true);
        shaders.push(code.elementwise(size, true));
        return shaders;
    }
    code.partial_tail(results, dtype);
    let mut shader = code.elementwise(size, true);
    shader.temporary = size;
    shaders.push(shader);
    let mut code = Code::new(plan);
    let from = code.read_slot(results, dtype);
    let element = format!("{from}(i)");
    code.push(&format!("fn head(i: u32) -> {kind} {{ return {element}; }}\n"));
    code.tail(&kernel.map, true);
    shaders.push(code.elementwise(size, true));
    shaders
}
