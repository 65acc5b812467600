// TensorFlow.js's examples of images, with calls as they make them, on the digits of scikit-learn: recognition, transfer to
// other classes, a custom layer, generative models, boxes of objects, what a network sees.
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import * as tf from '../dist/index.js';
import { accuracyOf, digits, digitTensors, leftBehind, randomOf } from './examples-data.mjs';

const weightsOf = (model) => model.getWeights().map((w) => w.dataSync().slice());
const sameBits = (a, b) => a.length === b.length && a.every((v, i) => Object.is(v, b[i]));

function convnet(classes) {
  const model = tf.sequential();
  model.add(tf.layers.conv2d({ inputShape: [8, 8, 1], kernelSize: 3, filters: 32, padding: 'same', activation: 'relu' }));
  model.add(tf.layers.maxPooling2d({ poolSize: 2, strides: 2 }));
  model.add(tf.layers.conv2d({ kernelSize: 3, filters: 48, padding: 'same', activation: 'relu' }));
  model.add(tf.layers.maxPooling2d({ poolSize: 2, strides: 2 }));
  model.add(tf.layers.flatten({}));
  model.add(tf.layers.dropout({ rate: 0.3 }));
  model.add(tf.layers.dense({ units: 64, activation: 'relu' }));
  model.add(tf.layers.dense({ units: classes, activation: 'softmax' }));
  return model;
}

test('mnist: a convolutional and a dense network recognize digits', async (t) => {
  const all = digits();
  const [[x, y], [testX, testY]] = [digitTensors(all.slice(0, 1400)), digitTensors(all.slice(1400))];
  const dense = () => {
    const model = tf.sequential();
    model.add(tf.layers.flatten({ inputShape: [8, 8, 1] }));
    model.add(tf.layers.dense({ units: 128, activation: 'relu' }));
    model.add(tf.layers.dense({ units: 10, activation: 'softmax' }));
    return model;
  };
  for (const [name, make, optimizer, epochs] of [['convolutional', () => convnet(10), tf.train.adam(0.003), 12], ['dense', dense, 'rmsprop', 40]]) {
    tf.setSeed(1);
    const model = make();
    model.compile({ optimizer, loss: 'categoricalCrossentropy', metrics: ['accuracy'] });
    let batches = 0;
    let validated;
    await model.fit(x, y, {
      batchSize: 32, validationSplit: 0.15, epochs, verbose: 0,
      callbacks: {
        onBatchEnd: async (batch, logs) => {
          batches += 1;
          if (batches === 1) assert.ok(logs.loss > 1 && logs.acc >= 0, JSON.stringify(logs));
          if (batches % 10 === 0) await tf.nextFrame();
        },
        onEpochEnd: async (epoch, logs) => void (validated = logs.val_acc),
      },
    });
    assert.equal(batches, epochs * Math.ceil((1400 * 0.85) / 32));
    const accuracy = model.evaluate(testX, testY)[1].dataSync()[0];
    t.diagnostic(`${name}: ${(100 * accuracy).toFixed(1)} % of 397 digits, ${(100 * validated).toFixed(1)} % in validation`);
    assert.ok(accuracy >= 0.97, `${name}: ${accuracy}`);
    assert.equal(await leftBehind(() => tf.tidy(() => void model.predict(testX.slice([0], [20])).argMax(1).dataSync())), 0);
  }
});

