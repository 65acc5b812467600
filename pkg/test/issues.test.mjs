// Operations, gradients, dtypes and numbers that users of TensorFlow.js found missing or wrong there. Gradients of single
// operations are in gradients.test.mjs.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import * as tf from '../dist/index.js';
import { gaps, issue } from './issue.mjs';

await tf.ready();

/** Trains `layers` on random numbers, and gives the losses of the epochs. */
async function losses(layers, inputShape, outputShape, x = tf.randomUniform([16, ...inputShape], 0, 1, 'float32', 1)) {
  tf.setSeed(3);
  const model = tf.sequential({ layers });
  model.compile({ optimizer: tf.train.adam(0.05), loss: 'meanSquaredError' });
  const { history } = await model.fit(x, tf.randomUniform([16, ...outputShape], 0, 1, 'float32', 2), { epochs: 8, verbose: 0 });
  model.dispose();
  return history.loss;
}
const learns = async (...args) => {
  const loss = await losses(...args);
  assert.ok(loss.every(Number.isFinite) && loss.at(-1) < loss[0], String(loss));
};

test('every gap that is listed has its test', () => {
  const here = new URL('.', import.meta.url);
  const sources = readdirSync(here).filter((file) => file.startsWith('issues')).map((file) => readFileSync(new URL(file, here), 'utf8')).join('\n');
  for (const [name, { reason, failure }] of Object.entries(gaps)) {
    assert.ok(sources.includes(`issue('${name}'`), name);
    assert.ok(reason.length > 20 && failure.length > 5, name);
  }
});

issue('8474: convolutions of every kind are trained on WebAssembly', async () => {
  const conv = { inputShape: [6, 5, 2], filters: 3, kernelSize: 3, activation: 'tanh' };
  await learns([tf.layers.conv2d({ ...conv, strides: 2, padding: 'same' }), tf.layers.maxPooling2d({ poolSize: 2 }), tf.layers.flatten(), tf.layers.dense({ units: 1 })], [6, 5, 2], [1]);
  await learns([tf.layers.depthwiseConv2d({ ...conv, depthMultiplier: 2 }), tf.layers.globalAveragePooling2d({}), tf.layers.dense({ units: 1 })], [6, 5, 2], [1]);
  await learns([tf.layers.separableConv2d(conv), tf.layers.averagePooling2d({ poolSize: 2 }), tf.layers.flatten(), tf.layers.dense({ units: 1 })], [6, 5, 2], [1]);
  await learns([tf.layers.conv2dTranspose({ ...conv, strides: 2, padding: 'same' })], [6, 5, 2], [12, 10, 3]);
});

issue('8082: embeddings are trained: places that come twice add up', async () => {
  const places = tf.tensor([[1, 2, 1], [0, 1, 3]], [2, 3], 'int32');
  const [table] = tf.grads((table) => tf.gather(table, places).sum())([tf.ones([5, 2])]);
  assert.deepEqual(table.arraySync(), [[1, 1], [3, 3], [1, 1], [1, 1], [0, 0]]);
  assert.deepEqual(tf.unsortedSegmentSum(tf.ones([4, 1]), tf.tensor([2, 0, 2, 1], [4], 'int32'), 4).arraySync(), [[1], [1], [2], [0]]);
  const words = tf.randomUniform([16, 4], 0, 9, 'int32', 5);
  await learns([tf.layers.embedding({ inputDim: 9, outputDim: 3, inputShape: [4] }), tf.layers.flatten(), tf.layers.dense({ units: 1 })], [4], [1], words);
});

issue('4325: an error names the operation, what it expected and what it received', () => {
  assert.throws(() => tf.engine().runKernel('NoSuch', {}), /Kernel 'NoSuch' not registered for backend 'cpu'/);
  assert.throws(() => tf.conv2d(tf.ones([1, 4, 4, 3]), tf.ones([2, 2, 4, 1]), 1, 'same'), /conv2d: depth of input \(3\) must match input depth for filter 4/);
  assert.throws(() => tf.matMul(tf.ones([2, 3]), tf.ones([2, 3])), /Error in matMul: expected equal inner dimensions, received inner dimensions 3 and 2/);
});

