import assert from 'node:assert/strict';
import { mkdtemp, readFile, readdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import * as tf from '../dist/index.js';

const { callbacks } = tf;

const line = (args = {}) => {
  const model = tf.sequential({ layers: [tf.layers.dense({ inputShape: [2], units: 1, kernelInitializer: 'zeros' })] });
  model.compile({ optimizer: tf.train.sgd(0.1), loss: 'meanSquaredError', ...args });
  return model;
};
const samples = () => {
  const x = tf.randomUniform([64, 2], -1, 1, 'float32', 3);
  return [x, x.sum(1, true).add(1)];
};

/** Gives a callback one epoch after the other with these values of a quantity, until it stops; what was seen of the model. */
async function epochs(callback, values, { name = 'val_loss', see = () => {} } = {}) {
  const model = line();
  callback.setModel(model);
  await callback.onTrainBegin();
  const seen = [];
  for (const [epoch, value] of values.entries()) {
    await callback.onEpochBegin(epoch);
    await callback.onEpochEnd(epoch, { loss: 1, [name]: value });
    seen.push(see(model));
    if (model.stopTraining) break;
  }
  await callback.onTrainEnd();
  return { count: seen.length, seen, model };
}

/** What is printed and warned of while `f` runs. */
async function said(f) {
  const { log, warn } = console;
  const lines = [];
  console.log = console.warn = (text) => lines.push(text);
  try {
    await f();
  } finally {
    Object.assign(console, { log, warn });
  }
  return lines;
}

test('earlyStopping: every option counts', async () => {
  const stopsAfter = async (values, args, name) => (await epochs(callbacks.earlyStopping(args), values, { name })).count;
  const falling = [9, 8, 7, 7.5, 6, 6.5, 6.6, 1];
  assert.equal(await stopsAfter(falling), 4);
  assert.equal(await stopsAfter(falling, { patience: 2 }), 7);
  assert.equal(await stopsAfter(falling, { minDelta: 1.5 }), 2);
  assert.equal(await stopsAfter(falling, { mode: 'max' }), 2);
  assert.equal(await stopsAfter([1, 2, 3, 2], { monitor: 'val_acc' }, 'val_acc'), 4);
  assert.equal(await stopsAfter([1, 2, 3, 2], { monitor: 'val_acc', mode: 'min' }, 'val_acc'), 2);
  assert.equal(await stopsAfter(falling, { baseline: 8.5 }), 1);
  assert.equal(await stopsAfter([9, 9, 9, 8, 8, 7], { startFromEpoch: 3 }), 5);
  assert.match((await said(() => stopsAfter(falling, { verbose: 1 })))[0], /Epoch 3: early stopping\./);
  assert.deepEqual(await said(() => stopsAfter(falling)), []);
  assert.match((await said(() => stopsAfter([1], { monitor: 'f1' })))[0], /Metric for EarlyStopping f1 is not available\. Available metrics are: loss,val_loss/);
  // It can be used for another training.
  const again = callbacks.earlyStopping({ patience: 1 });
  assert.deepEqual([(await epochs(again, [3, 4])).count, (await epochs(again, [9, 8, 7, 8])).count], [2, 4]);
});

test('earlyStopping: the best weights come back', async () => {
  const run = async (restoreBestWeights) => {
    const model = line();
    const weights = [];
    const values = [3, 2, 2.5, 2.6];
    const callback = callbacks.earlyStopping({ monitor: 'score', mode: 'min', patience: 2, restoreBestWeights });
    const judge = { onEpochEnd: (epoch, logs) => {
      logs.score = values[epoch];
      weights.push(model.getWeights()[0].dataSync().join());
    } };
    await model.fit(...samples(), { epochs: 9, callbacks: [judge, callback] });
    return weights.indexOf(model.getWeights()[0].dataSync().join());
  };
  assert.equal(await run(true), 1);
  assert.equal(await run(false), 3);
  const [x, y] = samples();
  const model = line();
  const before = tf.memory().numTensors;
  await model.fit(x, y, { epochs: 3, callbacks: callbacks.earlyStopping({ monitor: 'loss', restoreBestWeights: true }) });
  assert.equal(tf.memory().numTensors, before);
});

test('reduceLROnPlateau: every option counts', async () => {
  const rates = async (values, args, name) => {
    const { seen } = await epochs(callbacks.reduceLROnPlateau(args), values, { name, see: ({ optimizer }) => Number(optimizer.learningRate.toPrecision(3)) });
    return seen;
  };
  const flat = [1, 1, 1, 1, 1];
  assert.deepEqual(await rates(flat, { patience: 2 }), [0.1, 0.1, 0.01, 0.01, 0.001]);
  assert.deepEqual(await rates(Array(12).fill(1)), [...Array(10).fill(0.1), 0.01, 0.01]);
  assert.deepEqual(await rates(flat, { patience: 2, factor: 0.5 }), [0.1, 0.1, 0.05, 0.05, 0.025]);
  assert.deepEqual(await rates(flat, { patience: 1, cooldown: 2 }), [0.1, 0.01, 0.01, 0.001, 0.001]);
  assert.deepEqual(await rates(flat, { patience: 1, minLr: 0.005 }), [0.1, 0.01, 0.005, 0.005, 0.005]);
  assert.deepEqual(await rates([5, 4, 3, 2, 1], { patience: 1 }), Array(5).fill(0.1));
  assert.deepEqual(await rates([5, 4, 3, 2, 1], { patience: 2, minDelta: 1.5 }), [0.1, 0.1, 0.1, 0.1, 0.1]);
  assert.deepEqual(await rates([5, 4, 3, 2, 1], { patience: 1, minDelta: 1.5 }), [0.1, 0.01, 0.01, 0.001, 0.001]);
  assert.deepEqual(await rates([1, 1 - 5e-5, 1], { patience: 1 }), [0.1, 0.01, 0.001]);
  assert.deepEqual(await rates([1, 2, 3], { patience: 1, mode: 'max' }), [0.1, 0.1, 0.1]);
  assert.deepEqual(await rates([1, 2, 3], { patience: 1, monitor: 'acc' }, 'acc'), [0.1, 0.1, 0.1]);
  assert.deepEqual(await said(() => rates(flat, { patience: 3, verbose: 1 })), ['Epoch 3: ReduceLROnPlateau reducing learning rate to 0.010000000000000002.']);
  assert.throws(() => callbacks.reduceLROnPlateau({ factor: 1 }), /needs a factor below 1, but got 1/);
});

test('learningRateScheduler sets the rate that steps are made with', async () => {
  const [x, y] = samples();
  const model = line();
  const told = [];
  await model.fit(x, y, { epochs: 3, callbacks: callbacks.learningRateScheduler((epoch, rate) => (told.push([epoch, rate]), epoch === 2 ? 0 : rate / 2)) });
  assert.deepEqual(told, [[0, 0.1], [1, 0.05], [2, 0.025]]);
  assert.equal(model.optimizer.learningRate, 0);
  const still = line();
  await still.fit(x, y, { epochs: 2, callbacks: callbacks.learningRateScheduler(async () => 0) });
  assert.ok(still.getWeights()[0].dataSync().every((w) => w === 0));
  assert.match((await said(() => model.fit(x, y, { callbacks: callbacks.learningRateScheduler(() => 0.5, { verbose: 1 }) })))[0], /Epoch 0: LearningRateScheduler setting learning rate to 0\.5/);
  await assert.rejects(model.fit(x, y, { callbacks: callbacks.learningRateScheduler(() => NaN) }), /must give a finite number, but gave NaN for epoch 0/);
  assert.throws(() => callbacks.learningRateScheduler(0.1), /needs a function/);
});

test('terminateOnNaN ends training, and reads batches only where it is to', async () => {
  const [x] = samples();
  const nan = x.sum(1, true).mul(NaN);
  const batches = async (callback) => {
    let count = 0;
    const model = line();
    await said(() => model.fit(x, nan, { epochs: 5, batchSize: 16, callbacks: [callback, { onBatchBegin: () => { count += 1; } }] }));
    return count;
  };
  assert.equal(await batches(callbacks.terminateOnNaN()), 1);
  assert.equal(await batches(callbacks.terminateOnNaN({ each: 'epoch' })), 4);
  assert.equal(await batches({}), 20);
  const [told] = await said(() => line().fit(x, nan, { callbacks: callbacks.terminateOnNaN() }));
  assert.match(told, /^Batch 0: Invalid loss, terminating training: the target of output 'dense_Dense\d+' is not finite$/);
  const fine = await line().fit(...samples(), { epochs: 3, callbacks: callbacks.terminateOnNaN() });
  assert.equal(fine.epoch.length, 3);
});

test('terminateOnNaN names what was first no number, and leaves weights as they were', async () => {
  class Root extends tf.layers.Layer {
    static className = 'Root';
    call(inputs) {
      return tf.sqrt(Array.isArray(inputs) ? inputs[0] : inputs);
    }
  }
  const network = (bias) => {
    const layers = [
      tf.layers.dense({ inputShape: [2], units: 3, name: 'first', kernelInitializer: 'zeros', biasInitializer: tf.initializers.constant({ value: bias }) }),
      new Root({ name: 'root' }),
      tf.layers.batchNormalization({ name: 'norm' }),
      tf.layers.dense({ units: 1, name: 'last', kernelInitializer: 'ones' }),
    ];
    const model = tf.sequential({ layers: [tf.sequential({ layers, name: 'inner' })] });
    model.compile({ optimizer: tf.train.sgd(0.1), loss: 'meanSquaredError' });
    return model;
  };
  const [x, y] = samples();
  const cause = async (model, xs, ys, args) => {
    const before = model.getWeights().map((w) => [...w.dataSync()]);
    const [text = 'none', more] = await said(() => model.fit(xs, ys, { batchSize: 64, callbacks: callbacks.terminateOnNaN(args) }));
    assert.equal(more, undefined);
    if (text !== 'none' && args === undefined) assert.deepEqual(model.getWeights().map((w) => [...w.dataSync()]), before);
    return text.replace(/.*training: /, '').replace(' is not finite', '');
  };
  assert.equal(await cause(network(1), x, y), 'none');
  assert.equal(await cause(network(-1), x, y), "the output of layer 'root'");
  // The root of 0 is 0, and its slope infinite: the loss is finite.
  assert.equal(await cause(network(0), x, y), "the gradient of weight 'first/bias'");
  assert.match(await cause(network(1), x.div(0), y), /^input '/);
  assert.equal(await cause(network(1), x, y.div(0)), "the target of output 'inner'");
  const broken = network(1);
  broken.layers[0].getLayer('last').setWeights([tf.fill([3, 1], NaN), tf.zeros([1])]);
  assert.equal(await cause(broken, x, y), "weight 'last/kernel'");
  const huge = network(1);
  assert.equal(await cause(huge, x, y.mul(1e30)), 'the loss');
  assert.match(await cause(network(-1), x, y, { each: 'epoch' }), /^weight '(first|last|norm)/);
  const model = network(1);
  await model.fit(x, y);
  const before = tf.memory().numTensors;
  await cause(model, x, y);
  assert.ok(tf.memory().numTensors <= before);
});

test('modelCheckpoint: every option counts', async () => {
  const saves = async (values, args, name) => {
    const saved = [];
    const handler = { save: async (artifacts) => (saved.push(artifacts), { modelArtifactsInfo: { dateSaved: new Date(0), modelTopologyType: 'JSON' } }) };
    const epochsSaved = [];
    const callback = callbacks.modelCheckpoint(handler, args);
    let before = 0;
    await epochs(callback, values, { name, see: () => {
      if (saved.length > before) epochsSaved.push((before = saved.length, true));
      else epochsSaved.push(false);
    } });
    return { at: epochsSaved.flatMap((yes, i) => (yes ? [i] : [])), saved };
  };
  const values = [5, 4, 4.5, 3.9, 3];
  assert.deepEqual((await saves(values)).at, [0, 1, 2, 3, 4]);
  assert.deepEqual((await saves(values, { saveBestOnly: true })).at, [0, 1, 3, 4]);
  assert.deepEqual((await saves(values, { saveBestOnly: true, minDelta: 0.5 })).at, [0, 1, 4]);
  assert.deepEqual((await saves(values, { saveBestOnly: true, mode: 'max' })).at, [0]);
  assert.deepEqual((await saves([1, 2, 1.5], { saveBestOnly: true, monitor: 'acc' }, 'acc')).at, [0, 1]);
  assert.deepEqual((await saves(values, { saveBestOnly: true, initialValueThreshold: 4 })).at, [3, 4]);
  assert.deepEqual((await saves(values, { everyEpochs: 2 })).at, [1, 3]);
  assert.match((await said(() => saves(values, { saveBestOnly: true, monitor: 'f1' })))[0], /Metric for ModelCheckpoint f1 is not available/);
  assert.equal((await said(() => saves(values, { verbose: 1, everyEpochs: 5 })))[0], 'Epoch 4: ModelCheckpoint saved the model.');
  assert.equal((await saves([1])).saved[0].trainingConfig, undefined);
  assert.equal((await saves([1], { includeOptimizer: true })).saved[0].trainingConfig.optimizer_config.class_name, 'SGD');
  const frozen = callbacks.modelCheckpoint({ save: async (artifacts) => void (frozen.saved = artifacts) }, { trainableOnly: true });
  const model = line();
  model.layers[0].trainable = false;
  frozen.setModel(model);
  await frozen.onEpochEnd(0, {});
  assert.equal(frozen.saved.weightSpecs.length, 0);
  assert.throws(() => callbacks.modelCheckpoint(), /needs a URL or a handler/);
  assert.throws(() => callbacks.modelCheckpoint('x', { everyEpochs: 0 }), /everyEpochs is a positive integer/);
});

test('modelCheckpoint names files after logs, and what it saved loads', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'headwater-'));
  const [x, y] = samples();
  const model = line();
  await model.fit(x, y, { epochs: 2, validationSplit: 0.5, callbacks: callbacks.modelCheckpoint(`file://${folder}/{epoch}-{val_loss}`, { monitor: 'val_loss' }) });
  const names = (await readdir(folder)).sort();
  assert.match(names.join(' '), /^0-\d+\.\d+ 1-\d+\.\d+$/);
  const loaded = await tf.loadLayersModel(`file://${folder}/${names[1]}/model.json`);
  assert.deepEqual(loaded.predict(x).dataSync(), model.predict(x).dataSync());
  await assert.rejects(model.fit(x, y, { callbacks: callbacks.modelCheckpoint(`file://${folder}/{f1}`) }), /names f1, but there are only epoch,loss/);
});

