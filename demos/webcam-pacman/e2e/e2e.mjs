// The demo from end to end in a real browser: a clip stands in for the webcam, the page's own
// buttons are pressed, and the game follows what was learnt.
//
//   CLIP=…/clip.mjpeg [ENGINE=cpu|webgpu] [HEADWATER_URL=…] [CHROMIUM=…] node e2e/e2e.mjs
//
// FRAMES: frames collected a class (20). CHECKS: predictions checked a class (12). EPOCHS (20).
// SHOTS: folder for screenshots. Without HEADWATER_URL it serves dist/ itself.
import assert from 'node:assert/strict';
import { mkdir } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { launch } from './browser.mjs';
import { learnScenes, sceneOf, untilSceneBegins } from './scenes.mjs';
import { serve } from './serve.mjs';

const here = dirname(fileURLToPath(import.meta.url));
const ENGINE = process.env.ENGINE ?? 'cpu';
const FRAMES = Number(process.env.FRAMES ?? 20);
const CHECKS = Number(process.env.CHECKS ?? 12);
const EPOCHS = Number(process.env.EPOCHS ?? 20);
const CLIP = process.env.CLIP && resolve(process.env.CLIP);
const SHOTS = process.env.SHOTS ?? join(here, '../node_modules/.cache/e2e');
const DESKTOP = { width: 1280, height: 900 };
const PHONE = { width: 390, height: 844 };
/** A software GPU may take seconds for a frame. */
const PATIENCE = ENGINE === 'webgpu' ? 240_000 : 60_000;
const DIRECTIONS = ['up', 'down', 'left', 'right'];

let server = null;
let url = process.env.HEADWATER_URL;

before(async () => {
  await mkdir(SHOTS, { recursive: true });
  if (url === undefined) {
    server = await serve(join(here, '../dist'));
    url = server.url;
  }
});
after(() => server?.close());

const state = (page) => page.evaluate(() => window.__headwater.state);
const until = (page, condition, timeout = PATIENCE) =>
  page.waitForFunction(`(({ state, longTasks }) => ${condition})(window.__headwater)`, null, { timeout });
const shot = (page, name) => page.screenshot({ path: join(SHOTS, `${ENGINE}-${name}.png`) });
const message = (page, topic) => page.locator(`#messages [data-topic="${topic}"]`);

/** Opens the page in `browser`; what it throws or logs as an error fails the test. */
async function open(browser, { viewport = DESKTOP, engine = ENGINE } = {}) {
  const context = await browser.newContext({ viewport });
  await context.addInitScript((name) => {
    if (localStorage.getItem('webcam-pacman-engine') === null) localStorage.setItem('webcam-pacman-engine', name);
  }, engine);
  const page = await context.newPage();
  const errors = [];
  page.on('pageerror', (error) => errors.push(String(error)));
  await page.goto(url);
  return { page, errors };
}

/** Holds a class's button during its scene, as often as it takes to have the frames. */
async function collect(page, direction, index, scenes) {
  const { duration } = scenes[index];
  const button = page.locator(`#collect-${direction}`);
  for (;;) {
    const { counts, backlog } = await state(page);
    if (counts[index] + backlog >= FRAMES) return;
    await untilSceneBegins(page, scenes, index);
    await page.waitForTimeout(150);
    const end = Date.now() + duration - 700;
    await button.hover();
    await page.mouse.down();
    while (Date.now() < end) {
      const now = await state(page);
      if (now.counts[index] + now.backlog >= FRAMES) break;
      await page.waitForTimeout(60);
    }
    await page.mouse.up();
    await until(page, 'state.backlog === 0');
  }
}

/** Whether the game's picture has more than its background. */
const gameIsDrawn = (page) =>
  page.evaluate(() => {
    const canvas = document.querySelector('#game');
    const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
    const colours = new Set();
    for (let at = 0; at < data.length; at += 4) colours.add((data[at] << 16) | (data[at + 1] << 8) | data[at + 2]);
    return colours.size > 20;
  });

