// Gradients of operations against central differences: of those that are made of others, and of those that users of
// TensorFlow.js found missing or wrong there (numbers of its issues).
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as tf from '../dist/index.js';

/** Values without ties, of either sign, away from zero. */
function values(shape, seed, low = -1, high = 1) {
  let state = seed * 7919 + 17;
  const next = () => (state = (state * 16807) % 2147483647) / 2147483647;
  const size = shape.reduce((a, b) => a * b, 1);
  return tf.tensor(Float32Array.from({ length: size }, () => low + (high - low) * next()), shape);
}

const STEP = 0.02;

/** Compares the gradients of `f`, weighted by random numbers, by every input. */
function check(f, shapes, { low, high, tolerance = 2e-2 } = {}) {
  const inputs = shapes.map((shape, i) => values(shape, i + 1, low, high));
  const weights = values(f(...inputs).shape, 99);
  const loss = (...xs) => tf.sum(tf.mul(f(...xs), weights));
  const grads = tf.grads(loss)(inputs);
  inputs.forEach((input, which) => {
    const data = input.dataSync();
    const got = grads[which].dataSync();
    assert.deepEqual(grads[which].shape, input.shape);
    for (let i = 0; i < data.length; i++) {
      const at = (by) => {
        const moved = data.slice();
        moved[i] += by;
        return tf.tidy(() => loss(...inputs.map((x, k) => (k === which ? tf.tensor(moved, input.shape) : x))).dataSync()[0]);
      };
      const wanted = (at(STEP) - at(-STEP)) / (2 * STEP);
      assert.ok(Math.abs(got[i] - wanted) <= tolerance * Math.max(1, Math.abs(wanted)), `input ${which}, element ${i}: got ${got[i]}, differences give ${wanted}`);
    }
  });
}

