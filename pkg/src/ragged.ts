/** Ragged tensors: values whose rows differ in length. The sizes of results depend on values, so the host computes. */

import { ints, tensor, toTensor } from './convert.js';
import { broadcastTo, concat, gather, reshape } from './ops/movement.js';
import { sizeOf } from './shape.js';
import { tidy, type Tensor } from './tensor.js';
import { assert as need } from './util.js';
import { coded, type Shape, type TensorInput } from './types.js';

/** Int32 tensors of a list argument, under the names that errors give them. */
const listed = (list: readonly TensorInput[], op: string): Tensor[] => list.map((x, i) => toTensor(x, `tensors${i}`, op, 'int32'));

function checkIndices(indices: Tensor, rows: number): void {
  indices.dataSync().forEach((index: number, i: number) => {
    if (index >= 0 && index < rows) return;
    const place = indices.shape.map((d, axis) => Math.floor(i / sizeOf(indices.shape.slice(axis + 1))) % d);
    throw coded('argument', `indices[${place}] = ${index} is not in [0, ${rows})`);
  });
}

function checkSplits(nested: ArrayLike<number>[], values: number): void {
  nested.forEach((splits, dim) => {
    need(splits.length > 0, 'Ragged splits may not be empty');
    need(splits[0] >= 0, 'Ragged splits must be non-negative');
    need(splits[splits.length - 1] <= (nested[dim + 1]?.length ?? values), 'Ragged splits must not point past values');
    for (let i = 1; i < splits.length; i++) need(splits[i - 1] <= splits[i], 'Ragged splits must be sorted in ascending order');
  });
}

/** The splits of what is gathered, and the rows of values that it takes. */
function gatherSplits(indices: Tensor, nested: ArrayLike<number>[]): { splits: number[][]; rows: number[] } {
  const { shape } = indices;
  // All dimensions of the indices but the last are rows of equal length.
  const splits = shape.slice(1).map((length, dim) => Array.from({ length: sizeOf(shape.slice(0, dim + 1)) + 1 }, (_, i) => i * length));
  const inner = nested.map(() => [0]);
  const rows: number[] = [];
  for (const index of indices.dataSync()) {
    let [start, limit] = [index, index + 1];
    nested.forEach((from, dim) => {
      const out = inner[dim];
      const shift = out[out.length - 1] - from[start];
      for (let j = start; j < limit; j++) out.push(from[j + 1] + shift);
      [start, limit] = [from[start], from[limit]];
    });
    for (let row = start; row < limit; row++) rows.push(row);
  }
  // A scalar index takes the outermost splits away.
  return { splits: [...splits, ...(shape.length === 0 ? inner.slice(1) : inner)], rows };
}

/** Gathers rows of a ragged tensor. */
export function raggedGather(
  paramsNestedSplits: readonly TensorInput[],
  paramsDenseValues: TensorInput,
  indices: TensorInput,
  _outputRaggedRank: number,
): { outputNestedSplits: Tensor[]; outputDenseValues: Tensor } {
  return tidy(() => {
    const nested = listed(paramsNestedSplits, 'raggedGather');
    const values = toTensor(paramsDenseValues, 'paramsDenseValues', 'raggedGather');
    const $indices = toTensor(indices, 'indices', 'raggedGather', 'int32');
    need(nested.length > 0, 'paramsNestedSplits must be non empty');
    need(nested[0].rank > 0, 'Split tensors must not be scalars');
    checkIndices($indices, nested[0].shape[0] - 1);
    need(values.rank > 0, 'params.rank must be nonzero');
    const from = nested.map((t) => t.dataSync());
    checkSplits(from, values.shape[0]);
    const { splits, rows } = gatherSplits($indices, from);
    return { outputNestedSplits: splits.map(ints), outputDenseValues: gather(values, ints(rows)) };
  });
}

/** How many values lie between, a step apart. */
function rangeSize(start: number, limit: number, delta: number): number {
  need(delta !== 0, 'Requires delta != 0');
  const size = Math.max(0, Math.ceil((limit - start) / delta));
  need(!(size > 0x7fffffff), 'Requires ((limit - start) / delta) <= 2147483647');
  return size;
}

/** A row of evenly spaced values for each start, limit and delta; scalars hold for every row. */
export function raggedRange(starts: TensorInput, limits: TensorInput, deltas: TensorInput): { rtNestedSplits: Tensor; rtDenseValues: Tensor } {
  return tidy(() => {
    const op = 'raggedRange';
    const $starts = toTensor(starts, 'starts', op);
    const { dtype } = $starts;
    const inputs = { starts: $starts, limits: toTensor(limits, 'limits', op, dtype), deltas: toTensor(deltas, 'deltas', op, dtype) };
    for (const [name, t] of Object.entries(inputs)) need(t.rank < 2, `${name} must be a scalar or vector`);
    const list = Object.values(inputs);
    const sizes = list.filter((t) => t.rank > 0).map((t) => t.size);
    need(sizes.every((size) => size === sizes[0]), 'starts, limits, and deltas must have the same shape');
    const [first, last, step] = list.map((t) => {
      const data = t.dataSync();
      return (row: number): number => data[t.rank === 0 ? 0 : row];
    });
    const splits = [0];
    const values: number[] = [];
    for (let row = 0; row < (sizes[0] ?? 1); row++) {
      const size = rangeSize(first(row), last(row), step(row));
      for (let i = 0, value = first(row); i < size; i++, value += step(row)) values.push(value);
      splits.push(values.length);
    }
    return { rtNestedSplits: ints(splits), rtDenseValues: tensor(values, [values.length], dtype) };
  });
}

/** How the elements of one dimension are put into rows. */
interface Partition {
  type: string;
  data: ArrayLike<number>;
}

