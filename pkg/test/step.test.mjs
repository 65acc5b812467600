// What callbacks see and change between two steps, and steps made of several batches.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as tf from '../dist/index.js';

const line = (args = {}) => {
  const model = tf.sequential({ layers: [tf.layers.dense({ inputShape: [2], units: 1, name: `line${(line.count = (line.count ?? 0) + 1)}`, kernelInitializer: 'zeros' })] });
  model.compile({ optimizer: tf.train.sgd(0.1), loss: 'meanSquaredError', ...args });
  return model;
};
const x = tf.randomUniform([64, 2], -1, 1, 'float32', 3);
const y = tf.tidy(() => x.sum(1, true).add(1));
const weightsOf = (model) => model.getWeights().flatMap((w) => [...w.dataSync()]);
const near = (a, b, tolerance = 1e-6) => a.forEach((v, i) => assert.ok(Math.abs(v - b[i]) <= tolerance * Math.max(1, Math.abs(b[i])), `${a} for ${b}`));
/** The weights after steps on all samples at once, in order. */
const trained = async (callbacks, args = {}, model = line()) => {
  const history = await model.fit(x, y, { batchSize: 64, shuffle: false, callbacks, ...args });
  return { weights: weightsOf(model), history, model };
};

test('a step that callbacks look at without an answer is the same', async () => {
  const plain = await trained(undefined, { epochs: 3, batchSize: 16 });
  const hooks = { onBatchData() {}, onLoss() {}, onGradients: async () => {} };
  const seen = await trained(hooks, { epochs: 3, batchSize: 16 });
  assert.deepEqual(seen.weights, plain.weights);
  assert.deepEqual(seen.history.history, plain.history.history);
});

test('onBatchData sees the batch and may replace any of it', async () => {
  const seen = [];
  const onBatchData = (batch, { inputs, targets, weights }) => void seen.push([batch, inputs.map((t) => t.shape), targets.map((t) => t.shape), weights.length]);
  await trained({ onBatchData }, { batchSize: 40 });
  assert.deepEqual(seen, [[0, [[40, 2]], [[40, 1]], 0], [1, [[24, 2]], [[24, 1]], 0]]);
  const doubled = await trained({ onBatchData: async (_, { targets }) => ({ targets: [targets[0].mul(2)] }) });
  near(doubled.weights, (await trained()).weights.map((w) => 2 * w));
  // Half of the samples, and by weights the same.
  const half = await trained({ onBatchData: (_, { inputs, targets }) => ({ inputs: [inputs[0].slice(0, 32)], targets: [targets[0].slice(0, 32)] }) });
  const weighted = await trained({ onBatchData: () => ({ weights: [tf.concat([tf.fill([32], 2), tf.zeros([32])])] }) });
  near(half.weights, weighted.weights);
  near(half.weights, (await trained([], {}, line())).weights, 1);
  // The next callback sees what the one before it returned.
  const rows = [];
  await trained([{ onBatchData: (_, { inputs, targets }) => ({ inputs: [inputs[0].slice(0, 5)], targets: [targets[0].slice(0, 5)] }) }, { onBatchData: (_, { inputs }) => void rows.push(inputs[0].shape[0]) }]);
  assert.deepEqual(rows, [5]);
});

test('a batch is skipped, before its step or after its gradients, and training stopped', async () => {
  for (const hook of ['onBatchData', 'onGradients']) {
    const ended = [];
    const count = { onBatchEnd: (batch, logs) => void ended.push([batch, Object.keys(logs)]) };
    const skips = (batch) => (batch === 1 ? 'skip' : undefined);
    const { history } = await trained([{ [hook]: skips }, count], { batchSize: 16 });
    assert.deepEqual(ended.map(([, names]) => names.includes('loss')), [true, false, true, true]);
    assert.equal(history.history.loss.length, 1);
    const all = await trained({ [hook]: () => 'skip' }, { epochs: 2 });
    assert.deepEqual(all.weights, [0, 0, 0]);
    assert.deepEqual(all.history.history, {});
    let calls = 0;
    const stopped = await trained({ [hook]: () => (calls++ === 2 ? 'stop' : undefined) }, { batchSize: 16, epochs: 4 });
    assert.equal(calls, 3);
    near(stopped.weights, (await trained({ onBatchData: (b) => (b > 1 ? 'skip' : undefined) }, { batchSize: 16 })).weights);
  }
  const normalized = tf.sequential({ layers: [tf.layers.batchNormalization({ inputShape: [2] }), tf.layers.dense({ units: 1 })] });
  normalized.compile({ optimizer: 'sgd', loss: 'meanSquaredError' });
  const averages = () => [...normalized.layers[0].getWeights()[2].dataSync()];
  await trained({ onGradients: () => 'skip' }, {}, normalized);
  assert.deepEqual(averages(), [0, 0]);
  await trained({ onGradients: () => {} }, {}, normalized);
  assert.notDeepEqual(averages(), [0, 0]);
});

