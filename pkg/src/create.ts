/** Making tensors. */

import { tensor } from './convert.js';
import { run1, Tensor, Variable } from './tensor.js';
import { coded, dtypeCode, type DataType, type DataTypeMap, type Shape, type TensorInput, type TensorLike } from './types.js';
import { toTensor } from './convert.js';

export { scalar, tensor } from './convert.js';

/** Elements of the largest tensor: WebAssembly addresses 4 GiB, and no allocation may be larger than half of it. */
const MOST_ELEMENTS = 2 ** 29 - 1;

function ranked(rank: number) {
  return (values: TensorLike, shape?: Shape | DataType, dtype?: DataType): Tensor => {
    // tensor1d takes a dtype where the others take a shape.
    const [dims, type] = typeof shape === 'string' ? [undefined, shape] : [shape, dtype];
    const result = tensor(values, dims, type);
    if (result.rank !== rank) {
      result.dispose();
      throw coded('shape', `tensor${rank}d() requires values to be number${'[]'.repeat(rank)} or flat/TypedArray with a shape`);
    }
    return result;
  };
}

/** Refuses at the call what could not be computed later. */
function checkSize(shape: Shape, op: string): void {
  const size = shape.reduce((a, b) => a * b, 1);
  if (size > MOST_ELEMENTS) throw coded('shape', `Error in ${op}: expected at most ${MOST_ELEMENTS} elements, received ${size} for shape [${shape}]`);
}

export const tensor1d = /* @__PURE__ */ ranked(1);
export const tensor2d = /* @__PURE__ */ ranked(2);
export const tensor3d = /* @__PURE__ */ ranked(3);
export const tensor4d = /* @__PURE__ */ ranked(4);
export const tensor5d = /* @__PURE__ */ ranked(5);
export const tensor6d = /* @__PURE__ */ ranked(6);

export function zeros(shape: Shape, dtype: DataType = 'float32'): Tensor {
  checkSize(shape, 'zeros');
  return run1('zeros', [], [dtypeCode(dtype), ...shape]);
}

export function ones(shape: Shape, dtype: DataType = 'float32'): Tensor {
  checkSize(shape, 'ones');
  return run1('ones', [], [dtypeCode(dtype), ...shape]);
}

export function fill(shape: Shape, value: number, dtype: DataType = 'float32'): Tensor {
  checkSize(shape, 'fill');
  return run1('fill', [], [dtypeCode(dtype), value, ...shape]);
}

export function zerosLike(x: TensorInput): Tensor {
  const t = toTensor(x, 'x', 'zerosLike');
  return zeros(t.shape, t.dtype);
}

export function onesLike(x: TensorInput): Tensor {
  const t = toTensor(x, 'x', 'onesLike');
  return ones(t.shape, t.dtype);
}

export function range(start: number, stop: number, step = 1, dtype: 'float32' | 'int32' = 'float32'): Tensor {
  if (step === 0) throw coded('argument', 'Cannot have a step of zero');
  // As in TensorFlow.js: downwards by default where the end lies below, empty where the step leads away from it.
  const by = stop < start && step === 1 ? -1 : step;
  const length = Math.ceil((stop - start) / by);
  if (!(length <= MOST_ELEMENTS)) throw coded('argument', `Error in range: expected a length of at most ${MOST_ELEMENTS}, received ${length}`);
  return run1('range', [], [start, stop, by, dtypeCode(dtype)]);
}

export function linspace(start: number, stop: number, num: number): Tensor {
  if (num <= 0) throw coded('argument', 'The number of values should be positive.');
  const step = num === 1 ? 0 : (stop - start) / (num - 1);
  return tensor(Float32Array.from({ length: num }, (_, i) => start + step * i));
}

export function eye(rows: number, columns = rows, batchShape: number[] = [], dtype: DataType = 'float32'): Tensor {
  const batch = batchShape.reduce((a, b) => a * b, 1);
  const values = new Float32Array(batch * rows * columns);
  for (let b = 0; b < batch; b++) for (let i = 0; i < Math.min(rows, columns); i++) values[(b * rows + i) * columns + i] = 1;
  return tensor(values, [...batchShape, rows, columns], dtype);
}

