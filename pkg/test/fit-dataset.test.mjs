import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as tf from '../dist/index.js';

const SAMPLES = 70;
const points = Array.from({ length: SAMPLES }, (_, i) => ({ xs: [Math.sin(i), Math.cos(3 * i)], ys: [Math.sin(i) - 2 * Math.cos(3 * i) + 0.5] }));
const dataset = () => tf.data.array(points).batch(16);
const tensors = () => [tf.tensor2d(points.map(({ xs }) => xs)), tf.tensor2d(points.map(({ ys }) => ys))];

const line = (args = {}) => {
  const model = tf.sequential({ layers: [tf.layers.dense({ inputShape: [2], units: 1, kernelInitializer: 'zeros' })] });
  model.compile({ optimizer: tf.train.sgd(0.1), loss: 'meanSquaredError', metrics: ['meanAbsoluteError'], ...args });
  return model;
};
const weightsOf = (model) => model.getWeights().map((w) => Array.from(w.dataSync()));

/** Runs `f` with console.warn collected. */
async function warned(f) {
  const messages = [];
  const { warn } = console;
  console.warn = (text) => messages.push(text);
  try {
    await f();
  } finally {
    console.warn = warn;
  }
  return messages;
}

test('fitDataset trains as fit does on the same batches, and evaluates as evaluate does', async () => {
  const [x, y] = tensors();
  const [a, b] = [line(), line()];
  const whole = await a.fit(x, y, { epochs: 5, batchSize: 16, shuffle: false, validationData: [x, y] });
  const before = tf.memory().numTensors;
  const streamed = await b.fitDataset(dataset(), { epochs: 5, validationData: dataset() });
  assert.equal(tf.memory().numTensors, before);
  assert.deepEqual(streamed.epoch, [0, 1, 2, 3, 4]);
  assert.deepEqual(weightsOf(b), weightsOf(a));
  assert.deepEqual(Object.keys(streamed.history), ['loss', 'meanAbsoluteError', 'val_loss', 'val_meanAbsoluteError']);
  for (const [name, values] of Object.entries(whole.history)) values.forEach((v, i) => assert.ok(Math.abs(v - streamed.history[name][i]) < 1e-6, name));
  assert.ok(streamed.history.loss.at(-1) < streamed.history.loss[0] / 3);
  const close = (p, q) => p.forEach((t, i) => assert.ok(Math.abs(t.dataSync()[0] - q[i]) < 1e-6));
  const expected = a.evaluate(x, y).map((t) => t.dataSync()[0]);
  close(await b.evaluateDataset(dataset()), expected);
  const numbers = await b.testOnBatch(x, y);
  numbers.forEach((v, i) => assert.ok(Math.abs(v - expected[i]) < 1e-6));
  assert.deepEqual(weightsOf(b), weightsOf(a));
  assert.deepEqual(b.predictOnBatch(x).dataSync(), b.predict(x).dataSync());
});

test('batchesPerEpoch goes on where the epoch before ended, and warns where there is no more', async () => {
  const seen = [];
  const numbered = (n) => tf.data.array(Array.from({ length: n }, (_, i) => i)).map((i) => (seen.push(i), { xs: tf.ones([4, 2]), ys: tf.ones([4, 1]) }));
  const model = line();
  await model.fitDataset(numbered(6), { epochs: 3, batchesPerEpoch: 2 });
  assert.deepEqual(seen, [0, 1, 2, 3, 4, 5]);
  const before = tf.memory().numTensors;
  let history;
  const messages = await warned(async () => {
    history = await model.fitDataset(numbered(3), { epochs: 3, batchesPerEpoch: 2, validationData: dataset() });
  });
  assert.equal(history.history.loss.length, 2);
  assert.equal(history.history.val_loss.length, 1);
  assert.equal(messages.length, 2);
  assert.match(messages[0], /You provided `batchesPerEpoch` as 2, but your dataset iterator ran out of data after 1 batches; .* \(in this case, 6 batches\)/);
  // What is read ahead and not used goes too.
  await model.fitDataset(numbered(30).prefetch(4), { epochs: 2, batchesPerEpoch: 2 });
  assert.equal(tf.memory().numTensors, before);
});

