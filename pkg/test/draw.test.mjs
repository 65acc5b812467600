// browser.draw, on a stand-in for a canvas.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as tf from '../dist/index.js';

test('an image is drawn with its alpha', () => {
  globalThis.ImageData ??= class {
    constructor(data, width, height) {
      Object.assign(this, { data, width, height });
    }
  };
  let shown;
  const canvas = { getContext: () => ({ putImageData: (image) => (shown = image) }) };
  tf.browser.draw(tf.tensor3d([1, 0.5, 0, 0, 0, 1], [1, 2, 3]), canvas, { imageOptions: { alpha: 0.5 } });
  assert.deepEqual([canvas.width, canvas.height], [2, 1]);
  assert.deepEqual([...shown.data], [255, 128, 0, 128, 0, 0, 255, 128]);
  assert.throws(() => tf.browser.draw(tf.zeros([2, 2, 2]), canvas), /depth of size 1, 3 or 4 but got 2/);
  assert.throws(() => tf.browser.draw(tf.zeros([2, 2]), canvas, { contextOptions: { contextType: 'webgl' } }), /context '2d'/);
});
