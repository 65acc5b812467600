// What code that was written for TensorFlow.js expects of models, their training and their storage.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as tf from '../dist/index.js';

const near = (actual, expected, tolerance = 1e-4) => actual.forEach((v, i) => assert.ok(Math.abs(v - expected[i]) < tolerance, `${actual} is not ${expected}`));

const line = (args = {}) => tf.sequential({ layers: [tf.layers.dense({ units: 1, inputShape: [2], ...args })] });

/** Two outputs of the same input. */
function twins(names = ['a', 'b']) {
  const input = tf.input({ shape: [2] });
  return tf.model({ inputs: input, outputs: names.map((name) => tf.layers.dense({ units: 1, name, kernelInitializer: 'zeros' }).apply(input)) });
}

const stored = async (model, config) => {
  let artifacts;
  await model.save({ save: async (given) => ((artifacts = given), { modelArtifactsInfo: { dateSaved: new Date(0), modelTopologyType: 'JSON' } }) }, config);
  return artifacts;
};

test('a batch size that is no positive integer is refused rather than looped on', async () => {
  const model = line();
  model.compile({ optimizer: 'sgd', loss: 'meanSquaredError' });
  const [x, y] = [tf.ones([5, 2]), tf.ones([5, 1])];
  for (const batchSize of [0, -2, 3.14, 'a', NaN]) {
    const expected = { code: 'argument', message: `batchSize is required to be a positive integer, but got ${batchSize}` };
    assert.throws(() => model.predict(x, { batchSize }), expected);
    assert.throws(() => model.evaluate(x, y, { batchSize }), expected);
    await assert.rejects(model.fit(x, y, { batchSize }), expected);
  }
  assert.deepEqual(model.predictOnBatch(x).shape, [5, 1]);
});

test('a second fit is refused from the moment that the first is called', async () => {
  const model = line();
  model.compile({ optimizer: 'sgd', loss: 'meanSquaredError' });
  const [x, y] = [tf.ones([4, 2]), tf.ones([4, 1])];
  const first = model.fit(x, y);
  await assert.rejects(model.fit(x, y), /another fit\(\) call is ongoing/);
  await first;
  await assert.rejects(model.fit(x, tf.ones([3, 1])), /same number of samples/);
  await model.fit(x, y);
});

test('weights of classes in a list, or by the names of outputs', async () => {
  const x = tf.tensor2d([[1, 0], [0, 1]]);
  const y = tf.tensor2d([[0], [1]]);
  const one = line({ kernelInitializer: 'zeros', name: 'only' });
  one.compile({ optimizer: tf.train.sgd(0), loss: 'meanSquaredError' });
  for (const classWeight of [{ 0: 1, 1: 10 }, [{ 0: 1, 1: 10 }], { only: { 0: 1, 1: 10 } }]) near((await one.fit(x, y, { classWeight })).history.loss, [5]);

  const two = twins();
  two.compile({ optimizer: tf.train.sgd(0), loss: 'meanSquaredError' });
  const losses = async (classWeight) => {
    const { history } = await two.fit(x, [y, y], { classWeight });
    return [history.a_loss[0], history.b_loss[0]];
  };
  near(await losses([{ 0: 1, 1: 4 }, { 0: 1, 1: 2 }]), [2, 1]);
  near(await losses([null, { 0: 1, 1: 2 }]), [0.5, 1]);
  near(await losses({ b: { 0: 1, 1: 6 } }), [0.5, 3]);
  near(await losses(null), [0.5, 0.5]);
  await assert.rejects(losses({ 0: 1, 1: 2 }), /has 2 outputs/);
  await assert.rejects(losses([{ 0: 1, 1: 2 }]), /has 2 outputs/);
  await assert.rejects(losses({ b: { 0: 1 } }), /The class 1 exists in the data/);

  const data = tf.data.generator(function* () {
    yield { xs: x, ys: { a: y, b: y } };
  });
  const { history } = await two.fitDataset(data, { epochs: 1, classWeight: { a: { 0: 1, 1: 4 } } });
  near([history.a_loss[0], history.b_loss[0]], [2, 0.5]);
});

