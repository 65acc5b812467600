// Trainings that are interrupted and go on. Each is built anew in every program, from its name.
import { createHash } from 'node:crypto';
import * as tf from '../../dist/index.js';

const SAMPLES = 84;
const points = () => {
  const x = tf.randomNormal([SAMPLES, 6], 0, 1, 'float32', 1);
  const y = x.sum(1).greater(0).toInt();
  return [x, y];
};
const rows = () => {
  const [x, y] = points();
  const [xs, ys] = [x.arraySync(), tf.oneHot(y, 2).arraySync()];
  return xs.map((row, i) => ({ xs: row, ys: ys[i] }));
};

/** A layer of a user's own, which draws without a seed. */
class Jitter extends tf.Layer {
  static className = 'Jitter';
  call(inputs, { training }) {
    const x = [inputs].flat()[0];
    return training ? tf.dropout(tf.add(x, tf.randomNormal(x.shape, 0, 0.1)), 0.1) : x;
  }
  computeOutputShape(shape) {
    return shape;
  }
}

const classifier = (optimizer, middle = []) => {
  const model = tf.sequential({
    layers: [
      tf.layers.dense({ units: 8, inputShape: [6], activation: 'relu' }),
      tf.layers.batchNormalization(),
      ...middle,
      tf.layers.dense({ units: 2, activation: 'softmax', kernelRegularizer: tf.regularizers.l2() }),
    ],
  });
  model.compile({ optimizer, loss: 'categoricalCrossentropy', metrics: ['accuracy', 'precision'] });
  return model;
};

/** Of each training its model, what calls fit with more callbacks and arguments, and how many batches an epoch has. */
export const runs = {
  /** Random layers with and without seeds, a schedule, class weights, shuffled samples; it stops early. */
  adam() {
    const rate = tf.train.schedules.cosineDecay({ initialLearningRate: 0.05, decaySteps: 60 });
    const model = classifier(tf.train.adam(rate), [tf.layers.dropout({ rate: 0.3 }), tf.layers.gaussianNoise({ stddev: 0.1, seed: 3 }), new Jitter()]);
    const [x, classes] = points();
    const y = tf.oneHot(classes, 2);
    const callbacks = [tf.callbacks.earlyStopping({ patience: 1, restoreBestWeights: true })];
    return {
      model,
      steps: 5,
      fit: (more, args) =>
        model.fit(x, y, { epochs: 9, batchSize: 14, validationSplit: 0.2, classWeight: { 0: 1, 1: 2.5 }, verbose: 0, ...args, callbacks: [...more, ...callbacks] }),
    };
  },
  /** A rate that callbacks change, averages of weights, a nested model, states carried from batch to batch. */
  plateau() {
    const inner = tf.sequential({ layers: [tf.layers.dense({ units: 3, inputShape: [4], activation: 'tanh' }), tf.layers.dropout({ rate: 0.2 })] });
    const model = tf.sequential({
      layers: [tf.layers.gru({ units: 4, batchInputShape: [12, 3, 2], stateful: true, recurrentDropout: 0.2 }), inner, tf.layers.dense({ units: 1 })],
    });
    model.compile({ optimizer: tf.train.withOptions(tf.train.rmsprop(0.02), { useEma: true, clipnorm: 1, gradientAccumulationSteps: 2 }), loss: 'meanSquaredError' });
    const [flat] = points();
    const [x, target] = [flat.reshape([SAMPLES, 3, 2]), flat.sum(1, true)];
    const callbacks = [
      tf.callbacks.reduceLROnPlateau({ monitor: 'loss', patience: 1, factor: 0.5, minDelta: 0.2 }),
      tf.callbacks.learningRateScheduler((_, rate) => rate * 0.9),
      { onEpochBegin: (epoch) => (inner.layers[0].trainable = epoch < 2) },
    ];
    return {
      model,
      steps: 7,
      fit: (more, args) => model.fit(x, target, { epochs: 4, batchSize: 12, verbose: 0, ...args, callbacks: [...callbacks, ...more] }),
    };
  },
  /** A data set that is shuffled without a seed, and validated on in part. */
  dataset() {
    const model = classifier('adam', [tf.layers.dropout({ rate: 0.3 })]);
    const shuffled = tf.data.array(rows()).shuffle(30);
    const [train, validation] = [shuffled.skip(24).batch(10), shuffled.take(24).batch(24)];
    const callbacks = [tf.callbacks.earlyStopping({ patience: 3 })];
    return {
      model,
      steps: 6,
      fit: (more, args) => model.fitDataset(train.prefetch(2), { epochs: 4, validationData: validation, verbose: 0, ...args, callbacks: [...more, ...callbacks] }),
    };
  },
  /** A data set that goes on from epoch to epoch. */
  repeated() {
    const model = classifier('sgd', [tf.layers.dropout({ rate: 0.3 })]);
    const data = tf.data.array(rows()).shuffle(20).repeat().batch(9);
    return { model, steps: 5, fit: (more, args) => model.fitDataset(data, { epochs: 4, batchesPerEpoch: 5, verbose: 0, ...args, callbacks: more }) };
  },
};

/** All that a training has come to: a digest of every bit of the model and the optimizer, and what a reader can compare. */
export async function outcome(model, history) {
  const hexes = (tensors) => Promise.all(tensors.map(async (tensor) => Buffer.from(await tensor.bytes()).toString('hex')));
  const weights = await hexes(model.orderedWeights.map(({ variable }) => variable));
  const optimizer = (await hexes((await model.optimizer.getWeights()).map(({ tensor }) => tensor))).sort();
  const digest = createHash('sha256').update(JSON.stringify([weights, optimizer])).digest('hex').slice(0, 16);
  return JSON.stringify({ digest, rate: model.optimizer.learningRate, epoch: history.epoch, history: history.history });
}