/** The rows that have elements, each with how many. `refusal` begins the error for other types of partitions. */
function rowsOf({ type, data }: Partition, refusal: string): [number, number][] {
  const rows: [number, number][] = [];
  if (type === 'ROW_SPLITS') {
    for (let row = 0; row < data.length - 1; row++) rows.push([row, data[row + 1] - data[row]]);
  } else if (type === 'VALUE_ROWIDS') {
    for (let start = 0, end = 0; start < data.length; start = end) {
      while (data[end] === data[start]) end++;
      rows.push([data[start], end - start]);
    }
  } else {
    need(false, refusal + type);
  }
  return rows;
}

/** Where each element of a dimension goes, given where its row goes; -1 is nowhere. */
function placeElements(partition: Partition, parents: number[], width: number): number[] {
  const places: number[] = [];
  const count = parents.length;
  const { type, data } = partition;
  const rows = rowsOf(partition, 'Unsupported partition type: ');
  const splits = type === 'ROW_SPLITS';
  need(!splits || rows.length <= count, `Row partition size is greater than output size: ${rows.length} > ${count}`);
  rows.forEach(([row, length], i) => {
    if (row >= count) throw coded('argument', `Got ${i > 0 ? `nextValueRowId=${row}` : `currentValueRowId=${row},`} which is not less than ${count}`);
    for (let column = 0; column < length; column++) places.push(column < width && parents[row] >= 0 ? parents[row] * width + column : -1);
  });
  need(!splits || data.length === 0 || places.length === data[rows.length], 'Invalid row split size.');
  return places;
}

/** How many rows the first partition has. */
function firstSize({ type, data }: Partition): number {
  need(data.length > 0, 'Invalid first partition input. Tensor requires at least one element.');
  if (type === 'FIRST_DIM_SIZE') return data[0];
  need(type === 'ROW_SPLITS', `Cannot handle ${type === 'VALUE_ROWIDS' ? `${type} in first dimension.` : `type ${type}`}`);
  return data.length - 1;
}

/** That the default value broadcasts to an element of the values. */
function checkDefault(shape: Shape, values: Shape): void {
  const both = `defaultValue.shape=${shape} and ragged tensor flatValues.shape=${values} are incompatible: defaultValue.`;
  need(shape.length < values.length, `${both}rank = ${shape.length} must be less than ragged tensor input flatValues.rank = ${values.length}`);
  shape.forEach((d, i) => {
    const at = `shape[${i - shape.length}] = `;
    need(d === 1 || d === values[i + 1], `${both}${at}${d} but ragged tensor input.flatValues.${at}${values[i + 1]}`);
  });
}

/** The wanted shape with the sizes of elements filled in; -1 is left where the widest row tells. */
function combineShapes(wanted: Tensor, raggedRank: number, values: Shape): Shape {
  const given = [...wanted.dataSync()];
  const rank = raggedRank + values.length;
  need(wanted.rank > 0 || given[0] === -1, 'The only valid scalar shape tensor is the fully unknown shape specified as -1.');
  const sizes = wanted.rank > 0 ? given : new Array<number>(rank).fill(-1);
  const both = `rt input.shape and shape=${sizes} are incompatible: rt input.`;
  for (const d of sizes) need(d >= -1, `Dimension ${d} must be >= -1`);
  need(rank === sizes.length, `${both}rank = ${rank}, but shape.rank = ${sizes.length}`);
  return sizes.map((d, i) => {
    const value = i > raggedRank ? values[i - raggedRank] : d;
    need(d < 0 || d === value, `${both}shape[${i}] = ${value} but shape[${i}] = ${d}`);
    return value;
  });
}

/** A dense tensor of a ragged one: rows that are too short end in the default value, rows that are too long are cut. */
export function raggedTensorToTensor(
  shape: TensorInput,
  values: TensorInput,
  defaultValue: TensorInput,
  rowPartitionTensors: readonly TensorInput[],
  rowPartitionTypes: readonly string[],
): Tensor {
  return tidy(() => {
    const op = 'raggedTensorToTensor';
    const wanted = toTensor(shape, 'shape', op, 'int32');
    const $values = toTensor(values, 'values', op);
    const filler = toTensor(defaultValue, 'defaultValue', op, $values.dtype);
    const tensors = listed(rowPartitionTensors, op);
    const partitions = rowPartitionTypes.map((type, i) => ({ type, data: tensors[i].dataSync() }));
    need(partitions.length > 0, 'No row_partition_types given.');
    const rows = firstSize(partitions[0]);
    if (partitions[0].type === 'FIRST_DIM_SIZE') partitions.shift();
    const raggedRank = partitions.length;
    checkDefault(filler.shape, $values.shape);
    const outShape = combineShapes(wanted, raggedRank, $values.shape);
    if (outShape[0] < 0) outShape[0] = rows;
    partitions.forEach((partition, i) => {
      if (outShape[i + 1] < 0) outShape[i + 1] = rowsOf(partition, 'Cannot handle partition type ').reduce((most, [, length]) => Math.max(most, length), 0);
    });
    // Which of the values each element is; the one after the last is the default.
    const picks = new Array<number>(sizeOf(outShape.slice(0, raggedRank + 1))).fill($values.shape[0]);
    if (picks.length > 0) {
      let places = Array.from({ length: rows }, (_, i) => (i < outShape[0] ? i : -1));
      partitions.forEach((partition, i) => (places = placeElements(partition, places, outShape[i + 1])));
      places.forEach((place, i) => {
        if (place >= 0) picks[place] = i;
      });
    }
    return reshape(gather(concat([$values, broadcastTo(filler, [1, ...outShape.slice(raggedRank + 1)])]), ints(picks)), outShape);
  });
}
