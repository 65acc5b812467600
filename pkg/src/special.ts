/**
 * Operations on complex numbers and on strings. A complex tensor is a tensor of floats in the engine with a last dimension
 * of 2, real and imaginary part; a string tensor one of numbers that stand for texts. Both move like any tensor, complex
 * arithmetic is written in real operations: it is fused and differentiated like any other.
 */

import { tensor } from './convert.js';
import { isRecording } from './gradients.js';
import { abs, add, div, maximum, mul, neg, sqrt, square, sub } from './ops/pointwise.js';
import { reshape, slice, stack } from './ops/movement.js';
import { run1, runNumbers, type Tensor } from './tensor.js';
import { coded, type DataType, type Shape } from './types.js';

/** Operations that move elements. */
const MOVES = new Set(['reshape', 'transpose', 'broadcastTo', 'slice', 'stridedSlice', 'reverse', 'concat', 'tile', 'gather', 'where', 'stopGradient', 'roll', 'gatherND', 'sparseToDense']);

/** Operations of one tensor that treat real and imaginary parts alike. */
const LINEAR = new Set(['sum', 'mean', 'diag', 'mirrorPad', 'batchToSpaceND', 'spaceToBatchND']);

/** A complex tensor of two float tensors of one shape. */
export function complexOf(real: Tensor, imag: Tensor): Tensor {
  const [a, b] = [real.data_.host, imag.data_.host];
  if (a !== undefined && b !== undefined && !isRecording()) {
    const both = Float32Array.from({ length: 2 * a.length }, (_, i) => (i % 2 === 0 ? a : b)[i >> 1] as number);
    return viewAs(tensor(both, [...real.shape, 2]), 'complex64');
  }
  return viewAs(stack([real, imag], real.rank), 'complex64');
}

/** Complex numbers whose real parts are zeros or ones. */
export const filled = (real: 'zeros' | 'ones', shape: Shape): Tensor => complexOf(run1(real, [], [0, ...shape]), run1('zeros', [], [0, ...shape]));

/** The same elements in the engine, seen as another dtype. */
function viewAs(x: Tensor, dtype: DataType): Tensor {
  const physical = x.dtype === 'complex64' ? [...x.shape, 2] : x.shape;
  return runNumbers('reshape', [x], physical, x, dtype)[0] as Tensor;
}

/** A part of a complex tensor. */
export function partOf(x: Tensor, part: 0 | 1): Tensor {
  const floats = viewAs(x, 'float32');
  return reshape(slice(floats, [...x.shape.map(() => 0), part], [...x.shape.map(() => -1), 1]), x.shape);
}

/** The complex conjugate. */
export function conj(x: Tensor): Tensor {
  const [real, imag] = parts(x);
  return complexOf(real, neg(imag));
}

const parts = (x: Tensor): [Tensor, Tensor] => (x.dtype === 'complex64' ? [partOf(x, 0), partOf(x, 1)] : [run1('cast', [x], [0]), run1('zeros', [], [0, ...x.shape])]);

type Pair = [Tensor, Tensor];
type Arithmetic = (a: Pair, b: Pair, attrs: readonly number[]) => Pair | Tensor;

const ARITHMETIC: Record<string, Arithmetic> = {
  add: ([a, b], [c, d]) => [add(a, c), add(b, d)],
  sub: ([a, b], [c, d]) => [sub(a, c), sub(b, d)],
  mul: ([a, b], [c, d]) => [sub(mul(a, c), mul(b, d)), add(mul(a, d), mul(b, c))],
  div: ([a, b], [c, d]) => {
    const size = add(square(c), square(d));
    return [div(add(mul(a, c), mul(b, d)), size), div(sub(mul(b, c), mul(a, d)), size)];
  },
  matMul: ([a, b], [c, d], attrs) => {
    const product = (x: Tensor, y: Tensor): Tensor => run1('matMul', [x, y], attrs);
    return [sub(product(a, c), product(b, d)), add(product(a, d), product(b, c))];
  },
  equal: ([a, b], [c, d]) => run1('logicalAnd', [run1('equal', [a, c]), run1('equal', [b, d])]),
  notEqual: ([a, b], [c, d]) => run1('logicalOr', [run1('notEqual', [a, c]), run1('notEqual', [b, d])]),
  neg: ([a, b]) => [neg(a), neg(b)],
  square: ([a, b]) => [sub(square(a), square(b)), mul(mul(a, b), 2)],
  reciprocal: ([a, b]) => {
    const size = add(square(a), square(b));
    return [div(a, size), neg(div(b, size))];
  },
  abs: ([a, b]) => {
    // Scaled by the larger part, so that squares neither vanish nor overflow.
    const size = maximum(abs(a), abs(b));
    const scale = run1('where', [run1('equal', [size, run1('zeros', [], [0])]), run1('ones', [], [0]), size]);
    return mul(size, sqrt(add(square(div(a, scale)), square(div(b, scale)))));
  },
  exp: ([a, b]) => {
    const size = run1('exp', [a]);
    return [mul(size, run1('cos', [b])), mul(size, run1('sin', [b]))];
  },
};

