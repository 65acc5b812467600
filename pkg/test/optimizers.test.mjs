// Optimizers step by step, their options and schedules, against Keras: tests/keras/optimizers.json.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import * as tf from '../dist/index.js';

const keras = JSON.parse(readFileSync(new URL('../../tests/keras/optimizers.json', import.meta.url)));
const sizes = keras.shapes.map((shape) => shape.reduce((n, d) => n * d, 1));

/** A flat list as values of the shapes. */
const split = (flat) => sizes.map((size, i) => flat.slice(sizes.slice(0, i).reduce((n, s) => n + s, 0)).slice(0, size));
const variablesOf = (flat) => tf.tidy(() => split(flat).map((values, i) => tf.variable(tf.tensor(values, keras.shapes[i]))));
const gradientsOf = (variables, flat) => Object.fromEntries(split(flat).map((values, i) => [variables[i].name, tf.tensor(values, keras.shapes[i])]));
const flat = (variables) => variables.flatMap((v) => [...v.dataSync()]);

function close(got, want, what, tolerance = 1e-5) {
  assert.equal(got.length, want.length);
  got.forEach((x, i) => assert.ok(Math.abs(x - want[i]) <= tolerance * Math.max(1, Math.abs(want[i])), `${what}: element ${i}: ${x} for ${want[i]}`));
}

const camel = (name) => name.replace(/_([a-z0-9])/g, (_, c) => c.toUpperCase());
const camelKeys = (config) => Object.fromEntries(Object.entries(config).map(([k, v]) => [camel(k), v]));
const scheduleOf = ({ class_name: name, config }) => tf.train.schedules[name[0].toLowerCase() + name.slice(1)](camelKeys(config));

function optimizerOf(name, config) {
  const { learningRate: rate, momentum, rho, epsilon, beta1, beta2, ...more } = camelKeys(config);
  const lr = typeof rate === 'number' ? rate : scheduleOf(rate);
  switch (name) {
    case 'SGD':
      return momentum ? tf.train.momentum(lr, momentum, more.nesterov, more) : tf.train.sgd(lr, more);
    case 'Adam':
      return tf.train.adam(lr, beta1, beta2, epsilon, more);
    case 'Adamax':
      return tf.train.adamax(lr, beta1, beta2, epsilon, undefined, more);
    case 'RMSprop':
      return tf.train.rmsprop(lr, rho, momentum, epsilon, more.centered, more);
    case 'Adagrad':
      return tf.train.adagrad(lr, more.initialAccumulatorValue, { ...more, epsilon });
    case 'Adadelta':
      return tf.train.adadelta(lr, rho, epsilon, more);
    default:
      return tf.train[name.toLowerCase()](lr, { beta1, beta2, epsilon, ...more });
  }
}

function follow(optimizer, variables, trace, what) {
  keras.gradients.forEach((gradients, i) => {
    tf.tidy(() => optimizer.applyGradients(gradientsOf(variables, gradients)));
    close(flat(variables), trace[i], `${what} step ${i}`);
  });
  if (trace.length > keras.gradients.length) {
    optimizer.finalizeVariableValues();
    close(flat(variables), trace.at(-1), `${what} in the end`);
  }
}

test('optimizers step as those of Keras, and leave nothing behind', () => {
  const before = tf.memory().numTensors;
  for (const { optimizer: name, config, weights } of keras.runs) {
    const variables = variablesOf(keras.weights);
    const optimizer = optimizerOf(name, config);
    follow(optimizer, variables, weights, `${name} ${JSON.stringify(config)}`);
    optimizer.dispose();
    variables.forEach((v) => v.dispose());
  }
  assert.equal(tf.memory().numTensors, before);
});

test('an optimizer goes on where another, of its configuration and weights, ended', async () => {
  for (const { optimizer: name, config, weights } of keras.runs) {
    const variables = variablesOf(keras.weights);
    const first = optimizerOf(name, config);
    keras.gradients.slice(0, 7).forEach((g) => first.applyGradients(gradientsOf(variables, g)));
    const second = first.constructor.fromConfig(first.constructor, first.getConfig());
    await second.setWeights(await first.getWeights());
    keras.gradients.slice(7).forEach((g) => second.applyGradients(gradientsOf(variables, g)));
    close(flat(variables), weights[keras.gradients.length - 1], `${name} ${JSON.stringify(config)}`);
  }
});

