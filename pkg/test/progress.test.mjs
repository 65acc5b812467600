// What is shown of training, testing and predicting.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as tf from '../dist/index.js';

const model = tf.sequential({ layers: [tf.layers.dense({ inputShape: [2], units: 1 })] });
model.compile({ optimizer: 'sgd', loss: 'meanSquaredError' });
const [x, y] = [tf.ones([8, 2]), tf.ones([8, 1])];

/** What is written to the terminal, and to the console, while `f` runs. */
async function written(f, isTTY = false) {
  const { stdout } = process;
  const [write, was, log] = [stdout.write, stdout.isTTY, console.log];
  let text = '';
  console.log = (part) => void (text += part);
  // The test runner's own messages are bytes.
  stdout.write = (part, ...rest) => (typeof part === 'string' ? ((text += part), true) : write.call(stdout, part, ...rest));
  stdout.isTTY = isTTY;
  try {
    await f();
  } finally {
    Object.assign(stdout, { write, isTTY: was });
    console.log = log;
  }
  return text.replace(/\d+\.\ds/g, 'TIME').replace(/loss: \d\.\d+(e-\d+)?/g, 'loss: L').replace(/\[[=.]{20}\]/g, '[BAR]');
}

test('fit shows what verbose asks for, and nothing where it is not given', async () => {
  const fit = (args) => () => model.fit(x, y, { epochs: 2, batchSize: 4, ...args });
  assert.equal(await written(fit({}), true), '');
  assert.equal(await written(fit({ verbose: 0 }), true), '');
  const lines = 'Epoch 1 / 2\n2/2 [BAR] TIME - loss: L\nEpoch 2 / 2\n2/2 [BAR] TIME - loss: L\n';
  assert.equal(await written(fit({ verbose: 1 })), lines);
  assert.match(await written(fit({ verbose: 1 }), true), /^Epoch 1 \/ 2\n\r0\/2 \[BAR\] TIME(\r1\/2 \[BAR\] TIME)?\r2\/2 \[BAR\] TIME - loss: L\nEpoch 2/);
  const line = 'Epoch 1 / 2 - 2/2 [BAR] TIME - loss: L\nEpoch 2 / 2 - 2/2 [BAR] TIME - loss: L\n';
  assert.equal(await written(fit({ verbose: 2 })), line);
  assert.equal(await written(fit({ verbose: 2 }), true), line);
  const data = tf.data.array([1, 2, 3]).map((v) => ({ xs: [v, v], ys: [v] })).batch(1);
  assert.match(await written(() => model.fitDataset(data, { epochs: 1, verbose: 2 })), /^Epoch 1 \/ 1 - 3\/3 \[BAR\] TIME - loss: L\n$/);
});

test('evaluate and predict show steps', async () => {
  const done = '4/4 [BAR] TIME\n';
  assert.equal(await written(() => model.evaluate(x, y, { batchSize: 2, verbose: 1 })), done);
  assert.equal(await written(() => model.predict(x, { batchSize: 2, verbose: true })), done);
  assert.match(await written(() => model.predict(x, { batchSize: 2, verbose: true }), true), /^\r1\/4 \[BAR\] TIME(\r\d\/4 \[BAR\] TIME)*\n$/);
  assert.equal(await written(() => { model.predict(x, { batchSize: 2 }); model.evaluate(x, y); }, true), '');
  const data = tf.data.array([1, 2, 3]).map((v) => ({ xs: [v, v], ys: [v] })).batch(1);
  assert.equal(await written(() => model.evaluateDataset(data, { verbose: 2 })), '3/3 [BAR] TIME\n');
  assert.equal(await written(() => model.evaluateDataset(data.filter(() => true), { verbose: 1 })), '3/? TIME\n');
});

test('registered callbacks are made for training that is as verbose as their level', async () => {
  const seen = [];
  class One extends tf.Callback {
    async onTrainBegin() {
      seen.push(this.params.verbose);
    }
  }
  tf.registerCallbackConstructor(1, One);
  await written(async () => {
    for (const verbose of [0, undefined, 1, 2]) await model.fit(x, y, { verbose });
  });
  assert.deepEqual(seen, [undefined, 1, 2]);
  assert.throws(() => tf.registerCallbackConstructor(-1, class {}), /Verbosity level is expected to be an integer >= 0, but got -1/);
  assert.throws(() => tf.registerCallbackConstructor(0, One), /Duplicate callback constructor/);
});

/** As much of a page as the bar needs. */
function page() {
  const element = (tag) => ({ tag, children: [], textContent: '', append(...more) { this.children.push(...more); }, ownerDocument: { createElement: element } });
  return element('div');
}

test('progressBar fills an element of the page', async () => {
  const element = page();
  const states = [];
  const bar = tf.callbacks.progressBar({ element });
  const look = { onBatchBegin: () => void states.push(element.children[0].value) };
  for (let fits = 0; fits < 2; fits++) await model.fit(x, y, { epochs: 2, batchSize: 4, callbacks: [bar, look] });
  assert.deepEqual(states, [0, 0.25, 0.5, 0.75, 0, 0.25, 0.5, 0.75]);
  assert.deepEqual(element.children.map(({ tag }) => tag), ['progress', 'span']);
  assert.equal(element.children[0].value, 1);
  assert.match(element.children[1].textContent, /^ Epoch 2 \/ 2 - loss: \d/);
  globalThis.document = { getElementById: (id) => (id === 'here' ? page() : null) };
  try {
    tf.callbacks.progressBar({ element: 'here' });
    assert.throws(() => tf.callbacks.progressBar({ element: 'there' }), /progressBar needs an element, but there is none with the id 'there'/);
  } finally {
    delete globalThis.document;
  }
});
