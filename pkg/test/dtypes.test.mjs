import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as tf from '../dist/index.js';

const NEW = ['float16', 'bfloat16', 'uint8', 'int8', 'uint32'];
const ARRAYS = { float16: Float32Array, bfloat16: Float32Array, uint8: Uint8Array, int8: Int8Array, uint32: Uint32Array };
const BYTES = { float16: 2, bfloat16: 2, uint8: 1, int8: 1, uint32: 4 };

test('tensors of every dtype are made, read, counted and printed', async () => {
  for (const dtype of NEW) {
    const before = tf.memory().numBytes;
    const t = tf.tensor([[1, 2], [3, 100]], [2, 2], dtype);
    assert.equal(t.dtype, dtype);
    assert.equal(tf.memory().numBytes - before, 4 * BYTES[dtype]);
    assert.ok(t.dataSync() instanceof ARRAYS[dtype]);
    assert.deepEqual(await t.data(), ARRAYS[dtype].from([1, 2, 3, 100]));
    assert.deepEqual(t.arraySync(), [[1, 2], [3, 100]]);
    assert.equal((await t.bytes()).length, 4 * BYTES[dtype]);
    assert.match(t.toString(true), new RegExp(`dtype: ${dtype}[^]*\\[3, 100\\]`));
    for (const x of [tf.zeros([3], dtype), tf.ones([3], dtype), tf.fill([3], 7, dtype), tf.range(0, 3, 1, dtype), tf.scalar(5, dtype), tf.onesLike(t), tf.eye(2, 2, null, dtype)]) {
      assert.equal(x.dtype, dtype);
    }
    assert.deepEqual(tf.range(0, 3, 1, dtype).arraySync(), [0, 1, 2]);
    assert.equal(tf.fill([1], 7, dtype).dataSync()[0], 7);
    for (const draw of [tf.randomUniform, tf.randomNormal, tf.truncatedNormal]) assert.equal(draw([4], 0, 9, dtype).dtype, dtype);
    const buffer = tf.buffer([2], dtype);
    buffer.set(9, 1);
    assert.deepEqual(buffer.toTensor().arraySync(), [0, 9]);
    assert.equal(tf.variable(t).dtype, dtype);
    assert.equal(tf.clone(t).dtype, dtype);
  }
});

test('values are rounded and wrapped to the dtype', () => {
  assert.deepEqual(tf.tensor([0.1, 2049, 1e5, -7e-8], undefined, 'float16').arraySync(), [0.0999755859375, 2048, Infinity, -(2 ** -24)]);
  assert.deepEqual(tf.tensor([0.1, 257, 3e38], undefined, 'bfloat16').arraySync(), [0.10009765625, 256, 3.00405527047391e+38]);
  assert.deepEqual(tf.tensor([300, -1], undefined, 'uint8').arraySync(), [44, 255]);
  assert.deepEqual(tf.tensor([200, -129], undefined, 'int8').arraySync(), [-56, 127]);
  assert.deepEqual(tf.tensor([4294967295, 3e9], undefined, 'uint32').arraySync(), [4294967295, 3e9]);
  // Conversions stop at the limits where they come from floats.
  assert.deepEqual(tf.tensor([300.7, -5, NaN]).cast('uint8').arraySync(), [255, 0, 0]);
  assert.deepEqual(tf.tensor([300, -5], undefined, 'int32').cast('uint8').arraySync(), [44, 251]);
  assert.deepEqual(tf.tensor([4e9]).cast('uint32').arraySync(), [4e9]);
});

test('typed arrays tell their dtype, those that TensorFlow.js knows as there', () => {
  assert.equal(tf.tensor(new Uint8Array([1])).dtype, 'int32');
  assert.equal(tf.tensor(new Uint8ClampedArray([1])).dtype, 'int32');
  assert.deepEqual([tf.tensor(new Int8Array([-1])).dtype, tf.tensor(new Int8Array([-1])).arraySync()], ['int8', [-1]]);
  assert.deepEqual([tf.tensor(new Uint32Array([2 ** 31])).dtype, tf.tensor(new Uint32Array([2 ** 31])).arraySync()], ['uint32', [2 ** 31]]);
  assert.deepEqual(tf.tensor(new Uint8Array([200]), [1], 'uint8').arraySync(), [200]);
});

