/** From what users write to tensors. */

import type { WebGPUData } from './gpu-data.js';
import { host } from './platform.js';
import { getBackend, wasm } from './runtime.js';
import { assertNonNegativeIntegerDimensions, sizeOf } from './shape.js';
import { internString, NOTHING } from './strings.js';
import { fromRecords, type Numbers, run1, Tensor } from './tensor.js';
import { ARRAYS, BYTES, coded, DTYPES, dtypeCode, type DataType, isFloat, isTypedArray, isWhole, type NumericType, type Shape, type ScalarLike, type TensorInput, type TensorLike } from './types.js';

const isList = (value: unknown, dtype?: string): value is ArrayLike<unknown> =>
  Array.isArray(value) || (dtype !== 'string' && isTypedArray(value));

/** The shape of nested arrays; the first elements tell. In a tensor of strings a typed array is the bytes of one. */
export function inferShape(value: unknown, dtype?: string): Shape {
  const shape: Shape = [];
  for (let at = value; isList(at, dtype); at = at[0]) shape.push(at.length);
  return shape;
}

function flatten(value: unknown, shape: Shape, depth: number, path: number[], dtype: DataType, out: ScalarLike[]): void {
  const where = (): string => (path.length === 0 ? '' : `Element arr[${path.slice(0, depth).join('][')}]`);
  if (!isList(value, dtype)) {
    if (depth !== shape.length) throw coded('shape', `${where()} is a primitive, but should be an array/TypedArray of ${shape[depth]} elements`);
    out.push(value as ScalarLike);
    return;
  }
  if (depth >= shape.length) throw coded('shape', `${where()} should be a primitive, but is an array of ${value.length} elements`);
  if (value.length !== shape[depth]) throw coded('shape', `${where()} should have ${shape[depth]} elements, but has ${value.length} elements`);
  for (let i = 0; i < value.length; i++) {
    path[depth] = i;
    flatten(value[i], shape, depth + 1, path, dtype, out);
  }
}

/** The dtype that values have of themselves. */
export function inferDtype(value: unknown): DataType {
  if (value instanceof Float32Array) return 'float32';
  let first = value;
  while (Array.isArray(first)) {
    // Bytes inside a list are the bytes of a string.
    if (first[0] instanceof Uint8Array) return 'string';
    first = first[0];
  }
  if (first instanceof Int8Array) return 'int8';
  if (first instanceof Uint32Array) return 'uint32';
  if (isTypedArray(first)) return first instanceof Float32Array ? 'float32' : 'int32';
  return typeof first === 'boolean' ? 'bool' : typeof first === 'string' ? 'string' : 'float32';
}

/** A tensor with a copy of the values, or over a buffer of the GPU. */
export function tensor(values: TensorLike | WebGPUData, shape?: Shape, dtype?: DataType): Tensor {
  return make(values as TensorLike, shape, dtype, inferShape(values, dtype));
}

/** A list of whole numbers. */
export const ints = (values: number[]): Tensor => tensor(values, [values.length], 'int32');

/** A tensor of values, nested as `inferred` says. */
export function make(values: TensorLike, shape: Shape | undefined, dtype: DataType | undefined, inferred: Shape): Tensor {
  if (values === null || values === undefined) throw coded('argument', 'The input to the tensor constructor must be a non-null value.');
  const type = dtype ?? inferDtype(values);
  if (type === 'complex64') throw coded('dtype', 'Cannot construct a complex64 tensor directly. Please use tf.complex(real, imag).');
  dtypeCode(type);
  if (!isList(values, type) && !['number', 'boolean', 'string'].includes(typeof values) && !((values as unknown) instanceof Uint8Array)) {
    const made = host.tensorOf(values, shape, type);
    if (made !== null) return made;
    throw coded('dtype', `values passed to tensor(values) must be a number/boolean/string or an array of numbers/booleans/strings, or a TypedArray`);
  }
  if (shape !== undefined) assertNonNegativeIntegerDimensions(shape);
  const target = shape ?? inferred;
  let flat: ArrayLike<ScalarLike>;
  if (isTypedArray(values) && type !== 'string') flat = values;
  else flatten(values, inferred, 0, [], type, (flat = [] as ScalarLike[]) as ScalarLike[]);
  if (flat.length !== sizeOf(target)) {
    throw coded('shape', `Based on the provided shape, [${target}], the tensor should have ${sizeOf(target)} values but has ${flat.length}`);
  }
  const nested = inferred.length > 1 && shape !== undefined;
  if (nested && inferred.some((d, i) => d !== shape[i] && (i < inferred.length - 1 || d !== sizeOf(shape.slice(i))))) {
    throw coded('shape', `Error creating a new Tensor. Inferred shape (${inferred}) does not match the provided shape (${shape}). `);
  }
  return upload(flat, target, type);
}

/** Elements of which a copy is kept where the engine gives values back only later. */
const KEPT = 65536;

function upload(values: ArrayLike<ScalarLike>, shape: Shape, dtype: DataType): Tensor {
  const dims = Uint32Array.from(shape);
  const data = encoded(values, dtype);
  const lanes = data.BYTES_PER_ELEMENT === 4 ? new Uint32Array(data.buffer, data.byteOffset, data.length) : isWhole(dtype) ? wordsOf(data) : Uint32Array.from(data);
  const made = fromRecords(wasm().tensorFromLanes(lanes, dtypeCode(dtype), dims), undefined, dtype)[0] as Tensor;
  if (dtype === 'string') made.countBytes(data);
  // What the module rounds is not what was given.
  if (data.length <= KEPT && getBackend() !== 'cpu' && BYTES[dtype] !== 2) made.data_.host = data === values ? data.slice() : data;
  return made;
}

