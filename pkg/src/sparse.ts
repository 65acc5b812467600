/** `tf.sparse`: what is stored by the places and values of its elements. The sizes of results depend on values, so the host computes. */

import { ints, tensor, toTensor, type Expected } from './convert.js';
import { unsortedSegmentSum } from './ops/indexing.js';
import { gather } from './ops/movement.js';
import { cast, div } from './ops/pointwise.js';
import { sizeOf } from './shape.js';
import { tidy, type Tensor } from './tensor.js';
import { assert as need } from './util.js';
import { coded, type Shape, type TensorInput } from './types.js';

/** The tensor of an argument that must have a rank. */
function ranked(op: string, rank: number, name: string, x: TensorInput, dtype: Expected = 'int32'): Tensor {
  const t = toTensor(x, name, op, dtype);
  if (t.rank !== rank) {
    const words = name.replace(/^.|[A-Z]/g, (c, at) => (at > 0 ? ` ${c.toLowerCase()}` : c.toUpperCase()));
    throw coded('shape', `${words} should be ${rank > 0 ? `Tensor${rank}D` : 'a scalar'} but received shape ${t.shape}`);
  }
  return t;
}

/** The steps between neighbours along each axis. */
const stridesOf = (shape: Shape): number[] => shape.map((_, i) => sizeOf(shape.slice(i + 1)));

/** Gives every row without elements one with the default value. */
export function sparseFillEmptyRows(
  indices: TensorInput,
  values: TensorInput,
  denseShape: TensorInput,
  defaultValue: TensorInput,
): { outputIndices: Tensor; outputValues: Tensor; emptyRowIndicator: Tensor; reverseIndexMap: Tensor } {
  return tidy(() => {
    const op = 'sparseFillEmptyRows';
    const $indices = ranked(op, 2, 'indices', indices);
    const $values = ranked(op, 1, 'values', values, 'numeric');
    const [denseRows] = ranked(op, 1, 'denseShape', denseShape).dataSync();
    const [filler] = ranked(op, 0, 'defaultValue', defaultValue, $values.dtype).dataSync();
    const [count, rank] = $indices.shape;
    const places = $indices.dataSync();
    const given = $values.dataSync();
    need(denseRows !== 0 || count === 0, `Received SparseTensor with denseShape[0] = 0 but indices.shape[0] = ${count}`);
    const counts = new Array<number>(denseRows).fill(0);
    const rows = Array.from({ length: count }, (_, i) => {
      const row = places[i * rank];
      if (!(row >= 0 && row < denseRows)) throw coded('argument', `indices(${i}, 0) is invalid: ${row} ${row < 0 ? '< 0' : `>= ${denseRows}`}`);
      counts[row]++;
      return row;
    });
    const empty = counts.map((n) => n === 0);
    // Where the elements of each row begin.
    let total = 0;
    const next = counts.map((n) => (total += n || 1) - (n || 1));
    const outPlaces = new Int32Array(total * rank);
    const outValues = new Array<number>(total).fill(filler);
    empty.forEach((none, row) => {
      if (none) outPlaces[next[row] * rank] = row;
    });
    const moved = rows.map((row, i) => {
      const to = next[row]++;
      outPlaces.set(places.subarray(i * rank, (i + 1) * rank), to * rank);
      outValues[to] = given[i];
      return to;
    });
    return {
      outputIndices: tensor(outPlaces, [total, rank], 'int32'),
      outputValues: tensor(outValues, [total], $values.dtype),
      emptyRowIndicator: tensor(empty, [empty.length], 'bool'),
      reverseIndexMap: ints(moved),
    };
  });
}