test('operations keep the dtype', () => {
  for (const dtype of NEW) {
    const [a, b] = [tf.tensor([5, 7], [2], dtype), tf.tensor([2, 3], [2], dtype)];
    const m = tf.tensor([[1, 2], [3, 4]], [2, 2], dtype);
    const sums = dtype.endsWith('int8') ? 'int32' : dtype;
    const check = (t, want, kind = dtype) => assert.deepEqual([t.dtype, t.arraySync()], [kind, want], dtype);
    check(a.add(b), [7, 10]);
    check(a.sub(b), [3, 4]);
    check(a.mul(b), [10, 21]);
    check(a.mod(b), [1, 1]);
    check(a.floorDiv(b), [2, 2]);
    check(tf.maximum(a, b), [5, 7]);
    check(a.square(), [25, 49]);
    check(tf.clipByValue(a, 1, 6), [5, 6]);
    check(a.greater(b), [1, 1], 'bool');
    check(tf.where([true, false], a, b), [5, 3]);
    check(a.sum(), 12, sums);
    check(a.max(), 7);
    check(a.argMax(), 1, 'int32');
    check(m.matMul(m), [[7, 10], [15, 22]], sums);
    check(tf.concat([a, b]), [5, 7, 2, 3]);
    check(m.transpose(), [[1, 3], [2, 4]]);
    check(tf.gather(a, [1, 0]), [7, 5]);
    check(m.pad([[1, 0], [0, 0]]), [[0, 0], [1, 2], [3, 4]]);
    check(tf.topk(a, 1).values, [7]);
    if (dtype.includes('float')) check(a.sqrt().square().round(), [5, 7]);
  }
  assert.equal(tf.tensor([5], [1], 'uint8').div(tf.tensor([2], [1], 'uint8')).arraySync()[0], 2);
  assert.deepEqual(tf.gather([5, 6, 7], tf.tensor([2, 0], [2], 'uint8')).arraySync(), [7, 5]);
  assert.deepEqual(tf.bitwiseAnd(tf.tensor([255, 9], [2], 'uint8'), tf.tensor([15, 8], [2], 'uint8')).arraySync(), [15, 8]);
  const images = tf.ones([1, 4, 4, 2], 'float16');
  assert.equal(tf.conv2d(images, tf.ones([3, 3, 2, 3], 'float16'), 1, 'same').dtype, 'float16');
  assert.equal(tf.maxPool(images, 2, 2, 'valid').dtype, 'float16');
  assert.equal(tf.softmax(tf.ones([3], 'bfloat16')).dtype, 'bfloat16');
});

test('sorting holds at the limits of whole numbers', () => {
  const limits = { uint8: [255, 0, 7], int8: [127, -128, 7], uint32: [4294967295, 0, 7], int32: [2147483647, -2147483648, 7] };
  for (const [dtype, [high, low, between]] of Object.entries(limits)) {
    const t = tf.tensor([between, high, low], [3], dtype);
    assert.deepEqual([tf.sort(t).dtype, tf.sort(t).arraySync()], [dtype, [low, between, high]]);
    assert.deepEqual(tf.argsort(t).arraySync(), [2, 0, 1]);
    assert.deepEqual(tf.sort(t, 0, true).arraySync(), [high, between, low]);
    assert.deepEqual([t.max().dataSync()[0], t.min().dataSync()[0], t.argMin().dataSync()[0]], [high, low, 2]);
  }
});

test('nothing is left over of what is converted on the way', () => {
  const [x, index, half] = [tf.tensor([5, 6, 7]), tf.tensor([2, 0], [2], 'uint8'), tf.tensor([1, 2], [2], 'float16')];
  const before = tf.memory().numTensors;
  for (const made of [tf.gather(x, index), tf.oneHot(index, 3), half.mul(2), tf.add(1, half), half.clipByValue(0, 1), tf.step(half, 0.5)]) made.dispose();
  assert.equal(tf.memory().numTensors, before);
});

