// Files of events for TensorBoard.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { mkdtemp, readFile, readdir, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import * as tf from '../dist/index.js';

const folder = () => mkdtemp(join(tmpdir(), 'headwater-'));

/** The only file of a folder. */
async function only(path) {
  const files = await readdir(path);
  assert.equal(files.length, 1, String(files));
  assert.match(files[0], /^events\.out\.tfevents\.\d{10}\.\S+\.v2$/);
  return readFile(join(path, files[0]));
}

test('events are byte for byte those that TensorFlow writes', async () => {
  const { seconds, base64 } = JSON.parse(readFileSync(new URL('../../tests/tensorboard/events.json', import.meta.url)));
  const logdir = join(await folder(), 'run');
  const { now } = Date;
  Date.now = () => seconds * 1000;
  try {
    const writer = tf.node.summaryFileWriter(logdir);
    writer.scalar('loss', 0.1, 1);
    writer.scalar('größe', tf.scalar(-1.5e-30), 300, 'how far off');
    await writer.flush();
    writer.scalar('loss', Infinity, 2 ** 40 + 5);
    writer.histogram('dense/kernel', tf.tensor([[-1, NaN, 0], [1, 2, 2], [4, Infinity, -1], [0, 0, 0]]).slice(0, 3).where(tf.tensor([[1, 1, 1], [1, 1, 1], [1, 1, 0]], [3, 3], 'bool'), NaN), 7, 4, 'x'.repeat(200));
    writer.histogram('same', [2, 2, 2], 8);
    await writer.flush();
  } finally {
    Date.now = now;
  }
  assert.equal((await only(logdir)).toString('base64'), base64);
});

test('a writer tells what it cannot write', async () => {
  const path = await folder();
  const writer = tf.node.summaryFileWriter(path, 10, 1000, '.mine.v2');
  assert.throws(() => writer.scalar('a', tf.zeros([2]), 1), /scalar 'a' needs a number or a tensor of one element/);
  assert.throws(() => writer.scalar('a', 1, -1), /step of a summary must be an integer of at least 0, but got -1/);
  assert.throws(() => writer.scalar('a', 1, 0.5), /but got 0.5/);
  assert.throws(() => writer.histogram('a', [1], 1, 0), /needs a positive integer of buckets, but got 0/);
  assert.throws(() => tf.node.summaryFileWriter(), /needs the path of a folder/);
  writer.histogram('nothing', [], 1);
  await writer.flush();
  assert.match((await readdir(path))[0], /\.mine\.v2$/);
  // A file where the folder should be.
  await writeFile(join(path, 'file'), '');
  const lost = tf.node.summaryFileWriter(join(path, 'file', 'run'));
  await assert.rejects(lost.flush(), /ENOTDIR|EEXIST/);
  assert.throws(() => lost.scalar('a', 1, 1), /ENOTDIR|EEXIST/);
});

const x = tf.randomNormal([32, 2], 0, 1, 'float32', 1);
const y = tf.tidy(() => x.sum(1, true));
const make = () => {
  const model = tf.sequential({ layers: [tf.layers.dense({ inputShape: [2], units: 1, name: 'only' })] });
  model.compile({ optimizer: tf.train.adam(0.05), loss: 'meanSquaredError', metrics: ['mae'] });
  return model;
};
/** How often each name is in a file. */
const tags = (bytes) => {
  const text = bytes.toString('latin1');
  return Object.fromEntries(['batch_loss', 'batch_mae', 'epoch_loss', 'epoch_mae', 'epoch_learning_rate', 'only'].map((tag) => [tag, text.split(tag).length - 1]));
};

test('tensorBoard writes training and validation to runs of their own', async () => {
  const logdir = await folder();
  const fit = async (args, name, fitArgs = {}) => {
    await make().fit(x, y, { epochs: 4, batchSize: 16, callbacks: tf.node.tensorBoard(join(logdir, name), args), ...fitArgs });
    return join(logdir, name);
  };
  const none = { batch_loss: 0, batch_mae: 0, epoch_loss: 0, epoch_mae: 0, epoch_learning_rate: 0, only: 0 };
  const plain = await fit({}, 'plain');
  assert.deepEqual(await readdir(plain), ['train']);
  assert.deepEqual(tags(await only(join(plain, 'train'))), { ...none, epoch_loss: 4, epoch_mae: 4, epoch_learning_rate: 4 });
  const whole = await fit({ updateFreq: 'batch', histogramFreq: 2 }, 'whole/', { validationData: [x, y] });
  assert.deepEqual((await readdir(whole)).sort(), ['train', 'val']);
  const train = tags(await only(join(whole, 'train')));
  assert.equal(train.only % 2, 0);
  assert.deepEqual({ ...train, only: train.only > 0 }, { batch_loss: 8, batch_mae: 8, epoch_loss: 4, epoch_mae: 4, epoch_learning_rate: 4, only: true });
  assert.deepEqual(tags(await only(join(whole, 'val'))), { ...none, epoch_loss: 4, epoch_mae: 4 });
  assert.ok(tf.callbacks.tensorBoard() instanceof tf.TensorBoard);
  assert.throws(() => tf.node.tensorBoard('logs', { updateFreq: 'step' }), /Expected updateFreq to be 'batch' or 'epoch', but got step/);
  assert.throws(() => tf.node.tensorBoard('logs', { histogramFreq: -1 }), /Expected histogramFreq to be an integer >= 0, but got -1/);
});

test('tensorBoard writes each value of a metric that has one for each class', async () => {
  const parts = [];
  const model = tf.sequential({ layers: [tf.layers.dense({ inputShape: [2], units: 3, activation: 'softmax' })] });
  model.compile({ optimizer: 'sgd', loss: 'categoricalCrossentropy', metrics: [tf.metrics.f1Score(), tf.metrics.auc()] });
  const classes = tf.oneHot(tf.tensor1d([0, 1, 2, 0], 'int32'), 3).cast('float32');
  await model.fit(tf.randomUniform([4, 2]), classes, { epochs: 2, callbacks: tf.callbacks.tensorBoard(async (_, bytes) => void parts.push(Buffer.from(bytes))) });
  const text = Buffer.concat(parts).toString('latin1');
  for (const tag of ['epoch_f1_score_0', 'epoch_f1_score_2', 'epoch_auc']) assert.equal(text.split(tag).length - 1, 2, tag);
});

test('tensorBoard gives bytes to a function, and files to a page', async () => {
  const files = new Map();
  const sink = async (file, bytes) => void files.set(file, Buffer.concat([files.get(file) ?? Buffer.alloc(0), bytes]));
  await make().fit(x, y, { epochs: 2, callbacks: tf.callbacks.tensorBoard(sink) });
  const [[name, bytes], more] = files;
  assert.equal(more, undefined);
  assert.match(name, /^train\/events\.out\.tfevents/);
  assert.equal(tags(bytes).epoch_loss, 2);

  const offered = [];
  const { createObjectURL } = URL;
  URL.createObjectURL = (blob) => blob;
  globalThis.MouseEvent = class {};
  globalThis.document = { createElement: () => ({ dispatchEvent() { offered.push([this.download, this.href]); } }) };
  try {
    await make().fit(x, y, { epochs: 2, callbacks: tf.callbacks.tensorBoard('downloads://first') });
  } finally {
    URL.createObjectURL = createObjectURL;
    delete globalThis.document;
    delete globalThis.MouseEvent;
  }
  assert.match(offered[0][0], /^first-train-events\.out\.tfevents/);
  assert.equal(tags(Buffer.from(await offered[0][1].arrayBuffer())).epoch_loss, 2);
});
