/** Bytes in parts. */

import { coded } from '../types.js';
import type { WeightData } from './types.js';

type Bytes = ArrayBuffer | ArrayBufferView;

/** The bytes of a buffer or of an array, without a copy. */
export const bytesOf = (part: Bytes): Uint8Array => (ArrayBuffer.isView(part) ? new Uint8Array(part.buffer, part.byteOffset, part.byteLength) : new Uint8Array(part));

/** Several buffers as one, of which parts can be copied. */
export class CompositeArrayBuffer {
  readonly byteLength: number;
  private readonly shards: Uint8Array[];

  constructor(buffers?: Bytes | readonly Bytes[] | null) {
    this.shards = ([buffers ?? []].flat() as Bytes[]).map(bytesOf);
    this.byteLength = this.shards.reduce((n, shard) => n + shard.length, 0);
  }

  /** All buffers in one. */
  static join(buffers?: Bytes | readonly Bytes[] | null): ArrayBuffer {
    return new CompositeArrayBuffer(buffers).slice();
  }

  /** A copy of the bytes from `start` up to `end`. */
  slice(start = 0, end: number = this.byteLength): ArrayBuffer {
    const from = Math.max(0, start || 0);
    const to = Math.min(this.byteLength, end || 0);
    const out = new Uint8Array(Math.max(0, to - from));
    let at = 0;
    for (const shard of this.shards) {
      if (at < to && at + shard.length > from) out.set(shard.subarray(Math.max(0, from - at), to - at), Math.max(0, at - from));
      at += shard.length;
    }
    return out.buffer;
  }
}

/** All buffers in one: the buffer itself, where there is only one. */
export function concatenateArrayBuffers(buffers: WeightData): ArrayBuffer {
  const list = [buffers].flat();
  return list.length === 1 && list[0] !== undefined ? list[0] : CompositeArrayBuffer.join(list);
}

/** The bytes of arrays, one after the other. */
export function concatenateTypedArrays(arrays: readonly ArrayBufferView[]): ArrayBuffer {
  for (const x of arrays) {
    if (!(x instanceof Float32Array || x instanceof Int32Array || x instanceof Uint8Array)) throw coded('dtype', `Unsupported TypedArray subtype: ${x.constructor.name}`);
  }
  return CompositeArrayBuffer.join(arrays);
}

export function arrayBufferToBase64String(buffer: ArrayBuffer): string {
  const bytes = new Uint8Array(buffer);
  let text = '';
  // No engine takes any number of arguments.
  for (let i = 0; i < bytes.length; i += 0x8000) text += String.fromCharCode(...bytes.subarray(i, i + 0x8000));
  return btoa(text);
}

export const base64StringToArrayBuffer = (text: string): ArrayBuffer => Uint8Array.from(atob(text), (c) => c.charCodeAt(0)).buffer;

/** Bytes of a text in UTF-8. */
export const stringByteLength = (text: string): number => new TextEncoder().encode(text).length;

/** The last part of a path. */
export const basename = (path: string): string => path.trim().replace(/\/+$/, '').split('/').at(-1) as string;