test('dtypes are promoted, and a number does not widen a float', () => {
  const of = (dtype) => tf.ones([1], dtype);
  const types = [['float16', 'bfloat16', 'float32'], ['float16', 'float32', 'float32'], ['float16', 'int32', 'float16'], ['bfloat16', 'uint8', 'bfloat16'],
    ['uint8', 'int8', 'int32'], ['uint8', 'uint32', 'uint32'], ['int8', 'uint32', 'int32'], ['uint8', 'bool', 'uint8'], ['uint8', 'float32', 'float32'], ['int32', 'float32', 'float32']];
  for (const [a, b, want] of types) {
    assert.equal(of(a).add(of(b)).dtype, want);
    assert.equal(of(b).mul(of(a)).dtype, want);
    assert.equal(tf.upcastType(a, b), want);
    assert.equal(tf.upcastType(b, a), want);
  }
  assert.equal(of('float16').mul(2).dtype, 'float16');
  assert.equal(tf.sub(1, of('bfloat16')).dtype, 'bfloat16');
  // As int32 in TensorFlow.js.
  assert.equal(of('uint8').add(1).dtype, 'float32');
  assert.deepEqual(NEW.map((d) => tf.sumOutType(d)), ['float16', 'bfloat16', 'int32', 'int32', 'uint32']);
});

test('narrow floats are differentiated and trained', () => {
  for (const dtype of ['float16', 'bfloat16']) {
    const x = tf.tensor([1, -2, 3], [3], dtype);
    const g = tf.grad((x) => x.square().sum())(x);
    assert.deepEqual([g.dtype, g.arraySync()], [dtype, [2, -4, 6]]);
    assert.deepEqual(tf.grad((x) => x.mul(x))(x, tf.tensor([1, 1, 2], [3], dtype)).arraySync(), [2, -4, 12]);
    const custom = tf.customGrad((x) => ({ value: x.square(), gradFunc: (dy) => dy.mul(3) }));
    assert.deepEqual([tf.grad((x) => custom(x))(x).dtype, tf.grad((x) => custom(x))(x).arraySync()], [dtype, [3, 3, 3]]);
    for (const optimizer of [tf.train.sgd(0.1), tf.train.adam(0.1), tf.train.momentum(0.1, 0.5)]) {
      const w = tf.variable(tf.tensor([1, 2], [2], dtype));
      const loss = () => w.sub(tf.tensor([3, -1], [2], dtype)).square().sum();
      const first = loss().dataSync()[0];
      for (let i = 0; i < 20; i++) optimizer.minimize(loss);
      assert.equal(w.dtype, dtype);
      assert.ok(loss().dataSync()[0] < first / 4, `${dtype} ${optimizer.getClassName()}`);
    }
  }
});

test('weights of every dtype are stored and loaded', async () => {
  const values = { float16: [0.5, -65504, 2 ** -24, Infinity, NaN, -0], bfloat16: [0.5, -3.3895313892515355e38, Infinity, NaN], uint8: [0, 255], int8: [-128, 127], uint32: [0, 4294967295], float32: [0.1], int32: [-7], bool: [1, 0] };
  const tensors = Object.fromEntries(Object.entries(values).map(([dtype, list]) => [dtype, tf.tensor(list, [list.length], dtype)]));
  const { data, specs } = await tf.io.encodeWeights(tensors);
  assert.equal(data.byteLength, specs.reduce((sum, { shape, dtype }) => sum + shape[0] * ({ ...BYTES, float32: 4, int32: 4, bool: 1 })[dtype], 0));
  const back = tf.io.decodeWeights(data, specs);
  for (const [dtype, list] of Object.entries(tensors)) {
    assert.equal(back[dtype].dtype, dtype);
    assert.deepEqual(back[dtype].dataSync(), list.dataSync());
  }
});

test('helpers and errors know the dtypes', () => {
  for (const dtype of NEW) {
    assert.equal(tf.util.bytesPerElement(dtype), BYTES[dtype]);
    assert.ok(tf.util.getTypedArrayFromDType(dtype, 2) instanceof ARRAYS[dtype]);
    assert.ok(tf.util.isValidDtype(dtype));
    assert.deepEqual(tf.util.toTypedArray([1, 2], dtype), ARRAYS[dtype].from([1, 2]));
  }
  assert.ok(tf.util.hasEncodingLoss('float32', 'float16') && !tf.util.hasEncodingLoss('uint8', 'float16'));
  assert.throws(() => tf.tensor([1], [1], 'float64'), /Unknown data type float64/);
  assert.throws(() => tf.exp(tf.tensor(['a'])), /must be numeric tensor/);
  assert.throws(() => tf.cos(tf.tensor([1], [1], 'uint8')), /must be float32 tensor, but got uint8 tensor/);
});