const abs2 = (z) => tf.add(tf.square(tf.real(z)), tf.square(tf.imag(z)));
const complex = (x) => tf.complex(tf.slice(x, [0, 0], [1, -1]), tf.slice(x, [1, 0], [1, -1]));
const cases = {
  'einsum (5690, 7722, 8277)': [(a, b) => tf.einsum('bij,bkj->bik', a, b), [[2, 3, 4], [2, 5, 4]]],
  'einsum of three operands, with a trace': [(a, b, c) => tf.einsum('ii,ij,jk->k', a, b, c), [[3, 3], [3, 2], [2, 4]]],
  'topk (1601)': [(x) => tf.topk(x, 2).values, [[3, 5]], { tolerance: 1e-2 }],
  'gatherND (1795)': [(x) => tf.gatherND(x, tf.tensor2d([[0, 1], [2, 0], [0, 1]], [3, 2], 'int32')), [[3, 2, 2]]],
  'scatterND': [(x) => tf.scatterND(tf.tensor2d([[1], [3], [1]], [3, 1], 'int32'), x, [4, 2]), [[3, 2]]],
  'tensorScatterUpdate': [(x, u) => tf.tensorScatterUpdate(x, tf.tensor2d([[2], [0]], [2, 1], 'int32'), u), [[3, 2], [2, 2]]],
  'dilated conv1d (7906)': [(x, w) => tf.conv1d(x, w, 1, 'same', 'NWC', 2), [[1, 7, 2], [3, 2, 3]]],
  'dilated conv2d (7906)': [(x, w) => tf.conv2d(x, w, 1, 'valid', 'NHWC', 2), [[1, 6, 5, 2], [2, 2, 2, 3]]],
  'dilated depthwiseConv2d': [(x, w) => tf.depthwiseConv2d(x, w, 1, 'same', 'NHWC', 2), [[1, 5, 6, 2], [3, 3, 2, 2]]],
  'gather with indices of rank 2 (7494)': [(x) => tf.gather(x, tf.tensor2d([[0, 2], [1, 1]], [2, 2], 'int32'), 1), [[2, 3, 2]]],
  'resizeBilinear of an image that is not square': [(x) => tf.image.resizeBilinear(x, [5, 4]), [[1, 3, 7, 2]]],
  'stridedSlice': [(x) => tf.stridedSlice(x, [4, 0], [0, 5], [-2, 2]), [[5, 6]]],
  'cumsum': [(x) => tf.cumsum(x, 1, true, true), [[3, 7]]],
  'cumprod': [(x) => tf.cumprod(x, 1), [[2, 6]]],
  'depthToSpace': [(x) => tf.depthToSpace(x, 2), [[1, 2, 3, 8]]],
  'batchToSpaceND': [(x) => tf.batchToSpaceND(x, [2, 2], [[0, 1], [1, 0]]), [[4, 2, 3, 1]]],
  'spaceToBatchND': [(x) => tf.spaceToBatchND(x, [2, 1], [[1, 0], [0, 0]]), [[1, 3, 2, 2]]],
  'mirrorPad': [(x) => tf.mirrorPad(x, [[1, 2], [2, 0]], 'reflect'), [[3, 4]]],
  'fft': [(x) => abs2(tf.fft(complex(x))), [[2, 6]], { tolerance: 3e-2 }],
  'fft of a prime length': [(x) => abs2(tf.fft(complex(x))), [[2, 67]], { low: -0.3, high: 0.3, tolerance: 5e-2 }],
  'rfft and irfft': [(x) => tf.irfft(tf.mul(tf.rfft(x), tf.complex(0.5, 0.25))), [[2, 8]]],
  'complex quotient': [(x) => abs2(tf.div(complex(x), tf.complex([[1, 2, 3]], [[2, -1, 1]]))), [[2, 3]]],
  'cropAndResize': [(x) => tf.image.cropAndResize(x, [[0.1, 0.2, 0.9, 0.8]], [0], [3, 4]), [[1, 5, 6, 2]]],
  'flipLeftRight': [(x) => tf.image.flipLeftRight(x), [[1, 2, 3, 2]]],
  'rotateWithOffset': [(x) => tf.image.rotateWithOffset(x, 0.4), [[1, 5, 5, 1]]],
  'image.transform': [(x) => tf.image.transform(x, [[1, 0.2, -0.5, 0.1, 0.9, 0.3, 0, 0]], 'bilinear'), [[1, 5, 6, 1]]],
  'conv3d': [(x, w) => tf.conv3d(x, w, [1, 2, 1], 'same'), [[1, 3, 4, 3, 2], [2, 2, 3, 2, 2]]],
  'conv3dTranspose': [(x, w) => tf.conv3dTranspose(x, w, [1, 5, 4, 4, 2], 2, 'same'), [[1, 3, 2, 2, 2], [2, 3, 2, 2, 2]]],
  'avgPool3d': [(x) => tf.avgPool3d(x, 2, 1, 'same'), [[1, 3, 3, 2, 2]]],
  'maxPool3d': [(x) => tf.maxPool3d(x, 2, 2, 'valid'), [[1, 2, 4, 4, 1]]],
  'dilation2d': [(x, w) => tf.dilation2d(x, w, 1, 'same'), [[1, 4, 4, 1], [2, 2, 1]], { low: -4, high: 4 }],
  'localResponseNormalization': [(x) => tf.localResponseNormalization(x, 1, 1, 0.5, 0.75), [[1, 2, 2, 5]]],
  'qr': [(x) => tf.concat(tf.linalg.qr(x), 0), [[4, 3]], { tolerance: 5e-2 }],
  'gramSchmidt': [(x) => tf.linalg.gramSchmidt(x), [[2, 4]], { tolerance: 3e-2 }],
  'bandPart': [(x) => tf.linalg.bandPart(x, 1, 0), [[3, 4]]],
  'norm': [(x) => tf.norm(x, 'euclidean', 1), [[3, 4]]],
  'unsortedSegmentSum': [(x) => tf.unsortedSegmentSum(x, tf.tensor1d([1, 0, 1, 4], 'int32'), 3), [[4, 2]]],
  'sparse.sparseSegmentMean': [(x) => tf.sparse.sparseSegmentMean(x, tf.tensor1d([0, 2, 1, 0], 'int32'), tf.tensor1d([0, 0, 1, 1], 'int32')), [[3, 2]]],
  'sort': [(x) => tf.sort(x, 0), [[4, 2]], { low: -4, high: 4 }],
  'roll': [(x) => tf.roll(x, [1, -2], [0, 1]), [[2, 5]]],
  'kron': [(a, b) => tf.kron(a, b), [[2, 2], [3]]],
  'signal.stft': [(x) => abs2(tf.signal.stft(x, 4, 2)), [[10]], { tolerance: 3e-2 }],
  'basicLSTMCell': [(k, x, c, h) => tf.concat(tf.basicLSTMCell(1, k, tf.zeros([8]), x, c, h), 1), [[5, 8], [1, 3], [1, 2], [1, 2]]],
  'image.rgbToGrayscale': [(x) => tf.image.rgbToGrayscale(x), [[2, 2, 3]]],
  'sparseToDense': [(x) => tf.sparseToDense(tf.tensor1d([4, 1, 2], 'int32'), x, [6]), [[3]]],
  'sparse.sparseSegmentSum': [(x) => tf.sparse.sparseSegmentSum(x, tf.tensor1d([0, 2, 0], 'int32'), tf.tensor1d([0, 1, 1], 'int32')), [[3, 2]]],
  'diag': [(x) => tf.diag(x), [[4]]],
  'bincount by its weights': [(x) => tf.bincount(tf.tensor1d([1, 0, 1, 3], 'int32'), x, 4), [[4]]],
  'ifft': [(x) => abs2(tf.ifft(complex(x))), [[2, 5]]],
  'maxPoolWithArgmax': [(x) => tf.maxPoolWithArgmax(x, 2, 2, 'valid').result, [[1, 4, 4, 2]], { low: -4, high: 4 }],
  'divNoNan': [(a, b) => tf.divNoNan(a, b), [[2, 3], [3]], { low: 0.5 }],
  'where of a comparison': [(x) => tf.where(x.greater(0), x.square(), x.mul(3)), [[3, 4]]],
  'batchNorm without scale and offset (2868)': [(x, mean, variance) => tf.batchNorm(x, mean, variance), [[3, 2], [2], [2]], { low: 0.5 }],
  'fused.conv2d': [(x, w, b) => tf.fused.conv2d({ x, filter: w, strides: 1, pad: 'same', bias: b, activation: 'sigmoid' }), [[1, 4, 4, 2], [3, 3, 2, 3], [3]]],
};
for (const [name, [f, shapes, options]] of Object.entries(cases)) {
  test(`the gradient of ${name}`, () => tf.tidy(() => check(f, shapes, options)));
}

