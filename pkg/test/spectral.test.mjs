import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as tf from '../dist/index.js';

const apart = async (a, b) => (await tf.max(tf.abs(tf.sub(a, b))).data())[0];

test('transforms of several dimensions and their inverses', async () => {
  const [re, im] = [tf.randomNormal([2, 3, 4, 5]), tf.randomNormal([2, 3, 4, 5])];
  const x = tf.complex(re, im);
  for (const dims of [2, 3]) {
    const there = tf.spectral[`fft${dims}d`](x);
    assert.equal(there.dtype, 'complex64');
    const back = tf.spectral[`ifft${dims}d`](there);
    assert.ok((await apart(tf.real(back), re)) < 1e-5);
    assert.ok((await apart(tf.imag(back), im)) < 1e-5);
    // The first element is the sum.
    const sum = tf.sum(re, dims === 2 ? [2, 3] : [1, 2, 3]);
    const first = tf.slice(tf.real(there), [0, 0, 0, 0], dims === 2 ? [2, 3, 1, 1] : [2, 1, 1, 1]);
    assert.ok((await apart(tf.reshape(first, sum.shape), sum)) < 1e-4);
  }
  assert.throws(() => tf.spectral.fft2d(tf.zeros([2, 2])), /must be complex64 but got float32/);
  assert.throws(() => tf.spectral.fft2d(tf.complex([1], [2])), /Error in fft: expected a rank of at least 2/);
});

test('inverseStft gives back what stft took, of several signals', async () => {
  const x = tf.randomNormal([2, 200]);
  const frames = tf.signal.stft(x, 32, 8, null, tf.signal.hammingWindow);
  assert.deepEqual(frames.shape, [2, 22, 17]);
  const back = tf.signal.inverseStft(frames, 32, 8, null, tf.signal.hammingWindow);
  assert.deepEqual(back.shape, [2, 200]);
  assert.ok((await apart(back, x)) < 1e-5);
});

test('overlapAndAdd is the adjoint of frame', async () => {
  const x = tf.randomNormal([20]);
  const weights = tf.randomNormal([9, 4]);
  const grad = tf.grad((x) => tf.sum(tf.mul(tf.signal.frame(x, 4, 2), weights)))(x);
  assert.ok((await apart(grad, tf.signal.overlapAndAdd(weights, 2))) < 1e-6);
});
