import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as tf from '../dist/index.js';

const range = (n) => Array.from({ length: n }, (_, i) => i);
const later = (ms = 1) => new Promise((resolve) => setTimeout(resolve, ms));
const values = (tensors) => tensors.map((t) => t.arraySync());

/** Runs `f` and fails if it leaves tensors behind. */
async function flat(f) {
  const before = tf.memory().numTensors;
  await f();
  assert.equal(tf.memory().numTensors, before, 'tensors left behind');
}

/** A data set that makes two tensors per element. */
const made = (n) =>
  tf.data.generator(function* () {
    for (let i = 0; i < n; i++) yield { x: tf.tensor1d([i, 2 * i]), y: tf.scalar(i), name: `no ${i}` };
  });

test('stages compute what their names say', async () => {
  const ds = tf.data.array(range(7));
  assert.deepEqual(await ds.toArray(), range(7));
  assert.deepEqual(await ds.toArrayForTest(), range(7));
  assert.deepEqual(await ds.map((x) => x * x).toArray(), [0, 1, 4, 9, 16, 25, 36]);
  assert.deepEqual(await ds.filter((x) => x % 2 === 1).toArray(), [1, 3, 5]);
  assert.deepEqual(await ds.filter(async (x) => x > 4).toArray(), [5, 6]);
  assert.deepEqual(await ds.take(2).toArray(), [0, 1]);
  assert.deepEqual(await ds.take(-1).toArray(), range(7));
  assert.deepEqual(await ds.take(0).toArray(), []);
  assert.deepEqual(await ds.skip(5).toArray(), [5, 6]);
  assert.deepEqual(await ds.skip(-1).toArray(), []);
  assert.deepEqual(await ds.skip(9).toArray(), []);
  assert.deepEqual(await ds.take(1).concatenate(ds.skip(6)).toArray(), [0, 6]);
  assert.deepEqual(await ds.take(2).repeat(3).toArray(), [0, 1, 0, 1, 0, 1]);
  assert.deepEqual(await ds.repeat(0).toArray(), []);
  assert.deepEqual(await ds.skip(4).repeat().take(5).toArray(), [4, 5, 6, 4, 5]);
  assert.deepEqual(await ds.take(0).repeat().toArray(), []);
  assert.deepEqual(await ds.mapAsync(async (x) => x + 1).toArray(), [1, 2, 3, 4, 5, 6, 7]);
  assert.deepEqual(await ds.prefetch(3).toArray(), range(7));
  const seen = [];
  await ds.forEachAsync(async (x) => {
    await later();
    seen.push(x);
  });
  assert.deepEqual(seen, range(7));
  const stream = await ds.iterator();
  assert.deepEqual([await stream.next(), await stream.next()], [{ value: 0, done: false }, { value: 1, done: false }]);
});

test('sizes are known where they can be', () => {
  const ds = tf.data.array(range(7));
  const unknown = ds.filter(() => true);
  assert.deepEqual(
    [ds.size, ds.batch(3).size, ds.batch(3, false).size, ds.map(String).size, ds.take(3).size, ds.take(9).size, ds.take(-1).size, ds.skip(3).size, ds.skip(9).size],
    [7, 3, 2, 7, 3, 7, 7, 4, 0],
  );
  assert.deepEqual([ds.repeat(2).size, ds.repeat().size, ds.repeat(0).size, ds.concatenate(ds).size, ds.shuffle(2).size, ds.prefetch(2).size], [14, Infinity, 0, 14, 7, 7]);
  assert.deepEqual([unknown.size, unknown.batch(2).size, unknown.repeat().size, unknown.take(2).size, ds.concatenate(unknown).size], [null, null, null, null, null]);
  assert.deepEqual([tf.data.zip([ds, ds.take(2)]).size, tf.data.zip({ a: ds, b: [ds.repeat(), { c: ds.skip(4) }] }).size, tf.data.zip([ds, unknown]).size], [2, 3, null]);
});

