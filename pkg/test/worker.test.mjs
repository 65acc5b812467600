// Models trained in a worker thread of Node: the same as here, bit for bit.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { test } from 'node:test';
import { promisify } from 'node:util';
import * as tf from '../dist/index.js';
import { inWorker } from '../dist/worker.js';

const MODULE = new URL('worker/custom.mjs', import.meta.url);

/** A network with everything that training carries: moving averages, seeds, an optimizer's slots. */
function network(loss = 'categoricalCrossentropy', optimizer = tf.train.adam(0.01)) {
  const model = tf.sequential({
    layers: [
      tf.layers.conv2d({ inputShape: [6, 6, 1], filters: 4, kernelSize: 3, activation: 'relu' }),
      tf.layers.batchNormalization(),
      tf.layers.flatten(),
      tf.layers.dropout({ rate: 0.3, seed: 5 }),
      tf.layers.dropout({ rate: 0.2 }),
      tf.layers.dense({ units: 3, activation: 'softmax', kernelRegularizer: tf.regularizers.l2({ l2: 0.01 }) }),
    ],
  });
  model.compile({ optimizer, loss, metrics: ['accuracy'] });
  return model;
}

const samples = (n = 50) => [tf.randomNormal([n, 6, 6, 1], 0, 1, 'float32', 1), tf.oneHot(tf.range(0, n, 1, 'int32').mod(tf.scalar(3, 'int32')).toInt(), 3).toFloat()];
const values = (model) => model.getWeights().map((w) => Array.from(w.dataSync()));

/** What both ways of training give, from the same start. */
async function bothWays(make, train) {
  const results = [];
  for (const worker of [false, true]) {
    tf.setSeed(11);
    const model = make();
    const remote = worker ? await inWorker(model) : null;
    const history = await train(remote ?? model, model);
    // Training goes on here.
    const after = await model.fit(...samples(20), { epochs: 2, batchSize: 8 });
    results.push({ history: history.history, epoch: history.epoch, after: after.history, weights: values(model), iterations: model.optimizer.iterations, seed: tf.getSeed() });
    remote?.terminate();
  }
  assert.deepEqual(results[1], results[0]);
  return results[1];
}

test('fit in a worker gives the same bits, and training goes on from there', async () => {
  const { epoch, history } = await bothWays(network, (model) => model.fit(...samples(), { epochs: 3, batchSize: 8, validationSplit: 0.2, callbacks: { onBatchEnd() {} } }));
  assert.deepEqual(epoch, [0, 1, 2]);
  assert.deepEqual(Object.keys(history), ['loss', 'acc', 'val_loss', 'val_acc']);
});

test('what is trained here goes on in a worker, and there and back again', async () => {
  await bothWays(network, async (trained, model) => {
    await model.fit(...samples(20), { epochs: 1, batchSize: 8 });
    await trained.fit(...samples(), { epochs: 1, batchSize: 8, shuffle: false });
    await model.fit(...samples(20), { epochs: 1, batchSize: 8 });
    // Without a step between, what the optimizer keeps goes back as it came.
    await trained.fit(...samples(), { epochs: 1, batchSize: 8 });
    return trained.fit(...samples(), { epochs: 1, batchSize: 8, sampleWeight: tf.range(0, 50), validationData: samples(10) });
  });
});

