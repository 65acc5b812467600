// A GPU that is lost, as a browser tells it.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as tf from '../dist/index.js';
import { install } from './gpu.mjs';

const opened = install();
// More than is kept on the host.
const SIZE = 100_000;
const full = (value) => tf.tensor(new Float32Array(SIZE).fill(value));

test('a page whose GPU is lost goes on: on the CPU, and on the GPU anew (4396)', async () => {
  const early = full(1);
  assert.ok(await tf.setBackend('webgpu'));
  const held = full(2);
  assert.equal((await early.data())[SIZE - 1] + (await held.data())[0], 3);
  const weight = tf.variable(full(3));
  await opened[0].destroy();

  for (let i = 0; i < 2; i++) await assert.rejects(held.data(), /the GPU was lost \(unknown\), with the values it held: the driver was reset/);
  assert.ok(await tf.setBackend('cpu'));
  assert.equal(tf.getBackend(), 'cpu');
  await assert.rejects(held.data(), /the GPU was lost/);
  assert.throws(() => held.add(full(1)), /one device|the GPU was lost/);
  assert.equal(full(4).add(1).dataSync()[0], 5);
  // Weights that were kept elsewhere go on.
  weight.assign(full(6));
  assert.equal(weight.add(1).dataSync()[0], 7);

  assert.ok(await tf.setBackend('webgpu'));
  assert.equal(opened.length, 2);
  assert.equal((await weight.data())[0], 6);
  await opened[1].destroy();
  assert.ok(await tf.setBackend('webgpu'));
  assert.equal(opened.length, 3);
  assert.equal((await full(8).data())[0], 8);
  await assert.rejects(weight.data(), /the GPU was lost/);

  assert.ok(await tf.setBackend('cpu'));
  assert.equal(tf.getBackend(), 'cpu');
  tf.dispose([early, held, weight]);
});
