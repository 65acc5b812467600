import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as tf from '../dist/index.js';

const throws = (f, code, text) => assert.throws(f, (e) => e.code === code && text.test(e.message));

test('einsum takes an ellipsis, diagonals and any number of operands', () => {
  const x = tf.range(0, 12).reshape([2, 2, 3]);
  const y = tf.range(0, 6).reshape([3, 2]);
  assert.deepEqual(tf.einsum('...ij,jk->...ik', x, y).arraySync(), x.matMul(tf.stack([y, y])).arraySync());
  assert.equal(tf.einsum('ii->', tf.tensor2d([[1, NaN], [Infinity, 2]])).dataSync()[0], 3);
  assert.deepEqual(tf.einsum('i,j,k->kji', [1, 2], [3], [4, 5]).arraySync(), [[[12, 24]], [[15, 30]]]);
  throws(() => tf.einsum('ij,jk', y, y), 'argument', /Equations without an arrow are not supported/);
  throws(() => tf.einsum('...i->i', y), 'argument', /expected an output with the '...' of its operands/);
  throws(() => tf.einsum('ij,jk->ik', y, y), 'shape', /dimension 2 at axis 0 of input shaped \[3,2\], received 3/);
});

test('einsum and rearrangements of complex numbers', () => {
  const a = tf.complex([[1, 2]], [[3, -1]]);
  const b = tf.complex([[2], [0]], [[1], [1]]);
  const values = (t) => Array.from(t.dataSync());
  assert.deepEqual(values(tf.einsum('ij,jk->ik', a, b)), values(tf.matMul(a, b)));
  assert.deepEqual(values(tf.matMul(a, b, true, true)), values(tf.matMul(b, a).transpose()));
  assert.deepEqual(values(tf.matMul(a, a, false, true)), values(tf.matMul(a, a.transpose())));
  assert.deepEqual(values(tf.einsum('ij,k->jik', a, tf.tensor1d([2]))), [2, 6, 4, -2]);
  assert.deepEqual(values(tf.mirrorPad(a, [[0, 0], [1, 0]], 'reflect')), [2, -1, 1, 3, 2, -1]);
  assert.deepEqual(values(tf.diag(tf.complex([1, 2], [3, 4]))), [1, 3, 0, 0, 0, 0, 2, 4]);
});

test('spaceToDepth undoes depthToSpace', () => {
  const x = tf.range(0, 48).reshape([1, 2, 3, 8]);
  assert.deepEqual(tf.spaceToDepth(tf.depthToSpace(x, 2), 2).arraySync(), x.arraySync());
  const first = x.transpose([0, 3, 1, 2]);
  assert.deepEqual(tf.spaceToDepth(tf.depthToSpace(first, 2, 'NCHW'), 2, 'NCHW').arraySync(), first.arraySync());
  throws(() => tf.spaceToDepth(x, 2), 'shape', /multiples of 2, received \[1,2,3,8\]/);
});

test('operations in the module leave nothing behind', () => {
  const before = tf.memory().numTensors;
  const x = tf.range(0, 9).reshape([3, 3]);
  const made = [tf.einsum('ij,kj->ik', x, x), tf.mirrorPad(x, [[1, 1], [0, 2]], 'symmetric'), tf.spaceToBatchND(x, [3], [[0, 0]]), tf.diag(x), ...tf.meshgrid([1, 2], [3])];
  tf.dispose([...made, x]);
  assert.equal(tf.memory().numTensors, before + 1, 'range');
});
