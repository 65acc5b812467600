// The networks in jax-js: functions of a list of parameters. Pictures are channels first; an array is used up by what it is
// given to, `ref` keeps it.
import { blockUntilReady, jit, lax, nn, numpy as np, valueAndGrad } from '@jax-js/jax';
import { channelsFirst, sizeOf, uniform } from '../work.js';
import { samples } from './list.js';

/** The parameters of each network of list.js, and its logits. */
const BUILD = { cnn, resnet, lstm, transformer };

const array = (values, shape) => np.array(values).reshape(shape);

/** @returns {{step(): Promise<number>}} what trains a network by plain gradient descent */
export function networkOf(name, network) {
  const { input, batch, batches, rate } = network;
  const { inputs, labels } = samples(network);
  const size = sizeOf(input);
  const picture = input.length === 3;
  const shape = picture ? [batch, input[2], input[0], input[1]] : [batch, ...input];
  const { parameters: initial, logits } = BUILD[name](network);
  let parameters = initial;
  const places = parameters.map((_, index) => index);
  const loss = (...values) => {
    const y = values.pop();
    const x = values.pop();
    return np.mean(np.sum(nn.logSoftmax(logits(values, x)).mul(y), -1)).mul(-1);
  };
  const gradient = valueAndGrad(loss, { argnums: places });
  const update = jit((...values) => {
    const weights = values.slice(0, places.length);
    const [value, gradients] = gradient(...weights.map((weight) => weight.ref), ...values.slice(places.length));
    return [value, ...weights.map((weight, index) => weight.sub(gradients[index].mul(rate)))];
  });
  let count = 0;
  return {
    async step() {
      const from = (count++ % batches) * batch;
      const values = inputs.slice(from * size, (from + batch) * size);
      const x = array(picture ? channelsFirst(values, [batch, ...input]) : values, shape);
      const y = array(labels.slice(from * 10, (from + batch) * 10), [batch, 10]);
      const [value, ...next] = update(...parameters, x, y);
      parameters = next;
      const [number] = await value.data();
      // The loss comes before the updates are done.
      await blockUntilReady(parameters);
      return number;
    },
    dispose: () => parameters.forEach((parameter) => parameter.dispose()),
  };
}

/** Collects parameters while a network is described; afterwards they are found in a list by their places. */
function collector() {
  const parameters = [];
  const add = (value) => parameters.push(value) - 1;
  return {
    parameters,
    random: (shape, scale) => add(array(uniform(sizeOf(shape), scale), shape)),
    zeros: (shape) => add(np.zeros(shape)),
    ones: (shape) => add(np.ones(shape)),
  };
}

/** The pools are reshapes, as their windows do not overlap. */
function cnn({ batch }) {
  const { parameters, random, zeros } = collector();
  const layers = [[random([8, 1, 5, 5], 0.2), zeros([8, 1, 1])], [random([16, 8, 5, 5], 0.1), zeros([16, 1, 1])]];
  const head = [random([256, 10], 0.08), zeros([10])];
  const conv = (p, x, [kernel, bias]) => nn.relu(lax.convGeneralDilated(x, p[kernel], [1, 1], 'VALID').add(p[bias]));
  const pool = (x, channels, size) => np.max(x.reshape([batch, channels, size / 2, 2, size / 2, 2]), [3, 5]);
  const logits = (p, x) => {
    const first = pool(conv(p, x, layers[0]), 8, 24);
    const second = pool(conv(p, first, layers[1]), 16, 8);
    return np.matmul(second.reshape([batch, 256]), p[head[0]]).add(p[head[1]]);
  };
  return { parameters, logits };
}

