/** Convolutions and pooling of volumes, and other windows over images: sums and maxima over the taps of a window. */

import { toTensor } from '../convert.js';
import { fill, range } from '../create.js';
import type { Tensor } from '../tensor.js';
import { coded, type TensorInput } from '../types.js';
import { avgPool, batchNorm, conv2d, conv2dTranspose, maxPool, checkRounding, type Pad, type Rounding } from './contract.js';
import { batchToSpaceND, expandDims, pad, reshape, slice, spaceToBatchND, squeeze, stridedSlice, transpose } from './movement.js';
import { add, div, greater, maximum, mul, pow, square, where } from './pointwise.js';

type Triple = number | [number, number, number];
const triple = (v: Triple): [number, number, number] => (typeof v === 'number' ? [v, v, v] : v);

/** Zeros before and after `size` so that windows begin at every stride. */
function border(size: number, window: number, stride: number, how: Pad): [number, number] {
  if (how === 'valid') return [0, 0];
  if (typeof how === 'number') return [how, how];
  const missing = Math.max(0, (Math.ceil(size / stride) - 1) * stride + window - size);
  return [Math.floor(missing / 2), Math.ceil(missing / 2)];
}

/** Volumes of rank 4 or 5 in, results of the same rank out; channels first are moved last. */
function overVolumes(x: TensorInput, op: string, dataFormat: string, f: (x: Tensor) => Tensor): Tensor {
  const t = toTensor(x, 'x', op, 'float32');
  const batched = t.rank === 4 ? expandDims(t, 0) : t;
  if (batched.rank !== 5) throw coded('shape', `Error in ${op}: x must be rank 5 but got rank ${batched.rank}.`);
  const first = dataFormat === 'NCDHW';
  const y = f(first ? transpose(batched, [0, 2, 3, 4, 1]) : batched);
  const back = first ? transpose(y, [0, 4, 1, 2, 3]) : y;
  return t.rank === 4 ? squeeze(back, [0]) : back;
}

const positive = (...values: number[]): boolean => values.every((v) => v > 0);

/** The convolution of volumes [batch, depth, height, width, channels] with filters [depth, height, width, in, out]. */
export function conv3d(x: TensorInput, filter: TensorInput, strides: Triple, padding: 'valid' | 'same', dataFormat: 'NDHWC' | 'NCDHW' = 'NDHWC', dilations: Triple = 1): Tensor {
  const w = toTensor(filter, 'filter', 'conv3d');
  const [step, spread] = [triple(strides), triple(dilations)];
  if (w.rank !== 5) throw coded('shape', `Error in conv3d: filter must be rank 5, but got rank ${w.rank}.`);
  if (dataFormat !== 'NDHWC' && dataFormat !== 'NCDHW') throw coded('argument', `Error in conv3d: got dataFormat of ${String(dataFormat)} but only NDHWC is currently supported.`);
  if (!positive(...spread)) throw coded('argument', 'Error in conv3d: Dilated rates should be larger than 0.');
  if (!positive(...step)) throw coded('argument', 'Error in conv3d: Strides should be larger than 0.');
  return overVolumes(x, 'conv3d', dataFormat, (t) => {
    const [n = 0, depth = 0, height = 0, width = 0, channels = 0] = t.shape;
    if (channels !== w.shape[3]) throw coded('shape', `Error in conv3d: depth of input (${channels}) must match input depth for filter ${w.shape[3]}.`);
    const [taps = 0, ...window] = w.shape;
    const extent = (taps - 1) * spread[0] + 1;
    const padded = pad(t, [[0, 0], border(depth, extent, step[0], padding), [0, 0], [0, 0], [0, 0]]);
    const count = Math.floor(((padded.shape[1] as number) - extent) / step[0]) + 1;
    let total: Tensor | null = null;
    for (let k = 0; k < taps; k++) {
      const from = k * spread[0];
      const planes = stridedSlice(padded, [0, from, 0, 0, 0], [n, from + (count - 1) * step[0] + 1, height, width, channels], [1, step[0], 1, 1, 1]);
      const part = conv2d(reshape(planes, [n * count, height, width, channels]), reshape(slice(w, [k], [1]), window), [step[1], step[2]], padding, 'NHWC', [spread[1], spread[2]]);
      total = total === null ? part : add(total, part);
    }
    const y = total as Tensor;
    return reshape(y, [n, count, ...y.shape.slice(1)]);
  });
}