issue('5180: an engine that cannot run leaves the one in use, and says why', async () => {
  const x = tf.tensor([1, 2]);
  assert.equal(await tf.setBackend('webgpu'), false);
  assert.equal(tf.getBackend(), 'cpu');
  assert.match(tf.backendInfo().fallbackReason, /WebGPU/);
  assert.deepEqual(x.add(1).arraySync(), [2, 3]);
});

/** Operations that one or more of TensorFlow.js's back ends lack, with what they give. */
const LACKING = {
  bitwiseAnd: [() => tf.bitwiseAnd(tf.tensor([6], [1], 'int32'), tf.tensor([3], [1], 'int32')), [2]],
  broadcastTo: [() => tf.broadcastTo([1], [2]), [1, 1]],
  logSoftmax: [() => tf.logSoftmax([0, 0]).exp(), [0.5, 0.5]],
  logicalXor: [() => tf.logicalXor([true, true], [false, true]), [1, 0]],
  lowerBound: [() => tf.lowerBound([1, 3, 5], [4]), [2]],
  upperBound: [() => tf.upperBound([1, 3, 5], [3]), [2]],
  bandPart: [() => tf.linalg.bandPart([[1, 2], [3, 4]], 0, -1), [1, 2, 0, 4]],
  nonMaxSuppressionPadded: [() => tf.image.nonMaxSuppressionPadded([[0, 0, 1, 1], [0, 0, 1, 1]], [0.5, 0.9], 2, 0.5, 0.1, true).selectedIndices, [1, 0]],
  pool: [() => tf.pool(tf.tensor([[[[1], [2]], [[3], [4]]]]), 2, 'max', 'valid'), [4]],
  raggedGather: [() => tf.raggedGather([tf.tensor([0, 2, 3], [3], 'int32')], tf.tensor([1, 2, 3]), tf.tensor([1], [1], 'int32'), 1).outputDenseValues, [3]],
  raggedRange: [() => tf.raggedRange([0], [3], [1]).rtDenseValues, [0, 1, 2]],
  raggedTensorToTensor: [() => tf.raggedTensorToTensor([2, 2], [1, 2, 3], 0, [[0, 2, 3]], ['ROW_SPLITS']), [1, 2, 3, 0]],
  sparseFillEmptyRows: [() => tf.sparse.sparseFillEmptyRows([[0, 0]], [1], [2, 1], 5).outputValues, [1, 5]],
  sparseReshape: [() => tf.sparse.sparseReshape([[1, 0]], [2, 2], [4]).outputIndices, [2]],
  staticRegexReplace: [() => tf.string.staticRegexReplace(['ab'], 'b', 'c'), ['ac']],
  stringSplit: [() => tf.string.stringSplit(['a b'], ' ').values, ['a', 'b']],
  stringToHashBucketFast: [() => tf.string.stringToHashBucketFast(['a'], 10), [9]],
  unique: [() => tf.unique([1, 2, 1]).values, [1, 2]],
  dilation2d: [() => tf.dilation2d(tf.tensor([[[[1], [2]]]]), tf.zeros([1, 2, 1]), 1, 'valid'), [2]],
  'fft of complex numbers': [() => tf.abs(tf.fft(tf.complex([1, 0], [0, 1]))), [Math.SQRT2, Math.SQRT2]],
  einsum: [() => tf.einsum('i,i->', [1, 2], [3, 4]), [11]],
};
for (const [name, [call, wanted]] of Object.entries(LACKING)) {
  issue(`5496, 8474: ${name} is there`, () => {
    const got = Array.from(call().dataSync());
    assert.equal(got.length, wanted.length);
    got.forEach((x, i) => assert.ok(x === wanted[i] || Math.abs(x - wanted[i]) < 1e-6, `${got}`));
  });
}