test(`learns the clip's four scenes on ${ENGINE} and steers the game`, async (t) => {
  assert.ok(CLIP, 'CLIP names the motion-JPEG file to play as the webcam');
  const browser = await launch({ camera: { clip: CLIP }, webgpu: ENGINE === 'webgpu' });
  t.after(() => browser.close());
  const { page, errors } = await open(browser);
  let scenes = [];

  await t.test('the engine and the feature model start', async () => {
    await until(page, 'state.ready');
    const { engine } = await state(page);
    assert.equal(engine.active, ENGINE, engine.fallback ?? '');
    await shot(page, '1-ready');
  });

  await t.test('frames of each scene are collected', async () => {
    await page.click('#camera-button');
    await until(page, "state.source === 'camera'");
    scenes = await learnScenes(page, DIRECTIONS.length);
    assert.equal(scenes.length, DIRECTIONS.length);
    for (const [index, direction] of DIRECTIONS.entries()) await collect(page, direction, index, scenes);
    const { counts } = await state(page);
    for (const count of counts) assert.ok(count >= FRAMES, `counts ${counts}`);
    await shot(page, '2-collected');
  });

  await t.test('a class can be deleted and collected again', async () => {
    await page.click('#clear-right');
    await until(page, 'state.counts[3] === 0');
    await collect(page, 'right', 3, scenes);
  });

  await t.test('training runs in the worker and leaves the page free', async () => {
    await page.fill('#gesture-up', 'first scene');
    await page.fill('#epochs', String(EPOCHS));
    await page.evaluate(() => window.__headwater.resetLongTasks());
    await page.click('#train-button');
    await until(page, '!state.training && state.head !== null');
    const { longTasks, history } = await page.evaluate(() => ({
      longTasks: window.__headwater.longTasks,
      history: window.__headwater.state.history,
    }));
    assert.equal(history.length, EPOCHS);
    assert.ok(history.at(-1).loss < history[0].loss, 'the loss falls');
    assert.ok(history.at(-1).heldOutAccuracy >= 0.95, `held out: ${history.at(-1).heldOutAccuracy}`);
    assert.ok(longTasks.max <= 50, `longest main-thread task: ${longTasks.max} ms`);
    await shot(page, '3-trained');
  });

  await t.test('later frames are predicted right, and the game follows', async () => {
    await page.click('#overlay-button');
    await page.evaluate(() => {
      window.__headwater.predictions.length = 0;
      window.__headwater.tracing = true;
    });
    const end = Date.now() + PATIENCE * 2;
    let seen = [];
    let perClass = [];
    do {
      await page.waitForTimeout(500);
      if ((await state(page)).arcade === 'over') await page.click('#overlay-button');
      const all = await page.evaluate(() => window.__headwater.predictions);
      // A picture between two scenes belongs to neither.
      seen = all
        .map((entry) => ({ ...entry, expected: DIRECTIONS[sceneOf(entry.signature, scenes)] }))
        .filter(({ expected }) => expected !== undefined);
      perClass = DIRECTIONS.map((direction) => seen.filter(({ expected }) => expected === direction).length);
      assert.ok(Date.now() < end, `too few predictions: ${perClass}`);
    } while (Math.min(...perClass) < CHECKS);
    await shot(page, '4-playing');

    const right = seen.filter(({ direction, expected }) => direction === expected).length;
    assert.ok(right / seen.length >= 0.95, `${right} of ${seen.length} right`);
    const steered = seen.filter((entry) => entry.steered);
    assert.ok(steered.length >= 0.8 * seen.length, `${steered.length} of ${seen.length} steered`);
    for (const { direction, wanted } of steered) assert.equal(wanted, direction);
    assert.ok((await state(page)).score > 0, 'the player ate something');
    const times = seen.map(({ milliseconds }) => milliseconds).sort((a, b) => a - b);
    t.diagnostic(
      `${right} of ${seen.length} right; capture to prediction, median: ${times[times.length >> 1].toFixed(1)} ms`,
    );
    assert.match(await page.textContent('#timing'), /\d+ ms · [\d.]+ fps/);
  });

  await t.test('predicting leaks no tensors', async () => {
    const before = await page.evaluate(() => window.__headwater.memory());
    const { length } = await page.evaluate(() => window.__headwater.predictions);
    await page.waitForFunction((from) => window.__headwater.predictions.length > from + 5, length, { timeout: PATIENCE });
    const now = await page.evaluate(() => window.__headwater.memory());
    assert.equal(now.numTensors, before.numTensors);
  });

  await t.test('the head can be exported as files', async () => {
    const downloads = [];
    page.on('download', (download) => downloads.push(download.suggestedFilename()));
    await page.click('#export-button');
    while (downloads.length < 2) await page.waitForEvent('download', { timeout: 20_000 }).catch(() => assert.fail(`downloads: ${downloads}`));
    assert.deepEqual(downloads.sort(), ['webcam-pacman-head.json', 'webcam-pacman-head.weights.bin']);
  });

  await t.test('samples and head survive a change of engine', async () => {
    const before = await page.evaluate(() => window.__headwater.probe());
    const { counts } = await state(page);
    await page.selectOption('#engine', 'auto');
    await until(page, "state.engine.preference === 'auto'");
    assert.deepEqual((await state(page)).counts, counts);
    const now = await page.evaluate(() => window.__headwater.probe());
    now.forEach((value, index) => assert.ok(Math.abs(value - before[index]) <= 1e-3, `${before} and ${now}`));
    await page.selectOption('#engine', ENGINE);
    await until(page, `state.engine.preference === '${ENGINE}'`);
  });

  await t.test('after a reload the restored head predicts the same', async () => {
    const before = await page.evaluate(() => window.__headwater.probe());
    await page.reload();
    await until(page, 'state.ready && state.head !== null');
    assert.match(await message(page, 'restored').textContent(), /restored/);
    const now = await page.evaluate(() => window.__headwater.probe());
    now.forEach((value, index) => assert.ok(Math.abs(value - before[index]) <= 1e-5, `${before} and ${now}`));
    assert.equal(await page.inputValue('#gesture-up'), 'first scene');
    await page.setViewportSize(PHONE);
    await page.screenshot({ path: join(SHOTS, `${ENGINE}-5-phone.png`), fullPage: true });
    const overflow = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
    assert.ok(overflow <= 0, `the page is ${overflow} px too wide for a phone`);
  });

  await t.test('a forgotten head stays forgotten', async () => {
    await page.click('#forget-button');
    await until(page, 'state.head === null');
    await page.reload();
    await until(page, 'state.ready');
    await page.waitForTimeout(500);
    assert.equal((await state(page)).head, null);
  });

  assert.deepEqual(errors, []);
});

