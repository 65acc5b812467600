// What operations and kernels take.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as tf from '../dist/index.js';

const work = () => tf.tidy(() => tf.randomNormal([64, 64], 0, 1, 'float32', 1).matMul(tf.ones([64, 64])).relu().sum());

test('time tells how long kernels ran', async () => {
  const { kernelMs, wallMs } = await tf.time(work);
  assert.ok(kernelMs > 0 && kernelMs <= wallMs, `${kernelMs} of ${wallMs} ms`);
});

test('a trace has an event for each kernel, in order, and Chrome reads it', async () => {
  const { result, events, wallMs, toChromeTrace } = await tf.trace(work);
  assert.equal(result.shape.length, 0);
  assert.ok(events.some(({ name }) => name.includes('matMul')), JSON.stringify(events));
  assert.equal(events[0].startMs, 0);
  events.forEach(({ startMs, durationMs }, i) => {
    assert.ok(durationMs >= 0 && startMs + durationMs <= wallMs + 1);
    assert.ok(i === 0 || startMs >= events[i - 1].startMs);
  });
  const { traceEvents } = JSON.parse(toChromeTrace());
  assert.deepEqual(Object.keys(traceEvents[0]).sort(), ['cat', 'dur', 'name', 'ph', 'pid', 'tid', 'ts']);
  assert.equal(traceEvents.length, events.length);
  // Nothing is measured any more.
  tf.dispose(work());
  assert.equal((await tf.trace(() => null)).events.length, 0);
});

test('profile gives each operation its kernels', async () => {
  const { kernels } = await tf.profile(() => tf.tensor2d([[1, 2], [3, 4]]).matMul(tf.eye(2)).exp());
  const product = kernels.find(({ name }) => name === 'BatchMatMul');
  assert.match(product.extraInfo, /matMul/);
  assert.ok(product.kernelTimeMs > 0);
  const exp = kernels.find(({ name }) => name === 'Exp');
  assert.match(exp.extraInfo, /^exp$/);
});