issue('8360, 7535, 4445: float16 is a dtype that computes, trains and accumulates in float32', () => {
  const half = (values) => tf.tensor(values, undefined, 'float16');
  assert.deepEqual(half([65504]).add(half([65504])).arraySync(), [Infinity]);
  assert.equal(tf.ones([1, 5000], 'float16').matMul(tf.ones([5000, 1], 'float16')).dataSync()[0], 5000);
  assert.equal(tf.ones([5000], 'float16').sum().dataSync()[0], 5000);
  // 70000 is more than a half can hold: only the mean is rounded to one.
  assert.equal(tf.ones([70_000], 'float16').mean().dataSync()[0], 1);
  const [x, y] = [half([[1, 2], [3, 4], [5, 6]]), half([[1], [2], [3]])];
  const w = tf.variable(tf.zeros([2, 1], 'float16'));
  const loss = () => x.matMul(w).sub(y).square().mean();
  const optimizer = tf.train.adam(0.1);
  for (let i = 0; i < 50; i++) optimizer.minimize(loss);
  assert.equal(w.dtype, 'float16');
  assert.ok(loss().dataSync()[0] < 0.05, String(loss().dataSync()[0]));
});

issue('206: images are uint8, a byte for each of their numbers', () => {
  const before = tf.memory().numBytes;
  const image = tf.tensor(Uint8Array.from({ length: 300 }, (_, i) => i), [10, 10, 3], 'uint8');
  assert.equal(tf.memory().numBytes - before, 300);
  assert.deepEqual([image.dtype, image.max().dataSync()[0]], ['uint8', 255]);
  assert.deepEqual(tf.reverse(image, 0).dtype, 'uint8');
  assert.ok(image.dataSync() instanceof Uint8Array);
  assert.deepEqual(tf.div(image, 255).dtype, 'float32');
});

issue('206: the engine stores a byte in a byte', () => {
  const size = 1 << 20;
  const before = tf.memory().engineBytes;
  const image = tf.tensor(new Uint8Array(size).fill(7), [size], 'uint8');
  image.dataSync();
  const took = tf.memory().engineBytes - before;
  image.dispose();
  assert.ok(took <= size + 4096, `took ${took} bytes for ${size} numbers`);
});

issue('206: whole numbers of 64 bits', () => {
  assert.equal(tf.tensor([1], [1], 'int64').dtype, 'int64');
});

issue('1492: tensors are quantised to bytes, and products take them', () => {
  const w = tf.randomNormal([64, 32], 0, 1, 'float32', 1);
  const x = tf.randomNormal([3, 64], 0, 1, 'float32', 2);
  const before = tf.memory().numBytes;
  const q = tf.quantize(w, 0.04);
  assert.equal(q.dtype, 'int8');
  assert.equal(tf.memory().numBytes - before, 64 * 32);
  const error = tf.sub(x.matMul(w), x.matMul(tf.dequantize(q, 0.04))).abs().max().dataSync()[0];
  assert.ok(error < 0.04 * 8, String(error));
});

/** A model of two dense layers and what it is stored as, its kernels in fewer bits. */
async function quantizedModel(dtype, scale = 0.01, min = -1) {
  const dense = (units, extra) => tf.layers.dense({ units, useBias: false, ...extra });
  const model = tf.sequential({ layers: [dense(64, { inputShape: [64] }), dense(3)] });
  let stored;
  await model.save(tf.io.withSaveHandler(async (artifacts) => ((stored = artifacts), { modelArtifactsInfo: { dateSaved: new Date(), modelTopologyType: 'JSON' } })));
  model.dispose();
  const width = dtype === 'uint8' ? 1 : 2;
  const weightData = Uint8Array.from({ length: 67 * 64 * width }, (_, i) => (i * 37) % 101).buffer;
  const weightSpecs = stored.weightSpecs.map((spec) => ({ ...spec, quantization: dtype === 'float16' ? { dtype } : { dtype, scale, min } }));
  return tf.io.fromMemory({ modelTopology: stored.modelTopology, weightSpecs, weightData });
}

