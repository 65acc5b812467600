// A bundled page trains in a worker of its own bundle, with a loss of its own.
import * as tf from 'headwater';
import { inWorker } from 'headwater/worker';
import { answer } from './answer.js';
import { distance } from './losses.js';

await answer(async () => {
  const losses = [];
  for (const where of ['page', 'worker']) {
    tf.setSeed(1);
    const model = tf.sequential({ layers: [tf.layers.dense({ units: 1, inputShape: [2] })] });
    model.compile({ optimizer: 'adam', loss: distance });
    const options = { functions: { distance }, worker: where === 'worker' && new Worker(new URL('./own-worker.js', import.meta.url), { type: 'module' }) };
    const trained = where === 'worker' ? await inWorker(model, options) : model;
    const { history } = await trained.fit(tf.ones([8, 2]), tf.ones([8, 1]), { epochs: 5, batchSize: 4 });
    losses.push(history.loss);
    if (where === 'worker') trained.terminate();
  }
  const missing = await inWorker(tf.sequential({ layers: [tf.layers.dense({ units: 1, inputShape: [2] })] })).then(() => 'started', (error) => error.message);
  return { losses, missing };
});
