/** Operations that pick and place elements by index, and those whose results' shapes depend on values. */

import { scalar, tensor, toTensor } from '../convert.js';
import { fill, ones, range, zeros } from '../create.js';
import { sizeOf } from '../shape.js';
import { run1, type Tensor, tidy } from '../tensor.js';
import { coded, type Shape, type TensorInput } from '../types.js';
import { broadcastTo, concat, gather, reshape } from './movement.js';
import { add, cast, floorDiv, greater, greaterEqual, less, lessEqual, logicalAnd, minimum, mul, where } from './pointwise.js';
import { sum } from './reduce.js';

/** Positions in a flattened array of the index vectors in the last dimension, and the shape of what each points at. */
function flatIndices(indices: Tensor, shape: Shape, depth = indices.shape.at(-1) ?? 0): { flat: Tensor; inner: Shape } {
  const inner = shape.slice(depth);
  const strides = Int32Array.from({ length: depth }, (_, i) => sizeOf(shape.slice(i + 1, depth)));
  return { flat: reshape(sum(mul(reshape(indices, [-1, depth]), tensor(strides)), -1), [-1]), inner };
}

/** The same, computed here and now. */
function flatNow(indices: Tensor, shape: Shape, depth: number): number[] {
  const values = indices.dataSync<'int32'>();
  const rows = depth === 0 ? Number(indices.size > 0) : values.length / depth;
  return Array.from({ length: rows }, (_, i) => shape.slice(0, depth).reduce((sum, d, k) => sum * d + (values[i * depth + k] as number), 0));
}

/** Slices of `x` at index vectors. */
export function gatherND(x: TensorInput, indices: TensorInput): Tensor {
  const t = toTensor(x, 'x', 'gatherND', 'string_or_numeric');
  const index = toTensor(indices, 'indices', 'gatherND', 'int32');
  if (t.rank < 1) throw coded('shape', `tf.gatherND() expects the input to be rank 1 or higher, but the rank was ${t.rank}.`);
  if (index.rank < 1) throw coded('shape', `tf.gatherND() expects the indices to be rank 1 or higher, but the rank was ${index.rank}.`);
  if (index.dtype !== 'int32') throw coded('dtype', `tf.gatherND() expects the indices to be int32 type, but the dtype was ${index.dtype}.`);
  const depth = index.shape.at(-1) as number;
  if (depth > t.rank) throw coded('shape', `index innermost dimension length must be <= tensor rank; saw: ${depth} vs. ${t.rank}`);
  if (sizeOf(t.shape) === 0) throw coded('shape', `Requested more than 0 entries, but input is empty. Input shape: ${t.shape}.`);
  const { flat, inner } = flatIndices(index, t.shape);
  return reshape(gather(reshape(t, [sizeOf(t.shape.slice(0, depth)), ...inner]), flat), [...index.shape.slice(0, -1), ...inner]);
}

/** The numbers of an index vector. */
function checkScatter(updates: Tensor, indices: Tensor, shape: Shape): number {
  if (indices.rank < 1) throw coded('shape', `tf.scatterND() expects the indices to be rank 1 or higher, but the rank was ${indices.rank}.`);
  if (updates.rank < 1) throw coded('shape', `tf.scatterND() expects the updates to be rank 1 or higher, but the rank was ${updates.rank}.`);
  if (indices.dtype !== 'int32') throw coded('dtype', `The dtype of 'indices' should be int32, but got dtype: ${indices.dtype}`);
  if (shape.length < 1) throw coded('shape', `Output rank must be greater or equal to 1, but got shape: ${shape}`);
  if (shape.length === 0 && (indices.size !== 0 || updates.size !== 0)) throw coded('shape', 'Indices and updates specified for empty output.');
  // A list of numbers points along the first dimension.
  const depth = indices.rank > 1 ? (indices.shape.at(-1) as number) : 1;
  const outer = indices.rank > 1 ? indices.shape.slice(0, -1) : indices.shape;
  const wanted = [...outer, ...shape.slice(depth)];
  if (wanted.length !== updates.rank || wanted.some((d, i) => d !== updates.shape[i])) {
    throw coded('shape', `Must have updates.shape = indices.shape[:batchDim] + shape[sliceDim:], got updates.shape: ${updates.shape}, indices.shape: ${indices.shape}, shape: ${shape}, sliceDim: ${depth}, and batchDim: ${outer.length}.`);
  }
  return depth;
}

