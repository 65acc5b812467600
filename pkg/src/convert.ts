/** From what users write to tensors. */

import { debugging } from './env.js';
import { getBackend, wasm } from './runtime.js';
import { assertNonNegativeIntegerDimensions, sizeOf } from './shape.js';
import { internString, NOTHING } from './strings.js';
import { fromRecords, type Numbers, Tensor } from './tensor.js';
import { coded, dtypeCode, type DataType, isTypedArray, type Shape, type ScalarLike, type TensorInput, type TensorLike } from './types.js';

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
  if (isTypedArray(first)) return first instanceof Float32Array ? 'float32' : 'int32';
  return typeof first === 'boolean' ? 'bool' : typeof first === 'string' ? 'string' : 'float32';
}

/** A tensor with a copy of the values. */
export function tensor(values: TensorLike, shape?: Shape, dtype?: DataType): Tensor {
  return make(values, shape, dtype, inferShape(values, dtype));
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
  const module = wasm();
  const records =
    data instanceof Float32Array ? module.tensorFromF32(data, dims) : data instanceof Int32Array ? module.tensorFromI32(data, dims) : module.tensorFromBool(data, dims);
  const made = fromRecords(records, undefined, dtype)[0] as Tensor;
  if (dtype === 'string') made.countBytes(data);
  if (data.length <= KEPT && getBackend() !== 'cpu') made.data_.host = data === values ? data.slice() : data;
  return made;
}

/** Values as the module holds them. */
function encoded(values: ArrayLike<ScalarLike>, dtype: DataType): Numbers {
  const numbers = values as ArrayLike<number>;
  if (dtype === 'string') {
    return Int32Array.from(values as ArrayLike<string>, (v: unknown) => (v === null || v === undefined ? NOTHING : internString(v instanceof Uint8Array ? v : String(v))));
  }
  if (debugging() && dtype !== 'bool') checkConversionForErrors(numbers, dtype);
  if (dtype === 'float32') return values instanceof Float32Array ? values : Float32Array.from(numbers);
  if (dtype === 'int32') return values instanceof Int32Array ? values : Int32Array.from(numbers);
  return Uint8Array.from(numbers, (v) => Number(Math.round(v) !== 0));
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
  if (type === 'string' || type === 'complex64' || debugging()) return make(value, [], type, []);
  // The module's scalars are floats or whole numbers.
  const number = type === 'int32' ? Math.trunc(Number(value)) || 0 : Number(value);
  const made = fromRecords(wasm().scalar(number, dtypeCode(type)))[0] as Tensor;
  if (getBackend() !== 'cpu') made.data_.host = encoded([number], type);
  return made;
}

/** What an operation takes: a dtype, or any that counts. */
export type Expected = DataType | 'numeric' | 'string_or_numeric';

function check(expected: Expected, dtype: DataType, argument: string, op: string): void {
  if (expected === null) throw coded('argument', 'Expected dtype cannot be null.');
  if (expected === 'string_or_numeric' || (expected === 'numeric' ? dtype !== 'string' : expected === dtype)) return;
  throw coded('dtype', `Argument '${argument}' passed to '${op}' must be ${expected} tensor, but got ${dtype} tensor`);
}

/** The tensor of an argument: itself, or one of the values it gives, as `expected` where those are numbers. */
export function toTensor(x: TensorInput, argument: string, op: string, expected: Expected = 'numeric'): Tensor {
  if (x instanceof Tensor) {
    check(expected, x.dtype, argument, op);
    return x;
  }
  if (x === null || x === undefined || (!isList(x) && !['number', 'boolean', 'string'].includes(typeof x))) {
    const got = x === null ? 'null' : x === undefined ? 'undefined' : (x as unknown as object).constructor.name;
    throw coded('argument', `Argument '${argument}' passed to '${op}' must be a Tensor or TensorLike, but got '${got}'`);
  }
  let dtype = inferDtype(x);
  if (dtype !== 'string' && (expected === 'bool' || expected === 'int32' || expected === 'float32')) dtype = expected;
  check(expected, dtype, argument, op);
  return isList(x) ? tensor(x as TensorLike, undefined, dtype) : scalar(x as ScalarLike, dtype);
}

/** Tensors of a list argument. */
export function toTensors(xs: readonly TensorInput[], argument: string, op: string, expected: Expected = 'numeric'): Tensor[] {
  if (!Array.isArray(xs)) throw coded('argument', `Argument ${argument} passed to ${op} must be a \`Tensor[]\` or \`TensorLike[]\``);
  return xs.map((x, i) => toTensor(x, `${argument}[${i}]`, op, expected));
}