test('csvLogger writes tables to files and functions', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'headwater-'));
  const path = join(folder, 'log.csv');
  const model = line({ metrics: ['meanAbsoluteError'] });
  const fit = (sink, args) => model.fit(...samples(), { epochs: 2, callbacks: callbacks.csvLogger(sink, args) });
  const table = async () => (await readFile(path, 'utf8')).split('\n').map((row) => row.split(',')[0]).join();
  const { history } = await fit(`file://${path}`);
  const rows = await tf.data.csv(`file://${path}`).toArray();
  assert.deepEqual(rows, [0, 1].map((epoch) => ({ epoch, loss: history.loss[epoch], meanAbsoluteError: history.meanAbsoluteError[epoch] })));
  await fit(path);
  assert.equal(await table(), 'epoch,0,1,');
  await fit(path, { append: true });
  assert.equal(await table(), 'epoch,0,1,0,1,');
  await fit(join(folder, 'new.csv'), { append: true });
  assert.match(await readFile(join(folder, 'new.csv'), 'utf8'), /^epoch,loss,meanAbsoluteError\n0,/);
  let text = '';
  await fit((part) => void (text += part), { separator: ';' });
  assert.match(text, /^epoch;loss;meanAbsoluteError\n0;[\d.e-]+;[\d.e-]+\n1;[\d.e-]+;[\d.e-]+\n$/);
  // One logger of two trainings begins anew with each, or goes on.
  for (const [append, expected] of [[false, 'epoch,0,1,'], [true, 'epoch,0,1,0,1,']]) {
    const twice = callbacks.csvLogger(path, { append });
    if (append) await fit(path);
    for (let i = append ? 1 : 0; i < 2; i++) await model.fit(...samples(), { epochs: 2, callbacks: twice });
    assert.equal(await table(), expected);
    let kept = '';
    const sink = callbacks.csvLogger((part) => void (kept += part), { append });
    for (let i = 0; i < 2; i++) await model.fit(...samples(), { callbacks: sink });
    assert.equal(kept.match(/epoch/g).length, append ? 1 : 2);
  }
  // A quantity that an epoch lacks leaves its place empty.
  text = '';
  const logger = callbacks.csvLogger((part) => void (text += part));
  await logger.onEpochEnd(0, { loss: 1, val_loss: 2 });
  await logger.onEpochEnd(1, { loss: 0.5 });
  assert.equal(text, 'epoch,loss,val_loss\n0,1,2\n1,0.5,\n');
  assert.throws(() => callbacks.csvLogger(), /needs the path of a file, or a function/);
});

