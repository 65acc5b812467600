// What code written for TensorFlow.js relies on in layers and models beyond their results.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as tf from '../dist/index.js';

const dense = (args) => tf.layers.dense({ units: 1, kernelInitializer: 'ones', ...args });

test('parameters of a layer can be read from it', () => {
  const conv = tf.layers.conv2d({ filters: 3, kernelSize: 2, strides: 2, padding: 'same', useBias: false });
  assert.deepEqual([conv.filters, conv.kernelSize, conv.strides, conv.padding, conv.useBias], [3, [2, 2], [2, 2], 'same', false]);
  assert.equal(dense().units, 1);
  assert.equal(tf.layers.lstm({ units: 7, returnSequences: true }).units, 7);
  assert.equal(tf.layers.dropout({ rate: 0.25 }).rate, 0.25);
});

test('a layer of one\'s own gets a list within a model, a tensor when it is applied to one', async () => {
  const calls = [];
  class Double extends tf.layers.Layer {
    static className = 'DoubleOfList';
    constructor(config) {
      super(config ?? {});
      this.supportsMasking = true;
    }
    call(inputs, kwargs) {
      this.invokeCallHook(inputs, kwargs);
      calls.push(Array.isArray(inputs));
      const x = Array.isArray(inputs) ? inputs[0] : inputs;
      return x.mul(2);
    }
  }
  tf.serialization.registerClass(Double);
  const layer = new Double();
  const hooked = [];
  layer.setCallHook((inputs, kwargs) => hooked.push([inputs, kwargs.training]));
  const x = tf.ones([2, 3]);
  assert.deepEqual(layer.apply(x, { training: true }).arraySync(), [[2, 2, 2], [2, 2, 2]]);
  assert.deepEqual(hooked, [[x, true]]);
  layer.clearCallHook();
  const model = tf.sequential({ layers: [dense({ inputShape: [3] }), layer] });
  assert.deepEqual(model.predict(x).arraySync(), [[6], [6]]);
  assert.deepEqual(calls, [false, true]);
  assert.equal(hooked.length, 1);
  const copy = await tf.models.modelFromJSON({ modelTopology: JSON.parse(model.toJSON()) });
  copy.setWeights(model.getWeights());
  assert.ok(copy.layers[1] instanceof Double);
  assert.deepEqual(copy.predict(x).arraySync(), [[6], [6]]);
});

test('a layer of the library tells its hook of its calls', () => {
  const layer = dense({ inputShape: [3] });
  const model = tf.sequential({ layers: [layer] });
  const seen = [];
  layer.setCallHook((inputs) => seen.push(inputs[0].shape));
  model.predict(tf.ones([2, 3]));
  assert.deepEqual(seen, [[2, 3]]);
});

test('inputs are held against inputSpec', () => {
  class Picky extends tf.layers.Layer {
    static className = 'Picky';
    constructor() {
      super({});
      this.inputSpec = [new tf.InputSpec({ minNDim: 2, axes: { [-1]: 4 } })];
    }
  }
  assert.deepEqual(new Picky().apply(tf.ones([2, 4])).shape, [2, 4]);
  assert.throws(() => new Picky().apply(tf.ones([4])), /expected min_ndim=2, found ndim=1/);
  assert.throws(() => new Picky().apply(tf.input({ shape: [3] })), /expected axis -1 of input shape to have value 4, found shape=\[null,3\]/);
  assert.throws(() => new Picky().apply([tf.ones([2, 4]), tf.ones([2, 4])]), /expects 1 inputs, but it received 2/);
});

test('the inputs and outputs of each use of a layer', () => {
  const layer = dense();
  const inputs = [tf.input({ shape: [3] }), tf.input({ shape: [3] })];
  const outputs = inputs.map((x) => layer.apply(x));
  assert.equal(layer.getInputAt(1), inputs[1]);
  assert.equal(layer.getOutputAt(0), outputs[0]);
  assert.throws(() => layer.getOutputAt(2), /only 2 inbound nodes/);
  assert.throws(() => dense().getInputAt(0), /never been called/);
});

test('a model has an input and an output, and its layers in Keras\'s order', () => {
  const [a, b] = [tf.input({ shape: [3, 5], name: 'a' }), tf.input({ shape: [4, 6], name: 'b' })];
  const [, h, c] = tf.layers.lstm({ units: 7, returnState: true, name: 'encoder' }).apply(a);
  const decoded = tf.layers.lstm({ units: 7, returnSequences: true, name: 'decoder' }).apply(b, { initialState: [h, c] });
  const model = tf.model({ inputs: [a, b], outputs: tf.layers.dense({ units: 6, name: 'dense' }).apply(decoded) });
  assert.deepEqual(model.input.map((x) => x.shape), [[null, 3, 5], [null, 4, 6]]);
  assert.deepEqual([model.output.shape, model.outputShape], [[null, 4, 6], [null, 4, 6]]);
  assert.deepEqual(model.layers.map(({ name }) => name), ['a', 'b', 'encoder', 'decoder', 'dense']);
  assert.deepEqual(model.layers[2].output.map((x) => x.shape), [[null, 7], [null, 7], [null, 7]]);
  const chain = tf.sequential({ layers: [dense({ inputShape: [3] })] });
  assert.deepEqual([chain.input.shape, chain.output.shape], [[null, 3], [null, 1]]);
});

