/** What the package asks of where it runs. */

import type { Tensor } from './tensor.js';
import { type DataType, isTypedArray, type Shape } from './types.js';

/** What a platform offers; see `setPlatform`. */
export interface Platform {
  fetch(path: string, init?: RequestInit): Promise<Response>;
  now(): number;
  encode(text: string, encoding: string): Uint8Array;
  decode(bytes: Uint8Array, encoding: string): string;
  isTypedArray(a: unknown): boolean;
  setTimeoutCustom?(f: () => void, ms: number): void;
}

/** The platform of every browser, and of Node. */
export const standard: Platform = {
  fetch: (path, init) => fetch(path, init),
  now: () => performance.now(),
  encode: (text) => new TextEncoder().encode(text),
  decode: (bytes, encoding) => new TextDecoder(encoding).decode(bytes),
  isTypedArray,
};

/** What is asked: the whole package has flags and platforms of the program's own answer. */
export const host = {
  platform: standard,
  /** Whether values are watched for NaN. */
  debugging: (): boolean => false,
  /** Makes tensors of what is in no array, such as buffers of a GPU; null of what it does not know. */
  tensorOf: (_values: unknown, _shape: Shape | undefined, _dtype: DataType): Tensor | null => null,
};
