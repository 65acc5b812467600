// Training that is seeded can be repeated.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as tf from '../dist/index.js';

test('the same seed gives the same training', async () => {
  const x = tf.randomNormal([40, 3], 0, 1, 'float32', 1);
  const y = x.sum(1, true);
  const losses = async (seed) => {
    tf.setSeed(seed);
    const model = tf.sequential({ layers: [tf.layers.dense({ units: 8, inputShape: [3], activation: 'tanh' }), tf.layers.dropout({ rate: 0.2 }), tf.layers.dense({ units: 1 })] });
    model.compile({ optimizer: 'sgd', loss: 'meanSquaredError' });
    const { history } = await model.fit(x, y, { epochs: 3, batchSize: 8, verbose: 0 });
    return history.loss;
  };
  const first = await losses(7);
  assert.deepEqual(await losses(7), first);
  assert.notDeepEqual(await losses(8), first);
});
