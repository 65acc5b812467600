// TensorFlow.js's own tests on the package: on the CPU engine here, on WebGPU in a browser. Every spec passes, but for those
// in known.json, each with its reason; that file must not list what passes. Specs that fail for TensorFlow.js itself, as
// they reach for what no package offers, are in uncounted.json.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { test } from 'node:test';
import vm from 'node:vm';
import { bundle } from './bundle.mjs';
import { inBrowser } from './browser.mjs';
import { prepare } from './run.mjs';

const read = (name) => JSON.parse(readFileSync(new URL(name, import.meta.url), 'utf8'));
const require = createRequire(import.meta.url);
const uncounted = new Set(read('uncounted.json'));
const known = read('known.json');

function judge(all, listed, least, t) {
  const specs = all.filter(({ name }) => !uncounted.has(name));
  const failed = specs.filter(({ status }) => status === 'failed');
  const passed = specs.filter(({ status }) => status === 'passed');
  const share = passed.length / (passed.length + failed.length);
  t.diagnostic(`${passed.length} passed, ${failed.length} failed (${(100 * share).toFixed(2)} % pass), ${specs.length - passed.length - failed.length} pending`);
  const unlisted = failed.filter(({ name }) => !(name in listed)).map(({ name, why }) => `${name}\n    ${why}`);
  const closed = passed.filter(({ name }) => name in listed).map(({ name }) => name);
  assert.ok(specs.length > 4000, `only ${specs.length} specs ran`);
  assert.equal(unlisted.join('\n'), '', 'specs that fail and are not in known.json');
  assert.deepEqual(closed, [], 'specs that pass and are listed in known.json as failing');
  assert.ok(share >= least, `${(100 * share).toFixed(2)} % pass`);
}

test('on the CPU engine in Node', { timeout: 300_000 }, async (t) => {
  const code = await bundle('node');
  globalThis.tf = await import('../../pkg/dist/index.js');
  globalThis.HEADWATER_BACKEND = 'cpu';
  globalThis.require = require;
  const run = prepare(require('jasmine-core'));
  vm.runInThisContext(code, { filename: 'tensorflowjs-tests.js' });
  judge(await run(), known.cpu, 0.99, t);
});

const all = process.env.HEADWATER_TEST_ALL === '1';
test('on WebGPU in a browser', { timeout: 1_500_000, skip: all ? false : 'slow: runs with --all' }, async (t) => {
  judge(await inBrowser(await bundle('browser'), 'webgpu', (line) => t.diagnostic(line)), known.webgpu, 0.97, t);
});
