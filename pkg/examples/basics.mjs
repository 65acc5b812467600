// A tour in four steps: a curve fitted by gradient descent, a network that reads handwritten digits, a second derivative,
// and a gradient of one's own. Run with `node examples/basics.mjs`.
import { readFile } from 'node:fs/promises';
import { pathToFileURL } from 'node:url';
import { gunzipSync } from 'node:zlib';
import * as tf from 'headwater';

/** Fits a x^2 + b x + c to noisy points and returns the coefficients. */
export async function fitQuadratic() {
  const truth = [0.8, -0.4, 0.3];
  const x = tf.linspace(-1, 1, 200);
  const noise = tf.randomNormal([200], 0, 0.02, 'float32', 1);
  const y = x.square().mul(truth[0]).add(x.mul(truth[1])).add(truth[2]).add(noise);

  const coefficients = ['a', 'b', 'c'].map((name) => tf.variable(tf.scalar(0), true, name));
  const [a, b, c] = coefficients;
  const predict = () => a.mul(x.square()).add(b.mul(x)).add(c);
  const optimizer = tf.train.adam(0.05);
  for (let step = 0; step < 300; step++) optimizer.minimize(() => tf.losses.meanSquaredError(y, predict()));

  const found = await Promise.all(coefficients.map(async (v) => (await v.data())[0]));
  tf.dispose(coefficients);
  return { truth, found };
}

/** The digits of a csv file: 64 grey values from 0 to 16 and the class in each line. */
async function digits(file) {
  const text = gunzipSync(await readFile(file)).toString();
  const rows = text.trim().split('\n').map((line) => line.split(',').map(Number));
  const images = tf.tensor2d(rows.map((row) => row.slice(0, 64).map((v) => v / 16)));
  const classes = tf.tensor1d(rows.map((row) => row[64]), 'int32');
  return { images, classes, count: rows.length };
}

/** Trains a network of two layers and returns its accuracy on the digits it was not trained on. */
export async function learnDigits(file, epochs = 15) {
  const { images, classes, count } = await digits(file);
  const trained = 1500;
  tf.setSeed(5);
  const model = tf.sequential({
    layers: [
      tf.layers.dense({ inputShape: [64], units: 64, activation: 'relu' }),
      tf.layers.dropout({ rate: 0.2 }),
      tf.layers.dense({ units: 10, activation: 'softmax' }),
    ],
  });
  model.compile({ optimizer: tf.train.adam(0.005), loss: 'sparseCategoricalCrossentropy', metrics: ['accuracy'] });
  await model.fit(images.slice([0, 0], [trained, -1]), classes.slice([0], [trained]).toFloat(), { epochs, batchSize: 32, verbose: 0 });

  const right = tf.tidy(() => {
    const guesses = model.predict(images.slice([trained, 0])).argMax(-1);
    return guesses.equal(classes.slice([trained])).sum();
  });
  return (await right.data())[0] / (count - trained);
}

/** The second derivative of sin(x) x^2, by differentiating the derivative. */
export function secondDerivative(at) {
  const f = (x) => x.sin().mul(x.square());
  const second = tf.grad((x) => tf.grad(f)(x).sum());
  return second(tf.tensor1d(at)).arraySync();
}

/** The exact second derivative, to compare with. */
export const secondDerivativeExact = (x) => (2 - x * x) * Math.sin(x) + 4 * x * Math.cos(x);

/** Rounding whose gradient is that of the identity: a straight-through estimator. */
export const roundStraight = tf.customGrad((x) => ({ value: x.round(), gradFunc: (dy) => dy }));

/** Learns a number that is rounded before it is judged, which needs the gradient above. */
export function learnThroughRounding() {
  const x = tf.variable(tf.scalar(0.2));
  const optimizer = tf.train.sgd(0.1);
  for (let step = 0; step < 60; step++) optimizer.minimize(() => roundStraight(x).sub(3).square().sum());
  return tf.tidy(() => x.round().arraySync());
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  console.log('a curve:', await fitQuadratic());
  const file = process.argv[2] ?? new URL('../../tests/fixtures/digits.csv.gz', import.meta.url);
  console.log('digits read right:', await learnDigits(file));
  console.log('second derivatives:', secondDerivative([0.5, 1, 2]), [0.5, 1, 2].map(secondDerivativeExact));
  console.log('learned through rounding:', learnThroughRounding());
}
