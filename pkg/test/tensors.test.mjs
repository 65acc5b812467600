import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as tf from '../dist/index.js';

const close = (got, want, tolerance = 1e-5) => {
  const [a, b] = [Array.from(got), Array.from(want)];
  assert.equal(a.length, b.length);
  a.forEach((x, i) => assert.ok(Math.abs(x - b[i]) <= tolerance * Math.max(1, Math.abs(b[i])), `${i}: ${x}, expected ${b[i]}`));
};

test('tensors are made, chained and read', async () => {
  const a = tf.tensor2d([1, 2, 3, 4], [2, 2]);
  assert.deepEqual(a.matMul(a).add(1).arraySync(), [[8, 11], [16, 23]]);
  assert.deepEqual(await tf.tensor([[[1], [2]]]).array(), [[[1], [2]]]);
  assert.equal(tf.tensor([true, false]).dtype, 'bool');
  assert.equal(tf.tensor(new Uint8Array([1])).dtype, 'int32');
  assert.deepEqual(tf.range(5, 0).arraySync(), [5, 4, 3, 2, 1]);
  assert.deepEqual(tf.eye(2).arraySync(), [[1, 0], [0, 1]]);
  assert.deepEqual(tf.oneHot(tf.tensor1d([1, 0], 'int32'), 3).arraySync(), [[0, 1, 0], [1, 0, 0]]);
  assert.deepEqual(tf.split(tf.range(0, 6), 3)[1].arraySync(), [2, 3]);
  close(tf.softmax([1, 2, 3]).dataSync(), [0.0900306, 0.2447285, 0.6652409]);
  const { values, indices } = tf.topk([3, 1, 4, 1, 5], 2);
  assert.deepEqual([values.arraySync(), indices.arraySync()], [[5, 4], [4, 2]]);
  const buffer = tf.buffer([2, 2]);
  buffer.set(7, 1, 0);
  assert.deepEqual(buffer.toTensor().arraySync(), [[0, 0], [7, 0]]);
});

test('a seed makes random numbers repeatable', () => {
  const draw = () => tf.randomNormal([1000], 0, 1, 'float32', 5);
  assert.deepEqual(draw().dataSync(), draw().dataSync());
  const { mean, variance } = tf.moments(draw());
  assert.ok(Math.abs(mean.dataSync()[0]) < 0.1 && Math.abs(variance.dataSync()[0] - 1) < 0.15);
});

test('errors come at the call, with a code', () => {
  const throws = (f, code, text) => assert.throws(f, (e) => e.code === code && text.test(e.message));
  throws(() => tf.add(tf.zeros([2, 3]), tf.zeros([4])), 'shape', /Error in add: expected shapes that broadcast together, received \[2,3\] and \[4\]/);
  throws(() => tf.matMul(tf.zeros([2, 3]), tf.zeros([2, 3])), 'shape', /inner dimensions 3 and 2/);
  throws(() => tf.tensor([1], [1], 'float99'), 'dtype', /Unknown data type float99/);
  throws(() => tf.tensor([1, 2, 3], [2, 2]), 'shape', /should have 4 values but has 3/);
  throws(() => tf.abs(null), 'argument', /must be a Tensor or TensorLike, but got 'null'/);
  const gone = tf.scalar(1);
  gone.dispose();
  throws(() => gone.add(1), 'disposed', /Tensor is disposed/);
  throws(() => tf.logicalAnd(tf.scalar(1), tf.scalar(2)), 'dtype', /must be bool tensor, but got float32/);
});

test('tidy, keep and dispose count as in TensorFlow.js', () => {
  const before = tf.memory();
  const kept = tf.tidy(() => {
    const x = tf.ones([10, 10]);
    x.add(1).mul(2);
    return x.reshape([100]);
  });
  assert.equal(tf.memory().numTensors, before.numTensors + 1);
  assert.equal(tf.memory().numBytes, before.numBytes + 400);
  kept.dispose();
  kept.dispose();
  assert.deepEqual([tf.memory().numTensors, tf.memory().numBytes], [before.numTensors, before.numBytes]);
});

test('tensors that nobody disposes are freed when they are collected', async () => {
  const make = () => {
    for (let i = 0; i < 2000; i++) tf.ones([1000]).add(i).dataSync();
  };
  make();
  const before = tf.memory().numTensors;
  for (let round = 0; round < 5; round++) {
    make();
    globalThis.gc();
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  assert.ok(tf.memory().numTensors <= before, `${tf.memory().numTensors} after, ${before} before`);
});

test('gradients', () => {
  close(tf.grad((x) => x.square().sum())([1, 2, 3]).dataSync(), [2, 4, 6]);
  const [a, b] = tf.grads((a, b) => a.mul(b))([2, 3]);
  close([a.dataSync()[0], b.dataSync()[0]], [3, 2]);
  close(tf.grad(tf.grad((x) => x.pow(4)))(2).dataSync(), [48]);
  const clipped = tf.customGrad((x, save) => {
    save([x]);
    return { value: x.square(), gradFunc: (dy, [x]) => dy.mul(x).mul(10) };
  });
  close(tf.grad((x) => clipped(x).sum())([1, 2]).dataSync(), [10, 20]);
  assert.throws(() => tf.grad(() => tf.scalar(1))(2), /Cannot compute gradient of y=f\(x\)/);
  const w = tf.variable(tf.scalar(3), true, 'w');
  const { value, grads } = tf.variableGrads(() => w.square());
  close([value.dataSync()[0], grads.w.dataSync()[0]], [9, 6]);
  w.dispose();
});

test('an optimizer fits a line without layers', () => {
  const [m, c] = [tf.variable(tf.scalar(0)), tf.variable(tf.scalar(0))];
  const x = tf.linspace(0, 1, 20);
  const y = x.mul(3).sub(1);
  for (const optimizer of [tf.train.sgd(0.5), tf.train.momentum(0.05, 0.9), tf.train.adam(0.1), tf.train.rmsprop(0.05), tf.train.adagrad(0.5)]) {
    m.assign(tf.scalar(0));
    c.assign(tf.scalar(0));
    for (let i = 0; i < 400; i++) optimizer.minimize(() => x.mul(m).add(c).sub(y).square().mean());
    close([m.dataSync()[0], c.dataSync()[0]], [3, -1], 0.05);
    optimizer.dispose();
  }
  m.dispose();
  c.dispose();
});

test('tensors print as in TensorFlow.js', () => {
  assert.equal(tf.tensor([NaN, Infinity, 1.5]).toString(), 'Tensor\n    [NaN, Infinity, 1.5]');
  assert.equal(tf.tensor2d([[1, 20.5], [-3, 4]]).toString(), 'Tensor\n    [[1 , 20.5],\n     [-3, 4   ]]');
  assert.equal(tf.range(0, 1000).toString(), 'Tensor\n    [0, 1, 2, ..., 997, 998, 999]');
  assert.equal(tf.tensor([true, false]).toString(true), 'Tensor\n  dtype: bool\n  rank: 1\n  shape: [2]\n  values:\n    [true, false]');
  assert.equal(tf.zeros([2, 1, 1]).toString(), 'Tensor\n    [ [[0],],\n\n      [[0],]]');
});

test('a size that cannot be is refused at the call', () => {
  for (const make of [() => tf.zeros([100000, 100000]), () => tf.fill([1e6, 1e6], 1), () => tf.range(0, 1e12), () => tf.range(NaN, 1)]) {
    assert.throws(make, /expected .*at most 536870911/);
  }
  assert.deepEqual(tf.ones([2]).arraySync(), [1, 1]);
});
