/** Operations that move, join and pick elements. */

import { assertAndGetBroadcastShape } from '../backend/shapes.js';
import { tensor, toTensor, toTensors } from '../convert.js';
import { assertNonNegativeIntegerDimensions, axesOf, inferFromImplicitShape, sameShape, sizeOf } from '../shape.js';
import { sliceInfo } from '../slice_util.js';
import { run, run1, type Tensor } from '../tensor.js';
import { special } from '../special_hook.js';
import { coded, type Shape, type TensorInput } from '../types.js';


/** What moves needs no arithmetic. */
const ANY = 'string_or_numeric';

export function reshape(x: TensorInput, shape: Shape): Tensor {
  const t = toTensor(x, 'x', 'reshape', ANY);
  return run1('reshape', [t], inferFromImplicitShape(shape, t.size), t);
}

export function clone(x: TensorInput): Tensor {
  const t = toTensor(x, 'x', 'clone', ANY);
  return run1('reshape', [t], t.shape, t);
}

export function expandDims(x: TensorInput, axis = 0): Tensor {
  const t = toTensor(x, 'x', 'expandDims', ANY);
  if (axis > t.rank || axis < -(t.rank + 1)) throw coded('argument', 'Axis must be <= rank of the tensor');
  const shape = [...t.shape];
  shape.splice(axis < 0 ? axis + t.rank + 1 : axis, 0, 1);
  return reshape(t, shape);
}

export function squeeze(x: TensorInput, axis?: number | number[]): Tensor {
  const t = toTensor(x, 'x', 'squeeze', ANY);
  const axes = axis === undefined ? null : [axis].flat().map((a) => (a < 0 ? a + t.rank : a));
  axes?.forEach((a) => {
    if (t.shape[a] !== 1) throw coded('shape', `Can't squeeze axis ${a} since its dim '${t.shape[a]}' is not 1`);
  });
  return reshape(t, t.shape.filter((d, i) => (axes === null || axes.length === 0 ? d !== 1 : !axes.includes(i))));
}

export function transpose(x: TensorInput, perm?: number[] | null, conjugate = false): Tensor {
  const given = toTensor(x, 'x', 'transpose', ANY);
  const t = conjugate && given.dtype === 'complex64' ? special().conj(given) : given;
  perm?.forEach((axis) => {
    if (axis < 0 || axis >= t.rank) throw coded('argument', `All entries in 'perm' must be between 0 and ${t.rank - 1} but got ${perm}`);
  });
  const order = perm ?? t.shape.map((_, i) => t.rank - 1 - i);
  if (order.length !== t.rank) throw coded('argument', `Error in transpose: rank of input ${t.rank} must match length of perm ${order}.`);
  if (t.rank <= 1) return clone(t);
  return run1('transpose', [t], order);
}

export function broadcastTo(x: TensorInput, shape: Shape): Tensor {
  const t = toTensor(x, 'broadcastTo', 'x', ANY);
  if (shape.length < t.rank) throw coded('shape', `broadcastTo(): shape.length=${shape.length} < input.rank=${t.rank}.`);
  assertNonNegativeIntegerDimensions(shape);
  return run1('broadcastTo', [t], shape);
}

export function slice(x: TensorInput, begin: number | number[], size?: number | number[]): Tensor {
  const t = toTensor(x, 'x', 'slice', ANY);
  if (t.rank === 0) throw coded('argument', 'Slicing scalar is not supported');
  const from = [begin].flat();
  const sizes = size === undefined ? [] : [size].flat();
  const begins = t.shape.map((_, i) => from[i] ?? 0);
  if (begins.some((b) => b < 0)) throw coded('argument', `slice() does not support negative begin indexing.`);
  const counts = t.shape.map((d, i) => {
    const count = sizes[i] ?? -1;
    return count === -1 ? d - (begins[i] ?? 0) : count;
  });
  t.shape.forEach((d, i) => {
    if ((begins[i] ?? 0) + (counts[i] ?? 0) > d || (counts[i] ?? 0) < 0) {
      throw coded('shape', `Error in slice${t.rank}D: begin[${i}] + size[${i}] (${(begins[i] ?? 0) + (counts[i] ?? 0)}) would overflow input.shape[${i}] (${d})`);
    }
  });
  return run1('slice', [t], [...begins, ...counts]);
}

