// Operations of networks that TensorFlow.js lacks: attention, normalisation, activations, quantisation.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as tf from '../dist/index.js';

function close(got, want, tolerance = 1e-5) {
  assert.deepEqual(got.shape, want.shape);
  const [a, b] = [got.dataSync(), want.dataSync()];
  a.forEach((x, i) => assert.ok(Math.abs(x - b[i]) <= tolerance * Math.max(1, Math.abs(b[i])), `element ${i}: ${x} for ${b[i]}`));
}

const normal = (shape, seed) => tf.randomNormal(shape, 0, 1, 'float32', seed);

/** Attention as it is defined. */
function plain(q, k, v, bias) {
  const scores = tf.matMul(q, k, false, true).div(Math.sqrt(q.shape.at(-1)));
  return tf.matMul(tf.softmax(bias === undefined ? scores : scores.add(bias)), v);
}

test('attention is what its definition gives, with its gradients', () => {
  const [q, k, v] = [normal([2, 3, 6, 4], 1), normal([2, 3, 5, 4], 2), normal([2, 3, 5, 4], 3)];
  const bias = normal([3, 6, 5], 4);
  close(tf.scaledDotProductAttention(q, k, v), plain(q, k, v));
  close(tf.scaledDotProductAttention(q, k, v, { mask: bias }), plain(q, k, v, bias));
  close(q.scaledDotProductAttention(k, v, { scale: 0.5 }), plain(q, k, v));
  const seen = tf.tensor([[true, true, false, true, false]]);
  close(tf.scaledDotProductAttention(q, k, v, { mask: seen }), plain(q, k, v, tf.where(seen, 0, -1e9)));
  const causal = tf.tensor(Array.from({ length: 6 }, (_, i) => Array.from({ length: 5 }, (_, j) => (j <= i ? 0 : -1e9))));
  close(tf.scaledDotProductAttention(q, k, v, { isCausal: true }), plain(q, k, v, causal));
  const grads = (f) => tf.grads((...x) => f(...x).square().sum())([q, k, v, bias]);
  const ours = grads((q, k, v, mask) => tf.scaledDotProductAttention(q, k, v, { mask }));
  grads(plain).forEach((want, i) => close(ours[i], want, 1e-4));
});

test('heads of keys serve several heads of queries, and a query that sees nothing gives zeros', () => {
  const [q, k, v] = [normal([1, 4, 3, 2], 1), normal([1, 2, 5, 2], 2), normal([1, 2, 5, 2], 3)];
  const twice = (x) => tf.reshape(tf.tile(tf.expandDims(x, 2), [1, 1, 2, 1, 1]), [1, 4, 5, 2]);
  close(tf.scaledDotProductAttention(q, k, v), plain(q, twice(k), twice(v)));
  assert.deepEqual([...tf.scaledDotProductAttention(q, k, v, { mask: false }).dataSync()], new Array(24).fill(0));
  assert.throws(() => tf.scaledDotProductAttention(q, normal([1, 3, 5, 2], 1), v), /scaledDotProductAttention: expected one batch/);
  assert.throws(() => tf.scaledDotProductAttention(q, k, v, { mask: tf.ones([4, 4]) }), /expected a mask that broadcasts to \[1,4,3,5\], received \[4,4\]/);
});

test('normalisation over features', () => {
  const x = normal([2, 3, 4], 1).mul(3).add(5);
  const by = (axis, t = x) => {
    const { mean, variance } = tf.moments(t, axis, true);
    return t.sub(mean).div(variance.add(1e-3).sqrt());
  };
  const [scale, offset] = [tf.tensor([1, 2, 3, 4]), tf.tensor([4, 3, 2, 1])];
  close(tf.layerNorm(x), by(-1));
  close(x.layerNorm([1, 2], null, offset), by([1, 2]).add(offset));
  close(tf.layerNorm(x, -1, scale, offset, 1e-3), by(-1).mul(scale).add(offset));
  close(tf.groupNorm(x, 2, scale, offset), by([1, 3], x.reshape([2, 3, 2, 2])).reshape(x.shape).mul(scale).add(offset));
  close(tf.rmsNorm(x, -1, scale), x.div(x.square().mean(-1, true).sqrt()).mul(scale));
  close(tf.l2Normalize(x, 1), x.div(tf.norm(x, 2, 1, true)));
  assert.throws(() => tf.groupNorm(x, 3), /groupNorm: expected groups that divide 4 channels, received 3/);
  assert.throws(() => tf.layerNorm(x, -1, tf.ones([3])), /layerNorm/);
});

