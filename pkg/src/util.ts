/** Small helpers that TensorFlow.js exports as `tf.util`. */

import { isTypedArray } from './convert.js';
import { coded } from './types.js';

export { inferShape, isTypedArray } from './convert.js';

export function assert(condition: boolean, message: () => string): void {
  if (!condition) throw coded('argument', typeof message === 'string' ? message : message());
}

export const now = (): number => performance.now();

export const sizeFromShape = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1);

export function arraysEqual(a: ArrayLike<unknown>, b: ArrayLike<unknown>): boolean {
  if (a === b) return true;
  if (a === null || b === null || a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

export function flatten<T>(value: T | readonly T[], result: T[] = []): T[] {
  if (Array.isArray(value) || isTypedArray(value)) for (const item of value as readonly T[]) flatten(item, result);
  else result.push(value as T);
  return result;
}

/** Shuffles in place (Fisher and Yates). */
export function shuffle(array: { length: number; [i: number]: unknown }): void {
  for (let i = array.length - 1; i > 0; i--) {
    const j = Math.floor(Math.random() * (i + 1));
    [array[i], array[j]] = [array[j], array[i]];
  }
}

export function createShuffledIndices(n: number): Uint32Array {
  const order = Uint32Array.from({ length: n }, (_, i) => i);
  shuffle(order as unknown as { length: number; [i: number]: unknown });
  return order;
}

export const isPromise = (value: unknown): boolean => typeof (value as { then?: unknown } | null)?.then === 'function';
export const clamp = (min: number, x: number, max: number): number => Math.max(min, Math.min(x, max));

/** Resolves at the next frame of a page, or as soon as other work had its turn. */
export function nextFrame(): Promise<void> {
  return new Promise((resolve) => {
    // A hidden page has no frames, and must go on all the same.
    if (typeof requestAnimationFrame === 'function' && typeof document !== 'undefined' && !document.hidden) requestAnimationFrame(() => resolve());
    else setTimeout(resolve, 0);
  });
}