export function reverse(x: TensorInput, axis?: number | number[]): Tensor {
  return run1('reverse', [toTensor(x, 'x', 'reverse', ANY)], axis === undefined ? [] : [axis].flat());
}

export function pad(x: TensorInput, paddings: readonly number[][], constantValue = 0): Tensor {
  const t = toTensor(x, 'x', 'pad');
  if (t.rank === 0) throw coded('argument', 'pad(scalar) is not defined. Pass non-scalar to pad');
  return run1('pad', [t], [constantValue, ...paddings.flat()]);
}

export function tile(x: TensorInput, reps: number[]): Tensor {
  const t = toTensor(x, 'x', 'tile', ANY);
  if (t.rank !== reps.length) throw coded('argument', `Error in transpose: rank of input ${t.rank} must match length of reps ${reps}.`);
  return run1('tile', [t], reps);
}

export function concat(tensors: readonly TensorInput[], axis = 0): Tensor {
  const list = toTensors(tensors, 'tensors', 'concat', ANY);
  const [first] = list;
  if (first === undefined) throw coded('argument', 'Pass at least one tensor to concat');
  if (first.dtype === 'complex64') {
    const other = list.find((t) => t.dtype !== 'complex64');
    if (other !== undefined) throw coded('dtype', `Cannot concatenate complex64 tensors with a tensor with dtype ${other.dtype}. `);
  }
  if (list.length === 1) return clone(first);
  const [at = 0] = axesOf(axis, first.rank);
  list.forEach((t, i) => {
    if (t.rank !== first.rank) throw coded('shape', `Error in concat${first.rank}D: rank of tensors[${i}] must be the same as the rank of the rest (${first.rank})`);
    if (t.shape.some((d, j) => j !== at && d !== first.shape[j])) {
      throw coded('shape', `Error in concat${first.rank}D: Shape of tensors[${i}] (${t.shape}) does not match the shape of the rest (${first.shape}) along the non-concatenated axis ${i}.`);
    }
  });
  return run1('concat', list, [at]);
}

export function stack(tensors: readonly TensorInput[], axis = 0): Tensor {
  const list = toTensors(tensors, 'tensors', 'stack', ANY);
  const [first] = list;
  if (first === undefined) throw coded('argument', 'Pass at least one tensor to tf.stack');
  if (axis > first.rank) throw coded('argument', 'Axis must be <= rank of the tensor');
  for (const t of list) {
    if (!sameShape(t.shape, first.shape)) throw coded('shape', 'All tensors passed to stack must have matching shapes');
    if (t.dtype !== first.dtype) throw coded('dtype', 'All tensors passed to stack must have matching dtypes');
  }
  return concat(list.map((t) => expandDims(t, axis)), axis);
}

export function split(x: TensorInput, numOrSizeSplits: number | number[], axis = 0): Tensor[] {
  const t = toTensor(x, 'x', 'split', ANY);
  const at = axis < 0 ? axis + t.rank : axis;
  const whole = t.shape[at] ?? 0;
  let sizes: number[];
  if (typeof numOrSizeSplits === 'number') {
    if (whole % numOrSizeSplits !== 0) throw coded('argument', 'Number of splits must evenly divide the axis.');
    sizes = new Array<number>(numOrSizeSplits).fill(whole / numOrSizeSplits);
  } else {
    const known = numOrSizeSplits.reduce((sum, s) => sum + Math.max(s, 0), 0);
    sizes = numOrSizeSplits.map((s) => (s === -1 ? whole - known : s));
  }
  if (sizes.reduce((a, b) => a + b, 0) !== whole) throw coded('shape', 'The sum of sizes must match the size of the axis dimension.');
  let start = 0;
  return sizes.map((size) => {
    const begin = t.shape.map((_, i) => (i === at ? start : 0));
    start += size;
    return slice(t, begin, t.shape.map((d, i) => (i === at ? size : d)));
  });
}

