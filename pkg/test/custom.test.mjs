import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as tf from '../dist/index.js';

const close = (got, want, what = '') => {
  assert.deepEqual(got.shape, want.shape, what);
  const off = got.sub(want).abs().max().dataSync()[0];
  assert.ok(off < 1e-5, `${what} ${off}`);
};
const x = tf.randomNormal([4, 3], 0, 1, 'float32', 1);
const y = tf.randomNormal([4, 2], 0, 1, 'float32', 2);

/** Two layers with a switch, a weight, a loss and a mask of its own. */
class Block extends tf.layers.Layer {
  static className = 'Block';
  constructor(config) {
    super(config);
    this.units = config.units;
    this.supportsMasking = true;
    this.inputSpec = [new tf.InputSpec({ minNDim: 2, axes: { [-1]: 3 } })];
    this.first = tf.layers.dense({ units: 4, activation: 'tanh', name: 'first' });
    this.rest = [tf.layers.batchNormalization({ name: 'norm' }), tf.layers.dense({ units: config.units, name: 'second', kernelRegularizer: 'l2' })];
    this.addLoss(() => this.scale.read().square().sum().mul(0.5));
  }
  build(shape) {
    this.scale = this.addWeight('scale', [3], null, { apply: (shape) => tf.fill(shape, 2) }, null, true, tf.constraints.nonNeg());
    this.count = this.addWeight('count', [], 'float32', 'zeros', null, false);
    super.build(shape);
  }
  call(inputs, kwargs) {
    return tf.tidy(() => {
      this.invokeCallHook(inputs, kwargs);
      let h = (Array.isArray(inputs) ? inputs[0] : inputs).mul(this.scale.read());
      for (const layer of [this.first, ...this.rest]) h = layer.apply(h, kwargs);
      return h;
    });
  }
  computeOutputShape([batch]) {
    return [batch, this.units];
  }
  getConfig() {
    return { ...super.getConfig(), units: this.units };
  }
}
assert.equal(tf.serialization.registerClass(Block, 'package', 'OtherName'), Block);

test('layers within a layer are tracked, trained, stored and disposed', async () => {
  const block = new Block({ units: 2, inputShape: [3] });
  const model = tf.sequential({ layers: [block] });
  model.compile({ optimizer: tf.train.sgd(0.1), loss: 'meanSquaredError' });
  model.predict(x).dispose();
  assert.deepEqual(block.trainableWeights.map((w) => w.shape), [[3], [3, 4], [4], [4], [4], [4, 2], [2]]);
  assert.deepEqual(block.nonTrainableWeights.map((w) => w.shape), [[], [4], [4]]);
  assert.deepEqual(block.getWeights(true).length, 7);
  assert.equal(block.countParams(), 3 + 1 + 16 + 16 + 10);
  assert.deepEqual([...block.scale.read().dataSync()], [2, 2, 2]);
  // What addLoss has, and a regularizer of a layer within.
  const [loss] = block.calculateLosses();
  assert.equal(loss.dataSync()[0], 6);
  const kernel = block.rest[1].getWeights()[0];
  const penalty = kernel.square().sum().mul(0.01).dataSync()[0];
  const errors = tf.losses.meanSquaredError(y, block.apply(x, { training: true })).dataSync()[0];
  const { history } = await model.fit(x, y, { epochs: 1, shuffle: false });
  assert.ok(Math.abs(history.loss[0] - (errors + 6 + penalty)) < 1e-4, `${history.loss[0]} ${errors} ${penalty}`);
  assert.ok(block.rest[0].getWeights()[2].abs().sum().dataSync()[0] > 0, 'averages move');

  block.trainable = false;
  assert.equal(model.trainableWeights.length, 0);
  block.trainable = true;
  block.first.trainable = false;
  assert.equal(model.trainableWeights.length, 5);
  block.first.trainable = true;

  let artifacts;
  await model.save(tf.io.withSaveHandler(async (a) => ((artifacts = a), { modelArtifactsInfo: {} })));
  const json = JSON.parse(model.toJSON());
  assert.equal(json.config.layers[0].class_name, 'Block');
  const loaded = await tf.models.modelFromJSON(json);
  loaded.predict(x);
  loaded.loadWeights(tf.io.decodeWeights(artifacts.weightData, artifacts.weightSpecs));
  close(loaded.predict(x), model.predict(x), 'loaded');
  const halves = loaded.getWeights().map((w) => w.mul(0.5));
  loaded.setWeights(halves);
  loaded.getWeights().forEach((w, i) => close(w, halves[i], 'weights that are set'));
  assert.throws(() => loaded.layers[0].setWeights([]), /weight list of length 0, but the layer was expecting 10 weights/);
  const { numDisposedVariables } = tf.sequential({ layers: [new Block({ units: 2, inputShape: [3] })] }).dispose();
  assert.equal(numDisposedVariables, 2);
});