test('mnist-transfer-cnn: from the digits 0 to 4 to 5 to 9 with the convolutions frozen', async (t) => {
  tf.setSeed(6);
  const all = digits();
  const part = (low, from, to) => {
    const list = all.filter(({ digit }) => digit >= low && digit < low + 5);
    return digitTensors(list.slice(Math.floor(from * list.length), Math.floor(to * list.length)), 5, low);
  };
  const folder = await mkdtemp(join(tmpdir(), 'headwater-'));
  try {
    const original = tf.sequential({
      layers: [
        tf.layers.conv2d({ inputShape: [8, 8, 1], kernelSize: 3, filters: 24 }),
        tf.layers.activation({ activation: 'relu' }),
        tf.layers.conv2d({ kernelSize: 3, filters: 32 }),
        tf.layers.activation({ activation: 'relu' }),
        tf.layers.maxPooling2d({ poolSize: 2 }),
        tf.layers.dropout({ rate: 0.25 }),
        tf.layers.flatten(),
        tf.layers.dense({ units: 128 }),
        tf.layers.activation({ activation: 'relu' }),
        tf.layers.dropout({ rate: 0.5 }),
        tf.layers.dense({ units: 5 }),
        tf.layers.activation({ activation: 'softmax' }),
      ],
    });
    original.compile({ loss: 'categoricalCrossentropy', optimizer: tf.train.adam(0.003), metrics: ['acc'] });
    await original.fit(...part(0, 0, 1), { batchSize: 64, epochs: 16, verbose: 0 });
    await original.save(`file://${folder}`);

    const model = await tf.loadLayersModel(`file://${folder}/model.json`);
    const [[x, y], [testX, testY]] = [part(5, 0, 0.75), part(5, 0.75, 1)];
    assert.ok(accuracyOf(model.predict(testX), testY) < 0.6, 'it knows other digits');
    for (let i = 0; i < 7; ++i) model.layers[i].trainable = false;
    model.compile({ loss: 'categoricalCrossentropy', optimizer: tf.train.adam(0.01), metrics: ['acc'] });
    const lines = [];
    model.summary(undefined, undefined, (line) => lines.push(line));
    const convolutions = 9 * 24 + 24 + 9 * 24 * 32 + 32;
    assert.ok(lines.some((line) => line === `Non-trainable params: ${convolutions}`), lines.join('\n'));
    const before = weightsOf(model);
    const { history } = await model.fit(x, y, { batchSize: 128, epochs: 20, validationData: [testX, testY], verbose: 0 });
    // Its weights are read in the order in which they are trained or not: the frozen ones are last in both.
    const after = weightsOf(model);
    assert.deepEqual(after.map((w, i) => sameBits(w, before[i])), [false, false, false, false, true, true, true, true]);
    const accuracy = history.val_acc.at(-1);
    t.diagnostic(`frozen: ${(100 * accuracy).toFixed(1)} % of ${testX.shape[0]} digits`);
    assert.ok(accuracy >= 0.97, String(history.val_acc));

    // The example's other mode: the same topology, new weights.
    const fresh = await tf.models.modelFromJSON({ modelTopology: model.toJSON(null, false) });
    assert.equal(fresh.countParams(), model.countParams());
    assert.ok(!sameBits(weightsOf(fresh)[0], after[0]));

    for (const layer of model.layers) layer.trainable = true;
    model.compile({ loss: 'categoricalCrossentropy', optimizer: tf.train.adam(0.0005), metrics: ['acc'] });
    const held = model.layers[0].getWeights().map((w) => w.dataSync().slice());
    const tuned = await model.fit(x, y, { batchSize: 128, epochs: 3, validationData: [testX, testY], verbose: 0 });
    assert.ok(!sameBits(held[0], model.layers[0].getWeights()[0].dataSync()));
    assert.ok(tuned.history.val_acc.at(-1) >= 0.97, String(tuned.history.val_acc));
  } finally {
    await rm(folder, { recursive: true });
  }
});

/** The positive and the negative part of centred inputs, side by side: a layer that loses nothing. */
class Antirectifier extends tf.layers.Layer {
  static get className() {
    return 'Antirectifier';
  }

  constructor() {
    super({});
    this.supportsMasking = true;
  }

  computeOutputShape(shape) {
    return [...shape.slice(0, -1), 2 * shape.at(-1)];
  }

