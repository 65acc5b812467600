// A training that is ended at any time and started again comes to the same weights, bit for bit.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import * as tf from '../dist/index.js';
import { outcome, runs } from './resume/runs.mjs';

const { callbacks } = tf;
const CHILD = fileURLToPath(new URL('resume/child.mjs', import.meta.url));
const SEED = 7;

/** A place in memory that keeps all that was saved to it. */
function memory() {
  const saved = [];
  return {
    saved,
    save: async (artifacts) => (saved.push(artifacts), { modelArtifactsInfo: null }),
    load: async () => saved.at(-1),
    remove: async () => void saved.splice(0),
  };
}

/** Trains in this program; what it came to. */
async function trained(name, { seed = SEED, more = [], args = {} } = {}) {
  tf.setSeed(seed);
  const { model, fit } = runs[name]();
  return outcome(model, await fit(more, args));
}

/** Trains in another program, which is ended from outside once it has told of so many batches; what it printed, or null where it was ended. */
function child(name, folder, args, endAfter = Infinity) {
  return new Promise((resolve, reject) => {
    const program = execFile(process.execPath, [CHILD, name, folder, JSON.stringify(args)], { maxBuffer: 1 << 24 }, (error, stdout, stderr) => {
      if (error === null) resolve(stdout.trim());
      else if (error.signal === 'SIGKILL') resolve(null);
      else reject(new Error(stderr));
    });
    let told = 0;
    program.stderr.on('data', (text) => (told += text.split('#').length - 1) >= endAfter && program.kill('SIGKILL'));
  });
}

