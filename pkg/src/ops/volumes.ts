/** Convolutions and pooling of volumes, and other windows: arguments as TensorFlow.js takes them; the module's operations do
 *  the rest. */

import { toTensor } from '../convert.js';
import { run, run1, type Tensor } from '../tensor.js';
import { coded, type TensorInput } from '../types.js';
import { avgPool, batchNorm, maxPool, type Pad, type Rounding } from './contract.js';
import { expandDims, pad as surround, squeeze, transpose } from './movement.js';
import { along, checkPadOnDimRoundingMode, effective, paddingNumbers } from './padding.js';
import { cast } from './pointwise.js';

type Pair = number | [number, number];
type Triple = number | [number, number, number];
const pair = (v: Pair): [number, number] => (typeof v === 'number' ? [v, v] : [v[0], v[1] ?? v[0]]);
const triple = (v: Triple): [number, number, number] => (typeof v === 'number' ? [v, v, v] : v);

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

/** The convolution of volumes [batch, depth, height, width, channels] with filters [depth, height, width, in / groups, out]. */
export function conv3d(x: TensorInput, filter: TensorInput, strides: Triple, pad: Pad, dataFormat: 'NDHWC' | 'NCDHW' = 'NDHWC', dilations: Triple = 1, groups = 1): Tensor {
  const w = toTensor(filter, 'filter', 'conv3d');
  const [stride, dilation] = [triple(strides), triple(dilations)];
  if (w.rank !== 5) throw coded('shape', `Error in conv3d: filter must be rank 5, but got rank ${w.rank}.`);
  if (dataFormat !== 'NDHWC' && dataFormat !== 'NCDHW') throw coded('argument', `Error in conv3d: got dataFormat of ${String(dataFormat)} but only NDHWC is currently supported.`);
  if (!positive(...dilation)) throw coded('argument', 'Error in conv3d: Dilated rates should be larger than 0.');
  if (!positive(...stride)) throw coded('argument', 'Error in conv3d: Strides should be larger than 0.');
  return overVolumes(x, 'conv3d', dataFormat, (t) => {
    const wanted = (w.shape[3] as number) * groups;
    if (t.shape[4] !== wanted) throw coded('shape', `Error in conv3d: depth of input (${t.shape[4]}) must match input depth for filter ${wanted}.`);
    const sides = paddingNumbers({ op: 'conv3d', pad, window: w.shape.slice(0, 3), stride, dilation }, t.shape);
    return run1('conv3d', [t, w], [...stride, ...dilation, groups, ...sides]);
  });
}

/** The gradient of `conv3d` with respect to its input, as an operation. The filter is [depth, height, width, out / groups, in]. */
export function conv3dTranspose(x: TensorInput, filter: TensorInput, outputShape: number[], strides: Triple, pad: Pad, groups = 1): Tensor {
  const w = toTensor(filter, 'filter', 'conv3dTranspose');
  const stride = triple(strides);
  return overVolumes(x, 'conv3dTranspose', 'NDHWC', (t) => {
    const [channels, wanted] = [outputShape.at(-1) as number, (w.shape[3] as number) * groups];
    if (t.shape[4] !== w.shape[4]) throw coded('shape', `Error in conv3dDerInput: depth of output (${t.shape[4]}) must match output depth for filter ${w.shape[4]}.`);
    if (channels !== wanted) throw coded('shape', `Error in conv3dDerInput: depth of output (${channels}) must match input depth for filter ${wanted}.`);
    const sides = paddingNumbers({ op: 'conv3dTranspose', pad, window: w.shape.slice(0, 3), stride }, t.shape);
    return run1('conv3dTranspose', [t, w], [...outputShape.slice(-4, -1), ...stride, 1, 1, 1, groups, ...sides]);
  });
}

/** The gradient of `conv1d` with respect to its input, as an operation. The filter is [width, out / groups, in]; the output
 *  shape ends with width and channels. */
export function conv1dTranspose(x: TensorInput, filter: TensorInput, outputShape: number[], stride: number, pad: Pad, groups = 1): Tensor {
  const op = 'conv1dTranspose';
  const [t, w] = [toTensor(x, 'x', op, 'float32'), toTensor(filter, 'filter', op, 'float32')];
  if (t.rank !== 2 && t.rank !== 3) throw coded('shape', `Error in ${op}: input must be rank 3, but got rank ${t.rank}.`);
  if (w.rank !== 3) throw coded('shape', `Error in ${op}: filter must be rank 3, but got rank ${w.rank}.`);
  const [width = 0, channels = 0] = outputShape.slice(-2);
  const wanted = (w.shape[1] as number) * groups;
  if (channels !== wanted) throw coded('shape', `Error in ${op}: depth of output (${channels}) must match input depth for filter ${wanted}.`);
  const batched = t.rank === 2 ? expandDims(t, 0) : t;
  const sides = paddingNumbers({ op, pad, window: w.shape.slice(0, 1), stride: [stride], axis: 2 }, batched.shape);
  const y = run1(op, [batched, w], [width, stride, 1, groups, ...sides]);
  return t.rank === 2 ? squeeze(y, [0]) : y;
}

