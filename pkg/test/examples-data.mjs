// Data that the tests of examples share.
import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import * as tf from '../dist/index.js';

export const fixture = (name) => new URL(`../../tests/fixtures/${name}`, import.meta.url);

/** Numbers from 0 to 1, the same for each seed. */
export function randomOf(seed) {
  let state = seed;
  return () => (state = (state * 48271) % 2147483647) / 2147483647;
}

/** Numbers of the normal distribution. */
export function normalOf(seed) {
  const random = randomOf(seed);
  return () => Math.sqrt(-2 * Math.log(random())) * Math.cos(2 * Math.PI * random());
}

/** The items in an order drawn from a seed. */
export function shuffled(items, seed) {
  const [list, random] = [[...items], randomOf(seed)];
  for (let i = list.length - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1));
    [list[i], list[j]] = [list[j], list[i]];
  }
  return list;
}

/** The digits of scikit-learn: grey values of 8 x 8 from 0 to 1 and the class of each. */
export function digits() {
  const rows = gunzipSync(readFileSync(fixture('digits.csv.gz'))).toString().trim().split('\n').map((line) => line.split(',').map(Number));
  return shuffled(rows, 5).map((row) => ({ pixels: row.slice(0, 64).map((v) => v / 16), digit: row[64] }));
}

/** Images [n, 8, 8, 1] and one-hot classes [n, classes] of digits. */
export function digitTensors(list, classes = 10, first = 0) {
  return tf.tidy(() => [
    tf.tensor4d(list.flatMap(({ pixels }) => pixels), [list.length, 8, 8, 1]),
    tf.oneHot(tf.tensor1d(list.map(({ digit }) => digit - first), 'int32'), classes).toFloat(),
  ]);
}

/** The share of rows whose greatest column is that of the one-hot targets. */
export const accuracyOf = (predicted, targets) => tf.tidy(() => predicted.argMax(-1).equal(targets.argMax(-1)).mean().dataSync()[0]);

/** Runs something twice and tells how many tensors the second time left behind. */
export async function leftBehind(step) {
  await step();
  const before = tf.memory().numTensors;
  await step();
  return tf.memory().numTensors - before;
}
