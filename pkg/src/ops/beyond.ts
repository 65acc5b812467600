/** Operations that TensorFlow.js lacks, named as in NumPy. */

import { toTensor } from '../convert.js';
import { axesOf } from '../shape.js';
import { run1, type Tensor } from '../tensor.js';
import type { TensorInput } from '../types.js';
import { reshape } from './movement.js';

const sorting = (op: string) => (x: TensorInput, axis = -1, descending = false): Tensor => {
  const t = toTensor(x, 'x', op);
  const [at = 0] = axesOf(axis, t.rank);
  return run1(op, [t], [at, Number(descending)]);
};

/** The elements along an axis from the smallest to the largest; NaN comes last. */
export const sort = /* @__PURE__ */ sorting('sort');
/** Where the elements of `sort` were; equal ones keep their order. */
export const argsort = /* @__PURE__ */ sorting('argsort');

/** The elements shifted along axes; what leaves at one end enters at the other. */
export function roll(x: TensorInput, shift: number | number[], axis?: number | number[]): Tensor {
  const t = toTensor(x, 'x', 'roll', 'string_or_numeric');
  const shifts = [shift].flat();
  // Without an axis, as if it were flat.
  if (axis === undefined) return reshape(run1('roll', [reshape(t, [-1])], [...shifts, ...shifts.map(() => 0)]), t.shape);
  const axes = axesOf(axis, t.rank);
  return run1('roll', [t], [...axes.map((_, i) => (shifts[i] ?? shifts[0]) as number), ...axes]);
}

/** The Kronecker product: a copy of `b` for each element of `a`, times it. */
export function kron(a: TensorInput, b: TensorInput): Tensor {
  return run1('kron', [toTensor(a, 'a', 'kron'), toTensor(b, 'b', 'kron')]);
}
