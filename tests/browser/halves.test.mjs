// float16 in a browser: in memory as the device allows, and in a model of mixed precision.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { reportOf } from './lib/browser.mjs';
import { siteOf } from './lib/site.mjs';

const site = await siteOf();

test('float16 on WebGPU takes 16 bits where shaders know f16, and has the same values elsewhere', async () => {
  const report = await reportOf(site.browser, `${site.server.origin}tests/browser/app/halves.html`);
  assert.equal(report.bytes, report.expected);
  assert.deepEqual(report.odd, [1, -2, 65504, 2 ** -24, Infinity]);
  // Twice 65504 is more than there is.
  assert.deepEqual(report.parts, ['-4', 'Infinity', '2']);
  assert.ok(report.sums.every((sum) => sum === 4096), 'sums are of float32');
  const { losses } = report;
  assert.ok(losses.at(-1) < losses[0] / 10, `a model of mixed precision learns: ${losses}`);
});
