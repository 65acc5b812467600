// Memory: what users of TensorFlow.js found to leak there, with and without tidy, where all goes well and where it fails.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as tf from '../dist/index.js';
import { issue } from './issue.mjs';

await tf.ready();

const count = () => tf.memory().numTensors;
/** Calls `f` three times; the last two leave `more` tensors each, and no bytes where that is none. */
async function leaves(more, f) {
  await f();
  const before = tf.memory();
  for (let i = 0; i < 2; i++) await f();
  assert.equal(count() - before.numTensors, 2 * more, `${(count() - before.numTensors) / 2} tensors are left, expected ${more}`);
  if (more === 0) assert.equal(tf.memory().numBytes, before.numBytes);
}
/** `f`, which is to throw. */
const failing = (f) => async () => {
  await assert.rejects(async () => f());
};
const stop = () => {
  throw new Error('stop');
};

const network = (...more) => tf.sequential({ layers: [tf.layers.dense({ units: 4, inputShape: [3], activation: 'relu' }), tf.layers.batchNormalization(), ...more, tf.layers.dense({ units: 1 })] });
function compiled(...more) {
  const model = network(...more);
  model.compile({ optimizer: 'adam', loss: 'meanSquaredError', metrics: ['mae'] });
  return model;
}
const [x, y] = [tf.ones([20, 3]), tf.ones([20, 1])];