test('schedules, options, frozen layers and several outputs cross', async () => {
  const rate = tf.train.schedules.warmUp({ warmupSteps: 4, schedule: tf.train.schedules.cosineDecay({ initialLearningRate: 0.05, decaySteps: 20 }) });
  const optimizers = [
    () => tf.train.adamw(rate, { clipnorm: 1, rateMultipliers: { head_a: 0.1 } }),
    () => tf.train.momentum(0.01, 0.9, true, { useEma: true, weightDecay: 0.01 }),
    () => tf.train.rmsprop(0.01, 0.9, 0.5, 1e-7, true),
    () => tf.train.adam(0.01, undefined, undefined, undefined, { amsgrad: true }),
    () => 'adagrad',
  ];
  const [x] = samples();
  const [flat, y] = [x.reshape([50, 36]), samples()[1]];
  for (const [i, optimizer] of optimizers.entries()) {
    const make = () => {
      const input = tf.input({ shape: [36], name: `in_${i}_${tf.getSeed()}_${Math.random()}` });
      const inner = tf.sequential({ layers: [tf.layers.dense({ units: 6, inputShape: [36], activation: 'tanh' }), tf.layers.dense({ units: 5 })] });
      inner.layers[0].trainable = false;
      const features = inner.apply(input);
      const heads = ['head_a', 'head_b'].map((name) => tf.layers.dense({ name, units: 3, activation: 'softmax' }).apply(features));
      const model = tf.model({ inputs: input, outputs: heads });
      model.compile({
        optimizer: optimizer(), loss: { head_a: 'categoricalCrossentropy', head_b: tf.losses.meanSquaredError }, lossWeights: { head_a: 2, head_b: 0.5 },
        metrics: { head_a: ['accuracy', tf.metrics.categoricalCrossentropy] },
      });
      return model;
    };
    const results = [];
    for (const worker of [false, true]) {
      tf.setSeed(3);
      const model = make();
      const frozen = values(model.layers[1].layers[0]);
      const remote = worker ? await inWorker(model) : model;
      const { history } = await remote.fit(flat, { head_a: y, head_b: y }, { epochs: 2, batchSize: 16 });
      results.push([history, values(model)]);
      assert.deepEqual(values(model.layers[1].layers[0]), frozen);
      if (worker) remote.terminate();
    }
    assert.deepEqual(results[1], results[0]);
  }
});

test('states of recurrent layers and of layers of one’s own cross', async () => {
  const { Counting } = (await import(MODULE)).default(tf);
  const x = tf.randomNormal([4, 5, 2], 0, 1, 'float32', 2);
  const make = () => {
    const model = tf.sequential({ layers: [tf.layers.lstm({ units: 3, batchInputShape: [4, 5, 2], stateful: true }), new Counting(), tf.layers.dense({ units: 1 })] });
    model.compile({ optimizer: 'sgd', loss: 'meanSquaredError' });
    return model;
  };
  const results = [];
  for (const worker of [false, true]) {
    tf.setSeed(4);
    const model = make();
    const remote = worker ? await inWorker(model, { modules: [MODULE] }) : model;
    model.predict(x);
    await remote.fit(x, tf.ones([4, 1]), { epochs: 3, batchSize: 4, shuffle: false });
    assert.equal(model.layers[1].count, 4);
    results.push(Array.from(model.predict(x).dataSync()));
    if (worker) remote.terminate();
  }
  assert.deepEqual(results[1], results[0]);
});

test('callbacks are called here, see the weights of the epoch, and are heard', async () => {
  const events = [];
  const order = async (trained, model) => {
    const log = [];
    const hook = (name) => async (...args) => {
      await tf.nextFrame();
      log.push([name, ...args.map((a) => (typeof a === 'object' ? Object.keys(a ?? {}).sort().join() : a))]);
    };
    const callbacks = Object.fromEntries(['onTrainBegin', 'onTrainEnd', 'onEpochBegin', 'onEpochEnd', 'onBatchBegin', 'onBatchEnd', 'onYield'].map((n) => [n, hook(n)]));
    const weights = [];
    class Watch extends tf.Callback {
      async onEpochEnd(epoch, { loss }) {
        weights.push(loss, ...Array.from(this.model.getWeights()[0].dataSync()));
        // Heard by the next epoch.
        this.model.optimizer.learningRate = 0.1 / (epoch + 1);
        if (epoch === 1) this.model.layers[0].setWeights(this.model.layers[0].getWeights().map((w) => tf.onesLike(w)));
      }
    }
    const history = await trained.fit(...samples(20), { epochs: 3, batchSize: 8, yieldEvery: 'batch', callbacks: [callbacks, new Watch()] });
    events.push([log, weights, model.optimizer.learningRate]);
    return history;
  };
  await bothWays(network, order);
  assert.deepEqual(events[1], events[0]);
  assert.equal(events[1][0][0][0], 'onTrainBegin');
});

