// TensorFlow.js's examples of tables and data sets, with calls as they make them: irises, house prices, phishing, a card
// game, pitches, abalones.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import * as tf from '../dist/index.js';
import { accuracyOf, fixture, leftBehind, normalOf, randomOf, shuffled } from './examples-data.mjs';

/** Fisher's irises in an order of their own: four lengths and the species of each. */
const irises = () => shuffled(readFileSync(fixture('iris.csv'), 'utf8').trim().split('\n').slice(1).map((line) => line.split(',').map(Number)), 23);

function irisModel(metrics = ['accuracy']) {
  const model = tf.sequential();
  model.add(tf.layers.dense({ units: 10, activation: 'sigmoid', inputShape: [4] }));
  model.add(tf.layers.dense({ units: 3, activation: 'softmax' }));
  model.compile({ optimizer: tf.train.adam(0.05), loss: 'categoricalCrossentropy', metrics });
  return model;
}

test('iris: species are told apart; the model outlives its session', async (t) => {
  tf.setSeed(4);
  // A part of each species is held out, as the example does.
  const [xTrain, yTrain, xTest, yTest] = tf.tidy(() => {
    const parts = [0, 1, 2].map((species) => {
      const rows = irises().filter((row) => row[4] === species);
      const held = Math.round(rows.length * 0.2);
      const xs = tf.tensor2d(rows.map((row) => row.slice(0, 4)), [rows.length, 4]);
      const ys = tf.oneHot(tf.tensor1d(rows.map((row) => row[4])).toInt(), 3);
      const cut = (x, from, count) => x.slice([from, 0], [count, x.shape[1]]);
      return [cut(xs, 0, rows.length - held), cut(ys, 0, rows.length - held), cut(xs, rows.length - held, held), cut(ys, rows.length - held, held)];
    });
    return [0, 1, 2, 3].map((i) => tf.concat(parts.map((part) => part[i]), 0));
  });
  const model = irisModel();
  const lines = [];
  model.summary(undefined, undefined, (line) => lines.push(line));
  assert.match(lines.join('\n'), /Total params: 83/);
  const logged = [];
  const history = await model.fit(xTrain, yTrain, {
    epochs: 60,
    validationData: [xTest, yTest],
    verbose: 0,
    callbacks: {
      onEpochEnd: async (epoch, logs) => {
        logged.push(logs);
        const [guesses, labels] = tf.tidy(() => [model.predict(xTest).argMax(-1), yTest.argMax(-1)]);
        const confusion = tf.math.confusionMatrix(labels, guesses, 3);
        assert.equal(confusion.sum().arraySync(), 30);
        tf.dispose([guesses, labels, confusion]);
      },
    },
  });
  assert.deepEqual(Object.keys(logged[0]).sort(), ['acc', 'loss', 'val_acc', 'val_loss']);
  const { val_acc: validation } = history.history;
  t.diagnostic(`${(100 * validation.at(-1)).toFixed(1)} % of 30 irises`);
  assert.ok(validation.at(-1) >= 0.93, String(validation.at(-1)));

  // The browser's local storage, and what the loader does with it.
  globalThis.localStorage = Object.defineProperties({}, Object.fromEntries(
    Object.entries({
      setItem(key, value) { this[key] = String(value); },
      getItem(key) { return this[key] ?? null; },
      removeItem(key) { delete this[key]; },
    }).map(([name, value]) => [name, { value }]),
  ));
  try {
    const url = 'localstorage://iris/v1';
    const { modelArtifactsInfo } = await model.save(url);
    assert.equal(modelArtifactsInfo.weightDataBytes, 4 * 83);
    assert.ok(url in (await tf.io.listModels()));
    const loaded = await tf.loadLayersModel(url);
    assert.deepEqual(loaded.predict(xTest).arraySync(), model.predict(xTest).arraySync());
    await tf.io.removeModel(url);
    assert.deepEqual(await tf.io.listModels(), {});
  } finally {
    delete globalThis.localStorage;
  }

  tf.tidy(() => {
    const one = model.predict(tf.tensor2d([[5.1, 3.5, 1.4, 0.2]], [1, 4]));
    assert.equal(one.argMax(-1).dataSync()[0], 0);
    assert.ok(Math.abs(Array.from(one.dataSync()).reduce((s, p) => s + p) - 1) < 1e-5);
  });
});