test('a summary is the table that TensorFlow.js prints', () => {
  const lines = [];
  const print = (line) => lines.push(line);
  const chain = tf.sequential({ layers: [dense({ inputShape: [3], units: 2, name: 'a' }), dense({ name: 'b', trainable: false })] });
  chain.summary(60, undefined, print);
  assert.deepEqual(lines, [
    '_'.repeat(60),
    'Layer (type)       Input Shape      Output shape     Param #',
    '='.repeat(60),
    'a (Dense)          [[null,3]]       [null,2]         8      ',
    '_'.repeat(60),
    'b (Dense)          [[null,2]]       [null,1]         3      ',
    '='.repeat(60),
    'Total params: 11',
    'Trainable params: 8',
    'Non-trainable params: 3',
    '_'.repeat(60),
  ]);
  lines.length = 0;
  const [x, y] = [tf.input({ shape: [3], name: 'x' }), tf.input({ shape: [3], name: 'y' })];
  const sum = tf.layers.add({ name: 'sum' }).apply([x, y]);
  tf.model({ inputs: [x, y], outputs: dense({ name: 'out' }).apply(sum) }).summary(undefined, undefined, print);
  assert.match(lines[1], /^Layer \(type\) .* Receives inputs +$/);
  const at = lines.findIndex((line) => line.startsWith('sum (Add)'));
  assert.match(lines[at], /^sum \(Add\) +\[\[null,3\],\[null,3\]\] +\[null,3\] +0 +x\[0\]\[0\] +$/);
  assert.match(lines[at + 1], /^ +y\[0\]\[0\] +$/);
});

test('a weight\'s variable is its val', () => {
  const layer = dense({ inputShape: [2] });
  layer.build([null, 2]);
  const { value, grads } = tf.variableGrads(() => layer.apply(tf.ones([1, 2])).sum(), layer.trainableWeights.map((w) => w.val));
  assert.equal(value.arraySync(), 2);
  assert.deepEqual(Object.keys(grads), layer.weights.map((w) => w.val.name));
});

test('one value for each sample may be a vector, and leaves nothing behind', async () => {
  const model = tf.sequential({ layers: [dense({ inputShape: [1] })] });
  model.compile({ loss: 'meanSquaredError', optimizer: tf.train.sgd(0.1), metrics: ['mae'] });
  const [x, y] = [tf.tensor1d([1, 2, 3, 4]), tf.tensor1d([2, 4, 6, 8])];
  const run = async () => {
    tf.dispose(model.predict(x));
    tf.dispose(model.evaluate(x, y));
    await model.trainOnBatch(x, y);
    await model.testOnBatch(x, y);
    await model.fit(x, y, { validationData: [x, y], verbose: 0 });
    await model.fit(x, y, { validationSplit: 0.5, verbose: 0 });
    await model.fitDataset(tf.data.generator(function* () { yield { xs: tf.ones([2]), ys: tf.ones([2]) }; }), { epochs: 1, verbose: 0 });
  };
  assert.deepEqual(model.predict(x).shape, [4, 1]);
  const [loss] = model.evaluate(x, y);
  assert.equal(loss.arraySync(), 7.5);
  await run();
  const { numTensors } = tf.memory();
  await run();
  assert.equal(tf.memory().numTensors, numTensors);
});

test('null arguments say as little as none', async () => {
  const nothing = { inputShape: null, batchInputShape: null, name: null, weights: null, trainable: null, dtype: null };
  assert.deepEqual(dense({ ...nothing, activation: null, kernelRegularizer: null, useBias: null }).apply(tf.ones([2, 3])).arraySync(), [[3], [3]]);
  const model = tf.sequential({ layers: [dense({ inputShape: [2] })] });
  model.compile({ loss: 'meanSquaredError', optimizer: 'sgd', metrics: null });
  const [x, y] = [tf.ones([4, 2]), tf.ones([4, 1])];
  const none = { callbacks: null, validationData: null, classWeight: null, verbose: null };
  const { epoch } = await model.fit(x, y, { ...none, batchSize: null, epochs: null, validationSplit: null, sampleWeight: null, shuffle: null, yieldEvery: null, initialEpoch: null });
  assert.deepEqual(epoch, [0]);
  await model.fitDataset(tf.data.array([{ xs: [1, 2], ys: [1] }]).batch(1), { epochs: 1, ...none, batchesPerEpoch: null });
  assert.deepEqual(model.evaluate(x, y, { batchSize: null, sampleWeight: null }).shape, []);
  const lines = [];
  model.summary(null, null, (line) => lines.push(line));
  assert.match(lines.join('\n'), /Total params: 3/);
});
