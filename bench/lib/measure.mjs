// Interleaved rounds: every column in turn, so that what else the machine does falls on all of them.
import { agree, median } from './statistics.mjs';

/** A round of a column takes about this long. */
const ROUND_MS = 150;
const MOST_CALLS = 40;
/** A column slower than this is measured fewer times. */
const SLOW_MS = 1500;
const SLOW_ROUNDS = 3;

/**
 * @param {Pages} pages
 * @param {string[]} columns
 * @param {number} rounds
 * @param {[string, ...unknown[]]} preparation method of the page, and its arguments
 * @returns {Promise<Record<string, {median?: number, times?: number[], check?: number, failure?: string}>>}
 */
export async function measure(pages, columns, rounds, preparation) {
  const results = {};
  for (const column of columns) {
    try {
      const prepared = await pages.call(column, ...preparation);
      const once = await pages.call(column, 'run', 1);
      const calls = Math.max(1, Math.min(MOST_CALLS, Math.round(ROUND_MS / Math.max(once, 0.01))));
      results[column] = { ...prepared, calls, times: [], rounds: once > SLOW_MS ? Math.min(rounds, SLOW_ROUNDS) : rounds };
    } catch (error) {
      results[column] = { failure: reason(error) };
    }
  }
  for (let round = 0; round < rounds; round++) {
    for (const [column, result] of Object.entries(results)) {
      if (result.failure !== undefined || round >= result.rounds) continue;
      try {
        result.times.push(await pages.call(column, 'run', result.calls));
      } catch (error) {
        result.failure = reason(error);
      }
    }
  }
  for (const [column, result] of Object.entries(results)) {
    if (result.times?.length > 0) result.median = median(result.times);
    if (result.failure === undefined) await pages.call(column, 'dispose').catch(() => pages.close(column));
  }
  compareChecks(results);
  return results;
}

/** A column whose result is not what most have computed has not done the work. */
function compareChecks(results) {
  const checked = Object.values(results).filter(({ check }) => check !== undefined);
  if (checked.length === 0) return;
  const expected = median(checked.map(({ check }) => check));
  for (const result of checked) {
    if (!agree(result.check, expected)) result.failure ??= `wrong result: mean |y| ${result.check}, others ${expected}`;
  }
}

export const reason = (error) => String(error.message ?? error).replace(/\s+/g, ' ').replace('page.evaluate: ', '').slice(0, 200);
