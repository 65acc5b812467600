/** Reductions and what is made of them. */

import { toTensor } from '../convert.js';
import { axesOf } from '../shape.js';
import { run, run1, scoped, type Tensor } from '../tensor.js';
import type { TensorInput } from '../types.js';

type Axis = number | number[];

function reduction(name: string, expected: 'numeric' | 'bool' = 'numeric') {
  return scoped((x: TensorInput, axis?: Axis | null, keepDims = false): Tensor => {
    const t = toTensor(x, 'x', name, expected);
    const axes = axis === undefined || axis === null ? [] : axesOf(axis, t.rank);
    // No axes listed means all of them to the module, none to a caller who passes an empty list.
    if (Array.isArray(axis) && axis.length === 0) return run1('reshape', [t], t.shape, t);
    return run1(name, [t], [keepDims ? 1 : 0, ...axes]);
  });
}

export const sum = /* @__PURE__ */ reduction('sum');
export const mean = /* @__PURE__ */ reduction('mean');
export const prod = /* @__PURE__ */ reduction('prod');
export const max = /* @__PURE__ */ reduction('max');
export const min = /* @__PURE__ */ reduction('min');
export const any = /* @__PURE__ */ reduction('any', 'bool');
export const all = /* @__PURE__ */ reduction('all', 'bool');
export const logSumExp = /* @__PURE__ */ reduction('logSumExp');

export function argMax(x: TensorInput, axis = 0): Tensor {
  return run1('argMax', [toTensor(x, 'x', 'argMax')], [axis]);
}

export function argMin(x: TensorInput, axis = 0): Tensor {
  return run1('argMin', [toTensor(x, 'x', 'argMin')], [axis]);
}

export function moments(x: TensorInput, axis?: Axis | null, keepDims = false): { mean: Tensor; variance: Tensor } {
  const axes = axis === undefined || axis === null ? [] : [axis].flat();
  const [mean, variance] = run('moments', [toTensor(x, 'x', 'moments')], [keepDims ? 1 : 0, ...axes]) as [Tensor, Tensor];
  return { mean, variance };
}

export function softmax(logits: TensorInput, dim = -1): Tensor {
  return run1('softmax', [toTensor(logits, 'logits', 'softmax')], [dim]);
}

export function logSoftmax(logits: TensorInput, axis = -1): Tensor {
  return run1('logSoftmax', [toTensor(logits, 'logits', 'logSoftmax')], [axis]);
}
