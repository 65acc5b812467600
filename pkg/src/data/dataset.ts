/** Data sets: where elements come from, and what is done to each on its way. */

import { Draws, seedOf } from '../random.js';
import { tidy } from '../tensor.js';
import { assert } from '../util.js';
import { chained, type LazyIterator } from './iterator.js';
import { zipToTensors } from './nested.js';
import { checkCapacity } from './step.js';

/** The number of elements; Infinity where they do not end, null where it is not known. */
export type Size = number | null;

/**
 * A list of elements that may be longer than memory. An element is a number, a string, a tensor, an array, or an object of
 * these, nested at will. Each iteration reads the source anew. Stages dispose the tensors of their input unless they pass
 * them on; the tensors of an element belong to who receives it.
 */
export abstract class Dataset<T = any> {
  readonly size: Size = null;
  /** What the orders of the streams that are opened next are drawn from, here and upstream. */
  readonly draws: readonly Draws[] = [];

  /** A new stream of the elements. */
  abstract iterator(): Promise<LazyIterator<T>>;

  /** For `for await`. A loop that is left early closes what the stream reads from. */
  async *[Symbol.asyncIterator](): AsyncGenerator<T, void> {
    const stream = await this.iterator();
    try {
      for (let step = await stream.next(); !step.done; step = await stream.next()) yield step.value;
    } finally {
      await stream.return();
    }
  }

  /** A stage after this data set. */
  private staged<O>(stage: (stream: LazyIterator<T>) => LazyIterator<O>, size: Size = this.size ?? null, draws = this.draws): Dataset<O> {
    return fromIterators(async () => stage(await this.iterator()), size, draws);
  }

  /**
   * Batches of `batchSize` elements. A batch has the structure of an element, with tensors at the leaves whose first dimension
   * counts the elements. The last batch is smaller, or left out.
   */
  batch(batchSize: number, smallLastBatch = true): Dataset {
    assert(batchSize > 0, () => `batchSize needs to be positive, but it is\n      ${batchSize}`);
    const round = smallLastBatch ? Math.ceil : Math.floor;
    return this.staged((s) => s.columnMajorBatch(batchSize, smallLastBatch, zipToTensors), known(this.size) ? round(this.size / batchSize) : null);
  }

  /** The elements of this one, then those of the other. */
  concatenate(dataset: Dataset<T>): Dataset<T> {
    const endless = this.size === Infinity || dataset.size === Infinity;
    const size = endless ? Infinity : known(this.size) && known(dataset.size) ? this.size + dataset.size : null;
    return fromIterators(async () => {
      const parts = [this, dataset];
      return chained(async () => (await parts.shift()?.iterator()) ?? null);
    }, size, [...this.draws, ...dataset.draws]);
  }

  /** The elements for which `predicate` is true. The others are disposed. */
  filter(predicate: (value: T) => boolean | Promise<boolean>): Dataset<T> {
    const tidied = (value: T): boolean | Promise<boolean> => {
      let fits: boolean | Promise<boolean> = false;
      tidy(() => {
        fits = predicate(value);
      });
      return fits;
    };
    return this.staged((s) => s.filter(tidied), this.size === Infinity ? Infinity : null);
  }

  /** Calls `f` with each element, one at a time, and disposes the element after it. */
  async forEachAsync(f: (value: T) => unknown): Promise<void> {
    await (await this.iterator()).forEachAsync(f);
  }

  /** A function of each element, in a scope of its own. The element is disposed but for what the result has of it. */
  map<O>(transform: (value: T) => O): Dataset<O> {
    return this.staged((s) => s.map((value) => tidy(() => transform(value))));
  }

  /**
   * An asynchronous function of each element. What it makes on the way it disposes itself. With `parallelism`, so many calls
   * are under way at a time; the order of the elements is kept.
   */
  mapAsync<O>(transform: (value: T) => Promise<O>, parallelism?: number): Dataset<O> {
    if (parallelism !== undefined) checkCapacity(parallelism, 'Dataset.mapAsync()', 'parallelism');
    return this.staged((s) => s.mapAsync(transform, parallelism));
  }

