// A training in a page that is closed goes on when the page is opened again, from the storage of the browser.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { reportOf } from './lib/browser.mjs';
import { siteOf } from './lib/site.mjs';

const BATCHES = 24;
const site = await siteOf();

for (const [backend, to] of [['cpu', 'indexeddb://run'], ['cpu', 'localstorage://run'], ['webgpu', 'indexeddb://gpu']]) {
  test(`a training on ${backend} goes on from ${to}`, async () => {
    const address = (seed, place) => `${site.server.origin}tests/browser/app/resume.html?backend=${backend}&seed=${seed}&to=${encodeURIComponent(place)}`;
    const whole = await reportOf(site.browser, address(7, `${to}-whole`));
    assert.deepEqual([whole.backend, whole.begun, whole.left], [backend, BATCHES, []]);
    // Pages of one visitor share what is stored.
    const visitor = await site.browser.newContext();
    try {
      const page = await visitor.newPage();
      await page.goto(address(7, to));
      await page.waitForFunction(() => window.batches >= 9);
      await page.close();
      const rest = await reportOf(visitor, address(99, to));
      assert.ok(rest.begun > 0 && rest.begun < BATCHES - 6, `${rest.begun} batches were left`);
      assert.deepEqual(rest.losses, whole.losses);
      assert.deepEqual(rest.weights, whole.weights);
      assert.deepEqual(rest.left, []);
    } finally {
      await visitor.close();
    }
  });
}
