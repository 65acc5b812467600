/** Small helpers that TensorFlow.js exports as `tf.util`. */

import { checkConversionForErrors } from './convert.js';
import { host } from './platform.js';
import { axesOf, sizeOf as sizeFromShape } from './shape.js';
import { encodeString } from './strings.js';
import { nest } from './tensor.js';
import { ARRAYS, BYTES, coded, type DataType, type ScalarLike, type Shape, type TypedArray, isTypedArray, upcastType } from './types.js';

export { isTypedArray } from './types.js';

export { checkConversionForErrors, inferDtype, inferShape } from './convert.js';
export { assertNonNegativeIntegerDimensions, assertSameShape as assertShapesMatch, computeStrides, inferFromImplicitShape, sizeOf as sizeFromShape } from './shape.js';
export { decodeString, encodeString } from './strings.js';
export { fingerPrint64 } from './text.js';

/** A list whose elements can be exchanged. */
interface List<T = unknown> {
  readonly length: number;
  [i: number]: T;
}

/** Throws what `message` says unless the condition holds. */
export function assert(condition: boolean, message: string | (() => string)): asserts condition {
  if (!condition) throw coded('argument', typeof message === 'string' ? message : message());
}

export function assertNonNull(a: unknown): void {
  assert(a != null, 'The input to the tensor constructor must be a non-null value.');
}

export const isString = (value: unknown): value is string => typeof value === 'string' || value instanceof String;
export const isBoolean = (value: unknown): value is boolean => typeof value === 'boolean';
export const isNumber = (value: unknown): value is number => typeof value === 'number';
export const isFunction = (value: unknown): boolean => typeof value === 'function';
export const isPromise = (value: unknown): boolean => typeof (value as { then?: unknown } | null)?.then === 'function';
export const isInt = (a: number): boolean => a % 1 === 0;
export const isScalarShape = (shape: ArrayLike<number>): boolean => shape.length === 0;

export const clamp = (min: number, x: number, max: number): number => Math.max(min, Math.min(x, max));
export const tanh = (x: number): number => Math.tanh(x);
export const nearestLargerEven = (value: number): number => value + (value % 2 && 1);
export const randUniform = (a: number, b: number): number => a + (b - a) * Math.random();
export const sum = (values: ArrayLike<number>): number => Array.from(values).reduce((a, b) => a + b, 0);
export const rightPad = (text: string, size: number): string => text.padEnd(size);

/** The square of the distance between two vectors. */
export const distSquared = (a: ArrayLike<number>, b: ArrayLike<number>): number => sum(Array.from(a, (v, i) => (Number(v) - Number(b[i])) ** 2));

/** The first divisor of a size that is at least `start`. */
export function nearestDivisor(size: number, start: number): number {
  let i = start;
  while (i < size && size % i !== 0) i++;
  return i < size ? i : size;
}

/** Two numbers close to each other whose product is not below the size. */
export function sizeToSquarishShape(size: number): [number, number] {
  const width = Math.ceil(Math.sqrt(size));
  return [width, Math.ceil(size / width)];
}

const equal = (a: ArrayLike<unknown>, b: ArrayLike<unknown>, any: boolean): boolean => {
  if (a === b) return true;
  if (a == null || b == null || a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i] && !(any && (a[i] === null || b[i] === null))) return false;
  return true;
};

export const arraysEqual = (a: ArrayLike<unknown>, b: ArrayLike<unknown>): boolean => equal(a, b, false);

/** As `arraysEqual`, with null being equal to anything. */
export const arraysEqualWithNull = (a: ArrayLike<unknown>, b: ArrayLike<unknown>): boolean => equal(a, b, true);

/** The elements of nested arrays, and of objects whose keys are indices. */
export function flatten<T>(value: unknown, into?: T[] | null, skipTypedArray = false): T[] {
  const result = into ?? [];
  const bytes = ArrayBuffer.isView(value);
  if (typeof value !== 'object' || value === null || isPromise(value) || (skipTypedArray && isTypedArray(value))) {
    result.push(value as T);
    return result;
  }
  const list = value as List;
  const length = bytes || Array.isArray(value) ? list.length : 1 + Math.max(-1, ...Object.keys(value).filter((key) => /^(0|[1-9]\d*)$/.test(key)).map(Number));
  for (let i = 0; i < length; i++) flatten(list[i], result, skipTypedArray);
  return result;
}

