/** Norms, einsum and `tf.linalg`. */

import { tensor, toTensor } from '../convert.js';
import { eye, range, scalar } from '../create.js';
import { axesOf, sizeOf } from '../shape.js';
import { run1, scopedAll, type Tensor } from '../tensor.js';
import { coded, type TensorInput } from '../types.js';
import { matMul } from './contract.js';
import { clone, concat, reshape, slice, split, squeeze, stack, unstack } from './movement.js';
import { abs, cast, div, equal, greater, greaterEqual, lessEqual, logicalAnd, mul, neg, pow, sqrt, square, sub, where } from './pointwise.js';
import { max, min, sum } from './reduce.js';

type Axis = number | number[] | null;

/** The norm over axes: `euclidean`, a number for vectors, `fro` and 1 and infinity for matrices. */
export function norm(x: TensorInput, ord: number | 'euclidean' | 'fro' = 'euclidean', axis: Axis = null, keepDims = false): Tensor {
  const t = toTensor(x, 'x', 'norm');
  const p = ord === 'euclidean' && t.dtype === 'complex64' ? abs(t) : t;
  const y = normOf(p, ord, axis);
  const axes = axesOf(axis, t.rank);
  return keepDims ? reshape(y, t.shape.map((d, i) => (axes.includes(i) ? 1 : d))) : y;
}

function normOf(x: Tensor, ord: number | string, axis: Axis): Tensor {
  if (x.rank === 0) return abs(x);
  if (x.rank !== 1 && axis === null) return normOf(reshape(x, [-1]), ord, axis);
  const list = axis === null ? [0] : [axis].flat();
  const size = abs(cast(x, 'float32'));
  if (x.rank === 1 || typeof axis === 'number' || list.length === 1) {
    if (ord === 1) return sum(size, list);
    if (ord === Infinity) return max(size, list);
    if (ord === -Infinity) return min(size, list);
    if (ord === 'euclidean' || ord === 2) return sqrt(sum(pow(size, 2), list));
  } else if (list.length === 2) {
    const [a = 0, b = 0] = list;
    if (ord === 1) return max(sum(size, a), b - (b > a ? 1 : 0));
    if (ord === Infinity) return max(sum(size, b), a - (a > b ? 1 : 0));
    if (ord === -Infinity) return min(sum(size, b), a - (a > b ? 1 : 0));
    if (ord === 'fro' || ord === 'euclidean') return sqrt(sum(square(size), list));
  } else throw coded('argument', `Error in norm: invalid axis: ${axis}`);
  throw coded('argument', `Error in norm: invalid ord value: ${ord}`);
}

export function euclideanNorm(x: TensorInput, axis: Axis = null, keepDims = false): Tensor {
  return norm(x, 'euclidean', axis, keepDims);
}

/** A sum of products over named dimensions: `ij,jk->ik`. A letter twice in an operand stands for its diagonal, `...` for dimensions that broadcast; any number of operands. */
export function einsum(equation: string, ...tensors: Tensor[]): Tensor {
  const operands = tensors.map((t, i) => toTensor(t, `tensors${i}`, 'einsum'));
  const text = equation.replace(/\s/g, '');
  const [left = '', output, ...more] = text.split('->');
  if (output === undefined) throw coded('argument', 'Equations without an arrow are not supported.');
  if (more.length > 0) throw coded('argument', 'Equation must contain exactly one arrow ("->").');
  const terms = left.split(',').length;
  if (terms !== operands.length) throw coded('argument', `Expected ${terms} input tensors, received ${operands.length}`);
  for (const name of output.replace('...', '')) if (!left.includes(name)) throw coded('argument', `Output subscripts contain the label ${name} not present in the input subscripts.`);
  return run1('einsum', operands, [...text].map((c) => c.codePointAt(0) as number));
}

/** The matrices of the last two dimensions within `numLower` diagonals below and `numUpper` above the main one. */
function bandPart(a: TensorInput, numLower: number | Tensor, numUpper: number | Tensor): Tensor {
  const t = toTensor(a, 'a', 'bandPart');
  if (t.rank < 2) throw coded('shape', `bandPart(): Rank must be at least 2, got ${t.rank}.`);
  const [m = 0, n = 0] = t.shape.slice(-2);
  const limit = (count: number | Tensor, size: number, name: string): Tensor => {
    if (typeof count !== 'number') return where(lessEqual(count, -1), size, count);
    if (!Number.isInteger(count)) throw coded('argument', `bandPart(): ${name} must be an integer, got ${count}.`);
    if (count > size) throw coded('argument', `bandPart(): ${name} (${count}) must not be greater than the number of ${name === 'numLower' ? 'rows' : 'columns'} (${size}).`);
    return scalar(count < 0 ? size : count, 'int32');
  };
  const [low, high] = [limit(numLower, m, 'numLower'), limit(numUpper, n, 'numUpper')];
  const offset = sub(reshape(range(0, m, 1, 'int32'), [-1, 1]), range(0, n, 1, 'int32'));
  const inside = logicalAnd(lessEqual(offset, low), greaterEqual(offset, neg(high)));
  return where(inside, t, cast(mul(t, 0), t.dtype));
}

