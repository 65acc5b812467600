// MobileNetV2 on one picture, result read.
import { measure } from '../lib/measure.mjs';
import { printTable } from '../lib/print.mjs';

export async function inference({ pages, columns, rounds }) {
  const used = columns.filter((column) => !column.startsWith('jax') && column !== 'tfjs-js');
  const rows = { 'MobileNetV2, batch 1': await measure(pages, used, rounds, ['prepareModel']) };
  printTable('Inference', rows, used);
  return rows;
}