/** The shape to reshape to, with one -1 filled in. */
function filledShape(from: Shape, wanted: Shape): Shape {
  const size = sizeOf(from);
  const hole = wanted.indexOf(-1);
  wanted.forEach((d, i) => {
    need(d !== -1 || i === hole, `only one output dimension may be -1, not both ${hole} and ${i}`);
    need(d >= -1, `size ${i} must be non-negative, not ${d}`);
  });
  const to = wanted.map((d) => (d === -1 ? 1 : d));
  const known = sizeOf(to);
  const shapes = `. inputShape=${from} outputShape=`;
  if (hole >= 0) {
    need(known > 0, 'reshape cannot infer the missing input size for an empty tensor unless all specified input sizes are non-zero');
    need(size % known === 0, `Input to reshape is a SparseTensor with ${size} dense values, but the requested shape requires a multiple of ${known}${shapes} ${to}`);
    to[hole] = size / known;
  } else {
    need(known === size, `Input to reshape is a tensor with ${size} dense values, but the requested shape has ${known}${shapes}${to}`);
  }
  return to;
}

/** The places of the same elements in another dense shape. */
export function sparseReshape(inputIndices: TensorInput, inputShape: TensorInput, newShape: TensorInput): { outputIndices: Tensor; outputShape: Tensor } {
  return tidy(() => {
    const op = 'sparseReshape';
    const indices = ranked(op, 2, 'inputIndices', inputIndices);
    const from = [...ranked(op, 1, 'inputShape', inputShape).dataSync()];
    const to = filledShape(from, [...ranked(op, 1, 'newShape', newShape).dataSync()]);
    const [count] = indices.shape;
    const places = indices.dataSync();
    const steps = stridesOf(from);
    const outSteps = stridesOf(to);
    const moved = new Int32Array(count * to.length);
    for (let i = 0; i < count; i++) {
      let at = steps.reduce((sum, step, d) => sum + step * places[i * from.length + d], 0);
      outSteps.forEach((step, d) => {
        moved[i * to.length + d] = at / step;
        at %= step;
      });
    }
    return { outputIndices: tensor(moved, [count, to.length], 'int32'), outputShape: ints(to) };
  });
}

/** Adds up the rows of each segment; segments are runs of equal ids, which must increase. */
function reduceSegments(op: string, data: TensorInput, indices: TensorInput, segmentIds: TensorInput, mean: boolean): Tensor {
  return tidy(() => {
    const $data = toTensor(data, 'data', op);
    need($data.rank > 0, 'Data should be at least 1 dimensional but received scalar');
    const from = ranked(op, 1, 'indices', indices).dataSync();
    const ids = ranked(op, 1, 'segmentIds', segmentIds).dataSync();
    need(from.length === ids.length, 'segmentIds and indices should have same size.');
    const [inputRows] = $data.shape;
    const rows = ids.length > 0 ? ids[ids.length - 1] + 1 : 0;
    need(ids.length === 0 || rows > 0, 'segment ids must be >= 0');
    const counts = new Int32Array(rows);
    for (let start = 0, end = 0; start < ids.length; start = end) {
      const row = ids[start];
      while (ids[end] === row) end++;
      need(!(ids[end] < row), 'segment ids are not increasing');
      need(row >= 0 && row < rows, `Segment id ${row} out of range [0, ${rows}), possibly because segmentIds input is not sorted.`);
      for (let i = start; i < end; i++) {
        if (from[i] < 0 || from[i] >= inputRows) throw coded('argument', `Bad: indices[${i}] == ${from[i]} out of range [0, ${inputRows})`);
      }
      counts[row] = end - start;
    }
    const sums = unsortedSegmentSum(gather($data, ints([...from])), ints([...ids]), rows);
    if (!mean) return sums;
    // Of whole numbers the mean is cut.
    const sizes = tensor(Float32Array.from(counts, (n) => Math.max(n, 1)), [rows, ...$data.shape.slice(1).map(() => 1)]);
    return cast(div(sums, sizes), $data.dtype);
  });
}

/** The means of the rows of each segment. */
export function sparseSegmentMean(data: TensorInput, indices: TensorInput, segmentIds: TensorInput): Tensor {
  return reduceSegments('sparseSegmentMean', data, indices, segmentIds, true);
}

/** The sums of the rows of each segment. */
export function sparseSegmentSum(data: TensorInput, indices: TensorInput, segmentIds: TensorInput): Tensor {
  return reduceSegments('sparseSegmentSum', data, indices, segmentIds, false);
}
