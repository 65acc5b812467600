// One step of a small convolutional network on pictures of 28x28, batch 64, plain gradient descent. Blocks of steps are
// timed: a library may return from a step before its updates are done.
import { reason } from '../lib/measure.mjs';
import { printTable } from '../lib/print.mjs';
import { median } from '../lib/statistics.mjs';

const BLOCK_MS = 400;
const MOST_STEPS = 20;

export async function training({ pages, columns, rounds }) {
  // TensorFlow.js's WebAssembly backend has no gradient of a convolution's kernel; the others without an entry do not train.
  const used = columns.filter((column) => /^(headwater|jax|tfjs-js|tfjs-webgpu)/.test(column));
  const results = {};
  for (const column of used) {
    try {
      await pages.call(column, 'startTraining');
      const { ms: first, loss: firstLoss } = await pages.call(column, 'train', 1);
      const { ms } = await pages.call(column, 'train', 2);
      const steps = Math.max(1, Math.min(MOST_STEPS, Math.round(BLOCK_MS / ms)));
      results[column] = { first, firstLoss, steps, times: [] };
    } catch (error) {
      results[column] = { failure: reason(error) };
    }
  }
  for (let round = 0; round < rounds; round++) {
    for (const [column, result] of Object.entries(results)) {
      if (result.failure !== undefined) continue;
      try {
        const { ms, loss } = await pages.call(column, 'train', result.steps);
        result.times.push(ms);
        result.lastLoss = loss;
      } catch (error) {
        result.failure = reason(error);
      }
    }
  }
  for (const result of Object.values(results)) {
    if (result.times?.length > 0) result.median = median(result.times);
    if (result.failure === undefined && !(result.lastLoss < result.firstLoss)) {
      result.failure = `does not learn: loss ${result.firstLoss}, then ${result.lastLoss}`;
    }
  }
  const rows = { 'CNN step, batch 64': results };
  printTable('Training', rows, used);
  return rows;
}