/** Updates added at index vectors of zeros. */
export function scatterND(indices: TensorInput, updates: TensorInput, shape: Shape): Tensor {
  const index = toTensor(indices, 'indices', 'scatterND', 'int32');
  const values = toTensor(updates, 'updates', 'scatterND');
  const { flat, inner } = flatIndices(index, shape, checkScatter(values, index, shape));
  const rows = sizeOf(shape) / Math.max(1, sizeOf(inner));
  return reshape(segmentSum(reshape(values, [flat.size, ...inner]), flat, rows), shape);
}

/** Rows added up by the number of their segment. */
function segmentSum(rows: Tensor, segments: Tensor, count: number): Tensor {
  const width = rows.size / Math.max(1, rows.shape[0] as number);
  const flat = reshape(rows, [rows.shape[0] as number, width]);
  const total = run1('unsortedSegmentSum', [flat.dtype === 'bool' ? cast(flat, 'int32') : flat, segments], [count]);
  return reshape(total, [count, ...rows.shape.slice(1)]);
}

/** `tensor` with the slices at index vectors replaced. */
export function tensorScatterUpdate(x: TensorInput, indices: TensorInput, updates: TensorInput): Tensor {
  const t = toTensor(x, 'tensor', 'tensorScatterupdate');
  const index = toTensor(indices, 'indices', 'tensorScatterupdate', 'int32');
  const values = toTensor(updates, 'updates', 'tensorScatterupdate');
  const depth = checkScatter(values, index, t.shape);
  if (t.dtype !== values.dtype) throw coded('dtype', `tensor and updates must have the same dtype, instead they are ${t.dtype} and ${values.dtype}.`);
  const inner = t.shape.slice(depth);
  const rows = sizeOf(t.shape.slice(0, t.rank - inner.length));
  // The last update of a place wins: its number is what the place takes.
  const last = new Int32Array(rows).fill(-1);
  flatNow(index, t.shape, depth).forEach((row, i) => (last[row] = i));
  const hit = tensor(Array.from(last, (i) => i >= 0), [rows, ...inner.map(() => 1)], 'bool');
  const picked = gather(reshape(values, [index.size / depth, ...inner]), tensor(last.map((i) => Math.max(i, 0)), undefined, 'int32'));
  return reshape(where(hit, picked, reshape(t, [rows, ...inner])), t.shape);
}

/** A dense tensor of values at index vectors. */
export function sparseToDense(sparseIndices: TensorInput, sparseValues: TensorInput, outputShape: Shape, defaultValue: TensorInput = 0): Tensor {
  const index = toTensor(sparseIndices, 'sparseIndices', 'sparseToDense', 'int32');
  const values = toTensor(sparseValues, 'sparseValues', 'sparseToDense', 'string_or_numeric');
  const fallback = toTensor(defaultValue, 'defaultValue', 'sparseToDense', values.dtype);
  if (index.dtype !== 'int32') throw coded('dtype', `tf.sparseToDense() expects the indices to be int32 type, but the dtype was ${index.dtype}.`);
  if (index.rank > 2) throw coded('shape', `sparseIndices should be a scalar, vector, or matrix, but got shape ${index.shape}.`);
  const count = index.rank > 0 ? (index.shape[0] as number) : 1;
  const dims = index.rank > 1 ? (index.shape[1] as number) : 1;
  if (outputShape.length !== dims) throw coded('shape', `outputShape has incorrect number of elements:, ${outputShape.length}, should be: ${dims}.`);
  if (!(values.rank === 0 || (values.rank === 1 && values.size === count))) throw coded('shape', `sparseValues has incorrect shape ${values.shape}, should be [] or [${count}]`);
  if (values.dtype !== fallback.dtype) throw coded('dtype', 'sparseValues.dtype must match defaultValues.dtype');
  const size = sizeOf(outputShape);
  const table = concat([reshape(broadcastTo(values, [count]), [count]), reshape(fallback, [1])]);
  const at = new Int32Array(size).fill(count);
  flatNow(index, outputShape, dims).forEach((place, i) => (at[place] = i));
  return reshape(gather(table, tensor(at, undefined, 'int32')), outputShape);
}

