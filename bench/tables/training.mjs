// A step of each network, plain gradient descent. Blocks of steps are timed: a library may return from a step before its
// updates are done.
import { reason } from '../lib/measure.mjs';
import { printTable } from '../lib/print.mjs';
import { median } from '../lib/statistics.mjs';
import { NETWORKS } from '../www/networks/list.js';

const BLOCK_MS = 400;
const MOST_STEPS = 20;
/** A column slower than this is measured fewer times. */
const SLOW_MS = 3000;
const SLOW_ROUNDS = 2;

/** TensorFlow.js's WebAssembly backend has no gradient of a convolution's kernel; the others without an entry do not train. */
const trains = (column, name) => /^(headwater|jax|tfjs-js|tfjs-web)/.test(column) || (/^tfjs/.test(column) && !['cnn', 'resnet'].includes(name));

export async function training({ pages, columns, rounds, networks }) {
  const rows = {};
  for (const name of networks) {
    rows[NETWORKS[name].title] = await train(pages, columns.filter((column) => trains(column, name)), rounds, name);
  }
  const shown = columns.filter((column) => Object.values(rows).some((row) => column in row));
  printTable('Training', rows, shown);
  printTable('The first step, with what is compiled for it', mapped(rows, firstOf), shown);
  return rows;
}

const mapped = (entries, change) => Object.fromEntries(Object.entries(entries).map(([key, value]) => [key, change(value)]));
/** The first step of each column that trains, in place of the median. */
const firstOf = (row) => mapped(row, ({ first, failure }) => (failure === undefined ? { median: first } : {}));

async function train(pages, columns, rounds, name) {
  const results = {};
  for (const column of columns) {
    try {
      await pages.call(column, 'startTraining', name);
      const { ms: first, loss: firstLoss } = await pages.call(column, 'train', 1);
      const { ms } = await pages.call(column, 'train', 2);
      const steps = Math.max(1, Math.min(MOST_STEPS, Math.round(BLOCK_MS / ms)));
      results[column] = { first, firstLoss, steps, times: [], rounds: ms > SLOW_MS ? Math.min(rounds, SLOW_ROUNDS) : rounds };
    } catch (error) {
      results[column] = { failure: reason(error) };
    }
  }
  for (let round = 0; round < rounds; round++) {
    for (const [column, result] of Object.entries(results)) {
      if (result.failure !== undefined || round >= result.rounds) continue;
      try {
        const { ms, loss } = await pages.call(column, 'train', result.steps);
        result.times.push(ms);
        result.lastLoss = loss;
      } catch (error) {
        result.failure = reason(error);
      }
    }
  }
  for (const [column, result] of Object.entries(results)) {
    if (result.times?.length > 0) result.median = median(result.times);
    if (result.failure === undefined && !(result.lastLoss < result.firstLoss)) {
      result.failure = `does not learn: loss ${result.firstLoss}, then ${result.lastLoss}`;
    }
    await pages.call(column, 'endTraining').catch(() => pages.close(column));
  }
  return results;
}