test('progbarLogger shows batches in a terminal, and epochs elsewhere', async () => {
  const shown = async (args, fit = (model, options) => model.fit(...samples(), { epochs: 2, batchSize: 16, ...options })) => {
    let text = '';
    await fit(line(), { callbacks: callbacks.progbarLogger({ write: (part) => void (text += part), every: 0, ...args }) });
    return text.replace(/\d+\.\ds/g, 'TIME').replace(/loss: \d\.\d{4}/g, 'loss: L');
  };
  const lines = 'Epoch 1 / 2\n4/4 [====================] TIME - loss: L\nEpoch 2 / 2\n4/4 [====================] TIME - loss: L\n';
  assert.equal(await shown({ interactive: false }), lines);
  // The tests' output is no terminal.
  if (!process.stdout.isTTY) assert.equal(await shown({}), lines);
  const live = (await shown({ interactive: true, width: 4 })).split('\n')[1].split('\r').slice(1);
  assert.deepEqual(live, ['0/4 [....] TIME', '1/4 [=...] TIME', '2/4 [==..] TIME', '3/4 [===.] TIME', '4/4 [====] TIME - loss: L']);
  assert.deepEqual((await shown({ interactive: true, width: 4, every: 1e6 })).split('\n')[1].split('\r').slice(1), ['0/4 [....] TIME', '4/4 [====] TIME - loss: L']);
  const unknown = tf.data.array([1, 2, 3]).map((v) => ({ xs: [v, v], ys: [v] })).batch(1).filter(() => true);
  assert.match(await shown({ interactive: true }, (model, options) => model.fitDataset(unknown, { epochs: 1, ...options })), /\r2\/\? TIME\r3\/\? TIME - loss: L\n$/);
});

test('a callback of functions is a callback', async () => {
  const seen = [];
  const callback = new tf.CustomCallback({ onEpochEnd: (epoch) => void seen.push(epoch) });
  assert.ok(callback instanceof tf.Callback && callbacks.custom({}) instanceof tf.CustomCallback);
  await line().fit(...samples(), { epochs: 2, callbacks: [callback, callbacks.custom({ onTrainEnd: () => void seen.push('end') })] });
  assert.deepEqual(seen, [0, 1, 'end']);
});