/** The gradient of `conv3d` with respect to its input, as an operation. The filter is [depth, height, width, out, in]. */
export function conv3dTranspose(x: TensorInput, filter: TensorInput, outputShape: number[], strides: Triple, padding: 'valid' | 'same'): Tensor {
  const w = toTensor(filter, 'filter', 'conv3dTranspose');
  const [step, high, wide] = triple(strides);
  return overVolumes(x, 'conv3dTranspose', 'NDHWC', (t) => {
    const [n = 0, depth = 0, height = 0, width = 0, channels = 0] = t.shape;
    const [taps = 0, ...window] = w.shape;
    const [outDepth = 0, outHeight = 0, outWidth = 0, outChannels = 0] = outputShape.slice(-4);
    if (channels !== w.shape[4]) throw coded('shape', `Error in conv3dDerInput: depth of input (${channels}) must match output depth for filter ${w.shape[4]}.`);
    if (outChannels !== w.shape[3]) throw coded('shape', `Error in conv3dDerInput: depth of output (${outChannels}) must match input depth for filter ${w.shape[3]}.`);
    const before = border(outDepth, taps, step, padding)[0];
    const planes = reshape(t, [n * depth, height, width, channels]);
    let total: Tensor | null = null;
    for (let k = 0; k < taps; k++) {
      const part = conv2dTranspose(planes, reshape(slice(w, [k], [1]), window), [n * depth, outHeight, outWidth, outChannels], [high, wide], padding);
      // Planes go `step` apart, and each tap one further.
      const apart = reshape(pad(reshape(part, [n, depth, 1, outHeight, outWidth, outChannels]), [[0, 0], [0, 0], [0, step - 1], [0, 0], [0, 0], [0, 0]]), [n, depth * step, outHeight, outWidth, outChannels]);
      const placed = pad(apart, [[0, 0], [k, taps - 1 - k + Math.max(0, before + outDepth - depth * step)], [0, 0], [0, 0], [0, 0]]);
      total = total === null ? placed : add(total, placed);
    }
    return slice(total as Tensor, [0, before, 0, 0, 0], [n, outDepth, outHeight, outWidth, outChannels]);
  });
}

function pool3d(op: 'avgPool3d' | 'maxPool3d') {
  const pool2d = op === 'avgPool3d' ? avgPool : maxPool;
  return (x: TensorInput, filterSize: Triple, strides: Triple, padding: Pad, dimRoundingMode?: Rounding, dataFormat: 'NDHWC' | 'NCDHW' = 'NDHWC'): Tensor => {
    const [window, step] = [triple(filterSize), triple(strides)];
    if (dataFormat !== 'NDHWC' && dataFormat !== 'NCDHW') throw coded('argument', `Error in ${op}: Only NDHWC is currently supported, but got dataFormat of ${String(dataFormat)}`);
    if (!positive(...step)) throw coded('argument', `Error in ${op}: Stride must be > 0, but got '${step}'`);
    checkRounding(op, padding, dimRoundingMode);
    return overVolumes(x, op, dataFormat, (t) => {
      const [n = 0, depth = 0, height = 0, width = 0, channels = 0] = t.shape;
      const planes = pool2d(reshape(t, [n * depth, height, width, channels]), [window[1], window[2]], [step[1], step[2]], padding, dimRoundingMode);
      const [, h = 0, w = 0] = planes.shape;
      const columns = reshape(planes, [n, depth, h * w, channels]);
      const flat = typeof padding === 'number' ? ([[0, 0], [padding, padding], [0, 0], [0, 0]] as never) : padding;
      const y = pool2d(columns, [window[0], 1], [step[0], 1], flat, dimRoundingMode);
      return reshape(y, [n, y.shape[1] as number, h, w, channels]);
    });
  };
}
export const avgPool3d = /* @__PURE__ */ pool3d('avgPool3d');
export const maxPool3d = /* @__PURE__ */ pool3d('maxPool3d');