  call(inputs, kwargs) {
    const input = Array.isArray(inputs) ? inputs[0] : inputs;
    this.invokeCallHook(inputs, kwargs);
    const flat = input.reshape([input.shape[0], -1]);
    const centered = tf.sub(flat, flat.mean(1).expandDims(1)).reshape(input.shape);
    return tf.concat([centered.relu(), centered.neg().relu()], input.rank - 1);
  }
}
tf.serialization.registerClass(Antirectifier);

test('custom-layer: an antirectifier is applied, trained, saved and loaded', async (t) => {
  tf.setSeed(7);
  const picture = tf.randomUniform([1, 4, 5, 3], 0, 255, 'float32', 1);
  const both = new Antirectifier().apply(picture);
  assert.deepEqual(both.shape, [1, 4, 5, 6]);
  const [positive, negative] = tf.split(both, 2, 3);
  const centered = picture.sub(picture.mean());
  tf.test_util.expectArraysClose(positive.sub(negative).dataSync(), centered.dataSync(), 1e-3);

  const model = tf.sequential();
  model.add(tf.layers.conv2d({ inputShape: [8, 8, 1], kernelSize: 3, filters: 8 }));
  model.add(new Antirectifier());
  model.add(tf.layers.maxPooling2d({ poolSize: 2 }));
  model.add(tf.layers.flatten());
  model.add(tf.layers.dense({ units: 10, activation: 'softmax' }));
  model.compile({ optimizer: tf.train.adam(0.01), loss: 'categoricalCrossentropy', metrics: ['accuracy'] });
  const all = digits();
  const [[x, y], [testX, testY]] = [digitTensors(all.slice(0, 1400)), digitTensors(all.slice(1400))];
  await model.fit(x, y, { epochs: 8, verbose: 0 });
  const accuracy = model.evaluate(testX, testY)[1].dataSync()[0];
  t.diagnostic(`${(100 * accuracy).toFixed(1)} %`);
  assert.ok(accuracy >= 0.93, String(accuracy));

  let saved;
  await model.save(tf.io.withSaveHandler(async (artifacts) => {
    saved = artifacts;
    return { modelArtifactsInfo: { dateSaved: new Date(), modelTopologyType: 'JSON' } };
  }));
  const loaded = await tf.loadLayersModel(tf.io.fromMemory(saved));
  assert.ok(loaded.layers[1] instanceof Antirectifier);
  assert.deepEqual(loaded.predict(testX).arraySync(), model.predict(testX).arraySync());
});

