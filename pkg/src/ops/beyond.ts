/** Operations that TensorFlow.js lacks, named as in NumPy. */

import { scalar, toTensor } from '../convert.js';
import { axesOf } from '../shape.js';
import { run, type Tensor } from '../tensor.js';
import { isWhole, type TensorInput } from '../types.js';
import { concat, reshape, slice, transpose } from './movement.js';
import { mul, neg, sub } from './pointwise.js';

/** The elements in the opposite order; twice, as they were. The negative of a whole number may not be one. */
const opposite = (x: Tensor): Tensor => (isWhole(x.dtype) ? sub(scalar(x.dtype[0] === 'u' ? 2 ** 32 - 1 : -1, x.dtype), x) : neg(x));

/** The order along an axis, which is moved last and back. */
function ordered(x: TensorInput, op: string, axis: number, descending: boolean): [values: Tensor, indices: Tensor] {
  const t = toTensor(x, 'x', op);
  const [at = 0] = axesOf(axis, t.rank);
  const last = t.rank - 1;
  const turn = t.shape.map((_, d) => (d === at ? last : d === last ? at : d));
  const row = transpose(t, turn);
  const [values, indices] = run('topk', [descending ? row : opposite(row)], [t.shape[at] as number]) as [Tensor, Tensor];
  return [transpose(descending ? values : opposite(values), turn), transpose(indices, turn)];
}

/** The elements along an axis from the smallest to the largest; NaN comes last. */
export function sort(x: TensorInput, axis = -1, descending = false): Tensor {
  return ordered(x, 'sort', axis, descending)[0];
}

/** Where the elements of `sort` were; equal ones keep their order. */
export function argsort(x: TensorInput, axis = -1, descending = false): Tensor {
  return ordered(x, 'argsort', axis, descending)[1];
}

/** The elements shifted along axes; what leaves at one end enters at the other. */
export function roll(x: TensorInput, shift: number | number[], axis?: number | number[]): Tensor {
  const given = toTensor(x, 'x', 'roll', 'string_or_numeric');
  // Without an axis, as if it were flat.
  let t = axis === undefined ? reshape(given, [-1]) : given;
  const shifts = [shift].flat();
  const axes = axis === undefined ? shifts.map(() => 0) : axesOf(axis, t.rank);
  axes.forEach((at, i) => {
    const size = t.shape[at] as number;
    const by = size === 0 ? 0 : ((((shifts[i] ?? shifts[0]) as number) % size) + size) % size;
    if (by === 0) return;
    const part = (from: number, count: number): Tensor => slice(t, t.shape.map((_, d) => (d === at ? from : 0)), t.shape.map((n, d) => (d === at ? count : n)));
    t = concat([part(size - by, by), part(0, size - by)], at);
  });
  return reshape(t, given.shape);
}

/** The Kronecker product: a copy of `b` for each element of `a`, times it. */
export function kron(a: TensorInput, b: TensorInput): Tensor {
  const [x, y] = [toTensor(a, 'a', 'kron'), toTensor(b, 'b', 'kron')];
  const rank = Math.max(x.rank, y.rank);
  const dims = (t: Tensor): number[] => [...new Array<number>(rank - t.rank).fill(1), ...t.shape];
  const [m, n] = [dims(x), dims(y)];
  const wide = mul(reshape(x, m.flatMap((d) => [d, 1])), reshape(y, n.flatMap((d) => [1, d])));
  return reshape(wide, m.map((d, i) => d * (n[i] as number)));
}
