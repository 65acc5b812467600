// Training in the page and in a worker: the same results, and a page that stays free.
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { launch, reportOf } from './lib/browser.mjs';
import { bundle } from './lib/bundle.mjs';
import { serve } from './lib/serve.mjs';
import { traced } from './lib/trace.mjs';

const ALL = Boolean(process.env.HEADWATER_TEST_ALL);
const PAGE = 'tests/browser/app/training.html?';
const THREADS = existsSync(new URL('../../pkg/dist/wasm/relaxed-simd-threads/headwater_web_bg.wasm', import.meta.url));

let browser;
let isolated;
let plain;

before(async () => {
  await bundle('training', ['bundled-training', 'own-worker']);
  [browser, isolated, plain] = await Promise.all([launch(), serve({ isolated: true }), serve({ isolated: false })]);
});
after(async () => {
  await browser?.close();
  isolated?.close();
  plain?.close();
});

for (const [name, site] of [['with threads', () => isolated], ['in a page that is not isolated', () => plain]]) {
  test(`a worker ${name} trains to the same bits as the page`, async () => {
    const run = (more) => reportOf(browser, `${site().origin}${PAGE}backend=cpu&samples=160&epochs=2${more}`, 120_000);
    const [page, worker] = [await run(''), await run('&where=worker')];
    if (site() === plain || !THREADS) assert.equal(worker.threads, 1);
    assert.deepEqual([worker.history, worker.weights], [page.history, page.weights]);
    assert.deepEqual(Object.keys(page.history), ['loss', 'acc', 'val_loss', 'val_acc']);
  });
}

test('a worker of the application’s own bundle trains; where the package’s own script is missing, the error says so', async () => {
  const { losses, missing } = await reportOf(browser, `${isolated.origin}tests/browser/app/bundled-training.html`);
  assert.deepEqual(losses[1], losses[0]);
  assert.match(missing, /^The worker failed: its script could not be loaded: .*headwater\.worker\.js/);
});

test('terminate() ends a worker and its threads', async () => {
  const page = await browser.newPage();
  let started = 0;
  page.on('worker', () => { started += 1; });
  await page.goto(`${isolated.origin}${PAGE}backend=cpu&where=worker&samples=64&epochs=1`);
  await page.waitForFunction(() => window.report, null, { timeout: 60_000 });
  assert.ok(started > 0);
  // A thread that waits for work is ended by force, which Chromium does after two seconds.
  for (let tries = 0; page.workers().length > 0 && tries < 100; tries++) await new Promise((resolve) => setTimeout(resolve, 200));
  assert.equal(page.workers().length, 0);
  await page.close();
});

/**
 * A browser calls a task of 50 ms or more long: it holds up frames and input. What counts here is the processor time of the page's main thread, which other
 * programs on the machine do not lengthen. A slower machine than this project's has more: a loop of a fixed length,
 * which is 20 ms of work there, says how much.
 */
const LONG_MS = 50;
const LOOP_MS = 20;

async function longest(backend, where, patience) {
  const { report, tasks } = await traced(browser, `${isolated.origin}${PAGE}backend=${backend}&where=${where}&batch=64&samples=960&epochs=2`, patience);
  assert.equal(report.backend, backend);
  assert.ok(tasks.training.length > 20, `${tasks.training.length} tasks`);
  // The middle one of five.
  const loop = tasks.loop.toSorted((a, b) => b - a)[2];
  const limit = LONG_MS * Math.max(1, loop / LOOP_MS);
  return { report, limit, loop, most: Math.max(...tasks.training) };
}

for (const [backend, patience] of [['cpu', 120_000], ['webgpu', 400_000]]) {
  for (const where of ['page', 'worker']) {
    test(`no task of the page is long while a network trains on ${backend} in the ${where}`, { skip: !ALL }, async (t) => {
      const { report, limit, most } = await longest(backend, where, patience);
      t.diagnostic(`${most.toFixed(1)} ms of processor time at most, of ${limit.toFixed(0)}; ${report.frames} frames in ${(report.took / 1000).toFixed(1)} s; ${report.tasks.length} tasks of 50 ms and more by the clock`);
      assert.ok(most < limit, `${most.toFixed(1)} ms of processor time in one task, ${limit.toFixed(0)} allowed`);
    });
  }
}