/** `f` for the elements under each tap of a window, at their places in the result. */
function eachTap(t: Tensor, window: readonly number[], stride: readonly number[], dilation: readonly number[], padding: Pad, value: number, f: (under: Tensor, row: number, column: number) => void): void {
  const [n = 0, height = 0, width = 0, channels = 0] = t.shape;
  const extent = window.map((w, i) => (w - 1) * (dilation[i] as number) + 1);
  const borders = [height, width].map((size, i) => border(size, extent[i] as number, stride[i] as number, padding));
  const padded = pad(t, [[0, 0], ...borders, [0, 0]], value);
  const counts = [1, 2].map((d, i) => Math.floor(((padded.shape[d] as number) - (extent[i] as number)) / (stride[i] as number)) + 1);
  for (let i = 0; i < (window[0] as number); i++) {
    for (let j = 0; j < (window[1] as number); j++) {
      const from = [i * (dilation[0] as number), j * (dilation[1] as number)];
      const to = from.map((v, d) => v + ((counts[d] as number) - 1) * (stride[d] as number) + 1);
      f(stridedSlice(padded, [0, ...from, 0], [n, ...to, channels], [1, ...stride, 1]), i, j);
    }
  }
}

type Pair = number | [number, number];
const pair = (v: Pair): [number, number] => (typeof v === 'number' ? [v, v] : [v[0], v[1] ?? v[0]]);

/** Greyscale dilation: the largest sum of image and filter under each window. */
export function dilation2d(x: TensorInput, filter: TensorInput, strides: Pair, padding: 'valid' | 'same', dilations: Pair = 1, dataFormat: 'NHWC' = 'NHWC'): Tensor {
  const [given, w] = [toTensor(x, 'x', 'dilation2d'), toTensor(filter, 'filter', 'dilation2d')];
  if (given.rank !== 3 && given.rank !== 4) throw coded('shape', `Error in dilation2d: input must be rank 3 or 4, but got rank ${given.rank}.`);
  if (w.rank !== 3) throw coded('shape', `Error in dilation2d: filter must be rank 3, but got rank ${w.rank}.`);
  if (dataFormat !== 'NHWC') throw coded('argument', `Error in dilation2d: Only NHWC is currently supported, but got dataFormat of ${String(dataFormat)}`);
  const t = given.rank === 3 ? expandDims(given, 0) : given;
  if (t.shape[3] !== w.shape[2]) throw coded('shape', `Error in dilation2d:  input and filter must have the same depth: ${t.shape[3]} vs ${w.shape[2]}`);
  let best: Tensor | null = null;
  eachTap(t, w.shape, pair(strides), pair(dilations), padding, -3.4e38, (under, i, j) => {
    const sum = add(under, reshape(slice(w, [i, j], [1, 1]), [-1]));
    best = best === null ? sum : maximum(best, sum);
  });
  return given.rank === 3 ? squeeze(best as unknown as Tensor, [0]) : (best as unknown as Tensor);
}

/** `maxPool`, and where the largest elements were in the flattened image (or batch). */
export function maxPoolWithArgmax(x: TensorInput, filterSize: Pair, strides: Pair, padding: 'valid' | 'same' | number, includeBatchInIndex = false): { result: Tensor; indexes: Tensor } {
  const t = toTensor(x, 'x', 'maxPoolWithArgmax');
  const [n = 0, height = 0, width = 0, channels = 0] = t.shape;
  const image = height * width * channels;
  const flat = reshape(range(0, image, 1, 'int32'), [1, height, width, channels]);
  const places = add(flat, mul(reshape(range(0, n, 1, 'int32'), [n, 1, 1, 1]), includeBatchInIndex ? fill([], image, 'int32') : fill([], 0, 'int32')));
  const under: Tensor[] = [];
  eachTap(places, pair(filterSize), pair(strides), [1, 1], padding, 0, (p) => under.push(p));
  let [result, indexes]: [Tensor | null, Tensor | null] = [null, null];
  let k = 0;
  eachTap(t, pair(filterSize), pair(strides), [1, 1], padding, -3.4e38, (value) => {
    const place = under[k++] as Tensor;
    if (result === null || indexes === null) [result, indexes] = [value, place];
    else {
      const more: Tensor = greater(value, result);
      [result, indexes] = [where(more, value, result), where(more, place, indexes)];
    }
  });
  return { result: result as unknown as Tensor, indexes: indexes as unknown as Tensor };
}

