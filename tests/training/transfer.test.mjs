// TensorFlow.js's mnist-transfer-cnn on the whole of MNIST: what was trained on the digits 0 to 4 is retrained on 5 to 9, its
// convolutions frozen.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as tf from '../../pkg/dist/index.js';
import { read } from './mnist.mjs';

/** The images of five digits, and their classes counted from the first of them. */
async function five([images, classes], first) {
  const wanted = tf.tidy(() => {
    const digit = classes.argMax(-1);
    return tf.logicalAnd(digit.greaterEqual(first), digit.less(first + 5));
  });
  const places = await tf.whereAsync(wanted);
  return tf.tidy(() => [tf.gather(images, places.squeeze([1])), tf.gather(classes, places.squeeze([1])).slice([0, first], [-1, 5])]);
}

test('a network for the digits 0 to 4 learns 5 to 9 with its convolutions frozen', async (t) => {
  tf.setSeed(5);
  const model = tf.sequential({
    layers: [
      tf.layers.conv2d({ inputShape: [28, 28, 1], kernelSize: 3, filters: 16 }),
      tf.layers.activation({ activation: 'relu' }),
      tf.layers.conv2d({ kernelSize: 3, filters: 16 }),
      tf.layers.activation({ activation: 'relu' }),
      tf.layers.maxPooling2d({ poolSize: 2 }),
      tf.layers.dropout({ rate: 0.25 }),
      tf.layers.flatten(),
      tf.layers.dense({ units: 128 }),
      tf.layers.activation({ activation: 'relu' }),
      tf.layers.dropout({ rate: 0.5 }),
      tf.layers.dense({ units: 5 }),
      tf.layers.activation({ activation: 'softmax' }),
    ],
  });
  const compile = (rate) => model.compile({ loss: 'categoricalCrossentropy', optimizer: tf.train.adam(rate), metrics: ['acc'] });
  const [train, held] = [read('train', 60_000), read('t10k', 10_000)];
  compile(0.001);
  await model.fit(...(await five(train, 0)), { batchSize: 128, epochs: 1, verbose: 0 });

  for (let i = 0; i < 7; ++i) model.layers[i].trainable = false;
  compile(0.001);
  const convolutions = () => model.layers.slice(0, 7).flatMap((layer) => layer.getWeights().flatMap((w) => Array.from(w.dataSync())));
  const before = convolutions();
  const [x, y] = await five(train, 5);
  const { history } = await model.fit(x, y, { batchSize: 128, epochs: 2, validationData: await five(held, 5), verbose: 0 });
  assert.deepEqual(convolutions(), before);
  t.diagnostic(`${(100 * history.val_acc.at(-1)).toFixed(2)} % of ${(await five(held, 5))[0].shape[0]} digits from 5 to 9`);
  assert.ok(history.val_acc.at(-1) >= 0.97, String(history.val_acc));
});