export function oneHot(indices: TensorInput, depth: number, onValue = 1, offValue = 0, dtype: DataType = 'int32'): Tensor {
  if (depth < 2) throw coded('argument', `Error in oneHot: depth must be >=2, but it is ${depth}`);
  const index = toTensor(indices, 'indices', 'oneHot', 'int32');
  return run1('oneHot', [index], [depth, onValue, offValue, dtypeCode(dtype)]);
}

export function variable(initial: Tensor, trainable = true, name?: string, dtype?: DataType): Variable {
  const value = dtype !== undefined && dtype !== initial.dtype ? run1('cast', [initial], [dtypeCode(dtype)]) : initial;
  return new Variable(value, trainable, name);
}

const newSeed = (): number => Math.floor(Math.random() * 2 ** 32);
const seedOf = (seed?: number | string): number => {
  if (seed === undefined || seed === null) return newSeed();
  if (typeof seed === 'number') return seed;
  return [...seed].reduce((h, c) => (Math.imul(h, 31) + (c.codePointAt(0) ?? 0)) >>> 0, 7);
};

export function randomUniform(shape: Shape, minval = 0, maxval = 1, dtype: DataType = 'float32', seed?: number | string): Tensor {
  const x = run1('randomUniform', [], [minval, maxval, seedOf(seed), ...shape]);
  return dtype === 'float32' ? x : run1('cast', [x], [dtypeCode(dtype)]);
}

export function randomNormal(shape: Shape, mean = 0, stdDev = 1, dtype: DataType = 'float32', seed?: number): Tensor {
  const x = run1('randomNormal', [], [mean, stdDev, seedOf(seed), ...shape]);
  return dtype === 'float32' ? x : run1('cast', [x], [dtypeCode(dtype)]);
}

export function truncatedNormal(shape: Shape, mean = 0, stdDev = 1, dtype: DataType = 'float32', seed?: number): Tensor {
  const x = run1('truncatedNormal', [], [mean, stdDev, seedOf(seed), ...shape]);
  return dtype === 'float32' ? x : run1('cast', [x], [dtypeCode(dtype)]);
}

/** A mutable array that becomes a tensor. */
export class TensorBuffer<D extends DataType = DataType> {
  readonly size: number;
  readonly values: DataTypeMap[D];

  constructor(
    readonly shape: Shape,
    readonly dtype: D,
    values?: DataTypeMap[D],
  ) {
    this.size = shape.reduce((a, b) => a * b, 1);
    const make = { float32: Float32Array, int32: Int32Array, bool: Uint8Array }[dtype];
    this.values = values ?? (new make(this.size) as DataTypeMap[D]);
    if (this.values.length !== this.size) {
      throw coded('shape', `Length of values '${this.values.length}' does not match the size inferred by the shape '${this.size}'.`);
    }
  }

  private index(locs: readonly number[]): number {
    const at = locs.length === 0 ? [0] : locs;
    return this.shape.reduce((sum, d, i) => sum * d + (at[i] ?? 0), 0);
  }

  set(value: number, ...locs: number[]): void {
    if (locs.length !== this.shape.length && this.shape.length > 0) {
      throw coded('argument', `The number of provided coordinates (${locs.length}) must match the rank (${this.shape.length})`);
    }
    this.values[this.index(locs)] = value;
  }

  get(...locs: number[]): number {
    return this.values[this.index(locs)] ?? NaN;
  }

  toTensor(): Tensor {
    return tensor(this.values, this.shape, this.dtype);
  }
}

export function buffer<D extends DataType = 'float32'>(shape: Shape, dtype?: D, values?: DataTypeMap[D]): TensorBuffer<D> {
  return new TensorBuffer(shape, (dtype ?? 'float32') as D, values);
}
