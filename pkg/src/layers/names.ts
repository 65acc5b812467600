/** Names of layers and of their weights. */

import { toSnake } from './config.js';

const used = new Map<string, number>();

/** Names of variables are unique in the whole program, weights' only within their model. */
export function uniqueName(name: string): string {
  const n = used.get(`weight ${name}`) ?? 0;
  used.set(`weight ${name}`, n + 1);
  return n === 0 ? name : `${name}_${n}`;
}

/** A name that no layer has had: `dense_Dense1`. */
export function uid(className: string): string {
  const n = (used.get(className) ?? 0) + 1;
  used.set(className, n);
  return `${toSnake(className)}_${className}${n}`;
}

const scopes: string[] = [];

/** Calls `f`; names of weights that are made meanwhile begin with `name`. */
export function inScopeOf<T>(name: string, f: () => T): T {
  scopes.push(name);
  try {
    return f();
  } finally {
    scopes.pop();
  }
}

/** The name of a weight that is made now, of a layer. */
export const weightName = (layer: string, weight: string): string => `${scopes.length > 0 ? scopes.join('/') : layer}/${weight}`;