/** Exchanges two elements. */
export function swap<T>(list: List<T>, left: number, right: number): void {
  [list[left], list[right]] = [list[right] as T, list[left] as T];
}

/** Shuffles lists of one length in place, all in the same way (Fisher and Yates). */
function shuffleAll(...lists: List[]): void {
  for (let i = (lists[0]?.length ?? 0) - 1; i > 0; i--) {
    const j = Math.floor(Math.random() * (i + 1));
    for (const list of lists) swap(list, i, j);
  }
}

/** Shuffles in place. */
export const shuffle = (array: List): void => shuffleAll(array);

/** Shuffles two arrays in place, in the same way. */
export function shuffleCombo(a: List, b: List): void {
  assert(a.length === b.length, `Array sizes must match to be shuffled together First array length was ${a.length}Second array length was ${b.length}`);
  shuffleAll(a, b);
}

export function createShuffledIndices(n: number): Uint32Array {
  const order = Uint32Array.from({ length: n }, (_, i) => i);
  shuffle(order);
  return order;
}

/** Axes counted from the front; all of them where none is given. */
export const parseAxisParam = (axis: number | number[] | null | undefined, shape: Shape): number[] => axesOf(axis, shape.length);

/** The shape without dimensions of size 1, or without those of the axes, and which dimensions are left. */
export function squeezeShape(shape: Shape, axis?: number | number[]): { newShape: Shape; keptDims: number[] } {
  const axes = axis == null || (Array.isArray(axis) && axis.length === 0) ? null : parseAxisParam(axis, shape);
  const keptDims = shape.map((_, i) => i).filter((i) => (axes === null ? shape[i] !== 1 : !axes.includes(i)));
  for (const a of axes ?? []) if (shape[a] !== 1) throw coded('shape', `Can't squeeze axis ${a} since its dim '${shape[a]}' is not 1`);
  return { newShape: keptDims.map((i) => shape[i] as number), keptDims };
}

/** The position in row-major order of an element. */
export const locToIndex = (location: readonly number[], rank: number, strides: readonly number[]): number =>
  rank === 0 ? 0 : location.reduce((at, l, i) => at + l * (strides[i] ?? 1), 0);

/** Where the element at a position in row-major order is. */
export function indexToLoc(index: number, rank: number, strides: readonly number[]): number[] {
  let rest = index;
  return Array.from({ length: rank }, (_, i) => {
    const step = strides[i] ?? 1;
    const at = i === rank - 1 ? rest : Math.floor(rest / step);
    rest -= at * step;
    return at;
  });
}

/** Values as nested arrays; complex ones as real and imaginary parts, one after the other. */
export function toNestedArray(shape: Shape, values: ArrayLike<unknown>, isComplex = false): any {
  const size = sizeFromShape(shape) * (isComplex ? 2 : 1);
  if (shape.length > 0 && size > 0 && size !== values.length) {
    throw coded('shape', `[${shape}] does not match the input size ${values.length}${isComplex ? ' for a complex tensor' : ''}.`);
  }
  return nest(shape, values, isComplex ? 'complex64' : 'float32');
}

const arrayType = (dtype: DataType | null | undefined, ...without: DataType[]): new (size: any) => any => {
  const type = ARRAYS[dtype ?? 'float32'];
  if (type === undefined || without.includes(dtype as DataType)) throw coded('dtype', `Unknown data type ${dtype}`);
  return type;
};

/** An array of zeros, or of strings to come. */
export const getArrayFromDType = (dtype: DataType | null, size: number): any => new (arrayType(dtype, 'complex64'))(size);
export const getTypedArrayFromDType = (dtype: DataType | null, size: number): any => getArrayFromDType(dtype, size);
export const makeZerosTypedArray = (size: number, dtype: DataType | null): any => new (arrayType(dtype, 'string'))(size);
export const makeOnesTypedArray = (size: number, dtype: DataType | null): any => makeZerosTypedArray(size, dtype).fill(1);

