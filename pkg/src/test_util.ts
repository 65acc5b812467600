/** `tf.test_util`: comparing values in tests. */

import { inferShape } from './convert.js';
import { encodeString } from './strings.js';
import { isTypedArray } from './types.js';
import { arraysEqual, flatten } from './util.js';

/** Half-precision engines differ by more; none here. */
const EPSILON = 1e-3;
export const TEST_EPSILON_FLOAT16 = 1e-1;
export const testEpsilon = (): number => EPSILON;

type Values = any;
declare const expect: undefined | (() => { nothing(): void });

function close(a: number, b: number, epsilon: number): boolean {
  if (!Number.isFinite(Number(a)) && !Number.isFinite(Number(b))) return true;
  return !(Number.isNaN(Number(a)) || Number.isNaN(Number(b)) || Math.abs(a - b) > epsilon);
}

function compare(actual: Values, expected: Values, same: (a: never, b: never) => boolean): void {
  const both = isTypedArray(actual) && isTypedArray(expected);
  if (both || !(isTypedArray(actual) || isTypedArray(expected))) {
    const [a, b] = [actual.constructor.name, expected.constructor.name];
    if (a !== b) throw new Error(`Arrays are of different type. Actual: ${a}. Expected: ${b}`);
  }
  if (Array.isArray(actual) && Array.isArray(expected)) {
    const [a, b] = [inferShape(actual), inferShape(expected)];
    if (!arraysEqual(a, b)) throw new Error(`Arrays have different shapes. Actual: [${a}]. Expected: [${b}]`);
  }
  const [a, b] = [actual, expected].map((v) => (isTypedArray(v) ? v : flatten(v))) as unknown as [ArrayLike<never>, ArrayLike<never>];
  const all = (): string => `\nActual:   ${String(a)}.\nExpected: ${String(b)}.`;
  if (a.length !== b.length) throw new Error(`Arrays have different lengths actual: ${a.length} vs expected: ${b.length}.${all()}`);
  for (let i = 0; i < b.length; i++) {
    if (!same(a[i] as never, b[i] as never)) throw new Error(`Arrays differ: actual[${i}] = ${String(a[i])}, expected[${i}] = ${String(b[i])}.${all()}`);
  }
  if (typeof expect !== 'undefined') expect().nothing();
}

export function expectArraysClose(actual: Values, expected: Values, epsilon = EPSILON): void {
  compare(actual, expected, (a, b) => close(a, b, epsilon ?? EPSILON));
}

export function expectArraysEqual(actual: Values, expected: Values): void {
  const wanted = ['string', 'number', 'boolean'].includes(typeof expected) ? [expected] : expected;
  const texts = [actual, actual[0], expected, expected[0]].some((v) => typeof v === 'string');
  compare(actual, wanted, texts ? (a: unknown, b: unknown) => a === b || (a ?? null) === (b ?? null) : (a, b) => close(a, b, 0));
}

export function expectNumbersClose(a: number, e: number, epsilon = EPSILON): void {
  if (!close(a, e, epsilon)) throw new Error(`Numbers differ: actual === ${a}, expected === ${e}`);
  if (typeof expect !== 'undefined') expect().nothing();
}

export function expectValuesInRange(actual: ArrayLike<number>, low: number, high: number): void {
  for (let i = 0; i < actual.length; i++) {
    const value = actual[i] as number;
    if (value < low || value > high) throw new Error(`Value out of range:${value} low: ${low}, high: ${high}`);
  }
}

export function expectArrayBuffersEqual(actual: ArrayBuffer, expected: ArrayBuffer): void {
  const [a, b] = [new Uint8Array(actual), new Uint8Array(expected)];
  if (a.length !== b.length) throw new Error(`Expected ArrayBuffer to be of length ${b.length}, but it was ${a.length}`);
  for (let i = 0; i < b.length; i++) if (a[i] !== b[i]) throw new Error(`Expected ArrayBuffer value at ${i} to be ${b[i]} but got ${a[i]} instead`);
}

export function expectPromiseToFail(f: () => Promise<unknown>, done: { (): void; fail(): void }): void {
  f().then(() => done.fail(), () => done());
  if (typeof expect !== 'undefined') expect().nothing();
}

/** Texts as bytes, in place. */
export function encodeStrings(list: unknown[]): unknown[] {
  list.forEach((value, i) => {
    if (Array.isArray(value)) encodeStrings(value);
    else list[i] = encodeString(value as string);
  });
  return list;
}