test('a momentum that TensorFlow.js stored goes on: it has yet to be multiplied by the rate', async () => {
  const w = tf.variable(tf.tensor1d([1, 2]), true, 'stored-momentum');
  const optimizer = tf.train.momentum(0.5, 0.8);
  const given = [{ name: 'iter', tensor: tf.scalar(3, 'int32') }, { name: 'stored-momentum/momentum', tensor: tf.tensor1d([10, -5]) }];
  await optimizer.setWeights(given);
  optimizer.applyGradients({ 'stored-momentum': tf.tensor1d([1, 1]) });
  // In TensorFlow.js: w - rate * (momentum * stored + gradient).
  assert.deepEqual(await w.array(), [1 - 0.5 * (0.8 * 10 + 1), 2 - 0.5 * (0.8 * -5 + 1)]);
  const kept = await optimizer.getWeights();
  assert.deepEqual(kept.map(({ name }) => name), ['iter', 'stored-momentum/velocity']);
  assert.ok(given.every(({ tensor }) => !tensor.isDisposed));
});

test('schedules give the rates of Keras', () => {
  for (const stored of keras.schedules) {
    const schedule = scheduleOf(stored);
    // Keras computes rates in float32.
    stored.steps.forEach((step, i) => assert.ok(Math.abs(schedule.at(step) - stored.rates[i]) <= 2e-6 * Math.max(1e-3, stored.rates[i]), `${JSON.stringify(stored)} at ${step}`));
  }
});

test('schedules that Keras lacks', () => {
  const { oneCycle, warmUp, exponentialDecay } = tf.train.schedules;
  const cycle = oneCycle({ maxLearningRate: 1, totalSteps: 10 });
  close([0, 1, 2, 5.5, 9, 50].map(cycle.at), [0.04, 0.52, 1, 0.500002, 4e-6, 4e-6], 'one cycle', 1e-12);
  close([0, 1, 9].map(oneCycle({ maxLearningRate: 1, totalSteps: 10, warmupFraction: 0.1 }).at), [1, 0.9698463103929542, 4e-6], 'a cycle that only falls', 1e-6);
  const warm = warmUp({ schedule: exponentialDecay({ initialLearningRate: 2, decaySteps: 1, decayRate: 0.5 }), warmupSteps: 4 });
  close([0, 1, 4, 5].map(warm.at), [0, 0.5, 2, 1], 'warm up', 1e-12);
  close([0, 1, 2, 99].map(warmUp({ schedule: 0.2, warmupSteps: 2, initialLearningRate: 0.1 }).at), [0.1, 0.15, 0.2, 0.2], 'to a number', 1e-12);
  assert.throws(() => exponentialDecay({ initialLearningRate: 2, decaySteps: 0, decayRate: 0.5 }), /needs decaySteps above 0, but got 0/);
  assert.throws(() => tf.train.schedules.piecewiseConstantDecay({ boundaries: [1], values: [1] }), /expected 2 values for 1 boundaries, received 1/);
  assert.throws(() => tf.train.schedules.cosineDecayRestarts({ initialLearningRate: 1, firstDecaySteps: 2, tMul: 0.5 }), /tMul of at least 1/);
  assert.throws(() => exponentialDecay({ initialLearningRate: NaN, decaySteps: 1, decayRate: 0.5 }), /finite initialLearningRate/);
});

test('an optimizer shows the rate of its next step, and takes another', () => {
  const [w] = variablesOf(keras.weights);
  const optimizer = tf.train.sgd((step) => 1 / (step + 1));
  const rates = [];
  for (let i = 0; i < 3; i++) {
    rates.push(optimizer.learningRate);
    optimizer.applyGradients({ [w.name]: tf.zerosLike(w) });
  }
  close(rates, [1, 1 / 2, 1 / 3], 'rates', 1e-12);
  optimizer.setLearningRate(0.5);
  assert.deepEqual(optimizer.getConfig(), { learningRate: 0.5 });
});

test('another rate is no other plan', () => {
  const variables = variablesOf(keras.weights);
  const schedule = tf.train.schedules.cosineDecay({ initialLearningRate: 0.1, decaySteps: 50 });
  const optimizer = tf.train.adamw(schedule, { globalClipnorm: 1, useEma: true });
  const plans = keras.gradients.map((g) => {
    optimizer.applyGradients(gradientsOf(variables, g));
    return tf.stats().plans;
  });
  assert.equal(plans[2], plans.at(-1), plans.join());
});

test('a variable has a rate of its own', () => {
  const one = [[tf.variable(tf.ones([2]), true, 'head_1/kernel'), tf.variable(tf.ones([2]), true, 'body_1/kernel')]];
  for (const rateMultipliers of [{ body_1: 0.5 }, { 'body_1/kernel': 0.5 }, (name) => (name.startsWith('body') ? 0.5 : 1)]) {
    for (const v of one[0]) v.assign(tf.ones([2]));
    tf.train.sgd(0.1, { rateMultipliers, weightDecay: 0.1 }).applyGradients(one[0].map((v) => ({ name: v.name, tensor: tf.ones([2]) })));
    close(flat(one[0]), [0.89, 0.89, 0.945, 0.945], 'multipliers');
  }
});

