/** Matrix products, convolutions, pooling, normalisation, resizing. */

import { toTensor } from '../convert.js';
import { seedOf } from '../random.js';
import { run1, Tensor } from '../tensor.js';
import { coded, type TensorInput, upcastType } from '../types.js';
import { cast, mul } from './pointwise.js';
import { clone, expandDims, reshape, squeeze, transpose } from './movement.js';
import { checkPadOnDimRoundingMode, paddingNumbers, type Rounding } from './padding.js';
import { sum } from './reduce.js';

export type { Rounding } from './padding.js';

export type ExplicitPadding = [[number, number], [number, number], [number, number], [number, number]];
type Pair = number | [number, number];
export type Pad = 'valid' | 'same' | number | ExplicitPadding;

const pair = (value: Pair): [number, number] => (typeof value === 'number' ? [value, value] : [value[0], value[1] ?? value[0]]);

/** Images of rank 3 or 4 in, results of the same rank out; channels first are moved last. */
function overImages(x: TensorInput, op: string, dataFormat: string, f: (x: Tensor) => Tensor, name = 'x', expected: 'numeric' | 'float32' = 'numeric'): Tensor {
  const t = toTensor(x, name, op, expected);
  if (t.rank !== 3 && t.rank !== 4) throw coded('shape', `Error in ${op}: ${name} must be rank 3 or 4 (input must be rank 4), but got rank ${t.rank}.`);
  const batched = t.rank === 3 ? expandDims(t, 0) : t;
  const first = dataFormat === 'NCHW';
  const y = f(first ? transpose(batched, [0, 2, 3, 1]) : batched);
  const back = first ? transpose(y, [0, 3, 1, 2]) : y;
  return t.rank === 3 ? squeeze(back, [0]) : back;
}

/** Throws unless a tensor is of a rank, or of one below, where images may come without a batch. */
function checkRank(op: string, name: string, { rank }: Tensor, wanted = 4, least = wanted): void {
  if (rank > wanted || rank < least) throw coded('shape', `Error in ${op}: ${name} must be rank ${wanted}, but got rank ${rank}.`);
}

/** Channels of an input that a filter is not for. */
const unlike = (op: string, got: unknown, wanted: unknown): Error => coded('shape', `Error in ${op}: depth of input (${got}) must match input depth for filter ${wanted}.`);

function checkSteps(op: string, strides: number[], dilations: number[]): void {
  if (strides.some((s) => s > 1) && dilations.some((d) => d > 1)) {
    throw coded('argument', `Error in ${op}: Either strides or dilations must be 1. Got strides ${strides} and dilations '${dilations}'`);
  }
  if (dilations.some((d) => d <= 0)) throw coded('argument', `Error in ${op}: Dilated rates should be larger than 0.`);
  if (strides.some((s) => s <= 0)) throw coded('argument', `Error in ${op}: Strides should be larger than 0.`);
}

/** Products of the matrices in the last two dimensions; leading ones broadcast. */
export function matMul(a: TensorInput, b: TensorInput, transposeA = false, transposeB = false): Tensor {
  let [x, y] = [toTensor(a, 'a', 'matMul'), toTensor(b, 'b', 'matMul')];
  const dtype = upcastType(x.dtype, y.dtype);
  if (x.dtype !== dtype) x = cast(x, dtype);
  if (y.dtype !== dtype) y = cast(y, dtype);
  return run1('matMul', [x, y], [Number(transposeA), Number(transposeB)]);
}

export function dot(a: TensorInput, b: TensorInput): Tensor {
  const [x, y] = [toTensor(a, 't1', 'dot'), toTensor(b, 't2', 'dot')];
  if (![1, 2].includes(x.rank) || ![1, 2].includes(y.rank)) {
    throw coded('shape', `Error in dot: inputs must all be rank 1 or 2, but got ranks ${x.rank} and ${y.rank}.`);
  }
  const [inner, other] = [x.shape.at(-1), y.rank === 1 ? y.size : y.shape[0]];
  if (inner !== other) throw coded('shape', `Error in dot: inner dimensions of inputs must match, but got ${inner} and ${other}.`);
  if (x.rank === 1 && y.rank === 1) return sum(mul(x, y));
  const left = x.rank === 1 ? expandDims(x, 0) : x;
  const right = y.rank === 1 ? expandDims(y, 1) : y;
  const product = matMul(left, right);
  if (x.rank === 1) return squeeze(product, [0]);
  return y.rank === 1 ? squeeze(product, [1]) : product;
}

export function outerProduct(a: TensorInput, b: TensorInput): Tensor {
  const [x, y] = [toTensor(a, 'v1', 'outerProduct'), toTensor(b, 'v2', 'outerProduct')];
  if (x.rank !== 1 || y.rank !== 1) throw coded('shape', `Error in outerProduct: inputs must be rank 1, but got ranks ${x.rank} and ${y.rank}.`);
  return matMul(reshape(a, [-1, 1]), reshape(b, [1, -1]));
}

