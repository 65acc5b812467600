// Reading the GPU at once, by the pixels of a canvas: where a browser has none, or shows others than were drawn; and what is
// said of buffers on an engine that has none. On a GPU that is one: tests/browser/sync.test.mjs.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as tf from '../dist/index.js';
import { install } from './gpu.mjs';

const opened = install();
// More than is kept on the host, and than one canvas holds.
const SIZE = 800_000;
const words = Uint32Array.from({ length: SIZE }, (_, i) => Math.imul(i, 0x01000193));
const LATER = /The webgpu engine cannot be read synchronously here: await data\(\) instead/;

/** A canvas that shows pixels as `shown` has them. */
function canvases(shown) {
  return class {
    constructor(width, height) {
      Object.assign(this, { width, height });
    }
    getContext(kind) {
      if (kind === 'webgpu') return { configure() {}, getCurrentTexture: () => (this.pixels = new Uint8Array(this.width * this.height * 4)) };
      let seen;
      return { canvas: this, drawImage: ({ pixels }) => (seen = shown(pixels)), getImageData: () => ({ data: seen }) };
    }
    transferToImageBitmap() {
      return { pixels: this.pixels, close() {} };
    }
  };
}

/** A GPU of its own, with the canvas of a browser, while `f` runs. */
async function onGpu(canvas, f) {
  const warn = console.warn;
  const warnings = [];
  globalThis.OffscreenCanvas = canvas;
  console.warn = (line) => warnings.push(line);
  try {
    assert.ok(await tf.setBackend('webgpu'));
    const x = tf.tensor1d(words, 'uint32');
    await f(x, warnings);
    x.dispose();
  } finally {
    delete globalThis.OffscreenCanvas;
    console.warn = warn;
    await opened.at(-1).destroy();
    await tf.setBackend('cpu');
  }
}

test('what a canvas shows is what the buffer holds; a warning says once that it is slow', () =>
  onGpu(canvases((pixels) => pixels), async (x, warnings) => {
    assert.deepEqual(x.dataSync(), words);
    assert.deepEqual(x.dataSync(), words);
    assert.equal(warnings.length, 1);
    assert.match(warnings[0], /await data\(\)/);
    await opened.at(-1).destroy();
    assert.throws(() => x.dataSync(), /the GPU was lost \(unknown\)/);
  }));

for (const [what, canvas] of [
  ['has no OffscreenCanvas', undefined],
  ['has no WebGPU for it', class { getContext = () => null; }],
  ['draws nothing', canvases((pixels) => pixels.fill(0))],
  ['changes pixels', canvases((pixels) => pixels.with(40, pixels[40] ^ 1))],
]) {
  test(`where the browser ${what}, reading at once says to read later`, () =>
    onGpu(canvas, async (x, warnings) => {
      assert.throws(() => x.dataSync(), LATER);
      assert.deepEqual(await x.data(), words);
      assert.deepEqual(warnings, []);
    }));
}

test('what is drawn no more is no value', () => {
  let gone = false;
  return onGpu(canvases((pixels) => (gone ? pixels.fill(0) : pixels)), async (x) => {
    assert.deepEqual(x.dataSync(), words);
    gone = true;
    assert.throws(() => x.dataSync(), /the browser did not draw the values/);
  });
});

test('the CPU engine has no buffers of a GPU', () => {
  globalThis.GPUBuffer = class {
    size = 16;
    usage = 0x84;
  };
  const missing = (method) => new RegExp(`'${method}' not yet implemented or not found in the registry`);
  assert.throws(() => tf.tensor1d([1]).dataToGPU(), missing('readToGPU'));
  assert.throws(() => tf.tensor({ buffer: new GPUBuffer() }), missing('createTensorFromGPUData'));
  assert.throws(() => tf.tensor({ buffer: new GPUBuffer() }, [2], 'bool'), /only supports 'float32'\|'int32' dtype, while the dtype is bool/);
  assert.throws(() => tf.tensor({ buffer: [1] }), /values passed to tensor\(values\) must be/);
  assert.equal(tf.backend().device, undefined);
  delete globalThis.GPUBuffer;
});

test('a back end of the program’s own is asked for its buffers', async () => {
  class Mine extends tf.KernelBackend {
    numDataIds() {
      return 0;
    }
    readToGPU(dataId, options) {
      return { dataId, options };
    }
    dispose() {}
  }
  const x = tf.tensor1d([1]);
  tf.registerBackend('mine', () => new Mine());
  await tf.setBackend('mine');
  assert.deepEqual(x.dataToGPU({ a: 1 }), { dataId: x.dataId, options: { a: 1 } });
  await tf.setBackend('cpu');
  tf.removeBackend('mine');
});

test('util has the rest of TensorFlow.js’s', () => {
  assert.equal(tf.util.hexToLong('c3a5c85c97cb3127'), 0xc3a5c85c97cb3127n);
  const bytes = Float32Array.of(1, 2.5).buffer;
  assert.deepEqual(tf.util.convertBackendValuesAndArrayBuffer(bytes, 'float32'), Float32Array.of(1, 2.5));
  assert.deepEqual(tf.util.convertBackendValuesAndArrayBuffer(Int32Array.of(1, -2).buffer, 'int32'), Int32Array.of(1, -2));
  assert.deepEqual(tf.util.convertBackendValuesAndArrayBuffer(Int32Array.of(1, 0).buffer, 'bool'), Uint8Array.of(1, 0));
  const own = Int32Array.of(3);
  assert.equal(tf.util.convertBackendValuesAndArrayBuffer(own, 'int32'), own);
  const texts = [Uint8Array.of(104)];
  assert.equal(tf.util.convertBackendValuesAndArrayBuffer(texts, 'string'), texts);
  assert.throws(() => tf.util.convertBackendValuesAndArrayBuffer(bytes, 'complex64'), /Unknown data type complex64/);
});
