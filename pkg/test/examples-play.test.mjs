// TensorFlow.js's snake-dqn, with calls as it makes them, on a smaller game: a network that plays is trained towards one
// that is copied from it now and then (Mnih et al. 2015).
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as tf from '../dist/index.js';
import { leftBehind, randomOf } from './examples-data.mjs';

const SIDE = 5;
const ACTIONS = 4;

/** A square that looks for a fruit on a board. */
class Board {
  constructor(random) {
    this.random = random;
    this.start();
  }

  place() {
    return [Math.floor(this.random() * SIDE), Math.floor(this.random() * SIDE)];
  }

  start() {
    this.steps = 0;
    this.me = this.place();
    do this.fruit = this.place();
    while (String(this.fruit) === String(this.me));
  }

  state() {
    return { me: this.me, fruit: this.fruit };
  }

  step(action) {
    const [dr, dc] = [[0, -1], [0, 1], [-1, 0], [1, 0]][action];
    this.me = [this.me[0] + dr, this.me[1] + dc];
    const outside = this.me.some((v) => v < 0 || v >= SIDE);
    const eaten = String(this.me) === String(this.fruit);
    this.steps += 1;
    const done = outside || eaten || this.steps >= 20;
    const result = { reward: outside ? -1 : eaten ? 1 : -0.02, done, eaten, state: this.state() };
    if (done) this.start();
    return result;
  }
}

function stateTensor(states) {
  const buffer = tf.buffer([states.length, SIDE, SIDE, 2]);
  states.forEach(({ me, fruit }, i) => {
    if (me.every((v) => v >= 0 && v < SIDE)) buffer.set(1, i, ...me, 0);
    buffer.set(1, i, ...fruit, 1);
  });
  return buffer.toTensor();
}

function network() {
  const model = tf.sequential();
  model.add(tf.layers.conv2d({ filters: 16, kernelSize: 3, strides: 1, padding: 'same', activation: 'relu', inputShape: [SIDE, SIDE, 2] }));
  model.add(tf.layers.batchNormalization({ momentum: 0.9 }));
  model.add(tf.layers.conv2d({ filters: 16, kernelSize: 3, strides: 1, activation: 'relu' }));
  model.add(tf.layers.flatten());
  model.add(tf.layers.dense({ units: 64, activation: 'relu' }));
  model.add(tf.layers.dropout({ rate: 0.1 }));
  model.add(tf.layers.dense({ units: ACTIONS }));
  return model;
}

/** Copies weights, with both networks trainable meanwhile: the order of weights tells which are. */
function copyWeights(to, from) {
  const { trainable } = to;
  to.trainable = from.trainable;
  to.setWeights(from.getWeights());
  to.trainable = trainable;
}

test('snake-dqn: a network learns to walk to the fruit', async (t) => {
  tf.setSeed(13);
  const random = randomOf(83);
  const board = new Board(random);
  const [online, target] = [network(), network()];
  target.trainable = false;
  copyWeights(target, online);
  const values = (model) => model.layers.flatMap((layer) => layer.getWeights().map((w) => Array.from(w.dataSync())));
  const same = () => String(values(online)) === String(values(target));
  const probe = stateTensor([board.state()]);
  tf.test_util.expectArraysClose(target.predict(probe).dataSync(), online.predict(probe).dataSync());

  const greedy = (state) => tf.tidy(() => online.predict(stateTensor([state])).argMax(-1).dataSync()[0]);
  const memory = [];
  const play = (epsilon) => {
    const state = board.state();
    const action = random() < epsilon ? Math.floor(random() * ACTIONS) : greedy(state);
    const { reward, done, state: next, eaten } = board.step(action);
    memory.push([state, action, reward, done, next]);
    return { done, eaten };
  };
  const optimizer = tf.train.adam(0.002);
  const learn = (size) => {
    const batch = Array.from({ length: size }, () => memory[Math.floor(random() * memory.length)]);
    const loss = () =>
      tf.tidy(() => {
        const states = stateTensor(batch.map((e) => e[0]));
        const actions = tf.tensor1d(batch.map((e) => e[1]), 'int32');
        const qs = online.apply(states, { training: true }).mul(tf.oneHot(actions, ACTIONS)).sum(-1);
        const rewards = tf.tensor1d(batch.map((e) => e[2]));
        const best = target.predict(stateTensor(batch.map((e) => e[4]))).max(-1);
        const going = tf.scalar(1).sub(tf.tensor1d(batch.map((e) => e[3])).asType('float32'));
        return tf.losses.meanSquaredError(rewards.add(best.mul(going).mul(0.9)), qs);
      });
    // Of all variables: those of the frozen network are left out.
    const gradients = tf.variableGrads(loss);
    assert.equal(Object.keys(gradients.grads).length, online.trainableWeights.length);
    optimizer.applyGradients(gradients.grads);
    const cost = gradients.value.dataSync()[0];
    tf.dispose(gradients);
    return cost;
  };
  const rate = () => {
    let [games, eaten] = [0, 0];
    while (games < 60) {
      const outcome = play(0);
      games += outcome.done ? 1 : 0;
      eaten += outcome.eaten ? 1 : 0;
    }
    return eaten / games;
  };
  const before = rate();
  while (memory.length < 1500) play(1);
  for (let step = 0; step < 600; step++) {
    learn(64);
    play(0.3);
    if (step === 0) assert.ok(!same());
    if (step % 40 === 39) copyWeights(target, online);
  }
  assert.ok(same());
  assert.equal(target.trainable, false);
  const after = rate();
  t.diagnostic(`fruit in ${(100 * before).toFixed(0)} % of games, then in ${(100 * after).toFixed(0)} %`);
  assert.ok(after > 0.35 && after > 2 * before, `${before} to ${after}`);
  assert.equal(await leftBehind(() => void learn(32)), 0);
});
