// From an empty browser to the first result of MobileNetV2: each time a new browser, nothing cached.
import { close, launch, within } from '../lib/browser.mjs';
import { COLUMNS, addressOf } from '../lib/columns.mjs';
import { reason } from '../lib/measure.mjs';
import { printTable } from '../lib/print.mjs';
import { median } from '../lib/statistics.mjs';

const MOST_ROUNDS = 5;

export async function cold({ origin, threads, columns, rounds }) {
  // Not in a worker: its page has nothing to time.
  const used = columns.filter((column) => !column.startsWith('jax') && column !== 'tfjs-js' && !COLUMNS[column].worker);
  const results = Object.fromEntries(used.map((column) => [column, { times: [] }]));
  for (let round = 0; round < Math.min(rounds, MOST_ROUNDS); round++) {
    for (const column of used) {
      // A GPU in software compiles shaders for seconds: once is enough to see it.
      if (results[column].failure !== undefined || (round > 0 && COLUMNS[column].group === 'webgpu')) continue;
      const browser = await launch();
      try {
        const page = await browser.newPage();
        await page.goto(addressOf(origin, column, threads).replace('bench.html', 'cold.html'));
        const result = () => page.waitForFunction(() => window.result ?? window.failure, null, { timeout: 120_000 });
        const found = await (await within(120, result(), column)).jsonValue();
        if (typeof found === 'string') throw new Error(found);
        results[column].times.push(found.first);
      } catch (error) {
        results[column].failure = reason(error);
      } finally {
        await close(browser);
      }
    }
  }
  for (const result of Object.values(results)) if (result.times.length > 0) result.median = median(result.times);
  const rows = { 'first result': results };
  printTable('Cold start', rows, used);
  return rows;
}
