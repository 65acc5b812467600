/**
 * The values of string tensors. The engine holds a number for each distinct text, so that everything that moves elements
 * works on strings as it does on numbers, and equal texts are equal numbers.
 */

import { host } from './platform.js';
import { coded } from './types.js';

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** One character per byte, which makes bytes that are no UTF-8 survive. */
const texts: string[] = [];
const numbers = new Map<string, number>();

/** The UTF-8 bytes of a text. */
export function encodeString(text: string, encoding = 'utf-8'): Uint8Array {
  if (!/^utf-?8$/i.test(encoding)) throw coded('argument', `The encoder only supports utf-8, but got ${encoding}`);
  return host.platform.encode(text, encoding);
}

/** The text of bytes. */
export const decodeString = (bytes: Uint8Array, encoding = 'utf-8'): string => host.platform.decode(bytes, encoding);

/** What stands for no text at all. */
export const NOTHING = -1;

/** The number of a text or of its bytes. */
export function internString(value: string | Uint8Array): number {
  const bytes = typeof value === 'string' ? encoder.encode(value) : value;
  let key = '';
  for (const byte of bytes) key += String.fromCharCode(byte);
  let number = numbers.get(key);
  if (number === undefined) {
    number = texts.push(key) - 1;
    numbers.set(key, number);
  }
  return number;
}

/** The bytes behind a number. */
export function bytesOf(number: number): Uint8Array {
  return Uint8Array.from(texts[number] ?? '', (c) => c.charCodeAt(0));
}

/** The text behind a number. */
export const textOf = (number: number): string => (number === NOTHING ? (null as unknown as string) : decoder.decode(bytesOf(number)));

/** The bytes that a text takes. */
export const lengthOf = (number: number): number => (texts[number] ?? '').length;
