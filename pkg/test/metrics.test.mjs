// Metrics that keep a state over batches, against Keras (tests/keras/metrics.json), and in models.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import * as tf from '../dist/index.js';

const keras = JSON.parse(readFileSync(new URL('../../tests/keras/metrics.json', import.meta.url)));
const camel = (name) => name.replace(/_([a-z0-9])/g, (_, c) => c.toUpperCase());
const camelKeys = (config) => Object.fromEntries(Object.entries(config).map(([k, v]) => [camel(k), v]));
const tensorOf = ([shape, values]) => tf.tensor(values, shape, 'float32');

function close(got, want, what, tolerance = 1e-5) {
  assert.equal(got.length, want.length, what);
  got.forEach((x, i) => assert.ok(Math.abs(x - want[i]) <= tolerance * Math.max(1, Math.abs(want[i])), `${what}: element ${i}: ${x} for ${want[i]}`));
}

test('metrics follow those of Keras, and leave nothing behind', () => {
  const before = tf.memory().numTensors;
  for (const { class: name, config, data, weight, results } of keras.cases) {
    const metric = new tf.metrics[name](camelKeys(config));
    const { truth, predicted } = keras.batches[data];
    tf.tidy(() => {
      results.forEach(([shape, want], i) => {
        const w = weight === undefined ? undefined : tensorOf(keras.weights[data][weight][i]);
        const [t, y] = [tensorOf(truth[i]), tensorOf(predicted[i])];
        if (name === 'Mean' || name === 'Sum') metric.updateState(y, w);
        else metric.updateState(t, y, w);
        const got = metric.result();
        assert.deepEqual(got.shape, shape);
        close([...got.dataSync()], want, `${name} ${JSON.stringify(config)} ${data} batch ${i}`);
      });
      // Another of the same configuration goes on where this one is.
      const again = new tf.metrics[name](metric.getConfig());
      assert.deepEqual(again.getConfig(), metric.getConfig());
      again.setState(metric.getState());
      close([...again.result().dataSync()], results.at(-1)[1], name);
      again[Symbol.dispose]();
      metric.resetState();
      assert.equal(metric.result().dataSync()[0], 0);
    });
    metric.dispose();
  }
  assert.equal(tf.memory().numTensors, before);
});

test('configurations are those of Keras', () => {
  for (const { class: name, config, stored } of keras.cases) {
    const got = new tf.metrics[name](camelKeys(config)).getConfig();
    for (const [key, value] of Object.entries(stored)) {
      if (key === 'name') {
        // Keras numbers the names of a class's objects.
        assert.equal(value.replace(/_\d+$/, ''), got.name.replace(/_\d+$/, ''));
      } else if (camel(key) in got && name !== 'BinaryIoU' && key !== 'thresholds' && key !== 'num_thresholds') {
        assert.deepEqual(got[camel(key)], value, `${name} ${key}`);
      }
    }
  }
});

test('tf.metrics has functions, factories and classes', () => {
  const [t, y] = [tf.tensor1d([1, 0, 1]), tf.tensor1d([0.9, 0.8, 0.2])];
  assert.equal(tf.metrics.precision(t, y).dataSync()[0], 0.5);
  const metric = tf.metrics.precision({ thresholds: 0.85 });
  metric.updateState(t, y);
  assert.equal(metric.result().dataSync()[0], 1);
  assert.ok(metric instanceof tf.metrics.Precision && metric instanceof tf.metrics.Metric);
  assert.equal(metric.getClassName(), 'Precision');
  assert.equal(tf.metrics.Precision.className, 'Precision');
  for (const name of ['auc', 'klDivergence', 'f1Score', 'meanSquaredError', 'rootMeanSquaredError']) assert.ok(tf.metrics[name]() instanceof tf.metrics.Metric, name);
  assert.ok(tf.metrics.meanIoU({ numClasses: 2 }) instanceof tf.metrics.MeanIoU);
  close([...tf.metrics.r2Score(tf.tensor1d([1, 2, 3]), tf.tensor1d([1, 2, 2])).dataSync()], [0.5], 'r2Score');
  // Plain arrays, weights, and names of the user's.
  const mean = new tf.metrics.Mean({ name: 'mine' });
  mean.updateState([1, 3, 5, 7], [1, 1, 0, 0]);
  assert.equal(mean.result().dataSync()[0], 2);
  assert.equal(mean.name, 'mine');
  const wrapped = new tf.metrics.MeanMetricWrapper({ fn: (a, b) => a.sub(b).abs(), name: 'distance' });
  wrapped.updateState([1, 2], [1, 4]);
  assert.equal(wrapped.result().dataSync()[0], 1);
  assert.throws(() => tf.metrics.auc({ curve: 'XYZ' }), /one of \[ROC, PR, PRGAIN\]/);
  assert.throws(() => tf.metrics.auc({ tresholds: [0.5] }), /keys among/);
  assert.throws(() => new tf.metrics.MeanIoU({}), /num_classes/);
});

