// Linear algebra by its names; what it computes is tested in Rust.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as tf from '../dist/index.js';

const { linalg } = tf;
const close = (got, want) => {
  const [a, b] = [got.dataSync(), want.dataSync()];
  assert.deepEqual(got.shape, want.shape);
  a.forEach((x, i) => assert.ok(Math.abs(x - b[i]) <= 1e-4, `${i}: ${x}, expected ${b[i]}`));
};

test('decompositions give back what they decompose', () => {
  const x = tf.randomNormal([2, 4, 3], 0, 1, 'float32', 3);
  const [u, s, v] = linalg.svd(x);
  close(u.mul(s.expandDims(1)).matMul(v, false, true), x);
  const [q, r] = linalg.qr(x, true);
  close(q.matMul(r), x);
  const a = x.matMul(x, true);
  const [values, vectors] = linalg.eigh(a);
  close(vectors.mul(values.expandDims(1)).matMul(vectors, false, true), a);
  const l = linalg.cholesky(a);
  close(l.matMul(l, false, true), a);
  close(linalg.bandPart(l, -1, 0), l);
  close(linalg.triangularSolve(l, linalg.triangularSolve(l, a), { adjoint: true }), tf.eye(3, 3, [2]));
  close(linalg.triangularSolve(l.transpose([0, 2, 1]), l, { lower: false }), linalg.inv(l.transpose([0, 2, 1])).matMul(l));
});

test('systems, inverses and determinants', () => {
  const a = tf.tensor2d([[2, 1], [1, 3]]);
  close(linalg.solve(a, [3, 4]), tf.tensor1d([1, 1]));
  close(linalg.matrixInverse(a).matMul(a), tf.eye(2));
  close(linalg.det(a), tf.scalar(5));
  const [sign, size] = linalg.slogdet(a.neg().add(tf.tensor2d([[0, 0], [0, 6]])));
  close(tf.stack([sign, size]), tf.tensor1d([-1, Math.log(7)]));
  const tall = tf.tensor2d([[1, 0], [0, 2], [0, 0]]);
  close(linalg.pinv(tall), tf.tensor2d([[1, 0, 0], [0, 0.5, 0]]));
  close(linalg.lstsq(tall, tf.tensor1d([3, 4, 5])), tf.tensor1d([3, 2]));
  assert.equal(linalg.matrixRank([[1, 2], [2, 4]]).dataSync()[0], 1);
  assert.deepEqual(linalg.diagPart([[1, 2, 3], [4, 5, 6]]).arraySync(), [1, 5]);
  assert.equal(linalg.trace([[1, 2], [3, 4]]).dataSync()[0], 5);
});

test('the gradient of a determinant', () => {
  const a = tf.tensor2d([[2, 1], [1, 3]]);
  close(tf.grad((x) => linalg.det(x))(a), tf.tensor2d([[3, -1], [-1, 2]]));
});

test('shapes that do not fit are errors; matrices without an answer are not finite', () => {
  const throws = (f, text) => assert.throws(f, (e) => e.code === 'shape' && text.test(e.message));
  throws(() => linalg.inv(tf.zeros([2, 3])), /Error in inv: expected square matrices in the last two dimensions, received \[2,3\]/);
  throws(() => linalg.svd([1, 2]), /Error in svd: expected matrices in the last two dimensions, received \[2\]/);
  throws(() => linalg.solve(tf.eye(2), tf.zeros([3, 1])), /Error in solve: expected right sides of 2 rows, received \[3,1\]/);
  assert.ok(linalg.cholesky([[-1]]).dataSync().every(Number.isNaN));
  assert.ok(!linalg.inv([[0]]).dataSync().every(Number.isFinite));
});

test('functions leave nothing behind', () => {
  const a = tf.eye(3);
  const before = tf.memory().numTensors;
  tf.dispose([linalg.svd(a), linalg.qr(a), linalg.solve(a, a), linalg.bandPart(a, 0, 0)]);
  assert.equal(tf.memory().numTensors, before);
});
