// When training lets the page have its turn, and what is told then.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as tf from '../dist/index.js';

function line() {
  const model = tf.sequential({ layers: [tf.layers.dense({ units: 1, inputShape: [2] })] });
  model.compile({ optimizer: 'sgd', loss: 'meanSquaredError' });
  return model;
}

/** Trains three epochs of four batches, each of which takes `ms` by a clock of the callbacks' own; tells the turns and what they were told. */
async function turns(yieldEvery, { ms = 0, onYield = true, held = false } = {}) {
  let time = 0;
  let frames = 0;
  const told = [];
  const callbacks = {
    nowFunc: () => time,
    nextFrameFunc: async () => { frames += 1; },
    onBatchBegin() { time += ms; },
    ...(onYield && { onYield: (epoch, batch, logs) => { told.push([epoch, batch, Object.keys(logs).join()]); } }),
  };
  const split = held ? { validationSplit: 0.5 } : {};
  await line().fit(tf.ones([held ? 32 : 16, 2]), tf.ones([held ? 32 : 16, 1]), { epochs: 3, batchSize: 4, yieldEvery, callbacks, ...split });
  return { frames, told };
}

test('yieldEvery: batch, epoch and never', async () => {
  const { frames, told } = await turns('batch');
  assert.equal(frames, 12);
  assert.equal(told.length, 12);
  assert.deepEqual(told[5], [1, 1, 'batch,size,loss']);
  assert.deepEqual(await turns('epoch'), { frames: 3, told: [] });
  assert.deepEqual(await turns('never', { ms: 1000, onYield: false }), { frames: 0, told: [] });
  await assert.rejects(turns('never'), { code: 'argument', message: /^yieldEvery is `never` but you provided an `onYield` callback/ });
});

test('yieldEvery: milliseconds from one turn to the next', async () => {
  assert.equal((await turns(25, { ms: 10 })).frames, 4);
  assert.deepEqual((await turns(30, { ms: 10 })).told.map(([epoch, batch]) => `${epoch}.${batch}`), ['0.2', '1.1', '2.0', '2.3']);
  assert.equal((await turns(0)).frames, 12);
  assert.equal((await turns(1000, { ms: 10 })).frames, 0);
});

test('yieldEvery: auto, the default, keeps work between turns short', async () => {
  for (const every of ['auto', undefined]) {
    // Three batches of 6 ms are more than 16. A machine that is busy may add turns.
    for (const [ms, least] of [[0, 0], [6, 4], [20, 12]]) {
      const { frames, told } = await turns(every, { ms });
      assert.ok(frames >= least && told.length >= least, `${ms} ms: ${frames} turns, ${told.length} told`);
    }
  }
});

test('a long step on the CPU engine runs in parts, to the same bits', async () => {
  const weights = [];
  const x = tf.randomNormal([256, 800], 0, 1, 'float32', 1);
  for (const yieldEvery of ['never', 'auto']) {
    tf.setSeed(1);
    const layers = Array.from({ length: 4 }, () => tf.layers.dense({ units: 800, inputShape: [800], activation: 'tanh' }));
    const model = tf.sequential({ layers });
    model.compile({ optimizer: 'adam', loss: 'meanSquaredError' });
    let frames = 0;
    let seen = 0;
    const nextFrameFunc = async () => {
      frames += 1;
      // What a handler of the page may do meanwhile: it needs what is being computed.
      if (frames === 3) seen += model.predict(x.slice(0, 1)).sum().dataSync()[0];
    };
    let told = 0;
    const onYield = (_, __, { loss }) => { told += Number.isFinite(loss); };
    const { history } = await model.fit(x, x, { epochs: 2, batchSize: 256, shuffle: false, yieldEvery, callbacks: { nextFrameFunc, ...(yieldEvery === 'auto' && { onYield }) } });
    weights.push([history, model.getWeights().map((w) => Array.from(w.dataSync().subarray(0, 50)))]);
    if (yieldEvery === 'auto') assert.ok(frames > 4 && told === 2 && seen !== 0, `${frames} turns in two steps, ${told} told`);
    else assert.equal(frames, 0);
  }
  assert.deepEqual(weights[1], weights[0]);
});

test('validation lets the page have its turn between batches too', async () => {
  assert.equal((await turns('batch', { held: true })).frames, 24);
  let frames = 0;
  const model = line();
  const [x, y] = [tf.ones([16, 2]), tf.ones([16, 1])];
  const nextFrameFunc = async () => { frames += 1; };
  const dataset = tf.data.zip({ xs: tf.data.array(Array(16).fill([1, 1])), ys: tf.data.array(Array(16).fill([1])) }).batch(4);
  const args = { epochs: 1, yieldEvery: 'batch', callbacks: { nextFrameFunc } };
  await model.fitDataset(dataset, { ...args, validationData: dataset });
  assert.equal(frames, 8);
  await model.fitDataset(dataset, { ...args, validationData: [x, y], validationBatchSize: 2 });
  assert.equal(frames, 8 + 4 + 8);
});

test('onYield is told the losses of the batch, once', async () => {
  const seen = [];
  const read = [];
  await line().fit(tf.ones([8, 2]), tf.ones([8, 1]), { batchSize: 4, yieldEvery: 'batch', callbacks: [{ onYield: (_, batch, { loss }) => { seen.push(loss); } }, { onBatchEnd: (_, { loss }) => { read.push(loss); } }] });
  assert.equal(seen.length, 2);
  assert.deepEqual(seen, read);
  assert.ok(seen.every(Number.isFinite));
});

test('a frame where there are none takes no time', async () => {
  const start = performance.now();
  for (let i = 0; i < 200; i++) await tf.nextFrame();
  assert.ok(performance.now() - start < 1000);
});
