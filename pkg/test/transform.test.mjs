// Functions of functions.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as tf from '../dist/index.js';

const close = (got, want, tolerance = 1e-4) => {
  const [a, b] = [got.dataSync(), want.dataSync()];
  assert.deepEqual(got.shape, want.shape);
  a.forEach((v, i) => assert.ok(Math.abs(v - b[i]) <= tolerance * Math.max(1, Math.abs(b[i])), `${i}: ${v} against ${b[i]}`));
};

test('jvp is the Jacobian times the tangents', () => {
  const [x, w] = [tf.tensor1d([0.5, -1, 2]), tf.tensor2d([[1, 2], [3, 4], [5, 6]])];
  const v = [tf.tensor1d([1, 0, -1]), tf.zerosLike(w)];
  const before = tf.memory().numTensors;
  const { value, tangent } = tf.jvp((x, w) => tf.tanh(x.reshape([1, 3]).matMul(w)), [x, w], v);
  assert.equal(tf.memory().numTensors, before + 2);
  close(value, tf.tanh(tf.tensor2d([[7.5, 9]])));
  const slope = tf.sub(1, value.square());
  close(tangent, slope.mul(tf.tensor2d([[-4, -4]])));
  // A function that does not depend on its operand, and the errors.
  close(tf.jvp(() => tf.tensor1d([1, 2]), [x], [x]).tangent, tf.zeros([2]));
  assert.throws(() => tf.jvp((x) => x, [x], []), /expected 1 tangents, received 0/);
  assert.throws(() => tf.jvp((x) => x, [x], [w]), /expected a tangent of shape \[3\], received \[3,2\]/);
});

test('vmap does for all examples what a loop does for each', () => {
  const [x, w] = [tf.randomNormal([5, 3, 4], 0, 1, 'float32', 1), tf.randomNormal([4, 2], 0, 1, 'float32', 2)];
  const f = (x, w) => tf.softmax(x.matMul(w)).mul(x.max());
  const before = tf.memory().numTensors;
  const mapped = tf.vmap(f, [0, null], 1)(x, w);
  assert.equal(tf.memory().numTensors, before + 1);
  close(mapped, tf.stack(tf.unstack(x).map((x) => f(x, w)), 1));
  // Gradients of each example alone, and of the whole.
  const loss = (x) => x.square().sum().sqrt();
  close(tf.vmap(tf.grad(loss))(x), tf.stack(tf.unstack(x).map((x) => tf.grad(loss)(x))));
  close(tf.grad((x) => tf.vmap(loss)(x).sum())(x), tf.grad((x) => tf.addN(tf.unstack(x).map(loss)))(x));
  // Several results, and nested.
  const [largest, where] = tf.vmap((x) => [x.max(), x.argMax(-1)])(x);
  close(largest, x.max([1, 2]));
  assert.equal(where.dtype, 'int32');
  close(tf.vmap(tf.vmap((x) => x.sum()))(x), x.sum(2));
  assert.throws(() => tf.vmap((x) => tf.scalar(x.dataSync()[0]))(x), /reads no values/);
  assert.throws(() => tf.vmap((x) => x)(x, w), /expected 5 examples, received 4/);
  assert.throws(() => tf.vmap((x) => x, 3)(x), /expected an axis of shape \[5,3,4\], received 3/);
});

test('a jitted function is called once for each signature', () => {
  let calls = 0;
  const step = tf.jit((x, w) => {
    calls += 1;
    return tf.grads((x, w) => x.matMul(w).relu().sum())([x, w]);
  });
  const [x, w] = [tf.randomNormal([4, 3], 0, 1, 'float32', 1), tf.randomNormal([3, 2], 0, 1, 'float32', 2)];
  const plain = (x, w) => tf.grads((x, w) => x.matMul(w).relu().sum())([x, w]);
  const other = tf.ones([6, 3]);
  const before = tf.memory().numTensors;
  for (const by of [1, -2, 3]) {
    tf.tidy(() => {
      const [dx, dw] = step(x.mul(by), w);
      const [wx, ww] = plain(x.mul(by), w);
      close(dx, wx);
      close(dw, ww);
    });
  }
  assert.equal(calls, 1);
  tf.dispose(step(other, w));
  assert.equal(calls, 2);
  assert.equal(tf.memory().numTensors, before);
  // Under a gradient the function itself runs.
  const square = tf.jit((x) => x.square());
  close(tf.grad((x) => square(x).sum())(x), x.mul(2));
  step.dispose();
  square.dispose();
  assert.throws(() => tf.jit((x) => tf.scalar(x.dataSync()[0]))(x), /reads no values/);
});

test('checkpoints compute again and change no gradient', () => {
  const w = tf.variable(tf.randomNormal([8, 8], 0, 0.5, 'float32', 3));
  const x = tf.randomNormal([4, 8], 0, 1, 'float32', 4);
  let calls = 0;
  const block = (x) => {
    calls += 1;
    return x.matMul(w).tanh().add(x.sin());
  };
  const loss = (block) => () => block(block(x)).square().sum();
  const want = tf.variableGrads(loss(block));
  for (const keep of ['nothing', 'contractions']) {
    calls = 0;
    const before = tf.memory().numTensors;
    const got = tf.variableGrads(loss(tf.checkpoint(block, { keep })));
    assert.equal(calls, 4);
    close(got.value, want.value);
    close(got.grads[w.name], want.grads[w.name]);
    tf.dispose(got);
    assert.equal(tf.memory().numTensors, before);
  }
  // Without a gradient it is the function.
  close(tf.checkpoint(block)(x), block(x));
  // An operand that was disposed of before the gradient is still there for it.
  const gradient = tf.grad((x) => {
    const y = x.mul(2);
    const z = tf.checkpoint((y) => y.exp().sin())(y);
    y.dispose();
    return z.sum();
  })(x);
  close(gradient, tf.grad((x) => x.mul(2).exp().sin().sum())(x));
  w.dispose();
  assert.throws(() => tf.checkpoint(block, { keep: 'all' }), /received 'all'/);
});
