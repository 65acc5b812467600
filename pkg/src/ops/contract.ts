/** Matrix products, convolutions, pooling, normalisation, resizing. */

import { toTensor } from '../convert.js';
import { run1, Tensor } from '../tensor.js';
import { coded, type TensorInput } from '../types.js';
import { mul } from './pointwise.js';
import { expandDims, reshape, squeeze, transpose } from './movement.js';
import { sum } from './reduce.js';

export type ExplicitPadding = [[number, number], [number, number], [number, number], [number, number]];
type Pair = number | [number, number];
type Pad = 'valid' | 'same' | number | ExplicitPadding;

const pair = (value: Pair): [number, number] => (typeof value === 'number' ? [value, value] : value);

function padding(pad: Pad, op: string): number[] {
  if (pad === 'valid') return [0, 0, 0, 0, 0];
  if (pad === 'same') return [1, 0, 0, 0, 0];
  if (typeof pad === 'number') return [2, pad, pad, pad, pad];
  if (Array.isArray(pad)) return [2, ...(pad[1] ?? [0, 0]), ...(pad[2] ?? [0, 0])];
  throw coded('argument', `Error in ${op}: unknown padding parameter: ${String(pad)}`);
}

/** Images of rank 3 or 4 in, results of the same rank out; channels first are moved last. */
function overImages(x: TensorInput, op: string, dataFormat: string, f: (x: Tensor) => Tensor): Tensor {
  const t = toTensor(x, 'x', op);
  if (t.rank !== 3 && t.rank !== 4) throw coded('shape', `Error in ${op}: input must be rank 3 or 4, but got rank ${t.rank}.`);
  const batched = t.rank === 3 ? expandDims(t, 0) : t;
  const first = dataFormat === 'NCHW';
  const y = f(first ? transpose(batched, [0, 2, 3, 1]) : batched);
  const back = first ? transpose(y, [0, 3, 1, 2]) : y;
  return t.rank === 3 ? squeeze(back, [0]) : back;
}

export function matMul(a: TensorInput, b: TensorInput, transposeA = false, transposeB = false): Tensor {
  return run1('matMul', [toTensor(a, 'a', 'matMul'), toTensor(b, 'b', 'matMul')], [Number(transposeA), Number(transposeB)]);
}

export function dot(a: TensorInput, b: TensorInput): Tensor {
  const [x, y] = [toTensor(a, 't1', 'dot'), toTensor(b, 't2', 'dot')];
  if (![1, 2].includes(x.rank) || ![1, 2].includes(y.rank)) {
    throw coded('shape', `Error in dot: inputs must all be rank 1 or 2, but got ranks ${x.rank} and ${y.rank}.`);
  }
  if (x.rank === 1 && y.rank === 1) return sum(mul(x, y));
  const left = x.rank === 1 ? expandDims(x, 0) : x;
  const right = y.rank === 1 ? expandDims(y, 1) : y;
  const product = matMul(left, right);
  if (x.rank === 1) return squeeze(product, [0]);
  return y.rank === 1 ? squeeze(product, [1]) : product;
}

export function outerProduct(a: TensorInput, b: TensorInput): Tensor {
  return matMul(reshape(a, [-1, 1]), reshape(b, [1, -1]));
}

export function conv2d(x: TensorInput, filter: TensorInput, strides: Pair, pad: Pad, dataFormat: 'NHWC' | 'NCHW' = 'NHWC', dilations: Pair = 1): Tensor {
  const w = toTensor(filter, 'filter', 'conv2d');
  if (w.rank !== 4) throw coded('shape', `Error in conv2d: filter must be rank 4, but got rank ${w.rank}.`);
  return overImages(x, 'conv2d', dataFormat, (t) => {
    // Fewer filter channels than image channels: groups of them.
    const groups = Math.max(1, Math.floor((t.shape[3] ?? 1) / (w.shape[2] ?? 1)));
    return run1('conv2d', [t, w], [...pair(strides), ...pair(dilations), groups, ...padding(pad, 'conv2d')]);
  });
}