/** Rows of `x` added up by segment; rows of negative segments are left out. */
export function unsortedSegmentSum(x: TensorInput, segmentIds: TensorInput, numSegments: number): Tensor {
  const t = toTensor(x, 'x', 'unsortedSegmentSum');
  const ids = toTensor(segmentIds, 'segmentIds', 'unsortedSegmentSum', 'int32');
  if (!Number.isInteger(numSegments)) throw coded('dtype', 'numSegments must be of dtype int');
  const batch = ids.size;
  const rows = reshape(t, [batch, ...t.shape.slice(ids.rank)]);
  return segmentSum(rows, reshape(ids, [-1]), numSegments);
}

/** How often each number occurs, weighted. */
export function bincount(x: TensorInput, weights: TensorInput, size: number): Tensor {
  const t = toTensor(x, 'x', 'bincount');
  const w = toTensor(weights, 'weights', 'bincount');
  if (t.dtype !== 'int32') throw coded('dtype', `Error in bincount: input dtype must be int32, but got ${t.dtype}`);
  if (size < 0) throw coded('argument', `size must be non-negative, but got ${size}.`);
  if (w.size !== t.size && w.size !== 0) throw coded('shape', `Error in bincount: weights must have the same size as input or0-length, but got input shape: ${t.shape}, weights shape: ${w.shape}.`);
  return count(reshape(t, [-1]), w, size, false);
}

function count(x: Tensor, weights: Tensor, size: number, binary: boolean): Tensor {
  const rows = x.rank === 1 ? 1 : (x.shape[0] as number);
  const numbers = reshape(x, [rows, -1]);
  // Numbers outside are not counted, in no row.
  const inside = logicalAnd(greaterEqual(numbers, 0), less(numbers, size));
  const bins = where(inside, add(numbers, reshape(range(0, rows * size, Math.max(1, size), 'int32'), [rows, 1])), scalar(-1, 'int32'));
  const each = weights.size > 0 ? reshape(weights, [-1]) : ones([x.size]);
  const total = reshape(segmentSum(reshape(each, [-1, 1]), reshape(bins, [-1]), rows * size), x.rank === 1 ? [size] : [rows, size]);
  return binary ? cast(greater(total, 0), 'float32') : total;
}

/** `bincount` of each row. */
export function denseBincount(x: TensorInput, weights: TensorInput, size: number, binaryOutput = false): Tensor {
  const t = toTensor(x, 'x', 'denseBincount');
  const w = toTensor(weights, 'weights', 'denseBincount');
  if (t.dtype !== 'int32') throw coded('dtype', `Error in denseBincount: input dtype must be int32, but got ${t.dtype}`);
  if (t.rank > 2) throw coded('shape', `Error in denseBincount: input must be at most rank 2, but got rank ${t.rank}.`);
  if (size < 0) throw coded('argument', `size must be non-negative, but got ${size}.`);
  if (w.size !== t.size && w.size !== 0) throw coded('shape', `Error in denseBincount: weights must have the same shape as x or 0-length, but got x shape: ${t.shape}, weights shape: ${w.shape}.`);
  return count(t, w, size, binaryOutput);
}

/** How often a class was predicted as another: rows are labels, columns predictions. */
export function confusionMatrix(labels: TensorInput, predictions: TensorInput, numClasses: number): Tensor {
  const [a, b] = [toTensor(labels, 'labels', 'confusionMatrix'), toTensor(predictions, 'predictions', 'confusionMatrix')];
  if (numClasses !== null && !(numClasses > 0 && Number.isInteger(numClasses))) throw coded('argument', `If provided, numClasses must be a positive integer, but got ${numClasses}`);
  if (a.rank !== 1) throw coded('shape', `Expected the rank of labels to be 1, but got ${a.rank}`);
  if (b.rank !== 1) throw coded('shape', `Expected the rank of predictions to be 1, but got ${b.rank}`);
  if (a.shape[0] !== b.shape[0]) throw coded('shape', `Mismatch in the number of examples: ${a.shape[0]} vs. ${b.shape[0]}. Labels and predictions should have the same number of elements.`);
  const cells = add(mul(cast(a, 'int32'), tensor([numClasses], undefined, 'int32')), cast(b, 'int32'));
  return cast(reshape(segmentSum(ones([a.size, 1]), reshape(cells, [-1]), numClasses * numClasses), [numClasses, numClasses]), 'int32');
}

