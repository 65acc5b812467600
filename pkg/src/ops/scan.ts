/** Each element combined with all before it. */

import { toTensor } from '../convert.js';
import { axesOf } from '../shape.js';
import { run1, type Tensor } from '../tensor.js';
import type { TensorInput } from '../types.js';

const scan = (op: string) => (x: TensorInput, axis = 0, exclusive = false, reverse = false): Tensor => {
  const t = toTensor(x, 'x', op);
  const [at = 0] = axesOf(axis, t.rank);
  return run1(op, [t], [at, Number(exclusive), Number(reverse)]);
};
const extremum = (op: string) => (x: TensorInput, axis = 0, reverse = false): Tensor => {
  const t = toTensor(x, 'x', op);
  const [at = 0] = axesOf(axis, t.rank);
  return run1(op, [t], [at, Number(reverse)]);
};

export const cumsum = /* @__PURE__ */ scan('cumsum');
export const cumprod = /* @__PURE__ */ scan('cumprod');
/** log(sum(exp(x))) of each element and all before it, safe against overflow. */
export const logCumsumExp = /* @__PURE__ */ scan('logCumsumExp');
/** The largest of each element and all before it (after it, in reverse); NaN wins. */
export const cummax = /* @__PURE__ */ extremum('cummax');
/** The smallest of each element and all before it (after it, in reverse); NaN wins. */
export const cummin = /* @__PURE__ */ extremum('cummin');