test('validation: batches of a data set, or tensors in batches', async () => {
  const model = line({ optimizer: tf.train.sgd(0) });
  const far = tf.data.array([[0], [10], [20]]).map((y) => ({ xs: tf.zeros([2, 2]), ys: tf.tensor2d([y, y]) }));
  const losses = async (args) => (await model.fitDataset(dataset(), { epochs: 1, ...args })).history.val_loss;
  assert.deepEqual(await losses({ validationData: far }), [500 / 3].map(Math.fround));
  assert.deepEqual(await losses({ validationData: far, validationBatches: 2 }), [50]);
  assert.deepEqual(await losses({ validationData: [tf.zeros([3, 2]), tf.tensor2d([[0], [3], [6]])], validationBatchSize: 2 }), [15]);
  assert.equal(await losses({}), undefined);
});

test('inputs and outputs by name and in lists', async () => {
  const [a, b] = [tf.input({ shape: [1], name: 'a' }), tf.input({ shape: [1], name: 'b' })];
  const dense = (name, of) => tf.layers.dense({ units: 1, name, kernelInitializer: 'ones' }).apply(of);
  const joined = tf.layers.concatenate().apply([a, b]);
  const model = tf.model({ inputs: [a, b], outputs: [dense('sum', joined), dense('copy', b)] });
  model.compile({ optimizer: tf.train.sgd(0), loss: 'meanSquaredError' });
  const rows = tf.data.array([1, 2, 3, 4]);
  const named = rows.map((v) => ({ xs: { b: [10 * v], a: [v] }, ys: { copy: [10 * v], sum: [11 * v + 1] } })).batch(2);
  assert.deepEqual((await model.evaluateDataset(named)).map((t) => t.dataSync()[0]), [1, 1, 0]);
  assert.deepEqual((await model.fitDataset(named, { epochs: 1 })).history, { loss: [1], sum_loss: [1], copy_loss: [0] });
  const listed = rows.map((v) => ({ xs: { 0: [v], 1: [v] }, ys: { 0: [2 * v], 1: [v + 2] } })).batch(2).map(({ xs, ys }) => ({ xs: Object.values(xs), ys: Object.values(ys) }));
  assert.deepEqual((await model.evaluateDataset(listed)).map((t) => t.dataSync()[0]), [4, 0, 4]);
  const fails = (element, expected) => assert.rejects(model.evaluateDataset(rows.map(element)), expected);
  const one = () => tf.ones([2, 1]);
  const before = tf.memory().numTensors;
  await fails(() => ({ xs: { a: one() }, ys: { sum: one(), copy: one() } }), /The feature data generated by the dataset lacks the required input key 'b'\./);
  await fails(() => ({ xs: [one()], ys: [one(), one()] }), /Received an array of 1 Tensors, but expected 2 to match the input keys a,b\./);
  await fails(() => ({ xs: [one(), tf.ones([3, 1])], ys: [one(), one()] }), /Batch size mismatch: input b has 3; expected {2}2 based on input a\./);
  await fails(() => ({ x: one() }), /expected to generate objects of the form `\{xs: xVal, ys: yVal\}`/);
  await fails(() => ({ xs: [[1], [2]], ys: [one(), one()] }), /The input 'a' that the dataset generates is no tensor\. .* batch\(\)/);
  assert.equal(tf.memory().numTensors, before);
});

test('training on a data set stops, yields and fails as training on tensors does', async () => {
  const model = line();
  let batches = 0;
  let read = 0;
  const counted = dataset().map((batch) => ((read += 1), batch));
  await model.fitDataset(counted, { epochs: 9, callbacks: { onBatchEnd: () => { if (++batches === 7) model.stopTraining = true; } } });
  assert.deepEqual([batches, read], [7, 7]);
  const abort = new AbortController();
  abort.abort();
  assert.deepEqual((await model.fitDataset(dataset(), { epochs: 3, signal: abort.signal })).epoch, []);
  let yields = 0;
  await model.fitDataset(dataset(), { epochs: 2, yieldEvery: 'batch', callbacks: { onYield: () => { yields += 1; } } });
  assert.equal(yields, 10);

  const before = tf.memory().numTensors;
  const broken = dataset().concatenate(tf.data.generator(function* () {
    throw new Error('the disk is gone');
  }));
  await assert.rejects(model.fitDataset(broken, { epochs: 2 }), /the disk is gone/);
  await assert.rejects(model.fitDataset(dataset(), { epochs: 2, callbacks: { onBatchBegin: () => { throw new Error('enough'); } } }), /enough/);
  assert.equal(tf.memory().numTensors, before);
  assert.equal(model.isTraining, false);
  const first = model.fitDataset(dataset(), { epochs: 1 });
  await assert.rejects(model.fitDataset(dataset(), { epochs: 1 }), /Cannot start training because another fit\(\) call is ongoing\./);
  await first;
});

