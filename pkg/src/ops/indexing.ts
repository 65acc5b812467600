/** Operations that pick and place elements by index, and those whose results' shapes depend on values. */

import { tensor, toTensor } from '../convert.js';
import { sizeOf } from '../shape.js';
import { run1, type Tensor, tidy } from '../tensor.js';
import { coded, type Shape, type TensorInput } from '../types.js';
import { gather, reshape } from './movement.js';
import { add, cast, mul } from './pointwise.js';

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
  return run1('gatherND', [t, index]);
}

/** The indices as vectors: a list of numbers points along the first dimension. */
function checkScatter(updates: Tensor, indices: Tensor, shape: Shape): Tensor {
  if (indices.rank < 1) throw coded('shape', `tf.scatterND() expects the indices to be rank 1 or higher, but the rank was ${indices.rank}.`);
  if (updates.rank < 1) throw coded('shape', `tf.scatterND() expects the updates to be rank 1 or higher, but the rank was ${updates.rank}.`);
  if (indices.dtype !== 'int32') throw coded('dtype', `The dtype of 'indices' should be int32, but got dtype: ${indices.dtype}`);
  if (shape.length < 1) throw coded('shape', `Output rank must be greater or equal to 1, but got shape: ${shape}`);
  if (shape.length === 0 && (indices.size !== 0 || updates.size !== 0)) throw coded('shape', 'Indices and updates specified for empty output.');
  const depth = indices.rank > 1 ? (indices.shape.at(-1) as number) : 1;
  const outer = indices.rank > 1 ? indices.shape.slice(0, -1) : indices.shape;
  const wanted = [...outer, ...shape.slice(depth)];
  if (wanted.length !== updates.rank || wanted.some((d, i) => d !== updates.shape[i])) {
    throw coded('shape', `Must have updates.shape = indices.shape[:batchDim] + shape[sliceDim:], got updates.shape: ${updates.shape}, indices.shape: ${indices.shape}, shape: ${shape}, sliceDim: ${depth}, and batchDim: ${outer.length}.`);
  }
  return indices.rank > 1 ? indices : reshape(indices, [-1, 1]);
}

/** Updates added at index vectors of zeros. */
export function scatterND(indices: TensorInput, updates: TensorInput, shape: Shape): Tensor {
  const index = toTensor(indices, 'indices', 'scatterND', 'int32');
  const values = toTensor(updates, 'updates', 'scatterND');
  return run1('scatterND', [checkScatter(values, index, shape), values], shape);
}

/** How updates join what is there. */
const REDUCTIONS = ['update', 'sum', 'prod', 'max', 'min'] as const;
export type ScatterReduction = (typeof REDUCTIONS)[number];

function place(op: string, x: TensorInput, indices: TensorInput, updates: TensorInput, reduction: ScatterReduction): Tensor {
  const t = toTensor(x, 'tensor', op);
  const index = toTensor(indices, 'indices', op, 'int32');
  const values = toTensor(updates, 'updates', op);
  const vectors = checkScatter(values, index, t.shape);
  if (t.dtype !== values.dtype) throw coded('dtype', `tensor and updates must have the same dtype, instead they are ${t.dtype} and ${values.dtype}.`);
  return run1('tensorScatter', [t, vectors, values], [REDUCTIONS.indexOf(reduction)]);
}

/** `tensor` with the slices at index vectors replaced; of several updates for one place the last stays. */
export const tensorScatterUpdate = (tensor: TensorInput, indices: TensorInput, updates: TensorInput): Tensor => place('tensorScatterupdate', tensor, indices, updates, 'update');

/** `tensor` with updates at index vectors: reduced with what is there, or in its place. */
export function scatterReduce(tensor: TensorInput, indices: TensorInput, updates: TensorInput, reduction: ScatterReduction): Tensor {
  if (!REDUCTIONS.includes(reduction)) throw coded('argument', `Error in scatterReduce: expected a reduction of ${REDUCTIONS.join(', ')}, received ${reduction}`);
  return place('scatterReduce', tensor, indices, updates, reduction);
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
  return run1('sparseToDense', [index, values, reshape(fallback, [])], outputShape);
}

const unsortedSegment = (op: string) => (x: TensorInput, segmentIds: TensorInput, numSegments: number): Tensor => {
  const t = toTensor(x, 'x', op);
  const ids = toTensor(segmentIds, 'segmentIds', op, 'int32');
  if (!Number.isInteger(numSegments)) throw coded('dtype', 'numSegments must be of dtype int');
  return run1(op, [reshape(t, [ids.size, ...t.shape.slice(ids.rank)]), reshape(ids, [-1])], [numSegments]);
};

/** Rows of `x` added up by segment; rows of negative segments are left out. */
export const unsortedSegmentSum = /* @__PURE__ */ unsortedSegment('unsortedSegmentSum');
/** The products of the rows of segments; 1 for one without rows. */
export const unsortedSegmentProd = /* @__PURE__ */ unsortedSegment('unsortedSegmentProd');
/** The largest of the rows of segments; the lowest value for one without rows. */
export const unsortedSegmentMax = /* @__PURE__ */ unsortedSegment('unsortedSegmentMax');
/** The smallest of the rows of segments; the highest value for one without rows. */
export const unsortedSegmentMin = /* @__PURE__ */ unsortedSegment('unsortedSegmentMin');
/** The means of the rows of segments; 0 for one without rows. */
export const unsortedSegmentMean = /* @__PURE__ */ unsortedSegment('unsortedSegmentMean');

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
  return run1('bincount', weights.size > 0 ? [x, weights] : [x], [size, Number(binary)]);
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
  return cast(reshape(run1('bincount', [cells], [numClasses * numClasses, 0]), [numClasses, numClasses]), 'int32');
}

/** Where values would be inserted into sorted sequences: before (`left`) or after (`right`) equal ones. */
export function searchSorted(sortedSequence: TensorInput, values: TensorInput, side: 'left' | 'right' = 'left'): Tensor {
  const sequence = toTensor(sortedSequence, 'sortedSequence', 'searchSorted');
  const wanted = toTensor(values, 'values', 'searchSorted');
  const rows = (t: Tensor): number => sizeOf(t.shape.slice(0, -1));
  if (rows(sequence) !== rows(wanted)) throw coded('shape', "Leading dimension of 'sortedSequence' and 'values' must match.");
  return run1('searchSorted', [sequence, wanted], [Number(side === 'right')]);
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