async function folderFor(t) {
  const folder = await mkdtemp(join(tmpdir(), 'headwater-resume-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  return join(folder, 'checkpoint');
}

for (const name of Object.keys(runs)) {
  test(`${name}: from the checkpoint of every step it comes to the same`, async () => {
    const whole = await trained(name);
    const kept = memory();
    assert.equal(await trained(name, { more: [callbacks.backupAndRestore(kept, { saveFreq: 1, deleteCheckpoint: false })] }), whole, 'saving changes nothing');
    const byEpoch = memory();
    assert.equal(await trained(name, { more: [callbacks.backupAndRestore(byEpoch, { deleteCheckpoint: false })] }), whole);
    assert.equal(byEpoch.saved.length * runs[name]().steps, kept.saved.length);
    const all = [...kept.saved, ...byEpoch.saved];
    for (const [i, artifacts] of all.entries()) {
      const from = { ...memory(), load: async () => artifacts };
      // Another seed: what is the same comes from the checkpoint.
      assert.equal(await trained(name, { seed: 1000 + i, more: [callbacks.backupAndRestore(from)] }), whole, `checkpoint ${i}`);
    }
  });
}

test('a program that is ended again and again comes to the same', async (t) => {
  for (const [name, saveFreq, lengths] of [['adam', 1, [3, 11, 1]], ['plateau', 'epoch', [9, 8]], ['dataset', 2, [5, 9]]]) {
    const folder = await folderFor(t);
    for (const [i, afterBatches] of lengths.entries()) {
      assert.equal(await child(name, folder, { seed: i === 0 ? SEED : 50 + i, saveFreq, afterBatches }), null, `${name}, end ${i}`);
      assert.ok(existsSync(join(folder, 'model.json')), name);
    }
    assert.equal(await child(name, folder, { seed: 99, saveFreq }), await trained(name), name);
    assert.ok(!existsSync(folder), 'deleted at the end');
  }
});

test('a program that is ended while it saves goes on from the checkpoint before, or from the new one', async (t) => {
  const whole = await trained('repeated');
  // A save is 6 calls, and there are 20 of them: in the first, in one of those that replace, and while the last is deleted.
  for (const [calls, seed] of [[[1, 2], SEED], [[60, 61, 62, 63, 64, 65], 99], [[120], 99], [[122], SEED]]) {
    for (const atFileCall of calls) {
      const folder = await folderFor(t);
      assert.equal(await child('repeated', folder, { seed: SEED, saveFreq: 1, atFileCall }), null, `call ${atFileCall}`);
      assert.equal(await child('repeated', folder, { seed, saveFreq: 1 }), whole, `call ${atFileCall}`);
    }
  }
});

test('a program that is ended from outside at any time comes to the same, on one thread and on several', async (t) => {
  const whole = await trained('adam');
  for (const [i, threads] of [1, 2, undefined].entries()) {
    const folder = await folderFor(t);
    const args = { saveFreq: 1, threads, tells: true };
    assert.equal(await child('adam', folder, { seed: SEED, ...args }, 4 + 9 * i), null);
    assert.equal(await child('adam', folder, { seed: 99, ...args }), whole, `${threads} threads`);
  }
});

test('a signal suspends a training, which goes on where it was', async () => {
  for (const name of Object.keys(runs)) {
    const { steps } = runs[name]();
    const whole = await trained(name);
    // Within an epoch, at its end before its validation, and after a checkpoint of an epoch.
    for (const at of [2, steps, steps + 1]) {
      const place = memory();
      const controller = new AbortController();
      let batches = 0;
      const stop = { onBatchEnd: () => void (++batches === at && controller.abort()) };
      tf.setSeed(SEED);
      const { model, fit } = runs[name]();
      const backup = callbacks.backupAndRestore(place);
      await fit([stop, backup], { signal: controller.signal });
      assert.equal(batches, at);
      // The same model and callback, and others in another program.
      assert.equal(await trained(name, { seed: 5, more: [callbacks.backupAndRestore({ ...memory(), load: place.load })] }), whole, `${name} ${at}`);
      tf.setSeed(6);
      const more = { onEpochEnd() {} };
      assert.equal(await outcome(model, await fit([more, backup])), whole, `${name} ${at}, the same model`);
      assert.equal(place.saved.length, 0);
    }
  }
});

test('checkpoints leave no tensors behind', async () => {
  for (const name of ['adam', 'plateau', 'dataset']) {
    const counts = [];
    tf.setSeed(SEED);
    const { model, fit } = runs[name]();
    for (let round = 0; round < 3; round++) {
      const controller = new AbortController();
      const place = memory();
      await fit([callbacks.backupAndRestore(place, { saveFreq: 2 }), { onEpochEnd: () => controller.abort() }], { signal: controller.signal });
      await fit([callbacks.backupAndRestore(place)]);
      model.stopTraining = false;
      counts.push(tf.memory().numTensors);
    }
    // What other models have left may go meanwhile.
    assert.ok(counts[2] <= counts[1], `${name}: ${counts}`);
  }
});

test('a local storage that is full keeps the checkpoint before', async (t) => {
  const items = new Map();
  let room = Infinity;
  globalThis.localStorage = {
    getItem: (key) => items.get(key) ?? null,
    setItem: (key, value) => {
      const others = [...items].reduce((n, [other, text]) => n + (other === key ? 0 : text.length), 0);
      if (others + value.length > room) throw new Error('QuotaExceededError');
      items.set(key, value);
    },
    removeItem: (key) => void items.delete(key),
  };
  t.after(() => delete globalThis.localStorage);
  const whole = await trained('repeated');
  let batches = 0;
  const fill = { onBatchEnd: () => void (++batches === 7 && (room = [...items.values()].join('').length)) };
  await assert.rejects(trained('repeated', { more: [fill, callbacks.backupAndRestore('localstorage://run', { saveFreq: 1 })] }), /Failed to save model 'run' to local storage: size quota/);
  room = Infinity;
  assert.equal(await trained('repeated', { seed: 5, more: [callbacks.backupAndRestore('localstorage://run')] }), whole);
  assert.equal(items.size, 0);
});

test('a checkpoint is a model that can be loaded', async () => {
  const place = memory();
  tf.setSeed(SEED);
  const { model, fit } = runs.plateau();
  await fit([callbacks.backupAndRestore(place, { deleteCheckpoint: false })], { epochs: 1 });
  const loaded = await tf.loadLayersModel(place);
  const x = tf.randomNormal([12, 3, 2]);
  assert.equal(loaded.predict(x).shape.join(), '12,1');
  assert.equal(loaded.countParams(), model.countParams());
});

test('what cannot go on says why', async (t) => {
  const line = ({ units = 3, activation, optimizer = 'adam', middle = [] } = {}) => {
    const model = tf.sequential({ layers: [tf.layers.dense({ units, inputShape: [2], activation }), ...middle, tf.layers.dense({ units: 1 })] });
    model.compile({ optimizer, loss: 'meanSquaredError' });
    return model;
  };
  const [x, y] = [tf.randomNormal([20, 2]), tf.randomNormal([20, 1])];
  const place = memory();
  const keep = { deleteCheckpoint: false };
  await line().fit(x, y, { epochs: 2, verbose: 0, callbacks: callbacks.backupAndRestore(place, keep) });
  const fails = async (model, pattern, { args = {}, from = place, more = [] } = {}) => {
    const before = model.getWeights().map((w) => w.dataSync().join());
    await assert.rejects(
      model.fit(x, y, { epochs: 3, verbose: 0, ...args, callbacks: [callbacks.backupAndRestore(from, keep), ...more] }),
      (e) => e.code === 'format' && e.message.startsWith('BackupAndRestore: training cannot go on from the handler: ') && pattern.test(e.message),
    );
    assert.deepEqual(model.getWeights().map((w) => w.dataSync().join()), before, 'the model is as it was');
    assert.equal(model.isTraining, false);
  };
  await fails(line({ units: 4 }), /weight 0, dense_Dense\d+\/kernel, was float32 \[2,3\], but here it is float32 \[2,4\]/);
  await fails(line({ middle: [tf.layers.dropout({ rate: 0.1 })] }), /the number of layers was 3, but here it is 4/);
  await fails(line({ optimizer: 'sgd' }), /the optimizer was Adam, but here it is SGD/);
  await fails(line(), /the number of callbacks with a state was 1, but here it is 2/, { more: [callbacks.earlyStopping()] });
  await fails(line(), /the number of batches of an epoch was 1, but here it is 2/, { args: { batchSize: 10 } });
  const [artifacts] = place.saved;
  const altered = (change) => ({ from: { ...memory(), load: async () => ({ ...artifacts, ...change }) } });
  const damaged = artifacts.weightData.slice(0);
  new Uint8Array(damaged)[3] ^= 1;
  await fails(line(), /damaged: the checksum of its tensors differs/, altered({ weightData: damaged }));
  await fails(line(), /a model is stored there, but no training/, altered({ userDefinedMetadata: undefined }));

  const folder = await folderFor(t);
  const backup = () => callbacks.backupAndRestore(`file://${folder}`, keep);
  const train = () => line().fit(x, y, { epochs: 2, verbose: 0, callbacks: backup() });
  await train();
  await truncate(join(folder, 'weights.bin'), 20);
  await assert.rejects(train(), (e) => e.code === 'format' && /weights.bin: expected \d+ bytes of weights, received 20/.test(e.message));
  await rm(join(folder, 'weights.bin'));
  await assert.rejects(train(), (e) => e.code === 'format' && /weights.bin could not be read/.test(e.message));
  await truncate(join(folder, 'model.json'), 100);
  await assert.rejects(train(), (e) => e.code === 'format' && /model.json holds no model/.test(e.message));
  await rm(folder, { recursive: true });
  await train();

  const argument = (f, pattern) => assert.throws(f, (e) => e.code === 'argument' && pattern.test(e.message));
  argument(() => callbacks.backupAndRestore('file:///x', { saveFreq: 0 }), /saveFreq is 'epoch' or a positive integer, but got 0/);
  argument(() => callbacks.backupAndRestore(), /needs a URL or a handler/);
  argument(() => callbacks.backupAndRestore({ save() {}, load() {} }), /the handler has no remove\(\), which deleteCheckpoint needs/);
  await assert.rejects(
    line().fit(x, y, { epochs: 1, verbose: 0, callbacks: [{ getState: () => new Map(), setState() {} }, callbacks.backupAndRestore(memory())] }),
    (e) => e.code === 'argument' && /The state of the callback Object may be made of .*, but has a Map/.test(e.message),
  );
});

test('states of callbacks, of rows of a table and of a model that is best go on', async (t) => {
  const folder = await folderFor(t);
  const table = `${folder}.csv`;
  const saved = [];
  const run = async (place, signal) => {
    tf.setSeed(SEED);
    const { fit } = runs.repeated();
    const counted = { steps: 0, onBatchBegin: () => void counted.steps++, getState: () => ({ steps: counted.steps }), setState: ({ steps }) => (counted.steps = steps) };
    const checkpoint = callbacks.modelCheckpoint({ save: async (artifacts) => (saved.push(artifacts), { modelArtifactsInfo: null }) }, { saveFreq: 3, monitor: 'loss', saveBestOnly: true });
    const backup = callbacks.backupAndRestore(place, { saveFreq: 4 });
    await fit([callbacks.csvLogger(table), counted, checkpoint, backup, ...(signal ? [signal] : [])]);
    return [await readFile(table, 'utf8'), counted.steps, saved.splice(0).length];
  };
  const whole = await run(memory());
  assert.equal(whole[1], 20);
  assert.ok(whole[2] > 1 && whole[2] < 6);
  const place = memory();
  // It fails in its third epoch, after two rows and the checkpoint of 12 steps.
  let left = 14;
  await assert.rejects(run(place, { onBatchEnd: () => { if (--left === 0) throw new Error('no more'); } }), /no more/);
  await writeFile(table, `${await readFile(table, 'utf8')}2,a row that is not to stay\n`);
  assert.deepEqual(await run(place), whole);
});

test('modelCheckpoint saves by batches', async (t) => {
  const [x, y] = [tf.randomNormal([40, 2], 0, 1, 'float32', 1), tf.ones([40, 1])];
  const fit = async (args, epochs = 2) => {
    const model = tf.sequential({ layers: [tf.layers.dense({ units: 1, inputShape: [2], kernelInitializer: 'zeros' })] });
    model.compile({ optimizer: tf.train.sgd(0.05), loss: 'meanSquaredError' });
    const folder = await folderFor(t);
    const { history } = await model.fit(x, y, { epochs, batchSize: 8, shuffle: false, verbose: 0, callbacks: callbacks.modelCheckpoint(`file://${folder}/{epoch}-{batch}-{loss}`, args) });
    return [(await readdir(folder)).sort(), history.loss];
  };
  const [names, losses] = await fit({ saveFreq: 5 });
  assert.deepEqual(names, losses.map((loss, epoch) => `${epoch}-4-${loss.toPrecision(4)}`));
  // Batches count on from epoch to epoch.
  assert.deepEqual((await fit({ saveFreq: 3 }))[0].map((name) => name.slice(0, 3)), ['0-2', '1-0', '1-3']);
  const falling = (await fit({ saveFreq: 1, saveBestOnly: true, monitor: 'loss' }))[0];
  assert.ok(falling.length > 1 && falling.length <= 10);
  assert.throws(() => callbacks.modelCheckpoint('file:///x', { saveFreq: 1.5 }), /saveFreq is a positive integer, but got 1.5/);
  assert.throws(() => callbacks.modelCheckpoint('file:///x', { saveFreq: 2, everyEpochs: 2 }), /saves by epochs or by batches/);
});
