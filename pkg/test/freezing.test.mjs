// Frozen layers and models: what training moves, and when a change of `trainable` counts.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as tf from '../dist/index.js';

/** The values of a model's or layer's weights, by name. */
const valuesOf = (layer) => Object.fromEntries(layer.orderedWeights.map((w) => [w.name, w.read().dataSync().slice()]));
const changed = (before, after) => Object.keys(before).filter((name) => before[name].some((v, i) => !Object.is(v, after[name][i])));
const nameOf = (weight) => weight.name.split('/').at(-1);

/** Images of noise whose brighter half says the class. */
function noise(samples, side = 8) {
  const x = tf.randomNormal([samples, side, side, 1], 0, 1, 'float32', 3);
  const halves = tf.split(x.mean(3), 2, 1).map((half) => half.mean([1, 2]));
  return [x, halves[0].greater(halves[1]).toFloat().reshape([samples, 1])];
}

function network() {
  const base = tf.sequential({
    layers: [
      tf.layers.conv2d({ filters: 4, kernelSize: 3, inputShape: [8, 8, 1] }),
      tf.layers.batchNormalization({ momentum: 0.5 }),
      tf.layers.flatten(),
    ],
  });
  return { base, model: tf.sequential({ layers: [base, tf.layers.dense({ units: 1, activation: 'sigmoid' })] }) };
}

const compile = (model) => model.compile({ optimizer: tf.train.adam(0.01), loss: 'binaryCrossentropy' });
const fit = (model, x, y, args) => model.fit(x, y, { epochs: 1, batchSize: 16, verbose: 0, ...args });

test('what is frozen stays bit for bit, what is unfrozen and compiled again moves', async () => {
  tf.setSeed(1);
  const { base, model } = network();
  const [x, y] = noise(64);
  base.trainable = false;
  compile(model);
  const frozen = valuesOf(base);
  const head = valuesOf(model.layers[1]);
  await fit(model, x, y);
  assert.deepEqual(changed(frozen, valuesOf(base)), []);
  assert.equal(changed(head, valuesOf(model.layers[1])).length, 2);

  base.trainable = true;
  await fit(model, x, y);
  assert.deepEqual(changed(frozen, valuesOf(base)), [], 'compiled with it frozen');
  compile(model);
  await fit(model, x, y);
  assert.equal(changed(frozen, valuesOf(base)).length, base.orderedWeights.length);
});

test('a layer is frozen and unfrozen between epochs, without compiling', async () => {
  tf.setSeed(2);
  const { base, model } = network();
  const [x, y] = noise(64);
  compile(model);
  const [conv] = base.layers;
  const seen = [];
  await fit(model, x, y, {
    epochs: 4,
    callbacks: {
      onEpochEnd: (epoch) => {
        seen.push(valuesOf(conv));
        if (epoch === 1) conv.trainable = false;
        if (epoch === 2) conv.trainable = true;
      },
    },
  });
  assert.equal(changed(seen[0], seen[1]).length, 2);
  assert.deepEqual(changed(seen[1], seen[2]), []);
  assert.equal(changed(seen[2], seen[3]).length, 2);
});

test('a frozen batch normalization uses its moving averages in training, and keeps them', async () => {
  const layer = tf.layers.batchNormalization({ inputShape: [3], movingMeanInitializer: 'ones' });
  const model = tf.sequential({ layers: [layer] });
  const x = tf.randomNormal([32, 3], 5, 2, 'float32', 9);
  const trained = () => layer.apply(x, { training: true }).dataSync();
  const inferred = layer.apply(x).dataSync().slice();
  for (const freezer of [layer, model]) {
    freezer.trainable = false;
    assert.deepEqual(trained(), inferred);
    freezer.trainable = true;
  }
  assert.deepEqual(layer.apply(x).dataSync(), inferred, 'nothing moved the averages yet');
  assert.notDeepEqual(trained(), inferred);
});

