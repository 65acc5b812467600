/** Nested structures: arrays and objects with values at their leaves. */

import { tensor } from '../convert.js';
import { stack } from '../ops/core.js';
import { Tensor } from '../tensor.js';
import { coded, isTypedArray, type TensorLike } from '../types.js';

/** Whether a value is an array or an object of values, not a value itself: objects of the platform (files, images, maps) are. */
export function isContainer(value: unknown): value is object {
  return Array.isArray(value) || (typeof value === 'object' && value !== null && !(value instanceof Tensor) && !(Symbol.toStringTag in value));
}

/** The same structure with other leaves. The result of an object that occurs twice occurs twice. */
export function mapLeaves(root: unknown, f: (leaf: any) => unknown, isLeaf: (value: unknown) => boolean = (value) => !isContainer(value)): any {
  const done = new Map<unknown, unknown>();
  const above = new Set<unknown>();
  const visit = (value: unknown): unknown => {
    if (above.has(value)) throw coded('argument', 'Circular references are not supported.');
    if (done.has(value)) return done.get(value);
    let result: unknown;
    if (isLeaf(value)) {
      result = f(value);
    } else {
      above.add(value);
      const copy = Array.isArray(value) ? [] : Object.create(Object.getPrototypeOf(value));
      for (const [key, item] of Object.entries(value as object)) copy[key] = visit(item);
      above.delete(value);
      result = copy;
    }
    if (typeof value === 'object') done.set(value, result);
    return result;
  };
  return visit(root);
}

/** A copy whose tensors are its own. */
export const cloneTensors = <T>(value: T): T => mapLeaves(value, (leaf) => (leaf instanceof Tensor ? leaf.clone() : leaf));

/** What to do with the values of several elements at one place: join them, or look inside. */
export type Zip = (values: any[]) => { value: unknown; recurse: boolean };

/** Elements of one structure as one whose leaves are lists. */
export const zipToList: Zip = (values) => (isContainer(values[0]) ? { value: null, recurse: true } : { value: values, recurse: false });

/** Elements of one structure, which that of the first tells, as one element. */
export function zipElements(elements: unknown[], zip: Zip): unknown {
  const above = new Set<unknown>();
  const visit = (values: any[]): unknown => {
    const [first] = values;
    if (above.has(first)) throw coded('argument', 'Circular references are not supported.');
    const { value, recurse } = zip(values);
    if (!recurse) return value;
    if (value !== null) throw coded('argument', 'A deep zip function may not return both a value and recurse=true.');
    if (!isContainer(first)) throw coded('argument', `Can't recurse into non-iterable type: ${first}`);
    above.add(first);
    const result: any = Array.isArray(first) ? [] : {};
    for (const key of Object.keys(first)) result[key] = visit(values.map((v) => v?.[key]));
    above.delete(first);
    return result;
  };
  return visit(elements);
}

/** Elements as one whose tensors have the batch as their first dimension. */
export const zipToTensors: Zip = (rows) => {
  const [first] = rows;
  const joins = first === null || typeof first !== 'object' || Array.isArray(first) || first instanceof Tensor || isTypedArray(first);
  return joins ? { value: batchOf(rows), recurse: false } : { value: null, recurse: true };
};

/** Numbers, strings, arrays or tensors of one shape along a new first dimension. */
function batchOf(rows: any[]): Tensor {
  const [first] = rows;
  if (first instanceof Tensor) return stack(rows);
  // Typed arrays are copied whole, not number by number.
  if (isTypedArray(first) && rows.every((row) => isTypedArray(row) && row.length === first.length)) {
    const joined = new (first.constructor as Float32ArrayConstructor)(rows.length * first.length);
    rows.forEach((row, i) => joined.set(row, i * first.length));
    return tensor(joined, [rows.length, first.length]);
  }
  return tensor(rows as unknown as TensorLike);
}