test('early stopping ends training and brings the best weights back', async () => {
  const { epoch } = await bothWays(network, (model) =>
    model.fit(...samples(), { epochs: 20, callbacks: tf.callbacks.earlyStopping({ monitor: 'loss', minDelta: 10, patience: 2, restoreBestWeights: true }) }));
  assert.deepEqual(epoch, [0, 1, 2]);
});

test('stopTraining, an AbortSignal and terminate() end training', async () => {
  const model = network();
  const remote = await inWorker(model);
  const args = { epochs: 1e6, batchSize: 8 };
  const stop = { onEpochEnd: (epoch) => { if (epoch === 2) model.stopTraining = true; } };
  assert.equal((await remote.fit(...samples(), { ...args, callbacks: stop })).epoch.length, 3);
  assert.equal(model.stopTraining, true);
  // From outside, with no callback at all.
  const training = remote.fit(...samples(), args);
  assert.equal(model.stopTraining, false);
  await assert.rejects(model.fit(...samples()), /another fit\(\) call is ongoing/);
  await assert.rejects(remote.fit(...samples()), /another fit\(\) call is ongoing/);
  setTimeout(() => (model.stopTraining = true), 100);
  const before = values(model);
  const history = await training;
  assert.ok(history.epoch.length > 0 && model.history === history && !model.isTraining);
  assert.notDeepEqual(values(model), before);
  const abort = new AbortController();
  setTimeout(() => abort.abort(), 50);
  await remote.fit(...samples(), { ...args, signal: abort.signal });
  assert.equal((await remote.fit(...samples(), { ...args, signal: AbortSignal.abort() })).epoch.length, 0);
  const ended = remote.fit(...samples(), args);
  setTimeout(() => remote.terminate(), 50);
  await assert.rejects(ended, { code: 'terminated', message: 'The worker was terminated.' });
  assert.equal(model.isTraining, false);
  await assert.rejects(remote.fit(...samples()), { code: 'terminated' });
  await model.fit(...samples(), { epochs: 1 });
});

test('errors come as errors: of the operation, of callbacks, of what cannot cross', async () => {
  const model = network();
  const remote = await inWorker(model);
  const [x, y] = samples();
  await assert.rejects(remote.fit(x.reshape([50, 36]), y), { code: 'shape', message: /expected .*conv2.* to have 4 dimension\(s\), but got array with shape \[\d+,36\]/ });
  await assert.rejects(remote.fit(x, y, { batchSize: 0 }), { code: 'argument', message: 'batchSize is required to be a positive integer, but got 0' });
  const own = new TypeError('mine');
  await assert.rejects(remote.fit(x, y, { callbacks: { onBatchEnd() { throw own; } } }), (error) => error === own);
  await assert.rejects(remote.fit(x, y, { callbacks: { onStep() {} } }), /onStep cannot be called from a worker/);
  await assert.rejects(remote.fit(x, y, { callbacks: null }), /A callback must be an object/);
  await assert.rejects(remote.fit(x, y, { thing: () => 1 }), /fit\.args\.thing is a function, which cannot be sent to a worker/);
  await assert.rejects(remote.fitDataset(tf.data.array([1]), { epochs: 1 }), /A data set cannot be sent to a worker. Give \{ module, name, args \}/);
  // The worker goes on.
  assert.equal((await remote.fit(x, y)).epoch.length, 1);
  remote.terminate();
  const refuses = (compiled, message) => {
    const other = network();
    other.compile(compiled);
    return assert.rejects(inWorker(other), message);
  };
  await refuses({ optimizer: tf.train.sgd((step) => 1 / step), loss: 'meanSquaredError' }, /learning rate is a function cannot be sent/);
  await refuses({ optimizer: 'sgd', loss: [(a, b) => a.sub(b)] }, /no named function/);
  await refuses({ optimizer: 'sgd', loss: function unheard(a, b) { return a.sub(b); } }, /no loss or metric 'unheard'/);
  const adding = network();
  adding.layers[0].addLoss(() => tf.scalar(1));
  await assert.rejects(inWorker(adding), /addLoss\(\) adds are functions/);
  await assert.rejects(inWorker(network(), { modules: [new URL('worker/none.mjs', import.meta.url)] }), /none\.mjs/);
});

