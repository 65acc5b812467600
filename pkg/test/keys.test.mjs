/** Every key that a layer's factory takes in TensorFlow.js changes what the layer computes, draws or trains to. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as tf from '../dist/index.js';

const [row, steps, image, volume] = [[2, 3], [2, 4, 3], [2, 5, 6, 2], [1, 4, 5, 4, 2]];
const constraint = tf.constraints.maxNorm({ maxValue: 0.1 });
const weight = (name) => ({ [`${name}Initializer`]: tf.initializers.constant({ value: 0.3 }), [`${name}Regularizer`]: 'l2', [`${name}Constraint`]: constraint });
const bias = weight('bias');
const kernel = { ...weight('kernel'), ...bias, useBias: false, activation: 'sigmoid' };
const activity = { activityRegularizer: 'l1' };
const data = { dataFormat: 'channelsFirst' };
const conv = (n) => ({ filters: 3, kernelSize: Array(n).fill(1), strides: 2, padding: 'same', dilationRate: 2, ...data, ...kernel, ...activity });
const pool = { poolSize: 3, strides: 1, padding: 'same' };
const gates = { ...kernel, ...weight('recurrent'), units: 3, dropout: 0.5, recurrentDropout: 0.5 };
const over = { returnSequences: true, returnState: true, goBackwards: true, stateful: true };
const forget = { recurrentActivation: 'sigmoid', unitForgetBias: false };
const images = { filters: 2, kernelSize: 1, strides: 2, padding: 'same', dilationRate: 2, ...data, ...kernel, ...weight('recurrent'), ...forget, dropout: 0.5, recurrentDropout: 0.5 };
const { units: _, ...ofImages } = images;
const norm = { center: false, scale: false, epsilon: 0.5, axis: 1, ...weight('beta'), ...weight('gamma') };
const { betaConstraint: __, gammaConstraint: ___, ...layerNorm } = norm;

/** By factory: the inputs, what the layer needs, and another value for every key. */
const LAYERS = {
  elu: [[row], {}, { alpha: 0.3 }],
  reLU: [[row], {}, { maxValue: 0.2 }],
  leakyReLU: [[row], {}, { alpha: 0.9 }],
  prelu: [[image], {}, { ...weight('alpha'), sharedAxes: [1, 2] }],
  softmax: [[steps], {}, { axis: 1 }],
  thresholdedReLU: [[row], {}, { theta: 0.1 }],
  activation: [[row], { activation: 'relu' }, { activation: 'tanh' }],
  dense: [[row], { units: 2 }, { units: 4, ...kernel, ...activity }],
  dropout: [[steps], { rate: 0.5 }, { rate: 0.2, noiseShape: [2, 1, 3], seed: 3 }],
  spatialDropout1d: [[steps], { rate: 0.5 }, { rate: 0.1, seed: 3 }],
  embedding: [[[2, 4]], { inputDim: 5, outputDim: 2 }, { inputDim: 6, outputDim: 3, ...weight('embeddings'), ...activity, maskZero: true }],
  flatten: [[image], {}, data],
  permute: [[steps], { dims: [1, 2] }, { dims: [2, 1] }],
  repeatVector: [[row], { n: 2 }, { n: 3 }],
  reshape: [[steps], { targetShape: [6, 2] }, { targetShape: [12] }],
  conv1d: [[steps], { filters: 2, kernelSize: 2 }, conv(1)],
  conv2d: [[image], { filters: 2, kernelSize: 2 }, conv(2)],
  conv2dTranspose: [[image], { filters: 2, kernelSize: 2 }, conv(2)],
  conv3d: [[volume], { filters: 2, kernelSize: 2 }, conv(3)],
  conv3dTranspose: [[volume], { filters: 2, kernelSize: 2 }, conv(3)],
  cropping2D: [[image], { cropping: 1 }, { cropping: [[0, 1], [2, 1]], ...data }],
  depthwiseConv2d: [[image], { kernelSize: 2 }, { kernelSize: 1, depthMultiplier: 2, ...weight('depthwise'), ...bias, strides: 2, padding: 'same', ...data, dilationRate: 2, activation: 'tanh', useBias: false, ...activity }],
  separableConv2d: [
    [image], { filters: 2, kernelSize: 2 },
    { filters: 3, kernelSize: 1, depthMultiplier: 2, ...weight('depthwise'), ...weight('pointwise'), ...bias, strides: 2, padding: 'same', ...data, dilationRate: 2, activation: 'tanh', useBias: false, ...activity },
  ],
  upSampling2d: [[image], {}, { size: [1, 3], ...data, interpolation: 'bilinear' }],
  concatenate: [[steps, steps], {}, { axis: 1 }],
  dot: [[steps, steps], { axes: 1 }, { axes: 2, normalize: true }],
  batchNormalization: [[steps], {}, { ...norm, momentum: 0.1, movingMeanInitializer: 'ones', movingVarianceInitializer: 'zeros' }],
  layerNormalization: [[steps], {}, layerNorm],
  ...Object.fromEntries(['averagePooling1d', 'maxPooling1d'].map((name) => [name, [[steps], { poolSize: 3, strides: 2 }, { ...pool, poolSize: 2 }]])),
  ...Object.fromEntries(['averagePooling2d', 'maxPooling2d'].map((name) => [name, [[image], {}, { ...pool, ...data }]])),
  ...Object.fromEntries(['averagePooling3d', 'maxPooling3d'].map((name) => [name, [[volume], {}, { ...pool, ...data }]])),
  ...Object.fromEntries(['globalAveragePooling2d', 'globalMaxPooling2d'].map((name) => [name, [[image], {}, data]])),
  simpleRNN: [[steps], { units: 2 }, { ...gates, ...over }],
  lstm: [[steps], { units: 2 }, { ...gates, ...over, ...forget }],
  gru: [[steps], { units: 2 }, { ...gates, ...over, recurrentActivation: 'tanh', resetAfter: true }],
  convLstm2d: [[[2, 2, 4, 5, 2]], { filters: 1, kernelSize: 2 }, { ...ofImages, ...over }],
  rnn: [[steps], { cell: tf.layers.gruCell({ units: 2 }) }, { cell: tf.layers.lstmCell({ units: 2 }), ...over }],
  bidirectional: [[steps], { layer: tf.layers.gru({ units: 2 }) }, { layer: tf.layers.gru({ units: 3 }), mergeMode: 'sum' }],
  timeDistributed: [[steps], { layer: tf.layers.dense({ units: 2 }) }, { layer: tf.layers.dense({ units: 3 }) }],
  zeroPadding2d: [[image], {}, { padding: 2, ...data }],
  alphaDropout: [[steps], { rate: 0.5 }, { rate: 0.2, noiseShape: [2, 1, 3] }],
  gaussianDropout: [[row], { rate: 0.5 }, { rate: 0.2 }],
  gaussianNoise: [[row], { stddev: 0.5 }, { stddev: 0.2 }],
  masking: [[steps], {}, { maskValue: 0.25 }],
  rescaling: [[row], { scale: 2 }, { scale: 3, offset: 1 }],
  resizing: [[image], { height: 3, width: 7 }, { height: 4, width: 5, interpolation: 'nearest', cropToAspectRatio: true }],
  centerCrop: [[image], { height: 3, width: 2 }, { height: 2, width: 3 }],
  categoryEncoding: [[[2, 6]], { numTokens: 5 }, { numTokens: 6, outputMode: 'count' }],
  ...Object.fromEntries(['randomWidth', 'randomHeight'].map((name) => [name, [[image], { factor: 0.5 }, { factor: 0.9, interpolation: 'nearest', seed: 3 }]])),
};
/** Cells, run over a sequence. */
const CELLS = {
  simpleRNNCell: [[steps], { units: 2 }, gates],
  lstmCell: [[steps], { units: 2 }, { ...gates, ...forget }],
  gruCell: [[steps], { units: 2 }, { ...gates, recurrentActivation: 'tanh', resetAfter: true }],
  convLstm2dCell: [[[2, 2, 4, 5, 2]], { filters: 1, kernelSize: 2 }, ofImages],
};
/** Keys that say how TensorFlow.js computes: taken, of no effect. */
const UNFELT = { implementation: 1, unroll: true, dropoutFunc: () => null, autoVectorize: true };

