/** Streams of elements that are computed when they are asked for. */

import { generator, seedOf } from '../random.js';
import { dispose } from '../tensor.js';
import { cloneTensors, type Zip, zipElements, zipToList } from './nested.js';
import { applied, appliedNow, checkCapacity, discard, element, END, serially, type Step } from './step.js';

/**
 * A stream of elements. `next` may be called again before its promise is fulfilled; elements come in the order of the calls.
 * The tensors of an element belong to who asked for it. Each stream is read once, and by one stage after it.
 */
export abstract class LazyIterator<T = any> {
  abstract next(): Promise<Step<T>>;

  /** Ends the stream early: what it holds ready is disposed, and its sources are closed. */
  async return(): Promise<Step<T>> {
    return END;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  /** The elements that are left. */
  async toArray(): Promise<T[]> {
    const elements: T[] = [];
    for (let step = await this.next(); !step.done; step = await this.next()) elements.push(step.value);
    return elements;
  }

  /** The elements that are left, asked for 100 at a time: what depends on the order in which promises are fulfilled shows. */
  toArrayForTest(): Promise<T[]> {
    return this.prefetch(100).toArray();
  }

  async resolveFully(): Promise<void> {
    while (!(await this.next()).done);
  }

  /** Reads until the end, or an element for which `predicate` is false. */
  async resolveWhile(predicate: (value: T) => boolean): Promise<void> {
    for (let step = await this.next(); !step.done && predicate(step.value); step = await this.next());
  }

  /** Calls `handler` with what is thrown: the stream goes on where it returns true, and ends where it returns false. */
  handleErrors(handler: (error: Error) => boolean): LazyIterator<T> {
    return stage(
      this,
      serially(async () => {
        for (;;) {
          try {
            return await this.next();
          } catch (error) {
            if (!handler(error as Error)) return END;
          }
        }
      }),
    );
  }

  /** The elements for which `predicate` is true. The others are disposed. */
  filter(predicate: (value: T) => boolean | Promise<boolean>): LazyIterator<T> {
    return stage(
      this,
      serially(async () => {
        for (;;) {
          const step = await this.next();
          if (step.done) return step;
          let fits = false;
          try {
            fits = await predicate(step.value);
          } finally {
            if (!fits) dispose(step.value);
          }
          if (fits) return step;
        }
      }),
    );
  }

  /** A function of each element, whose tensors are disposed unless the result has them. */
  map<O>(transform: (value: T) => O): LazyIterator<O> {
    return stage(this, async () => {
      const step = await this.next();
      return step.done ? END : element(appliedNow(step.value, transform));
    });
  }

  /**
   * As `map`, with promises. As many are at work as are asked for; with `parallelism`, as many as it says and no more.
   */
  mapAsync<O>(transform: (value: T) => Promise<O>, parallelism?: number): LazyIterator<O> {
    const mapped = stage<O>(this, async () => {
      const step = await this.next();
      return step.done ? END : element(await applied(step.value, transform));
    });
    if (parallelism === undefined) return mapped;
    checkCapacity(parallelism, 'mapAsync()', 'parallelism');
    return mapped.ahead(parallelism, 0).serial();
  }

  serialMapAsync<O>(transform: (value: T) => Promise<O>): LazyIterator<O> {
    return this.mapAsync(transform).serial();
  }

  /** The elements of a list that is a function of each element. */
  flatmap<O>(transform: (value: T) => O[]): LazyIterator<O> {
    const queue: O[] = [];
    return stage(
      this,
      serially(async () => {
        while (queue.length === 0) {
          const step = await this.next();
          if (step.done) return END;
          queue.push(...appliedNow(step.value, transform));
        }
        return element(queue.shift() as O);
      }),
      async () => dispose(queue.splice(0)),
    );
  }

  /** Calls `f` with each element, one at a time, and disposes the element. */
  async forEachAsync(f: (value: T) => unknown): Promise<void> {
    try {
      for (let step = await this.next(); !step.done; step = await this.next()) await applied(step.value, f);
    } finally {
      await this.return();
    }
  }

  /** As `forEachAsync`, until `f` gives something but true. */
  serialForEach(f: (value: T) => Promise<boolean>): Promise<void> {
    return this.serialMapAsync(f).resolveWhile((goOn) => goOn === true);
  }

  /** Lists of so many elements. The last is smaller, or left out. */
  rowMajorBatch(batchSize: number, smallLastBatch = true): LazyIterator<T[]> {
    return stage(
      this,
      serially(async () => {
        const batch: T[] = [];
        try {
          while (batch.length < batchSize) {
            const step = await this.next();
            if (step.done) {
              if (smallLastBatch && batch.length > 0) return element(batch);
              dispose(batch);
              return END;
            }
            batch.push(step.value);
          }
        } catch (error) {
          dispose(batch);
          throw error;
        }
        return element(batch);
      }),
    );
  }

  /** Elements of which each joins so many, place by place in their structure. */
  columnMajorBatch(batchSize: number, smallLastBatch = true, zip: Zip = zipToList): LazyIterator {
    return this.rowMajorBatch(batchSize, smallLastBatch).map((rows) => zipElements(rows, zip));
  }

  concatenate(other: LazyIterator<T>, handler?: (error: Error) => boolean): LazyIterator<T> {
    const rest = [this, other];
    return chained(async () => rest.shift() ?? null, handler);
  }

  /** The first `count` elements; all where it is negative or undefined. After them the stream is closed with `closes`. */
  take(count?: number, closes = false): LazyIterator<T> {
    if (count === undefined || count === null || count < 0) return this;
    let taken = 0;
    let read: Promise<unknown> = Promise.resolve();
    return stage(this, async () => {
      if (taken++ < count) {
        const step = this.next();
        if (closes) read = Promise.allSettled([read, step]).then(() => {});
        return step;
      }
      if (closes && taken === count + 1) void read.then(() => this.return()).catch(() => {});
      return END;
    });
  }

  /** All but the first `count` elements; all where it is negative or undefined. */
  skip(count?: number): LazyIterator<T> {
    if (count === undefined || count === null || count < 0) return this;
    let skipped = 0;
    return stage(
      this,
      serially(async () => {
        for (; skipped < count; skipped++) {
          const step = await this.next();
          if (step.done) return step;
          dispose(step.value);
        }
        return this.next();
      }),
    );
  }

  /** Asks for `bufferSize` elements beyond those that are asked of it. */
  prefetch(bufferSize: number): LazyIterator<T> {
    checkCapacity(bufferSize, 'Dataset.prefetch()');
    return this.ahead(bufferSize, bufferSize);
  }

  /** Has `size` calls under way, and `left` after one is taken. */
  private ahead(size: number, left: number): LazyIterator<T> {
    const buffer: Promise<Step<T>>[] = [];
    let ended = false;
    const fill = (to: number): void => {
      while (!ended && buffer.length < to) {
        const step = this.next();
        // A failure is for who asks for the element.
        step.then(({ done }) => (ended ||= done), () => {});
        buffer.push(step);
      }
    };
    return stage(
      this,
      async () => {
        fill(size);
        const step = buffer.shift() ?? END;
        fill(left);
        return step;
      },
      () => discard(buffer),
    );
  }

  /** Elements in a random order: each is drawn from `windowSize` that are held ready. */
  shuffle(windowSize: number, seed?: number | string): LazyIterator<T> {
    checkCapacity(windowSize, 'Dataset.shuffle()');
    const random = generator(seedOf(seed));
    const window: Promise<Step<T>>[] = [];
    // Known by a draw, not by time: a seed gives one order however long elements take.
    let ended = false;
    return stage(
      this,
      serially(async () => {
        for (;;) {
          while (!ended && window.length < windowSize) {
            const step = this.next();
            step.catch(() => {});
            window.push(step);
          }
          if (window.length === 0) return END;
          const [drawn] = window.splice(Math.floor(random() * window.length), 1);
          const step = await (drawn as Promise<Step<T>>);
          if (!step.done) return step;
          ended = true;
        }
      }),
      () => discard(window),
    );
  }

  /** Calls of `next` one after the other. */
  serial(): LazyIterator<T> {
    return stage(this, serially(() => this.next()));
  }
}

class FunctionIterator<T> extends LazyIterator<T> {
  constructor(
    private readonly read: () => Promise<Step<T>>,
    private readonly close?: () => Promise<unknown>,
  ) {
    super();
  }

