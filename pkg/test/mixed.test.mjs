// Mixed precision: layers and loss scales against Keras (tests/keras/mixed.json), and training.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import * as tf from '../dist/index.js';

const keras = JSON.parse(readFileSync(new URL('../../tests/keras/mixed.json', import.meta.url)));
const camel = (name) => name.replace(/_([a-z0-9])/g, (_, c) => c.toUpperCase());

function near(got, want, tolerance, what) {
  assert.equal(got.length, want.length, what);
  const size = Math.max(1, ...want.map(Math.abs));
  got.forEach((x, i) => assert.ok(Math.abs(x - want[i]) <= tolerance * size, `${what}, element ${i}: ${x} for ${want[i]}`));
}

test('layers compute in 16 bits what those of Keras do, and keep weights in 32', () => {
  const makers = { Dense: tf.layers.dense, Conv2D: tf.layers.conv2d, BatchNormalization: tf.layers.batchNormalization, LayerNormalization: tf.layers.layerNormalization };
  for (const c of keras.layers) {
    const { name, trainable, dtype, dataFormat, dilationRate, groups, ...config } = Object.fromEntries(Object.entries(c.config).map(([k, v]) => [camel(k), v]));
    const layer = makers[c.layer]({ ...config, dtype: c.policy });
    const half = c.policy.replace('mixed_', '');
    // A few units in the last place.
    const tolerance = half === 'float16' ? 2 ** -9 : 2 ** -6;
    const what = `${c.policy} ${c.layer} ${JSON.stringify(c.config)}`;
    layer.build(c.shape);
    const reset = () => layer.setWeights(c.weights.map((w) => tf.tensor(w.values, w.shape)));
    reset();
    assert.equal(c.output_dtype, half);
    assert.ok(layer.weights.every((w) => w.dtype === 'float32'));
    const [x, dy] = [tf.tensor(c.x, c.shape), (y) => tf.tensor(c.dy, y.shape)];
    const y = layer.apply(x, { training: true });
    assert.equal(y.dtype, half);
    near([...y.dataSync()], c.y, tolerance, what);
    assert.deepEqual(y.dataSync(), y.cast('float32').cast(half).dataSync());
    near(layer.nonTrainableWeights.flatMap((w) => [...w.read().dataSync()]), c.after.flat(), tolerance, `${what} averages`);
    reset();
    const loss = (x) => {
      const y = layer.apply(x, { training: true }).cast('float32');
      return y.mul(dy(y)).sum();
    };
    const dx = tf.grad(loss)(x);
    assert.equal(dx.dtype, 'float32');
    near([...dx.dataSync()], c.dx, 4 * tolerance, `${what} dx`);
    const { grads } = tf.variableGrads(() => loss(x), layer.trainableWeights.map((w) => w.variable));
    layer.trainableWeights.forEach((w, i) => near([...grads[w.variable.name].dataSync()], c.gradients[i], 4 * tolerance, `${what} ${w.name}`));
  }
});

const value = (scalar) => scalar.dataSync()[0];

test('a loss scale skips, halves and doubles as that of Keras', () => {
  const makers = {
    SGD: ({ learningRate, momentum, ...more }) => (momentum ? tf.train.momentum(learningRate, momentum, false, more) : tf.train.sgd(learningRate, more)),
    Adam: ({ learningRate, epsilon, ...more }) => tf.train.adam(learningRate, undefined, undefined, epsilon, more),
    Adamax: ({ learningRate }) => tf.train.adamax(learningRate),
    Nadam: ({ learningRate, ...more }) => tf.train.nadam(learningRate, more),
    RMSprop: ({ learningRate }) => tf.train.rmsprop(learningRate),
    Lamb: ({ learningRate, ...more }) => tf.train.lamb(learningRate, more),
    Ftrl: ({ learningRate }) => tf.train.ftrl(learningRate),
  };
  const rate = ({ name, ...args }) => tf.train.schedules.exponentialDecay(Object.fromEntries(Object.entries(args).map(([k, v]) => [camel(k), v])));
  const names = (config) => Object.fromEntries(Object.entries(config).map(([k, v]) => [camel(k), k === 'learning_rate' && typeof v === 'object' ? rate(v) : v]));
  for (const run of keras.runs) {
    const optimizer = tf.mixedPrecision.lossScaled(makers[run.optimizer](names(run.config)), names(run.scale));
    const variables = run.start.map((values, i) => tf.variable(tf.tensor(values, keras.shapes[i])));
    run.steps.forEach((step, at) => {
      const { lossScale } = optimizer;
      const gradients = step.gradients.map((values, i) => {
        const [where, bad] = step.bad ?? [];
        return tf.tensor(where === i ? values.map((v, j) => (j === 1 ? Number(bad.replace('inf', 'Infinity')) : v)) : values, keras.shapes[i]);
      });
      tf.tidy(() => optimizer.applyGradients(Object.fromEntries(gradients.map((g, i) => [variables[i].name, g]))));
      const what = `${run.optimizer} ${JSON.stringify(run.config)} step ${at}`;
      variables.forEach((v, i) => near([...v.dataSync()], step.weights[i], 1e-5, what));
      assert.equal(value(lossScale.scale), step.scale, what);
      assert.equal(optimizer.iterations, step.iterations, what);
    });
    optimizer.finalizeVariableValues();
    variables.forEach((v, i) => near([...v.dataSync()], run.final[i], 1e-5, `${run.optimizer} ${JSON.stringify(run.config)} in the end`));
    assert.equal(value(optimizer.lossScale.skipped), run.steps.filter(({ bad }) => bad !== null).length);
    optimizer.dispose();
  }
});

