// Single operations.
import { measure } from '../lib/measure.mjs';
import { printTable } from '../lib/print.mjs';
import { KERNELS } from '../www/work.js';

/** Reading and writing 4 M numbers once, at 300 GB/s. */
const LEAST_MS = 0.1;

/**
 * Where a row is the difference of a chain and a single call, a library that simplifies the chain seems to take no time:
 * that is no measurement.
 */
function refuseTheImpossible(row) {
  for (const result of Object.values(row)) {
    if (result.median < LEAST_MS) result.failure ??= `not credible: ${result.median.toFixed(3)} ms for 4 M elements`;
  }
}

export async function kernels({ pages, columns, rounds }) {
  const used = columns.filter((column) => column !== 'tfjs-js');
  const rows = {};
  for (const name of Object.keys(KERNELS)) {
    rows[name] = await measure(pages, used, rounds, ['prepareKernel', name]);
    console.log(`measured ${name}`);
    if (KERNELS[name].family === 'elementwise') refuseTheImpossible(rows[name]);
  }
  printTable('Operations', rows, used);
  return rows;
}
