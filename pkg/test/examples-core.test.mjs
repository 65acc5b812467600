// TensorFlow.js's examples of operations, variables and optimizers, with calls as they make them: a polynomial, a network
// for digits without layers, a pole balanced by policy gradients.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as tf from '../dist/index.js';
import { digits, digitTensors, leftBehind, randomOf } from './examples-data.mjs';

test('polynomial-regression-core: coefficients of a cubic', async () => {
  const truth = { a: -0.8, b: -0.2, c: 0.9, d: 0.5 };
  const [xs, ys] = tf.tidy(() => {
    const [a, b, c, d] = Object.values(truth).map((v) => tf.scalar(v));
    const xs = tf.randomUniform([100], -1, 1, 'float32', 11);
    const three = tf.scalar(3, 'int32');
    const clean = a.mul(xs.pow(three)).add(b.mul(xs.square())).add(c.mul(xs)).add(d);
    return [xs, clean.add(tf.randomNormal([100], 0, 0.04, 'float32', 12))];
  });
  const start = randomOf(3);
  const [a, b, c, d] = [1, 2, 3, 4].map(() => tf.variable(tf.scalar(start())));
  const predict = (x) => tf.tidy(() => a.mul(x.pow(tf.scalar(3, 'int32'))).add(b.mul(x.square())).add(c.mul(x)).add(d));
  const optimizer = tf.train.sgd(0.5);
  const losses = [];
  for (let i = 0; i < 400; i++) {
    const cost = optimizer.minimize(() => predict(xs).sub(ys).square().mean(), i % 100 === 0);
    if (cost !== null) losses.push(cost.dataSync()[0]);
    if (i % 100 === 0) await tf.nextFrame();
  }
  assert.equal(losses.length, 4);
  assert.ok(losses.at(-1) < 0.003, String(losses));
  [a, b, c, d].forEach((v, i) => assert.ok(Math.abs(v.dataSync()[0] - Object.values(truth)[i]) < 0.1, `${Object.keys(truth)[i]}: ${v.dataSync()}`));
  assert.equal(await leftBehind(() => void optimizer.minimize(() => predict(xs).sub(ys).square().mean())), 0);
});

test('polynomial-regression: the same by a model of one layer over normalized powers', async () => {
  const truth = [0.02, -0.3, 4, -10];
  const x = Array.from({ length: 25 }, (_, i) => i - 12);
  const y = x.map((v) => truth[0] * v ** 3 + truth[1] * v ** 2 + truth[2] * v + truth[3]);
  const meanOf = (v) => v.reduce((s, e) => s + e) / v.length;
  const normalize = (v) => {
    const mean = meanOf(v);
    const deviation = Math.sqrt(v.reduce((s, e) => s + (e - mean) ** 2, 0) / (v.length - 1));
    return { mean, deviation, values: v.map((e) => (e - mean) / deviation) };
  };
  const powers = [1, 2, 3].map((n) => normalize(x.map((v) => v ** n)));
  const target = normalize(y);
  const rows = x.flatMap((_, i) => [1, ...powers.map((p) => p.values[i])]);

  const input = tf.input({ shape: [4] });
  const linear = tf.layers.dense({ units: 1, kernelInitializer: 'Zeros', useBias: false });
  const model = tf.model({ inputs: input, outputs: linear.apply(input) });
  model.compile({ optimizer: tf.train.sgd(0.3), loss: 'meanSquaredError' });
  await model.fit(tf.tensor2d(rows, [25, 4]), tf.tensor2d(target.values, [25, 1]), { batchSize: 25, epochs: 400, verbose: 0 });

  const weights = model.trainableWeights[0].read().dataSync();
  const found = powers.map((p, i) => (weights[i + 1] * target.deviation) / p.deviation).reverse();
  found.push(target.mean + target.deviation * weights[0] - powers.reduce((s, p, i) => s + (weights[i + 1] * target.deviation * p.mean) / p.deviation, 0));
  found.forEach((value, i) => assert.ok(Math.abs(value - truth[i]) < 0.03 * Math.max(1, Math.abs(truth[i])), `${found} is not ${truth}`));
});

test('mnist-core: a convolutional network of variables', async (t) => {
  const [train, held] = [digits().slice(0, 1500), digits().slice(1500)];
  const normal = (shape, fan, seed) => tf.variable(tf.randomNormal(shape, 0, Math.sqrt(2 / fan), 'float32', seed));
  const conv1 = normal([3, 3, 1, 8], 9, 1);
  const conv2 = normal([3, 3, 8, 16], 72, 2);
  const full = normal([2 * 2 * 16, 10], 64, 3);
  const bias = tf.variable(tf.zeros([10]));
  const predict = (xs) =>
    tf.tidy(() => {
      const first = tf.maxPool(tf.relu(tf.conv2d(xs, conv1, 1, 'same')), 2, 2, 'same');
      const second = first.conv2d(conv2, 1, 'same').relu().maxPool([2, 2], 2, 'same');
      return second.as2D(-1, full.shape[0]).matMul(full).add(bias);
    });
  const loss = (labels, logits) => tf.losses.softmaxCrossEntropy(labels, logits).mean();
  const [xs, labels] = digitTensors(train);
  const order = tf.util.createShuffledIndices(train.length);
  assert.deepEqual([...order].sort((p, q) => p - q), train.map((_, i) => i));
  const optimizer = tf.train.sgd(0.2);
  const costs = [];
  for (let step = 0; step < 400; step++) {
    const [x, y] = tf.tidy(() => [xs.slice([(step * 64) % 1436], [64]), labels.slice([(step * 64) % 1436], [64])]);
    const cost = optimizer.minimize(() => loss(y, predict(x)), true);
    if (step % 50 === 0) costs.push((await cost.data())[0]);
    tf.dispose([x, y, cost]);
    if (step % 50 === 0) await tf.nextFrame();
  }
  const [testXs, testLabels] = digitTensors(held);
  const classes = (scores) => Array.from(scores.argMax(1).dataSync());
  const [truth, found] = [classes(testLabels), classes(predict(testXs))];
  const accuracy = truth.filter((v, i) => v === found[i]).length / truth.length;
  t.diagnostic(`${(100 * accuracy).toFixed(1)} % of 297 digits`);
  assert.ok(costs.at(-1) < 0.2 * costs[0], String(costs));
  assert.ok(accuracy >= 0.93, String(accuracy));
});