const x = tf.randomNormal([256, 4], 0, 1, 'float32', 1);
const labels = tf.tidy(() => tf.oneHot(x.slice([0, 0], [-1, 1]).mul(x.slice([0, 1], [-1, 1])).greater(0).reshape([-1]).toInt(), 2));

async function trained(policy, args = {}) {
  tf.setSeed(3);
  tf.mixedPrecision.setGlobalPolicy(policy);
  try {
    const model = tf.sequential({
      layers: [
        tf.layers.dense({ inputShape: [4], units: 32, activation: 'relu' }),
        tf.layers.batchNormalization(),
        tf.layers.dense({ units: 16, activation: 'relu' }),
        tf.layers.dense({ units: 2, activation: 'softmax', ...args.last }),
      ],
    });
    model.compile({ optimizer: tf.train.adam(0.01), loss: 'categoricalCrossentropy', metrics: ['accuracy'] });
    args.before?.(model);
    const history = await model.fit(x, labels, { epochs: args.epochs ?? 30 });
    return { model, history: history.history, accuracy: history.history.acc.at(-1) };
  } finally {
    tf.mixedPrecision.setGlobalPolicy('float32');
  }
}

test('a model of mixed precision reaches the accuracy of float32', async () => {
  const plain = await trained('float32');
  assert.equal(plain.model.optimizer.lossScale, null);
  for (const policy of ['mixed_float16', 'mixed_bfloat16']) {
    const { model, accuracy } = await trained(policy);
    assert.ok(accuracy > 0.93 && accuracy >= plain.accuracy - 0.02, `${policy}: ${accuracy}, float32: ${plain.accuracy}`);
    assert.equal(model.predict(x).dtype, policy.replace('mixed_', ''));
    assert.equal(model.optimizer.lossScale !== null, policy === 'mixed_float16');
    assert.ok(model.weights.every((w) => w.dtype === 'float32'));
    assert.equal(model.layers[0].computeDtype, policy.replace('mixed_', ''));
  }
  // A last layer of float32, as Keras advises.
  const { model } = await trained('mixed_float16', { last: { dtype: 'float32' }, epochs: 1 });
  assert.equal(model.predict(x).dtype, 'float32');
});

test('an overflow halves the scale and skips the step', async () => {
  const seen = [];
  const huge = (model) => {
    tf.mixedPrecision.lossScaled(model.optimizer, { initialScale: 2 ** 30 });
    const before = model.getWeights(true).map((w) => [...w.dataSync()]);
    model.trainOnBatch(x, labels);
    seen.push(before, model.getWeights(true).map((w) => [...w.dataSync()]));
    assert.equal(value(model.optimizer.lossScale.scale), 2 ** 29);
  };
  const { model, history } = await trained('mixed_float16', { before: huge });
  assert.deepEqual(seen[0], seen[1]);
  assert.ok(history.loss.every(Number.isFinite) && history.acc.at(-1) > 0.92, String(history.acc));
  const scale = value(model.optimizer.lossScale.scale);
  assert.ok(scale < 2 ** 29 && scale > 2 ** 8, String(scale));
  // Terminating on NaN leaves skipped steps alone.
  const { model: other } = await trained('mixed_float16', { epochs: 1 });
  tf.mixedPrecision.lossScaled(other.optimizer, { initialScale: 2 ** 30 });
  await other.fit(x, labels, { epochs: 1, callbacks: tf.callbacks.terminateOnNaN() });
  assert.equal(other.stopTraining, false);
});

