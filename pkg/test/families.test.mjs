// Layers of the whole package: what Keras computes (tests/keras), and what the JavaScript face adds to it.
import assert from 'node:assert/strict';
import { readdir, readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import * as tf from '../dist/index.js';

const folder = new URL('../../tests/keras/layers/', import.meta.url);

/** A tensor as the files have it. */
const frozen = ([dtype, shape, values]) => tf.tensor(values.map(Number), shape, dtype === 'float32' ? 'float32' : dtype === 'bool' ? 'bool' : 'int32');

/** A model of one layer, in the form in which Keras 3 stores it. */
function topology({ class: name, config, inputs }) {
  const tensor = (i) => ({ class_name: '__keras_tensor__', config: { keras_history: [`x${i}`, 0, 0] } });
  const tensors = inputs.map((_, i) => tensor(i));
  return {
    class_name: 'Functional',
    config: {
      name: 'm',
      layers: [
        ...inputs.map(([dtype, shape], i) => ({ class_name: 'InputLayer', name: `x${i}`, config: { name: `x${i}`, batch_shape: shape, dtype: dtype === 'float32' ? dtype : 'int32' }, inbound_nodes: [] })),
        { class_name: name, name: config.name, config, inbound_nodes: [{ args: tensors.length === 1 ? tensors : [tensors], kwargs: {} }] },
      ],
      input_layers: inputs.map((_, i) => [`x${i}`, 0, 0]),
      output_layers: [[config.name, 0, 0]],
    },
  };
}

test('models of one layer compute what Keras computes', async () => {
  let checked = 0;
  for (const file of (await readdir(folder)).filter((name) => name.endsWith('.gz'))) {
    const { cases } = JSON.parse(gunzipSync(await readFile(new URL(file, folder))).toString());
    for (const [i, c] of cases.entries()) {
      if (c.masks !== undefined || c.training || c.config.stateful) continue;
      const before = tf.memory().numTensors;
      const model = await tf.models.modelFromJSON(topology(c));
      const again = await tf.models.modelFromJSON(JSON.parse(model.toJSON()));
      tf.tidy(() => {
        const what = `${file} ${i} ${c.class}`;
        for (const m of [model, again]) {
          assert.equal(m.orderedWeights.length, c.weights.length, what);
          m.orderedWeights.forEach((w, k) => w.write(frozen(c.weights[k][2])));
          const inputs = c.inputs.map(frozen);
          const got = m.predict(inputs.length === 1 ? inputs[0] : inputs);
          const want = frozen(c.outputs[0]);
          assert.deepEqual(got.shape, want.shape, what);
          const size = Math.max(1, want.abs().max().dataSync()[0] ?? 1);
          assert.ok(want.size === 0 || got.sub(want).abs().max().dataSync()[0] <= 1e-5 * size, what);
        }
      });
      model.dispose();
      again.dispose();
      assert.equal(tf.memory().numTensors, before, `${file} ${i} ${c.class} leaks`);
      checked += 1;
    }
  }
  assert.ok(checked > 200, `${checked}`);
});

for (const file of ['models.json.gz', 'models2.json.gz']) {
  test(`stored models of Keras compute and are measured as there: ${file}`, async () => {
    const models = JSON.parse(gunzipSync(await readFile(new URL(`../${file}`, folder))).toString());
    for (const { name, topology: json, weights, inputs, outputs, target, losses } of models) {
      const model = await tf.models.modelFromJSON(json);
      const again = await tf.models.modelFromJSON(JSON.parse(model.toJSON()));
      for (const m of [model, again]) {
        assert.deepEqual(m.orderedWeights.map((w) => w.shape), weights.map(([, shape]) => shape), name);
        m.orderedWeights.forEach((w, k) => w.write(frozen(weights[k])));
        const x = inputs.map(frozen);
        const given = x.length === 1 ? x[0] : x;
        const got = [m.predict(given)].flat();
        assert.equal(got.length, outputs.length, name);
        got.forEach((y, i) => {
          const off = y.sub(frozen(outputs[i])).abs().max().dataSync()[0];
          assert.ok(off < 1e-5, `${name} ${i}: ${off}`);
        });
        if (target === undefined) continue;
        m.compile({ optimizer: 'sgd', loss: 'meanSquaredError', metrics: ['mae'] });
        const measured = m.evaluate(given, frozen(target)).map((t) => t.dataSync()[0]);
        measured.forEach((v, i) => assert.ok(Math.abs(v - losses[i]) < 1e-5 * Math.max(1, losses[i]), `${name}: ${measured} instead of ${losses}`));
      }
    }
  });
}

test('every factory makes the layer of its name, with the defaults of TensorFlow.js', () => {
  const { layers } = tf;
  const config = (layer) => layer.getConfig();
  assert.equal(config(layers.lstm({ units: 2 })).recurrentActivation, 'hardSigmoid');
  assert.equal(config(layers.gru({ units: 2 })).resetAfter, false);
  assert.equal(config(layers.gru({ units: 2, resetAfter: true })).resetAfter, true);
  const cell = layers.lstmCell({ units: 3, dropout: 0.1, recurrentDropout: 0.2, unitForgetBias: false, implementation: 1, useBias: true, kernelInitializer: 'zeros', recurrentConstraint: tf.constraints.maxNorm({ maxValue: 3 }) });
  const { className, config: inner } = config(layers.rnn({ cell, returnSequences: true })).cell;
  assert.equal(className, 'LSTMCell');
  assert.deepEqual([inner.units, inner.dropout, inner.recurrentDropout, inner.unitForgetBias, inner.implementation], [3, 0.1, 0.2, false, 1]);
  assert.deepEqual(inner.recurrentConstraint, { className: 'MaxNorm', config: { maxValue: 3, axis: 0 } });
  const both = layers.bidirectional({ layer: layers.gru({ units: 2, name: 'g' }), mergeMode: null });
  assert.equal(config(both).mergeMode, null);
  assert.deepEqual([config(both).layer.config.name, config(both).backwardLayer.config.goBackwards], ['forward_g', true]);
  const stack = layers.stackedRNNCells({ cells: [layers.gruCell({ units: 2 }), layers.simpleRNNCell({ units: 4 })] });
  assert.deepEqual(layers.rnn({ cell: stack, returnState: true }).apply(tf.zeros([2, 3, 5])).map((t) => t.shape), [[2, 4], [2, 2], [2, 4]]);
  assert.deepEqual(layers.simpleRNN({ units: 3, inputLength: 5, inputDim: 2 }).batchInputShape, [null, 5, 2]);
  assert.deepEqual(layers.embedding({ inputDim: 9, outputDim: 2, inputLength: 4 }).batchInputShape, [null, 4]);
  assert.throws(() => layers.rnn({ cell: layers.dense({ units: 2 }) }), /Unknown cell: 'Dense'/);
});

test('every key of initializers counts', () => {
  const values = (initializer, units = 64) => {
    const layer = tf.layers.dense({ units, useBias: false, kernelInitializer: initializer });
    layer.build([null, 64]);
    return layer.getWeights()[0];
  };
  const statistics = (initializer) => {
    const { mean, variance } = tf.moments(values(initializer));
    return [mean.dataSync()[0], Math.sqrt(variance.dataSync()[0])];
  };
  const near = (got, want, by) => assert.ok(got.every((g, i) => Math.abs(g - want[i]) <= by), `${got} instead of ${want}`);
  const init = tf.initializers;
  near(statistics(init.constant({ value: 3 })), [3, 0], 1e-6);
  near(statistics(init.randomUniform({ minval: 2, maxval: 4, seed: 1 })), [3, 2 / Math.sqrt(12)], 0.05);
  near(statistics(init.randomNormal({ mean: -1, stddev: 0.5, seed: 1 })), [-1, 0.5], 0.05);
  near(statistics(init.truncatedNormal({ mean: 1, stddev: 0.5, seed: 1 })), [1, 0.5 * 0.88], 0.05);
  near([values(init.identity({ gain: 2 })).sum().dataSync()[0]], [128], 1e-6);
  for (const [mode, fan] of [['fanIn', 64], ['fanOut', 16], ['fanAvg', 40]]) {
    for (const distribution of ['normal', 'uniform', 'truncatedNormal']) {
      const { variance } = tf.moments(values(init.varianceScaling({ scale: 3, mode, distribution, seed: 2 }), 16));
      near([Math.sqrt(variance.dataSync()[0])], [Math.sqrt(3 / fan)], 0.1 * Math.sqrt(3 / fan));
    }
  }
  const q = values(init.orthogonal({ gain: 2, seed: 3 }));
  near([q.matMul(q, true).sub(tf.eye(64).mul(4)).abs().max().dataSync()[0]], [0], 1e-4);
  const seeded = ['glorotNormal', 'glorotUniform', 'heNormal', 'heUniform', 'leCunNormal', 'leCunUniform', 'orthogonal', 'randomNormal', 'randomUniform', 'truncatedNormal', 'varianceScaling'];
  for (const name of seeded) {
    const draw = (seed) => [...values(init[name]({ seed })).dataSync()];
    assert.deepEqual(draw(1), draw(1), name);
    assert.notDeepEqual(draw(1), draw(2), name);
  }
});

test('a normalization measures data', async () => {
  const data = tf.randomNormal([200, 3], 5, 2, 'float32', 4);
  const layer = tf.layers.normalization({ axis: -1, inputShape: [3] });
  layer.adapt(data);
  const model = tf.sequential({ layers: [layer] });
  const check = (m) => {
    const { mean, variance } = tf.moments(m.predict(data), 0);
    assert.ok(mean.abs().max().dataSync()[0] < 1e-4 && variance.sub(1).abs().max().dataSync()[0] < 1e-3);
  };
  check(model);
  let artifacts;
  await model.save(tf.io.withSaveHandler(async (a) => ((artifacts = a), { modelArtifactsInfo: {} })));
  const loaded = await tf.loadLayersModel(tf.io.fromMemory(artifacts));
  check(loaded);
  assert.equal(typeof loaded.layers[0].adapt, 'function');
  assert.throws(() => tf.layers.normalization({ mean: 1, variance: 2 }).adapt(data), /given its mean/);
});

test('states are given, returned and carried on', () => {
  const ones = { kernelInitializer: 'ones', recurrentInitializer: 'ones', useBias: false, activation: 'linear' };
  const x = tf.ones([1, 2, 1]);
  const layer = tf.layers.simpleRNN({ units: 1, returnState: true, ...ones });
  const [y, state] = layer.apply(x, { initialState: [tf.tensor2d([[10]])] });
  assert.deepEqual([y.dataSync()[0], state.dataSync()[0]], [12, 12]);

  // An encoder's state begins a decoder.
  const [from, to] = [tf.input({ shape: [2, 1] }), tf.input({ shape: [null, 1] })];
  const [, carried] = tf.layers.simpleRNN({ units: 1, returnState: true, ...ones }).apply(from);
  const decoded = tf.layers.simpleRNN({ units: 1, returnSequences: true, ...ones }).apply(to, { initialState: [carried] });
  const model = tf.model({ inputs: [from, to], outputs: decoded });
  assert.deepEqual([...model.predict([x, tf.ones([1, 3, 1])]).dataSync()], [3, 4, 5]);

  // A mask as an argument: the second step does not count.
  const skipped = tf.layers.simpleRNN({ units: 1, ...ones }).apply(x, { mask: tf.tensor2d([[1, 0]], [1, 2], 'bool') });
  assert.equal(skipped.dataSync()[0], 1);
  const both = tf.layers.bidirectional({ layer: tf.layers.simpleRNN({ units: 1, ...ones }), mergeMode: 'sum' });
  assert.equal(both.apply(x, { initialState: [tf.tensor2d([[10]]), tf.tensor2d([[100]])] }).dataSync()[0], 114);

  const stateful = tf.sequential({ layers: [tf.layers.simpleRNN({ units: 1, stateful: true, batchInputShape: [1, 2, 1], ...ones })] });
  assert.equal(stateful.stateful, true);
  assert.equal(stateful.weights.length, 2);
  const read = () => stateful.predict(x).dataSync()[0];
  assert.deepEqual([read(), read()], [2, 4]);
  stateful.resetStates();
  assert.equal(read(), 2);
});

test('masks reach the layers behind, the loss and the metrics', async () => {
  const embed = () => tf.layers.embedding({ inputDim: 4, outputDim: 1, maskZero: true, embeddingsInitializer: 'ones' });
  const x = tf.tensor2d([[1, 2, 0], [3, 0, 0]], [2, 3], 'int32');
  const layer = embed();
  layer.apply(x);
  assert.deepEqual([...layer.computeMask(x).dataSync()], [1, 1, 0, 1, 0, 0]);
  const input = tf.input({ shape: [3], dtype: 'int32' });
  const sums = tf.layers.simpleRNN({ units: 1, returnSequences: true, kernelInitializer: 'ones', recurrentInitializer: 'ones', useBias: false, activation: 'linear' });
  const model = tf.model({ inputs: input, outputs: tf.layers.activation({ activation: 'linear' }).apply(sums.apply(embed().apply(input))) });
  assert.deepEqual([...model.predict(x).dataSync()], [1, 2, 2, 1, 1, 1]);
  model.compile({ optimizer: tf.train.sgd(0.1), loss: 'meanSquaredError', metrics: ['mae'] });
  // Errors of 2, 3 and 1 where the mask is; 100 elsewhere.
  const y = tf.tensor3d([[[3], [5], [102]], [[2], [101], [101]]]);
  const [loss, mae] = model.evaluate(x, y).map((t) => t.dataSync()[0]);
  assert.ok(Math.abs(loss - 14 / 3) < 1e-5 && Math.abs(mae - 2) < 1e-5, `${loss} ${mae}`);
  const history = await model.fit(x, y, { epochs: 1 });
  assert.ok(Math.abs(history.history.loss[0] - 14 / 3) < 1e-5);

  // Through a model within a model.
  const outer = tf.sequential({ layers: [tf.layers.masking({ maskValue: 5, inputShape: [3, 1] }), tf.sequential({ layers: [tf.layers.dense({ units: 1, inputShape: [3, 1], kernelInitializer: 'ones' })] })] });
  outer.compile({ optimizer: 'sgd', loss: 'meanSquaredError' });
  const masked = outer.evaluate(tf.tensor3d([[[1], [5], [2]]]), tf.tensor3d([[[0], [7], [0]]])).dataSync()[0];
  assert.ok(Math.abs(masked - 2.5) < 1e-5, `${masked}`);
});

test('losses of outputs are trained on, and a kernel is kept at its spectral norm', async () => {
  const dense = (more) => tf.layers.dense({ units: 2, kernelInitializer: 'ones', useBias: false, ...more });
  const model = tf.sequential({ layers: [dense({ inputShape: [2], activityRegularizer: tf.regularizers.l1({ l1: 0.5 }) })] });
  model.compile({ optimizer: tf.train.sgd(0), loss: 'meanSquaredError' });
  const x = tf.ones([4, 2]);
  const { history } = await model.fit(x, tf.fill([4, 2], 2), { epochs: 1 });
  // Two outputs of 2 for each sample.
  assert.ok(Math.abs(history.loss[0] - 2) < 1e-5, `${history.loss}`);
  assert.ok(Math.abs(model.evaluate(x, tf.fill([4, 2], 2)).dataSync()[0] - 2) < 1e-5);

  const spectral = tf.sequential({ layers: [tf.layers.spectralNormalization({ layer: dense(), powerIterations: 5, inputShape: [2] })] });
  spectral.compile({ optimizer: tf.train.sgd(0), loss: 'meanSquaredError' });
  await spectral.fit(x, x, { epochs: 1 });
  const kernel = spectral.layers[0].weights[0].read();
  kernel.dataSync().forEach((k) => assert.ok(Math.abs(k - 0.5) < 1e-3, `${k}`));
});

test('a recurrent classifier learns, is stored and comes back', async () => {
  // The order of samples and the dropped elements.
  tf.setSeed(2);
  const n = 96;
  const values = tf.randomUniform([n, 6, 1], -1, 1, 'float32', 3);
  const y = values.sum(1).greater(0).toFloat();
  const model = tf.sequential({
    layers: [
      tf.layers.bidirectional({ layer: tf.layers.lstm({ units: 6, returnSequences: true, kernelInitializer: tf.initializers.glorotUniform({ seed: 1 }), recurrentInitializer: tf.initializers.orthogonal({ seed: 2 }) }), inputShape: [6, 1] }),
      tf.layers.timeDistributed({ layer: tf.layers.dense({ units: 4, activation: 'tanh', kernelInitializer: tf.initializers.glorotUniform({ seed: 4 }) }) }),
      tf.layers.gru({ units: 4, dropout: 0.05, recurrentInitializer: tf.initializers.orthogonal({ seed: 5 }), kernelInitializer: tf.initializers.glorotUniform({ seed: 6 }) }),
      tf.layers.dense({ units: 1, activation: 'sigmoid', kernelInitializer: tf.initializers.glorotUniform({ seed: 7 }) }),
    ],
  });
  model.compile({ optimizer: tf.train.adam(0.03), loss: 'binaryCrossentropy', metrics: ['accuracy'] });
  const { history } = await model.fit(values, y, { epochs: 15, batchSize: 32 });
  assert.ok(history.acc.at(-1) > 0.85, `${history.acc}`);
  let artifacts;
  await model.save(tf.io.withSaveHandler(async (a) => ((artifacts = a), { modelArtifactsInfo: {} })));
  const loaded = await tf.loadLayersModel(tf.io.fromMemory(artifacts));
  assert.deepEqual(loaded.predict(values).dataSync(), model.predict(values).dataSync());
  // As Keras names them, with the cell.
  const renamed = { ...artifacts, weightSpecs: artifacts.weightSpecs.map((s) => ({ ...s, name: s.name.replace(/(forward_[^/]*|gru[^/]*)\//, '$1/lstm_cell_1/') })) };
  const again = await tf.loadLayersModel(tf.io.fromMemory(renamed));
  assert.deepEqual(again.predict(values).dataSync(), model.predict(values).dataSync());
});
