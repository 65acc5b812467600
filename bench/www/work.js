// The work that every library is given.

/** Numbers in [-scale, scale), the same in every column and in models/kernels.py. */
export function uniform(count, scale = 1) {
  const numbers = new Float32Array(count);
  let state = 12345 + count;
  for (let index = 0; index < count; index++) {
    state = (Math.imul(state, 1103515245) + 12345) & 0x7fffffff;
    numbers[index] = ((state / 0x7fffffff) * 2 - 1) * scale;
  }
  return numbers;
}

const square = (size) => ({ family: 'matmul', shapes: [[size, size], [size, size]] });
const elementwise = (operands) => ({ family: 'elementwise', shapes: Array(operands).fill([2048, 2048]) });

/**
 * Shapes are channels-last, kernels `[height, width, in, out]`; `kernelShape` and `kernelScale` say what a convolution is
 * made with.
 */
export const KERNELS = {
  'matmul-256': square(256),
  'matmul-512': square(512),
  'matmul-1024': square(1024),
  conv2d: { family: 'conv2d', shapes: [[1, 112, 112, 32]], kernelShape: [3, 3, 32, 64], kernelScale: 0.05 },
  depthwise: { family: 'depthwise', shapes: [[1, 112, 112, 64]], kernelShape: [3, 3, 64, 1], kernelScale: 0.1 },
  add: elementwise(2),
  relu: elementwise(1),
  exp: elementwise(1),
  sum: { family: 'sum', shapes: [[1024, 1024]] },
  softmax: { family: 'softmax', shapes: [[1024, 1024]] },
};

export const sizeOf = (shape) => shape.reduce((product, size) => product * size, 1);

/** Channels-last to channels-first, for libraries that want that. */
export function channelsFirst(values, [batch, height, width, channels]) {
  const result = new Float32Array(values.length);
  let at = 0;
  for (let n = 0; n < batch; n++)
    for (let c = 0; c < channels; c++)
      for (let pixel = 0; pixel < height * width; pixel++)
        result[at++] = values[(n * height * width + pixel) * channels + c];
  return result;
}

/** A picture of gradients as MobileNet's input, channels last. */
export function picture() {
  const size = 224;
  const values = new Float32Array(size * size * 3);
  for (let y = 0; y < size; y++)
    for (let x = 0; x < size; x++)
      for (let c = 0; c < 3; c++)
        values[(y * size + x) * 3 + c] = (-2 + (4 * x) / (size - 1)) * (c === 0 ? 1 : 0.5) - 1 + (2 * y) / (size - 1);
  return values;
}

export const PICTURE_SHAPE = [1, 224, 224, 3];

/** The mean magnitude: what columns are compared by. */
export function meanMagnitude(values) {
  let sum = 0;
  for (const value of values) sum += Math.abs(value);
  return sum / values.length;
}
