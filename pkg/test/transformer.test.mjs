// A small transformer that classifies texts of made-up words: whether the word after the mark comes again, which takes
// attention across places. Slow: with --all.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as tf from '../dist/index.js';

const LENGTH = 16;
const WORDS = 12;
const MARK = 1;
const WIDTH = 32;

/** Texts [n, LENGTH] and whether each has its word again, half of them. */
function samples(n, seed) {
  let state = seed;
  const next = (k) => (state = (state * 48271) % 2147483647) % k;
  const texts = [];
  for (let i = 0; i < n; i++) {
    const text = Array.from({ length: LENGTH }, () => 2 + next(WORDS - 2));
    const mark = next(LENGTH - 1);
    text[mark] = MARK;
    const word = text[mark + 1];
    const elsewhere = (place) => place !== mark && place !== mark + 1;
    text.forEach((w, place) => {
      if (w === word && elsewhere(place)) text[place] = 2 + ((word - 1 + next(WORDS - 3)) % (WORDS - 2));
    });
    if (i % 2 === 1) {
      let place;
      do place = next(LENGTH);
      while (!elsewhere(place));
      text[place] = word;
    }
    texts.push(text);
  }
  return [tf.tensor2d(texts, [n, LENGTH], 'int32'), tf.tensor2d(texts.map((_, i) => [i % 2]))];
}

function build() {
  const { layers } = tf;
  const words = tf.input({ shape: [LENGTH], dtype: 'int32' });
  const embedded = layers.embedding({ inputDim: WORDS, outputDim: WIDTH }).apply(words);
  // Each place knows the one before it.
  let h = layers.add().apply([embedded, layers.conv1d({ filters: WIDTH, kernelSize: 2, padding: 'causal' }).apply(embedded)]);
  for (let block = 0; block < 2; block++) {
    const attended = layers.multiHeadAttention({ numHeads: 4, keyDim: WIDTH / 4 }).apply([h, h]);
    h = layers.layerNormalization().apply(layers.add().apply([h, attended]));
    const wide = layers.dense({ units: 2 * WIDTH, activation: 'gelu' }).apply(h);
    h = layers.layerNormalization().apply(layers.add().apply([h, layers.dense({ units: WIDTH }).apply(wide)]));
  }
  const outputs = layers.dense({ units: 1, activation: 'sigmoid' }).apply(layers.globalMaxPooling1d().apply(h));
  return tf.model({ inputs: words, outputs });
}

test('a small transformer learns to look up a word', async (t) => {
  if (!process.env.HEADWATER_TEST_ALL) return t.skip('with --all only');
  tf.setSeed(7);
  const model = build();
  model.compile({ optimizer: tf.train.adam(0.002), loss: 'binaryCrossentropy', metrics: ['accuracy'] });
  const [x, y] = samples(4000, 1);
  const { history } = await model.fit(x, y, { epochs: 14, batchSize: 64, verbose: 0, validationData: samples(1000, 99) });
  t.diagnostic(`${(100 * history.val_acc.at(-1)).toFixed(1)} % of texts it has not seen`);
  assert.ok(history.val_acc.at(-1) >= 0.97, String(history.val_acc));
});
