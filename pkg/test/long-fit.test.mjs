// Ten thousand steps of training, without tidy, leave memory as it was. Slow: with --all.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as tf from '../dist/index.js';

test('10,000 steps of fit keep memory flat', async (t) => {
  if (!process.env.HEADWATER_TEST_ALL) return t.skip('with --all only');
  tf.setSeed(5);
  const model = tf.sequential({
    layers: [
      tf.layers.dense({ units: 16, inputShape: [8], activation: 'relu' }),
      tf.layers.batchNormalization(),
      tf.layers.dropout({ rate: 0.2 }),
      tf.layers.dense({ units: 1 }),
    ],
  });
  model.compile({ optimizer: 'adam', loss: 'meanSquaredError', metrics: ['mse'] });
  const x = tf.randomNormal([40_000, 8], 0, 1, 'float32', 1);
  const y = x.sum(1, true);
  const seen = [];
  const measure = (batch) => {
    if (batch % 1000 !== 999) return;
    seen.push(tf.memory());
  };
  await model.fit(x, y, { batchSize: 4, epochs: 1, verbose: 0, yieldEvery: 'never', callbacks: { onBatchEnd: measure } });
  assert.equal(seen.length, 10);
  for (const later of seen.slice(1)) assert.deepEqual(later, seen[0]);
});
