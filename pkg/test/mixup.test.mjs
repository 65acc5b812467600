// Training on mixtures, and the distribution that shares are drawn from.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as tf from '../dist/index.js';

test('randomBeta has the moments of the beta distribution, for small parameters too', () => {
  for (const [a, b] of [[2, 3], [0.5, 0.5], [0.01, 0.01], [0.02, 0.06], [30, 1]]) {
    const draws = tf.randomBeta([40000], a, b, 11).dataSync();
    const mean = draws.reduce((s, x) => s + x, 0) / draws.length;
    const variance = draws.reduce((s, x) => s + (x - mean) ** 2, 0) / draws.length;
    const [wantMean, want] = [a / (a + b), (a * b) / ((a + b) ** 2 * (a + b + 1))];
    assert.ok(draws.every((x) => x >= 0 && x <= 1), `${a} ${b}`);
    assert.ok(Math.abs(mean - wantMean) < 0.01 && Math.abs(variance / want - 1) < 0.05, `${a} ${b}: ${mean} for ${wantMean}, ${variance} for ${want}`);
  }
  assert.deepEqual(tf.randomBeta([5], 2, 2, 3).dataSync(), tf.randomBeta([5], 2, 2, 3).dataSync());
  assert.notDeepEqual(tf.randomBeta([5], 2, 2, 3).dataSync(), tf.randomBeta([5], 2, 2, 4).dataSync());
  assert.deepEqual(tf.randomBeta([2, 3], [1, 2, 3], [[1], [4]]).shape, [2, 3]);
  assert.deepEqual(tf.randomBeta([0], 1, 1).shape, [0]);
});

const samples = 32;
const x = tf.tidy(() => tf.range(0, samples).reshape([samples, 1]));
const classes = tf.tidy(() => tf.oneHot(tf.range(0, samples, 1, 'int32'), samples));

/** The batches that a step is made with. */
async function mixed(args, { sampleWeight, epochs = 1, loss = 'categoricalCrossentropy', ys = classes } = {}) {
  const model = tf.sequential({ layers: [tf.layers.dense({ inputShape: [1], units: ys.shape[1] ?? 1, kernelInitializer: 'zeros', activation: 'softmax' })] });
  model.compile({ optimizer: 'sgd', loss });
  const seen = [];
  const look = { onBatchData: (_, { inputs, targets, weights }) => void seen.push({ x: inputs[0].dataSync(), y: targets[0].arraySync(), w: weights[0]?.dataSync() }) };
  const callbacks = [tf.callbacks.mixup(args), look];
  await model.fit(x, ys, { batchSize: samples, shuffle: false, epochs, sampleWeight, callbacks });
  return seen;
}

test('mixup mixes inputs and targets in the same share', async () => {
  const [{ x: inputs, y: targets }, next] = await mixed({ alpha: 1, seed: 5 }, { epochs: 2 });
  targets.forEach((target, i) => {
    const parts = target.flatMap((share, other) => (share > 0 ? [[other, share]] : []));
    assert.ok(parts.length <= 2 && parts.some(([other]) => other === i));
    assert.ok(Math.abs(parts.reduce((sum, [, share]) => sum + share, 0) - 1) < 1e-5);
    assert.ok(Math.abs(parts.reduce((sum, [other, share]) => sum + share * other, 0) - inputs[i]) < 1e-4);
  });
  assert.ok(targets.filter((target) => Math.max(...target) < 0.95).length > samples / 2);
  assert.notDeepEqual(next.y, targets);
  // The same mixtures for the same seed, others for another; a small alpha leaves samples nearly whole.
  assert.deepEqual((await mixed({ alpha: 1, seed: 5 }))[0].y, targets);
  assert.notDeepEqual((await mixed({ alpha: 1, seed: 6 }))[0].y, targets);
  assert.notDeepEqual((await mixed({ alpha: 1 }))[0].y, (await mixed({ alpha: 1 }))[0].y);
  assert.ok((await mixed({ alpha: 0.001, seed: 5 }))[0].y.every((target) => Math.max(...target) > 0.99));
});

test('mixup: what does not count has no part in targets', async () => {
  const sampleWeight = tf.tensor1d(Array.from({ length: samples }, (_, i) => (i % 2 === 0 ? 0 : 2)));
  const [{ y: targets, w: weights }] = await mixed({ alpha: 1, seed: 5 }, { sampleWeight });
  const [{ y: plain }] = await mixed({ alpha: 1, seed: 5 });
  targets.forEach((target, i) => {
    const odd = plain[i].reduce((sum, share, other) => sum + (other % 2) * share, 0);
    assert.ok(Math.abs(weights[i] - 2 * odd) < 1e-5);
    if (odd === 0) return;
    assert.ok(target.every((share, other) => other % 2 === 1 || share < 1e-6));
    assert.ok(Math.abs(target.reduce((sum, share) => sum + share, 0) - 1) < 1e-5);
  });
});

test('mixup tells what it cannot mix', async () => {
  assert.throws(() => tf.callbacks.mixup({ alpha: 0 }), /needs an alpha above 0, but got 0/);
  await assert.rejects(mixed({}, { loss: 'sparseCategoricalCrossentropy' }), /those of a sparse loss are numbers of classes/);
  const words = tf.sequential({ layers: [tf.layers.embedding({ inputDim: 4, outputDim: 2, inputShape: [3] }), tf.layers.flatten(), tf.layers.dense({ units: 1 })] });
  words.compile({ optimizer: 'sgd', loss: 'meanSquaredError' });
  await assert.rejects(words.fit(tf.ones([4, 3], 'int32'), tf.ones([4, 1]), { callbacks: tf.callbacks.mixup() }), /of floats, but got 'int32'/);
});

test('a model learns from mixtures, and they leave no tensors behind', async () => {
  const points = tf.randomNormal([256, 2], 0, 1, 'float32', 1);
  const side = tf.tidy(() => tf.oneHot(points.slice([0, 0], [-1, 1]).greater(0).reshape([-1]).toInt(), 2));
  const model = tf.sequential({ layers: [tf.layers.dense({ inputShape: [2], units: 2, activation: 'softmax' })] });
  model.compile({ optimizer: tf.train.adam(0.1), loss: 'categoricalCrossentropy', metrics: ['accuracy'] });
  await model.fit(points, side, { epochs: 1 });
  const before = tf.memory().numTensors;
  await model.fit(points, side, { epochs: 12, callbacks: tf.callbacks.mixup({ alpha: 0.4, seed: 2 }) });
  // Fewer where what other tests left was collected meanwhile.
  assert.ok(tf.memory().numTensors <= before, `${tf.memory().numTensors} after ${before}`);
  const [, accuracy] = model.evaluate(points, side);
  assert.ok(accuracy.dataSync()[0] > 0.95, `${accuracy.dataSync()[0]}`);
});