for (const [dtype, width, scale] of [['uint8', 1, 0.01], ['uint16', 2, 1e-5], ['float16', 2]]) {
  issue(`1492: quantised weights of a stored model stay ${dtype === 'uint8' ? 'bytes' : dtype}`, async () => {
    const handler = await quantizedModel(dtype, scale);
    const plain = await tf.loadLayersModel(handler);
    const x = tf.randomNormal([5, 64], 0, 1, 'float32', 3);
    const wanted = plain.predict(x);
    wanted.dataSync();
    const before = tf.memory();
    const model = await tf.loadLayersModel(handler, { keepQuantized: true });
    const near = (got, wanted) => tf.tidy(() => assert.ok(tf.sub(got, wanted).div(wanted.abs().max()).abs().max().dataSync()[0] < 1e-5));
    const size = 67 * 64;
    const taken = () => {
      const { numBytes, engineBytes } = tf.memory();
      return [numBytes - before.numBytes, engineBytes - before.engineBytes];
    };
    for (let i = 0; i < 2; i++) {
      const y = model.predict(x);
      near(y, wanted);
      y.dispose();
      const [numBytes, engineBytes] = taken();
      assert.equal(numBytes, size * width, `took ${numBytes} bytes for ${size} numbers`);
      // The CPU engine has lanes of 32 bits for halves.
      if (dtype !== 'float16') assert.ok(engineBytes <= size * width + 1024, `the engine took ${engineBytes} bytes for ${size} numbers`);
    }
    assert.deepEqual(model.weights.map((w) => w.dtype), ['float32', 'float32']);
    near(model.getWeights()[0], plain.getWeights()[0]);
    // What is trained becomes float32; what is frozen stays.
    for (const m of [model, plain]) m.layers[0].trainable = false;
    for (const m of [model, plain]) {
      m.compile({ optimizer: 'adam', loss: 'meanSquaredError' });
      await m.fit(x, tf.ones([5, 3]), { epochs: 2, shuffle: false, verbose: 0 });
    }
    near(model.predict(x), plain.predict(x));
    near(model.getWeights()[1], plain.getWeights()[1]);
    model.dispose();
    plain.dispose();
  });
}

issue('7906: layers with dilated kernels are trained', () =>
  learns([tf.layers.conv2d({ inputShape: [6, 5, 1], filters: 2, kernelSize: 2, dilationRate: 2 }), tf.layers.flatten(), tf.layers.dense({ units: 1 })], [6, 5, 1], [1]));

issue('8277: causal convolutions along time', () => {
  const model = tf.sequential({ layers: [tf.layers.conv1d({ inputShape: [5, 1], filters: 1, kernelSize: 2, padding: 'causal', kernelInitializer: 'ones' })] });
  assert.deepEqual(model.predict(tf.tensor([[[1], [2], [3], [4], [5]]])).arraySync(), [[[1], [3], [5], [7], [9]]]);
});

issue('ResizeBilinearGrad: images that are not square are scaled in a model that is trained', () =>
  learns([tf.layers.conv2d({ inputShape: [3, 5, 1], filters: 2, kernelSize: 2, padding: 'same' }), tf.layers.upSampling2d({ size: [2, 3], interpolation: 'bilinear' }), tf.layers.conv2d({ filters: 1, kernelSize: 1 })], [3, 5, 1], [6, 15, 1]));

issue('90, 265, 1209, 3267, 4149: float32 has its range and digits', () => {
  const one = (t) => t.dataSync()[0];
  assert.equal(tf.backend().floatPrecision(), 32);
  assert.equal(one(tf.scalar(70_000).square()), Math.fround(4.9e9));
  assert.equal(one(tf.scalar(1e-12).mul(1e-12)), Math.fround(1e-24));
  assert.equal(one(tf.scalar(1).add(2 ** -23).sub(1)), 2 ** -23);
  assert.equal(one(tf.tensor([4097]).mul(4097)), Math.fround(4097 * 4097));
  assert.ok(Math.abs(one(tf.log(tf.scalar(1e-9))) - Math.log(1e-9)) < 1e-5);
  assert.deepEqual(tf.softmax([1000, 0, -1000]).arraySync(), [1, 0, 0]);
  assert.deepEqual(tf.sigmoid([-200, 200]).arraySync().map(Math.round), [0, 1]);
  assert.ok(Math.abs(one(tf.logSumExp([1e4, 1e4])) - 1e4 - Math.LN2) < 1e-3);
  // Sizes and places beyond the whole numbers of a half, and of a float.
  assert.equal(one(tf.range(0, 5000).sum()), 12_497_500);
  assert.equal(one(tf.gather(tf.range(0, 2 ** 24 + 8, 1, 'int32'), tf.tensor([2 ** 24 + 5], [1], 'int32'))), 2 ** 24 + 5);
});