test('activations and functions of the gamma function', () => {
  const x = tf.tensor([-3, -1, 0, 0.5, 2]);
  close(tf.gelu(x), x.mul(0.5).mul(x.div(Math.SQRT2).erf().add(1)));
  close(tf.silu(x), x.mul(tf.sigmoid(x)));
  close(tf.hardSwish(x), x.mul(tf.relu6(x.add(3))).div(6));
  close(x.logaddexp(1), tf.log(x.exp().add(Math.E)));
  close(tf.lgamma([1, 4, 0.5, -0.5]), tf.tensor([0, Math.log(6), Math.log(Math.sqrt(Math.PI)), Math.log(2 * Math.sqrt(Math.PI))]));
  close(tf.digamma([1, 2]), tf.tensor([-0.5772157, 0.4227843]));
  close(tf.grad((x) => tf.lgamma(x))([1, 2]), tf.tensor([-0.5772157, 0.4227843]));
});

test('quantisation', () => {
  const x = tf.tensor([[-1, 0.26, 0.5], [100, -100, 0]]);
  const q = tf.quantize(x, 0.5, 3);
  assert.equal(q.dtype, 'int8');
  assert.deepEqual(q.arraySync(), [[1, 4, 4], [127, -128, 3]]);
  assert.deepEqual(tf.dequantize(q, 0.5, 3).arraySync(), [[-1, 0.5, 0.5], [62, -65.5, 0]]);
  const u = tf.quantize(x, [0.5, 1], [0, 10], { axis: 0, dtype: 'uint8' });
  assert.deepEqual([u.dtype, u.arraySync()], ['uint8', [[0, 1, 1], [110, 0, 10]]]);
  assert.deepEqual(tf.quantize([Infinity, -Infinity, NaN], 1, 5).arraySync(), [127, -128, 0]);
  assert.deepEqual(tf.dequantize(u, [0.5, 1], [0, 10], { axis: 0 }).arraySync(), [[0, 0.5, 0.5], [100, -10, 0]]);
  assert.deepEqual(x.fakeQuantize(0.5, 3).arraySync(), [[-1, 0.5, 0.5], [62, -65.5, 0]]);
  assert.deepEqual(tf.grad((x) => tf.fakeQuantize(x, 0.5, 3).mul(2))(x).arraySync(), [[2, 2, 2], [0, 0, 2]]);
  assert.throws(() => tf.quantize(x, 1, 0, { dtype: 'int4' }), /expected int8 or uint8, received int4/);
  assert.throws(() => tf.quantize(x, [1, 1], 0, { axis: 1 }), /one scale and zero point, or 3, one for each of axis 1/);
});

test('draws of distributions leave nothing behind but themselves', () => {
  const before = tf.memory().numTensors;
  const draws = [tf.randomGamma([3], 2, 1, 'int32'), tf.randomPoisson([3], 2), tf.bernoulli([0.5]), tf.multinomial([1, 2], 3), tf.multinomial([0.1, 0.9], 3, 1, true)];
  assert.equal(tf.memory().numTensors, before + draws.length);
});

test('draws of distributions', () => {
  const mean = (x) => x.mean().dataSync()[0];
  const near = (x, want, by) => assert.ok(Math.abs(mean(x) - want) < by, `${mean(x)} for ${want}`);
  const n = 20000;
  near(tf.randomGamma([n], 3, 2, 'float32', 1), 1.5, 0.03);
  near(tf.randomGamma([n, 2], [0.5, 1.5], 1, 'float32', 1), 1, 0.03);
  near(tf.randomPoisson([n], 4.5, 1).toFloat(), 4.5, 0.06);
  near(tf.randomExponential([n], 4, 1), 0.25, 0.01);
  near(tf.gumbel([n], 1), 0.5772, 0.04);
  near(tf.bernoulli([[0.2], [0.4]], [2, n], 1).toFloat(), 0.3, 0.01);
  near(tf.randomUniformInt([n], -5, 6, 1).toFloat(), 0, 0.1);
  near(tf.multinomial([0.25, 0.25, 0.5], n, 1, true).toFloat(), 1.25, 0.03);
  assert.deepEqual(tf.bernoulli([0, 1]).arraySync(), [0, 1]);
  assert.equal(tf.randomGamma([3], 2, 2, 'int32').dtype, 'int32');
  assert.deepEqual(tf.randomUniformInt([3], 4, 4).arraySync(), [4, 4, 4]);
  const order = tf.permutation(50, 3).dataSync();
  assert.deepEqual([...order].sort((a, b) => a - b), Array.from({ length: 50 }, (_, i) => i));
  assert.deepEqual(tf.permutation(50, 3).dataSync(), order);
  assert.throws(() => tf.randomExponential([2], -1), /expected a positive rate, received -1/);
});