test('skipped steps count neither in iterations nor for schedules', async () => {
  const rates = [];
  const schedule = (step) => 0.01 / (1 + step);
  const model = tf.sequential({ layers: [tf.layers.dense({ inputShape: [4], units: 2, activation: 'softmax', dtype: 'mixed_float16' })] });
  const optimizer = tf.mixedPrecision.lossScaled(tf.train.adam(schedule), { initialScale: 2 ** 24 });
  model.compile({ optimizer, loss: 'categoricalCrossentropy' });
  await model.fit(x, labels, { epochs: 3, callbacks: { onBatchEnd: () => void rates.push(optimizer.learningRate) } });
  const skipped = value(optimizer.lossScale.skipped);
  assert.ok(skipped > 2, String(skipped));
  assert.equal(optimizer.iterations, rates.length - skipped);
  let made = 0;
  for (const rate of rates) {
    if (rate !== schedule(made)) made += 1;
    assert.equal(rate, schedule(made));
  }
  assert.equal(made, optimizer.iterations);
  // The number is stored as Keras stores it, and goes on from there.
  const kept = await optimizer.getWeights();
  assert.equal(value(kept.find(({ name }) => name === 'iter').tensor), optimizer.iterations);
  const other = tf.mixedPrecision.lossScaled(tf.train.adam(schedule));
  await other.setWeights(kept);
  assert.deepEqual([other.iterations, other.learningRate, value(other.lossScale.skipped)], [optimizer.iterations, optimizer.learningRate, skipped]);
  tf.dispose(kept.filter(({ tensor }) => !tensor.kept).map(({ tensor }) => tensor));
  optimizer.dispose();
  other.dispose();
});

test('training in mixed precision leaves no tensors behind, and goes on from storage', async () => {
  const { model } = await trained('mixed_float16', { epochs: 1 });
  const before = tf.memory().numTensors;
  await model.fit(x, labels, { epochs: 2 });
  tf.dispose(model.predict(x));
  assert.ok(tf.memory().numTensors <= before, `${tf.memory().numTensors} after ${before}`);
  let artifacts;
  await model.save(tf.io.withSaveHandler(async (given) => ((artifacts = given), { modelArtifactsInfo: { dateSaved: new Date(0), modelTopologyType: 'JSON' } })), { includeOptimizer: true });
  const loaded = await tf.loadLayersModel(tf.io.fromMemory(artifacts));
  assert.deepEqual(loaded.layers.map((l) => l.computeDtype), model.layers.map((l) => l.computeDtype));
  assert.equal(value(loaded.optimizer.lossScale.scale), value(model.optimizer.lossScale.scale));
  for (const m of [model, loaded]) await m.fit(x, labels, { epochs: 1, shuffle: false });
  assert.deepEqual(loaded.getWeights().map((w) => w.dataSync()), model.getWeights().map((w) => w.dataSync()));
  assert.throws(() => tf.mixedPrecision.setGlobalPolicy('float17'), /setGlobalPolicy needs one of float32, mixed_float16, mixed_bfloat16, but got float17/);
  assert.throws(() => tf.mixedPrecision.lossScaled(tf.train.sgd(1), { initialScale: 0 }), /initialScale above 0, but got 0/);
});

test('weights of layers of one\'s own are read in 16 bits, other layers compute in all of theirs', () => {
  class Scale extends tf.layers.Layer {
    static className = 'Scale';
    build() {
      this.scale = this.addWeight('scale', [1], 'float32', tf.initializers.constant({ value: 0.1 }));
      super.build();
    }
    call(inputs) {
      this.seen = [inputs.dtype, this.scale.read().dtype];
      return inputs.mul(this.scale.read());
    }
  }
  const layer = new Scale({ dtype: 'mixed_float16' });
  const y = layer.apply(tf.ones([2, 1]));
  assert.deepEqual(layer.seen, ['float16', 'float16']);
  assert.equal(y.dtype, 'float16');
  assert.equal(layer.scale.read().dtype, 'float32');
  const wide = tf.layers.dense({ units: 1, dtype: 'float32' });
  assert.equal(wide.apply(y).dtype, 'float32');
  for (const [made, input] of [
    [tf.layers.lstm({ units: 3, dtype: 'mixed_float16', stateful: true, batchInputShape: [2, 4, 3] }), [2, 4, 3]],
    [tf.layers.embedding({ inputDim: 5, outputDim: 2, dtype: 'mixed_float16' }), null],
    [tf.layers.timeDistributed({ layer: tf.layers.dense({ units: 2 }), dtype: 'mixed_bfloat16' }), [2, 4, 3]],
    [tf.layers.dropout({ rate: 0.5, dtype: 'mixed_float16' }), [2, 4, 3]],
    [tf.layers.maxPooling2d({ dtype: 'mixed_float16' }), [1, 4, 4, 2]],
    [tf.layers.rescaling({ scale: 2, dtype: 'mixed_float16' }), [2, 2]],
  ]) {
    const out = made.apply(input === null ? tf.ones([2, 3], 'int32') : tf.ones(input), { training: true });
    assert.equal(out.dtype, made.computeDtype);
    assert.notEqual(out.dtype, 'float32');
    assert.ok(made.weights.every((w) => w.dtype === 'float32'));
  }
  const sum = tf.layers.add({ dtype: 'mixed_float16' }).apply([tf.ones([2]), tf.ones([2], 'float16')]);
  assert.equal(sum.dtype, 'float16');
});
