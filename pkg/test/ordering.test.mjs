// Cumulative operations, sorting, rotations, and picking and placing by index.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as tf from '../dist/index.js';

const ints = (values, shape) => tf.tensor(values, shape, 'int32');
const same = (got, want) => assert.deepEqual(got.arraySync(), want);

test('cumulative operations', () => {
  const x = tf.tensor2d([[3, 1, 4], [1, 5, 9]]);
  same(tf.cumsum(x, 1), [[3, 4, 8], [1, 6, 15]]);
  same(tf.cumsum(x), [[3, 1, 4], [4, 6, 13]]);
  same(tf.cumprod(x, -1, true, true), [[4, 4, 1], [45, 9, 1]]);
  same(tf.cummax(x, 1), [[3, 3, 4], [1, 5, 9]]);
  same(x.cummin(1, true), [[1, 1, 4], [1, 5, 9]]);
  assert.equal(tf.cummax(ints([2, 7], [2])).dtype, 'int32');
  assert.equal(tf.cumsum(tf.tensor1d([true, true])).dtype, 'int32');
  // Neither the sum of small terms nor that of large ones is lost.
  const [first, last] = tf.logCumsumExp([0, 1000]).dataSync();
  assert.deepEqual([first, last], [0, 1000]);
  assert.throws(() => tf.cummax(x, 2), /axis/);
  same(tf.grad((x) => tf.cummax(x))(tf.tensor1d([1, 3, 2, 5])), [1, 2, 0, 1]);
  same(tf.grad((x) => tf.cumprod(x))(tf.tensor1d([2, 0, 3, 0])), [1, 8, 0, 0]);
});

test('sort and argsort along any axis, NaN last, of equal elements the first first', () => {
  const x = tf.tensor1d([2, NaN, 1, 2, -Infinity]);
  same(tf.sort(x), [-Infinity, 1, 2, 2, NaN]);
  same(tf.argsort(x, 0, true), [0, 3, 2, 4, 1]);
  same(tf.sort(ints([5, -(2 ** 31), 2, 7], [2, 2]), 0, true), [[5, 7], [2, -(2 ** 31)]]);
  same(tf.sort(tf.tensor1d([true, false, true])), [0, 1, 1]);
  const long = tf.randomUniform([2, 3001], -1, 1, 'float32', 3);
  const want = long.arraySync().map((row) => row.sort((a, b) => a - b));
  same(tf.sort(long, 1), want);
});

test('roll moves strings and complex numbers, too', () => {
  same(tf.roll(tf.tensor2d([[1, 2], [3, 4]]), 1), [[4, 1], [2, 3]]);
  same(tf.roll(tf.tensor1d(['a', 'b', 'c']), -1, 0), ['b', 'c', 'a']);
  same(tf.real(tf.roll(tf.complex([1, 2, 3], [0, 0, 0]), 1, 0)), [3, 1, 2]);
  same(tf.kron([[1, 2]], [[1], [10]]), [[1, 2], [10, 20]]);
});

test('segments', () => {
  const [x, ids] = [tf.tensor2d([[1, 2], [3, 4], [5, 6]]), ints([1, 1, -1], [3])];
  same(tf.unsortedSegmentSum(x, ids, 2), [[0, 0], [4, 6]]);
  same(tf.unsortedSegmentProd(x, ids, 2), [[1, 1], [3, 8]]);
  same(tf.unsortedSegmentMax(x, ids, 2), [[-Infinity, -Infinity], [3, 4]]);
  same(tf.unsortedSegmentMin(x, ids, 2), [[Infinity, Infinity], [1, 2]]);
  same(tf.unsortedSegmentMean(x, ids, 2), [[0, 0], [2, 3]]);
});

test('placing by index vectors', () => {
  const [x, at, updates] = [tf.tensor1d([1, 2, 3]), ints([[0], [0], [2], [9]], [4, 1]), tf.tensor1d([5, 4, 7, 8])];
  same(tf.tensorScatterUpdate(x, at, updates), [4, 2, 7]);
  same(tf.scatterReduce(x, at, updates, 'sum'), [10, 2, 10]);
  same(tf.scatterReduce(x, at, updates, 'prod'), [20, 2, 21]);
  same(tf.scatterReduce(x, at, updates, 'max'), [5, 2, 7]);
  same(tf.scatterReduce(x, at, updates, 'min'), [1, 2, 3]);
  assert.throws(() => tf.scatterReduce(x, at, updates, 'median'), (e) => e.code === 'argument' && /update, sum, prod, max, min/.test(e.message));
  same(tf.grad((u) => tf.tensorScatterUpdate(x, at, u))(updates), [0, 1, 1, 0]);
  // A vector of which one number lies outside points nowhere, not into the next row.
  same(tf.gatherND([[1, 2], [3, 4]], ints([[0, 2], [1, 1]], [2, 2])), [0, 4]);
  same(tf.gatherND(tf.tensor2d([['a', 'b'], ['c', 'd']]), ints([[1, 0]], [1, 2])), ['c']);
  same(tf.sparseToDense(ints([0, 2], [2]), tf.tensor1d(['x', 'y']), [3], tf.scalar('-')), ['x', '-', 'y']);
});

test('searching and counting', () => {
  same(tf.searchSorted([[1, 2, 2, 4]], [[2, 5, 0]]), [[1, 4, 0]]);
  same(tf.upperBound([[1, 2, 2, 4]], [[2, 5, 0]]), [[3, 4, 0]]);
  same(tf.bincount(ints([1, 1, 5, -1], [4]), [], 3), [0, 2, 0]);
  same(tf.denseBincount(ints([[1, 1], [0, 2]], [2, 2]), [[2, 3], [4, 5]], 2), [[0, 5], [4, 0]]);
  same(tf.confusionMatrix(ints([0, 1, 1], [3]), ints([0, 0, 1], [3]), 2), [[1, 0], [1, 1]]);
});
