// The entry without layers: all operations, each with its gradient.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as core from '../dist/core.js';
import * as whole from '../dist/index.js';

/** What only the whole package has: layers, models and what trains them. */
const LAYERS = [
  'BackupAndRestore', 'CSVLogger', 'Callback', 'Container', 'CustomCallback', 'EarlyStopping', 'History', 'InputLayer', 'InputSpec', 'Layer', 'LayerVariable',
  'LayersModel', 'LearningRateScheduler', 'Mixup', 'Model', 'ModelCheckpoint', 'ProgbarLogger', 'ProgressBar', 'RNN', 'RNNCell', 'ReduceLROnPlateau', 'Sequential',
  'Serialized', 'SymbolicTensor', 'TensorBoard', 'TerminateOnNaN', 'callbacks', 'constraints', 'data', 'initializers', 'input', 'layers', 'loadLayersModel',
  'metrics', 'mixedPrecision', 'model', 'modelFromJSON', 'models', 'node', 'registerCallbackConstructor', 'regularizers', 'sequential',
];

/** The names of a package and of what it has by names, with their kinds. */
function surface(tf) {
  const kinds = new Map();
  for (const [name, value] of Object.entries(tf)) {
    kinds.set(name, typeof value);
    if (typeof value === 'object' && value !== null) for (const [inner, f] of Object.entries(value)) kinds.set(`${name}.${inner}`, typeof f);
  }
  return kinds;
}

test('the entry has all names of the whole package but those of layers, and no others', () => {
  const [ours, all] = [surface(core), surface(whole)];
  const left = [...all.keys()].filter((name) => !ours.has(name) && !LAYERS.includes(name.split('.')[0]));
  // For models.
  assert.deepEqual(left.sort(), ['io.fileSystem', 'train.findLearningRate']);
  for (const [name, kind] of ours) assert.equal(all.get(name), kind, name);
  for (const name of LAYERS) assert.ok(all.has(name) && !ours.has(name), name);
});

test('tensors have the same methods', () => {
  const methods = ({ Tensor }) => Object.getOwnPropertyNames(Tensor.prototype).sort();
  assert.deepEqual(methods(core), methods(whole));
});

test('the entry has a module of its own, with the same operations', async () => {
  await Promise.all([core.ready(), whole.ready()]);
  assert.match(core.backendInfo().variant, /^core\/simd/);
  assert.doesNotMatch(whole.backendInfo().variant, /core/);
  const kernels = (tf) => Object.values(whole).filter((name) => typeof name === 'string' && tf.getKernel(name, 'cpu') !== undefined);
  assert.ok(kernels(whole).length > 100);
  assert.deepEqual(kernels(core), kernels(whole));
});

test('a model of variables learns with every optimizer', () => {
  const x = core.randomNormal([64, 3], 0, 1, 'float32', 1);
  const y = x.matMul(core.tensor2d([[1], [-2], [0.5]])).add(0.3);
  const { schedules } = core.train;
  const optimizers = [
    core.train.sgd(0.1), core.train.momentum(0.02, 0.9), core.train.adam(0.1), core.train.rmsprop(0.05), core.train.adamw(0.1), core.train.nadam(0.1), core.train.lion(0.1),
    core.train.adam(schedules.exponentialDecay({ initialLearningRate: 0.2, decaySteps: 50, decayRate: 0.5 })), core.train.deserialize('Adam', { learningRate: 0.1 }),
  ];
  for (const optimizer of optimizers) {
    const [w, b] = [core.variable(core.zeros([3, 1])), core.variable(core.scalar(0))];
    const loss = () => core.losses.meanSquaredError(y, x.matMul(w).add(b));
    const [before] = loss().dataSync();
    for (let i = 0; i < 60; i++) optimizer.minimize(loss);
    const [after] = loss().dataSync();
    assert.ok(after < before / 20, `${optimizer.getClassName()}: ${before} to ${after}`);
    w.dispose();
    b.dispose();
    optimizer.dispose();
  }
});

/** Functions of one tensor that are made of operations beyond those of TensorFlow.js, or of families that smaller packages lack. */
const FUNCTIONS = {
  cumsum: (x) => core.cumsum(x, 1, true),
  einsum: (x) => core.einsum('ij,kj->ik', x, x),
  gather: (x) => core.gatherND(x, core.tensor2d([[0, 1], [1, 2]], undefined, 'int32')),
  gelu: (x) => core.gelu(x),
  lgamma: (x) => core.lgamma(x.abs().add(1)),
  logaddexp: (x) => core.logaddexp(x, 1),
  qr: (x) => core.linalg.qr(core.transpose(x))[1],
  resize: (x) => core.image.resizeBilinear(x.reshape([1, 2, 3, 1]), [4, 5]),
  signal: (x) => core.abs(core.spectral.rfft(x)),
  sort: (x) => core.topk(x, 2).values,
  volume: (x) => core.avgPool3d(x.reshape([1, 1, 2, 3, 1]), [1, 2, 2], 1, 'same'),
};

test('gradients are those of the whole package', () => {
  const values = [[0.3, -0.7, 1.1], [1.9, 0.2, -1.3]];
  for (const [name, f] of Object.entries(FUNCTIONS)) {
    const gradient = core.grad((x) => core.sum(core.square(f(x))))(core.tensor2d(values)).dataSync();
    // Central differences.
    const at = (i, d) => core.tidy(() => core.sum(core.square(f(core.tensor1d(values.flat().map((v, j) => (i === j ? v + d : v))).reshape([2, 3])))).dataSync()[0]);
    values.flat().forEach((_, i) => {
      const wanted = (at(i, 0.01) - at(i, -0.01)) / 0.02;
      assert.ok(Math.abs(gradient[i] - wanted) < 0.01 * Math.max(1, Math.abs(wanted)), `${name}, element ${i}: ${gradient[i]}, expected ${wanted}`);
    });
  }
});

test('functions of functions, strings, sparse tensors and weights', async () => {
  const f = (x) => core.sum(core.square(x));
  const x = core.tensor2d([[1, 2], [3, 4]]);
  assert.deepEqual([...core.vmap(f)(x).dataSync()], [5, 25]);
  assert.deepEqual([...core.jit(f)(x).dataSync()], [30]);
  const { value, tangent } = core.jvp(f, [x], [core.onesLike(x)]);
  assert.deepEqual([value.dataSync()[0], tangent.dataSync()[0]], [30, 20]);
  assert.deepEqual(core.string.stringToHashBucketFast(['a', 'b'], 10).shape, [2]);
  assert.deepEqual([...core.sparseToDense(core.tensor2d([[0], [2]], undefined, 'int32'), [5, 6], [3]).dataSync()], [5, 0, 6]);
  const { data, specs } = await core.io.encodeWeights({ x });
  assert.deepEqual([...core.io.decodeWeights(data, specs).x.dataSync()], [1, 2, 3, 4]);
});