/** Where values would be inserted into sorted sequences: before (`left`) or after (`right`) equal ones. */
export function searchSorted(sortedSequence: TensorInput, values: TensorInput, side: 'left' | 'right' = 'left'): Tensor {
  const sequence = toTensor(sortedSequence, 'sortedSequence', 'searchSorted');
  const wanted = toTensor(values, 'values', 'searchSorted');
  const [length, number] = [sequence.shape.at(-1) as number, wanted.shape.at(-1) as number];
  const rows = reshape(sequence, [-1, length]);
  const columns = reshape(wanted, [-1, number]);
  if (rows.shape[0] !== columns.shape[0]) throw coded('shape', "Leading dimension of 'sortedSequence' and 'values' must match.");
  const before = side === 'left' ? less : lessEqual;
  const one = tensor([1], undefined, 'int32');
  // The place lies from `low` to `high`; each step halves what is left.
  let [low, high] = [zeros(columns.shape, 'int32'), fill(columns.shape, length, 'int32')];
  for (let left = length; left > 0; left = Math.floor(left / 2)) {
    const middle = floorDiv(add(low, high), tensor([2], undefined, 'int32'));
    const further = logicalAnd(less(low, high), before(gather(rows, minimum(middle, tensor([length - 1], undefined, 'int32')), 1, 1), columns));
    [low, high] = [where(further, add(middle, one), low), where(further, high, middle)];
  }
  return reshape(low, wanted.shape);
}
export const lowerBound = (sortedSequence: TensorInput, values: TensorInput): Tensor => searchSorted(sortedSequence, values, 'left');
export const upperBound = (sortedSequence: TensorInput, values: TensorInput): Tensor => searchSorted(sortedSequence, values, 'right');

/** The positions of what is true. */
export async function whereAsync(condition: TensorInput): Promise<Tensor> {
  const t = toTensor(condition, 'condition', 'whereAsync', 'bool');
  const values = await t.data();
  if (t !== condition) t.dispose();
  return positions(t.shape, values);
}

function positions(shape: Shape, values: ArrayLike<number>): Tensor {
  const found: number[] = [];
  for (let i = 0; i < values.length; i++) {
    if (!values[i]) continue;
    const at = found.length;
    for (let d = shape.length - 1, left = i; d >= 0; left = Math.floor(left / (shape[d] as number)), d--) found[at + d] = left % (shape[d] as number);
  }
  const rank = shape.length;
  return tensor(Int32Array.from(found), [rank === 0 ? Number(Boolean(values[0])) : found.length / rank, rank], 'int32');
}

/** The slices of `x` where the mask is true. */
export async function booleanMaskAsync(x: TensorInput, mask: TensorInput, axis = 0): Promise<Tensor> {
  const t = toTensor(x, 'tensor', 'boolMask', 'string_or_numeric');
  const m = toTensor(mask, 'mask', 'boolMask', 'bool');
  const from = axis ?? 0;
  if (m.rank === 0) throw coded('shape', 'mask cannot be scalar');
  if (t.shape.slice(from, from + m.rank).some((d, i) => d !== m.shape[i])) {
    throw coded('shape', `mask's shape must match the first K dimensions of tensor's shape, Shapes ${t.shape.slice(from, from + m.rank)} and ${m.shape} must match`);
  }
  const kept: number[] = [];
  (await m.data()).forEach((v, i) => {
    if (v) kept.push(i);
  });
  const result = tidy(() => {
    const flat = reshape(t, [...t.shape.slice(0, from), m.size, ...t.shape.slice(from + m.rank)]);
    return gather(flat, tensor(Int32Array.from(kept), undefined, 'int32'), from);
  });
  if (t !== x) t.dispose();
  if (m !== mask) m.dispose();
  return result;
}