test('every combination of scale, center, trainable and training trains or holds what it should', async () => {
  const [x, y] = noise(64);
  for (const scale of [true, false]) {
    for (const center of [true, false]) {
      for (const trainable of [true, false]) {
        tf.setSeed(4);
        const norm = tf.layers.batchNormalization({ scale, center, trainable });
        const model = tf.sequential({
          layers: [tf.layers.conv2d({ filters: 3, kernelSize: 3, inputShape: [8, 8, 1] }), norm, tf.layers.flatten(), tf.layers.dense({ units: 1, activation: 'sigmoid' })],
        });
        compile(model);
        const what = JSON.stringify({ scale, center, trainable });
        const before = valuesOf(norm);
        const { history } = await fit(model, x, y, { epochs: 6 });
        assert.ok(history.loss.at(-1) < 0.9 * history.loss[0], `${what}: ${history.loss}`);
        const names = norm.orderedWeights.map(nameOf);
        assert.deepEqual(names, [...(scale ? ['gamma'] : []), ...(center ? ['beta'] : []), 'moving_mean', 'moving_variance'], what);
        assert.equal(changed(before, valuesOf(norm)).length, trainable ? names.length : 0, what);
        const held = valuesOf(norm);
        tf.dispose(norm.apply(tf.ones([4, 6, 6, 3]), { training: false }));
        assert.deepEqual(changed(held, valuesOf(norm)), [], `${what}: inference moves nothing`);
        tf.dispose(norm.apply(tf.ones([4, 6, 6, 3]), { training: true }));
        assert.equal(changed(held, valuesOf(norm)).length, trainable ? 2 : 0, `${what}: training moves the averages alone`);
      }
    }
  }
});

test('a model that is frozen within another still trains by itself', async () => {
  tf.setSeed(5);
  const discriminator = tf.sequential({
    layers: [tf.layers.dense({ units: 8, activation: 'relu', inputShape: [2] }), tf.layers.dense({ units: 1, activation: 'sigmoid' })],
  });
  compile(discriminator);
  const generator = tf.sequential({ layers: [tf.layers.dense({ units: 2, inputShape: [3] })] });
  const latent = tf.input({ shape: [3] });
  discriminator.trainable = false;
  const combined = tf.model({ inputs: latent, outputs: discriminator.apply(generator.apply(latent)) });
  compile(combined);
  assert.equal(combined.trainableWeights.length, 2);

  const before = valuesOf(discriminator);
  await combined.trainOnBatch(tf.ones([4, 3]), tf.ones([4, 1]));
  assert.deepEqual(changed(before, valuesOf(discriminator)), []);
  const generated = valuesOf(generator);
  await discriminator.trainOnBatch(tf.randomNormal([4, 2], 0, 1, 'float32', 1), tf.zeros([4, 1]));
  assert.equal(changed(before, valuesOf(discriminator)).length, 4);
  assert.deepEqual(changed(generated, valuesOf(generator)), []);
});

test('gradients by all variables leave out those of a frozen model', () => {
  const online = tf.sequential({ layers: [tf.layers.dense({ units: 2, inputShape: [3] })] });
  const target = tf.sequential({ layers: [tf.layers.dense({ units: 2, inputShape: [3] }), tf.layers.dense({ units: 2, trainable: false })] });
  const x = tf.ones([4, 3]);
  const loss = () => tf.losses.meanSquaredError(target.predict(x), online.predict(x));
  const names = () => {
    const { value, grads } = tf.variableGrads(loss);
    tf.dispose([value, grads]);
    return Object.keys(grads).sort();
  };
  const of = (...layers) => layers.flatMap((l) => l.orderedWeights.map((w) => w.read().name)).sort();
  target.trainable = false;
  assert.deepEqual(target.layers.map((l) => l.trainable), [true, false], 'the layers keep their own flags');
  assert.deepEqual(target.trainableWeights, []);
  assert.deepEqual(names(), of(online));
  target.trainable = true;
  assert.deepEqual(names(), of(online, target.layers[0]));
  tf.dispose([x]);
});

test('a nested model takes what its layers take', async () => {
  tf.setSeed(6);
  const inner = tf.sequential({ layers: [tf.layers.dense({ units: 12, inputShape: [5] }), tf.layers.reshape({ targetShape: [3, 4] })] });
  const [vector, label] = [tf.input({ shape: [5] }), tf.input({ shape: [1] })];
  // Of shape [batch, 1, 5]: one more axis than the inner model was given.
  const product = tf.layers.multiply().apply([vector, tf.layers.embedding({ inputDim: 10, outputDim: 5 }).apply(label)]);
  const model = tf.model({ inputs: [vector, label], outputs: inner.apply(product) });
  assert.deepEqual(model.predict([tf.ones([2, 5]), tf.zeros([2, 1])]).shape, [2, 3, 4]);
  assert.throws(() => model.predict([tf.ones([2, 4]), tf.zeros([2, 1])]), /expected .* to have shape \[null,5\]/);
  assert.throws(() => inner.predict(tf.ones([2, 1, 5])), /expected .* to have 2 dimension/);
});

test('a buffer made by its constructor holds float32 where no dtype is given', () => {
  const buffer = new tf.TensorBuffer([2, 2]);
  buffer.set(1.5, 0, 1);
  assert.equal(buffer.dtype, 'float32');
  assert.deepEqual(buffer.toTensor().arraySync(), [[0, 1.5], [0, 0]]);
});
