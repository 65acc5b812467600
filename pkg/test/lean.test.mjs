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