test('iris-fitDataset: the same from a data set', async (t) => {
  tf.setSeed(5);
  const rows = irises();
  const datasetOf = (part) =>
    tf.data.zip({
      xs: tf.data.array(part.map((row) => row.slice(0, 4))),
      ys: tf.data.array(part.map((row) => Array.from(tf.oneHot([row[4]], 3).dataSync()))),
    });
  const [train, held] = [datasetOf(rows.slice(0, 120)).batch(32), datasetOf(rows.slice(120)).batch(30)];
  const model = irisModel();
  let last;
  await model.fitDataset(train, {
    epochs: 60,
    validationData: held,
    verbose: 0,
    callbacks: { onEpochEnd: async (epoch, logs) => void (last = logs) },
  });
  const [{ xs, ys }] = await held.toArray();
  assert.deepEqual([xs.shape, ys.shape], [[30, 4], [30, 3]]);
  t.diagnostic(`${(100 * last.val_acc).toFixed(1)} % of 30 irises`);
  assert.ok(last.val_acc >= 0.93, String(last.val_acc));
  assert.ok(Math.abs(accuracyOf(model.predict(xs), ys) - last.val_acc) < 1e-6);
});

test('boston-housing: a hidden layer is better than a line, which is better than the mean', async () => {
  tf.setSeed(6);
  const normal = normalOf(31);
  const price = (x) => 22 + 3 * x[0] - 2 * x[1] + 2 * x[2] * x[2] + 0.5 * normal();
  const table = (count) => Array.from({ length: count }, () => Array.from({ length: 12 }, normal)).map((x) => [...x, price(x)]);
  const [train, held] = [table(333), table(173)];
  const features = (rows) => tf.tensor2d(rows.map((row) => row.slice(0, 12)));
  const targets = (rows) => tf.tensor2d(rows.map((row) => [row[12]]));
  const { dataMean, dataStd } = tf.tidy(() => {
    const data = features(train);
    const dataMean = data.mean(0);
    return { dataMean, dataStd: data.sub(dataMean).square().mean(0).sqrt() };
  });
  const normalized = (rows) => features(rows).sub(dataMean).div(dataStd);
  const baseline = targets(held).sub(targets(train).mean()).square().mean().dataSync()[0];
  const fit = async (model) => {
    model.compile({ optimizer: tf.train.sgd(0.01), loss: 'meanSquaredError' });
    const logs = [];
    await model.fit(normalized(train), targets(train), {
      batchSize: 40, epochs: 60, validationSplit: 0.2, verbose: 0,
      callbacks: { onEpochEnd: async (epoch, log) => void logs.push(log) },
    });
    assert.equal(logs.length, 60);
    return model.evaluate(normalized(held), targets(held), { batchSize: 40 }).dataSync()[0];
  };
  const line = tf.sequential({ layers: [tf.layers.dense({ inputShape: [12], units: 1 })] });
  const linear = await fit(line);
  const kernel = await line.layers[0].getWeights()[0].data();
  assert.ok(Math.abs(kernel[0] - 3) < 0.7 && Math.abs(kernel[1] + 2) < 0.7 && Math.abs(kernel[5]) < 0.7, String(kernel));
  const hidden = tf.sequential();
  hidden.add(tf.layers.dense({ inputShape: [12], units: 50, activation: 'relu', kernelInitializer: 'leCunNormal' }));
  hidden.add(tf.layers.dense({ units: 1 }));
  const bent = await fit(hidden);
  assert.ok(linear < 0.7 * baseline && bent < 0.5 * linear, `mean ${baseline}, line ${linear}, hidden layer ${bent}`);
});

