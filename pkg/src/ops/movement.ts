/** Operations that move, join and pick elements. */

import { toTensor, toTensors } from '../convert.js';
import { run, run1, type Tensor } from '../tensor.js';
import { coded, type Shape, type TensorInput } from '../types.js';

const sizeOf = (shape: Shape): number => shape.reduce((a, b) => a * b, 1);

/** A shape with one -1 filled in. */
function filledShape(shape: Shape, size: number): Shape {
  const known = sizeOf(shape.filter((d) => d !== -1));
  const holes = shape.filter((d) => d === -1).length;
  if (holes > 1) throw coded('shape', `Shapes can only have 1 implicit size. Found -1 at dim ${shape.lastIndexOf(-1)}`);
  if (holes === 1 && (known === 0 || size % known !== 0)) {
    throw coded('shape', `The implicit shape can't be a fractional number. Got ${size} / ${known}`);
  }
  const filled = shape.map((d) => (d === -1 ? size / known : d));
  if (sizeOf(filled) !== size) throw coded('shape', `Size(${size}) must match the product of shape ${shape}`);
  return filled;
}

export function reshape(x: TensorInput, shape: Shape): Tensor {
  const t = toTensor(x, 'x', 'reshape');
  return run1('reshape', [t], filledShape(shape, t.size), t);
}

export function clone(x: TensorInput): Tensor {
  const t = toTensor(x, 'x', 'clone');
  return run1('reshape', [t], t.shape, t);
}

export function expandDims(x: TensorInput, axis = 0): Tensor {
  const t = toTensor(x, 'x', 'expandDims');
  if (axis > t.rank || axis < -(t.rank + 1)) throw coded('argument', 'Axis must be <= rank of the tensor');
  const shape = [...t.shape];
  shape.splice(axis < 0 ? axis + t.rank + 1 : axis, 0, 1);
  return reshape(t, shape);
}

export function squeeze(x: TensorInput, axis?: number | number[]): Tensor {
  const t = toTensor(x, 'x', 'squeeze');
  const axes = axis === undefined ? null : [axis].flat().map((a) => (a < 0 ? a + t.rank : a));
  axes?.forEach((a) => {
    if (t.shape[a] !== 1) throw coded('shape', `Can't squeeze axis ${a} since its dim '${t.shape[a]}' is not 1`);
  });
  return reshape(t, t.shape.filter((d, i) => (axes === null || axes.length === 0 ? d !== 1 : !axes.includes(i))));
}

export function transpose(x: TensorInput, perm?: number[]): Tensor {
  const t = toTensor(x, 'x', 'transpose');
  const order = perm ?? t.shape.map((_, i) => t.rank - 1 - i);
  if (order.length !== t.rank) throw coded('argument', `Error in transpose: rank of input ${t.rank} must match length of perm ${order}.`);
  return run1('transpose', [t], order);
}

export function broadcastTo(x: TensorInput, shape: Shape): Tensor {
  return run1('broadcastTo', [toTensor(x, 'x', 'broadcastTo')], shape);
}

export function slice(x: TensorInput, begin: number | number[], size?: number | number[]): Tensor {
  const t = toTensor(x, 'x', 'slice');
  if (t.rank === 0) throw coded('argument', 'Slicing scalar is not supported');
  const from = [begin].flat();
  const sizes = size === undefined ? [] : [size].flat();
  const begins = t.shape.map((_, i) => from[i] ?? 0);
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
  return run1('reverse', [toTensor(x, 'x', 'reverse')], axis === undefined ? [] : [axis].flat());
}

export function pad(x: TensorInput, paddings: [number, number][], constantValue = 0): Tensor {
  const t = toTensor(x, 'x', 'pad');
  if (t.rank === 0) throw coded('argument', 'pad(scalar) is not defined. Pass non-scalar to pad');
  return run1('pad', [t], [constantValue, ...paddings.flat()]);
}

export function tile(x: TensorInput, reps: number[]): Tensor {
  const t = toTensor(x, 'x', 'tile');
  if (t.rank !== reps.length) throw coded('argument', `Error in transpose: rank of input ${t.rank} must match length of reps ${reps}.`);
  return run1('tile', [t], reps);
}

export function concat(tensors: readonly TensorInput[], axis = 0): Tensor {
  const list = toTensors(tensors, 'tensors', 'concat');
  if (list.length === 0) throw coded('argument', 'Pass at least one tensor to concat');
  return run1('concat', list, [axis]);
}

export function stack(tensors: readonly TensorInput[], axis = 0): Tensor {
  const list = toTensors(tensors, 'tensors', 'stack');
  if (list.length === 0) throw coded('argument', 'Pass at least one tensor to tf.stack');
  return concat(list.map((t) => expandDims(t, axis)), axis);
}

export function split(x: TensorInput, numOrSizeSplits: number | number[], axis = 0): Tensor[] {
  const t = toTensor(x, 'x', 'split');
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
  const t = toTensor(x, 'x', 'unstack');
  const at = axis < 0 ? axis + t.rank : axis;
  if (at >= t.rank) throw coded('argument', `Axis = ${axis} is not in [-${t.rank}, ${t.rank})`);
  return split(t, t.shape[at] ?? 0, at).map((part) => squeeze(part, [at]));
}

export function gather(x: TensorInput, indices: TensorInput, axis = 0, batchDims = 0): Tensor {
  return run1('gather', [toTensor(x, 'x', 'gather'), toTensor(indices, 'indices', 'gather', 'int32')], [axis, batchDims]);
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
