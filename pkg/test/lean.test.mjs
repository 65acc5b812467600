// The lean entry: the same functions, fewer of them.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as lean from '../dist/lean.js';
import * as whole from '../dist/index.js';

test('everything lean is in the whole package', () => {
  const missing = Object.keys(lean).filter((name) => !(name in whole));
  assert.deepEqual(missing, []);
  assert.ok(!('sparse' in lean) && 'sparse' in whole);
});

test('the lean entry has a smaller module of its own', async () => {
  await Promise.all([lean.ready(), whole.ready()]);
  assert.match(lean.backendInfo().variant, /^lean\/simd/);
  assert.doesNotMatch(whole.backendInfo().variant, /lean/);
  assert.ok(!('cumsum' in lean) && 'cumsum' in whole);
});

test('a model learns, is saved and loaded with the lean entry', async () => {
  lean.setSeed(1);
  const model = lean.sequential({
    layers: [lean.layers.conv2d({ inputShape: [6, 6, 1], filters: 2, kernelSize: 3, activation: 'relu' }), lean.layers.flatten(), lean.layers.dense({ units: 1 })],
  });
  model.compile({ optimizer: lean.train.adam(0.05), loss: 'meanSquaredError' });
  const x = lean.randomUniform([32, 6, 6, 1], 0, 1, 'float32', 1);
  const y = x.mean([1, 2]).mul(2);
  const { history } = await model.fit(x, y, { epochs: 20, verbose: 0 });
  assert.ok(history.loss.at(-1) < history.loss[0] / 3, String(history.loss));
  let saved;
  await model.save(lean.io.withSaveHandler(async (artifacts) => ({ modelArtifactsInfo: { dateSaved: new Date(), modelTopologyType: 'JSON' }, ...((saved = artifacts), {}) })));
  const again = await lean.loadLayersModel(lean.io.fromMemory(saved));
  assert.deepEqual(again.predict(x).dataSync(), model.predict(x).dataSync());
});

test('what the lean entry leaves out says so, by the name of the whole package', async () => {
  const needsWhole = { message: /that needs the whole package; import it from `headwater`\./ };
  const layer = (args) => lean.layers.dense({ units: 1, inputShape: [2], ...args });
  const model = lean.sequential({ layers: [layer()] });
  const [x, y] = [lean.ones([4, 2]), lean.ones([4, 1])];
  const compiled = { optimizer: 'sgd', loss: 'meanSquaredError' };
  assert.throws(() => layer({ dtype: 'mixed_float16' }), needsWhole);
  assert.throws(() => model.predict(x.cast('float16')), needsWhole);
  assert.throws(() => model.compile({ ...compiled, metrics: ['auc'] }), needsWhole);
  assert.throws(() => model.compile({ ...compiled, metrics: [new whole.metrics.AUC()] }), needsWhole);
  assert.throws(() => model.compile({ ...compiled, weightedMetrics: ['mse'] }), needsWhole);
  model.compile({ ...compiled, metrics: ['accuracy', 'mae'] });
  for (const hook of ['onBatchData', 'onLoss', 'onGradients']) await assert.rejects(model.fit(x, y, { callbacks: { [hook]() {} } }), needsWhole);
  await assert.rejects(model.fit(x, y, { accumulateSteps: 2 }), needsWhole);
  await assert.rejects(model.save('file:///nowhere'), needsWhole);
  class Checked extends lean.Layer {
    static className = 'Checked';
    inputSpec = [{ ndim: 2 }];
  }
  assert.throws(() => new Checked().apply(x), needsWhole);
  const { history } = await model.fit(x, y, { epochs: 2 });
  assert.deepEqual(Object.keys(history), ['loss', 'acc', 'mae']);
});

test('a stored model of mixed precision computes in float32 with the lean entry', async () => {
  const mixed = whole.sequential({ layers: [whole.layers.dense({ units: 2, inputShape: [3], dtype: 'mixed_float16' })] });
  const model = await lean.models.modelFromJSON(mixed.toJSON(null, false));
  assert.equal(model.layers[0].getConfig().dtype, 'float32');
  assert.equal(model.predict(lean.ones([1, 3])).dtype, 'float32');
});