test('callbacks are told the samples, the size of batches, the first epoch and whether there is validation', async () => {
  const model = line();
  model.compile({ optimizer: 'sgd', loss: 'meanSquaredError' });
  const seen = [];
  class Asks extends tf.Callback {
    async onTrainBegin() {
      const { epochs, initialEpoch, samples, batchSize, doValidation, metrics } = this.params;
      seen.push({ epochs, initialEpoch, samples, batchSize, doValidation, metrics });
    }
  }
  const fit = (args) => model.fit(tf.ones([10, 2]), tf.ones([10, 1]), { epochs: 3, batchSize: 4, callbacks: new Asks(), ...args });
  await fit({ initialEpoch: 1 });
  await fit({ validationSplit: 0.2 });
  assert.deepEqual(seen, [
    { epochs: 3, initialEpoch: 1, samples: 10, batchSize: 4, doValidation: false, metrics: ['loss'] },
    { epochs: 3, initialEpoch: 0, samples: 8, batchSize: 4, doValidation: true, metrics: ['loss', 'val_loss'] },
  ]);
});

test('losses that are not those of the outputs are refused', () => {
  const model = twins();
  const compile = (loss) => model.compile({ optimizer: 'sgd', loss });
  assert.throws(() => compile(['meanSquaredError']), /one entry per model output: the model has 2/);
  assert.throws(() => compile(['meanSquaredError', 'hinge', 'hinge']), /one entry per model output/);
  assert.throws(() => compile({ a: 'hinge', c: 'hinge' }), /Unknown entry in loss dictionary: "c"/);
  assert.throws(() => compile({ a: 'hinge' }), /"b" is missing from loss dictionary/);
  assert.throws(() => tf.model({ inputs: [model.inputs[0], model.inputs[0]], outputs: model.outputs }), /inputs of a model are redundant/);
});

test('a layer stays while another model calls it, and an optimizer that was given stays', async () => {
  const shared = tf.layers.dense({ units: 3 });
  const [first, second] = [0, 1].map(() => tf.sequential({ layers: [tf.layers.dense({ units: 2, inputShape: [4] }), shared] }));
  const x = tf.ones([1, 4]);
  assert.equal(first.dispose().numDisposedVariables, 2);
  assert.deepEqual(second.predict(x).shape, [1, 3]);
  assert.equal(second.dispose().numDisposedVariables, 4);

  const optimizer = tf.train.adam(0.1);
  const trained = async (optimizer) => {
    const model = line();
    model.compile({ optimizer, loss: 'meanSquaredError' });
    await model.fit(tf.ones([4, 2]), tf.ones([4, 1]));
    return model;
  };
  const slots = async (o) => (await o.getWeights()).filter(({ name }) => name !== 'iter');
  (await trained(optimizer)).dispose();
  assert.equal((await slots(optimizer)).length, 4);
  const model = await trained('adam');
  model.dispose();
  assert.equal((await slots(model.optimizer)).length, 0);
});

test('what a layer hands through is not its input', () => {
  class Through extends tf.layers.Layer {
    static className = 'Through';
    call(inputs) {
      return [inputs].flat()[0];
    }
  }
  const x = tf.ones([2, 3]);
  new Through({}).apply(x).dispose();
  tf.sequential({ layers: [new Through({ inputShape: [3] })] }).predict(x).dispose();
  assert.deepEqual(x.arraySync(), [[1, 1, 1], [1, 1, 1]]);
});

test('models with several losses are stored with them', async () => {
  const [x, y] = [tf.ones([4, 2]), tf.ones([4, 1])];
  for (const [loss, written] of [
    [['meanSquaredError', 'hinge'], ['mean_squared_error', 'hinge']],
    [{ a: 'meanSquaredError', b: 'hinge' }, { a: 'mean_squared_error', b: 'hinge' }],
  ]) {
    const model = twins();
    model.compile({ optimizer: 'adam', loss });
    await model.fit(x, [y, y]);
    const artifacts = await stored(model, { includeOptimizer: true });
    assert.deepEqual(artifacts.trainingConfig.loss, written);
    // All first moments, then all second ones: TensorFlow.js reads them by their order.
    assert.deepEqual(artifacts.weightSpecs.filter(({ group }) => group === 'optimizer').map(({ name }) => name), ['iter', 'a/kernel/m', 'a/bias/m', 'b/kernel/m', 'b/bias/m', 'a/kernel/v', 'a/bias/v', 'b/kernel/v', 'b/bias/v']);
    const loaded = await tf.loadLayersModel({ load: async () => artifacts });
    for (const m of [model, loaded]) await m.fit(x, [y, y]);
    near([...loaded.getWeights()[0].dataSync()], [...model.getWeights()[0].dataSync()], 1e-6);
  }
});