// Those of which TensorFlow.js has no second derivative.
const twice = {
  'maxPool': [(x) => tf.maxPool(x, 2, 2, 'valid'), [[1, 4, 4, 2]], { low: -4, high: 4 }],
  'avgPool': [(x) => tf.avgPool(x, 2, 1, 'same'), [[1, 3, 4, 2]]],
  'localResponseNormalization': [(x) => tf.localResponseNormalization(x, 1, 1, 0.5, 0.75), [[1, 1, 2, 5]]],
  'elu': [(x) => tf.elu(x), [[5]], { low: 0.1 }],
  'elu below 0': [(x) => tf.elu(x), [[5]], { high: -0.1 }],
  'selu': [(x) => tf.selu(x), [[5]], { high: -0.1 }],
  'prelu': [(x, alpha) => tf.prelu(x, alpha), [[5], [5]], { high: -0.1 }],
  'max': [(x) => tf.max(x, 1), [[3, 4]], { low: -4, high: 4 }],
  'prod': [(x) => tf.prod(x, 1), [[2, 4]]],
  'cumprod': [(x) => tf.cumprod(x, 1), [[2, 4]]],
  'conv2d': [(x, w) => tf.conv2d(x, w, 2, 'same'), [[1, 4, 3, 2], [2, 3, 2, 2]]],
  'depthwiseConv2d': [(x, w) => tf.depthwiseConv2d(x, w, 1, 'same'), [[1, 3, 4, 2], [2, 2, 2, 1]]],
  'conv3d': [(x, w) => tf.conv3d(x, w, 1, 'same'), [[1, 2, 3, 2, 1], [2, 2, 1, 1, 2]]],
  'resizeBilinear': [(x) => tf.image.resizeBilinear(x, [5, 3]), [[1, 3, 4, 1]]],
  'batchNorm': [(x, mean, variance) => tf.batchNorm(x, mean, variance), [[3, 2], [2], [2]], { low: 0.5, tolerance: 4e-2 }],
};
for (const [name, [f, shapes, options]] of Object.entries(twice)) {
  const slopes = (...xs) => tf.concat(tf.grads((...xs) => tf.sum(tf.square(f(...xs))))(xs).map((g) => tf.reshape(g, [-1])));
  test(`the second derivative of ${name}`, () => tf.tidy(() => check(slopes, shapes, options)));
}

test('comparisons have a gradient of zero', () => {
  const grad = tf.grad((x) => tf.sum(tf.cast(tf.greater(x, 0.5), 'float32')));
  assert.deepEqual([...grad(tf.tensor1d([0, 1])).dataSync()], [0, 0]);
});