test('mnist-acgan: discriminator and generator take turns', async () => {
  tf.setSeed(8);
  const [latentSize, classes] = [6, 10];
  const cnn = tf.sequential();
  cnn.add(tf.layers.dense({ units: 2 * 2 * 16, inputShape: [latentSize], activation: 'relu' }));
  cnn.add(tf.layers.reshape({ targetShape: [2, 2, 16] }));
  cnn.add(tf.layers.conv2dTranspose({ filters: 8, kernelSize: 5, strides: 2, padding: 'same', activation: 'relu', kernelInitializer: 'glorotNormal' }));
  cnn.add(tf.layers.batchNormalization());
  cnn.add(tf.layers.conv2dTranspose({ filters: 1, kernelSize: 5, strides: 2, padding: 'same', activation: 'tanh', kernelInitializer: 'glorotNormal' }));
  const [latent, imageClass] = [tf.input({ shape: [latentSize] }), tf.input({ shape: [1] })];
  const embedded = tf.layers.embedding({ inputDim: classes, outputDim: latentSize, embeddingsInitializer: 'glorotNormal' }).apply(imageClass);
  // Of shape [batch, 1, latentSize]: the example leaves the extra axis to the reshape.
  const generator = tf.model({ inputs: [latent, imageClass], outputs: cnn.apply(tf.layers.multiply().apply([latent, embedded])) });

  const features = tf.sequential();
  features.add(tf.layers.conv2d({ filters: 16, kernelSize: 3, padding: 'same', strides: 2, inputShape: [8, 8, 1] }));
  features.add(tf.layers.leakyReLU({ alpha: 0.2 }));
  features.add(tf.layers.dropout({ rate: 0.3 }));
  features.add(tf.layers.flatten());
  const image = tf.input({ shape: [8, 8, 1] });
  const seen = features.apply(image);
  const heads = [tf.layers.dense({ units: 1, activation: 'sigmoid' }).apply(seen), tf.layers.dense({ units: classes, activation: 'softmax' }).apply(seen)];
  const discriminator = tf.model({ inputs: image, outputs: heads });
  const loss = ['binaryCrossentropy', 'sparseCategoricalCrossentropy'];
  discriminator.compile({ optimizer: tf.train.adam(0.005, 0.5), loss });

  const [noise, wanted] = [tf.input({ shape: [latentSize] }), tf.input({ shape: [1] })];
  const fake = generator.apply([noise, wanted]);
  discriminator.trainable = false;
  const combined = tf.model({ inputs: [noise, wanted], outputs: discriminator.apply(fake) });
  combined.compile({ optimizer: tf.train.adam(0.005, 0.5), loss });
  assert.deepEqual([combined.outputs.length, combined.trainableWeights.length], [2, generator.trainableWeights.length]);

  const list = digits();
  const batchSize = 32;
  const random = randomOf(47);
  const draw = (count) => [
    tf.tensor2d(Array.from({ length: count * latentSize }, () => 2 * random() - 1), [count, latentSize]),
    tf.tensor2d(Array.from({ length: count }, () => Math.floor(random() * classes)), [count, 1]),
  ];
  const ofDiscriminator = async (at) => {
    const [x, y, aux] = tf.tidy(() => {
      const part = list.slice(at, at + batchSize);
      const [images] = digitTensors(part);
      const labels = tf.tensor2d(part.map(({ digit }) => digit), [batchSize, 1]);
      const [z, sampled] = draw(batchSize);
      const generated = generator.predict([z, sampled], { batchSize });
      return [tf.concat([images, generated], 0), tf.concat([tf.ones([batchSize, 1]).mul(0.95), tf.zeros([batchSize, 1])]), tf.concat([labels, sampled], 0)];
    });
    const losses = await discriminator.trainOnBatch(x, [y, aux]);
    tf.dispose([x, y, aux]);
    return losses;
  };
  const ofGenerator = async () => {
    const [z, sampled, trick] = tf.tidy(() => [...draw(2 * batchSize), tf.ones([2 * batchSize, 1]).mul(0.95)]);
    const losses = await combined.trainOnBatch([z, sampled], [trick, sampled]);
    tf.dispose([z, sampled, trick]);
    return losses;
  };
  const movedBy = async (step) => {
    const before = [discriminator, generator].map(weightsOf);
    const losses = await step();
    assert.equal(losses.length, 3);
    assert.ok(Math.abs(losses[0] - losses[1] - losses[2]) < 1e-4, String(losses));
    return [discriminator, generator].map((model, i) => weightsOf(model).map((w, k) => !sameBits(w, before[i][k])));
  };
  const moved = await movedBy(() => ofDiscriminator(0));
  assert.ok(moved[0].every(Boolean) && !moved[1].some(Boolean), String(moved));
  const turn = await movedBy(ofGenerator);
  assert.ok(!turn[0].some(Boolean) && turn[1].every(Boolean), String(turn));

  const rounds = [];
  for (let step = 0; step < 60; step++) rounds.push([await ofDiscriminator((step * batchSize) % 1700), await ofGenerator()]);
  const auxiliary = (part) => rounds.slice(...part).reduce((s, [d]) => s + d[2], 0) / 10;
  assert.ok(auxiliary([-10]) < 0.8 * auxiliary([0, 10]), `${auxiliary([0, 10])} to ${auxiliary([-10])}`);
  assert.equal(await leftBehind(async () => void (await ofDiscriminator(0), await ofGenerator())), 0);
});

