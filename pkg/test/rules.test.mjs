/** Initializers, regularizers and constraints as TensorFlow.js's users call them: by themselves. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as tf from '../dist/index.js';

const near = (x, expected) => assert.ok(tf.max(tf.abs(tf.sub(x, expected))).dataSync()[0] < 1e-5, `${x} ${tf.tensor(expected)}`);

test('an initializer makes a tensor of a shape and a dtype', () => {
  assert.deepEqual(tf.initializers.ones().apply([2, 2]).arraySync(), [[1, 1], [1, 1]]);
  const threes = tf.initializers.constant({ value: 3 }).apply([2], 'int32');
  assert.deepEqual([threes.dtype, ...threes.dataSync()], ['int32', 3, 3]);
  assert.deepEqual(tf.initializers.identity({ gain: 2 }).apply([2, 2]).arraySync(), [[2, 0], [0, 2]]);
  assert.deepEqual(tf.initializers.identity().apply([2, 3]).arraySync(), [[1, 0, 0], [0, 1, 0]]);
  assert.throws(() => tf.initializers.identity().apply([2, 2, 2]), /a matrix/);
  const drawn = tf.initializers.randomUniform({ minval: 1, maxval: 2, seed: 4 });
  const x = drawn.apply([50]);
  assert.ok(x.min().dataSync()[0] >= 1 && x.max().dataSync()[0] <= 2);
  assert.deepEqual(drawn.apply([50]).dataSync(), x.dataSync());
  const q = tf.initializers.orthogonal({ gain: 1 }).apply([3, 3]);
  near(tf.matMul(q, q, true), [[1, 0, 0], [0, 1, 0], [0, 0, 1]]);
});

test('an initializer serves a weight of a layer of one\'s own', () => {
  class Scale extends tf.layers.Layer {
    static className = 'ScaleByInitializer';
    build() {
      this.scale = this.addWeight('scale', [2], 'float32', tf.initializers.constant({ value: 4 }), tf.regularizers.l1({ l1: 1 }));
    }
    call(x) {
      return tf.mul(Array.isArray(x) ? x[0] : x, this.scale.read());
    }
  }
  assert.deepEqual(new Scale().apply(tf.ones([1, 2])).arraySync(), [[4, 4]]);
});

test('a regularizer gives the loss of a tensor, and has a gradient', () => {
  const x = tf.tensor1d([1, -2]);
  near(tf.regularizers.l1({ l1: 2 }).apply(x), 6);
  near(tf.regularizers.l2().apply(x), 0.05);
  near(tf.regularizers.l1l2({ l1: 1, l2: 2 }).apply(x), 13);
  near(tf.grad((w) => tf.regularizers.l2({ l2: 0.5 }).apply(w))(x), [1, -2]);
});

test('a constraint moves a tensor to where it may be', () => {
  const w = tf.tensor2d([[3, 0.3], [4, -0.4]]);
  near(tf.constraints.maxNorm({ maxValue: 1 }).apply(w), [[0.6, 0.3], [0.8, -0.4]]);
  near(tf.constraints.unitNorm({ axis: 0 }).apply(w), [[0.6, 0.6], [0.8, -0.8]]);
  near(tf.constraints.nonNeg().apply(w), [[3, 0.3], [4, 0]]);
  near(tf.constraints.minMaxNorm({ minValue: 1, maxValue: 2 }).apply(w), [[1.2, 0.6], [1.6, -0.8]]);
});

test('a configuration has the defaults too', () => {
  assert.deepEqual(tf.initializers.truncatedNormal({ stddev: 1 }).getConfig(), { mean: 0, stddev: 1 });
  assert.deepEqual(tf.initializers.varianceScaling({ mode: 'fanOut' }).getConfig(), { scale: 1, mode: 'fanOut', distribution: 'normal' });
  assert.deepEqual(tf.constraints.maxNorm().getConfig(), { maxValue: 2, axis: 0 });
  assert.deepEqual(tf.constraints.minMaxNorm({ rate: null }).getConfig(), { minValue: 0, maxValue: 1, rate: 1, axis: 0 });
  assert.deepEqual(tf.regularizers.l1l2({ l1: 1 }).getConfig(), { l1: 1, l2: 0.01 });
});

test('a number in the place of options is refused', () => {
  assert.throws(() => tf.regularizers.l2(0.001), (e) => e.code === 'argument' && /L2: expected an object of options, received 0.001/.test(e.message));
  assert.throws(() => tf.initializers.constant(5), /Constant: expected an object of options, received 5/);
});

test('names become the classes that Keras and TensorFlow.js read in files', () => {
  const layer = tf.layers.dense({ units: 1, inputShape: [2], kernelInitializer: 'glorotUniform', biasInitializer: 'random_normal', kernelRegularizer: 'l1l2', biasRegularizer: 'l2', kernelConstraint: 'maxNorm', biasConstraint: 'non_neg' });
  const { config } = tf.sequential({ layers: [layer] }).toJSON(null, false).config.layers[0];
  const classes = ['kernel_initializer', 'bias_initializer', 'kernel_regularizer', 'bias_regularizer', 'kernel_constraint', 'bias_constraint'].map((key) => config[key].class_name);
  assert.deepEqual(classes, ['GlorotUniform', 'RandomNormal', 'L1L2', 'L2', 'MaxNorm', 'NonNeg']);
  assert.deepEqual(config.kernel_regularizer.config, { l1: 0.01, l2: 0.01 });
});

test('ways to scale variance are written in Keras\'s words, and read in TensorFlow.js\'s', async () => {
  const layer = tf.layers.dense({ units: 1, inputShape: [2], kernelInitializer: tf.initializers.varianceScaling({ mode: 'fanAvg', distribution: 'truncatedNormal' }), biasInitializer: 'truncatedNormal' });
  const model = tf.sequential({ layers: [layer] });
  const { config } = model.toJSON(null, false).config.layers[0];
  assert.deepEqual(config.kernel_initializer, { class_name: 'VarianceScaling', config: { scale: 1, mode: 'fan_avg', distribution: 'truncated_normal' } });
  assert.equal(config.bias_initializer.class_name, 'TruncatedNormal');
  const copy = await tf.models.modelFromJSON(model.toJSON(null, false));
  assert.deepEqual(copy.layers[0].getConfig().kernelInitializer.config, { scale: 1, mode: 'fanAvg', distribution: 'truncatedNormal' });
});
