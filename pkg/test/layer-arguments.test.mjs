/** What layers take and refuse as TensorFlow.js's do, and when. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as tf from '../dist/index.js';

const { layers } = tf;
const symbol = (...shape) => new tf.SymbolicTensor('float32', shape, null, [], null);

test('a layer can be applied to a symbolic tensor that no layer made, without arguments', () => {
  const y = layers.dense({ units: 3 }).apply(symbol(null, 4), null);
  assert.deepEqual(y.shape, [null, 3]);
  assert.deepEqual(layers.dense({ units: 3 }).apply(tf.ones([2, 4]), null).shape, [2, 3]);
});

test('a layer with weights refuses symbolic inputs that these do not fit', () => {
  const dense = layers.dense({ units: 3 });
  dense.apply(symbol(null, 4));
  assert.throws(() => dense.apply(symbol(null, 5)), (e) => e.code === 'shape' && e.message.includes(`Input of shape [null,5] is incompatible with layer ${dense.name}, whose 'kernel' has the shape [4,3]`));
  assert.deepEqual(dense.apply(symbol(null, 7, 4)).shape, [null, 7, 3]);
  const conv = layers.conv2d({ filters: 2, kernelSize: 3 });
  conv.apply(symbol(null, 8, 8, 3));
  assert.deepEqual(conv.apply(symbol(null, 9, 5, 3)).shape, [null, 7, 3, 2]);
  assert.deepEqual(conv.apply(symbol(null, null, null, 3)).shape, [null, null, null, 2]);
  assert.throws(() => conv.apply(symbol(null, 8, 8, 4)), /incompatible with layer/);
});

test('sizes are at least 1, and messages have the names that arguments were given by', () => {
  assert.throws(() => layers.dense({ units: 0 }), /Dense: expected a positive integer as 'units', received 0/);
  assert.throws(() => layers.conv2d({ filters: -1, kernelSize: 2 }), /positive integer as 'filters', received -1/);
  assert.throws(() => layers.embedding({ inputDim: 12.5, outputDim: 2 }), /as 'inputDim', received 12.5/);
  assert.throws(() => layers.conv2d({ filters: 1 }), /as 'kernelSize'/);
  assert.throws(() => layers.conv1d({ filters: 1 }), /Error in Conv1D: .*'kernelSize'/);
});

test('a dimension of reshape may be null', () => {
  const reshape = layers.reshape({ targetShape: [3, null] });
  assert.deepEqual(reshape.apply(symbol(null, 6)).shape, [null, 3, 2]);
  assert.deepEqual(reshape.apply(tf.ones([2, 12])).shape, [2, 3, 4]);
  assert.throws(() => reshape.apply(symbol(null, 7)), /Reshape/);
  assert.throws(() => layers.reshape({ targetShape: [null, null] }).apply(symbol(null, 6)), /Reshape/);
});

test('permute needs every axis once', () => {
  assert.deepEqual(layers.permute({ dims: [2, 1] }).apply(symbol(null, 3, 4)).shape, [null, 4, 3]);
  for (const dims of [undefined, [], 1, [1, 3], [1, 1], [0, 1], [-1, 1]]) assert.throws(() => layers.permute({ dims }), /Permute: .* 'dims'/, String(dims));
});

test('layers of several inputs refuse shapes that cannot be joined when they are connected', () => {
  const concat = layers.concatenate();
  assert.throws(() => concat.apply([symbol(2, 3, 5), symbol(2, 4, 5)]), /Concatenate: expected inputs of one shape but for axis -1, received \[2,3,5\] \[2,4,5\]/);
  assert.deepEqual(concat.apply([symbol(null, 3, 5), symbol(2, null, 4)]).shape, [null, 3, 9]);
  assert.throws(() => layers.add().apply([symbol(2, 4), symbol(2, 3)]), /Add/);
  assert.deepEqual(layers.add().apply([symbol(null, 2), symbol(4, 2)]).shape, [4, 2]);
  assert.deepEqual(layers.add().apply([symbol(4, 1), symbol(4, 3)]).shape, [4, 3]);
});

test('states to begin with must be as many as the cells have', () => {
  class Cell extends layers.RNNCell {
    static className = 'CellOfTwoStates';
    stateSize = [2, 2];
    call([x, ...states]) {
      return [x, ...states];
    }
  }
  const rnn = layers.rnn({ cell: new Cell({}) });
  const [x, h] = [tf.ones([1, 3, 2]), tf.ones([1, 2])];
  assert.deepEqual(rnn.apply(x, { initialState: [h, h] }).shape, [1, 2]);
  assert.throws(() => rnn.apply(x, { initialState: [h] }), (e) => e.code === 'argument' && /expected an initialState of 2 tensors, received 1/.test(e.message));
  const both = layers.bidirectional({ layer: layers.gru({ units: 2 }) });
  assert.throws(() => both.apply(tf.input({ shape: [3, 2] }), { initialState: [tf.input({ shape: [2] })] }), /Bidirectional: expected states of both directions, received 1/);
});

test('dropout of whole channels needs steps or images', () => {
  assert.throws(() => layers.spatialDropout1d({ rate: 0.5 }).apply(symbol(null, 3)), /SpatialDropout1D: expected an input of rank 3/);
  assert.throws(() => layers.spatialDropout2d({ rate: 0.5 }).apply(symbol(null, 3, 4)), /rank 4/);
});

test('a stateful layer says that it needs a batch size', () => {
  assert.throws(() => layers.lstm({ units: 1, stateful: true }).apply(symbol(null, 3, 2)), /LSTM: expected a known batch size/);
});

test('a single category is encoded too', () => {
  for (const outputMode of ['oneHot', 'multiHot', 'count']) assert.deepEqual(layers.categoryEncoding({ numTokens: 4, outputMode }).apply(tf.scalar(2)).arraySync(), [0, 0, 1, 0]);
});

test('an unknown size of a shape may be undefined', () => {
  assert.deepEqual(layers.dense({ units: 1 }).apply(symbol(undefined, 3)).shape, [null, 1]);
  assert.deepEqual(layers.flatten().apply(new tf.SymbolicTensor('float32', [null, , 3], null, [], null)).shape, [null, null]);
});

test('a layer that makes no mask says null', () => {
  assert.equal(layers.embedding({ inputDim: 3, outputDim: 2 }).computeMask(tf.ones([2, 3])), null);
  assert.equal(layers.simpleRNN({ units: 2 }).computeMask(tf.ones([2, 3, 4]), tf.ones([2, 3])), null);
});