export function unstack(x: TensorInput, axis = 0): Tensor[] {
  const t = toTensor(x, 'x', 'unstack', ANY);
  const at = axis < 0 ? axis + t.rank : axis;
  if (at >= t.rank) throw coded('argument', `Axis = ${axis} is not in [-${t.rank}, ${t.rank})`);
  return split(t, t.shape[at] ?? 0, at).map((part) => squeeze(part, [at]));
}

export function gather(x: TensorInput, indices: TensorInput, axis = 0, batchDims = 0): Tensor {
  const [t, index] = [toTensor(x, 'x', 'gather', ANY), toTensor(indices, 'indices', 'gather', 'int32')];
  const [at = 0] = axesOf(axis, t.rank);
  if (batchDims < -index.rank || batchDims > index.rank) throw coded('argument', `Expect batchDims in the range of [-${index.rank}, ${index.rank}], but got ${batchDims}`);
  const batch = batchDims < 0 ? batchDims + index.rank : batchDims;
  if (batch > at) throw coded('argument', `batchDims (${batch}) must be less than or equal to axis (${at}).`);
  for (let d = 0; d < batch; d++) {
    if (t.shape[d] !== index.shape[d]) throw coded('shape', `x.shape[${d}]: ${t.shape[d]} should be equal to indices.shape[${d}]: ${index.shape[d]}.`);
  }
  return run1('gather', [t, index], [at, batch]);
}

export function topk(x: TensorInput, k = 1, _sorted = true): { values: Tensor; indices: Tensor } {
  const t = toTensor(x, 'x', 'topk');
  const last = t.shape.at(-1);
  if (last === undefined) throw coded('shape', 'topk() expects the input to be of rank 1 or higher');
  if (k < 0) throw coded('argument', `'k' passed to topk() must be >= 0 but got ${k}`);
  if (k > last) throw coded('argument', `'k' passed to topk() must be <= the last dimension (${last}) but got ${k}`);
  const [values, indices] = run('topk', [t], [k]) as [Tensor, Tensor];
  return { values, indices };
}

const ranked = <A extends unknown[]>(rank: number, op: string, f: (x: Tensor, ...rest: A) => Tensor) => (x: TensorInput, ...rest: A): Tensor => {
  const t = toTensor(x, 'x', op, ANY);
  if (t.rank !== rank) throw coded('shape', `Error in ${op}: x must be rank ${rank} but got rank ${t.rank}.`);
  return f(t, ...rest);
};
type Axes = number | number[];
export const slice1d = /* @__PURE__ */ ranked(1, 'slice1d', (x, begin: number, size: number) => slice(x, [begin], [size]));
const sliceOf = (rank: number) => ranked(rank, `slice${rank}d`, (x, begin: number[], size: number[]) => slice(x, begin, size));
export const slice2d = /* @__PURE__ */ sliceOf(2);
export const slice3d = /* @__PURE__ */ sliceOf(3);
export const slice4d = /* @__PURE__ */ sliceOf(4);
const reverseOf = (rank: number) => ranked(rank, `reverse${rank}D`, (x, axis?: Axes) => reverse(x, axis));
export const reverse1d = /* @__PURE__ */ ranked(1, 'reverse1D', (x) => reverse(x, 0));
export const reverse2d = /* @__PURE__ */ reverseOf(2);
export const reverse3d = /* @__PURE__ */ reverseOf(3);
export const reverse4d = /* @__PURE__ */ reverseOf(4);

function checkPairs(paddings: readonly number[][], rank: number): void {
  if (paddings.length !== rank || paddings.some((p) => p.length !== 2)) throw coded('argument', 'Invalid number of paddings. Must be length of 2 each.');
}
export function pad1d(x: TensorInput, paddings: [number, number], value = 0): Tensor {
  checkPairs([paddings], 1);
  return pad(x, [paddings], value);
}
const padOf = (rank: number) => (x: TensorInput, paddings: readonly number[][], value = 0): Tensor => {
  checkPairs(paddings, rank);
  return pad(x, paddings, value);
};
export const pad2d = /* @__PURE__ */ padOf(2);
export const pad3d = /* @__PURE__ */ padOf(3);
export const pad4d = /* @__PURE__ */ padOf(4);