test('modules bring layers, losses and data sets', async () => {
  const { Twice, distance, batches } = (await import(MODULE)).default(tf);
  const make = () => {
    const model = tf.sequential({ layers: [new Twice({ inputShape: [3] }), tf.layers.dense({ units: 1 })] });
    model.compile({ optimizer: 'sgd', loss: distance, metrics: [tf.metrics.meanAbsoluteError] });
    return model;
  };
  await assert.rejects(inWorker(make()), /Unknown layer: Twice/);
  const results = [];
  for (const worker of [false, true]) {
    tf.setSeed(2);
    const model = make();
    const remote = worker ? await inWorker(model, { modules: [MODULE], functions: { distance } }) : model;
    const [train, test] = worker ? [{ name: 'batches', args: [4, 7] }, { module: MODULE, name: 'batches', args: [2, 8] }] : [batches(tf, 4, 7), batches(tf, 2, 8)];
    const { history } = await remote.fitDataset(train, { epochs: 3, validationData: test });
    const more = await remote.fitDataset(train, { epochs: 1, batchesPerEpoch: 2, validationData: [tf.ones([2, 3]), tf.ones([2, 1])] });
    results.push([history, more.history, values(model)]);
    if (worker) {
      await assert.rejects(remote.fitDataset({ name: 'none' }, { epochs: 1 }), /no function 'none' that makes a data set/);
      remote.terminate();
    }
  }
  assert.deepEqual(results[1], results[0]);
});

test('predict and evaluate in a worker follow the model here', async () => {
  const model = network();
  const remote = await inWorker(model);
  const [x, y] = samples();
  const same = async () => {
    assert.deepEqual((await remote.predict(x)).dataSync(), model.predict(x).dataSync());
    const [here, there] = [model.evaluate(x, y), await remote.evaluate(x, y, { batchSize: 32 })].map((list) => list.map((t) => t.dataSync()[0]));
    assert.deepEqual(there, here);
  };
  await same();
  await model.fit(x, y);
  await same();
  model.layers[0].setWeights(model.layers[0].getWeights().map((w) => tf.onesLike(w)));
  await same();
  remote.terminate();
});