/** Attributes of a move, for one dimension more at the end. */
function moved(op: string, x: Tensor, attrs: readonly number[]): number[] {
  const axis = (a: number): number => (a < 0 ? a + x.rank : a);
  const at = x.rank;
  switch (op) {
    case 'reshape':
    case 'broadcastTo':
      return [...attrs, 2];
    case 'transpose':
      return [...attrs, at];
    case 'tile':
      return [...attrs, 1];
    case 'slice':
      return [...attrs.slice(0, at), 0, ...attrs.slice(at), 2];
    case 'stridedSlice':
      return [...attrs.slice(0, at), 0, ...attrs.slice(at, 2 * at), 2, ...attrs.slice(2 * at), 1];
    case 'reverse':
      return attrs.length === 0 ? x.shape.map((_, i) => i) : attrs.map(axis);
    case 'concat':
      return attrs.map(axis);
    case 'roll':
      return [...attrs];
    default:
      return [axis(attrs[0] ?? 0), ...attrs.slice(1)];
  }
}

function onComplex(op: string, inputs: readonly Tensor[], attrs: readonly number[], shares?: Tensor): Tensor[] {
  const [x] = inputs as [Tensor];
  if (op === 'where') {
    const [condition, a, b] = inputs as [Tensor, Tensor, Tensor];
    const wide = runNumbers('reshape', [condition], [...condition.shape, 1])[0] as Tensor;
    return runNumbers('where', [wide, toComplex(a), toComplex(b)], attrs, undefined, 'complex64');
  }
  if (MOVES.has(op)) {
    const list = op.startsWith('gather') ? inputs : inputs.map(toComplex);
    return runNumbers(op, list, moved(op, list[0] as Tensor, attrs), shares, 'complex64');
  }
  if (op === 'cast') {
    return [run1('cast', [partOf(x, 0)], attrs)];
  }
  if (LINEAR.has(op)) {
    const each = parts(x).map((part) => run1(op, [part], attrs)) as Pair;
    return [complexOf(...each)];
  }
  if (op === 'einsum') {
    // Linear in each operand.
    const at = inputs.findIndex((t) => t.dtype === 'complex64');
    const [real, imag] = parts(inputs[at] as Tensor).map((part) => run1(op, inputs.map((t, i) => (i === at ? part : t)), attrs)) as Pair;
    return [add(real, mul(imag, complexOf(run1('zeros', [], [0]), run1('ones', [], [0]))))];
  }
  if (op === 'pad') {
    const [real, imag] = parts(x);
    return [complexOf(run1('pad', [real], attrs), run1('pad', [imag], [0, ...attrs.slice(1)]))];
  }
  const arithmetic = ARITHMETIC[op];
  if (arithmetic === undefined) throw coded('dtype', `Error in ${op}: expected a tensor of real numbers, received complex64`);
  const result = arithmetic(parts(x), parts(inputs[1] ?? x), attrs);
  return [Array.isArray(result) ? complexOf(...result) : result];
}

/** A real tensor as a complex one. */
export function toComplex(x: Tensor): Tensor {
  return x.dtype === 'complex64' ? x : complexOf(...parts(x));
}

const ORDER = new Set(['less', 'lessEqual', 'greater', 'greaterEqual']);

/** Texts as their places in the alphabet. */
function ranked(inputs: readonly Tensor[]): Tensor[] {
  const texts = inputs.map((t) => t.dataSync<'string'>());
  const sorted = [...new Set(texts.flat())].sort((a, b) => (a < b ? -1 : 1));
  const places = new Map(sorted.map((text, i) => [text, i]));
  return texts.map((list, i) => tensor(Int32Array.from(list, (text) => places.get(text) as number), (inputs[i] as Tensor).shape, 'int32'));
}

/** Runs an operation where an operand is complex or of strings. */
export function runSpecial(op: string, inputs: readonly Tensor[], attrs: readonly number[], shares?: Tensor): Tensor[] {
  const strings = inputs.filter((x) => x.dtype === 'string').length;
  if (strings === 0) return onComplex(op, inputs, attrs, shares);
  if (MOVES.has(op)) return runNumbers(op, inputs, attrs, shares, 'string');
  if ((op === 'equal' || op === 'notEqual') && strings === inputs.length) return runNumbers(op, inputs, attrs);
  if (ORDER.has(op) && strings === inputs.length) return runNumbers(op, ranked(inputs), attrs);
  throw coded('dtype', `Argument 'x' passed to '${op}' must be numeric tensor, but got string tensor`);
}