test('a refused camera is told from a missing one', async (t) => {
  const browser = await launch({ camera: 'refused' });
  t.after(() => browser.close());
  const { page } = await open(browser, { engine: 'cpu' });
  await page.click('#camera-button');
  await message(page, 'camera').waitFor();
  assert.match(await message(page, 'camera').textContent(), /camera was refused.*sample clip/s);
  await shot(page, '6-refused');
});

test('without a camera the page offers the bundled clip', async (t) => {
  const browser = await launch({});
  t.after(() => browser.close());
  const { page, errors } = await open(browser, { engine: 'cpu' });
  await until(page, 'state.ready');
  await page.click('#camera-button');
  await message(page, 'camera').waitFor();
  assert.match(await message(page, 'camera').textContent(), /No camera was found.*sample clip/s);
  await shot(page, '7-no-camera');
  await message(page, 'camera').getByRole('button', { name: 'Use sample clip' }).click();
  await until(page, "state.source === 'clip'");
  assert.match(await page.textContent('#source-tag'), /not your camera/);
  const colours = await page.evaluate(() => window.__headwater.sceneSignature());
  assert.ok(Math.max(...colours) > 40, 'the clip shows a picture');

  // Keys 1 to 4 collect as well.
  await page.keyboard.down('2');
  await until(page, 'state.counts[1] >= 2');
  await page.keyboard.up('2');
  await shot(page, '8-clip');
  assert.deepEqual(errors, []);
});

test('without WebGPU the page says so and goes on with the CPU', async (t) => {
  const browser = await launch({});
  t.after(() => browser.close());
  const { page, errors } = await open(browser, { engine: 'cpu' });
  await until(page, 'state.ready');
  await page.selectOption('#engine', 'webgpu');
  await until(page, "state.engine.preference === 'webgpu'");
  const { engine } = await state(page);
  assert.equal(engine.active, 'cpu');
  assert.match(await message(page, 'engine').textContent(), /WebGPU.*Running on the CPU instead/s);
  assert.match(await page.textContent('#engine-badge'), /WebAssembly/);
  await shot(page, '9-no-webgpu');
  assert.deepEqual(errors, []);
});

test('without the feature model the game still plays, and a retry fetches it', async (t) => {
  const browser = await launch({});
  t.after(() => browser.close());
  const context = await browser.newContext({ viewport: DESKTOP, reducedMotion: 'reduce' });
  const page = await context.newPage();
  await context.route('**/model.json', (route) => route.abort());
  await page.goto(url);
  await message(page, 'model').waitFor({ timeout: PATIENCE });
  assert.match(await message(page, 'model').textContent(), /feature model could not be loaded/);

  await page.click('#overlay-button');
  await page.keyboard.press('ArrowRight');
  await until(page, "state.wanted === 'right'");
  await until(page, 'state.score > 0', 20_000);
  assert.ok(await gameIsDrawn(page), 'the maze is drawn');
  await shot(page, '10-no-model');
  await page.click('#pause-button');
  assert.equal((await state(page)).arcade, 'paused');

  await context.unroute('**/model.json');
  await message(page, 'model').getByRole('button', { name: 'Try again' }).click();
  await until(page, 'state.ready');
});
