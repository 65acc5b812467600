import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as tf from '../dist/index.js';

test('an affine grid of the identity gives the image back, whatever the corners', async () => {
  const image = tf.randomNormal([2, 4, 5, 3]);
  const theta = tf.tile(tf.tensor([[[1, 0, 0], [0, 1, 0]]]), [2, 1, 1]);
  for (const alignCorners of [false, true]) {
    const grid = tf.image.affineGrid(theta, [4, 5], alignCorners);
    for (const mode of ['bilinear', 'nearest', 'bicubic']) {
      const same = tf.image.gridSample(image, grid, { mode, alignCorners });
      const apart = (await tf.max(tf.abs(tf.sub(same, image))).data())[0];
      assert.ok(apart < 1e-5, `${mode} ${alignCorners}: ${apart}`);
    }
  }
});

test('gridSample reads zeros, the border or the mirrored image outside', async () => {
  const image = tf.tensor([1, 2, 3], [1, 1, 3, 1]);
  const grid = tf.tensor([-5 / 3, 0, 5 / 3, 0], [1, 1, 2, 2]);
  const of = async (paddingMode) => [...(await tf.image.gridSample(image, grid, { paddingMode }).data())].map((v) => Math.round(v * 1e4) / 1e4);
  assert.deepEqual(await of('zeros'), [0, 0]);
  assert.deepEqual(await of('border'), [1, 3]);
  assert.deepEqual(await of('reflection'), [1.5, 2.5]);
  assert.throws(() => tf.image.gridSample(image, grid, { mode: 'cubic' }), /expected mode nearest, bilinear, bicubic, received cubic/);
  assert.throws(() => tf.image.gridSample(image, tf.zeros([2, 1, 2, 2])), /Error in gridSample: expected a grid of shape \[1, height, width, 2\]/);
});

test('gradients reach the map behind a grid', async () => {
  const image = tf.tensor([0, 1, 2, 3, 4], [1, 1, 5, 1]);
  const theta = tf.tensor([[[0.5, 0, 0], [0, 1, 0]]]);
  const loss = (t) => tf.sum(tf.image.gridSample(image, tf.image.affineGrid(t, [1, 5], true), { alignCorners: true }));
  // The image rises by 2 for each unit of x; the sum over five places moves by 10 with the shift.
  assert.deepEqual([...(await tf.grad(loss)(theta).data())].map(Math.round), [0, 0, 10, 0, 0, 0]);
});

test('resizeBicubic takes images of rank 3 and 4', async () => {
  const image = tf.ones([4, 4, 2]);
  const large = tf.image.resizeBicubic(image, [7, 9], false, true);
  assert.deepEqual(large.shape, [7, 9, 2]);
  for (const v of await large.data()) assert.ok(Math.abs(v - 1) < 1e-5);
  assert.deepEqual(tf.image.resizeBicubic(tf.ones([1, 4, 4, 2]), [2, 2]).shape, [1, 2, 2, 2]);
  assert.throws(() => tf.image.resizeBicubic(image, [2, 2], true, true), /alignCorners must be false/);
});

test('images give back what they take on the way', () => {
  const image = tf.randomUniform([1, 6, 6, 3]);
  const before = tf.memory().numTensors;
  tf.image.rotateWithOffset(image, 0.3, [1, 2, 3]).dispose();
  tf.image.cropAndResize(image, [[0, 0, 1, 1]], [0], [3, 3]).dispose();
  tf.image.transform(image, [[1, 0, 0, 0, 1, 0, 0, 0]], 'bilinear', 'reflect').dispose();
  assert.equal(tf.memory().numTensors, before);
});