export const concat1d = (tensors: readonly TensorInput[]): Tensor => concat(tensors, 0);
export const concat2d = concat;
export const concat3d = concat;
export const concat4d = concat;

/** A slice with steps, and masks that leave out, keep or add dimensions. */
export function stridedSlice(
  x: TensorInput, begin: number[], end: number[], strides?: number[],
  beginMask = 0, endMask = 0, ellipsisMask = 0, newAxisMask = 0, shrinkAxisMask = 0,
): Tensor {
  const t = toTensor(x, 'x', 'stridedSlice', ANY);
  const info = sliceInfo(t.shape, begin, end, strides ?? begin.map(() => 1), beginMask, endMask, ellipsisMask, newAxisMask, shrinkAxisMask);
  if (info.isIdentity) return reshape(t, info.finalShape);
  const counts = info.begin.map((from: number, d: number) => Math.max(0, Math.ceil(((info.end[d] as number) - from) / (info.strides[d] as number))));
  // Where nothing is left the module need not know where it was.
  if (counts.includes(0)) return reshape(slice(t, counts.map(() => 0), counts), info.finalShape);
  return reshape(run1('stridedSlice', [t], [...info.begin, ...counts, ...info.strides]), info.finalShape);
}

/** The tensor itself, if it has that shape; null stands for any size. */
export function ensureShape(x: Tensor, shape: (number | null)[]): Tensor {
  const t = toTensor(x, 'x', 'ensureShape', ANY);
  const fits = t.rank === shape.length && shape.every((d, i) => d === null || d === t.shape[i]);
  if (!fits) throw coded('shape', `EnsureShape: Shape of tensor ${t.shape} is not compatible with expected shape ${shape}`);
  return x;
}

/** The shape to which both broadcast. */
export function broadcastArgs(s0: TensorInput, s1: TensorInput): Tensor {
  const [a, b] = [toTensor(s0, 's0', 'broadcastArgs', 'int32'), toTensor(s1, 's1', 'broadcastArgs', 'int32')];
  if (a.rank !== 1) throw coded('shape', `broadcastArgs(): first input must be a vector (rank=1). Has rank ${a.rank}`);
  if (b.rank !== 1) throw coded('shape', `broadcastArgs(): second input must be a vector (rank=1). Has rank ${b.rank}`);
  return tensor(assertAndGetBroadcastShape([...a.dataSync<'int32'>()], [...b.dataSync<'int32'>()]), undefined, 'int32');
}

/** The inner blocks of a batch moved into space (and cropped). */
export function batchToSpaceND(x: TensorInput, blockShape: number[], crops: number[][]): Tensor {
  const t = toTensor(x, 'x', 'batchToSpaceND');
  const block = sizeOf(blockShape);
  if (t.rank < 1 + blockShape.length) throw coded('shape', `input rank is ${t.rank} but should be > than blockShape.length ${blockShape.length}`);
  if (crops.length !== blockShape.length) throw coded('argument', `crops.length is ${crops.length} but should be equal to blockShape.length  ${blockShape.length}`);
  const batch = t.shape[0] as number;
  if (batch % block !== 0) throw coded('shape', `input tensor batch is ${batch} but is not divisible by the product of the elements of blockShape ${blockShape.join(' * ')} === ${block}`);
  return run1('batchToSpaceND', [t], [...blockShape, ...crops.flat()]);
}

/** Blocks of space (after padding) moved into the batch. */
export function spaceToBatchND(x: TensorInput, blockShape: number[], paddings: number[][]): Tensor {
  const t = toTensor(x, 'x', 'spaceToBatchND');
  const n = blockShape.length;
  if (t.rank < 1 + n) throw coded('shape', `input rank ${t.rank} should be > than [blockShape] ${n}`);
  if (paddings.length !== n) throw coded('argument', `paddings.shape[0] ${paddings.length} must be equal to [blockShape] ${n}`);
  const space = t.shape.slice(1);
  blockShape.forEach((b, i) => {
    const [before = 0, after = 0] = paddings[i] ?? [];
    if (((space[i] as number) + before + after) % b !== 0) throw coded('shape', `input spatial dimensions ${space} with paddings ${paddings} must be divisible by blockShapes ${blockShape}`);
  });
  return run1('spaceToBatchND', [t], [...blockShape, ...paddings.flat()]);
}