/** Bytes, four to a word. */
function wordsOf(data: Numbers): Uint32Array {
  const words = new Uint32Array((data.length + 3) >> 2);
  new Uint8Array(words.buffer).set(data as unknown as Uint8Array);
  return words;
}

/** Values in the array of their dtype. */
function encoded(values: ArrayLike<ScalarLike>, dtype: DataType): Numbers {
  const numbers = values as ArrayLike<number>;
  if (dtype === 'string') {
    return Int32Array.from(values as ArrayLike<string>, (v: unknown) => (v === null || v === undefined ? NOTHING : internString(v instanceof Uint8Array ? v : String(v))));
  }
  if (host.debugging() && dtype !== 'bool') checkConversionForErrors(numbers, dtype);
  if (dtype === 'bool') return Uint8Array.from(numbers, (v) => Number(Math.round(v) !== 0));
  const type = ARRAYS[dtype] as Float32ArrayConstructor;
  return values instanceof type ? values : type.from(numbers);
}

/** Throws where a value is no finite number. */
export function checkConversionForErrors(values: ArrayLike<unknown>, dtype?: DataType): void {
  for (let i = 0; i < values.length; i++) {
    const value = Number(values[i]);
    if (!Number.isFinite(value)) throw coded('argument', `A tensor of type ${dtype} being uploaded contains ${value}.`);
  }
}

/** A scalar whose value may differ from step to step of one plan. */
export function scalar(value: ScalarLike, dtype?: DataType): Tensor {
  if ((isTypedArray(value) && dtype !== 'string') || Array.isArray(value)) {
    throw coded('argument', 'Error creating a new Scalar: value must be a primitive (number|boolean|string)');
  }
  if (dtype === 'string' && isTypedArray(value) && !(value instanceof Uint8Array)) {
    throw coded('argument', 'When making a scalar from encoded string, the value must be `Uint8Array`.');
  }
  const type = dtype ?? inferDtype(value);
  if (type === 'string' || type === 'complex64' || host.debugging()) return make(value, [], type, []);
  // The module's scalars are floats or whole numbers.
  const number = isWhole(type) ? Math.trunc(Number(value)) || 0 : Number(value);
  const made = fromRecords(wasm().scalar(number, dtypeCode(type)))[0] as Tensor;
  if (getBackend() !== 'cpu' && BYTES[type] !== 2) made.data_.host = encoded([number], type);
  return made;
}

/** What an operation takes: a dtype, or any that counts. */
export type Expected = DataType | 'numeric' | 'string_or_numeric';

function check(expected: Expected, dtype: DataType, argument: string, op: string): void {
  if (expected === null) throw coded('argument', 'Expected dtype cannot be null.');
  // A function of floats takes all of them.
  if (expected === 'string_or_numeric' || (expected === 'numeric' ? dtype !== 'string' : expected === dtype || (expected === 'float32' && isFloat(dtype)))) return;
  throw coded('dtype', `Argument '${argument}' passed to '${op}' must be ${expected} tensor, but got ${dtype} tensor`);
}

/** The tensor of an argument: itself, or one of the values it gives, as `expected` where those are numbers. */
export function toTensor(x: TensorInput, argument: string, op: string, expected: Expected = 'numeric'): Tensor {
  if (x instanceof Tensor) {
    // Narrow whole numbers serve where int32 is asked for.
    if (expected === 'int32' && x.dtype !== expected && isWhole(x.dtype)) return run1('cast', [x], [dtypeCode(expected)]);
    check(expected, x.dtype, argument, op);
    return x;
  }
  if (x === null || x === undefined || (!isList(x) && !['number', 'boolean', 'string'].includes(typeof x))) {
    const got = x === null ? 'null' : x === undefined ? 'undefined' : (x as unknown as object).constructor.name;
    throw coded('argument', `Argument '${argument}' passed to '${op}' must be a Tensor or TensorLike, but got '${got}'`);
  }
  let dtype = inferDtype(x);
  if (dtype !== 'string' && DTYPES.includes(expected as NumericType)) dtype = expected as NumericType;
  check(expected, dtype, argument, op);
  return isList(x) ? tensor(x as TensorLike, undefined, dtype) : scalar(x as ScalarLike, dtype);
}

/** What a number becomes beside a tensor: it does not widen float16 and bfloat16. */
export const beside = <E extends Expected>(x: TensorInput, other: TensorInput, expected: E): E | DataType =>
  typeof x === 'number' && other instanceof Tensor && BYTES[other.dtype] === 2 ? other.dtype : expected;

/** Tensors of a list argument. */
export function toTensors(xs: readonly TensorInput[], argument: string, op: string, expected: Expected = 'numeric'): Tensor[] {
  if (!Array.isArray(xs)) throw coded('argument', `Argument ${argument} passed to ${op} must be a \`Tensor[]\` or \`TensorLike[]\``);
  return xs.map((x, i) => toTensor(x, `${argument}[${i}]`, op, expected));
}