/** Nested arrays of zeros. */
export const makeZerosNestedTypedArray = (shape: Shape, dtype: DataType | null): any =>
  toNestedArray(shape, new (arrayType(dtype, 'string', 'complex64'))(sizeFromShape(shape)));

/** The values in the array that is right for a dtype: the given one, where it is that. */
export function toTypedArray(values: unknown, dtype?: DataType): TypedArray {
  assert(dtype !== 'string', 'Cannot convert a string[] to a TypedArray');
  const list = Array.isArray(values) ? flatten<number>(values) : (values as TypedArray);
  if (host.debugging()) checkConversionForErrors(list, dtype);
  const type = arrayType(dtype);
  if (list instanceof type && dtype !== 'complex64') return list as TypedArray;
  return new type(dtype === 'bool' ? Array.from(list, (v) => Number(Math.round(v) !== 0)) : list) as TypedArray;
}

/** The value of a scalar as a tensor holds it. */
export const createScalarValue = (value: ScalarLike, dtype: DataType): Uint8Array | TypedArray =>
  dtype === 'string' ? encodeString(value as string) : toTypedArray([value], dtype);

export const isValidDtype = (dtype: string): dtype is DataType => dtype in BYTES;

/** Whether values of one dtype do not all fit into another. */
export const hasEncodingLoss = (from: DataType, to: DataType): boolean => from !== 'string' && (to === 'string' || upcastType(from, to) !== to);

/** Bytes of an element. */
export function bytesPerElement(dtype: DataType): number {
  const bytes = BYTES[dtype];
  if (!bytes) throw coded('dtype', `Unknown dtype ${dtype}`);
  return bytes;
}

/** Values as the array of their dtype, where they came as bytes; of strings, the bytes of each. */
export function convertBackendValuesAndArrayBuffer(data: TypedArray | Uint8Array[] | ArrayBuffer, dtype: DataType): TypedArray | Uint8Array[] {
  if (Array.isArray(data)) return data;
  if (dtype === 'bool' || dtype === 'string') return Uint8Array.from(new Int32Array(data));
  const type = arrayType(dtype, 'complex64');
  return data instanceof type ? (data as TypedArray) : (new type(data as ArrayBuffer) as TypedArray);
}

/** The unsigned number of 64 bits that hexadecimal digits write, as `fingerPrint64` gives them. */
export const hexToLong = (hex: string): bigint => BigInt.asUintN(64, BigInt(`0x${hex}`));

/** Bytes of encoded strings. */
export const bytesFromStringArray = (strings: readonly Uint8Array[] | null): number => sum((strings ?? []).map((s) => s.length));

/** Milliseconds since some moment. */
export const now = (): number => host.platform.now();

/** Fetches as the platform does. */
export const fetch = (path: string, init?: RequestInit): Promise<Response> => host.platform.fetch(path, init);

/** Calls `check` until it returns true, with pauses, and at most `limit` times. */
export function repeatedTry(
  check: () => boolean,
  delay: (tries: number) => number = () => 0,
  limit?: number,
  schedule: (f: () => void, ms: number) => void = setTimeout,
): Promise<void> {
  return new Promise((resolve, reject) => {
    let tries = 0;
    const attempt = (): void => {
      if (check()) return resolve();
      const pause = delay(++tries);
      if (limit != null && tries >= limit) reject();
      else schedule(attempt, pause);
    };
    attempt();
  });
}

/** Resolves at the next frame of a page, or as soon as other work had its turn. */
export function nextFrame(): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => resolve();
    if (typeof requestAnimationFrame === 'function' && typeof document !== 'undefined' && !document.hidden) {
      requestAnimationFrame(done);
      // A page that is hidden meanwhile has no frames, and must go on all the same.
      setTimeout(done, 500);
    } else if (typeof setImmediate === 'function') {
      setImmediate(done);
    } else {
      // Timers wait longer than work needs: some milliseconds in a worker, a second in a page that is hidden.
      const { port1, port2 } = new MessageChannel();
      port1.onmessage = () => {
        port1.close();
        done();
      };
      port2.postMessage(null);
    }
  });
}