/** Blocks of channels moved into space. */
export function depthToSpace(x: TensorInput, blockSize: number, dataFormat: 'NHWC' | 'NCHW' = 'NHWC'): Tensor {
  const t = toTensor(x, 'x', 'depthToSpace', 'float32');
  const first = dataFormat === 'NCHW';
  const [height = 0, width = 0, depth = 0] = first ? [t.shape[2], t.shape[3], t.shape[1]] : t.shape.slice(1);
  if (blockSize <= 1) throw coded('argument', `blockSize should be > 1 for depthToSpace, but was: ${blockSize}`);
  if (height * blockSize < 0 || width * blockSize < 0) throw coded('shape', `Negative dimension size caused by overflow when multiplying ${height} and ${blockSize}`);
  if (depth % (blockSize * blockSize) !== 0) throw coded('shape', `Dimension size must be evenly divisible by ${blockSize * blockSize} but is ${depth} for depthToSpace with input shape ${t.shape}`);
  const y = run1('depthToSpace', [first ? transpose(t, [0, 2, 3, 1]) : t], [blockSize]);
  return first ? transpose(y, [0, 3, 1, 2]) : y;
}

/** Blocks of space moved into channels: the inverse of `depthToSpace`. Not in TensorFlow.js. */
export function spaceToDepth(x: TensorInput, blockSize: number, dataFormat: 'NHWC' | 'NCHW' = 'NHWC'): Tensor {
  const t = toTensor(x, 'x', 'spaceToDepth');
  const first = dataFormat === 'NCHW';
  const y = run1('spaceToDepth', [first ? transpose(t, [0, 2, 3, 1]) : t], [blockSize]);
  return first ? transpose(y, [0, 3, 1, 2]) : y;
}

/** Borders that mirror the inside: without its edge (`reflect`) or with it (`symmetric`). */
export function mirrorPad(x: TensorInput, paddings: readonly number[][], mode: 'reflect' | 'symmetric'): Tensor {
  if (mode !== 'reflect' && mode !== 'symmetric') throw coded('argument', `Invalid mode. Mode must be either reflect or symmetric. Got ${String(mode)}.`);
  const t = toTensor(x, 'x', 'mirrorPad');
  if (t.rank === 0) throw coded('argument', 'mirrorPad(scalar) is not defined. Pass non-scalar to mirrorPad');
  if (paddings.length !== t.rank) throw coded('argument', `Padding doesn't match input. Must be ${t.rank}. Got ${paddings.length}.`);
  const edge = mode === 'reflect' ? 1 : 0;
  paddings.forEach(([before = 0, after = 0], axis) => {
    const size = t.shape[axis] as number;
    if (Math.min(before, after) < 0 || Math.max(before, after) > size - edge) {
      throw coded('argument', `Padding in dimension ${axis} cannot be greater than or equal to ${size - edge} or less than 0 for input of shape ${t.shape}`);
    }
  });
  return run1('mirrorPad', [t], [Number(mode === 'symmetric'), ...paddings.flat()]);
}

/** Coordinates of a grid. */
export function meshgrid(x?: TensorInput, y?: TensorInput, { indexing = 'xy' }: { indexing?: string } = {}): Tensor[] {
  if (indexing !== 'xy' && indexing !== 'ij') throw coded('argument', `${indexing} is not a valid third argument to meshgrid`);
  if (x === undefined) return [];
  const a = toTensor(x, 'x', 'meshgrid', x instanceof Object && 'dtype' in x ? (x as Tensor).dtype : 'float32');
  if (y === undefined) return [a];
  const b = toTensor(y, 'y', 'meshgrid', y instanceof Object && 'dtype' in y ? (y as Tensor).dtype : 'float32');
  return run('meshgrid', [a, b], [Number(indexing === 'xy')]);
}
