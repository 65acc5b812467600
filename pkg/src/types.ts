/** Types that the API shares with TensorFlow.js. */

import type { Tensor } from './tensor.js';

export interface DataTypeMap {
  float32: Float32Array;
  int32: Int32Array;
  bool: Uint8Array;
  /** Real and imaginary parts, one after the other. */
  complex64: Float32Array;
  string: string[];
}
/** The dtypes that the engine computes with. */
export type NumericType = 'float32' | 'int32' | 'bool';
export type DataType = keyof DataTypeMap;
export type TypedArray = Float32Array | Int32Array | Uint8Array | Uint8ClampedArray;
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
export const DTYPES: readonly NumericType[] = ['float32', 'int32', 'bool'];

/** The number of a dtype in the module. */
export function dtypeCode(dtype: string): number {
  // What the module holds for them: texts by number, parts as numbers.
  if (dtype === 'string') return 1;
  if (dtype === 'complex64') return 0;
  const code = (DTYPES as readonly string[]).indexOf(dtype);
  if (code < 0) throw coded('dtype', `Unknown data type ${dtype}`);
  return code;
}

/** Bytes of an element, as TensorFlow.js counts. */
export const BYTES: Record<DataType, number> = { float32: 4, int32: 4, bool: 1, complex64: 8, string: 0 };

/** The dtypes by what they can hold. */
const WIDTH: readonly DataType[] = ['bool', 'int32', 'float32', 'complex64'];

/** The dtype that holds values of both. */
export function upcastType(a: DataType, b: DataType): DataType {
  if (a === 'string' || b === 'string') {
    if (a === b) return a;
    throw coded('dtype', `Can not upcast ${a} with ${b}`);
  }
  return WIDTH[Math.max(WIDTH.indexOf(a), WIDTH.indexOf(b))] ?? 'float32';
}

/** The dtype of a sum. */
export const sumOutType = (type: DataType): DataType => upcastType(type, 'int32');

export function isTypedArray(value: unknown): value is TypedArray {
  return (
    value instanceof Float32Array || value instanceof Int32Array || value instanceof Uint8Array || value instanceof Uint8ClampedArray
  );
}

/** An error with a stable code. */
export function coded(code: string, message: string): Error & { code: string } {
  return Object.assign(new Error(message), { code });
}