test('options are checked', () => {
  assert.throws(() => tf.train.sgd(0.1, { clipnorm: 1, clipvalue: 1 }), /one of clipvalue, clipnorm and globalClipnorm, but got clipvalue and clipnorm/);
  assert.throws(() => tf.train.adamw(0.1, { clipnorm: 0 }), /clipnorm must be above 0, but got 0/);
  assert.throws(() => tf.train.lion(0.1, { weightDecay: -1 }), /weightDecay must be at least 0/);
  assert.throws(() => tf.train.sgd(0.1, { useEma: true, emaMomentum: 2 }), /emaMomentum must lie in \[0, 1\]/);
  assert.throws(() => tf.train.sgd(0.1, { useEma: true, emaOverwriteFrequency: 0.5 }), /positive integer/);
});

test('a narrow variable decays in float32', () => {
  const v = tf.variable(tf.ones([1], 'float16'));
  const optimizer = tf.train.adamw(0.1, { weightDecay: 0.01, useEma: true });
  optimizer.applyGradients({ [v.name]: tf.tensor([0.5], [1], 'float16') });
  assert.equal(v.dtype, 'float16');
  close(flat([v]), [0.899], 'weight', 1e-3);
});

const line = (args) => {
  const model = tf.sequential({ layers: [tf.layers.dense({ units: 1, inputShape: [2], kernelInitializer: 'ones' })] });
  model.compile({ loss: 'meanSquaredError', ...args });
  return model;
};

test('models take the optimizers by name', async () => {
  const [x, y] = [tf.tensor([[1, 2], [3, 4], [2, 1]]), tf.tensor([[1], [2], [0]])];
  for (const optimizer of ['adamw', 'nadam', 'ftrl', 'lion', 'lamb', 'AdamW', 'rmsprop']) {
    const model = line({ optimizer });
    const { history } = await model.fit(x, y, { epochs: 3, shuffle: false });
    assert.ok(history.loss[2] < history.loss[0], optimizer);
  }
  assert.throws(() => line({ optimizer: 'adamwx' }), /Unknown Optimizer adamwx/);
});

test('a model is stored with optimizer, options and schedule, and goes on', async () => {
  const [x, y] = [tf.tensor([[1, 2], [3, 4], [2, 1]]), tf.tensor([[1], [2], [0]])];
  const { cosineDecay, warmUp } = tf.train.schedules;
  const schedule = () => warmUp({ schedule: cosineDecay({ initialLearningRate: 0.1, decaySteps: 20 }), warmupSteps: 3 });
  const options = { clipnorm: 1, useEma: true, emaMomentum: 0.5 };
  const makers = [
    () => tf.train.adamw(schedule(), options),
    () => tf.train.adam(0.05, 0.9, 0.99, 1e-7, { ...options, amsgrad: true }),
    () => tf.train.sgd(schedule(), { weightDecay: 0.1, globalClipnorm: 2 }),
    () => tf.train.ftrl(0.1, { l1RegularizationStrength: 0.1 }),
    () => tf.train.adagrad(0.1, 0.3),
  ];
  for (const make of makers) {
    const model = line({ optimizer: make() });
    await model.fit(x, y, { epochs: 4, shuffle: false });
    let stored;
    await model.save(tf.io.withSaveHandler(async (artifacts) => ((stored = artifacts), {})), { includeOptimizer: true });
    const loaded = await tf.loadLayersModel(tf.io.fromMemory({ ...stored, trainingConfig: JSON.parse(JSON.stringify(stored.trainingConfig)) }));
    for (const m of [model, loaded]) await m.fit(x, y, { epochs: 3, shuffle: false });
    const [a, b] = [model, loaded].map((m) => m.getWeights().flatMap((w) => [...w.dataSync()]));
    close(b, a, model.optimizer.getClassName(), 1e-7);
  }
  const own = line({ optimizer: tf.train.sgd(() => 0.1) });
  await assert.rejects(own.save(tf.io.withSaveHandler(async () => ({})), { includeOptimizer: true }), /one of tf.train.schedules/);
});