  /** Reads `bufferSize` elements ahead, while others are worked on. */
  prefetch(bufferSize: number): Dataset<T> {
    if (bufferSize === undefined || bufferSize === null) throw new RangeError('`Dataset.prefetch()` requires bufferSize to be specified.');
    checkCapacity(bufferSize, 'Dataset.prefetch()');
    return this.staged((s) => s.prefetch(bufferSize));
  }

  /** The elements `count` times; without end where it is undefined or negative, unless there are none. */
  repeat(count?: number): Dataset<T> {
    const endless = count === undefined || count === null || count < 0;
    const size = count === 0 || this.size === 0 ? 0 : known(this.size) ? this.size * (endless ? Infinity : count) : null;
    return fromIterators(async () => {
      let rounds = 0;
      let found = true;
      return chained(async () => {
        if (!found || (!endless && rounds >= count)) return null;
        rounds += 1;
        found = false;
        // A round without elements would be followed by others for ever.
        return (await this.iterator()).map((value) => {
          found = true;
          return value;
        });
      });
    }, size, this.draws);
  }

  /** All but the first `count` elements; none where it is undefined or negative. */
  skip(count: number): Dataset<T> {
    const all = count === undefined || count === null || count < 0;
    return this.staged((s) => (all ? s.take(0, true) : s.skip(count)), all ? 0 : known(this.size) ? Math.max(this.size - count, 0) : null);
  }

  /**
   * Elements in a random order: each is drawn from `bufferSize` that are read ahead. A seed gives the same order in every
   * program, and another in each iteration unless `reshuffleEachIteration` is false.
   */
  shuffle(bufferSize: number, seed?: string | number, reshuffleEachIteration = true): Dataset<T> {
    if (bufferSize === undefined || bufferSize === null || bufferSize < 0) {
      const hint =
        '  If your data fits in main memory (for regular JS objects), and/or GPU memory (for `tf.Tensor`s), consider setting ' +
        `bufferSize to the dataset size (${this.size} elements)`;
      throw new RangeError(`\`Dataset.shuffle()\` requires bufferSize to be specified.${known(this.size) ? hint : ''}`);
    }
    checkCapacity(bufferSize, 'Dataset.shuffle()');
    const draws = new Draws(seedOf(seed));
    if (reshuffleEachIteration) draws.next();
    const order = (): number => Math.floor((reshuffleEachIteration ? draws : new Draws(draws.state)).next() * 2 ** 32);
    return this.staged((s) => s.shuffle(bufferSize, order()), this.size, [...this.draws, draws]);
  }

  /** The first `count` elements; all where it is undefined or negative. */
  take(count: number): Dataset<T> {
    const all = count === undefined || count === null || count < 0;
    return this.staged((s) => s.take(count, true), all ? this.size : known(this.size) ? Math.min(this.size, count) : null);
  }

  private checkEnds(): void {
    if (this.size === Infinity) throw new Error('Can not convert infinite data stream to array.');
  }

  /** All elements. */
  async toArray(): Promise<T[]> {
    this.checkEnds();
    return (await this.iterator()).toArray();
  }

  /** All elements, asked for 100 at a time: what depends on the order in which promises are fulfilled shows. */
  async toArrayForTest(): Promise<T[]> {
    this.checkEnds();
    return (await this.iterator()).toArrayForTest();
  }
}

/** Whether a size is known. Data sets of users may leave it undefined. */
const known = (size: Size | undefined): size is number => size !== null && size !== undefined;

class DerivedDataset<T> extends Dataset<T> {
  constructor(
    private readonly make: () => Promise<LazyIterator<T>>,
    override readonly size: Size,
    override readonly draws: readonly Draws[],
  ) {
    super();
  }

  override iterator(): Promise<LazyIterator<T>> {
    return this.make();
  }
}

/** A data set of the streams that a function gives. */
export function fromIterators<T>(make: () => Promise<LazyIterator<T>>, size: Size = null, draws: readonly Draws[] = []): Dataset<T> {
  return new DerivedDataset(make, size, draws);
}