test('losses and updates of layers within a scope reach the model', async () => {
  class Scoped extends tf.layers.Layer {
    static className = 'Scoped';
    constructor(config) {
      super(config);
      this.spectral = tf.layers.spectralNormalization({ layer: tf.layers.dense({ units: 2, useBias: false, kernelInitializer: 'ones', activityRegularizer: tf.regularizers.l1({ l1: 0.5 }) }), powerIterations: 5 });
    }
    call(inputs, kwargs) {
      return tf.tidy(() => this.spectral.apply(inputs[0], kwargs).mul(1));
    }
  }
  const layer = new Scoped({ inputShape: [2] });
  const model = tf.sequential({ layers: [layer] });
  model.compile({ optimizer: tf.train.sgd(0), loss: 'meanSquaredError' });
  const ones = tf.ones([4, 2]);
  model.predict(ones).dispose();
  for (let i = 0; i < 3; i++) {
    const { numTensors } = tf.memory();
    const loss = await model.trainOnBatch(ones, ones);
    // A kernel of halves, of norm 1, makes ones of ones: what is left are two outputs of 1 for each sample.
    assert.ok(Math.abs(loss - 1) < 1e-3, `${loss}`);
    const evaluated = model.evaluate(ones, ones);
    assert.ok(Math.abs(evaluated.dataSync()[0] - 1) < 1e-3);
    evaluated.dispose();
    if (i > 0) assert.equal(tf.memory().numTensors, numTensors);
  }
  layer.spectral.weights[0].read().dataSync().forEach((k) => assert.ok(Math.abs(k - 0.5) < 1e-3, `${k}`));
});

test('hooks, masks, inputs that do not fit, and the uses of a layer', () => {
  const block = new Block({ units: 2 });
  const seen = [];
  block.setCallHook((inputs, kwargs) => seen.push(kwargs.training));
  block.apply(x, { training: true });
  block.clearCallHook();
  block.apply(x, { training: false });
  assert.deepEqual(seen, [true]);
  assert.throws(() => block.apply(tf.ones([4])), /Input is incompatible with layer \S+: expected min_ndim=2, found 1/);
  assert.throws(() => block.apply(tf.ones([4, 5])), /expected axis -1 of size 3, found 5/);
  const mask = tf.tensor1d([1, 0, 1, 1], 'bool');
  assert.equal(block.computeMask(x, mask), mask);
  block.supportsMasking = false;
  assert.equal(block.computeMask(x, mask), null);

  const dense = tf.layers.dense({ units: 2 });
  const hooked = [];
  dense.setCallHook((inputs) => hooked.push(inputs));
  dense.apply(x);
  assert.equal(hooked.length, 1);
  const [a, b] = [tf.input({ shape: [3] }), tf.input({ shape: [3] })];
  const [c, d] = [dense.apply(a), dense.apply(b)];
  assert.deepEqual([dense.getInputAt(0), dense.getInputAt(1), dense.getOutputAt(0), dense.getOutputAt(1)], [a, b, c, d]);
  assert.throws(() => dense.getOutputAt(2), /Asked to get output at node 2, but the layer has only 2 inbound nodes/);
  assert.throws(() => dense.input, /multiple inbound nodes/);
});

