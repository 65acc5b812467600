/** Data sets of lists, functions and other data sets. */

import { coded } from '../types.js';
import { Dataset, fromIterators, type Size } from './dataset.js';
import { fromFunction, fromItems, zipped } from './iterator.js';
import { isContainer, mapLeaves } from './nested.js';

/** The elements of a list. */
export function array<T>(items: ArrayLike<T>): Dataset<T> {
  return fromIterators(async () => fromItems(items), items.length);
}

/** What a function gives, call by call. All iterations share the calls. */
export function func<T>(f: () => IteratorResult<T, any> | Promise<IteratorResult<T, any>>): Dataset<T> {
  const stream = fromFunction(f);
  return fromIterators(async () => stream);
}

type AnyIterator<T> = Iterator<T> | AsyncIterator<T>;

/**
 * What a generator gives, or the iterator that a function returns, at once or later. Each iteration calls it anew. A generator
 * is closed where an iteration ends early; the iterators of other functions may be shared, and are left open.
 */
export function generator<T>(make: () => AnyIterator<T> | Promise<AnyIterator<T>>): Dataset<T> {
  const own = Object.prototype.toString.call(make).endsWith('GeneratorFunction]');
  return fromIterators(async () => {
    const source = await make();
    return fromFunction(
      () => source.next(),
      own ? async () => source.return?.() : undefined,
    );
  });
}

/** The elements of a structure of data sets: Zipped<[Dataset<A>, { b: Dataset<B> }]> is [A, { b: B }]. */
export type Zipped<D> = D extends Dataset<infer T> ? T : { -readonly [K in keyof D]: Zipped<D[K]> };

/** Elements of several data sets together, in the structure in which the data sets are given, until the shortest ends. */
export function zip<D extends object>(datasets: D): Dataset<Zipped<D>> {
  if (typeof datasets !== 'object' || datasets === null) throw coded('argument', 'The argument to zip() must be an object or array.');
  const members: Dataset[] = [];
  // Where each data set stands; one that stands twice is read once.
  const places = mapLeaves(
    datasets,
    (leaf) => {
      if (!(leaf instanceof Dataset)) throw coded('argument', 'Leaves of the structure passed to zip() must be Datasets, not primitives.');
      return members.push(leaf) - 1;
    },
    (value) => value instanceof Dataset || !isContainer(value),
  );
  const sizes = members.map((m) => m.size ?? NaN);
  const size: Size = sizes.some(Number.isNaN) || sizes.length === 0 ? null : Math.min(...sizes);
  return fromIterators(async () => {
    const streams = await Promise.all(members.map((m) => m.iterator()));
    return zipped(streams, (values) => mapLeaves(places, (place: number) => values[place]) as Zipped<D>);
  }, size, members.flatMap((m) => m.draws));
}
