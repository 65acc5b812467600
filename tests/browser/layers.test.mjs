// Layers on WebGPU: none reads a tensor at once, which stops a page, to be made, trained or used.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { reportOf } from './lib/browser.mjs';
import { siteOf } from './lib/site.mjs';

const site = await siteOf();

test('layers and initializers of every kind train on WebGPU', async (t) => {
  const { backend, fallbackReason, bodies, initializers } = await reportOf(site.browser, `${site.server.origin}tests/browser/app/layers.html`, 600_000);
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
