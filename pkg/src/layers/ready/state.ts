/** States as JSON and tensors. */

import { Tensor } from '../../tensor.js';
import { coded } from '../../types.js';
import type { State } from '../callbacks.js';

/** What JSON cannot say: the place of a tensor in a list, or a number by its name. */
const TENSOR = 'headwater:tensor';
const NUMBER = 'headwater:number';

/** A state as JSON. Its tensors go to the end of a list. */
export function packed(state: State, tensors: Tensor[], owner: string): unknown {
  if (state instanceof Tensor) return { [TENSOR]: tensors.push(state) - 1 };
  if (typeof state === 'number') return Number.isFinite(state) ? state : { [NUMBER]: String(state) };
  if (Array.isArray(state)) return state.map((item: State) => packed(item, tensors, owner));
  if (typeof state !== 'object' || state === null) {
    if (typeof state === 'function' || typeof state === 'bigint' || typeof state === 'symbol') throw unfit(state, owner);
    return state;
  }
  if (![Object.prototype, null].includes(Object.getPrototypeOf(state))) throw unfit(state, owner);
  return Object.fromEntries(Object.entries(state).map(([name, value]) => [name, packed(value, tensors, owner)]));
}

const unfit = (state: unknown, owner: string): Error =>
  coded('argument', `The state of ${owner} may be made of numbers, strings, booleans, null, tensors, lists and plain objects, but has a ${(state as object).constructor?.name ?? typeof state}.`);

/** The state that `packed` made JSON of. */
export function unpacked(json: unknown, tensors: readonly Tensor[]): any {
  if (Array.isArray(json)) return json.map((item) => unpacked(item, tensors));
  if (typeof json !== 'object' || json === null) return json;
  const { [TENSOR]: place, [NUMBER]: name } = json as Record<string, unknown>;
  if (place !== undefined) return tensors[place as number];
  if (name !== undefined) return Number(name);
  return Object.fromEntries(Object.entries(json).map(([key, value]) => [key, unpacked(value, tensors)]));
}