test('a model that Keras stored has the optimizer that it had there', async () => {
  const model = line({ optimizer: 'sgd' });
  let artifacts;
  await model.save(tf.io.withSaveHandler(async (saved) => ((artifacts = saved), {})));
  for (const { optimizer: name, config, stored, weights } of keras.runs) {
    const loaded = await tf.loadLayersModel(tf.io.fromMemory({ ...artifacts, trainingConfig: { loss: 'mean_squared_error', optimizer_config: stored } }));
    follow(loaded.optimizer, variablesOf(keras.weights), weights, `${name} ${JSON.stringify(config)}`);
  }
});

test('fit ends with the averages in place of the weights', async () => {
  const [x, y] = [tf.tensor([[1, 2]]), tf.tensor([[1]])];
  const plain = line({ optimizer: tf.train.sgd(0.01) });
  const averaged = line({ optimizer: tf.train.sgd(0.01, { useEma: true, emaMomentum: 0.5 }) });
  const seen = [];
  await plain.fit(x, y, { epochs: 3, callbacks: { onEpochEnd: () => void seen.push(plain.getWeights()[0].dataSync()[0]) } });
  await averaged.fit(x, y, { epochs: 3 });
  close([averaged.getWeights()[0].dataSync()[0]], [(seen[0] + seen[1]) / 4 + seen[2] / 2], 'average');
});

test('layers have rates of their own', async () => {
  const [x, y] = [tf.tensor([[1, 2]]), tf.tensor([[1, 0]])];
  const moved = async (rateMultipliers) => {
    const model = tf.sequential({ layers: ['body', 'head'].map((name) => tf.layers.dense({ units: 2, inputShape: [2], kernelInitializer: 'ones', name })) });
    model.compile({ optimizer: tf.train.sgd(0.01, { rateMultipliers }), loss: 'meanSquaredError' });
    await model.fit(x, y, { epochs: 1 });
    return model.getWeights().map((w) => w.dataSync()[0] - (w.rank > 1 ? 1 : 0));
  };
  const [plain, halved, frozen] = [await moved({}), await moved({ head: 0.5 }), await moved((name) => (name.startsWith('body') ? 0 : 1))];
  close(halved, [plain[0], plain[1], plain[2] / 2, plain[3] / 2], 'half a rate');
  close(frozen, [0, 0, plain[2], plain[3]], 'frozen');
});

test('a sweep of learning rates suggests one, and leaves the model as it was', async () => {
  const x = tf.randomNormal([64, 2], 0, 1, 'float32', 1);
  const y = x.matMul(tf.tensor([[2], [-1]])).add(0.5);
  const model = line({ optimizer: tf.train.adam(0.123, 0.9, 0.999, 1e-7, { clipnorm: 100 }) });
  const [before, optimizer] = [flat(model.getWeights()), model.optimizer];
  // Tensors of the other tests are collected when training waits.
  for (let i = 0; i < 3; i++) {
    globalThis.gc?.();
    await new Promise((done) => setTimeout(done, 10));
  }
  const tensors = tf.memory().numTensors;
  const { rates, losses, suggestion } = await tf.train.findLearningRate(model, x, y, { batchSize: 16, minRate: 1e-5 });
  assert.ok(tf.memory().numTensors <= tensors, 'tensors remain');
  assert.deepEqual([flat(model.getWeights()), model.optimizer, optimizer.iterations, optimizer.learningRate], [before, optimizer, 0, 0.123]);
  assert.equal(rates.length, losses.length);
  assert.ok(rates.length > 20 && rates[0] === 1e-5, rates.length);
  assert.ok(rates.every((rate, i) => i === 0 || Math.abs(rate / rates[i - 1] - 1e6 ** (1 / 99)) < 1e-9));
  assert.ok(suggestion > 1e-3 && suggestion < 3, suggestion);
  model.compile({ optimizer: tf.train.adam(suggestion), loss: 'meanSquaredError' });
  const { history } = await model.fit(x, y, { epochs: 20 });
  assert.ok(history.loss.at(-1) < history.loss[0] / 10, `${suggestion}: ${history.loss}`);
  await assert.rejects(tf.train.findLearningRate(model, x, y, { minRate: 1, maxRate: 0.1 }), /0 < minRate < maxRate/);
  await assert.rejects(tf.train.findLearningRate(model, x, y, { steps: 1 }), /whole number of steps above 1/);
});

test('callbacks do not replace a schedule', async () => {
  const [x, y] = [tf.tensor([[1, 2]]), tf.tensor([[1]])];
  const model = line({ optimizer: tf.train.sgd(tf.train.schedules.cosineDecay({ initialLearningRate: 0.1, decaySteps: 5 })) });
  const callbacks = tf.callbacks.learningRateScheduler(() => 0.1);
  await assert.rejects(model.fit(x, y, { epochs: 1, callbacks }), /LearningRateScheduler needs an optimizer whose learning rate is a number/);
});