test('for await reads a data set, and closes a generator that it leaves', async () => {
  let closed = 0;
  const ds = tf.data.generator(async function* () {
    try {
      for (let i = 0; ; i++) yield i;
    } finally {
      closed += 1;
    }
  });
  const seen = [];
  for await (const x of ds.map((x) => x * 10).prefetch(2)) {
    if (x === 30) break;
    seen.push(x);
  }
  assert.deepEqual([seen, closed], [[0, 10, 20], 1]);
  assert.deepEqual(await ds.take(3).toArray(), [0, 1, 2]);
  await later();
  assert.equal(closed, 2);
  // An iterator that several iterations share is not ours to close.
  const shared = (function* () {
    yield* range(6);
  })();
  const sharing = tf.data.generator(() => shared).take(2);
  assert.deepEqual([await sharing.toArray(), await sharing.toArray()], [[0, 1], [2, 3]]);
});

test('generators, iterators and functions give elements, at once or later', async () => {
  const three = () => {
    let i = 0;
    return { next: () => ({ value: i, done: i++ >= 3 }) };
  };
  const slow = () => {
    let i = 0;
    return { next: async () => ({ value: i, done: i++ >= 3 }) };
  };
  for (const make of [three, slow, async () => three(), function* () { yield* range(3); }, async function* () { yield* range(3); }]) {
    const ds = tf.data.generator(make);
    assert.deepEqual([await ds.toArray(), await ds.toArray()], [[0, 1, 2], [0, 1, 2]]);
  }
  const { next } = three();
  const once = tf.data.func(next);
  assert.deepEqual([await once.toArray(), await once.toArray()], [[0, 1, 2], []]);
  const failing = tf.data.generator(() => ({ next() { throw new Error('no more'); } }));
  await assert.rejects(failing.toArray(), /Error thrown while iterating through a dataset: no more/);
});

test('zip nests as it is told, reads what stands twice once, and ends with the shortest', async () => {
  const [a, b, c] = [tf.data.array([1, 2, 3]), tf.data.array(['x', 'y', 'z', '!']), tf.data.array([{ k: 7 }, { k: 8 }, { k: 9 }])];
  assert.deepEqual(await tf.data.zip({ a, deep: [b, { c, again: a }] }).toArrayForTest(), [
    { a: 1, deep: ['x', { c: { k: 7 }, again: 1 }] },
    { a: 2, deep: ['y', { c: { k: 8 }, again: 2 }] },
    { a: 3, deep: ['z', { c: { k: 9 }, again: 3 }] },
  ]);
  await flat(async () => tf.dispose(await tf.data.zip([made(2), made(5)]).toArray()));
  assert.throws(() => tf.data.zip('test'), /The argument to zip\(\) must be an object or array\./);
  assert.throws(() => tf.data.zip([a, 3]), /Leaves of the structure passed to zip\(\) must be Datasets, not primitives\./);
  const cycle = [a];
  cycle.push(cycle);
  assert.throws(() => tf.data.zip(cycle), /Circular references are not supported\./);
  await flat(async () => {
    const bad = tf.data.generator(function* () {
      yield 1;
      throw new Error('propagate me!');
    });
    await assert.rejects(async () => {
      for await (const [x] of tf.data.zip([made(3), bad])) tf.dispose(x);
    }, /propagate me!/);
  });
});

