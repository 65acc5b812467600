// Layers on WebGPU: none reads a tensor at once, which stops a page, to be made, trained or used.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { launch, reportOf } from './lib/browser.mjs';
import { serve } from './lib/serve.mjs';

let browser;
let server;

before(async () => {
  [browser, server] = await Promise.all([launch(), serve({ isolated: false })]);
});
after(async () => {
  await browser?.close();
  server?.close();
});

test('layers and initializers of every kind train on WebGPU', async (t) => {
  const { backend, fallbackReason, bodies, initializers } = await reportOf(browser, `${server.origin}tests/browser/app/layers.html`, 600_000);
  if (backend !== 'webgpu') {
    // Chromium brings a software adapter: the full tests insist on it.
    assert.ok(!process.env.HEADWATER_TEST_ALL, fallbackReason);
    return t.skip(fallbackReason);
  }
  for (const [name, values] of Object.entries({ ...bodies, ...initializers })) {
    assert.ok(Array.isArray(values) && values.length > 1, `${name}: ${values}`);
    assert.ok(values.every(Number.isFinite), `${name}: ${values}`);
  }
});
