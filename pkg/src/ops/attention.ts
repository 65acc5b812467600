/** Attention, and normalisation of each example by its own features. */

import { toTensor } from '../convert.js';
import { axesOf } from '../shape.js';
import { run1, type Tensor } from '../tensor.js';
import type { TensorInput } from '../types.js';

export interface AttentionOptions {
  /** Broadcasts to [batch, heads, queries, keys]: a bool mask is true where a query sees a key; numbers are added to the
   *  scaled products, and hide a key where the sum is -1e30 or less. */
  mask?: TensorInput;
  /** Whether query i sees keys 0 to i alone; the first query belongs to the first key. */
  isCausal?: boolean;
  /** What products of queries and keys are multiplied by; 1 / sqrt(dim) unless given. */
  scale?: number;
}

/**
 * softmax(q kᵀ * scale + mask) v of `[batch, heads, length, dim]`, as in PyTorch; the batch, or it and the heads, may be left
 * out. The heads of `k` and `v` may be fewer than those of `q`, which they divide. A query that sees no key gives zeros.
 * Memory grows with the lengths and not with their product, in training too.
 */
export function scaledDotProductAttention(q: TensorInput, k: TensorInput, v: TensorInput, options: AttentionOptions = {}): Tensor {
  const op = 'scaledDotProductAttention';
  const operands = [toTensor(q, 'q', op), toTensor(k, 'k', op), toTensor(v, 'v', op)];
  const { mask, isCausal = false, scale = 1 / Math.sqrt(operands[0]?.shape.at(-1) || 1) } = options;
  if (mask !== undefined) operands.push(toTensor(mask, 'mask', op));
  return run1(op, operands, [isCausal ? 1 : 0, scale]);
}

/** `x`, the scale and the offset that are given, and which those are. */
function parameters(op: string, x: TensorInput, scale?: TensorInput | null, offset?: TensorInput | null): [tensors: Tensor[], flags: number[]] {
  const given = [scale, offset].map((t, i) => (t === undefined || t === null ? [] : [toTensor(t, i === 0 ? 'scale' : 'offset', op)]));
  return [[toTensor(x, 'x', op), ...given.flat()], given.map((t) => t.length)];
}

/** `(x - mean) / sqrt(variance + epsilon) * scale + offset`, with the mean and variance along axes. */
export function layerNorm(x: TensorInput, axis: number | number[] = -1, scale?: TensorInput | null, offset?: TensorInput | null, epsilon = 1e-3): Tensor {
  const [tensors, flags] = parameters('layerNorm', x, scale, offset);
  return run1('layerNorm', tensors, [...flags, epsilon, ...axesOf(axis, tensors[0]?.rank ?? 0)]);
}

/** Of `[batch, .., channels]`: each example normalised over each group of neighbouring channels. */
export function groupNorm(x: TensorInput, groups: number, scale?: TensorInput | null, offset?: TensorInput | null, epsilon = 1e-3): Tensor {
  const [tensors, flags] = parameters('groupNorm', x, scale, offset);
  return run1('groupNorm', tensors, [...flags, epsilon, groups]);
}

/** `x / sqrt(mean(x²) + epsilon) * scale`, with the mean along axes. */
export function rmsNorm(x: TensorInput, axis: number | number[] = -1, scale?: TensorInput | null, epsilon = 1e-6): Tensor {
  const [tensors] = parameters('rmsNorm', x, scale);
  return run1('rmsNorm', tensors, [epsilon, ...axesOf(axis, tensors[0]?.rank ?? 0)]);
}

/** `x / sqrt(max(sum(x²), epsilon))`: vectors of length 1 along axes. */
export function l2Normalize(x: TensorInput, axis: number | number[] = -1, epsilon = 1e-12): Tensor {
  const t = toTensor(x, 'x', 'l2Normalize');
  return run1('l2Normalize', [t], [epsilon, ...axesOf(axis, t.rank)]);
}