test('onLoss changes what gradients are of', async () => {
  const still = await trained({ onLoss: (_, { loss }) => loss.mul(0) });
  assert.deepEqual(still.weights, [0, 0, 0]);
  assert.deepEqual(still.history.history.loss, [0]);
  const plain = await trained();
  near((await trained({ onLoss: (_, { loss }) => loss.mul(3) })).weights, plain.weights.map((w) => 3 * w));
  // A loss of one's own: the same as the compiled one.
  const own = ({ outputs, targets }) => outputs[0].sub(targets[0]).square().mean();
  near((await trained({ onLoss: (_, data) => own(data) }, {}, line({ loss: 'meanAbsoluteError' }))).weights, plain.weights);
  await assert.rejects(trained({ onLoss: (_, { outputs }) => outputs[0] }), /onLoss returns a scalar tensor or nothing, but returned a tensor of shape \[64,1\]/);
  await assert.rejects(trained({ onLoss: async (_, { loss }) => loss }), /onLoss returns a scalar tensor/);
});

test('onGradients sees gradients by names of weights and may replace them', async () => {
  const plain = await trained();
  const model = line();
  const [kernel, bias] = model.weights.map((w) => w.name);
  let read;
  const { weights } = await trained({
    async onGradients(_, { loss, gradients }) {
      read = { loss: (await loss.data())[0], names: Object.keys(gradients), bias: (await gradients[bias].data())[0] };
      return { [kernel]: gradients[kernel].mul(2), [bias]: null };
    },
  }, {}, model);
  assert.deepEqual(read.names, [kernel, bias]);
  assert.ok(Math.abs(read.loss - plain.history.history.loss[0]) < 1e-6);
  near([-0.1 * read.bias], [plain.weights[2]]);
  near(weights, [2 * plain.weights[0], 2 * plain.weights[1], 0]);
  await assert.rejects(trained({ onGradients: () => ({ nobody: tf.scalar(1) }) }), /onGradients: there is no gradient of 'nobody', only of line/);
  await assert.rejects(trained({ onGradients: (_, { gradients }) => ({ [Object.keys(gradients)[0]]: tf.zeros([3]) }) }), /must have shape \[2,1\], but got \[3\]/);
  await assert.rejects(trained({ onGradients: () => 'halt' }), /onGradients returns tensors, 'skip', 'stop' or nothing, but returned 'halt'/);
  await assert.rejects(trained({ onBatchData: () => ({ inputs: tf.zeros([64, 2]) }) }), /onBatchData returns inputs as a list of tensors/);
  await assert.rejects(trained({ onBatchData: () => ({ targets: [tf.zeros([3, 1])] }) }), /same number of samples/);
});

test('a rate set between two steps is that of the next', async () => {
  const model = line();
  const moved = [];
  let last = 0;
  const onBatchEnd = (batch) => {
    const bias = weightsOf(model)[2];
    moved.push(bias !== last);
    last = bias;
    model.optimizer.learningRate = batch === 0 ? 0 : 0.1;
  };
  await trained({ onBatchEnd }, { batchSize: 16 }, model);
  assert.deepEqual(moved, [true, false, true, true]);
});

test('callbacks that see steps leave no tensors behind, whatever they answer', async () => {
  const model = line({ optimizer: tf.train.adam(0.1) });
  const data = tf.data.zip({ xs: tf.data.array(await x.array()), ys: tf.data.array(await y.array()) }).batch(16);
  await model.fitDataset(data, { epochs: 1 });
  const before = tf.memory().numTensors;
  const answers = [undefined, 'skip'];
  let at = 0;
  const callback = {
    onBatchData: (_, { inputs, targets }) => (++at % 3 === 0 ? 'skip' : { inputs: [tf.tidy(() => inputs[0].add(1).sub(1))], targets }),
    onLoss: (_, { loss }) => loss.add(loss).div(2),
    onGradients: (_, { gradients }) => answers[at % 2] ?? Object.fromEntries(Object.entries(gradients).map(([name, g]) => [name, g.mul(0.5)])),
  };
  await model.fit(x, y, { batchSize: 16, epochs: 3, callbacks: callback });
  await model.fitDataset(data, { epochs: 3, callbacks: callback });
  await model.fit(x, y, { batchSize: 16, epochs: 3, accumulateSteps: 3, callbacks: callback });
  await assert.rejects(model.fit(x, y, { callbacks: [callback, { onGradients: () => { throw new Error('mine'); } }] }), /mine/);
  // Fewer where what other tests left was collected meanwhile.
  assert.ok(tf.memory().numTensors <= before, `${tf.memory().numTensors} after ${before}`);
});

