/** What training in a worker tells the page. */

import * as tf from '../index.js';
import { coded } from '../types.js';

export const HOOKS = ['onTrainBegin', 'onTrainEnd', 'onEpochBegin', 'onEpochEnd', 'onBatchBegin', 'onBatchEnd', 'onYield'] as const;
export type Hook = (typeof HOOKS)[number];
export type Listener = Partial<Record<Hook, unknown>>;

/** The hooks that some callback has, beside the one that keeps the history. */
export function hooksOf([, ...given]: Listener[]): Hook[] {
  const found = new Set<string>();
  for (const callback of given) {
    if (callback === null || typeof callback !== 'object') throw coded('argument', 'A callback must be an object with functions such as onEpochEnd.');
    for (let of: object = callback; of !== Object.prototype && of !== tf.Callback.prototype && of !== null; of = Object.getPrototypeOf(of)) {
      for (const name of Object.getOwnPropertyNames(of)) {
        if (/^on[A-Z]/.test(name) && typeof (callback as Record<string, unknown>)[name] === 'function') found.add(name);
      }
    }
  }
  const unknown = [...found].find((name) => !(HOOKS as readonly string[]).includes(name));
  if (unknown !== undefined) throw coded('argument', `A callback's ${unknown} cannot be called from a worker, only ${HOOKS.join(', ')}.`);
  return HOOKS.filter((name) => found.has(name));
}
