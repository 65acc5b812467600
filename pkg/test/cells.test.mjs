import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as tf from '../dist/index.js';

/** The cell of a simple recurrent layer. */
class Cell extends tf.layers.RNNCell {
  static className = 'Cell';
  constructor(config) {
    super(config);
    this.units = config.units;
    this.stateSize = config.units;
  }
  build(shape) {
    this.kernel = this.addWeight('kernel', [shape.at(-1), this.units], null, 'glorotUniform');
    this.recurrent = this.addWeight('recurrent_kernel', [this.units, this.units], null, 'orthogonal');
    this.bias = this.addWeight('bias', [this.units], null, 'zeros');
    this.built = true;
  }
  call([x, state], { constants = [] }) {
    return tf.tidy(() => {
      let y = x.matMul(this.kernel.read()).add(state.matMul(this.recurrent.read())).add(this.bias.read());
      for (const c of constants) y = y.add(c);
      y = y.tanh();
      return [y, y];
    });
  }
  getConfig() {
    return { ...super.getConfig(), units: this.units };
  }
}
tf.serialization.registerClass(Cell);

/** A layer that makes its cell. */
class Recurrent extends tf.layers.RNN {
  static className = 'Recurrent';
  constructor(config) {
    super({ ...config, cell: new Cell({ units: config.units }) });
  }
  static fromConfig(cls, config) {
    return new cls(config);
  }
}
tf.serialization.registerClass(Recurrent);

const close = (got, want, what) => {
  assert.deepEqual(got.shape, want.shape, what);
  const off = got.sub(want).abs().max().dataSync()[0];
  assert.ok(off < 1e-5, `${what}: ${off}`);
};
const x = tf.randomNormal([2, 5, 3], 0, 1, 'float32', 1);
const mask = tf.tensor2d([[1, 1, 0, 1, 0], [0, 1, 1, 1, 1]], [2, 5], 'bool');

/** A model comes back from its JSON, with its weights the same. */
async function again(model) {
  const loaded = await tf.models.modelFromJSON(JSON.parse(model.toJSON()));
  assert.deepEqual(loaded.weights.map((w) => w.name), model.weights.map((w) => w.name));
  loaded.setWeights(model.getWeights());
  return loaded;
}

/** The module's layer with the weights of one in JavaScript. */
function twin(layer, mine, args) {
  const other = layer(args);
  other.apply(x);
  other.setWeights(mine.getWeights());
  return other;
}

test('a cell in JavaScript is run as the ones of the module are', () => {
  for (const args of [{}, { returnSequences: true }, { returnState: true, goBackwards: true }, { returnSequences: true, returnState: true, goBackwards: true }]) {
    const what = JSON.stringify(args);
    const mine = tf.layers.rnn({ cell: new Cell({ units: 4 }), ...args });
    assert.ok(mine instanceof tf.layers.RNN && mine instanceof tf.RNN);
    mine.apply(x);
    assert.deepEqual(mine.trainableWeights.map((w) => w.shape), [[3, 4], [4, 4], [4]]);
    const theirs = twin(tf.layers.simpleRNN, mine, { units: 4, ...args });
    const both = (kwargs) => {
      const got = [mine.apply(x, kwargs)].flat();
      [theirs.apply(x, kwargs)].flat().forEach((want, i) => close(got[i], want, `${what} ${i}`));
    };
    both({});
    both({ mask });
    both({ initialState: [tf.ones([2, 4])] });
    both({ initialState: [tf.ones([2, 4])], mask });
    const symbol = tf.input({ shape: [5, 3] });
    assert.deepEqual([mine.apply(symbol)].flat().map((s) => s.shape), [theirs.apply(symbol)].flat().map((s) => s.shape), what);
  }
});

test('a cell in JavaScript takes constants and carries states', () => {
  const layer = tf.layers.rnn({ cell: new Cell({ units: 4 }) });
  const plain = layer.apply(x);
  close(layer.apply(x, { constants: [tf.zeros([2, 4])] }), plain, 'nothing added');
  assert.ok(layer.apply(x, { constants: [tf.fill([2, 4], 2)] }).sub(plain).abs().max().dataSync()[0] > 0.1);
  close(layer.apply(x, { constants: [tf.fill([2, 4], 2)], initialState: [tf.zeros([2, 4])] }), layer.apply(x, { constants: [tf.fill([2, 4], 2)] }), 'states and constants');

  const carried = tf.layers.rnn({ cell: new Cell({ units: 4 }), stateful: true, batchInputShape: [2, 5, 3] });
  const model = tf.sequential({ layers: [carried] });
  const numTensors = tf.memory().numTensors;
  const first = model.predict(x);
  const second = model.predict(x);
  assert.equal(tf.memory().numTensors, numTensors + 3);
  carried.resetStates();
  close(model.predict(x), first, 'reset');
  carried.resetStates([first]);
  close(model.predict(x), second, 'states that are set');
  carried.setState([first]);
  close(model.predict(x), second, 'the state of a training that goes on');
  carried.resetStates();
  assert.equal(carried.getState(), null);
  model.predict(x);
  close(carried.getState()[0], first, 'what is stored of it');
  assert.throws(() => layer.resetStates(), /not stateful/);
  assert.throws(() => tf.layers.rnn({}), /cell/);
  class Stateless extends tf.layers.RNNCell {
    static className = 'Stateless';
  }
  assert.throws(() => tf.layers.rnn({ cell: new Stateless({}) }), /should have an attribute `stateSize`/);
  assert.throws(() => layer.apply(tf.ones([2, 3])), /expected min_ndim=3, found ndim=2/);
});