test('batches have tensors at the leaves', async () => {
  const [numbers, rest] = await tf.data.array([1, 2, 3]).batch(2).toArray();
  assert.deepEqual([numbers.arraySync(), rest.arraySync()], [[1, 2], [3]]);
  assert.equal((await tf.data.array([1, 2, 3]).batch(2, false).toArray()).length, 1);
  const element = (i) => ({ n: i, list: [[i, 1]], t: tf.tensor1d([i, i]), s: `s${i}`, f: Float32Array.of(i, 0.5), u: Uint8Array.of(i, 255), deep: { flag: i > 0 }, parts: { 0: i, 1: tf.scalar(i) } });
  const [batch] = await tf.data.generator(function* () { for (let i = 0; i < 2; i++) yield element(i); }).batch(2).toArray();
  const shape = (t) => [t.dtype, ...t.shape].join();
  assert.deepEqual(
    [batch.n, batch.list, batch.t, batch.s, batch.f, batch.u, batch.deep.flag, batch.parts[1]].map(shape),
    ['float32,2', 'float32,2,1,2', 'float32,2,2', 'string,2', 'float32,2,2', 'int32,2,2', 'bool,2', 'float32,2'],
  );
  assert.deepEqual(values([batch.list, batch.f, batch.u, batch.s]), [[[[0, 1]], [[1, 1]]], [[0, 0.5], [1, 0.5]], [[0, 255], [1, 255]], ['s0', 's1']]);
  assert.throws(() => tf.data.array([1]).batch(0), /batchSize needs to be positive/);
  await assert.rejects(tf.data.array([[1, 2], [3]]).batch(2).toArray(), /should have 2 elements, but has 1 elements/);
  await assert.rejects(tf.data.array([() => 1]).map((f) => ({ f: new Map([[f, 1]]) })).batch(1).toArray(), /Can't recurse into non-iterable type/);
});

test('stages dispose the tensors that they do not pass on', async () => {
  const all = async (ds) => tf.dispose(await ds.toArray());
  await flat(() => all(made(10).map(({ x }) => x.add(1))));
  await flat(() => all(made(10).map(({ x }) => x)));
  await flat(() => all(made(10).map((e) => ({ e, more: e.x.add(1).mul(2) }))));
  await flat(() => all(made(10).mapAsync(async ({ y }) => y)));
  await flat(() => all(made(10).filter(({ y }) => y.mul(2).dataSync()[0] > 5)));
  await flat(() => all(made(10).filter(async ({ y }) => (await y.data())[0] > 5)));
  await flat(() => all(made(10).batch(3)));
  await flat(() => all(made(10).batch(3, false)));
  await flat(() => all(made(10).skip(3).take(3)));
  await flat(() => all(made(10).shuffle(4).repeat(2).prefetch(3)));
  await flat(() => all(made(10).batch(2).concatenate(made(3).batch(2))));
  await flat(() => made(10).forEachAsync(({ x }) => void x.dataSync()));
  await flat(() => made(4).forEachAsync(async ({ x }) => {
    await later();
    await x.data();
  }));
  // What was read ahead goes with the stream that is left.
  await flat(async () => {
    for await (const { x, y } of made(100).prefetch(8)) {
      x.dispose();
      y.dispose();
      break;
    }
    for await (const { x, y } of made(100).shuffle(8).take(3)) tf.dispose([x, y]);
    await later();
  });
  // A stage that fails keeps nothing.
  await flat(async () => {
    const boom = () => {
      throw new Error('boom');
    };
    for (const ds of [made(4).map(boom), made(4).mapAsync(async () => boom()), made(4).filter(boom)]) await assert.rejects(ds.toArray(), /boom/);
    await assert.rejects(made(4).forEachAsync(boom), /boom/);
  });
});

test('the tensors of a list stay its owner\'s', async () => {
  const items = [{ x: tf.tensor1d([1, 2]) }, { x: tf.tensor1d([3, 4]) }];
  const ds = tf.data.array(items).map(({ x }) => x.sum());
  for (let i = 0; i < 2; i++) assert.deepEqual(values(await ds.toArray()), [3, 7]);
  assert.ok(items.every(({ x }) => !x.isDisposed));
});

test('shuffle: seeds, windows, and a new order in each iteration unless told', async () => {
  const ds = tf.data.array(range(50));
  const seeded = () => ds.shuffle(10, 'seed');
  const first = await seeded().toArray();
  assert.deepEqual([...first].sort((a, b) => a - b), range(50));
  assert.notDeepEqual(first, range(50));
  assert.deepEqual(await seeded().toArrayForTest(), first);
  assert.notDeepEqual(await ds.shuffle(10, 'another').toArray(), first);
  // Nothing comes before its window.
  first.forEach((x, at) => assert.ok(x < at + 10));
  const again = seeded();
  assert.notDeepEqual(await again.toArray(), await again.toArray());
  const same = ds.shuffle(10, 3, false);
  assert.deepEqual(await same.toArray(), await same.toArray());
  assert.deepEqual(await ds.shuffle(1).toArray(), range(50));
  // The order does not depend on when elements are ready.
  const slow = ds.mapAsync(async (x) => (await later(x % 3), x)).shuffle(10, 'seed');
  assert.deepEqual(await slow.toArray(), first);
  assert.throws(() => ds.shuffle(), (e) => e instanceof RangeError && /requires bufferSize to be specified\. {2}If your data fits in main memory .* \(50 elements\)/.test(e.message));
  assert.throws(() => ds.filter(() => true).shuffle(), /^RangeError: `Dataset\.shuffle\(\)` requires bufferSize to be specified\.$/);
  assert.throws(() => ds.shuffle(0), /requires bufferSize to be at least 1, but got 0/);
});

test('prefetch reads ahead while an element is worked on', async () => {
  let read = 0;
  const ds = tf.data.array(range(10)).mapAsync(async (x) => (await later(), (read += 1), x));
  const stream = await ds.prefetch(3).iterator();
  assert.equal((await stream.next()).value, 0);
  await later(20);
  assert.equal(read, 4);
  assert.equal((await stream.next()).value, 1);
  await later(20);
  assert.equal(read, 5);
  const lazy = await ds.iterator();
  read = 0;
  await lazy.next();
  await later(20);
  assert.equal(read, 1);
  assert.throws(() => ds.prefetch(), (e) => e instanceof RangeError && /`Dataset\.prefetch\(\)` requires bufferSize to be specified\./.test(e.message));
  // An error that was met ahead comes in its place.
  const bad = await ds.map((x) => {
    if (x === 2) throw new Error('two');
    return x;
  }).prefetch(8).iterator();
  assert.deepEqual([(await bad.next()).value, (await bad.next()).value], [0, 1]);
  await later(20);
  await assert.rejects(bad.next(), /two/);
  assert.equal((await bad.next()).value, 3);
});

test('mapAsync with parallelism keeps so many at work, and the order', async () => {
  let [now, most] = [0, 0];
  const work = async (x) => {
    most = Math.max(most, ++now);
    await later((7 * x) % 5);
    now -= 1;
    return x;
  };
  const ds = tf.data.array(range(20));
  assert.deepEqual(await ds.mapAsync(work, 4).toArray(), range(20));
  assert.equal(most, 4);
  // Whoever asks for more gets no more.
  most = 0;
  assert.deepEqual(await ds.mapAsync(work, 3).toArrayForTest(), range(20));
  assert.equal(most, 3);
  most = 0;
  await ds.mapAsync(work).toArray();
  assert.equal(most, 1);
  assert.throws(() => ds.mapAsync(work, 0), /^RangeError: `Dataset\.mapAsync\(\)` requires parallelism to be at least 1, but got 0\.$/);
});

test('streams handle errors, flatten and go on', async () => {
  const stream = async () => (await tf.data.array(range(6)).iterator()).map((x) => {
    if (x % 3 === 1) throw new Error(`bad ${x}`);
    return x;
  });
  const messages = [];
  const note = (goOn) => (e) => (messages.push(e.message), goOn);
  assert.deepEqual(await (await stream()).handleErrors(note(true)).toArray(), [0, 2, 3, 5]);
  assert.deepEqual(await (await stream()).handleErrors(note(false)).toArray(), [0]);
  assert.deepEqual(messages, ['bad 1', 'bad 4', 'bad 1']);
  const twice = (await tf.data.array(range(3)).iterator()).flatmap((x) => [x, x]);
  assert.deepEqual(await twice.toArrayForTest(), [0, 0, 1, 1, 2, 2]);
  await assert.rejects(tf.data.array([1]).repeat().toArray(), /Can not convert infinite data stream to array\./);
});
