// Trains with a checkpoint in the storage of the page; `window.batches` tells how far it is.
import * as tf from 'headwater';
import { answer } from './answer.js';

await answer(async () => {
  const query = new URLSearchParams(location.search);
  await tf.setBackend(query.get('backend'));
  tf.setSeed(Number(query.get('seed')));
  const model = tf.sequential({
    layers: [tf.layers.dense({ units: 8, inputShape: [4], activation: 'relu' }), tf.layers.dropout({ rate: 0.3 }), tf.layers.dense({ units: 1 })],
  });
  model.compile({ optimizer: 'adam', loss: 'meanSquaredError' });
  const x = tf.randomNormal([60, 4], 0, 1, 'float32', 1);
  const backup = tf.callbacks.backupAndRestore(query.get('to'), { saveFreq: 1 });
  let begun = 0;
  window.batches = 0;
  const counts = {
    onBatchBegin: () => void begun++,
    onBatchEnd: async () => {
      window.batches++;
      await new Promise((resolve) => setTimeout(resolve, 5));
    },
  };
  const { history } = await model.fit(x, x.sum(1, true), { epochs: 4, batchSize: 10, verbose: 0, callbacks: [backup, counts] });
  const weights = [];
  for (const w of model.getWeights()) weights.push(...(await w.data()));
  return { backend: tf.getBackend(), begun, weights, losses: history.loss, left: Object.keys(await tf.io.listModels()) };
});