test('a topology with a manifest of weights', async () => {
  const model = line();
  const { modelTopology, weightSpecs, weightData } = await stored(model);
  const files = { './there/one': weightData };
  const { fetch } = globalThis;
  globalThis.fetch = async (path) => new Response(files[path]);
  try {
    const loaded = await tf.models.modelFromJSON({ modelTopology, weightsManifest: [{ paths: ['one'], weights: weightSpecs }], pathPrefix: './there' });
    assert.deepEqual(loaded.getWeights()[0].dataSync(), model.getWeights()[0].dataSync());
    const short = { modelTopology, weightsManifest: [{ paths: ['one'], weights: weightSpecs.slice(0, 1) }], pathPrefix: './there' };
    await assert.rejects(tf.models.modelFromJSON(short), /1 of 2 weights are not set/);
  } finally {
    globalThis.fetch = fetch;
  }
});

test('models are made again from their configurations', () => {
  const chain = tf.sequential({ layers: [tf.layers.inputLayer({ inputShape: [6, 6, 1] }), tf.layers.conv2d({ filters: 2, kernelSize: 3, dataFormat: 'channelsLast' }), tf.layers.flatten()] });
  const again = tf.Sequential.fromConfig(tf.Sequential, chain.getConfig());
  assert.ok(again instanceof tf.Sequential);
  assert.deepEqual(again.toJSON(null, false).config, chain.toJSON(null, false).config);
  const graph = twins();
  const copy = tf.LayersModel.fromConfig(tf.LayersModel, graph.getConfig());
  assert.deepEqual(copy.outputNames, ['a', 'b']);
  assert.deepEqual(copy.toJSON(null, false), graph.toJSON(null, false));
});

test("numbers of a configuration that are NumPy's", async () => {
  const topology = { class_name: 'Sequential', config: { name: 'm', layers: [{ class_name: 'ReLU', config: { name: 'r', batch_input_shape: [null, 2], max_value: { type: 'ndarray', value: 6 } } }] } };
  const model = await tf.models.modelFromJSON(topology);
  assert.deepEqual(model.predict(tf.tensor2d([[7, 5]])).arraySync(), [[6, 5]]);
});

test('metadata is what JSON can say', async () => {
  const model = line();
  class Box {}
  for (const bad of [undefined, null, 'text', 7, ['a'], { a: tf.ones([1]) }, { a: [new Box()] }, { a: () => 0 }]) {
    assert.throws(() => model.setUserDefinedMetadata(bad), /is expected to be a JSON object/);
  }
  const metadata = { labels: ['a', 'b'], nested: { rate: 0.5, none: null, on: true } };
  model.setUserDefinedMetadata(metadata);
  const artifacts = await stored(model);
  const loaded = await tf.loadLayersModel({ load: async () => artifacts });
  assert.deepEqual(loaded.getUserDefinedMetadata(), metadata);
});

test('weights that are numbered within their layers, as those of Keras 3', () => {
  const layers = [tf.layers.dense({ units: 1, inputShape: [2], name: 'd' }), tf.layers.batchNormalization({ name: 'n' })];
  const model = tf.sequential({ layers });
  const values = { 'd/0': tf.ones([2, 1]), 'd/1': tf.tensor1d([3]), 'n/0': tf.tensor1d([4]), 'n/1': tf.tensor1d([5]), 'n/2': tf.tensor1d([6]), 'n/3': tf.tensor1d([7]) };
  model.loadWeights(values);
  assert.deepEqual(layers.flatMap((layer) => layer.getWeights().map((w) => [...w.dataSync()])), [[1, 1], [3], [4], [5], [6], [7]]);
  const { 'n/3': _, ...fewer } = values;
  assert.throws(() => model.loadWeights(fewer), /1 of 6 weights are not set: n\/3/);
});

test('weights have the names that they were made with', () => {
  const [kernel] = line({ name: 'named' }).weights;
  assert.equal(kernel.originalName, 'named/kernel');
  assert.equal(kernel.id, kernel.val.id);
});
