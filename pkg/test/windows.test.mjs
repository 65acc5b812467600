// Windows over sequences, images and volumes: groups of channels, and padding, which is counted in one way.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as tf from '../dist/index.js';

const apart = async (a, b) => (await tf.max(tf.abs(tf.sub(a, b))).data())[0];

test('convolutions in groups are those of the groups, one after the other', async () => {
  const side = (f, x, w) => tf.concat(tf.split(x, 2, -1).map((part, i) => f(part, tf.split(w, 2, -1)[i])), -1);
  const [x1, w1] = [tf.randomNormal([2, 9, 4]), tf.randomNormal([3, 2, 6])];
  const one = tf.conv1d(x1, w1, 2, 'same', 'NWC', 1, null, 2);
  assert.ok((await apart(one, side((x, w) => tf.conv1d(x, w, 2, 'same'), x1, w1))) < 1e-5);
  const [x3, w3] = [tf.randomNormal([1, 4, 5, 3, 4]), tf.randomNormal([2, 3, 2, 2, 6])];
  const three = tf.conv3d(x3, w3, 1, 'valid', 'NDHWC', 1, 2);
  assert.ok((await apart(three, side((x, w) => tf.conv3d(x, w, 1, 'valid'), x3, w3))) < 1e-5);
  assert.throws(() => tf.conv3d(x3, w3, 1, 'valid'), /depth of input \(4\) must match input depth for filter 2/);
});

test('transposed convolutions in groups are gradients of convolutions', async () => {
  const w1 = tf.randomNormal([3, 2, 6]);
  const dy1 = tf.randomNormal([2, 4, 6]);
  const dx1 = tf.grad((x) => tf.conv1d(x, w1, 2, 'same', 'NWC', 1, null, 2))(tf.zeros([2, 8, 4]), dy1);
  assert.ok((await apart(tf.conv1dTranspose(dy1, w1, [2, 8, 4], 2, 'same', 2), dx1)) < 1e-5);
  const w2 = tf.randomNormal([3, 3, 2, 6]);
  const dy2 = tf.randomNormal([1, 4, 3, 6]);
  const dx2 = tf.grad((x) => tf.conv2d(x, w2, 2, 'same'))(tf.zeros([1, 8, 6, 4]), dy2);
  assert.ok((await apart(tf.conv2dTranspose(dy2, w2, [1, 8, 6, 4], 2, 'same', null, 2), dx2)) < 1e-5);
  const w3 = tf.randomNormal([2, 2, 2, 2, 6]);
  const dy3 = tf.randomNormal([1, 2, 3, 2, 6]);
  const dx3 = tf.grad((x) => tf.conv3d(x, w3, 2, 'same', 'NDHWC', 1, 2))(tf.zeros([1, 4, 5, 4, 4]), dy3);
  assert.ok((await apart(tf.conv3dTranspose(dy3, w3, [1, 4, 5, 4, 4], 2, 'same', 2), dx3)) < 1e-5);
});

test('explicit padding and rounding of sizes go with volumes as with images', async () => {
  const x = tf.randomNormal([1, 3, 4, 5, 2]);
  const padded = tf.pad(x, [[0, 0], [1, 1], [1, 1], [1, 1], [0, 0]]);
  const w = tf.randomNormal([2, 2, 2, 2, 3]);
  assert.ok((await apart(tf.conv3d(x, w, 1, 1), tf.conv3d(padded, w, 1, 'valid'))) < 1e-5);
  const sizes = (rounding) => tf.maxPool3d(x, 2, 2, 0, rounding).shape.slice(1, 4);
  assert.deepEqual(sizes('floor'), [1, 2, 2]);
  assert.deepEqual(sizes('ceil'), [2, 2, 3]);
  const message = /pad must be an integer when using dimRoundingMode round but got pad same/;
  assert.throws(() => tf.maxPool3d(x, 2, 2, 'same', 'round'), message);
  assert.throws(() => tf.maxPool(tf.zeros([1, 3, 3, 1]), 2, 2, 'same', 'round'), message);
});

test('operations on volumes give back what they take on the way', () => {
  const x = tf.randomNormal([1, 3, 4, 5, 2]);
  const w = tf.randomNormal([2, 2, 2, 2, 3]);
  const images = tf.randomNormal([1, 4, 5, 6]);
  const before = tf.memory().numTensors;
  tf.conv3d(x, w, 1, 'same').dispose();
  tf.avgPool3d(x, 2, 1, 'same').dispose();
  tf.pool(images, 2, 'max', 'same', 2).dispose();
  tf.localResponseNormalization(images).dispose();
  assert.equal(tf.memory().numTensors, before);
});