test('a call says for itself whether it is one of training, in storage too', async () => {
  const input = tf.input({ shape: [3] });
  const inner = tf.sequential({ layers: [tf.layers.batchNormalization({ inputShape: [3] })] });
  const model = tf.model({ inputs: input, outputs: tf.layers.dense({ units: 2 }).apply(inner.apply(input, { training: false })) });
  const again = await tf.models.modelFromJSON(model.toJSON());
  for (const m of [model, again]) {
    m.compile({ optimizer: 'sgd', loss: 'meanSquaredError' });
    const averages = m.nonTrainableWeights.map((w) => [...w.read().dataSync()]);
    await m.fit(x, y, { epochs: 1 });
    assert.deepEqual(m.nonTrainableWeights.map((w) => [...w.read().dataSync()]), averages);
  }
});

/** A model whose second output is of its first layer. */
class Net extends tf.Model {
  static className = 'Net';
  constructor(config = {}) {
    super(config);
    this.hidden = config.hidden ?? 5;
    this.first = tf.layers.dense({ units: this.hidden, activation: 'relu', name: 'first' });
    this.drop = tf.layers.dropout({ rate: 0.4 });
    this.heads = [tf.layers.dense({ units: 2, name: 'last' })];
  }
  call(inputs, kwargs) {
    const h = this.first.apply(inputs);
    return this.heads[0].apply(this.drop.apply(h, kwargs));
  }
  getConfig() {
    return { ...super.getConfig(), hidden: this.hidden };
  }
}
tf.serialization.registerClass(Net);

test('a model that is a class trains, measures, is stored and comes back', async () => {
  const model = new Net({ hidden: 6 });
  model.compile({ optimizer: tf.train.adam(0.05), loss: 'meanSquaredError', metrics: ['mae'] });
  const { history } = await model.fit(x, y, { epochs: 40, batchSize: 4 });
  assert.ok(history.loss.at(-1) < history.loss[0] && history.mae.length === 40, `${history.loss}`);
  assert.deepEqual(model.layers.map((layer) => layer.name), ['first', model.drop.name, 'last']);
  assert.equal(model.getLayer('last'), model.heads[0]);
  assert.deepEqual(model.trainableWeights.map((w) => w.shape), [[3, 6], [6], [6, 2], [2]]);
  assert.equal(model.evaluate(x, y).length, 2);
  assert.equal(typeof (await model.trainOnBatch(x, y))[0], 'number');
  const lines = [];
  model.summary(80, undefined, (line) => lines.push(line));
  assert.ok(lines.some((line) => /first \(Dense\)\s+multiple\s+24/.test(line)), lines.join('\n'));

  let artifacts;
  await model.save(tf.io.withSaveHandler(async (a) => ((artifacts = a), { modelArtifactsInfo: {} })));
  const loaded = await tf.loadLayersModel(tf.io.fromMemory(artifacts));
  assert.ok(loaded instanceof Net && loaded.hidden === 6);
  close(loaded.predict(x), model.predict(x));
  // By its parts: as a layer of another model, and called as a function.
  close(model.apply(x), model.predict(x));
  const outer = tf.sequential({ layers: [tf.layers.dense({ units: 3, inputShape: [3] }), new Net()] });
  assert.deepEqual(outer.predict(x).shape, [4, 2]);
  assert.equal(outer.trainableWeights.length, 6);

  class Two extends tf.Model {
    static className = 'Two';
    constructor() {
      super();
      this.dense = tf.layers.dense({ units: 2 });
    }
    call([a, b]) {
      return [this.dense.apply(a), this.dense.apply(b).sum(-1, true)];
    }
  }
  const two = new Two();
  two.compile({ optimizer: 'sgd', loss: ['meanSquaredError', 'meanAbsoluteError'] });
  two.build([[null, 3], [null, 3]]);
  assert.equal(two.countParams(), 8);
  const losses = (await two.fit([x, x], [y, tf.ones([4, 1])], { epochs: 1 })).history;
  assert.deepEqual(Object.keys(losses), ['loss', 'output_1_loss', 'output_2_loss']);
});
