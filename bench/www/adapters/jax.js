import { blockUntilReady, defaultDevice, init, jit, lax, nn, numpy as np } from '@jax-js/jax';
import { networkOf } from '../networks/jax.js';
import { KERNELS, channelsFirst, meanMagnitude, sizeOf, uniform } from '../work.js';

export async function start({ backend, threads }) {
  // It has no option for its threads: it starts a worker for each processor that the browser tells of.
  Object.defineProperty(navigator, 'hardwareConcurrency', { value: threads });
  const devices = await init(backend);
  defaultDevice(backend);
  return `jax-js on ${backend} of ${devices.join(', ')}, threads: ${backend === 'wasm' ? threads : '-'}`;
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

export const training = async (name, network) => networkOf(name, network);