/** A convolution of images, in as many groups as `groupsOf` says of the channels of the images and of the filter. */
function convolution(op: 'conv2d' | 'depthwiseConv2d', label: string, groupsOf: (channels: number, wanted: number) => number) {
  return (x: TensorInput, filter: TensorInput, strides: Pair, pad: Pad, dataFormat: 'NHWC' | 'NCHW' = 'NHWC', dilations: Pair = [1, 1], dimRoundingMode?: Rounding | null): Tensor => {
    const w = toTensor(filter, 'filter', op, 'float32');
    checkRank(op, 'filter', w);
    const [stride, dilation] = [pair(strides), pair(dilations ?? 1)];
    return overImages(x, op, dataFormat, (t) => {
      const groups = groupsOf(t.shape[3] as number, w.shape[2] as number);
      checkSteps(label, stride, dilation);
      const sides = paddingNumbers({ op, pad, window: w.shape.slice(0, 2), stride, dilation, rounding: dimRoundingMode, axis: dataFormat === 'NCHW' ? 2 : 1 }, t.shape);
      return run1(op, [t, w], [...stride, ...dilation, groups, ...sides]);
    }, 'x', 'float32');
  };
}

export const conv2d = /* @__PURE__ */ convolution('conv2d', 'conv2D', (channels, wanted) => {
  // Fewer filter channels than image channels: groups of them.
  if (channels !== wanted && (wanted === 0 || channels % wanted !== 0)) throw unlike('conv2d', channels, wanted);
  return Math.max(1, channels / Math.max(1, wanted));
});

export const depthwiseConv2d = /* @__PURE__ */ convolution('depthwiseConv2d', 'depthwiseConv2d', (channels, wanted) => {
  if (channels !== wanted) throw coded('shape', `Error in depthwiseConv2d: number of input channels (${channels}) must match the inChannels dimension in filter ${wanted}.`);
  return 1;
});

export function separableConv2d(x: TensorInput, depthwise: TensorInput, pointwise: TensorInput, strides: Pair, pad: Pad, dilation: Pair = [1, 1], dataFormat: 'NHWC' | 'NCHW' = 'NHWC'): Tensor {
  const [deep, point] = [toTensor(depthwise, 'depthwiseFilter', 'separableConv2d'), toTensor(pointwise, 'pointwiseFilter', 'separableConv2d')];
  const op = 'separableConv2d';
  const images = toTensor(x, 'x', op);
  checkRank(op, 'input', images, 4, 3);
  if (dataFormat === 'NCHW') throw coded('argument', 'separableConv2d currently does not support dataFormat NCHW; only NHWC is supported');
  checkRank(op, 'depthwise filter', deep);
  checkRank(op, 'pointwise filter', point);
  [1, 1, (deep.shape[2] as number) * (deep.shape[3] as number)].forEach((wanted, i) => {
    if (point.shape[i] !== wanted) throw coded('shape', `Error in ${op}: the ${['first', 'second', 'third'][i]} dimension of pointwise filter must be ${wanted}, but got ${point.shape[i]}.`);
  });
  return conv2d(depthwiseConv2d(images, deep, strides, pad, 'NHWC', dilation), point, 1, 'valid');
}

/** The transposed convolution. The filter is `[height, width, outChannels / groups, inChannels]`. */
export function conv2dTranspose(x: TensorInput, filter: TensorInput, outputShape: number[], strides: Pair, pad: Pad, dimRoundingMode?: Rounding | null, groups = 1): Tensor {
  const w = toTensor(filter, 'filter', 'conv2dTranspose');
  const [height = 0, width = 0, channels = 0] = outputShape.slice(-3);
  checkRank('conv2dDerInput', 'filter', w);
  return overImages(x, 'conv2dTranspose', 'NHWC', (t) => {
    const wanted = (w.shape[2] as number) * groups;
    if (t.shape[3] !== w.shape[3]) throw coded('shape', `Error in conv2dDerInput: depth of output (${t.shape[3]}) must match output depth for filter ${w.shape[3]}.`);
    if (channels !== wanted) throw unlike('conv2dDerInput', channels, wanted);
    checkPadOnDimRoundingMode('conv2dDerInput', pad, dimRoundingMode);
    const sides = paddingNumbers({ op: 'conv2dTranspose', pad, window: w.shape.slice(0, 2), stride: pair(strides) }, t.shape);
    return run1('conv2dTranspose', [t, w], [height, width, ...pair(strides), 1, 1, groups, ...sides]);
  });
}

