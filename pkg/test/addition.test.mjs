// A recurrent model that adds: "12+7" as characters in, "19 " as characters out, as TensorFlow.js's example of that name
// builds it. Slow: with --all.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as tf from '../dist/index.js';

const DIGITS = 2;
const CHARACTERS = '0123456789+ ';
const INPUT = 2 * DIGITS + 1;
const OUTPUT = DIGITS + 1;

/** Texts as one-hot characters. */
function encode(texts, length) {
  const buffer = tf.buffer([texts.length, length, CHARACTERS.length]);
  texts.forEach((text, i) => [...text.padEnd(length)].forEach((c, j) => buffer.set(1, i, j, CHARACTERS.indexOf(c))));
  return buffer.toTensor();
}

/** All sums of two numbers of up to two digits, in an order drawn from a seed. */
function sums() {
  const all = [];
  for (let a = 0; a < 10 ** DIGITS; a++) for (let b = 0; b < 10 ** DIGITS; b++) all.push([`${a}+${b}`, `${a + b}`]);
  let state = 7;
  for (let i = all.length - 1; i > 0; i--) {
    state = (state * 48271) % 2147483647;
    const j = state % (i + 1);
    [all[i], all[j]] = [all[j], all[i]];
  }
  return all;
}

function build(kind) {
  const model = tf.sequential();
  model.add(tf.layers[kind]({ units: 128, recurrentInitializer: 'glorotNormal', inputShape: [INPUT, CHARACTERS.length] }));
  model.add(tf.layers.repeatVector({ n: OUTPUT }));
  model.add(tf.layers[kind]({ units: 128, recurrentInitializer: 'glorotNormal', returnSequences: true }));
  model.add(tf.layers.timeDistributed({ layer: tf.layers.dense({ units: CHARACTERS.length }) }));
  model.add(tf.layers.activation({ activation: 'softmax' }));
  model.compile({ loss: 'categoricalCrossentropy', optimizer: tf.train.adam(kind === 'simpleRNN' ? 0.001 : 0.003), metrics: ['accuracy'] });
  return model;
}

for (const kind of ['lstm', 'gru', 'simpleRNN']) test(`${kind}: numbers of two digits are added`, async (t) => {
  if (!process.env.HEADWATER_TEST_ALL) return t.skip('with --all only');
  tf.setSeed(11);
  const all = sums();
  const held = 1000;
  const [train, test] = [all.slice(held), all.slice(0, held)];
  const [x, y] = [encode(train.map(([q]) => q), INPUT), encode(train.map(([, a]) => a), OUTPUT)];
  const model = build(kind);
  const right = () => {
    const answers = tf.tidy(() => model.predict(encode(test.map(([q]) => q), INPUT), { batchSize: 500 }).argMax(-1).arraySync());
    return answers.filter((row, i) => row.map((c) => CHARACTERS[c]).join('').trim() === test[i][1]).length / held;
  };
  let tensors = 0;
  let share = 0;
  for (let epoch = 1; epoch <= 60 && share < 0.95; epoch++) {
    await model.fit(x, y, { epochs: 1, batchSize: 128, verbose: 0 });
    share = right();
    // The optimizer's slots are there after the first; then nothing more stays behind.
    if (epoch === 1) tensors = tf.memory().numTensors;
    assert.ok(tf.memory().numTensors <= tensors);
    t.diagnostic(`epoch ${epoch}: ${(100 * share).toFixed(1)} % of sums it has not seen`);
  }
  assert.ok(share >= 0.95, `${(100 * share).toFixed(1)} % are right`);
});