test('tensors of every dtype cross, large ones in parts', async () => {
  const { pack, unpack } = await import('../dist/worker.js').then(async () => {
    const bundle = await (await import('esbuild')).build({ entryPoints: [new URL('../src/worker/tensors.ts', import.meta.url).pathname], bundle: true, write: false, format: 'esm', plugins: [{
      name: 'package', setup: ({ onResolve }) => onResolve({ filter: /\.\.\/index\.js$/ }, () => ({ path: new URL('../dist/index.js', import.meta.url).href, external: true })),
    }] });
    return import(`data:text/javascript;base64,${Buffer.from(bundle.outputFiles[0].contents).toString('base64')}`);
  });
  const tensors = [
    tf.scalar(2.5), tf.tensor1d([]), tf.zeros([0, 3]), tf.tensor2d([[1, -2]], [1, 2], 'int32'), tf.tensor1d([true, false], 'bool'), tf.complex([1, 2], [3, 4]),
    tf.tensor1d(['a', 'ü']), tf.tensor1d([1.5, -0.1]).cast('float16'), tf.tensor1d([1.5, -0.1]).cast('bfloat16'), tf.tensor1d([4e9], 'uint32'), tf.tensor1d([200], 'uint8'),
    tf.randomNormal([1500, 1000], 0, 1, 'float32', 3),
  ];
  const before = tf.memory().numTensors;
  const { value, transfer } = await pack({ tensors, more: { n: 1, list: [null, 'x', new Float32Array(2)] } }, 'it');
  assert.equal(tf.memory().numTensors, before);
  const back = unpack(structuredClone(value, { transfer }));
  back.tensors.forEach((t, i) => {
    assert.deepEqual([t.dtype, t.shape], [tensors[i].dtype, tensors[i].shape]);
    assert.deepEqual(t.dataSync(), tensors[i].dataSync());
  });
  assert.deepEqual(back.more, { n: 1, list: [null, 'x', new Float32Array(2)] });
  // The complex and the large one in two parts, texts and what is empty in none.
  assert.equal(transfer.length, 11);
});

test('nothing is left here by training in a worker', async () => {
  const model = network();
  const [x, y] = samples();
  const remote = await inWorker(model);
  const fit = () => remote.fit(x, y, { epochs: 2, validationSplit: 0.2, callbacks: { onEpochEnd() {} } });
  await fit();
  // What the tests before have left to be collected is not counted.
  const settled = async () => {
    for (let i = 0; i < 3; i++) {
      globalThis.gc?.();
      await new Promise((done) => setTimeout(done, 10));
    }
    return tf.memory().numTensors;
  };
  const before = await settled();
  for (let i = 0; i < 3; i++) await fit();
  tf.dispose(await remote.predict(x));
  assert.equal(await settled(), before);
  remote.terminate();
});

test('an idle worker keeps no program alive, a working one does', async () => {
  const url = (name) => JSON.stringify(new URL(`../dist/${name}`, import.meta.url).href);
  const script = `import * as tf from ${url('index.js')}; import { inWorker } from ${url('worker.js')};
    const model = tf.sequential({ layers: [tf.layers.dense({ units: 1, inputShape: [2] })] });
    model.compile({ optimizer: 'sgd', loss: 'meanSquaredError' });
    const remote = await inWorker(model, { threads: 1 });
    const { epoch } = await remote.fit(tf.ones([8, 2]), tf.ones([8, 1]), { epochs: 3 });
    console.log(epoch.length, remote.backend.threads);`;
  const { stdout, stderr } = await promisify(execFile)(process.execPath, ['--input-type=module', '--eval', script], { timeout: 60_000 });
  assert.deepEqual([stdout.trim(), stderr], ['3 1', '']);
});

test('a worker of the program’s own serves models', async () => {
  const { Worker } = await import('node:worker_threads');
  const model = network(function own(a, b) { return tf.losses.meanSquaredError(a, b); });
  const remote = await inWorker(model, { worker: new Worker(new URL('worker/own.mjs', import.meta.url)) });
  assert.equal((await remote.fit(...samples())).epoch.length, 1);
  remote.terminate();
  await assert.rejects(inWorker(network(), { worker: new Worker('throw new Error("broken")', { eval: true }) }), { code: 'worker', message: /The worker failed: broken/ });
});

test('plain arrays cross', async () => {
  const model = tf.sequential({ layers: [tf.layers.dense({ units: 1, inputShape: [2] })] });
  model.compile({ optimizer: 'sgd', loss: 'meanSquaredError' });
  const remote = await inWorker(model);
  const rows = [[1, 2], [3, 4]];
  assert.deepEqual((await remote.predict(rows)).arraySync(), model.predict(rows).arraySync());
  assert.equal((await remote.fit(rows, Float32Array.of(1, 2), { validationData: [[[1, 2]], [3]] })).epoch.length, 1);
  remote.terminate();
});
