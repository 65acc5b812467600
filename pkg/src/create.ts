/** Making tensors. */

import { inferShape, make, tensor, toTensor } from './convert.js';
import { run1, scoped, Tensor, Variable } from './tensor.js';
import { cast } from './ops/pointwise.js';
import { seedOf } from './random.js';
import { special } from './special_hook.js';
import { assertNonNegativeIntegerDimensions, computeStrides, sizeOf } from './shape.js';
import { ARRAYS, coded, DTYPES, dtypeCode, type DataType, type DataTypeMap, isFloat, type NumericType, type ScalarLike, type Shape, type TensorInput, type TensorLike } from './types.js';

export { scalar, tensor } from './convert.js';

/** Elements of the largest tensor: WebAssembly addresses 4 GiB, and no allocation may be larger than half of it. */
const MOST_ELEMENTS = 2 ** 29 - 1;

function ranked(rank: number) {
  return (values: TensorLike, shape?: Shape | DataType | null, dtype?: DataType): Tensor => {
    // tensor1d takes a dtype where the others take a shape.
    const [dims, type] = rank === 1 ? [undefined, (shape ?? undefined) as DataType | undefined] : [(shape ?? undefined) as Shape | undefined, dtype];
    if (values === null || values === undefined) throw coded('argument', 'The input to the tensor constructor must be a non-null value.');
    if (dims !== undefined && dims.length !== rank) throw coded('shape', `tensor${rank}d() requires shape to have ${['', '', 'two', 'three', 'four', 'five', 'six'][rank]} numbers`);
    const inferred = inferShape(values, type);
    if (inferred.length !== rank && (inferred.length !== 1 || rank === 1)) {
      throw coded('shape', `tensor${rank}d() requires values to be number${'[]'.repeat(rank)} or flat/TypedArray`);
    }
    if (inferred.length === 1 && rank > 1 && dims === undefined) {
      throw coded('shape', `tensor${rank}d() requires shape to be provided when \`values\` are a flat array`);
    }
    return make(values, dims, type, inferred);
  };
}

/** Refuses at the call what could not be computed later. */
function checkShape(shape: Shape, op: string): void {
  assertNonNegativeIntegerDimensions(shape);
  const size = sizeOf(shape);
  if (size > MOST_ELEMENTS) throw coded('shape', `Error in ${op}: expected at most ${MOST_ELEMENTS} elements, received ${size} for shape [${shape}]`);
}

export const tensor1d = /* @__PURE__ */ ranked(1);
export const tensor2d = /* @__PURE__ */ ranked(2);
export const tensor3d = /* @__PURE__ */ ranked(3);
export const tensor4d = /* @__PURE__ */ ranked(4);
export const tensor5d = /* @__PURE__ */ ranked(5);
export const tensor6d = /* @__PURE__ */ ranked(6);

export function zeros(shape: Shape, dtype: DataType = 'float32'): Tensor {
  checkShape(shape, 'zeros');
  if (dtype === 'complex64') return special().filled('zeros', shape);
  if (dtype === 'string') return fill(shape, '', dtype);
  return run1('zeros', [], [dtypeCode(dtype), ...shape]);
}

export function ones(shape: Shape, dtype: DataType = 'float32'): Tensor {
  checkShape(shape, 'ones');
  if (dtype === 'complex64') return special().filled('ones', shape);
  return run1('ones', [], [dtypeCode(dtype), ...shape]);
}

/** A tensor of one value. */
export function fill(shape: Shape, value: ScalarLike, dtype?: DataType): Tensor {
  checkShape(shape, 'fill');
  const type = dtype ?? (typeof value === 'string' ? 'string' : 'float32');
  if (type === 'string') return run1('broadcastTo', [toTensor(value, 'value', 'fill', 'string')], shape);
  return run1('fill', [], [dtypeCode(type), Number(value), ...shape]);
}

export function zerosLike(x: TensorInput): Tensor {
  const t = toTensor(x, 'x', 'zerosLike');
  return zeros(t.shape, t.dtype);
}

export function onesLike(x: TensorInput): Tensor {
  const t = toTensor(x, 'x', 'onesLike');
  return ones(t.shape, t.dtype);
}

/** A tensor of twice the rank, zero but for `x` on its diagonal. */
export function diag(x: TensorInput): Tensor {
  return run1('diag', [toTensor(x, 'x', 'diag')]);
}