test('fashion-mnist-vae: an autoencoder of distributions learns by a loss of its own', async (t) => {
  tf.setSeed(9);
  const [originalDim, latentDim] = [64, 4];
  class Sampling extends tf.layers.Layer {
    static get className() {
      return 'Sampling';
    }
    constructor(config) {
      super(config);
      this.seed = 0;
    }
    computeOutputShape(shapes) {
      tf.util.assert(shapes.length === 2 && Array.isArray(shapes[0]), () => `Expected exactly 2 input shapes. But got: ${shapes}`);
      return shapes[0];
    }
    call([mean, logVariance]) {
      const epsilon = tf.randomNormal(mean.shape, 0, 1, 'float32', (this.seed += 1));
      return mean.add(logVariance.mul(0.5).exp().mul(epsilon));
    }
  }
  tf.serialization.registerClass(Sampling);
  const inputs = tf.input({ shape: [originalDim], name: 'encoder_input' });
  const hidden = tf.layers.dense({ units: 48, activation: 'relu' }).apply(inputs);
  const mean = tf.layers.dense({ units: latentDim, name: 'z_mean' }).apply(hidden);
  const logVariance = tf.layers.dense({ units: latentDim, name: 'z_log_var' }).apply(hidden);
  const z = new Sampling({ name: 'z', outputShape: [latentDim] }).apply([mean, logVariance]);
  const encoder = tf.model({ inputs, outputs: [mean, logVariance, z], name: 'encoder' });
  const code = tf.input({ shape: [latentDim] });
  const grown = tf.layers.dense({ units: 48, activation: 'relu' }).apply(code);
  const decoder = tf.model({ inputs: code, outputs: tf.layers.dense({ units: originalDim, activation: 'sigmoid' }).apply(grown), name: 'decoder' });
  const encoded = encoder.apply(inputs);
  const vae = tf.model({ inputs, outputs: [decoder.apply(encoded[2]), ...encoded], name: 'vae' });
  const lossOf = (x, [decoded, mean, logVariance]) =>
    tf.tidy(() => {
      const reconstruction = tf.losses.meanSquaredError(x, decoded).mul(originalDim);
      const divergence = logVariance.add(1).sub(mean.square()).sub(logVariance.exp()).sum(-1).mul(-0.5);
      return reconstruction.add(divergence.mul(0.1)).mean();
    });
  const images = tf.tensor2d(digits().slice(0, 1024).map(({ pixels }) => pixels));
  const optimizer = tf.train.adam(0.005);
  const costs = [];
  const step = (at) => {
    const x = images.slice([at], [64]);
    const cost = optimizer.minimize(() => lossOf(x, vae.apply(x)), true);
    costs.push(cost.dataSync()[0]);
    tf.dispose([x, cost]);
  };
  for (let epoch = 0; epoch < 8; epoch++) for (let at = 0; at < 1024; at += 64) step(at);
  t.diagnostic(`loss ${costs[0].toFixed(2)} to ${costs.at(-1).toFixed(2)}`);
  assert.ok(costs.at(-1) < 0.4 * costs[0], `${costs[0]} to ${costs.at(-1)}`);
  const generated = decoder.predict(tf.zeros([latentDim]).expandDims());
  assert.deepEqual(generated.shape, [1, 64]);
  assert.equal(await leftBehind(() => step(0)), 0);
});

