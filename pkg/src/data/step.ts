/** Steps of streams, and the tensors in them. */

import { dispose, type Tensor, tensorsIn } from '../tensor.js';

/** An element, or the end. */
export type Step<T> = { value: T; done: false } | { value: null; done: true };

export const END: Step<never> = { value: null, done: true };

export const element = <T>(value: T): Step<T> => ({ value, done: false });

/** Runs calls one after the other. One that fails does not hold up the next. */
export function serially<T>(f: () => Promise<T>): () => Promise<T> {
  let last: Promise<unknown> = Promise.resolve();
  return () => {
    const mine = last.then(f, f);
    last = mine;
    return mine;
  };
}

/** Disposes the tensors of `before` that are not in `after`. */
function disposeExcept(before: Tensor[], after: unknown): void {
  if (before.length === 0) return;
  const kept = new Set(tensorsIn(after));
  for (const t of before) if (!kept.has(t)) t.dispose();
}

/** The result of a function of an element, whose tensors are disposed unless the result has them. */
export async function applied<T, O>(value: T, f: (value: T) => O | Promise<O>): Promise<O> {
  // The function may change the element in place.
  const inputs = tensorsIn(value);
  let result: O | undefined;
  try {
    return (result = await f(value));
  } finally {
    disposeExcept(inputs, result);
  }
}

/** As `applied`, with a result that is not waited for. */
export function appliedNow<T, O>(value: T, f: (value: T) => O): O {
  const inputs = tensorsIn(value);
  let result: O | undefined;
  try {
    return (result = f(value));
  } finally {
    disposeExcept(inputs, result);
  }
}

/** How many elements are held, or worked on, at a time. */
export function checkCapacity(size: number, op: string, what = 'bufferSize'): void {
  if (!(size >= 1)) throw new RangeError(`\`${op}\` requires ${what} to be at least 1, but got ${size}.`);
}

/** Disposes elements that nobody will ask for. */
export async function discard(steps: Promise<Step<unknown>>[]): Promise<void> {
  for (const step of await Promise.allSettled(steps.splice(0))) if (step.status === 'fulfilled') dispose(step.value.value);
}