for (const [scale, center] of [[false, true], [true, false], [false, false]]) {
  test(`batch normalization trains with scale ${scale} and center ${center} (2868)`, async () => {
    const model = tf.sequential({ layers: [tf.layers.dense({ units: 3, inputShape: [2] }), tf.layers.batchNormalization({ scale, center }), tf.layers.dense({ units: 1 })] });
    model.compile({ optimizer: 'sgd', loss: 'meanSquaredError' });
    const { history } = await model.fit(values([16, 2], 3), values([16, 1], 4), { epochs: 5, verbose: 0 });
    assert.ok(history.loss.every(Number.isFinite) && history.loss[4] < history.loss[0], String(history.loss));
    model.dispose();
  });
}

test('a loop over variableGrads keeps memory flat (5980)', () => {
  const w = tf.variable(tf.ones([4, 4]));
  const x = tf.ones([2, 4]);
  const step = () => {
    const { value, grads } = tf.variableGrads(() => tf.sum(tf.square(tf.matMul(x, w))), [w]);
    tf.dispose([value, grads]);
  };
  step();
  const before = tf.memory();
  for (let i = 0; i < 50; i++) step();
  assert.deepEqual([tf.memory().numTensors, tf.memory().numBytes], [before.numTensors, before.numBytes]);
  tf.dispose([w, x]);
});

test('a model that is disposed leaves no tensors behind (5034, 995)', async () => {
  const make = async () => {
    const model = tf.sequential({ layers: [tf.layers.dense({ units: 3, inputShape: [2], activation: 'relu' }), tf.layers.dense({ units: 1 })] });
    model.compile({ optimizer: tf.train.adam(0.01), loss: 'meanSquaredError' });
    const [x, y] = [values([8, 2], 1), values([8, 1], 2)];
    await model.fit(x, y, { epochs: 2, verbose: 0 });
    tf.dispose([x, y, model.predict(x)]);
    model.optimizer.dispose();
    model.dispose();
  };
  await make();
  // What earlier tests left to the collector must not go meanwhile.
  globalThis.gc();
  await new Promise((resolve) => setTimeout(resolve, 20));
  const before = tf.memory().numTensors;
  await make();
  assert.equal(tf.memory().numTensors, before);
});

test('searchSorted finds the places in long sequences', () => {
  const sequence = tf.range(0, 100_000, 1, 'int32').reshape([1, -1]).mul(tf.scalar(2, 'int32'));
  const wanted = tf.tensor2d([[-1, 0, 1, 99_999, 100_000, 199_998, 300_000]], [1, 7], 'int32');
  assert.deepEqual([...tf.lowerBound(sequence, wanted).dataSync()], [0, 0, 1, 50_000, 50_000, 99_999, 100_000]);
  assert.deepEqual([...tf.upperBound(sequence, wanted).dataSync()], [0, 1, 1, 50_000, 50_001, 100_000, 100_000]);
});

test('places in a batch of more than 2^24 pixels are exact', () => {
  tf.tidy(() => {
    const marked = tf.tensor(Float32Array.from({ length: 512 * 512 }, (_, i) => i % 7), [1, 512, 512, 1]);
    const batch = tf.concat([tf.zeros([64, 512, 512, 1]), marked]);
    const crop = tf.image.cropAndResize(batch, [[0, 0, 1, 1]], [64], [512, 512], 'nearest');
    assert.equal(tf.sum(tf.abs(tf.sub(crop, marked))).dataSync()[0], 0);
  });
});

test('sort, argsort, roll and kron give what NumPy gives', () => {
  const x = tf.tensor2d([[3, NaN, 1], [2, 2, 0]]);
  assert.deepEqual(tf.sort(x).arraySync(), [[1, 3, NaN], [0, 2, 2]]);
  assert.deepEqual(tf.argsort(x, 1).arraySync(), [[2, 0, 1], [2, 0, 1]]);
  assert.deepEqual(tf.sort(x, 0, true).arraySync(), [[3, 2, 1], [2, NaN, 0]]);
  assert.deepEqual(tf.sort(tf.tensor1d([5, -7, 2], 'int32')).arraySync(), [-7, 2, 5]);
  assert.deepEqual(tf.roll([[1, 2, 3], [4, 5, 6]], 1).arraySync(), [[6, 1, 2], [3, 4, 5]]);
  assert.deepEqual(tf.roll([[1, 2, 3], [4, 5, 6]], -1, 1).arraySync(), [[2, 3, 1], [5, 6, 4]]);
  assert.deepEqual(tf.kron([[1, 2]], [[1, 0], [0, 1]]).arraySync(), [[1, 0, 2, 0], [0, 1, 0, 2]]);
});
