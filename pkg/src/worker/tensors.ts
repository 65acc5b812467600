/** Tensors, and what holds them, as messages. */

import * as tf from '../index.js';
import { coded, type TypedArray } from '../types.js';
import { type Packet, packet } from './channel.js';

/** A tensor's values, in parts that follow one another; of a complex one, its two parts. */
export interface PackedTensor {
  shape: number[];
  dtype: tf.DataType;
  values: (TypedArray | string[])[] | [PackedTensor, PackedTensor];
}

/** Bytes that are read at once: more would hold a page up. */
const PART_BYTES = 1 << 22;
/** Milliseconds of work after which the page has its turn. */
const PAUSE_AFTER_MS = 8;

/** Lets the page have its turn between parts of a long work. */
export class Turns {
  private last = tf.util.now();
  async next(): Promise<void> {
    if (tf.util.now() - this.last < PAUSE_AFTER_MS) return;
    await tf.nextFrame();
    this.last = tf.util.now();
  }
}

/** The values of a tensor, whose buffers join those to be moved. */
export async function packTensor(t: tf.Tensor, transfer: ArrayBuffer[], turns = new Turns()): Promise<PackedTensor> {
  const { shape, dtype } = t;
  if (dtype === 'complex64') {
    const [real, imag] = tf.tidy((): [tf.Tensor, tf.Tensor] => [tf.real(t), tf.imag(t)]);
    const values: [PackedTensor, PackedTensor] = [await packTensor(real, transfer, turns), await packTensor(imag, transfer, turns)];
    tf.dispose([real, imag]);
    return { shape, dtype, values };
  }
  const rows = shape[0] ?? 1;
  const together = Math.max(1, Math.floor((rows * PART_BYTES) / (4 * t.size)));
  const values: (TypedArray | string[])[] = [];
  for (let at = 0; at < rows && t.size > 0; at += together) {
    await turns.next();
    const part = together >= rows ? t : tf.slice(t, at, Math.min(together, rows - at));
    const read = await part.data<'float32' | 'string'>();
    if (part !== t) part.dispose();
    if (!Array.isArray(read)) transfer.push(read.buffer as ArrayBuffer);
    values.push(read);
  }
  return { shape, dtype, values };
}

/** The tensor of a message. */
export function unpackTensor({ shape, dtype, values }: PackedTensor): tf.Tensor {
  if (dtype === 'complex64') {
    const [real, imag] = values as [PackedTensor, PackedTensor];
    return tf.tidy(() => tf.complex(unpackTensor(real), unpackTensor(imag)));
  }
  const parts = values as TypedArray[];
  if (parts.length < 2 || dtype === 'string') return tf.tensor(parts.length === 1 ? (parts[0] as TypedArray) : (parts.flat() as never[]), shape, dtype);
  const whole = tf.util.getTypedArrayFromDType(dtype, tf.util.sizeFromShape(shape)) as TypedArray;
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return tf.tensor(whole, shape, dtype);
}

/** A value as a message: tensors in lists and objects, among plain values. */
export interface Packed {
  tensor?: PackedTensor;
  list?: Packed[];
  entries?: [string, Packed][];
  plain?: unknown;
}

/** Whether a value holds neither tensors nor what cannot be sent: numbers, texts, bytes, and arrays of them. */
const isPlain = (v: unknown): boolean => (Array.isArray(v) ? v.every(isPlain) : v === null || (typeof v !== 'object' && typeof v !== 'function') || ArrayBuffer.isView(v));

/** A value whose tensors' buffers join those to be moved. What cannot be sent is an error, which names it by `path`. */
export async function packValue(v: unknown, path: string, transfer: ArrayBuffer[], turns: Turns): Promise<Packed> {
  if (v instanceof tf.Tensor) return { tensor: await packTensor(v, transfer, turns) };
  if (isPlain(v)) return { plain: v };
  if (Array.isArray(v)) {
    const list: Packed[] = [];
    for (const [i, item] of v.entries()) list.push(await packValue(item, `${path}[${i}]`, transfer, turns));
    return { list };
  }
  if (typeof v === 'function' || ![Object.prototype, null].includes(Object.getPrototypeOf(v as object))) {
    const kind = typeof v === 'function' ? 'a function' : `a ${(v as object).constructor.name}`;
    throw coded('argument', `${path} is ${kind}, which cannot be sent to a worker.`);
  }
  const entries: [string, Packed][] = [];
  for (const [key, item] of Object.entries(v as object)) if (item !== undefined) entries.push([key, await packValue(item, `${path}.${key}`, transfer, turns)]);
  return { entries };
}

/** Tensors in lists and objects, among numbers, texts and arrays of numbers. What else there is cannot be sent: `what` names it in the error. */
export async function pack(value: unknown, what: string): Promise<Packet> {
  const transfer: ArrayBuffer[] = [];
  return packet(await packValue(value, what, transfer, new Turns()), transfer);
}

/** What was packed, with tensors of this side. */
export function unpack({ tensor, list, entries, plain }: Packed): any {
  if (tensor !== undefined) return unpackTensor(tensor);
  if (list !== undefined) return list.map(unpack);
  return entries === undefined ? plain : Object.fromEntries(entries.map(([key, item]) => [key, unpack(item)]));
}