/** The convolution of sequences [batch, width, channels] with filters [width, inChannels / groups, outChannels]. */
export function conv1d(x: TensorInput, filter: TensorInput, stride: number, pad: Pad, dataFormat: 'NWC' | 'NCW' = 'NWC', dilation = 1, dimRoundingMode?: Rounding | null, groups = 1): Tensor {
  const [t, w] = [toTensor(x, 'x', 'conv1d', 'float32'), toTensor(filter, 'filter', 'conv1d', 'float32')];
  checkRank('conv1d', 'input', t, 3, 2);
  checkRank('conv1d', 'filter', w, 3);
  checkPadOnDimRoundingMode('conv1d', pad, dimRoundingMode);
  const batched = t.rank === 2 ? expandDims(t, 0) : t;
  const wanted = (w.shape[1] as number) * groups;
  if (batched.shape[2] !== wanted) throw unlike('conv1d', batched.shape[2], wanted);
  checkSteps('conv1D', [stride], [dilation]);
  if (dataFormat !== 'NWC') throw coded('argument', `Error in conv1d: got dataFormat of ${dataFormat} but only NWC is currently supported.`);
  // Explicit padding is that of an image of one row.
  const sides = paddingNumbers({ op: 'conv1d', pad, window: w.shape.slice(0, 1), stride: [stride], dilation: [dilation], rounding: dimRoundingMode, axis: 2 }, batched.shape);
  const y = run1('conv1d', [batched, w], [stride, dilation, groups, ...sides]);
  return t.rank === 2 ? squeeze(y, [0]) : y;
}

function pooling(name: 'maxPool' | 'avgPool') {
  return (x: TensorInput, filterSize: Pair, strides: Pair, pad: Pad, dimRoundingMode?: Rounding | null): Tensor => {
    const [window, stride] = [pair(filterSize), pair(strides)];
    return overImages(x, name, 'NHWC', (t) => {
      if (stride.some((s) => s <= 0)) throw coded('argument', `Error in ${name}: Strides should be larger than 0.`);
      const sides = paddingNumbers({ op: name, pad, window, stride, rounding: dimRoundingMode }, t.shape);
      const y = run1(name, [t], [...window, ...stride, 1, 1, ...sides]);
      return y.dtype === t.dtype ? y : cast(y, t.dtype);
    }, 'x', name === 'avgPool' ? 'float32' : 'numeric');
  };
}

export const maxPool = /* @__PURE__ */ pooling('maxPool');
export const avgPool = /* @__PURE__ */ pooling('avgPool');

export function batchNorm(x: TensorInput, mean: TensorInput, variance: TensorInput, offset?: TensorInput | null, scale?: TensorInput | null, epsilon = 0.001): Tensor {
  const op = 'batchNorm';
  const inputs = [toTensor(x, 'x', op), toTensor(mean, 'mean', op), toTensor(variance, 'variance', op)];
  const given = (value?: TensorInput | null): value is TensorInput => value !== undefined && value !== null;
  if (given(offset)) inputs.push(toTensor(offset, 'offset', op));
  if (given(scale)) inputs.push(toTensor(scale, 'scale', op));
  const names = ['variance', ...(given(offset) ? ['offset'] : []), 'scale'];
  inputs.slice(2).forEach(({ rank }, i) => {
    if (rank !== inputs[1]?.rank) throw coded('shape', `Batch normalization gradient requires mean and ${names[i]} to have equal ranks.`);
  });
  return run1(op, inputs, [epsilon ?? 0.001, Number(given(offset)), Number(given(scale))]);
}

export function dropout(x: TensorInput, rate: number, noiseShape?: (number | null)[], seed?: number | string): Tensor {
  const t = toTensor(x, 'x', 'dropout');
  if (t.dtype !== 'float32') throw coded('dtype', `x has to be a floating point tensor since it's going to be scaled, but got a ${t.dtype} tensor instead.`);
  if (rate < 0 || rate >= 1) throw coded('argument', `rate must be a float in the range [0, 1), but got ${rate}.`);
  if (rate === 0) return x === t ? clone(t) : t;
  const shape = noiseShape === undefined || noiseShape === null || noiseShape.length !== t.rank ? (noiseShape ?? []) : noiseShape.map((d, i) => d ?? t.shape[i]);
  return run1('dropout', [t], [rate, seedOf(seed), ...(shape as number[])]);
}

/** A resize of the module's with TensorFlow.js's arguments. */
export function resizing(name: 'resizeBilinear' | 'resizeNearestNeighbor' | 'resizeBicubic') {
  return (images: TensorInput, size: [number, number], alignCorners = false, halfPixelCenters = false): Tensor => {
    const t = toTensor(images, 'images', name);
    if (t.rank !== 3 && t.rank !== 4) throw coded('shape', `Error in ${name}: x must be rank 3 or 4, but got rank ${t.rank}.`);
    if (size.length !== 2) throw coded('shape', `Error in ${name}: new shape must 2D, but got shape ${String(size)}.`);
    if (halfPixelCenters && alignCorners) throw coded('argument', `Error in ${name}: If halfPixelCenters is true, alignCorners must be false.`);
    if (name === 'resizeNearestNeighbor' && t.dtype !== 'float32' && t.dtype !== 'int32') throw coded('dtype', '`images` must have `int32` or `float32` as dtype');
    return overImages(t, name, 'NHWC', (x) => run1(name, [x], [...size, Number(alignCorners), Number(halfPixelCenters)]));
  };
}

export const resizeBilinear = /* @__PURE__ */ resizing('resizeBilinear');
export const resizeNearestNeighbor = /* @__PURE__ */ resizing('resizeNearestNeighbor');