test('simple-object-detection: boxes by a head on frozen layers, which are then unfrozen in part', async (t) => {
  tf.setSeed(10);
  const random = randomOf(53);
  const side = 16;
  const images = tf.buffer([300, side, side, 1]);
  const boxes = [];
  for (let i = 0; i < 300; i++) {
    const [left, top] = [0, 0].map(() => Math.floor(random() * 9));
    const [width, height] = [0, 0].map(() => 3 + Math.floor(random() * 4));
    for (let r = top; r < top + height; r++) for (let c = left; c < left + width; c++) images.set(1, i, r, c, 0);
    boxes.push([1, left, left + width, top, top + height]);
  }
  const base = tf.sequential({
    layers: [
      tf.layers.conv2d({ inputShape: [side, side, 1], filters: 8, kernelSize: 3, strides: 2, padding: 'same', activation: 'relu', name: 'conv_pw_1' }),
      tf.layers.batchNormalization(),
      tf.layers.conv2d({ filters: 8, kernelSize: 3, padding: 'same', activation: 'relu', name: 'conv_pw_11' }),
      tf.layers.conv2d({ filters: 8, kernelSize: 1, activation: 'relu', name: 'conv_pw_12' }),
    ],
  });
  const truncated = tf.model({ inputs: base.inputs, outputs: base.getLayer('conv_pw_11').output });
  for (const layer of truncated.layers) layer.trainable = false;
  const fineTuned = truncated.layers.filter(({ name }) => name === 'conv_pw_11');
  const head = tf.sequential();
  head.add(tf.layers.flatten({ inputShape: truncated.outputs[0].shape.slice(1) }));
  head.add(tf.layers.dense({ units: 64, activation: 'relu' }));
  head.add(tf.layers.dense({ units: 5 }));
  const model = tf.model({ inputs: truncated.inputs, outputs: head.apply(truncated.outputs[0]) });
  const multiplier = [side, 1, 1, 1, 1];
  const loss = (truth, found) => tf.tidy(() => tf.metrics.meanSquaredError(truth.mul(multiplier), found));
  model.compile({ loss, optimizer: tf.train.rmsprop(5e-3) });
  const [x, y] = [images.toTensor(), tf.tensor2d(boxes)];
  const held = truncated.layers.flatMap((layer) => layer.getWeights().map((w) => w.dataSync().slice()));
  const heldNow = () => truncated.layers.flatMap((layer) => layer.getWeights().map((w) => w.dataSync()));
  const first = await model.fit(x, y, { epochs: 12, batchSize: 32, validationSplit: 0.15, verbose: 0 });
  assert.ok(heldNow().every((w, i) => sameBits(w, held[i])));
  for (const layer of fineTuned) layer.trainable = true;
  model.compile({ loss, optimizer: tf.train.rmsprop(2e-3) });
  const second = await model.fit(x, y, { epochs: 12, batchSize: 32, validationSplit: 0.15, verbose: 0 });
  assert.equal(heldNow().filter((w, i) => !sameBits(w, held[i])).length, 2);
  t.diagnostic(`squared error ${first.history.val_loss[0].toFixed(2)}, ${first.history.val_loss.at(-1).toFixed(2)} frozen, ${second.history.val_loss.at(-1).toFixed(2)} fine-tuned`);
  assert.ok(second.history.val_loss.at(-1) < Math.min(1.5, first.history.val_loss.at(-1)), String(second.history.val_loss));
});