/** Each element over a power of the squares of its neighbours among the channels (Krizhevsky et al. 2012). */
export function localResponseNormalization(x: TensorInput, depthRadius = 5, bias = 1, alpha = 1, beta = 0.5): Tensor {
  const given = toTensor(x, 'x', 'localResponseNormalization');
  if (given.rank !== 3 && given.rank !== 4) throw coded('shape', `Error in localResponseNormalization: x must be rank 3 or 4 but got\n               rank ${given.rank}.`);
  if (!Number.isInteger(depthRadius)) throw coded('argument', `Error in localResponseNormalization: depthRadius must be an integer but got depthRadius ${depthRadius}.`);
  const channels = given.shape.at(-1) as number;
  const reach = Math.min(depthRadius, channels);
  const squares = pad(square(given), given.shape.map((_, d) => (d === given.rank - 1 ? [reach, reach] : [0, 0])));
  let total: Tensor | null = null;
  for (let k = 0; k <= 2 * reach; k++) {
    const part = slice(squares, given.shape.map((_, d) => (d === given.rank - 1 ? k : 0)), given.shape);
    total = total === null ? part : add(total, part);
  }
  return div(given, pow(add(bias, mul(alpha, total as Tensor)), beta));
}

const normOf = (rank: number) => (x: TensorInput, mean: TensorInput, variance: TensorInput, offset?: TensorInput | null, scale?: TensorInput | null, epsilon?: number): Tensor => {
  const t = toTensor(x, 'x', 'batchNorm');
  if (t.rank !== rank) throw coded('shape', `Error in batchNorm${rank}D: x must be rank ${rank} but got rank ${t.rank}.`);
  for (const [name, value] of Object.entries({ mean, variance, offset, scale })) {
    if (value === undefined || value === null) continue;
    const { rank: r } = toTensor(value, name, 'batchNorm');
    if (r !== rank && r !== 1) throw coded('shape', `Error in batchNorm${rank}D: ${name} must be rank ${rank} or rank 1 but got rank ${r}.`);
  }
  return batchNorm(t, mean, variance, offset, scale, epsilon);
};
export const batchNorm2d = /* @__PURE__ */ normOf(2);
export const batchNorm3d = /* @__PURE__ */ normOf(3);
export const batchNorm4d = /* @__PURE__ */ normOf(4);

/** Pooling by name, with dilated windows. */
export function pool(input: TensorInput, windowShape: Pair, poolingType: 'avg' | 'max', padding: Pad, dilations: Pair = 1, strides: Pair = 1, dimRoundingMode?: Rounding): Tensor {
  const [spread, step, window] = [pair(dilations ?? 1), pair(strides ?? 1), pair(windowShape)];
  const given = toTensor(input, 'x', 'maxPool');
  if (spread.some((d) => d > 1) && step.some((s) => s > 1)) throw coded('argument', `Either strides or dilations must be 1. Got strides ${step} and dilations '${spread}'`);
  checkRounding('pool', padding, dimRoundingMode);
  const of = poolingType === 'avg' ? avgPool : maxPool;
  if (spread.every((d) => d === 1)) return of(given, window, step, padding, dimRoundingMode);
  const t = given.rank === 3 ? expandDims(given, 0) : given;
  // Each of the interleaved images is pooled on its own.
  const size = t.shape.slice(1, 3);
  const around = size.map((d, i) => border(d, ((window[i] as number) - 1) * (spread[i] as number) + 1, 1, padding));
  const fill2 = size.map((d, i) => {
    const [before, after] = around[i] as [number, number];
    const rest = (d + before + after) % (spread[i] as number);
    return rest === 0 ? 0 : (spread[i] as number) - rest;
  });
  const pads = around.map(([before, after], i) => [before, after + (fill2[i] as number)]);
  const blocks = spaceToBatchND(t, spread, pads);
  const y = batchToSpaceND(of(blocks, window, 1, 'valid', dimRoundingMode), spread, fill2.map((f) => [0, f]));
  return given.rank === 3 ? squeeze(y, [0]) : y;
}