test('stacked cells, both directions and a class of its own come back from JSON', async () => {
  const cells = [new Cell({ units: 4 }), tf.layers.lstmCell({ units: 3 }), new Cell({ units: 2 })];
  const layers = {
    rnn: () => tf.layers.rnn({ cell: new Cell({ units: 4 }), returnSequences: true, inputShape: [5, 3] }),
    stacked: () => tf.layers.rnn({ cell: tf.layers.stackedRNNCells({ cells }), inputShape: [5, 3] }),
    several: () => tf.layers.rnn({ cell: [new Cell({ units: 4 }), new Cell({ units: 2 })], inputDim: 3, inputLength: 5 }),
    own: () => new Recurrent({ units: 4, inputShape: [5, 3], returnSequences: true, goBackwards: true }),
    ...Object.fromEntries(['concat', 'sum', 'ave', 'mul'].map((mergeMode) => [mergeMode, () => tf.layers.bidirectional({ layer: new Recurrent({ units: 4, returnSequences: true }), mergeMode, inputShape: [5, 3] })])),
    bidirectional: () => tf.layers.bidirectional({ layer: tf.layers.rnn({ cell: new Cell({ units: 4 }) }), backwardLayer: tf.layers.lstm({ units: 4, goBackwards: true }), inputShape: [5, 3] }),
  };
  for (const [name, make] of Object.entries(layers)) {
    const model = tf.sequential({ layers: [make()] });
    const y = model.predict(x);
    assert.deepEqual(y.shape.slice(1), model.outputs[0].shape.slice(1), name);
    close((await again(model)).predict(x), y, name);
    model.compile({ optimizer: 'sgd', loss: 'meanSquaredError' });
    await model.fit(x, tf.zerosLike(y), { epochs: 1 });
    assert.ok(model.predict(x).sub(y).abs().max().dataSync()[0] > 1e-6, `${name} trains`);
  }
});

test('both directions of a layer in JavaScript are those of the module', () => {
  for (const mergeMode of ['concat', 'sum', 'ave', 'mul', null]) {
    for (const more of [{}, { returnSequences: true }, { returnState: true, returnSequences: true }]) {
      const what = `${mergeMode} ${JSON.stringify(more)}`;
      const mine = tf.layers.bidirectional({ layer: tf.layers.rnn({ cell: new Cell({ units: 4 }), ...more }), mergeMode });
      mine.apply(x);
      const theirs = twin(tf.layers.bidirectional, mine, { layer: tf.layers.simpleRNN({ units: 4, ...more }), mergeMode });
      for (const kwargs of [{}, { mask }, { initialState: [tf.ones([2, 4]), tf.fill([2, 4], 0.5)] }]) {
        const got = [mine.apply(x, kwargs)].flat();
        [theirs.apply(x, kwargs)].flat().forEach((want, i) => close(got[i], want, `${what} ${i}`));
      }
      assert.deepEqual(mine.computeOutputShape([null, 5, 3]), theirs.computeOutputShape([null, 5, 3]), what);
    }
  }
});

test('training a cell in JavaScript takes the steps that the module takes', async () => {
  const model = (layer) => {
    const m = tf.sequential({ layers: [tf.layers.masking({ maskValue: 0, inputShape: [5, 3] }), layer, tf.layers.dense({ units: 1 })] });
    m.compile({ optimizer: tf.train.sgd(0.1), loss: 'meanSquaredError' });
    return m;
  };
  const mine = model(tf.layers.rnn({ cell: new Cell({ units: 4 }) }));
  const theirs = model(tf.layers.simpleRNN({ units: 4 }));
  theirs.setWeights(mine.getWeights());
  const padded = x.mul(tf.cast(mask, 'float32').expandDims(-1));
  const y = tf.ones([2, 1]);
  for (let i = 0; i < 2; i++) {
    const numTensors = tf.memory().numTensors;
    for (const m of [mine, theirs]) await m.trainOnBatch(padded, y);
    if (i > 0) assert.equal(tf.memory().numTensors, numTensors);
  }
  const losses = async (m) => (await m.fit(padded, y, { epochs: 5, shuffle: false })).history.loss;
  const [a, b] = [await losses(mine), await losses(theirs)];
  a.forEach((loss, i) => assert.ok(Math.abs(loss - b[i]) < 1e-5, `${a} ${b}`));
});

test('a model, and a layer in JavaScript, for every step', async () => {
  class Double extends tf.layers.Layer {
    static className = 'DoubleOfSteps';
    call(inputs) {
      return inputs[0].mul(2);
    }
  }
  tf.serialization.registerClass(Double);
  const inner = tf.sequential({ layers: [tf.layers.conv2d({ filters: 2, kernelSize: 2, inputShape: [4, 4, 1] }), tf.layers.flatten(), tf.layers.dense({ units: 3 })] });
  const frames = tf.randomNormal([2, 3, 4, 4, 1], 0, 1, 'float32', 2);
  for (const layer of [inner, new Double({})]) {
    const model = tf.sequential({ layers: [tf.layers.timeDistributed({ layer, inputShape: [3, 4, 4, 1] })] });
    const y = model.predict(frames);
    const each = layer.apply([frames.reshape([6, 4, 4, 1])]);
    close(y.reshape(each.shape), each, layer.name);
    assert.deepEqual(model.outputs[0].shape, [null, ...y.shape.slice(1)]);
    close((await again(model)).predict(frames), y, 'from JSON');
  }
});