/** A pole on a cart (Barto, Sutton and Anderson 1983), with the constants the example has. */
class CartPole {
  constructor(random) {
    this.random = random;
    this.start();
  }

  start() {
    const spread = (width) => (this.random() - 0.5) * width;
    this.state = [spread(1), spread(1), spread(2 * ((6 / 360) * 2 * Math.PI)), spread(0.5)];
  }

  tensor() {
    return tf.tensor2d([this.state]);
  }

  /** Pushes for 20 ms, and tells whether the pole fell or the cart left. */
  update(action) {
    const [x, speed, angle, turning] = this.state;
    const [gravity, total, pole, half, force] = [9.8, 1.1, 0.1, 0.5, action > 0 ? 10 : -10];
    const [cos, sin] = [Math.cos(angle), Math.sin(angle)];
    const pull = (force + pole * half * turning ** 2 * sin) / total;
    const turn = (gravity * sin - cos * pull) / (half * (4 / 3 - (pole * cos ** 2) / total));
    const push = pull - (pole * half * turn * cos) / total;
    this.state = [x + 0.02 * speed, speed + 0.02 * push, angle + 0.02 * turning, turning + 0.02 * turn];
    return Math.abs(this.state[0]) > 2.4 || Math.abs(this.state[2]) > (12 / 360) * 2 * Math.PI;
  }
}

test('cart-pole: policy gradients keep the pole up for longer', async (t) => {
  tf.setSeed(17);
  const random = randomOf(29);
  const policy = tf.sequential();
  policy.add(tf.layers.dense({ units: 16, activation: 'elu', inputShape: [4] }));
  policy.add(tf.layers.dense({ units: 1 }));
  assert.deepEqual(policy.layers.slice(0, -1).map((layer) => layer.units), [16]);
  const optimizer = tf.train.adam(0.05);
  const pole = new CartPole(random);
  let actions;
  const decide = (inputs) =>
    tf.tidy(() => {
      const logits = policy.predict(inputs);
      const left = tf.sigmoid(logits);
      // A seed of our own makes the run the same each time.
      return [logits, tf.multinomial(tf.concat([left, tf.sub(1, left)], 1), 1, 1 + Math.floor(random() * 2 ** 30), true)];
    });
  const gradients = (inputs) =>
    tf.variableGrads(() =>
      tf.tidy(() => {
        const [logits, drawn] = decide(inputs);
        actions = drawn.dataSync();
        return tf.losses.sigmoidCrossEntropy(tf.sub(1, tf.tensor2d(actions, drawn.shape)), logits).asScalar();
      }),
    );
  const discounted = (rewards) => {
    const buffer = tf.buffer([rewards.length]);
    let sum = 0;
    for (let i = rewards.length - 1; i >= 0; i--) buffer.set((sum = 0.95 * sum + rewards[i]), i);
    return buffer.toTensor();
  };
  const push = (record, entries) => Object.entries(entries).forEach(([name, value]) => (record[name] ??= []).push(value));

  const play = async (games) => {
    const [all, rewards, steps] = [{}, [], []];
    for (let game = 0; game < games; game++) {
      pole.start();
      const [ofGame, rewardsOfGame] = [{}, []];
      for (let step = 0, done = false; step < 200 && !done; step++) {
        push(ofGame, tf.tidy(() => gradients(pole.tensor()).grads));
        done = pole.update(actions[0]);
        rewardsOfGame.push(done ? 0 : 1);
      }
      steps.push(rewardsOfGame.length);
      push(all, ofGame);
      rewards.push(rewardsOfGame);
    }
    tf.tidy(() => {
      const sums = rewards.map(discounted);
      const joined = tf.concat(sums);
      const mean = tf.mean(joined);
      const deviation = tf.sqrt(tf.mean(tf.square(joined.sub(mean))));
      const normalized = sums.map((s) => s.sub(mean).div(deviation));
      const averaged = {};
      for (const [name, games] of Object.entries(all)) {
        averaged[name] = tf.tidy(() => {
          const stacked = games.map((g) => tf.stack(g));
          const scaled = stacked.map((g, i) => g.mul(normalized[i].reshape([...normalized[i].shape, ...new Array(g.rank - 1).fill(1)])));
          return tf.mean(tf.concat(scaled, 0), 0);
        });
      }
      optimizer.applyGradients(averaged);
    });
    tf.dispose(all);
    return steps.reduce((s, n) => s + n) / games;
  };

  const means = [];
  let tensors = 0;
  for (let iteration = 0; iteration < 12 && !(means.at(-1) > 100); iteration++) {
    means.push(await play(10));
    if (iteration === 0) tensors = tf.memory().numTensors;
    assert.equal(tf.memory().numTensors, tensors);
  }
  t.diagnostic(`mean steps of a game: ${means.map((m) => m.toFixed(0))}`);
  assert.ok(Math.max(...means) > 2.5 * means[0], String(means));
});
