/** Sums and products of everything before each element. */

import { toTensor } from '../convert.js';
import { axesOf } from '../shape.js';
import type { Tensor } from '../tensor.js';
import type { TensorInput } from '../types.js';
import { clone, pad, reverse, slice } from './movement.js';
import { add, mul } from './pointwise.js';

/** In log2(n) steps, each adding what lies twice as far (Hillis & Steele 1986). */
function scan(op: string, combine: (a: Tensor, b: Tensor) => Tensor, neutral: number) {
  return (x: TensorInput, axis = 0, exclusive = false, backwards = false): Tensor => {
    const t = toTensor(x, 'x', op);
    const [at = 0] = axesOf(axis, t.rank);
    const size = t.shape[at] ?? 1;
    const shifted = (y: Tensor, by: number): Tensor =>
      slice(pad(y, y.shape.map((_, d) => [d === at ? by : 0, 0]), neutral), y.shape.map(() => 0), y.shape);
    let y = backwards ? reverse(t, at) : clone(t);
    if (exclusive && size > 0) y = shifted(y, 1);
    for (let step = 1; step < size; step *= 2) y = combine(y, shifted(y, step));
    return backwards ? reverse(y, at) : y;
  };
}

export const cumsum = /* @__PURE__ */ scan('cumsum', add, 0);
export const cumprod = /* @__PURE__ */ scan('cumprod', mul, 1);
