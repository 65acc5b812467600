/** Norms, einsum and `tf.linalg`. */

import { scalar, toTensor } from '../convert.js';
import { axesOf } from '../shape.js';
import { run, run1, scopedAll, type Tensor } from '../tensor.js';
import { coded, type TensorInput } from '../types.js';
import { reshape, split, squeeze, stack } from './movement.js';
import { abs, cast, div, mul, pow, sqrt, square, sub } from './pointwise.js';
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
    if (typeof count !== 'number') return cast(count, 'int32');
    if (!Number.isInteger(count)) throw coded('argument', `bandPart(): ${name} must be an integer, got ${count}.`);
    if (count > size) throw coded('argument', `bandPart(): ${name} (${count}) must not be greater than the number of ${name === 'numLower' ? 'rows' : 'columns'} (${size}).`);
    return scalar(count, 'int32');
  };
  return run1('bandPart', [t, limit(numLower, m, 'numLower'), limit(numUpper, n, 'numUpper')]);
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
function qr(x: TensorInput, fullMatrices = false): [Tensor, Tensor] {
  const t = toTensor(x, 'x', 'qr');
  if (t.rank < 2) throw coded('shape', `qr() requires input tensor to have a rank >= 2, but got rank ${t.rank}`);
  return run('qr', [t], [Number(fullMatrices)]) as [Tensor, Tensor];
}

// What follows takes matrices in the last two dimensions and batches in those before. An input without an answer (singular,
// not positive definite, not finite) gives infinities or NaN.

/** The lower triangular `l` with `l lᵀ = x`, of positive definite matrices' symmetric part. */
function cholesky(x: TensorInput): Tensor {
  return run1('cholesky', [toTensor(x, 'x', 'cholesky')]);
}

/** `x` with `matrix x = rhs` (`matrixᵀ x = rhs` where `adjoint`), of a lower or else upper triangular matrix: nothing beyond its
 *  triangle is read. Batches broadcast. */
function triangularSolve(matrix: TensorInput, rhs: TensorInput, { lower = true, adjoint = false } = {}): Tensor {
  const inputs = [toTensor(matrix, 'matrix', 'triangularSolve'), toTensor(rhs, 'rhs', 'triangularSolve')];
  return run1('triangularSolve', inputs, [Number(lower), Number(adjoint)]);
}

/** `x` with `a x = b`; `b` is of matrices, whose batches broadcast, or one vector. */
function solve(a: TensorInput, b: TensorInput): Tensor {
  return run1('solve', [toTensor(a, 'a', 'solve'), toTensor(b, 'b', 'solve')]);
}

/** The inverse. */
function inv(x: TensorInput): Tensor {
  return run1('inv', [toTensor(x, 'x', 'inv')]);
}

/** The determinant. */
function det(x: TensorInput): Tensor {
  return run1('det', [toTensor(x, 'x', 'det')]);
}

/** The determinant's sign and the logarithm of its magnitude. */
function slogdet(x: TensorInput): [sign: Tensor, logabsdet: Tensor] {
  return run('slogdet', [toTensor(x, 'x', 'slogdet')]) as [Tensor, Tensor];
}

/** The thin singular value decomposition: `u diag(s) vᵀ = x`, the singular values `s` descending. Of each column of `u` (of `v`,
 *  for a wide matrix) the first element of at least three quarters of the largest's magnitude is positive. */
function svd(x: TensorInput): [u: Tensor, s: Tensor, v: Tensor] {
  return run('svd', [toTensor(x, 'x', 'svd')]) as [Tensor, Tensor, Tensor];
}

/** The eigenvalues of symmetric matrices, ascending, and the eigenvectors as columns, signed as those of `svd`. */
function eigh(x: TensorInput): [values: Tensor, vectors: Tensor] {
  return run('eigh', [toTensor(x, 'x', 'eigh')]) as [Tensor, Tensor];
}

/** The pseudo-inverse; singular values up to `tolerance` times the largest (float32's rounding times the longer side) count as 0. */
function pinv(x: TensorInput, tolerance = -1): Tensor {
  return run1('pinv', [toTensor(x, 'x', 'pinv')], [tolerance]);
}

/** The `x` that brings `a x` closest to `b`, of those the shortest; `tolerance` as that of `pinv`. */
function lstsq(a: TensorInput, b: TensorInput, tolerance = -1): Tensor {
  return run1('lstsq', [toTensor(a, 'a', 'lstsq'), toTensor(b, 'b', 'lstsq')], [tolerance]);
}

/** The number of singular values above `tolerance` times the largest, as that of `pinv`. */
function matrixRank(x: TensorInput, tolerance = -1): Tensor {
  return run1('matrixRank', [toTensor(x, 'x', 'matrixRank')], [tolerance]);
}

/** The diagonal. */
function diagPart(x: TensorInput): Tensor {
  return run1('diagPart', [toTensor(x, 'x', 'diagPart')]);
}

/** The sum of the diagonal. */
function trace(x: TensorInput): Tensor {
  return run1('trace', [toTensor(x, 'x', 'trace')]);
}

/** `tf.linalg`: TensorFlow.js's functions, and more. */
export const linalg = /* @__PURE__ */ scopedAll({
  bandPart, cholesky, det, diagPart, eigh, gramSchmidt, inv, lstsq, matrixInverse: inv, matrixRank, pinv, qr, slogdet, solve, svd, trace, triangularSolve,
});