/** Orthonormal vectors of the space that rows span. */
function gramSchmidt(xs: Tensor | Tensor[]): Tensor | Tensor[] {
  const list = Array.isArray(xs);
  if (list) {
    if (xs.length === 0) throw coded('argument', 'Gram-Schmidt process: input must not be null, undefined, or empty');
    const width = (xs[0] as Tensor).shape[0];
    xs.forEach((x) => {
      if (x.shape[0] !== width) throw coded('shape', `Gram-Schmidt: Non-unique lengths found in the input vectors: (${x.shape[0]} vs. ${width})`);
    });
  }
  const rows = list ? xs : split(xs, xs.shape[0] as number, 0).map((x) => squeeze(x, [0]));
  const width = (rows[0] as Tensor).shape[0] as number;
  if (rows.length > width) throw coded('shape', `Gram-Schmidt: Number of vectors (${rows.length}) exceeds number of dimensions (${width}).`);
  const found: Tensor[] = [];
  for (const row of rows) {
    let x = row;
    for (const y of found) x = sub(x, mul(sum(mul(y, x)), y));
    found.push(div(x, norm(x, 'euclidean')));
  }
  return list ? found : stack(found, 0);
}

/** Orthonormal `q` and upper triangular `r` with `q r = x`, by Householder reflections, of the matrices in the last two dimensions. */
function qr(x: Tensor, fullMatrices = false): [Tensor, Tensor] {
  const t = toTensor(x, 'x', 'qr');
  if (t.rank < 2) throw coded('shape', `qr() requires input tensor to have a rank >= 2, but got rank ${t.rank}`);
  if (t.rank === 2) return qr2d(t, fullMatrices);
  const [m = 0, n = 0] = t.shape.slice(-2);
  const outer = t.shape.slice(0, -2);
  const pairs = unstack(reshape(t, [sizeOf(outer), m, n])).map((matrix) => qr2d(matrix, fullMatrices));
  const joined = (which: 0 | 1): Tensor => {
    const all = stack(pairs.map((pair) => pair[which]), 0);
    return reshape(all, [...outer, ...all.shape.slice(1)]);
  };
  return [joined(0), joined(1)];
}

function qr2d(x: Tensor, full: boolean): [Tensor, Tensor] {
  const [m = 0, n = 0] = x.shape;
  let [q, r] = [eye(m), clone(x)];
  const below = (t: Tensor, j: number): Tensor => slice(t, [j, 0], [m - j, n]);
  for (let j = 0; j < Math.min(m, n); j++) {
    const column = slice(r, [j, j], [m - j, 1]);
    const size = norm(column);
    const head = slice(column, [0, 0], [1, 1]);
    const sign = where(greater(head, 0), scalar(-1), scalar(1));
    const u = sub(head, mul(sign, size));
    // A column of zeros is left as it is.
    const none = equal(size, 0);
    const scaled = div(slice(column, [1, 0], [m - j - 1, 1]), where(none, scalar(1), u));
    const w = concat([tensor([[1]]), scaled], 0);
    const tau = where(none, scalar(0), neg(div(mul(sign, u), where(none, scalar(1), size))));
    const tw = mul(tau, w);
    const lower = below(r, j);
    const next = sub(lower, matMul(tw, matMul(w, lower, true)));
    r = j === 0 ? next : concat([slice(r, [0, 0], [j, n]), next], 0);
    const right = slice(q, [0, j], [m, m - j]);
    const turned = sub(right, matMul(matMul(right, w), tw, false, true));
    q = j === 0 ? turned : concat([slice(q, [0, 0], [m, j]), turned], 1);
  }
  if (!full && m > n) return [slice(q, [0, 0], [m, n]), slice(r, [0, 0], [n, n])];
  return [q, r];
}

/** `tf.linalg`. */
export const linalg = /* @__PURE__ */ scopedAll({ bandPart, gramSchmidt, qr });