export function depthwiseConv2d(x: TensorInput, filter: TensorInput, strides: Pair, pad: Pad, dataFormat: 'NHWC' | 'NCHW' = 'NHWC', dilations: Pair = 1): Tensor {
  const w = toTensor(filter, 'filter', 'depthwiseConv2d');
  return overImages(x, 'depthwiseConv2d', dataFormat, (t) =>
    run1('depthwiseConv2d', [t, w], [...pair(strides), ...pair(dilations), 1, ...padding(pad, 'depthwiseConv2d')]),
  );
}

export function separableConv2d(x: TensorInput, depthwise: TensorInput, pointwise: TensorInput, strides: Pair, pad: Pad, dilation: Pair = 1): Tensor {
  return conv2d(depthwiseConv2d(x, depthwise, strides, pad, 'NHWC', dilation), pointwise, 1, 'valid');
}

export function conv2dTranspose(x: TensorInput, filter: TensorInput, outputShape: number[], strides: Pair, pad: Pad): Tensor {
  const w = toTensor(filter, 'filter', 'conv2dTranspose');
  const [height = 0, width = 0] = outputShape.slice(-3);
  return overImages(x, 'conv2dTranspose', 'NHWC', (t) =>
    run1('conv2dTranspose', [t, w], [height, width, ...pair(strides), 1, 1, 1, ...padding(pad, 'conv2dTranspose')]),
  );
}

export function conv1d(x: TensorInput, filter: TensorInput, stride: number, pad: Pad, _dataFormat = 'NWC', dilation = 1): Tensor {
  const t = toTensor(x, 'x', 'conv1d');
  const wide = t.rank === 2 ? expandDims(t, 0) : t;
  const y = squeeze(conv2d(expandDims(wide, 1), expandDims(filter, 0), [1, stride], pad, 'NHWC', [1, dilation]), [1]);
  return t.rank === 2 ? squeeze(y, [0]) : y;
}

function pooling(name: 'maxPool' | 'avgPool') {
  return (x: TensorInput, filterSize: Pair, strides: Pair, pad: Pad): Tensor =>
    overImages(x, name, 'NHWC', (t) => run1(name, [t], [...pair(filterSize), ...pair(strides), 1, 1, ...padding(pad, name)]));
}

export const maxPool = /* @__PURE__ */ pooling('maxPool');
export const avgPool = /* @__PURE__ */ pooling('avgPool');

export function batchNorm(x: TensorInput, mean: TensorInput, variance: TensorInput, offset?: TensorInput, scale?: TensorInput, epsilon = 0.001): Tensor {
  const inputs = [toTensor(x, 'x', 'batchNorm'), toTensor(mean, 'mean', 'batchNorm'), toTensor(variance, 'variance', 'batchNorm')];
  if (offset !== undefined) inputs.push(toTensor(offset, 'offset', 'batchNorm'));
  if (scale !== undefined) inputs.push(toTensor(scale, 'scale', 'batchNorm'));
  return run1('batchNorm', inputs, [epsilon, Number(offset !== undefined), Number(scale !== undefined)]);
}

export function dropout(x: TensorInput, rate: number, noiseShape?: number[], seed?: number): Tensor {
  if (rate < 0 || rate >= 1) throw coded('argument', `rate must be a float in the range [0, 1), but got ${rate}.`);
  return run1('dropout', [toTensor(x, 'x', 'dropout')], [rate, seed ?? Math.floor(Math.random() * 2 ** 32), ...(noiseShape ?? [])]);
}

function resizing(name: 'resizeBilinear' | 'resizeNearestNeighbor') {
  return (images: TensorInput, size: [number, number], alignCorners = false, halfPixelCenters = false): Tensor =>
    overImages(images, name, 'NHWC', (t) => run1(name, [t], [...size, Number(alignCorners), Number(halfPixelCenters)]));
}

export const resizeBilinear = /* @__PURE__ */ resizing('resizeBilinear');
export const resizeNearestNeighbor = /* @__PURE__ */ resizing('resizeNearestNeighbor');