test('callbacks are told how long training will be', async () => {
  const told = [];
  class Told extends tf.Callback {
    async onTrainBegin() {
      told.push([this.params.epochs, this.params.steps]);
    }
  }
  const model = line();
  await model.fitDataset(dataset(), { epochs: 2, callbacks: new Told() });
  await model.fitDataset(dataset().filter(() => true), { epochs: 1, callbacks: new Told() });
  await model.fitDataset(dataset(), { epochs: 1, batchesPerEpoch: 3, callbacks: new Told() });
  await model.fit(...tensors(), { epochs: 3, batchSize: 32, callbacks: new Told() });
  assert.deepEqual(told, [[2, 5], [1, null], [1, 3], [3, 3]]);
});

test('class weights count in every batch', async () => {
  const model = line({ optimizer: tf.train.sgd(0), metrics: [] });
  const ds = tf.data.array([0, 1, 2]).map((c) => ({ xs: [1, 1], ys: [c] })).batch(1);
  const { history } = await model.fitDataset(ds, { epochs: 1, classWeight: { 0: 2, 1: 10, 2: 0.5 } });
  assert.deepEqual(history.loss, [4]);
  await assert.rejects(model.fitDataset(ds, { epochs: 1, classWeight: { 0: 1, 1: 1 } }), /The class 2 exists in the data but not in classWeight/);
});

test('evaluateDataset reads as many batches as it is told, also of a stream', async () => {
  const model = line({ metrics: [] });
  const ds = tf.data.array([0, 1, 2, 3]).map((c) => ({ xs: [0, 0], ys: [c] })).batch(1);
  const loss = async (of, args) => (await model.evaluateDataset(of, args)).dataSync()[0];
  assert.equal(await loss(ds, { batches: 2 }), 0.5);
  const stream = await ds.iterator();
  assert.deepEqual([await loss(stream, { batches: 2 }), await loss(stream, { batches: 2 })], [0.5, 6.5]);
  const messages = await warned(async () => assert.equal(await loss(ds, { batches: 6 }), 3.5));
  assert.match(messages[0], /Your dataset iterator ran out of data during evaluateDataset\(\)\. .* \(in this case, 6 batches\)/);
  const before = tf.memory().numTensors;
  (await model.evaluateDataset(ds)).dispose();
  assert.equal(tf.memory().numTensors, before);
  await assert.rejects(model.evaluateDataset(ds.take(0)), /a dataset without batches/);
  await assert.rejects(model.evaluateDataset(ds, { batches: 0 }), /expects `batches` to be a positive integer, but received 0/);
});

test('fitDataset refuses what it does not know', async () => {
  const model = line();
  const fails = (args, expected) => assert.rejects(model.fitDataset(dataset(), args), expected);
  await fails({}, /config\.epochs is expected to be a positive integer, but got undefined/);
  await fails(undefined, /the 2nd argument \(config\) is required/);
  await fails({ epochs: 1, batchesPerEpoch: 0.5 }, /config\.batchesPerEpoch is expected to be a positive integer if specified, but got 0\.5/);
  await fails({ epochs: 1, validationSplit: 0.2 }, /`validationSplit` is not supported by `fitDataset\(\)`/);
  await fails({ epochs: 1, validationData: dataset(), validationBatches: 0 }, /config\.validationBatches is expected not to be provided, or to be a positive integer, but got 0/);
  const raw = tf.sequential({ layers: [tf.layers.dense({ inputShape: [2], units: 1 })] });
  await assert.rejects(raw.fitDataset(dataset(), { epochs: 1 }), /You must compile a model/);
});
