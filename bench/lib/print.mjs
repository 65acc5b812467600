import { COLUMNS } from './columns.mjs';

const OURS = 'headwater';

/** Milliseconds with three digits that matter. */
const number = (value) => (value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(2));

/**
 * Prints a row for each piece of work: medians in milliseconds, and for each of our columns the time of the best peer
 * in its group divided by ours: above 1 we are faster.
 *
 * @param {Record<string, Record<string, {median?: number, failure?: string}>>} rows
 */
export function printTable(title, rows, columns) {
  console.log(`\n${title} (ms; x: best peer / ours)`);
  const ours = columns.filter((column) => COLUMNS[column].library === OURS);
  const head = ['', ...columns, ...ours.map((column) => `x ${column.slice(OURS.length + 1)}`)];
  const lines = Object.entries(rows).map(([name, row]) => [
    name,
    ...columns.map((column) => (usable(row[column]) ? number(row[column].median) : row[column]?.failure?.includes('unsupported:') ?? true ? '-' : 'FAIL')),
    ...ours.map((column) => ratio(row, column)),
  ]);
  const widths = head.map((_, index) => Math.max(...[head, ...lines].map((line) => line[index].length)));
  for (const line of [head, ...lines]) {
    console.log(line.map((cell, index) => (index === 0 ? cell.padEnd(widths[0]) : cell.padStart(widths[index]))).join('  '));
  }
  printFailures(rows);
}

/** Each failure once, with the rows it spoils. */
function printFailures(rows) {
  const spoilt = new Map();
  for (const [name, row] of Object.entries(rows)) {
    for (const [column, { failure }] of Object.entries(row)) {
      if (failure === undefined || failure.includes('unsupported:')) continue;
      const key = `${column}: ${failure}`;
      spoilt.set(key, [...(spoilt.get(key) ?? []), name]);
    }
  }
  for (const [failure, names] of spoilt) console.log(`  ${failure} (${names.join(', ')})`);
}

const usable = (result) => result?.median !== undefined && result.failure === undefined;

function ratio(row, column) {
  const { group } = COLUMNS[column];
  const peers = Object.entries(row)
    .filter(([name, result]) => COLUMNS[name].library !== OURS && COLUMNS[name].group === group && usable(result))
    .map(([, { median }]) => median);
  if (!usable(row[column]) || peers.length === 0) return '-';
  return (Math.min(...peers) / row[column].median).toFixed(2);
}