test('sums of many numbers keep their digits', () => {
  const near = (t, wanted) => t.dataSync().forEach((x) => assert.ok(Math.abs(x / wanted - 1) < 1e-5, `${x} for ${wanted}`));
  near(tf.fill([4_000_000], 0.1).sum(), 400_000);
  near(tf.fill([3, 1_000_000], 0.1).mean(1), 0.1);
  near(tf.fill([1_000_000, 3], 0.1).sum(0), 100_000);
  near(tf.add(tf.fill([2000, 1000], 0.05), 0.05).mean(), 0.1);
});

issue('4438: sort and argsort, with gradients', () => {
  const x = tf.tensor([[3, 1, 2], [-1, 5, 0]]);
  assert.deepEqual(tf.sort(x).arraySync(), [[1, 2, 3], [-1, 0, 5]]);
  assert.deepEqual(tf.argsort(x, 1, true).arraySync(), [[0, 2, 1], [1, 2, 0]]);
  assert.deepEqual(tf.grad((x) => tf.sort(x).mul([1, 10, 100]).sum())(x).arraySync(), [[100, 1, 10], [1, 100, 10]]);
});

/** A model that gives 0, and does not learn. */
function zero(loss = 'meanSquaredError', more = {}) {
  const input = tf.input({ shape: [1] });
  const outputs = ['a', 'b'].map((name) => tf.layers.dense({ units: 1, name, kernelInitializer: 'zeros' }).apply(input));
  const model = tf.model({ inputs: input, outputs: more.lossWeights === undefined ? outputs[0] : outputs });
  model.compile({ optimizer: tf.train.sgd(0), loss, ...more });
  return model;
}

issue('25: samples have weights', async () => {
  const { history } = await zero().fit(tf.ones([2, 1]), tf.tensor([[1], [2]]), { sampleWeight: tf.tensor([1, 0]), verbose: 0 });
  assert.equal(history.loss[0], 0.5, `sampleWeight is left out: the loss is ${history.loss[0]}`);
});

issue('25: classes have weights', async () => {
  const { history } = await zero().fit(tf.ones([2, 1]), tf.tensor([[1], [2]]), { classWeight: { 1: 1, 2: 0 }, verbose: 0 });
  assert.equal(history.loss[0], 0.5);
});

issue('25: losses have weights', async () => {
  const { history } = await zero('meanSquaredError', { lossWeights: [1, 0.5] }).fit(tf.ones([2, 1]), [tf.ones([2, 1]), tf.ones([2, 1])], { verbose: 0 });
  assert.equal(history.loss[0], 1.5, `lossWeights are left out: the loss is ${history.loss[0]}`);
});

issue('8488: early stopping gives the best weights back', async () => {
  const model = tf.sequential({ layers: [tf.layers.dense({ units: 1, inputShape: [1], useBias: false, kernelInitializer: 'zeros' })] });
  // Too fast a rate: every step is worse than the one before.
  model.compile({ optimizer: tf.train.sgd(3), loss: 'meanSquaredError' });
  const seen = [];
  const watch = { onEpochEnd: () => { seen.push(model.getWeights()[0].dataSync()[0]); } };
  const callbacks = [watch, tf.callbacks.earlyStopping({ monitor: 'loss', patience: 1, restoreBestWeights: true })];
  await model.fit(tf.ones([4, 1]), tf.ones([4, 1]), { epochs: 9, verbose: 0, callbacks });
  assert.ok(seen.length < 9 && Math.abs(seen.at(-1)) > 5, String(seen));
  assert.equal(model.getWeights()[0].dataSync()[0], seen[0]);
});
