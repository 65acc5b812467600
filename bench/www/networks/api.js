// The networks in the API that TensorFlow.js and Headwater share.
import { sizeOf, uniform } from '../work.js';
import { samples } from './list.js';

/** How to build each network of list.js: a model of layers, or `{weights, loss, dispose}` of operations. */
const BUILD = { cnn, resnet, lstm, transformer };

/** @returns {{step(): Promise<number>}} what trains a network of list.js by plain gradient descent */
export function networkOf(tf, finished, name, network) {
  const { input, batch, batches, rate } = network;
  const { inputs, labels } = samples(network);
  const size = sizeOf(input);
  const built = BUILD[name](tf, network);
  const optimizer = tf.train.sgd(rate);
  built.compile?.({ optimizer, loss: 'categoricalCrossentropy' });
  const step = built.compile === undefined ? minimized(optimizer, built) : fitted(built);
  const weight = () => built.trainableWeights?.[0].read() ?? built.weights[0];
  let count = 0;
  return {
    async step() {
      const from = (count++ % batches) * batch;
      const x = tf.tensor(inputs.subarray(from * size, (from + batch) * size), [batch, ...input]);
      const y = tf.tensor(labels.subarray(from * 10, (from + batch) * 10), [batch, 10]);
      const loss = await step(x, y);
      x.dispose();
      y.dispose();
      await finished(weight());
      return loss;
    },
    dispose: () => built.dispose(),
  };
}

const fitted = (model) => async (x, y) => {
  const loss = await model.trainOnBatch(x, y);
  return Array.isArray(loss) ? loss[0] : loss;
};

const minimized = (optimizer, { weights, loss }) => async (x, y) => {
  const value = optimizer.minimize(() => loss(x, y), true, weights);
  const [number] = await value.data();
  value.dispose();
  return number;
};

function cnn(tf, { input }) {
  const conv = (filters, more) => tf.layers.conv2d({ filters, kernelSize: 5, activation: 'relu', ...more });
  return tf.sequential({
    layers: [
      conv(8, { inputShape: input }),
      tf.layers.maxPooling2d({ poolSize: 2 }),
      conv(16),
      tf.layers.maxPooling2d({ poolSize: 2 }),
      tf.layers.flatten(),
      tf.layers.dense({ units: 10, activation: 'softmax' }),
    ],
  });
}

function resnet(tf, { input, widths }) {
  const conv = (x, filters, kernelSize, strides) => {
    const made = tf.layers.conv2d({ filters, kernelSize, strides, padding: 'same', useBias: false, kernelInitializer: 'heNormal' }).apply(x);
    return tf.layers.batchNormalization().apply(made);
  };
  const relu = (x) => tf.layers.reLU().apply(x);
  const block = (x, filters, strides) => {
    const straight = conv(relu(conv(x, filters, 3, strides)), filters, 3, 1);
    const around = strides === 1 ? x : conv(x, filters, 1, strides);
    return relu(tf.layers.add().apply([straight, around]));
  };
  const picture = tf.input({ shape: input });
  let x = relu(conv(picture, widths[0], 3, 1));
  widths.forEach((filters, stage) => (x = block(block(x, filters, stage === 0 ? 1 : 2), filters, 1)));
  const pooled = tf.layers.globalAveragePooling2d({}).apply(x);
  return tf.model({ inputs: picture, outputs: tf.layers.dense({ units: 10, activation: 'softmax' }).apply(pooled) });
}

function lstm(tf, { input, units }) {
  return tf.sequential({
    layers: [tf.layers.lstm({ units, inputShape: input }), tf.layers.dense({ units: 10, activation: 'softmax' })],
  });
}

/** TensorFlow.js has no layer of attention: operations that both have. */
function transformer(tf, { input: [length, features], width, heads, hidden, blocks }) {
  const weights = [];
  const variable = (shape, scale) => {
    const values = scale === 0 ? new Float32Array(sizeOf(shape)) : uniform(sizeOf(shape), scale);
    weights.push(tf.variable(tf.tensor(values, shape)));
    return weights.at(-1);
  };
  const dense = (inputs, outputs) => ({ kernel: variable([inputs, outputs], Math.sqrt(3 / inputs)), bias: variable([outputs], 0) });
  const norm = () => ({ gain: variable([width], 0), bias: variable([width], 0) });
  const embed = dense(features, width);
  const places = variable([length, width], 0.1);
  const stack = Array.from({ length: blocks }, () => ({
    first: norm(), q: dense(width, width), k: dense(width, width), v: dense(width, width), out: dense(width, width),
    second: norm(), up: dense(width, hidden), down: dense(hidden, width),
  }));
  const head = dense(width, 10);

  const linear = (x, { kernel, bias }) => {
    const flat = tf.reshape(x, [-1, kernel.shape[0]]);
    return tf.reshape(tf.add(tf.matMul(flat, kernel), bias), [...x.shape.slice(0, -1), kernel.shape[1]]);
  };
  const normalized = (x, { gain, bias }) => {
    const { mean, variance } = tf.moments(x, -1, true);
    const standard = tf.mul(tf.sub(x, mean), tf.rsqrt(tf.add(variance, 1e-5)));
    // The gain is kept as its distance from 1.
    return tf.add(tf.mul(standard, tf.add(gain, 1)), bias);
  };
  const split = (x) => tf.transpose(tf.reshape(x, [-1, length, heads, width / heads]), [0, 2, 1, 3]);
  const attention = (x, { q, k, v, out }) => {
    const scores = tf.mul(tf.matMul(split(linear(x, q)), split(linear(x, k)), false, true), Math.sqrt(heads / width));
    const mixed = tf.matMul(tf.softmax(scores), split(linear(x, v)));
    return linear(tf.reshape(tf.transpose(mixed, [0, 2, 1, 3]), [-1, length, width]), out);
  };
  const block = (x, parts) => {
    const seen = tf.add(x, attention(normalized(x, parts.first), parts));
    return tf.add(seen, linear(tf.relu(linear(normalized(seen, parts.second), parts.up)), parts.down));
  };
  const loss = (x, y) => {
    const logits = linear(tf.mean(stack.reduce(block, tf.add(linear(x, embed), places)), 1), head);
    return tf.mean(tf.neg(tf.sum(tf.mul(tf.logSoftmax(logits), y), -1)));
  };
  return { weights, loss, dispose: () => weights.forEach((weight) => weight.dispose()) };
}