test('accumulateSteps: several batches are as one of all their samples', async () => {
  const make = () => {
    tf.setSeed?.(1);
    const model = tf.sequential({
      layers: [
        tf.layers.dense({ inputShape: [2], units: 8, activation: 'tanh', kernelInitializer: tf.initializers.glorotUniform({ seed: 4 }), kernelRegularizer: 'l2', kernelConstraint: tf.constraints.maxNorm({ maxValue: 1 }) }),
        tf.layers.dense({ units: 1, kernelInitializer: tf.initializers.glorotUniform({ seed: 5 }) }),
      ],
    });
    model.compile({ optimizer: tf.train.adam(0.05), loss: 'meanSquaredError' });
    return model;
  };
  const sampleWeight = tf.linspace(0, 2, 64);
  const fit = async (args) => {
    const model = make();
    const history = await model.fit(x, y, { shuffle: false, epochs: 4, sampleWeight, ...args });
    return { weights: weightsOf(model), steps: model.optimizer.iterations, loss: history.history.loss };
  };
  const whole = await fit({ batchSize: 48 });
  for (const callbacks of [undefined, { onGradients() {} }]) {
    // The last batches of an epoch are smaller and fewer: 16 + 16 + 16, 16.
    const parts = await fit({ batchSize: 16, accumulateSteps: 3, callbacks });
    assert.equal(parts.steps, whole.steps);
    near(parts.weights, whole.weights, 1e-4);
    near(parts.loss, whole.loss, 1e-4);
  }
  const uneven = await fit({ batchSize: 20, accumulateSteps: 10 });
  near(uneven.weights, (await fit({ batchSize: 64 })).weights, 1e-4);
  assert.deepEqual((await fit({ batchSize: 16, accumulateSteps: 1 })).steps, 16);
  await assert.rejects(fit({ accumulateSteps: 0 }), /accumulateSteps is a positive integer, but got 0/);
  const model = line({ optimizer: tf.train.sgd(0.1, { gradientAccumulationSteps: 2 }) });
  await assert.rejects(model.fit(x, y, { accumulateSteps: 2 }), /this one has gradientAccumulationSteps/);
});

test('an optimizer accumulates by itself, and goes on from storage in the midst of it', async () => {
  assert.throws(() => tf.train.sgd(0.1, { gradientAccumulationSteps: 1 }), /gradientAccumulationSteps must be an integer of at least 2, but got 1/);
  const make = () => line({ optimizer: tf.train.adam(0.1, undefined, undefined, undefined, { gradientAccumulationSteps: 3 }) });
  const model = make();
  await model.fit(x, y, { batchSize: 16, shuffle: false });
  assert.equal(model.optimizer.iterations, 1);
  assert.deepEqual((await model.optimizer.getWeights()).map(({ name }) => name.split('/').at(-1)), ['iter', 'm', 'm', 'v', 'v', 'accumulated', 'gradient_accumulator', 'gradient_accumulator']);
  let artifacts;
  await model.save({ save: async (given) => ((artifacts = given), { modelArtifactsInfo: { dateSaved: new Date(0), modelTopologyType: 'JSON' } }) }, { includeOptimizer: true });
  const loaded = await tf.loadLayersModel({ load: async () => artifacts });
  for (const m of [model, loaded]) await m.fit(x, y, { batchSize: 32, shuffle: false });
  assert.equal(loaded.optimizer.iterations, 2);
  assert.deepEqual(weightsOf(loaded), weightsOf(model));
});

test('an overflow leaves out its part of accumulated gradients', async () => {
  const variable = tf.variable(tf.zeros([2]), true, 'overflowing');
  const optimizer = tf.mixedPrecision.lossScaled(tf.train.sgd(1, { gradientAccumulationSteps: 3 }), { initialScale: 64, dynamicGrowthSteps: 3 });
  const bad = [NaN, Infinity];
  const follow = async (gradients, want, [scale, steps]) => {
    for (const gradient of gradients) optimizer.applyGradients({ overflowing: tf.tensor1d(gradient) });
    assert.deepEqual([...(await variable.data())], want);
    await optimizer.lossScale.count();
    assert.deepEqual([(await optimizer.lossScale.scale.data())[0], optimizer.iterations], [scale, steps]);
  };
  await follow([[1, 2], [3, 0], [2, 1]], [-2, -1], [128, 1]);
  // As Keras's optimizer with two parts to a step does.
  await follow([[1, 2], bad, [3, 4]], [-4, -4], [64, 2]);
  await follow([bad, [1, 0], bad], [-5, -4], [16, 3]);
  await follow([bad, bad, bad], [-5, -4], [2, 3]);
  await follow([[1, 2], [3, 0], [2, 1]], [-7, -5], [4, 4]);
  optimizer.dispose();
  variable.dispose();
});
