// The package in a browser: as a plain module, bundled, in a worker; isolated or not; on the CPU and on WebGPU.
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { after, before, test } from 'node:test';
import { launch, reportOf } from './lib/browser.mjs';
import { bundle } from './lib/bundle.mjs';
import { serve } from './lib/serve.mjs';

const THREADS = new URL('../../pkg/dist/wasm/relaxed-simd-threads/headwater_web_bg.wasm', import.meta.url);

const EXPECTED = {
  matMul: [7, 10, 15, 22],
  pointwise: [0, 1, 1.7321, 2.2361],
  softmax: [0.2689, 0.7311, 0.2689, 0.7311],
  conv: [45, 54, 81, 90],
  large: [256],
  gradient: [3, 12, 27, 48],
};

let browser;
let isolated;
let plain;

before(async () => {
  await bundle('package', ['bundled', 'events', 'worker']);
  [browser, isolated, plain] = await Promise.all([launch(), serve({ isolated: true }), serve({ isolated: false })]);
});
after(async () => {
  await browser?.close();
  isolated?.close();
  plain?.close();
});

function check(report, backend) {
  assert.equal(report.backend, backend);
  for (const [name, expected] of Object.entries(EXPECTED)) {
    assert.equal(report[name].length, expected.length, name);
    for (const [index, value] of expected.entries()) {
      assert.ok(Math.abs(report[name][index] - value) <= 1e-3, `${name}: ${report[name]}, expected ${expected}`);
    }
  }
  if (backend === 'cpu') {
    assert.ok(report.nan && report.nanOfRow && report.nanOfMaps, 'NaN goes through relu, exp, max, tanh and logarithms');
    assert.equal(report.logarithms, '-Infinity,NaN,Infinity,NaN,0,-Infinity');
  }
  const { kernelMs, wallMs } = report.time;
  if (backend === 'cpu' || typeof kernelMs === 'number') {
    assert.ok(kernelMs >= 0 && kernelMs <= wallMs, `${kernelMs} of ${wallMs} ms`);
    assert.match(report.kernels.map(({ name }) => name).join(), /matMul.*exp/);
  } else assert.match(kernelMs.error, /does not tell/);
  assert.ok(Math.abs(report.line[0] - 21) < 0.1, `a line through the points is learnt: ${report.line}`);
}

const WAYS = {
  'a plain module': 'tests/browser/app/page.html?',
  'a bundle': 'tests/browser/app/bundled.html?',
  'a bundled worker': 'tests/browser/app/bundled.html?worker&',
};

for (const [name, path] of Object.entries(WAYS)) {
  test(`${name} computes and learns on the CPU`, async () => {
    const report = await reportOf(browser, `${isolated.origin}${path}backend=cpu`);
    assert.equal(report.isolated, true);
    check(report, 'cpu');
  });

  test(`${name} needs no isolation`, async () => {
    const report = await reportOf(browser, `${plain.origin}${path}backend=cpu`);
    assert.equal(report.isolated, false);
    assert.equal(report.threads, 1);
    check(report, 'cpu');
  });
}

test('a script that waited for the engine hears that the page has loaded, once', async () => {
  const { heard, restored } = await reportOf(browser, `${plain.origin}tests/browser/app/events.html`);
  assert.deepEqual(heard, ['early', 'DOMContentLoaded of #document: 2', 'window', 'load', 'onload', 'click']);
  assert.ok(restored);
});

test('a worker of an isolated page uses threads', async (t) => {
  const processors = availableParallelism();
  if (!existsSync(THREADS)) {
    // Left out by a quick build only.
    assert.ok(!process.env.HEADWATER_TEST_ALL, `${THREADS} is missing`);
    return t.skip('built without threads');
  }
  const report = await reportOf(browser, `${isolated.origin}${WAYS['a bundled worker']}backend=cpu`);
  assert.equal(report.threads > 1, processors > 1, `${report.threads} threads on ${processors} processors`);
  check(report, 'cpu');
});

for (const name of ['a plain module', 'a bundled worker']) {
  test(`${name} asked for WebGPU computes on it, or says why not`, async (t) => {
    const report = await reportOf(browser, `${isolated.origin}${WAYS[name]}backend=webgpu`, 240_000);
    if (report.backend !== 'webgpu') {
      assert.match(report.fallbackReason, /webgpu/i);
      // Chromium brings a software adapter: the full tests insist on it.
      assert.ok(!process.env.HEADWATER_TEST_ALL, report.fallbackReason);
      t.diagnostic(report.fallbackReason);
    }
    check(report, report.backend);
  });
}
