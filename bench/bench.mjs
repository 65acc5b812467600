// Headwater beside other libraries, in one headless browser.
//
//   HEADWATER_URL=http://127.0.0.1:8080/ node bench.mjs [--only kernels,inference,training,cold,download]
//     [--networks cnn,resnet,lstm,transformer] [--columns headwater-1,tfjs-1,...] [--rounds 7] [--threads 2] [--quick]
//
// HEADWATER_URL serves the work tree's root with COOP and COEP; `cargo xtask bench` sees to that and to the models.
import { mkdir, writeFile } from 'node:fs/promises';
import { availableParallelism, cpus, loadavg } from 'node:os';
import { parseArgs } from 'node:util';
import { bundle } from './build.mjs';
import { close, launch } from './lib/browser.mjs';
import { COLUMNS } from './lib/columns.mjs';
import { Pages } from './lib/pages.mjs';
import { cold } from './tables/cold.mjs';
import { download } from './tables/download.mjs';
import { inference } from './tables/inference.mjs';
import { kernels } from './tables/kernels.mjs';
import { training } from './tables/training.mjs';
import { NETWORKS } from './www/networks/list.js';

const TABLES = { kernels, inference, training, cold, download };
const QUICK_ROUNDS = 3;

const { values: options } = parseArgs({
  options: {
    only: { type: 'string', default: Object.keys(TABLES).join() },
    columns: { type: 'string' },
    networks: { type: 'string', default: Object.keys(NETWORKS).join() },
    rounds: { type: 'string', default: '7' },
    threads: { type: 'string', default: String(availableParallelism()) },
    quick: { type: 'boolean', default: false },
  },
});

/** The names in a comma-separated list; an unknown one is an error that lists the known. */
function select(list, known, what) {
  const names = list.split(',');
  const unknown = names.find((name) => !known.includes(name));
  if (unknown !== undefined) throw new Error(`no ${what} ${unknown}; there are ${known.join(', ')}`);
  return names;
}

const origin = process.env.HEADWATER_URL;
if (origin === undefined) throw new Error('HEADWATER_URL is not set: run `cargo xtask bench`');
const tables = select(options.only, Object.keys(TABLES), 'table');
// Software GPUs take minutes: a quick run leaves them out.
const defaults = Object.keys(COLUMNS).filter((name) => !(options.quick && COLUMNS[name].group === 'webgpu'));
const columns = options.columns === undefined ? defaults : select(options.columns, Object.keys(COLUMNS), 'column');
const networks = select(options.networks, Object.keys(NETWORKS), 'network');
const rounds = options.quick ? QUICK_ROUNDS : Number(options.rounds);
const threads = Number(options.threads);

const failures = await bundle();
for (const [library, message] of Object.entries(failures)) console.log(`${library} does not build: ${message}`);
const built = columns.filter((column) => failures[COLUMNS[column].library] === undefined);

const browser = await launch();
const pages = new Pages(browser, { origin, threads });
const report = {
  date: new Date().toISOString(),
  browser: browser.version(),
  processor: cpus()[0]?.model,
  load: loadavg()[0],
  threads,
  columns: {},
  tables: {},
};
for (const column of built) {
  report.columns[column] = await pages.call(column, 'describe').catch((error) => `failed: ${error.message.split('\n')[0]}`);
  console.log(`${column}: ${report.columns[column]}`);
}
const root = new URL('../', import.meta.url);
for (const table of tables) {
  report.tables[table] = await TABLES[table]({ pages, columns: built, networks, rounds, origin, threads, root });
}
await close(browser);

const folder = new URL('bench-results/', root);
await mkdir(folder, { recursive: true });
const file = `${report.date.replace(/[:.]/g, '-')}.json`;
await writeFile(new URL(file, folder), JSON.stringify(report, null, 1));
console.log(`\nWritten to bench-results/${file}`);
process.exit(0);
