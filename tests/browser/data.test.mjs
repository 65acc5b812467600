// Data of a page: a camera and a microphone (Chromium's own, which need nobody's permission), images and tables in files.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { reportOf } from './lib/browser.mjs';
import { siteOf } from './lib/site.mjs';

const site = await siteOf(['--use-fake-device-for-media-stream', '--use-fake-ui-for-media-stream']);
const report = await reportOf(site.browser, `${site.server.origin}tests/browser/app/data.html`);

test('a camera gives frames: whole, scaled, or cut around their centre', () => {
  const { camera } = report;
  assert.deepEqual(camera.frame, ['int32', 3]);
  assert.ok(camera.same);
  assert.deepEqual(camera.scaled, ['float32', 10, 20, 3]);
  assert.deepEqual(camera.cut, [10, 20, 3]);
  assert.ok(camera.differs);
  const [[least], [, most]] = camera.pixels;
  assert.ok(least > 230 && most < 25, `the middle is cut out, and corners stay corners: ${camera.pixels}`);
});

test('a camera that was stopped is at its end, and starts again', () => {
  const { stopped, again } = report.camera;
  assert.match(stopped[0], /The camera was stopped/);
  assert.deepEqual(stopped[1], { value: null, done: true });
  assert.ok(again);
});

test('a microphone gives spectrograms and waveforms', () => {
  const { microphone } = report;
  assert.ok(microphone.sampleRate >= 8000);
  assert.deepEqual(microphone.spectrogram, [110, 100, 1]);
  assert.deepEqual(microphone.waveform, [110 * 512, 1]);
  // Chromium's microphone beeps.
  assert.ok(microphone.decibels[1] > -150 && microphone.decibels[1] < 20, String(microphone.decibels));
  assert.ok(microphone.amplitudes[1] > 0 && microphone.amplitudes[1] <= 1 && microphone.amplitudes[0] >= -1, String(microphone.amplitudes));
  assert.deepEqual(microphone.two, [[false, 5, 256, 1], [false, 5, 256, 1]]);
  assert.deepEqual(microphone.only, ['spectrogram']);
  assert.match(microphone.stopped[0], /The microphone was stopped/);
  assert.equal(microphone.stopped[1], true);
  assert.deepEqual(microphone.again, microphone.waveform);
  assert.match(microphone.rate, /Mismatch in sampling rate: Expected: 12345; Actual: \d+/);
});

test('images are decoded by the browser', () => {
  const { images } = report;
  assert.deepEqual(images.shape, [2, 2, 3, 3]);
  assert.deepEqual(images.labels, [0, 1]);
  assert.deepEqual(images.colours, [[255, 0, 0], [0, 0, 255]]);
  assert.deepEqual(images.fetched, [[255, 0, 0], [0, 0, 255]]);
});

test('tables are read from files and object URLs', () => {
  const rows = [{ x: 1, y: 'a\nb' }, { x: 2, y: 'c' }];
  assert.deepEqual(report.tables, [rows, rows]);
});