test('visualize-convnet: activations, what a filter answers to, and where a class is seen', async () => {
  tf.setSeed(11);
  const model = convnet(10);
  model.compile({ optimizer: tf.train.adam(0.005), loss: 'categoricalCrossentropy' });
  const [x, y] = digitTensors(digits().slice(0, 1000));
  await model.fit(x, y, { epochs: 4, verbose: 0 });
  const image = x.slice([0], [1]);
  const digit = y.slice([0], [1]).argMax(-1).dataSync()[0];

  const names = model.layers.filter((layer) => layer.getClassName() === 'Conv2D').map(({ name }) => name);
  const inner = tf.model({ inputs: model.inputs, outputs: names.map((name) => model.getLayer(name).output) });
  const activations = inner.predict(image);
  assert.deepEqual(activations.map((a) => a.shape), [[1, 8, 8, 32], [1, 4, 4, 48]]);
  assert.deepEqual(tf.unstack(activations[0].squeeze([0]), -1).length, 32);

  const filter = 3;
  const last = tf.model({ inputs: model.inputs, outputs: model.getLayer(names[1]).output });
  const answer = (input) => last.apply(input, { training: true }).gather([filter], 3);
  const gradient = tf.grad(answer);
  const meanAnswer = (input) => answer(input).mean().dataSync()[0];
  const start = tf.randomUniform([1, 8, 8, 1], 0, 1, 'float32', 5).sub(0.5).mul(0.2).add(0.5);
  let climbed = start;
  for (let i = 0; i < 20; i++) {
    climbed = tf.tidy(() => {
      const slope = gradient(climbed);
      return climbed.add(slope.div(tf.sqrt(tf.mean(tf.square(slope))).add(1e-5)).mul(0.1));
    });
  }
  assert.ok(meanAnswer(climbed) > 2 * meanAnswer(start) && Number.isFinite(meanAnswer(climbed)));

  // Gradients of the class's score by the last convolution weigh its channels (Selvaraju et al. 2017).
  const at = model.layers.findIndex(({ name }) => name === names[1]);
  const rest = tf.input({ shape: model.layers[at].output.shape.slice(1) });
  const scores = model.layers.slice(at + 1).reduce((value, layer) => layer.apply(value), rest);
  const upper = tf.model({ inputs: rest, outputs: scores });
  const map = tf.tidy(() => {
    const lowered = last.apply(image);
    tf.test_util.expectArraysClose(upper.predict(lowered).dataSync(), model.predict(image).dataSync());
    const weights = tf.mean(tf.grad((v) => upper.apply(v, { training: true }).gather([digit], 1))(lowered), [0, 1, 2]);
    const heat = lowered.mul(weights).sum(-1).relu();
    return tf.image.resizeBilinear(heat.div(heat.max()).expandDims(-1), [8, 8]);
  });
  assert.deepEqual(map.shape, [1, 8, 8, 1]);
  const [low, high] = [map.min().dataSync()[0], map.max().dataSync()[0]];
  assert.ok(low >= 0 && high > 0.5 && high <= 1.0001, `${low} to ${high}`);
});

test('bilinear upsampling is trained through on images that are not square', async (t) => {
  tf.setSeed(12);
  // Brightness that grows smoothly: its coarse version, made by pooling, is to be brought back.
  const random = randomOf(59);
  const shapes = Array.from({ length: 160 }, () => [random() * 4, random() * 4, random() * 6]);
  const images = tf.tidy(() => {
    const [rows, columns] = [tf.linspace(0, 1, 6).reshape([1, 6, 1]), tf.linspace(0, 1, 10).reshape([1, 1, 10])];
    const [a, b, c] = [0, 1, 2].map((k) => tf.tensor(shapes.map((s) => s[k])).reshape([160, 1, 1]));
    return rows.mul(a).add(columns.mul(b)).add(c).sin().expandDims(-1);
  });
  const model = tf.sequential();
  model.add(tf.layers.averagePooling2d({ inputShape: [6, 10, 1], poolSize: 2 }));
  model.add(tf.layers.conv2d({ filters: 8, kernelSize: 3, padding: 'same', activation: 'relu' }));
  model.add(tf.layers.upSampling2d({ size: [2, 2], interpolation: 'bilinear' }));
  model.add(tf.layers.conv2d({ filters: 1, kernelSize: 3, padding: 'same' }));
  assert.deepEqual(model.outputs[0].shape, [null, 6, 10, 1]);
  model.compile({ optimizer: tf.train.adam(0.01), loss: 'meanSquaredError' });
  const { history } = await model.fit(images, images, { epochs: 40, validationSplit: 0.2, verbose: 0 });
  t.diagnostic(`squared error ${history.val_loss.at(-1).toFixed(4)}`);
  assert.ok(history.val_loss.at(-1) < 0.01, String(history.val_loss));
  const first = model.layers[1].getWeights()[0];
  const [slope] = tf.grads((kernel) => {
    const grown = tf.image.resizeBilinear(tf.conv2d(images, kernel, 1, 'same'), [9, 7]);
    return grown.square().mean();
  })([first.slice([0, 0, 0, 0], [3, 3, 1, 8])]);
  assert.ok(slope.abs().min().dataSync()[0] >= 0 && slope.abs().max().dataSync()[0] > 0);
});