  override next(): Promise<Step<T>> {
    return this.read();
  }

  override async return(): Promise<Step<T>> {
    await this.close?.();
    return END;
  }
}

/** A stream after another, with what it holds. */
function stage<T>(upstream: LazyIterator<unknown>, next: () => Promise<Step<T>>, release?: () => Promise<unknown>): LazyIterator<T> {
  return new FunctionIterator(next, async () => {
    // What is held may wait for the source, which closing it ends.
    const closed = upstream.return();
    await release?.();
    await closed;
  });
}

/** A stream of what a function gives. `close` ends it early. */
export function fromFunction<T>(f: () => IteratorResult<T, any> | Promise<IteratorResult<T, any>>, close?: () => Promise<unknown>): LazyIterator<T> {
  const next = async (): Promise<Step<T>> => {
    let given: ReturnType<typeof f>;
    try {
      given = f();
    } catch (error) {
      if (error instanceof Error) error.message = `Error thrown while iterating through a dataset: ${error.message}`;
      throw error;
    }
    const { value, done } = await given;
    return done ? END : element(value);
  };
  return new FunctionIterator(next, close);
}

/** The elements of a list, with tensors of their own. */
export function fromItems<T>(items: ArrayLike<T>): LazyIterator<T> {
  let at = 0;
  return new FunctionIterator(async () => (at < items.length ? element(cloneTensors(items[at++] as T)) : END));
}

/** The elements of an asynchronous generator, which is closed with the stream; before it, the stream that it reads. */
export function fromGenerator<T>(source: AsyncGenerator<T, void>, upstream?: LazyIterator): LazyIterator<T> {
  return new FunctionIterator(
    async () => {
      const { value, done } = await source.next();
      return done ? END : element(value);
    },
    async () => {
      // A generator that waits for its source takes the request to end only after that.
      await upstream?.return();
      await source.return();
    },
  );
}

/** The elements of streams, one stream after the other, until null comes for one. */
export function chained<T>(following: () => Promise<LazyIterator<T> | null>, handler?: (error: Error) => boolean): LazyIterator<T> {
  let current: LazyIterator<T> | null = null;
  return new FunctionIterator(
    serially(async () => {
      for (;;) {
        if (current === null) {
          const stream = await following();
          if (stream === null) return END;
          current = handler === undefined ? stream : stream.handleErrors(handler);
        }
        const step = await current.next();
        if (!step.done) return step;
        current = null;
      }
    }),
    async () => current?.return(),
  );
}

/** What `build` makes of one element of each stream, until one of them ends. */
export function zipped<T>(streams: LazyIterator[], build: (values: unknown[]) => T): LazyIterator<T> {
  const close = (): Promise<unknown> => Promise.all(streams.map((s) => s.return()));
  return new FunctionIterator(
    serially(async () => {
      const settled = await Promise.allSettled(streams.map((s) => s.next()));
      const steps = settled.map((s) => (s.status === 'fulfilled' ? s.value : END));
      const values = steps.map(({ value }) => value);
      if (!steps.some(({ done }) => done)) return element(build(values));
      // The others are ahead of one that ended or failed.
      dispose(values);
      const failed = settled.find((s) => s.status === 'rejected');
      if (failed !== undefined) throw failed.reason;
      await close();
      return END;
    }),
    close,
  );
}