/** Without the moving averages, which no gradient reads. */
function resnet({ input, widths }) {
  const { parameters, random, zeros, ones } = collector();
  const unit = (inputs, filters, size, stride) => ({
    kernel: random([filters, inputs, size, size], Math.sqrt(6 / (inputs * size * size))),
    gain: ones([filters, 1, 1]),
    bias: zeros([filters, 1, 1]),
    stride,
  });
  const stem = unit(input[2], widths[0], 3, 1);
  const blocks = [];
  let inputs = widths[0];
  widths.forEach((filters, stage) => {
    const stride = stage === 0 ? 1 : 2;
    blocks.push({ first: unit(inputs, filters, 3, stride), second: unit(filters, filters, 3, 1), around: stride === 1 ? null : unit(inputs, filters, 1, stride) });
    blocks.push({ first: unit(filters, filters, 3, 1), second: unit(filters, filters, 3, 1), around: null });
    inputs = filters;
  });
  const head = [random([inputs, 10], Math.sqrt(6 / (inputs + 10))), zeros([10])];

  const conv = (p, x, { kernel, gain, bias, stride }) => {
    const y = lax.convGeneralDilated(x, p[kernel], [stride, stride], 'SAME');
    const centred = y.ref.sub(np.mean(y, [0, 2, 3], { keepdims: true }));
    const variance = np.mean(np.square(centred.ref), [0, 2, 3], { keepdims: true });
    return centred.div(np.sqrt(variance.add(1e-3))).mul(p[gain]).add(p[bias]);
  };
  const logits = (p, x) => {
    let y = nn.relu(conv(p, x, stem));
    for (const { first, second, around } of blocks) {
      const straight = conv(p, nn.relu(conv(p, y.ref, first)), second);
      y = nn.relu(straight.add(around === null ? y : conv(p, y, around)));
    }
    return np.matmul(np.mean(y, [2, 3]), p[head[0]]).add(p[head[1]]);
  };
  return { parameters, logits };
}

/** Unrolled: there is no loop to trace. */
function lstm({ input: [length, features], batch, units }) {
  const { parameters, random, zeros } = collector();
  const kernel = random([features, 4 * units], Math.sqrt(6 / (features + 4 * units)));
  const recurrent = random([units, 4 * units], Math.sqrt(6 / (5 * units)));
  const bias = zeros([4 * units]);
  const head = [random([units, 10], Math.sqrt(6 / (units + 10))), zeros([10])];
  const logits = (p, x) => {
    const projected = np.matmul(x.reshape([batch * length, features]), p[kernel]).reshape([batch, length, 4 * units]);
    const steps = np.split(projected.add(p[bias]), length, 1);
    let h = np.zeros([batch, units]);
    let c = np.zeros([batch, units]);
    steps.forEach((step, index) => {
      const weight = index === length - 1 ? p[recurrent] : p[recurrent].ref;
      const [i, f, g, o] = np.split(step.reshape([batch, 4 * units]).add(np.matmul(h, weight)), 4, 1);
      c = nn.sigmoid(f).mul(c).add(nn.sigmoid(i).mul(np.tanh(g)));
      h = nn.sigmoid(o).mul(np.tanh(c.ref));
    });
    c.dispose?.();
    return np.matmul(h, p[head[0]]).add(p[head[1]]);
  };
  return { parameters, logits };
}

function transformer({ input: [length, features], batch, width, heads, hidden, blocks }) {
  const { parameters, random, zeros, ones } = collector();
  const dense = (inputs, outputs) => ({ kernel: random([inputs, outputs], Math.sqrt(3 / inputs)), bias: zeros([outputs]) });
  const norm = () => ({ gain: ones([width]), bias: zeros([width]) });
  const embed = dense(features, width);
  const places = random([length, width], 0.1);
  const stack = Array.from({ length: blocks }, () => ({
    first: norm(), q: dense(width, width), k: dense(width, width), v: dense(width, width), out: dense(width, width),
    second: norm(), up: dense(width, hidden), down: dense(hidden, width),
  }));
  const head = dense(width, 10);

  const linear = (p, x, { kernel, bias }) => np.matmul(x, p[kernel]).add(p[bias]);
  const normalized = (p, x, { gain, bias }) => {
    const centred = x.ref.sub(np.mean(x, -1, { keepdims: true }));
    const variance = np.mean(np.square(centred.ref), -1, { keepdims: true });
    return centred.div(np.sqrt(variance.add(1e-5))).mul(p[gain]).add(p[bias]);
  };
  const split = (x) => x.reshape([batch, length, heads, width / heads]);
  const block = (p, x, parts) => {
    const seen = normalized(p, x.ref, parts.first);
    const [q, k, v] = [linear(p, seen.ref, parts.q), linear(p, seen.ref, parts.k), linear(p, seen, parts.v)].map(split);
    const mixed = nn.dotProductAttention(q, k, v).reshape([batch, length, width]);
    const attended = x.add(linear(p, mixed, parts.out));
    const up = nn.relu(linear(p, normalized(p, attended.ref, parts.second), parts.up));
    return attended.add(linear(p, up, parts.down));
  };
  const logits = (p, x) => {
    let y = linear(p, x, embed).add(p[places]);
    for (const parts of stack) y = block(p, y, parts);
    return linear(p, np.mean(y, 1), head);
  };
  return { parameters, logits };
}
