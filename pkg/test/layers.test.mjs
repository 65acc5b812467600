import assert from 'node:assert/strict';
import { mkdtemp, readFile, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import * as tf from '../dist/index.js';

const blobs = (n) => {
  const x = tf.randomNormal([n, 2], 0, 0.4, 'float32', 1);
  const classes = tf.range(0, n, 1, 'int32').mod(tf.scalar(3, 'int32')).toInt();
  const centres = tf.tensor2d([[0, 2], [2, -1], [-2, -1]]);
  return { x: x.add(tf.gather(centres, classes)), y: tf.oneHot(classes, 3).toFloat() };
};

const mlp = () => {
  const model = tf.sequential({
    layers: [
      tf.layers.dense({ inputShape: [2], units: 12, activation: 'relu', kernelInitializer: tf.initializers.heNormal({ seed: 1 }) }),
      tf.layers.dense({ units: 3, activation: 'softmax', kernelRegularizer: tf.regularizers.l2({ l2: 1e-4 }) }),
    ],
  });
  model.compile({ optimizer: tf.train.adam(0.05), loss: 'categoricalCrossentropy', metrics: ['accuracy'] });
  return model;
};

test('fit, evaluate and predict', async () => {
  const { x, y } = blobs(300);
  const model = mlp();
  const seen = [];
  const history = await model.fit(x, y, { epochs: 8, validationSplit: 0.2, callbacks: { onEpochEnd: (epoch, logs) => seen.push({ epoch, ...logs }) } });
  assert.equal(seen.length, 8);
  assert.ok(history.history.acc.at(-1) > 0.95 && history.history.val_acc.at(-1) > 0.95, JSON.stringify(seen.at(-1)));
  const [loss, accuracy] = model.evaluate(x, y);
  assert.ok(loss.dataSync()[0] < 0.3 && accuracy.dataSync()[0] > 0.95);
  assert.deepEqual(model.predict(x).shape, [300, 3]);
});

test('a model is the same after saving and loading, with its optimizer', async () => {
  const { x, y } = blobs(60);
  const model = mlp();
  await model.fit(x, y, { epochs: 1 });
  model.setUserDefinedMetadata({ gestures: ['a', 'b', 'c'] });
  const folder = await mkdtemp(join(tmpdir(), 'headwater-'));
  await model.save(`file://${folder}`, { includeOptimizer: true });
  const loaded = await tf.loadLayersModel(`file://${folder}/model.json`);
  assert.deepEqual(loaded.predict(x).dataSync(), model.predict(x).dataSync());
  assert.deepEqual(loaded.getUserDefinedMetadata(), { gestures: ['a', 'b', 'c'] });
  await Promise.all([model, loaded].map((m) => m.fit(x, y, { epochs: 2, shuffle: false })));
  assert.deepEqual(loaded.predict(x).dataSync(), model.predict(x).dataSync());

  await truncate(join(folder, 'weights.bin'), 100);
  await assert.rejects(tf.loadLayersModel(`file://${folder}/model.json`), (e) => e.code === 'format' && /weights.bin: expected \d+ bytes of weights, received 100/.test(e.message));
  const json = JSON.parse(await readFile(join(folder, 'model.json'), 'utf8'));
  json.modelTopology.config.layers[0].class_name = 'Wibble';
  await writeFile(join(folder, 'model.json'), JSON.stringify(json));
  await assert.rejects(tf.loadLayersModel(tf.io.fromMemory({ modelTopology: json.modelTopology })), (e) => e.code === 'unknown' && /Unknown layer: Wibble/.test(e.message));
});

test('graphs with several inputs, shared layers and submodels', () => {
  const [a, b] = [tf.input({ shape: [4] }), tf.input({ shape: [4] })];
  const shared = tf.layers.dense({ units: 3, name: 'shared' });
  const joined = tf.layers.concatenate().apply([shared.apply(a), shared.apply(b)]);
  const model = tf.model({ inputs: [a, b], outputs: tf.layers.dense({ units: 1 }).apply(joined) });
  assert.equal(model.countParams(), 15 + 7);
  assert.deepEqual(model.predict([tf.ones([2, 4]), tf.zeros([2, 4])]).shape, [2, 1]);
  const inner = tf.model({ inputs: model.inputs, outputs: joined });
  assert.deepEqual(inner.predict([tf.ones([2, 4]), tf.zeros([2, 4])]).shape, [2, 6]);
  assert.throws(() => model.predict([tf.ones([2, 5]), tf.zeros([2, 4])]), /to have shape \[null,4\] but got array with shape \[2,5\]/);
});

test('weights of layers that have one name in models within are told apart in storage', async () => {
  const dense = (units, n) => tf.layers.dense({ units, name: 'd', inputShape: [n] });
  const inner = tf.sequential({ layers: [dense(2, 2)], name: 'inner' });
  const model = tf.sequential({ layers: [inner, dense(2, 2)] });
  model.compile({ optimizer: tf.train.momentum(0.1, 0.9), loss: 'meanSquaredError' });
  const x = tf.randomNormal([4, 2]);
  await model.fit(x, x, { epochs: 1 });
  let artifacts;
  await model.save(tf.io.withSaveHandler(async (a) => ((artifacts = a), { modelArtifactsInfo: {} })), { includeOptimizer: true });
  assert.equal(new Set(artifacts.weightSpecs.map((s) => s.name)).size, artifacts.weightSpecs.length);
  const loaded = await tf.loadLayersModel(tf.io.fromMemory(artifacts));
  assert.deepEqual(loaded.predict(x).dataSync(), model.predict(x).dataSync());
  await Promise.all([model, loaded].map((m) => m.fit(x, x, { epochs: 1, shuffle: false })));
  assert.deepEqual(loaded.predict(x).dataSync(), model.predict(x).dataSync());
});

test('layers written in JavaScript', async () => {
  class Antirectifier extends tf.Layer {
    static className = 'Antirectifier';
    computeOutputShape([batch, n]) {
      return [batch, 2 * n];
    }
    call(input) {
      const x = Array.isArray(input) ? input[0] : input;
      const centred = x.sub(x.mean(1, true));
      return tf.concat([centred.relu(), centred.neg().relu()], 1);
    }
  }
  tf.serialization.registerClass(Antirectifier);
  const model = tf.sequential({ layers: [tf.layers.dense({ inputShape: [2], units: 8 }), new Antirectifier(), tf.layers.dense({ units: 3, activation: 'softmax' })] });
  model.compile({ optimizer: 'adam', loss: 'categoricalCrossentropy' });
  const { x, y } = blobs(60);
  await model.fit(x, y, { epochs: 1 });
  const again = await tf.models.modelFromJSON(model.toJSON());
  again.setWeights(model.getWeights());
  assert.deepEqual(again.predict(x).dataSync(), model.predict(x).dataSync());
});

test('batch normalisation trains with every switch, and moves its averages', async () => {
  for (const [scale, center] of [[true, true], [false, true], [true, false], [false, false]]) {
    const layer = tf.layers.batchNormalization({ scale, center, momentum: 0.5 });
    const model = tf.sequential({ layers: [tf.layers.dense({ inputShape: [2], units: 4 }), layer, tf.layers.dense({ units: 3, activation: 'softmax' })] });
    model.compile({ optimizer: 'adam', loss: 'categoricalCrossentropy' });
    const { x, y } = blobs(60);
    await model.fit(x, y, { epochs: 2 });
    const [mean] = layer.nonTrainableWeights;
    assert.ok(mean.read().abs().sum().dataSync()[0] > 0);
  }
});

test('training stops on request', async () => {
  const { x, y } = blobs(300);
  const model = mlp();
  let epochs = 0;
  await model.fit(x, y, { epochs: 50, callbacks: { onEpochEnd: () => { if (++epochs === 2) model.stopTraining = true; } } });
  assert.equal(epochs, 2);
  const stopping = tf.callbacks.earlyStopping({ monitor: 'loss', patience: 1, minDelta: 10, restoreBestWeights: true });
  assert.ok((await model.fit(x, y, { epochs: 20, callbacks: stopping })).epoch.length < 5);
  const abort = new AbortController();
  abort.abort();
  assert.equal((await model.fit(x, y, { epochs: 3, signal: abort.signal })).epoch.length, 0);
});

test('a thousand steps and a thousand predictions without tidy leave memory flat', async () => {
  const model = mlp();
  const x = tf.randomNormal([32, 2]);
  const y = tf.oneHot(tf.randomUniform([32], 0, 3, 'int32'), 3).toFloat();
  const round = async () => {
    for (let i = 0; i < 500; i++) {
      await model.trainOnBatch(x, y);
      const p = model.predict(x);
      await p.data();
      // The result is the caller's; what predict made on the way is not.
      p.dispose();
    }
    return tf.memory();
  };
  const first = await round();
  const second = await round();
  assert.equal(second.numTensors, first.numTensors);
  assert.equal(second.numBytes, first.numBytes);
  assert.equal(second.wasmBytes, first.wasmBytes);
  assert.equal(second.engineBytes, first.engineBytes);
});

const line = () => tf.sequential({ layers: [tf.layers.dense({ inputShape: [2], units: 1 })] });

test('a disposed layer says so, and the engine goes on', () => {
  const model = line();
  const x = tf.ones([1, 2]);
  model.predict(x).dispose();
  model.dispose();
  assert.throws(() => model.predict(x), (e) => e.code === 'disposed' && /Layer 'dense_Dense\d+' is already disposed/.test(e.message));
  assert.deepEqual(tf.layers.dense({ units: 2 }).call(x, {}).shape, [1, 2]);
});

test('losses and metrics of several outputs', async () => {
  const input = tf.input({ shape: [2] });
  const outputs = ['a', 'b'].map((name) => tf.layers.dense({ units: 1, name, kernelInitializer: 'zeros' }).apply(input));
  const model = tf.model({ inputs: input, outputs });
  model.compile({ optimizer: tf.train.sgd(0), loss: ['meanSquaredError', 'meanAbsoluteError'], metrics: { b: 'mse' } });
  assert.deepEqual(model.metricsNames, ['loss', 'a_loss', 'b_loss', 'b_mse']);
  const [x, a, b] = [tf.ones([4, 2]), tf.fill([4, 1], 2), tf.fill([4, 1], 3)];
  assert.deepEqual(model.evaluate(x, [a, b]).map((t) => t.dataSync()[0]), [7, 4, 3, 9]);
  const { history } = await model.fit(x, [a, b], { batchSize: 2 });
  assert.deepEqual(history, { loss: [7], a_loss: [4], b_loss: [3], b_mse: [9] });
  await assert.rejects(model.fit(x, [a, b], { classWeight: { 0: 1 } }), /has 2 outputs: classWeight must be a list of as many/);
});

test('every way to write onBatchEnd receives the loss; one that throws leaves nothing behind', async () => {
  const model = line();
  model.compile({ optimizer: 'sgd', loss: 'meanSquaredError' });
  const [x, y] = [tf.ones([4, 2]), tf.ones([4, 1])];
  const seen = [];
  await model.fit(x, y, { callbacks: { onBatchEnd: (batch, logs = {}) => { seen.push(logs.loss); } } });
  await model.fit(x, y, { callbacks: { onBatchEnd: (...args) => { seen.push(args[1].loss); } } });
  assert.ok(seen.length === 2 && seen.every(Number.isFinite), String(seen));
  const before = tf.memory().numTensors;
  const failing = { onBatchEnd: () => { throw new Error('stop here'); } };
  await assert.rejects(model.fit(x, y, { batchSize: 2, callbacks: failing }), /stop here/);
  assert.equal(tf.memory().numTensors, before);
  await model.fit(x, y);
});

test('class weights', async () => {
  const model = line();
  model.compile({ optimizer: tf.train.sgd(0), loss: 'meanSquaredError' });
  model.setWeights([tf.zeros([2, 1]), tf.zeros([1])]);
  const [x, y] = [tf.ones([3, 2]), tf.tensor2d([[0], [1], [2]])];
  const { history } = await model.fit(x, y, { classWeight: { 0: 2, 1: 10, 2: 0.5 } });
  assert.deepEqual(history.loss, [4]);
  await assert.rejects(model.fit(x, y, { classWeight: { 1: 10 } }), /must contain all classes in the training data\. The class 0 exists/);
});

test('samples and losses have weights, in training, in what is held out and in evaluation', async () => {
  const make = (lossWeights) => {
    const x = tf.input({ shape: [1] });
    const out = () => tf.layers.dense({ units: 1, useBias: false, kernelInitializer: 'zeros' }).apply(x);
    const model = tf.model({ inputs: x, outputs: [out(), out()] });
    model.compile({ optimizer: tf.train.sgd(0), loss: 'meanSquaredError', lossWeights });
    return model;
  };
  const [x, a, b] = [tf.ones([4, 1]), tf.tensor2d([[1], [2], [3], [4]]), tf.ones([4, 1])];
  const weight = tf.tensor1d([1, 0, 0, 0.5]);
  // Of the outputs' losses (1 + 8) / 4 and 1.5 / 4, the second counts double.
  const model = make([1, 2]);
  const losses = model.evaluate(x, [a, b], { sampleWeight: weight }).map((t) => t.dataSync()[0]);
  assert.deepEqual(losses, [3, 2.25, 0.375]);
  const own = model.evaluate(x, [a, b], { sampleWeight: [weight, tf.zeros([4])] }).map((t) => t.dataSync()[0]);
  assert.deepEqual(own, [2.25, 2.25, 0]);
  const { history } = await model.fit(x, [a, b], { sampleWeight: weight, validationSplit: 0.5, batchSize: 2, shuffle: false, verbose: 0 });
  assert.equal(history.loss[0], 0.5 + 2 * 0.5);
  assert.equal(history.val_loss[0], 4 + 2 * 0.25);
  assert.throws(() => model.evaluate(x, [a, b], { sampleWeight: tf.ones([3]) }), /sampleWeight must have shape \[4\].*got \[3\]/);
  // The gradient is weighed, too.
  const line = tf.sequential({ layers: [tf.layers.dense({ units: 1, inputShape: [1], useBias: false, kernelInitializer: 'zeros' })] });
  line.compile({ optimizer: tf.train.sgd(0.5), loss: 'meanSquaredError' });
  await line.fit(tf.ones([2, 1]), tf.tensor2d([[1], [9]]), { sampleWeight: tf.tensor1d([1, 0]), verbose: 0 });
  assert.equal(line.getWeights()[0].dataSync()[0], 0.5);
});

test('a shape of one dimension may be a number', () => {
  const states = tf.input({ shape: 3, name: 'states' });
  assert.deepEqual([states.shape, tf.layers.inputLayer({ inputShape: 4, batchSize: 2 }).batchInputShape], [[null, 3], [2, 4]]);
  const model = tf.sequential({ layers: [tf.layers.dense({ units: 2, inputShape: 5 })] });
  assert.deepEqual([model.inputs[0].shape, model.predict(tf.ones([1, 5])).shape], [[null, 5], [1, 2]]);
  assert.throws(() => tf.layers.inputLayer({}), /either a `batchInputShape` or an `inputShape`/);
});