const WHOLE = new Set(['embedding', 'categoryEncoding']);

/** Numbers of a shape, other ones each time; the masked value is among them. */
function draw(shape, whole) {
  const size = shape.reduce((a, b) => a * b, 1);
  const values = Array.from({ length: size }, (_, i) => (whole ? (i * 3) % 5 : i < 3 ? 0.25 : Math.sin(i * 1.7)));
  return tf.tensor(values, shape, whole ? 'int32' : 'float32');
}

/** What a layer computes in inference and in training, what it begins with, and what a step of training makes of it. */
async function observe(make, shapes, whole) {
  tf.setSeed(7);
  const layer = make();
  const inputs = shapes.map((batchShape) => tf.input({ batchShape, dtype: whole ? 'int32' : 'float32' }));
  const one = (list) => (list.length === 1 ? list[0] : list);
  const outputs = [layer.apply(one(inputs))].flat();
  const xs = shapes.map((shape) => draw(shape, whole));
  const numbers = (t) => [t.shape, ...[...t.dataSync()].map((v) => Math.fround(v).toPrecision(5))];
  const call = (training) => [layer.apply(one(xs), { training })].flat().map(numbers);
  const seen = [outputs.map((o) => o.shape), layer.weights.map((w) => numbers(w.read())), call(false), call(true), layer.computeMask(one(xs)) !== null];
  const mask = layer.supportsMasking && shapes.length === 1 && shapes[0].length === 3 ? tf.tensor2d([[1, 0, 1, 1], [1, 1, 0, 0]], [2, 4], 'bool') : null;
  if (mask !== null) seen.push(layer.computeMask(one(xs), mask) !== null);
  if (layer.weights.length > 0) {
    const model = tf.model({ inputs, outputs: outputs[0] });
    model.compile({ optimizer: tf.train.sgd(0.5), loss: 'meanSquaredError' });
    const { history } = await model.fit(one(xs), tf.zeros(layer.apply(one(xs)).shape ?? layer.apply(one(xs))[0].shape), { epochs: 1, shuffle: false });
    seen.push(history.loss[0].toPrecision(5), layer.weights.map((w) => numbers(w.read())));
  }
  return JSON.stringify(seen);
}

