// The package that `cargo xtask build --for demos/assets/mobilenet_v2_uint8/model.json --predict-only --engine cpu` makes.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { inflateSync } from 'node:zlib';
import * as whole from '../dist/index.js';
import * as mobilenet from '../../target/for/mobilenet_v2_uint8/index.js';

const at = (path) => new URL(`../../${path}`, import.meta.url);
const MODEL = 'demos/assets/mobilenet_v2_uint8';

/** A handler that reads the model's files. */
const files = {
  async load() {
    const { modelTopology, weightsManifest } = JSON.parse(readFileSync(at(`${MODEL}/model.json`), 'utf8'));
    const shards = weightsManifest.flatMap((group) => group.paths).map((path) => readFileSync(at(`${MODEL}/${path}`)));
    const bytes = Uint8Array.from(Buffer.concat(shards));
    return { modelTopology, weightSpecs: weightsManifest.flatMap((group) => group.weights), weightData: bytes.buffer };
  },
};

/** The pixels of a PNG of three 8-bit channels, as RGBA. */
function png(path) {
  const file = readFileSync(path);
  const [width, height, kind] = [file.readUInt32BE(16), file.readUInt32BE(20), file.readUInt16BE(24)];
  assert.equal(kind, 0x0802);
  const parts = [];
  for (let i = 8; i < file.length; i += 12 + file.readUInt32BE(i)) {
    if (file.toString('latin1', i + 4, i + 8) === 'IDAT') parts.push(file.subarray(i + 8, i + 8 + file.readUInt32BE(i)));
  }
  const rows = inflateSync(Buffer.concat(parts));
  const [stride, data] = [3 * width, new Uint8Array(4 * width * height)];
  let above = new Uint8Array(stride);
  for (let y = 0; y < height; y++) {
    const [filter, row] = [rows[y * (stride + 1)], new Uint8Array(rows.subarray(y * (stride + 1) + 1, (y + 1) * (stride + 1)))];
    for (let i = 0; i < stride; i++) {
      const [left, up, corner] = [row[i - 3] ?? 0, above[i], above[i - 3] ?? 0];
      const p = left + up - corner;
      const [a, b, c] = [Math.abs(p - left), Math.abs(p - up), Math.abs(p - corner)];
      row[i] += [0, left, up, (left + up) >> 1, a <= b && a <= c ? left : b <= c ? up : corner][filter];
    }
    for (let x = 0; x < width; x++) data.set([row[3 * x], row[3 * x + 1], row[3 * x + 2], 255], 4 * (y * width + x));
    above = row;
  }
  return { width, height, data };
}

const logits = (tf, model, photo) => tf.tidy(() => model.predict(tf.cast(tf.expandDims(tf.browser.fromPixels(photo)), 'float32')).dataSync());

test('a package for one model has a module of its own', async () => {
  await mobilenet.ready();
  assert.deepEqual(mobilenet.backendInfo().variant, 'simd');
  assert.ok(!('train' in mobilenet) && 'train' in whole);
});

test('a package for one model answers as the whole package does', async () => {
  const models = await Promise.all([mobilenet, whole].map((tf) => tf.loadLayersModel(files)));
  for (const [name, label] of [['china', 698], ['flower', 599]]) {
    const photo = png(at(`tests/fixtures/mobilenet/${name}.png`));
    const [mine, theirs] = [logits(mobilenet, models[0], photo), logits(whole, models[1], photo)];
    const furthest = mine.reduce((most, value, i) => Math.max(most, Math.abs(value - theirs[i])), 0);
    assert.ok(furthest < 1e-4, `${name}: ${furthest}`);
    const best = mobilenet.tidy(() => {
      const { values, indices } = mobilenet.topk(mobilenet.softmax(mobilenet.tensor(mine)), 3);
      return { label: indices.dataSync()[0], share: values.dataSync()[0], three: values.dataSync() };
    });
    assert.equal(best.label, label);
    assert.ok(best.share > best.three[1] && best.three[1] > best.three[2], String(best.three));
  }
});

test('what a package for one model leaves out is an error', async () => {
  const layer = (class_name, config) => ({ class_name, config: { name: class_name, ...config } });
  const chain = (...layers) => ({ load: async () => ({ modelTopology: { class_name: 'Sequential', config: { name: 'x', layers } } }) });
  const pooling = layer('MaxPooling2D', { batch_input_shape: [null, 4, 4, 1] });
  await assert.rejects(mobilenet.loadLayersModel(chain(pooling)), /Unknown layer: 'MaxPooling2D'/);
  const dense = await mobilenet.loadLayersModel(chain(layer('Dense', { units: 2, batch_input_shape: [null, 3] })));
  assert.deepEqual(dense.predict(mobilenet.tensor([[1, 2, 3]])).shape, [1, 2]);
});