test('website-phishing: precision, recall and the area under the ROC curve', async (t) => {
  tf.setSeed(7);
  const random = randomOf(37);
  const rows = Array.from({ length: 1200 }, () => Array.from({ length: 30 }, () => Math.floor(random() * 3) - 1));
  const phishy = rows.map((row) => (row[0] + row[3] - row[7] + 1.2 * row[11] + 0.8 * (random() - 0.5) > 0 ? 1 : 0));
  const [x, y] = [tf.tensor2d(rows.slice(0, 900)), tf.tensor1d(phishy.slice(0, 900))];
  const [testX, testY] = [tf.tensor2d(rows.slice(900)), tf.tensor1d(phishy.slice(900))];
  const model = tf.sequential();
  model.add(tf.layers.dense({ inputShape: [30], units: 100, activation: 'sigmoid' }));
  model.add(tf.layers.dense({ units: 100, activation: 'sigmoid' }));
  model.add(tf.layers.dense({ units: 1, activation: 'sigmoid' }));
  model.compile({ optimizer: 'adam', loss: 'binaryCrossentropy', metrics: ['accuracy'] });

  const binarize = (p, threshold = 0.5) => tf.tidy(() => tf.where(p.greater(tf.scalar(threshold)), tf.onesLike(p), tf.zerosLike(p)));
  const falsePositiveRate = (truth, found) =>
    tf.tidy(() => {
      const one = tf.scalar(1);
      const falsePositives = tf.logicalAnd(truth.notEqual(one), found.equal(one)).sum().cast('float32');
      const trueNegatives = tf.logicalAnd(truth.notEqual(one), found.notEqual(one)).sum().cast('float32');
      return falsePositives.div(falsePositives.add(trueNegatives));
    });
  const area = () =>
    tf.tidy(() => {
      const p = model.predict(testX);
      const points = Array.from({ length: 41 }, (_, i) => i / 40).map((threshold) => {
        const found = binarize(p, threshold).as1D();
        return [falsePositiveRate(testY, found).dataSync()[0], tf.metrics.recall(testY, found).dataSync()[0]];
      });
      return points.slice(1).reduce((sum, [fpr, tpr], i) => sum + ((tpr + points[i][1]) * (points[i][0] - fpr)) / 2, 0);
    });
  const areas = [];
  await model.fit(x, y, {
    batchSize: 90, epochs: 60, validationSplit: 0.2, verbose: 0,
    callbacks: { onEpochBegin: async (epoch) => void (epoch % 20 === 0 && areas.push(area())) },
  });
  tf.tidy(() => {
    const [loss, accuracy] = model.evaluate(testX, testY, { batchSize: 90 }).map((v) => v.dataSync()[0]);
    const found = binarize(model.predict(testX)).as1D();
    const precision = tf.metrics.precision(testY, found).dataSync()[0];
    const recall = tf.metrics.recall(testY, found).dataSync()[0];
    areas.push(area());
    t.diagnostic(`loss ${loss.toFixed(3)}, accuracy ${accuracy.toFixed(3)}, precision ${precision.toFixed(3)}, recall ${recall.toFixed(3)}, area ${areas.at(-1).toFixed(3)}`);
    assert.ok(accuracy > 0.9 && precision > 0.88 && recall > 0.88 && areas.at(-1) > 0.96, String(areas));
  });
});

test('data-generator: an endless generator of games trains who wins', async (t) => {
  tf.setSeed(8);
  const random = randomOf(41);
  let played = 0;
  const games = tf.data.generator(function* () {
    for (;;) {
      played += 1;
      const hand = () => Array.from({ length: 3 }, () => 1 + Math.floor(13 * random())).sort((p, q) => q - p);
      const [mine, theirs] = [hand(), hand()];
      yield { mine, won: mine.reduce((s, c) => s + c) > theirs.reduce((s, c) => s + c) ? 1 : 0 };
    }
  });
  const elements = ({ mine, won }) =>
    tf.tidy(() => {
      const cards = tf.oneHot(tf.sub(tf.tensor1d(mine, 'int32'), tf.scalar(1, 'int32')), 13);
      return { xs: tf.sum(cards, 0), ys: tf.tensor1d([won]) };
    });
  const batches = games.map(elements).batch(50);
  const [first, second] = await batches.take(2).toArray();
  assert.deepEqual([first.xs.shape, second.ys.shape], [[50, 13], [50, 1]]);
  assert.equal(first.xs.sum().arraySync(), 150);
  tf.dispose([first, second]);

  const model = tf.sequential();
  model.add(tf.layers.dense({ inputShape: [13], units: 20, activation: 'relu' }));
  model.add(tf.layers.dense({ units: 20, activation: 'relu' }));
  model.add(tf.layers.dense({ units: 1, activation: 'sigmoid' }));
  model.compile({ optimizer: tf.train.adam(0.01), loss: 'binaryCrossentropy', metrics: ['accuracy'] });
  const { history } = await model.fitDataset(batches, { batchesPerEpoch: 40, epochs: 4, validationData: batches, validationBatches: 10, verbose: 0 });
  t.diagnostic(`${played} games, ${(100 * history.val_acc.at(-1)).toFixed(1)} % foretold`);
  assert.ok(history.val_acc.at(-1) > 0.7, String(history.val_acc));
});