export function range(start: number, stop: number, step = 1, dtype: NumericType = 'float32'): Tensor {
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

export function eye(rows: number, columns = rows, batchShape?: number[] | null, dtype: DataType = 'float32'): Tensor {
  const dims = batchShape ?? [];
  const batch = sizeOf(dims);
  const values = new Float32Array(batch * rows * columns);
  for (let b = 0; b < batch; b++) for (let i = 0; i < Math.min(rows, columns); i++) values[(b * rows + i) * columns + i] = 1;
  return tensor(values, [...dims, rows, columns], dtype);
}

export const oneHot = /* @__PURE__ */ scoped((indices: TensorInput, depth: number, onValue = 1, offValue = 0, dtype: DataType = 'int32'): Tensor => {
  if (depth < 2) throw coded('argument', `Error in oneHot: depth must be >=2, but it is ${depth}`);
  const index = toTensor(indices, 'indices', 'oneHot', 'int32');
  return run1('oneHot', [index], [depth, onValue, offValue, dtypeCode(dtype)]);
});

export function variable(initial: Tensor, trainable = true, name?: string, dtype?: DataType): Variable {
  const value = dtype !== undefined && dtype !== initial.dtype ? run1('cast', [initial], [dtypeCode(dtype)]) : initial;
  return new Variable(value, trainable, name);
}

/** Writes a tensor to the console. */
export function print(x: Tensor, verbose = false): void {
  console.log(x.toString(verbose));
}

/** Draws as the dtype asked for. */
function drawn(op: string, shape: Shape, numbers: number[], dtype: DataType | null | undefined, seed: number | string | undefined, allowed: readonly DataType[]): Tensor {
  assertNonNegativeIntegerDimensions(shape);
  const type = dtype ?? 'float32';
  if (!allowed.includes(type)) throw coded('dtype', `Unsupported data type ${type}`);
  const x = run1(op, [], [...numbers, seedOf(seed), ...shape]);
  if (type === 'float32') return x;
  return cast(op === 'randomUniform' || isFloat(type) ? x : run1('round', [x]), type);
}

const FLOAT_OR_INT: readonly DataType[] = DTYPES.filter((d) => d !== 'bool');

export function randomUniform(shape: Shape, minval = 0, maxval = 1, dtype?: DataType | null, seed?: number | string): Tensor {
  return drawn('randomUniform', shape, [minval, maxval], dtype, seed, DTYPES);
}

export function randomNormal(shape: Shape, mean = 0, stdDev = 1, dtype?: DataType | null, seed?: number): Tensor {
  return drawn('randomNormal', shape, [mean, stdDev], dtype, seed, FLOAT_OR_INT);
}

export function randomStandardNormal(shape: Shape, dtype?: DataType | null, seed?: number): Tensor {
  return randomNormal(shape, 0, 1, dtype, seed);
}

export function truncatedNormal(shape: Shape, mean = 0, stdDev = 1, dtype?: DataType | null, seed?: number): Tensor {
  return drawn('truncatedNormal', shape, [mean, stdDev], dtype, seed, FLOAT_OR_INT);
}

/** Values that a function draws. */
export function rand(shape: Shape, draw: () => number, dtype?: DataType | null): Tensor {
  assertNonNegativeIntegerDimensions(shape);
  const type = dtype ?? 'float32';
  return tensor(Float32Array.from({ length: sizeOf(shape) }, draw), shape, type);
}

/** Zeros, or null for texts. */
export function valuesOf<D extends DataType>(dtype: D, size: number): DataTypeMap[D] {
  const type = ARRAYS[dtype];
  if (type === undefined || dtype === 'complex64') throw coded('dtype', `Unknown data type ${dtype}`);
  return new type(size) as unknown as DataTypeMap[D];
}

/** A mutable array that becomes a tensor. */
export class TensorBuffer<D extends DataType = DataType> {
  readonly size: number;
  readonly values: DataTypeMap[D];
  readonly dtype: D;

  constructor(
    readonly shape: Shape,
    dtype?: D,
    values?: DataTypeMap[D],
  ) {
    assertNonNegativeIntegerDimensions(shape);
    this.dtype = dtype ?? ('float32' as D);
    this.size = sizeOf(shape);
    this.values = values ?? valuesOf(this.dtype, this.size);
    if (this.values.length !== this.size) {
      throw coded('shape', `Length of values '${this.values.length}' does not match the size inferred by the shape '${this.size}'.`);
    }
  }

  get rank(): number {
    return this.shape.length;
  }

  get strides(): number[] {
    return computeStrides(this.shape);
  }

  locToIndex(locs: readonly number[]): number {
    return this.shape.reduce((sum, d, i) => sum * d + (locs[i] ?? 0), 0);
  }

  indexToLoc(index: number): number[] {
    const loc = new Array<number>(this.rank);
    for (let i = this.rank - 1, left = index; i >= 0; left = Math.floor(left / (this.shape[i] as number)), i--) loc[i] = left % (this.shape[i] as number);
    return loc;
  }

  set(value: DataTypeMap[D][number], ...locs: number[]): void {
    if (locs.length === 0) locs = [0];
    if (locs.length !== this.shape.length && this.shape.length > 0) {
      throw coded('argument', `The number of provided coordinates (${locs.length}) must match the rank (${this.shape.length})`);
    }
    this.values[this.locToIndex(locs)] = value;
  }

  get(...locs: number[]): DataTypeMap[D][number] {
    locs.forEach((loc, i) => {
      if (this.shape.length > 0 && (loc < 0 || loc >= (this.shape[i] ?? 0))) throw coded('argument', `Requested out of range element at ${locs}.   Buffer shape=${this.shape}`);
    });
    return this.values[this.locToIndex(locs)] as DataTypeMap[D][number];
  }

  toTensor(): Tensor {
    return make(this.values as TensorLike, this.shape, this.dtype, [this.size]);
  }
}

export function buffer<D extends DataType = 'float32'>(shape: Shape, dtype?: D, values?: DataTypeMap[D]): TensorBuffer<D> {
  return new TensorBuffer(shape, (dtype ?? 'float32') as D, values);
}
