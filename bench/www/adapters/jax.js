import { blockUntilReady, defaultDevice, init, jit, lax, nn, numpy as np, valueAndGrad } from '@jax-js/jax';
import { KERNELS, channelsFirst, meanMagnitude, sizeOf, uniform } from '../work.js';

export async function start({ backend }) {
  const devices = await init(backend);
  defaultDevice(backend);
  return `jax-js on ${backend} of ${devices.join(', ')}`;
}

const array = (values, shape) => np.array(values).reshape(shape);

/** `[height, width, in, out]` to `[out, in, height, width]`. */
function transposedKernel([height, width, inputs, outputs], scale) {
  const values = uniform(height * width * inputs * outputs, scale);
  return np.transpose(array(values, [height, width, inputs, outputs]), [3, 2, 0, 1]);
}

const FUNCTIONS = {
  'matmul-256': (a, b) => np.matmul(a, b),
  'matmul-512': (a, b) => np.matmul(a, b),
  'matmul-1024': (a, b) => np.matmul(a, b),
  conv2d: (x, kernel) => lax.convGeneralDilated(x, kernel, [1, 1], 'SAME'),
  depthwise: (x, kernel) => lax.convGeneralDilated(x, kernel, [1, 1], 'SAME', { featureGroupCount: 64 }),
  add: (a, b) => a.add(b),
  relu: (x) => nn.relu(x),
  exp: (x) => np.exp(x),
  sum: (x) => np.sum(x),
  softmax: (x) => nn.softmax(x),
};

export async function kernel(name) {
  const { family, shapes, kernelShape, kernelScale } = KERNELS[name];
  const inputs = shapes.map((shape) => {
    const values = uniform(sizeOf(shape));
    if (shape.length < 4) return array(values, shape);
    const [batch, height, width, channels] = shape;
    return array(channelsFirst(values, shape), [batch, channels, height, width]);
  });
  if (family === 'conv2d') inputs.push(transposedKernel(kernelShape, kernelScale));
  if (family === 'depthwise') {
    // One input channel a group: `[height, width, channels, 1]` is `[channels, 1, height, width]` with the axes moved.
    const values = array(uniform(sizeOf(kernelShape), kernelScale), kernelShape);
    inputs.push(np.transpose(values, [2, 3, 0, 1]));
  }
  const call = jit(FUNCTIONS[name]);
  const once = () => call(...inputs.map((input) => input.ref));
  return {
    async run(count) {
      const start = performance.now();
      let y;
      for (let index = 0; index < count; index++) {
        y?.dispose();
        y = once();
        await blockUntilReady(y);
      }
      const ms = (performance.now() - start) / count;
      y.dispose();
      return ms;
    },
    check: async () => meanMagnitude(await once().data()),
    dispose: () => inputs.forEach((input) => input.dispose()),
  };
}

/** The network of tfjs-api.js in functions; the pools are reshapes, as their windows do not overlap. */
export async function training({ images, labels, batch, batches }) {
  const random = (shape, scale) => array(uniform(sizeOf(shape), scale), shape);
  let parameters = [
    random([8, 1, 5, 5], 0.2), np.zeros([8, 1, 1]),
    random([16, 8, 5, 5], 0.1), np.zeros([16, 1, 1]),
    random([256, 10], 0.08), np.zeros([10]),
  ];
  const conv = (x, kernel, bias) => nn.relu(lax.convGeneralDilated(x, kernel, [1, 1], 'VALID').add(bias));
  const pool = (x, channels, size) => np.max(x.reshape([batch, channels, size / 2, 2, size / 2, 2]), [3, 5]);
  const loss = (k1, b1, k2, b2, k3, b3, x, y) => {
    const first = pool(conv(x, k1, b1), 8, 24);
    const second = pool(conv(first, k2, b2), 16, 8);
    const logits = np.matmul(second.reshape([batch, 256]), k3).add(b3);
    return np.mean(np.sum(nn.logSoftmax(logits).mul(y), -1)).mul(-1);
  };
  const gradient = valueAndGrad(loss, { argnums: [0, 1, 2, 3, 4, 5] });
  const update = jit((...values) => {
    const weights = values.slice(0, 6);
    const [value, gradients] = gradient(...weights.map((weight) => weight.ref), ...values.slice(6));
    return [value, ...weights.map((weight, index) => weight.sub(gradients[index].mul(0.1)))];
  });
  let count = 0;
  return {
    async step() {
      const from = (count++ % batches) * batch;
      const x = array(images.slice(from * 784, (from + batch) * 784), [batch, 1, 28, 28]);
      const y = array(labels.slice(from * 10, (from + batch) * 10), [batch, 10]);
      const [value, ...next] = update(...parameters, x, y);
      parameters = next;
      const [number] = await value.data();
      // The loss comes before the updates are done.
      await blockUntilReady(parameters);
      return number;
    },
  };
}