issue('2204: what a program drops is freed without tidy, of values and of gradients', async () => {
  const w = tf.variable(tf.ones([200, 3]));
  const work = () => {
    for (let i = 0; i < 300; i++) tf.grad((w) => w.mul(i).square().sum())(w).dataSync();
  };
  const settle = async () => {
    for (let i = 0; i < 3; i++) {
      globalThis.gc();
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    return tf.memory();
  };
  work();
  const first = await settle();
  for (let i = 0; i < 3; i++) work();
  const last = await settle();
  assert.ok(last.numTensors <= first.numTensors + 300, `${first.numTensors}, then ${last.numTensors}`);
  assert.ok(last.engineBytes <= first.engineBytes + 300 * 2400, `${first.engineBytes}, then ${last.engineBytes}`);
  w.dispose();
});

issue('2204: tidy gives back what was made, however it ends', async () => {
  await leaves(0, () => tf.tidy(() => void tf.ones([3]).add(1)));
  await leaves(0, failing(() => tf.tidy(() => stop(tf.ones([3]).add(1)))));
  await leaves(0, failing(() => tf.tidy(() => tf.tidy(() => tf.ones([3])).add(tf.ones([4])))));
  await leaves(0, () => tf.dispose(tf.tidy(() => ({ list: [tf.ones([1]), null], nested: { t: tf.ones([2]).add(1) }, text: 'x' }))));
  await leaves(0, () => {
    const kept = tf.tidy(() => [tf.keep(tf.ones([2])), tf.ones([1])][0]);
    assert.equal(kept.isDisposed, false);
    kept.dispose();
  });
  // A scope that fails does not take its caller's tensors along.
  const outer = tf.tidy(() => {
    const mine = tf.ones([2]);
    assert.throws(() => tf.tidy(stop));
    return mine.add(1);
  });
  assert.deepEqual(outer.arraySync(), [2, 2]);
  outer.dispose();
});

/** Calls with arrays for tensors, which are converted on the way. */
const CALLS = {
  add: () => tf.add([1], [2]), matMul: () => tf.matMul([[1]], [[2]]), concat: () => tf.concat([[1], [2]]), stack: () => tf.stack([[1], [2]]), where: () => tf.where([true], [1], [2]),
  sum: () => tf.sum([1, 2]), mean: () => tf.mean([1, 2]), moments: () => tf.moments([1, 2]), softmax: () => tf.softmax([1, 2]), gather: () => tf.gather([1, 2], [0]), gatherND: () => tf.gatherND([1, 2], [[0]]),
  scatterND: () => tf.scatterND([[1]], [5], [3]), oneHot: () => tf.oneHot([1], 2), pad: () => tf.pad([1], [[1, 1]]), norm: () => tf.norm([1, 2]), topk: () => tf.topk([1, 2], 1), unique: () => tf.unique([1, 1]),
  einsum: () => tf.einsum('i,i->', [1, 2], [1, 2]), split: () => tf.split([1, 2], 2), unstack: () => tf.unstack([[1], [2]]), cumsum: () => tf.cumsum([1, 2]), sort: () => tf.sort([2, 1]), logSumExp: () => tf.logSumExp([1, 2]),
  conv2d: () => tf.conv2d([[[1], [2]]], [[[[1]]]], 1, 'same'), batchNorm: () => tf.batchNorm([[1, 2]], [1, 1], [1, 1]), resize: () => tf.image.resizeBilinear([[[1], [2]]], [3, 3]), dropout: () => tf.dropout([1, 2], 0.5),
  huber: () => tf.losses.huberLoss([1], [2]), crossEntropy: () => tf.losses.softmaxCrossEntropy([[1, 0]], [[1, 2]]), fft: () => tf.fft(tf.tidy(() => tf.complex([1], [2]))), nms: () => tf.image.nonMaxSuppression([[0, 0, 1, 1]], [0.5], 1),
  ragged: () => tf.raggedRange([0], [3], [1]), sparse: () => tf.sparse.sparseReshape([[1, 0]], [2, 2], [4]), strings: () => tf.string.stringSplit(['a b'], ' '), quantize: () => tf.quantize([1, 2], 0.5), attention: () => tf.scaledDotProductAttention([[1]], [[1]], [[1]]),
};
/** How many of them an operation leaves behind. */
const INPUTS = { fft: 1 };
for (const [name, call] of Object.entries(CALLS)) {
  test(`${name} leaves its results and nothing else`, () => leaves(INPUTS[name] ?? 0, () => tf.dispose(call())));
}

/** Calls that fail after an operand was converted. */
const FAILURES = {
  add: () => tf.add([1, 2], [1, 2, 3]), matMul: () => tf.matMul([[1]], [[1, 2], [3, 4]]), concat: () => tf.concat([[1], [[2]]]), softmax: () => tf.softmax([1, 2], 5), gather: () => tf.gather([1], [0], 3), where: () => tf.where([true, false], [1, 2, 3], [1]),
  conv2d: () => tf.conv2d([[[1]]], [1], 1, 'same'), reshape: () => tf.reshape([1, 2], [3]), einsum: () => tf.einsum('ij,i->j', [1], [2]), oneHot: () => tf.oneHot([1], 1.5), batchNorm: () => tf.batchNorm([[1, 2]], [1, 1], [1, 1, 1]),
  stack: () => tf.stack([[1], [1, 2]]), quantize: () => tf.quantize([1, 2], [1, 1], 0), customGrad: () => tf.grad((x) => tf.customGrad((x) => ({ value: x.mul(2), gradFunc: stop }))(x))([1]), grad: () => tf.grad(() => tf.scalar(1))([1]),
};
for (const [name, call] of Object.entries(FAILURES)) {
  test(`${name} leaves nothing behind when it fails`, () => leaves(0, failing(call)));
}

issue('5980: gradients leave nothing but themselves', async () => {
  const w = tf.variable(tf.ones([3, 3]));
  const loss = () => x.matMul(w).square().mean();
  await leaves(0, () => tf.dispose(tf.variableGrads(loss, [w])));
  await leaves(0, () => tf.dispose(tf.valueAndGrads((a, b) => a.mul(b).sum())([x, x])));
  await leaves(0, () => tf.grad((a) => tf.grad((b) => b.pow(3).sum())(a).sum())(x).dispose());
  await leaves(0, failing(() => tf.variableGrads(() => stop(loss()), [w])));
  w.dispose();
});

issue('5980: what a custom gradient saves goes with the step', async () => {
  const cube = tf.customGrad((x, save) => {
    save([x]);
    return { value: x.pow(3), gradFunc: (dy, [x]) => dy.mul(x.square().mul(3)) };
  });
  const a = tf.tensor([1, 2]);
  await leaves(0, () => cube(a).dispose());
  await leaves(0, () => tf.grad((a) => cube(a).sum())(a).dispose());
  await leaves(0, failing(() => tf.grad((a) => stop(cube(a)))(a)));
  // The gradient of the gradient still finds it.
  const twice = tf.grad((a) => tf.grad((b) => cube(b).sum())(a).sum());
  assert.deepEqual(twice(a).arraySync(), [6, 12]);
  await leaves(0, () => twice(a).dispose());
});

issue('5980: an optimizer holds its slots, until it is disposed', async () => {
  const w = tf.variable(tf.ones([3, 1]));
  const loss = () => x.matMul(w).square().mean();
  for (const name of ['sgd', 'momentum', 'adagrad', 'adadelta', 'adam', 'adamax', 'rmsprop']) {
    await leaves(0, () => {
      const optimizer = tf.train[name](0.1, 0.5);
      for (let i = 0; i < 3; i++) optimizer.minimize(loss);
      optimizer.minimize(loss, true)?.dispose();
      optimizer.dispose();
    });
    const optimizer = tf.train[name](0.1, 0.5);
    await leaves(0, () => void optimizer.minimize(loss));
    await leaves(0, failing(() => optimizer.minimize(() => stop(loss()))));
    optimizer.dispose();
  }
  w.dispose();
});

issue('5034, 995: a model leaves nothing when it is disposed, with shared layers, models inside it and copies', async () => {
  await leaves(0, () => {
    const inputs = [tf.input({ shape: [3] }), tf.input({ shape: [3] })];
    const shared = tf.layers.dense({ units: 2 });
    const inner = tf.sequential({ layers: [tf.layers.dense({ units: 2, inputShape: [4] }), tf.layers.batchNormalization()] });
    const model = tf.model({ inputs, outputs: inner.apply(tf.layers.concatenate().apply(inputs.map((t) => shared.apply(t)))) });
    tf.dispose(model.predict([x, x]));
    model.dispose();
  });
  const model = network();
  let stored;
  await model.save(tf.io.withSaveHandler(async (artifacts) => ((stored = artifacts), { modelArtifactsInfo: { dateSaved: new Date(), modelTopologyType: 'JSON' } })));
  await leaves(0, async () => (await tf.loadLayersModel(tf.io.fromMemory(stored))).dispose());
  model.dispose();
});

issue('8326: training, evaluating and predicting hold memory flat', async () => {
  const model = compiled(tf.layers.dropout({ rate: 0.1 }));
  const fit = { epochs: 2, batchSize: 8, verbose: 0 };
  await leaves(0, () => model.fit(x, y, fit));
  await leaves(0, () => model.fit(x, y, { ...fit, validationSplit: 0.5, shuffle: false }));
  await leaves(0, () => model.fit(x, y, { ...fit, validationData: [x, y], callbacks: { onBatchEnd: () => {}, onEpochEnd: () => {} } }));
  await leaves(0, () => model.trainOnBatch(x, y));
  await leaves(0, () => tf.dispose(model.evaluate(x, y, { batchSize: 8 })));
  await leaves(0, () => tf.dispose(model.predict(x, { batchSize: 8 })));
  await leaves(0, failing(() => model.fit(x, y, { ...fit, callbacks: { onBatchEnd: stop } })));
  await leaves(0, failing(() => model.fit(x, y, { ...fit, validationSplit: 0.5, callbacks: { onEpochEnd: stop } })));
  model.dispose();
});

issue('8326: a layer that fails leaves nothing behind', async () => {
  class Fails extends tf.Layer {
    static className = 'Fails';
    call(input) {
      return stop([input].flat()[0].add(1));
    }
    computeOutputShape(shape) {
      return shape;
    }
  }
  const model = compiled(new Fails());
  for (const run of [() => model.predict(x), () => model.evaluate(x, y), () => model.trainOnBatch(x, y), () => model.fit(x, y, { verbose: 0 })]) await leaves(0, failing(run));
  model.dispose();
});

issue('8326: models take plain arrays', async () => {
  const model = compiled();
  const [rows, targets] = [x.arraySync(), y.arraySync()];
  const flat = targets.flat();
  const same = (a, b) => assert.deepEqual(tf.tidy(() => a.arraySync()), tf.tidy(() => b.arraySync()));
  await leaves(0, () => tf.tidy(() => same(model.predict(rows), model.predict(x))));
  await leaves(0, () => tf.tidy(() => same(model.predict([Float32Array.of(1, 2, 3)]), model.predict([tf.tensor([[1, 2, 3]])]))));
  await leaves(0, () => tf.tidy(() => same(model.predict({ [model.inputNames[0]]: [[1, 2, 3]] }), model.predictOnBatch([[1, 2, 3]]))));
  await leaves(0, () => tf.tidy(() => same(model.execute([[true, false, true]], model.layers[0].name), model.execute(tf.tensor([[1, 0, 1]]), model.layers[0].name))));
  await leaves(0, () => tf.tidy(() => model.evaluate(rows, targets, { batchSize: 8, sampleWeight: flat }).forEach((t, i) => same(t, model.evaluate(x, y, { batchSize: 8, sampleWeight: tf.ones([20]) })[i]))));
  await leaves(0, () => model.fit(rows, Float32Array.from(flat), { batchSize: 8, validationSplit: 0.5, sampleWeight: Float32Array.from(flat), verbose: 0 }));
  await leaves(0, () => model.fit(rows, flat, { validationData: [rows, flat], verbose: 0 }));
  await leaves(0, () => model.fitDataset(tf.data.array([{ xs: [1, 2, 3], ys: [1] }]).batch(1), { validationData: [rows, targets], epochs: 1 }));
  await leaves(0, async () => [await model.trainOnBatch(rows, flat), await model.testOnBatch(rows, flat)]);
  await leaves(0, failing(() => model.fit(rows, [1, 2])));
  await leaves(0, failing(() => model.fit(rows, flat, { batchSize: 0 })));
  model.dispose();
});

issue('8326: plain arrays of one tensor and of several are told apart', async () => {
  const [a, b] = [tf.input({ shape: [2] }), tf.input({ shape: [1], dtype: 'int32' })];
  const joined = tf.layers.concatenate().apply([a, tf.layers.flatten().apply(tf.layers.embedding({ inputDim: 5, outputDim: 3 }).apply(b))]);
  const dense = (name) => tf.layers.dense({ units: 1, name }).apply(joined);
  const model = tf.model({ inputs: [a, b], outputs: [dense('u'), dense('v')] });
  model.compile({ optimizer: 'sgd', loss: 'meanSquaredError' });
  const inputs = [[[1, 2], [3, 4], [5, 6]], [0, 1, 4]];
  const tensors = [tf.tensor(inputs[0]), tf.tensor([[0], [1], [4]], [3, 1], 'int32')];
  await leaves(0, () =>
    tf.tidy(() => {
      const expected = model.predict(tensors).map((t) => t.arraySync());
      for (const given of [inputs, [tensors[0], inputs[1]], { [model.inputNames[0]]: inputs[0], [model.inputNames[1]]: Uint8Array.from(inputs[1]) }]) {
        assert.deepEqual(model.predict(given).map((t) => t.arraySync()), expected);
      }
    }),
  );
  await leaves(0, () => model.fit(inputs, { u: [1, 2, 3], v: [[1], [2], [3]] }, { verbose: 0 }));
  await leaves(0, () => model.fit(inputs, [[1, 2, 3], [1, 2, 3]], { sampleWeight: [[1, 0, 1], [0, 1, 0]], verbose: 0 }));
  assert.throws(() => model.predict([inputs[0]]), /2/);
  const single = compiled();
  assert.throws(() => single.predict([undefined]), /Input 0 must be a tensor or an array of numbers, but got object/);
  assert.throws(() => single.predict(undefined), /Input 0 must be a tensor or an array of numbers, but got undefined/);
  assert.throws(() => single.predict([[1, 2, 3], [4, 5]]), /arr\[1\] should have 3 elements, but has 2/);
  assert.throws(() => single.predict([[1, 2]]), /expected .* to have shape \[null,3\] but got array with shape \[1,2\]/);
  assert.throws(() => single.predict([]), /shape \[null,3\] but got array with shape \[0,1\]/);
  await assert.rejects(single.fit([['a', 'b', 'c']], [1]), /Argument 'Input 0' passed to .* must be float32 tensor, but got string tensor/);
  model.dispose();
  single.dispose();
});

issue('8326: the parts of complex numbers leave nothing behind', async () => {
  const [a, b] = [tf.complex([[1, 2]], [[3, 4]]), tf.complex([[5, -6]], [[7, 8]])];
  a.dataSync();
  const made = {
    complex: () => tf.complex([1, 2], [3, 4]), 'of whole numbers': () => tf.tidy(() => tf.complex(tf.tensor([1, 2], [2], 'int32'), [3, 4])), real: () => tf.real(a), imag: () => tf.imag(a),
    'real of floats': () => tf.real(x), 'imag of floats': () => tf.imag(x), zeros: () => tf.zeros([2], 'complex64'), ones: () => tf.ones([2], 'complex64'),
    add: () => a.add(b), mul: () => a.mul(b), div: () => a.div(b), 'mul by floats': () => a.mul(2), abs: () => a.abs(), exp: () => a.exp(), matMul: () => a.matMul(b, false, true), sum: () => a.sum(),
    concat: () => a.concat(b), slice: () => a.slice([0, 1]), transpose: () => a.transpose(), conjugate: () => tf.transpose(a, undefined, true), onesLike: () => tf.onesLike(a), 'cast of floats': () => x.cast('complex64'), pad: () => a.pad([[0, 0], [1, 1]]), cast: () => a.cast('float32'), where: () => tf.where([[true, false]], a, b),
    equal: () => a.equal(b), clone: () => a.clone(), stack: () => tf.stack([a, b]), einsum: () => tf.einsum('ij,kj->ik', a, b), print: () => void a.toString(),
  };
  for (const [name, f] of Object.entries(made)) await leaves(0, () => tf.dispose(f() ?? [])).catch((error) => assert.fail(`${name}: ${error.message}`));
  await leaves(0, async () => void (await a.data(), a.arraySync()));
  tf.dispose([a, b]);
});

issue('4166: results of layers share their memory: many take no more than few', () => {
  const size = 4 * 64 * 64 * 8 * 4;
  const grew = (layers) => {
    const model = tf.sequential();
    for (let i = 0; i < layers; i++) model.add(tf.layers.conv2d({ inputShape: [64, 64, 8], filters: 8, kernelSize: 3, padding: 'same', activation: 'relu' }));
    const images = tf.ones([4, 64, 64, 8]);
    images.dataSync();
    const before = tf.memory();
    const out = model.predict(images);
    out.dataSync();
    const { engineBytes, pooledBytes } = tf.memory();
    tf.dispose([out, images]);
    model.dispose();
    return engineBytes + pooledBytes - before.engineBytes - before.pooledBytes;
  };
  grew(2);
  const deep = grew(24);
  assert.ok(deep <= 4 * size, `${deep} bytes for layers of ${size}`);
});