test('data-csv, abalone-node, baseball-node: files of comma-separated values', async (t) => {
  tf.setSeed(9);
  const folder = await mkdtemp(join(tmpdir(), 'headwater-'));
  try {
    const random = randomOf(43);
    const line = (i) => {
      const length = random();
      return [['M', 'F', 'I'][i % 3], length.toFixed(3), (0.8 * length).toFixed(3), Math.round(3 + 15 * length)].join(',');
    };
    const path = `file://${join(folder, 'abalone.csv')}`;
    await writeFile(path.slice('file://'.length), `sex,length,diameter,rings\n${Array.from({ length: 800 }, (_, i) => line(i)).join('\n')}\n`);

    const plain = tf.data.csv(path);
    assert.deepEqual(await plain.columnNames(), ['sex', 'length', 'diameter', 'rings']);
    let count = 0;
    await plain.forEachAsync(() => (count += 1));
    assert.equal(count, 800);
    const [sample] = await plain.skip(4).take(1).toArray();
    assert.equal(sample.sex, 'F');
    assert.equal(typeof sample.rings, 'number');

    const labelled = tf.data.csv(path, { hasHeader: true, columnConfigs: { rings: { isLabel: true } } });
    const columns = (await labelled.columnNames()).length - 1;
    const rows = labelled
      .map(({ xs, ys }) => ({ xs: Object.values(xs).map((v) => ({ F: 0, M: 1, I: 2 })[v] ?? Number(v)), ys: [ys.rings] }))
      .shuffle(1000, 'seed')
      .batch(50);
    const model = tf.sequential();
    model.add(tf.layers.dense({ inputShape: [columns], activation: 'sigmoid', units: 50 }));
    model.add(tf.layers.dense({ activation: 'sigmoid', units: 50 }));
    model.add(tf.layers.dense({ units: 1 }));
    model.compile({ optimizer: tf.train.sgd(0.05), loss: 'meanSquaredError' });
    const { history } = await model.fitDataset(rows.take(12), { epochs: 25, validationData: rows.skip(12), verbose: 0 });
    t.diagnostic(`rings: ${history.val_loss.at(-1).toFixed(2)} squared`);
    assert.ok(history.val_loss.at(-1) < 4, String(history.val_loss));
    await model.save(`file://${folder}/model`);
    const loaded = await tf.loadLayersModel(`file://${folder}/model/model.json`);
    const x = tf.tensor2d([[0, 0.625, 0.5]]);
    assert.deepEqual(loaded.predict(x).arraySync(), model.predict(x).arraySync());
    const again = await tf.loadLayersModel(tf.io.fileSystem(`${folder}/model/model.json`));
    assert.deepEqual(again.predict(x).arraySync(), model.predict(x).arraySync());

    // Classes as numbers, one to each row: the labels of a batch are a vector.
    const kinds = labelled.map(({ xs, ys }) => ({ xs: [xs.length, xs.diameter], ys: Math.floor(ys.rings / 7) })).batch(100);
    const classifier = tf.sequential();
    classifier.add(tf.layers.dense({ units: 25, activation: 'relu', inputShape: [2] }));
    classifier.add(tf.layers.dense({ units: 3, activation: 'softmax' }));
    classifier.compile({ optimizer: tf.train.adam(0.02), loss: 'sparseCategoricalCrossentropy', metrics: ['accuracy'] });
    const learned = await classifier.fitDataset(kinds, { epochs: 15, verbose: 0 });
    assert.ok(learned.history.acc.at(-1) > 0.85, String(learned.history.acc));
    assert.equal(await leftBehind(() => kinds.forEachAsync(({ xs, ys }) => tf.dispose([classifier.predict(xs), xs, ys]))), 0);
  } finally {
    await rm(folder, { recursive: true });
  }
});