/** The values of `x` that `y` lacks, and where they were. */
export async function setdiff1dAsync(x: TensorInput, y: TensorInput): Promise<[Tensor, Tensor]> {
  const [a, b] = [toTensor(x, 'x', 'setdiff1d'), toTensor(y, 'y', 'setdiff1d')];
  if (a.dtype !== b.dtype) throw coded('dtype', `x and y should have the same dtype, but got x (${a.dtype}) and y (${b.dtype}).`);
  if (a.rank !== 1) throw coded('shape', `x should be 1D tensor, but got x (${a.shape}).`);
  if (b.rank !== 1) throw coded('shape', `y should be 1D tensor, but got y (${b.shape}).`);
  const values = await a.data();
  const without = new Set<number>(await b.data());
  const kept = [...values.keys()].filter((i) => !without.has(values[i] as number));
  return [tensor(Float32Array.from(kept, (i) => values[i] as number), undefined, a.dtype), tensor(Int32Array.from(kept), undefined, 'int32')];
}

/** Whether targets are among the `k` largest predictions of their rows. */
export async function inTopKAsync(predictions: TensorInput, targets: TensorInput, k = 1): Promise<Tensor> {
  const p = toTensor(predictions, 'predictions', 'inTopK');
  const t = toTensor(targets, 'targets', 'inTopK');
  if (p.rank <= 1) throw coded('shape', `inTopK() expects the predictions to be of rank 2 or higher, but got ${p.rank}`);
  if (p.rank - 1 !== t.rank) throw coded('shape', `predictions rank should be 1 larger than targets rank, but got predictions rank ${p.rank} and targets rank ${t.rank}`);
  if (p.shape.slice(0, -1).some((d, i) => d !== t.shape[i])) {
    throw coded('shape', "predictions's shape should be align with the targets' shape, except the last dimension.");
  }
  const last = p.shape.at(-1) as number;
  if (!(k > 0 && k <= last)) throw coded('argument', `'k' passed to inTopK() must be > 0 && <= the predictions last dimension (${last}), but got ${k}`);
  const [scores, wanted] = [await p.data(), await t.data()];
  const hits = Array.from(wanted, (target, row) => {
    const of = scores.subarray(row * last, (row + 1) * last);
    const score = of[target] as number;
    // Of equal scores the earlier one counts as larger.
    return Array.from(of).reduce((n, s, i) => n + Number(s > score || (s === score && i < target)), 0) < k;
  });
  if (p !== predictions) p.dispose();
  if (t !== targets) t.dispose();
  return tensor(hits, t.shape, 'bool');
}

/** The distinct slices along an axis in the order of their first places, and which of them each slice is. */
export function unique(x: TensorInput, axis = 0): { values: Tensor; indices: Tensor } {
  const t = toTensor(x, 'x', 'unique', 'string_or_numeric');
  if (t.rank === 0) throw coded('shape', 'Expected a tensor of rank at least 1 in unique, received a scalar');
  const at = axis < 0 ? axis + t.rank : axis;
  const values = t.dataSync() as ArrayLike<unknown>;
  const length = t.shape[at] as number;
  const inner = sizeOf(t.shape.slice(at + 1));
  const outer = sizeOf(t.shape.slice(0, at));
  const seen = new Map<string, number>();
  const first: number[] = [];
  const indices = Int32Array.from({ length }, (_, i) => {
    const slice: unknown[] = [];
    for (let o = 0; o < outer; o++) for (let j = 0; j < inner; j++) slice.push(values[(o * length + i) * inner + j]);
    const key = JSON.stringify(slice.map(String));
    if (!seen.has(key)) seen.set(key, first.push(i) - 1);
    return seen.get(key) as number;
  });
  return { values: gather(t, tensor(Int32Array.from(first), undefined, 'int32'), at), indices: tensor(indices, undefined, 'int32') };
}