/** Lets tensors go that earlier tests left to the garbage collector. */
async function settled() {
  for (let i = 0; i < 5; i++) {
    globalThis.gc?.();
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

/** Where predictions are inputs: what a metric says of a model is what it says of the inputs. */
function passing(outputs, args) {
  const inputs = Array.from({ length: outputs }, (_, i) => tf.input({ shape: [1], name: `x${i}` }));
  const layers = inputs.map((x, i) => tf.layers.dense({ units: 1, useBias: false, kernelInitializer: 'ones', name: `y${i}` }).apply(x));
  const model = tf.model({ inputs, outputs: layers });
  // Without a learning rate, the model stays as it is.
  model.compile({ optimizer: tf.train.sgd(0), loss: 'meanSquaredError', ...args });
  return model;
}
const column = (values) => tf.tensor2d(values, [values.length, 1]);
const TRUTH = [0, 1, 1, 0, 1, 0, 1];
const SCORES = [0.1, 0.9, 0.3, 0.6, 0.7, 0.8, 0.2];

/** What an object says of everything at once. */
function whole(metric, truth = TRUTH, scores = SCORES, weight) {
  metric.updateState(column(truth), column(scores), weight && tf.tensor1d(weight));
  return metric.result().dataSync()[0];
}

test('an epoch has the value over all its samples, and fit, evaluate and their forms for data sets agree', async () => {
  const auc = tf.metrics.auc({ curve: 'PR' });
  const model = passing(1, { metrics: ['mse', 'precision', auc, 'f1_score', tf.metrics.Recall] });
  assert.deepEqual(model.metricsNames, ['loss', 'mse', 'precision', 'auc', 'f1_score', 'recall']);
  const [x, y] = [column(SCORES), column(TRUTH)];
  const want = [whole(tf.metrics.auc({ curve: 'PR' })), whole(tf.metrics.precision()), whole(tf.metrics.recall())];
  const fitted = await model.fit(x, y, { epochs: 3, batchSize: 2, shuffle: true, validationData: [x, y] });
  for (let epoch = 0; epoch < 3; epoch++) {
    const names = ['auc', 'precision', 'recall'];
    close(names.map((name) => fitted.history[name][epoch]), want, `epoch ${epoch}`);
    close(names.map((name) => fitted.history[`val_${name}`][epoch]), want, `validation ${epoch}`);
  }
  const evaluated = model.evaluate(x, y, { batchSize: 3 }).map((v) => v.dataSync()[0]);
  close([evaluated[3], evaluated[2], evaluated[5]], want, 'evaluate');
  // The object itself has what was measured last.
  close([...auc.result().dataSync()], [want[0]], 'object');
  const batches = () => tf.data.zip({ xs: tf.data.array(SCORES.map((s) => [s])), ys: tf.data.array(TRUTH.map((t) => [t])) }).batch(2);
  const ofDataset = await model.fitDataset(batches(), { epochs: 2, validationData: batches() });
  close([ofDataset.history.auc[1], ofDataset.history.precision[1], ofDataset.history.recall[1]], want, 'fitDataset');
  close([ofDataset.history.val_auc[1]], [want[0]], 'fitDataset validation');
  const values = await Promise.all((await model.evaluateDataset(batches())).map(async (v) => (await v.data())[0]));
  close([values[3], values[2], values[5]], want, 'evaluateDataset');
  // One batch alone, whatever came before.
  const once = await model.trainOnBatch(x, y);
  close([once[3], once[2], once[5]], want, 'trainOnBatch');
  close(await model.trainOnBatch(x, y), once, 'trainOnBatch again');
  close(await model.testOnBatch(x, y), once, 'testOnBatch');
});

test('logs of batches say what was measured since the epoch began', async () => {
  const seen = [];
  const model = passing(1, { metrics: [tf.metrics.truePositives({ name: 'hits' })] });
  const epochs = [];
  await model.fit(column(SCORES), column(TRUTH), {
    epochs: 2,
    batchSize: 3,
    shuffle: false,
    callbacks: { onBatchEnd: (_, logs) => void seen.push(logs.hits), onEpochEnd: (_, logs) => void epochs.push(logs.hits) },
  });
  assert.deepEqual(seen, [1, 2, 2, 1, 2, 2]);
  assert.deepEqual(epochs, [2, 2]);
});

test('evaluating between the steps of an epoch does not change what it measures', async () => {
  const model = passing(1, { metrics: [tf.metrics.truePositives({ name: 'hits' })] });
  const [x, y] = [column(SCORES), column(TRUTH)];
  const aside = [];
  await settled();
  const before = tf.memory().numTensors;
  const { history } = await model.fit(x, y, {
    batchSize: 3,
    callbacks: {
      onBatchEnd: async () => {
        const [loss, hits] = model.evaluate(x, y);
        aside.push(hits.dataSync()[0]);
        tf.dispose([loss, hits]);
        tf.dispose(await model.evaluateDataset(tf.data.array([{ xs: [0.9], ys: [1] }]).batch(1)));
      },
    },
  });
  assert.deepEqual([aside, history.hits], [[2, 2, 2], [2]]);
  model.measures.reset();
  await settled();
  assert.equal(tf.memory().numTensors, before);
});

test('several outputs have metrics of their own', async () => {
  const [x, y] = [[column(SCORES), column([...SCORES].reverse())], [column(TRUTH), column(TRUTH)]];
  const truth = [whole(tf.metrics.auc()), whole(tf.metrics.auc(), TRUTH, [...SCORES].reverse())];
  assert.notEqual(truth[0], truth[1]);
  const check = async (metrics, names) => {
    const model = passing(2, { metrics });
    assert.deepEqual(model.metricsNames.slice(3), names);
    const { history } = await model.fit(x, y, { batchSize: 2 });
    const of = { y0: truth[0], y1: truth[1] };
    for (const name of names.filter((n) => n.endsWith('auc'))) close(history[name], [of[name.slice(0, 2)]], name);
    const evaluated = model.evaluate(x, y).map((v) => v.dataSync()[0]);
    names.forEach((name, i) => close([evaluated[3 + i]], history[name], `${name} evaluated`, 1e-4));
  };
  await check([[tf.metrics.auc()], ['mse']], ['y0_auc', 'y1_mse']);
  await check({ y1: [tf.metrics.auc(), 'mae'] }, ['y1_auc', 'y1_mae']);
  await check({ y0: tf.metrics.auc(), y1: 'auc' }, ['y0_auc', 'y1_auc']);
  // One object in a list for all outputs: each has its own.
  await check([tf.metrics.auc()], ['y0_auc', 'y1_auc']);
  await check(['mse', tf.metrics.auc(), 'auc'], ['y0_mse', 'y0_auc', 'y0_auc_1', 'y1_mse', 'y1_auc', 'y1_auc_1']);
});

test('weighted metrics count samples and classes by their weights, the others do not', async () => {
  const weights = [1, 0, 2, 1, 0.5, 0, 3];
  const model = passing(1, { metrics: ['mse', tf.metrics.recall()], weightedMetrics: ['mse', 'recall', tf.metrics.auc()] });
  assert.deepEqual(model.metricsNames, ['loss', 'mse', 'recall', 'weighted_mse', 'weighted_recall', 'auc']);
  const [x, y] = [column(SCORES), column(TRUTH)];
  const of = (metric, weight) => whole(metric, TRUTH, SCORES, weight);
  const want = (weight) => [of(tf.metrics.meanSquaredError()), of(tf.metrics.recall()), of(tf.metrics.meanSquaredError(), weight), of(tf.metrics.recall(), weight), of(tf.metrics.auc(), weight)];
  const names = model.metricsNames.slice(1);
  const { history } = await model.fit(x, y, { batchSize: 2, sampleWeight: tf.tensor1d(weights) });
  close(names.map((n) => history[n][0]), want(weights), 'sampleWeight');
  const evaluated = model.evaluate(x, y, { batchSize: 4, sampleWeight: tf.tensor1d(weights) }).map((v) => v.dataSync()[0]);
  close(evaluated.slice(1), want(weights), 'evaluate');
  const ofClasses = await model.fit(x, y, { batchSize: 2, classWeight: { 0: 0.5, 1: 3 } });
  close(names.map((n) => ofClasses.history[n][0]), want(TRUTH.map((t) => (t ? 3 : 0.5))), 'classWeight');
  close(model.evaluate(x, y).map((v) => v.dataSync()[0]).slice(1), want(undefined), 'without weights');
});

test('steps that are masked do not count', async () => {
  const model = tf.sequential({ layers: [tf.layers.masking({ maskValue: -1, inputShape: [3, 1] }), tf.layers.timeDistributed({ layer: tf.layers.dense({ units: 1, useBias: false, kernelInitializer: 'ones' }) })] });
  model.compile({ optimizer: tf.train.sgd(0), loss: 'meanSquaredError', metrics: [tf.metrics.binaryAccuracy({}), tf.metrics.truePositives()] });
  const x = tf.tensor3d([[[0.9], [0.8], [-1]], [[0.7], [-1], [-1]], [[0.2], [0.3], [0.9]]]);
  const y = tf.tensor3d([[[1], [0], [1]], [[1], [1], [1]], [[1], [0], [1]]]);
  const { history } = await model.fit(x, y, { batchSize: 2 });
  close([history.binary_accuracy[0], history.true_positives[0]], [4 / 6, 3], 'of six steps');
});

class Largest extends tf.metrics.Metric {
  static className = 'Largest';
  constructor({ scale = 1, ...args } = {}) {
    super(args);
    this.scale = scale;
    this.most = this.addVariable(tf.scalar(0));
  }
  updateState(yTrue, yPred) {
    this.most.assign(tf.maximum(this.most, tf.mul(yPred.max(), this.scale)));
  }
  result() {
    return this.most.clone();
  }
  getConfig() {
    return { ...super.getConfig(), scale: this.scale };
  }
}
tf.serialization.registerClass(Largest);

test('a metric written in JavaScript', async () => {
  const model = passing(1, { metrics: [new Largest({ scale: 2 }), Largest] });
  assert.deepEqual(model.metricsNames, ['loss', 'largest', 'largest_1']);
  const { history } = await model.fit(column(SCORES), column(TRUTH), { epochs: 2, batchSize: 2 });
  close(history.largest, [1.8, 1.8], 'scaled');
  close(history.largest_1, [0.9, 0.9], 'of a class');
  close([...model.evaluate(column([0.1, 0.2]), column([1, 1]))[1].dataSync()], [0.4], 'begins anew');
  // Anything with its functions serves.
  let count = 0;
  const plain = { name: 'batches', updateState: () => void count++, result: () => tf.scalar(count), resetState: () => void (count = 0) };
  const counted = await passing(1, { metrics: [plain] }).fit(column(SCORES), column(TRUTH), { epochs: 2, batchSize: 2 });
  assert.deepEqual(counted.history.batches, [4, 4]);
});

test('metrics of several values', async () => {
  const model = tf.sequential({ layers: [tf.layers.dense({ units: 2, inputShape: [2], kernelInitializer: 'identity', useBias: false })] });
  model.compile({ optimizer: tf.train.sgd(0), loss: 'meanSquaredError', metrics: [tf.metrics.f1Score({ threshold: 0.5 })] });
  const [x, y] = [tf.tensor2d([[0.9, 0.2], [0.1, 0.6], [0.8, 0.4]]), tf.tensor2d([[1, 0], [1, 1], [1, 1]])];
  let text = '';
  const { history } = await model.fit(x, y, { batchSize: 2, callbacks: new tf.ProgbarLogger({ write: (t) => (text += t), interactive: false }) });
  close(history.f1_score[0], [0.8, 2 / 3], 'of each class');
  assert.match(text, /f1_score: 0\.8000 0\.6667/);
  close(model.evaluate(x, y)[1].arraySync(), [0.8, 2 / 3], 'evaluate');
  close((await model.trainOnBatch(x, y))[1], [0.8, 2 / 3], 'trainOnBatch');
});

test('metrics are stored with a model', async () => {
  const model = passing(1, { metrics: ['mse', tf.metrics.auc({ curve: 'PR', numThresholds: 50 }), new Largest({ scale: 3 })], weightedMetrics: { y0: [tf.metrics.MeanSquaredError] } });
  const metrics = [tf.metrics.meanIoU({ numClasses: 2, sparseYTrue: true })];
  for (const compiled of [null, metrics]) {
    if (compiled !== null) model.compile({ optimizer: 'sgd', loss: 'meanSquaredError', metrics: compiled });
    let stored;
    await model.save(tf.io.withSaveHandler(async (artifacts) => ((stored = artifacts), { modelArtifactsInfo: {} })), { includeOptimizer: true });
    const again = await tf.loadLayersModel(tf.io.fromMemory({ ...stored, trainingConfig: JSON.parse(JSON.stringify(stored.trainingConfig)) }));
    assert.deepEqual(again.metricsNames, compiled === null ? ['loss', 'mse', 'auc', 'largest', 'mean_squared_error'] : ['loss', 'mean_io_u']);
    const of = (m) => m.evaluate(column(SCORES), column(TRUTH)).map((v) => v.dataSync()[0]);
    close(of(again), of(model), 'the same metrics');
  }
});

test('what cannot be measured is an error', () => {
  assert.throws(() => passing(1, { metrics: ['wibble'] }), /Unknown metric: 'wibble'/);
  const model = passing(1, { metrics: ['r2_score', tf.metrics.meanIoU({ numClasses: 2 })] });
  assert.throws(() => model.evaluate(column(SCORES), tf.tensor1d(TRUTH)), /expected y0 to have shape/);
});

test('training with metrics holds no more and no more memory', async () => {
  const n = 96;
  const truth = tf.tensor2d(Array.from({ length: n }, (_, i) => [i % 3 === 0 ? 1 : 0]));
  const x = tf.tensor2d(Array.from({ length: n }, (_, i) => [(i % 7) / 7, (i % 5) / 5]));
  const model = tf.sequential({ layers: [tf.layers.dense({ units: 1, activation: 'sigmoid', inputShape: [2] })] });
  const compile = () => model.compile({ optimizer: tf.train.sgd(0.1), loss: 'binaryCrossentropy', metrics: ['accuracy', 'auc', 'recall'], weightedMetrics: ['f1_score'] });
  compile();
  await settled();
  const used = [];
  for (let i = 0; i < 6; i++) {
    await model.fit(x, truth, { epochs: 5, batchSize: 8, validationSplit: 0.25 });
    // Names make objects of their own, which go with what was compiled before.
    compile();
    await settled();
    const { numTensors, numDataBuffers, engineBytes } = tf.memory();
    used.push([numTensors, numDataBuffers, engineBytes].join());
  }
  assert.deepEqual(new Set(used.slice(1)).size, 1, used.join(' | '));
  const before = tf.memory().numTensors;
  const metric = tf.metrics.auc();
  metric.updateState(TRUTH, SCORES);
  assert.ok(tf.memory().numTensors > before);
  tf.disposeVariables();
  assert.equal(metric.variables[0].isDisposed, false);
  metric.dispose();
});

test('a step does not wait for its metrics', async () => {
  // Between the steps of an epoch nothing is read, and no value is computed that nobody asks for.
  const results = [];
  class Counting extends tf.metrics.Metric {
    static className = 'Counting';
    updateState() {}
    result() {
      results.push(1);
      return tf.scalar(1);
    }
  }
  const model = passing(1, { metrics: [new Counting()] });
  await model.fit(column(SCORES), column(TRUTH), { epochs: 3, batchSize: 1 });
  assert.equal(results.length, 3);
});

test('early stopping knows of which metrics more is better', async () => {
  for (const [metric, values, best] of [['auc', [0.5, 0.7, 0.6], 1], ['mse', [0.5, 0.7, 0.6], 0], ['f1_score', [0.1, 0.3, 0.2], 1], ['mean_io_u', [0.4, 0.2, 0.1], 0], ['false_positives', [3, 1, 2], 1]]) {
    const stopping = tf.callbacks.earlyStopping({ monitor: `val_${metric}`, patience: 1 });
    const model = { stopTraining: false };
    stopping.setModel(model);
    let epoch = 0;
    for (; epoch < values.length && !model.stopTraining; epoch++) await stopping.onEpochEnd(epoch, { [`val_${metric}`]: values[epoch] });
    assert.equal(epoch - 2, best, metric);
  }
});