test('every key of every layer counts', async () => {
  const ignored = [];
  const check = async (name, shapes, base, keys, make) => {
    const of = (more) => observe(() => make({ name: 'l', ...base, ...more }), shapes, WHOLE.has(name));
    const plain = await of({});
    assert.equal(await of({}), plain, `${name} is the same each time`);
    for (const [key, value] of Object.entries(keys)) {
      // What a weight is held to is felt where it does not begin with zeros.
      const initializer = key.replace(/(Regularizer|Constraint)$/, 'Initializer');
      const before = initializer === key || keys[initializer] === undefined ? {} : { [initializer]: keys[initializer] };
      if ((await of({ ...before, [key]: value })) === (await of(initializer === key ? {} : before))) ignored.push(`${name}.${key}`);
    }
    for (const [key, value] of Object.entries(UNFELT)) if ((await of({ [key]: value })) !== plain) ignored.push(`${name}.${key} is felt`);
  };
  for (const [name, [shapes, base, keys]] of Object.entries(LAYERS)) await check(name, shapes, base, keys, tf.layers[name]);
  for (const [name, [shapes, base, keys]] of Object.entries(CELLS)) {
    await check(name, shapes, base, keys, ({ name: own, ...args }) => tf.layers.rnn({ name: own, cell: tf.layers[name](args) }));
    await check(name, shapes, base, keys, ({ name: own, ...args }) => tf.layers.rnn({ name: own, cell: tf.layers.stackedRNNCells({ cells: [tf.layers[name](args)] }) }));
  }
  assert.deepEqual(ignored, []);
});

test('every key that all layers take counts', async () => {
  const { layers } = tf;
  assert.deepEqual(layers.dense({ units: 2, inputShape: [3] }).batchInputShape, [null, 3]);
  assert.deepEqual(layers.dense({ units: 2, inputShape: [3], batchSize: 5 }).batchInputShape, [5, 3]);
  assert.deepEqual(layers.dense({ units: 2, batchInputShape: [4, 3] }).batchInputShape, [4, 3]);
  assert.deepEqual(layers.dense({ units: 2, inputDim: 3 }).batchInputShape, [null, 3]);
  assert.deepEqual(layers.embedding({ inputDim: 9, outputDim: 2, inputLength: 4, batchSize: 2 }).batchInputShape, [2, 4]);
  for (const make of [layers.simpleRNN, layers.lstm, layers.gru]) assert.deepEqual(make({ units: 2, inputDim: 3, inputLength: 5 }).batchInputShape, [null, 5, 3]);
  assert.deepEqual(layers.rnn({ cell: layers.gruCell({ units: 2 }), inputDim: 3, inputLength: 5 }).batchInputShape, [null, 5, 3]);
  assert.equal(layers.embedding({ inputDim: 9, outputDim: 2, dtype: 'int32' }).dtype, 'int32');
  assert.equal(layers.flatten({ inputDType: 'int32' }).dtype, 'int32');
  assert.equal(layers.flatten({ name: 'mine' }).name, 'mine');
  const still = layers.dense({ units: 2, trainable: false, weights: [tf.ones([3, 2]), tf.fill([2], 4)] });
  assert.deepEqual([...still.apply(tf.ones([1, 3])).dataSync()], [7, 7]);
  assert.equal(still.trainableWeights.length, 0);

  for (const config of [{ shape: [3] }, { batchShape: [4, 3] }]) assert.deepEqual(tf.input(config).shape, config.batchShape ?? [null, 3]);
  const { name, dtype } = tf.input({ shape: [3], name: 'in', dtype: 'int32' });
  assert.deepEqual([name, dtype], ['in', 'int32']);
  assert.deepEqual(layers.inputLayer({ inputShape: [3], batchSize: 2 }).batchInputShape, [2, 3]);
  assert.deepEqual(layers.inputLayer({ batchInputShape: [5, 3], name: 'i', dtype: 'bool', sparse: false }).getConfig(), { batchInputShape: [5, 3], dtype: 'bool', sparse: false, name: 'i' });
  // What a layer does not know, it does not mind, as in TensorFlow.js.
  assert.deepEqual(layers.dense({ units: 2, wibble: 3 }).apply(tf.ones([1, 3])).shape, [1, 2]);
});
