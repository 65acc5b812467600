/** Types that the API shares with TensorFlow.js. */

import type { Tensor } from './tensor.js';

export interface DataTypeMap {
  float32: Float32Array;
  int32: Int32Array;
  bool: Uint8Array;
  /** Real and imaginary parts, one after the other. */
  complex64: Float32Array;
  string: string[];
  /** The values, which float32 holds exactly; so for `bfloat16`. */
  float16: Float32Array;
  bfloat16: Float32Array;
  uint8: Uint8Array;
  int8: Int8Array;
  uint32: Uint32Array;
}
/** The dtypes that the engine computes with. */
export type NumericType = Exclude<DataType, 'complex64' | 'string'>;
export type DataType = keyof DataTypeMap;
export type TypedArray = Float32Array | Int32Array | Uint8Array | Uint8ClampedArray | Int8Array | Uint32Array;
export type Shape = number[];
export type ScalarLike = number | boolean | string | Uint8Array;
export type RecursiveArray<T> = T | readonly RecursiveArray<T>[];
/** What an operation takes in place of a tensor. */
export type TensorLike = TypedArray | RecursiveArray<ScalarLike>;
export type TensorInput = Tensor | TensorLike;
export type TensorContainer = unknown;
export type NamedTensorMap = Record<string, Tensor>;
export enum Rank {
  R0 = 'R0',
  R1 = 'R1',
  R2 = 'R2',
  R3 = 'R3',
  R4 = 'R4',
  R5 = 'R5',
  R6 = 'R6',
}

/** The dtypes in the order of their numbers in the module. */
export const DTYPES: readonly NumericType[] = ['float32', 'int32', 'bool', 'float16', 'bfloat16', 'uint8', 'int8', 'uint32'];

/** The number of a dtype in the module. */
export function dtypeCode(dtype: string): number {
  // What the module holds for them: texts by number, parts as numbers.
  if (dtype === 'string') return 1;
  if (dtype === 'complex64') return 0;
  const code = (DTYPES as readonly string[]).indexOf(dtype);
  if (code < 0) throw coded('dtype', `Unknown data type ${dtype}`);
  return code;
}

/** Bytes of an element, as TensorFlow.js counts. The engine holds 4 for each number, or 2 for a float16 on a GPU with shader-f16. */
export const BYTES: Record<DataType, number> = { float32: 4, int32: 4, bool: 1, complex64: 8, string: 0, float16: 2, bfloat16: 2, uint8: 1, int8: 1, uint32: 4 };

/** The arrays of the values that users see. */
export const ARRAYS = {
  float32: Float32Array, int32: Int32Array, bool: Uint8Array, complex64: Float32Array, string: Array,
  float16: Float32Array, bfloat16: Float32Array, uint8: Uint8Array, int8: Int8Array, uint32: Uint32Array,
};

export const isFloat = (dtype: string): boolean => dtype.includes('float');
/** Whether values are whole numbers; truth values are not. */
export const isWhole = (dtype: string): boolean => dtype.includes('int');

/** The dtype that operands of both become: bool < whole numbers < floats < complex64. Different floats become float32,
 *  different whole numbers int32, but uint8 and uint32 the latter. */
export function upcastType(a: DataType, b: DataType): DataType {
  if (a === 'string' || b === 'string') {
    if (a === b) return a;
    throw coded('dtype', `Can not upcast ${a} with ${b}`);
  }
  if (a === b || b === 'bool') return a;
  if (a === 'bool') return b;
  if (a === 'complex64' || b === 'complex64') return 'complex64';
  if (isFloat(a)) return isFloat(b) ? 'float32' : a;
  if (isFloat(b)) return b;
  return a[0] === 'u' && b[0] === 'u' ? 'uint32' : 'int32';
}

/** The dtype of a sum. */
export const sumOutType = (type: DataType): DataType => (type === 'uint32' ? type : upcastType(type, 'int32'));

export function isTypedArray(value: unknown): value is TypedArray {
  return (
    value instanceof Float32Array || value instanceof Int32Array || value instanceof Uint8Array || value instanceof Uint8ClampedArray ||
    value instanceof Int8Array || value instanceof Uint32Array
  );
}

/** An error with a stable code. */
export function coded(code: string, message: string): Error & { code: string } {
  return Object.assign(new Error(message), { code });
}