function pool3d(op: 'avgPool3d' | 'maxPool3d') {
  return (x: TensorInput, filterSize: Triple, strides: Triple, pad: Pad, dimRoundingMode?: Rounding, dataFormat: 'NDHWC' | 'NCDHW' = 'NDHWC'): Tensor => {
    const [window, stride] = [triple(filterSize), triple(strides)];
    if (dataFormat !== 'NDHWC' && dataFormat !== 'NCDHW') throw coded('argument', `Error in ${op}: Only NDHWC is currently supported, but got dataFormat of ${String(dataFormat)}`);
    if (!positive(...stride)) throw coded('argument', `Error in ${op}: Stride must be > 0, but got '${stride}'`);
    checkPadOnDimRoundingMode(op, pad, dimRoundingMode);
    return overVolumes(x, op, dataFormat, (t) => run1(op, [t], [...window, ...stride, 1, 1, 1, ...paddingNumbers({ op, pad, window, stride, rounding: dimRoundingMode }, t.shape)]));
  };
}
export const avgPool3d = /* @__PURE__ */ pool3d('avgPool3d');
export const maxPool3d = /* @__PURE__ */ pool3d('maxPool3d');

/** Greyscale dilation: the largest sum of image and filter under each window. */
export function dilation2d(x: TensorInput, filter: TensorInput, strides: Pair, pad: 'valid' | 'same', dilations: Pair = 1, dataFormat: 'NHWC' = 'NHWC'): Tensor {
  const op = 'dilation2d';
  const [given, w] = [toTensor(x, 'x', op), toTensor(filter, 'filter', op)];
  if (given.rank !== 3 && given.rank !== 4) throw coded('shape', `Error in dilation2d: input must be rank 3 or 4, but got rank ${given.rank}.`);
  if (w.rank !== 3) throw coded('shape', `Error in dilation2d: filter must be rank 3, but got rank ${w.rank}.`);
  if (dataFormat !== 'NHWC') throw coded('argument', `Error in dilation2d: Only NHWC is currently supported, but got dataFormat of ${String(dataFormat)}`);
  const t = given.rank === 3 ? expandDims(given, 0) : given;
  if (t.shape[3] !== w.shape[2]) throw coded('shape', `Error in dilation2d:  input and filter must have the same depth: ${t.shape[3]} vs ${w.shape[2]}`);
  const [stride, dilation] = [pair(strides), pair(dilations)];
  const sides = paddingNumbers({ op, pad, window: w.shape.slice(0, 2), stride, dilation }, t.shape);
  const y = run1(op, [t, w], [...stride, ...dilation, ...sides]);
  return given.rank === 3 ? squeeze(y, [0]) : y;
}

/** `maxPool`, and where the largest elements were in the flattened image (or batch). */
export function maxPoolWithArgmax(x: TensorInput, filterSize: Pair, strides: Pair, pad: 'valid' | 'same' | number, includeBatchInIndex = false): { result: Tensor; indexes: Tensor } {
  const op = 'maxPoolWithArgmax';
  const t = toTensor(x, 'x', op);
  const [window, stride] = [pair(filterSize), pair(strides)];
  const sides = paddingNumbers({ op, pad, window, stride }, t.shape);
  const [result, indexes] = run(op, [t], [...window, ...stride, 1, 1, ...sides, Number(includeBatchInIndex)]) as [Tensor, Tensor];
  return { result: cast(result, t.dtype), indexes };
}

/** Each element over a power of the squares of its neighbours among the channels (Krizhevsky et al. 2012). */
export function localResponseNormalization(x: TensorInput, depthRadius = 5, bias = 1, alpha = 1, beta = 0.5): Tensor {
  const given = toTensor(x, 'x', 'localResponseNormalization');
  if (given.rank !== 3 && given.rank !== 4) throw coded('shape', `Error in localResponseNormalization: x must be rank 3 or 4 but got\n               rank ${given.rank}.`);
  if (!Number.isInteger(depthRadius)) throw coded('argument', `Error in localResponseNormalization: depthRadius must be an integer but got depthRadius ${depthRadius}.`);
  return run1('localResponseNormalization', [given], [depthRadius, bias, alpha, beta]);
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
export function pool(input: TensorInput, windowShape: Pair, poolingType: 'avg' | 'max', pad: Pad, dilations: Pair = 1, strides: Pair = 1, dimRoundingMode?: Rounding): Tensor {
  const [dilation, stride, window] = [pair(dilations ?? 1), pair(strides ?? 1), pair(windowShape)];
  const given = toTensor(input, 'x', 'maxPool');
  if (dilation.some((d) => d > 1) && stride.some((s) => s > 1)) throw coded('argument', `Either strides or dilations must be 1. Got strides ${stride} and dilations '${dilation}'`);
  checkPadOnDimRoundingMode('pool', pad, dimRoundingMode);
  if (dilation.every((d) => d === 1)) return (poolingType === 'avg' ? avgPool : maxPool)(given, window, stride, pad, dimRoundingMode);
  const t = given.rank === 3 ? expandDims(given, 0) : given;
  // As in TensorFlow.js, the zeros around dilated windows count.
  const around = dilation.map((d, i) => along(pad, t.shape[i + 1] as number, effective(window[i] as number, d), 1, i + 1).slice(0, 2) as [number, number]);
  const y = run1(`${poolingType}Pool`, [surround(t, [[0, 0], ...around, [0, 0]])], [...window, 1, 1, ...dilation, 0, 0, 0, 0, 0]);
  const result = cast(y, t.dtype);
  return given.rank === 3 ? squeeze(result, [0]) : result;
}
