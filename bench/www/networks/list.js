// The networks that are trained, and what they learn.
import { sizeOf, uniform } from '../work.js';

const CLASSES = 10;

/**
 * `title` stands in the table; `input` is the shape of a sample, channels last; `rate` that of plain gradient descent.
 * Sizes are such that a step takes well under a second on one slow core.
 */
export const NETWORKS = {
  cnn: { title: 'CNN step, batch 64', input: [28, 28, 1], batch: 64, batches: 8, rate: 0.1 },
  // ResNet-18 for pictures of 32x32 (He et al. 2016, section 4.2's stem) at a quarter of its width.
  resnet: { title: 'ResNet-18/4 step, batch 16', input: [32, 32, 3], batch: 16, batches: 4, rate: 0.02, widths: [16, 32, 64, 128] },
  lstm: { title: 'LSTM 128 step, batch 32', input: [32, 32], batch: 32, batches: 4, rate: 0.1, units: 128 },
  // Two encoder blocks, layer norm first.
  transformer: { title: 'transformer step, batch 16', input: [64, 32], batch: 16, batches: 4, rate: 0.005, width: 128, heads: 4, hidden: 256, blocks: 2 },
};

/**
 * Samples in ten classes, a pattern for each, and noise: enough for a step to have something to learn without a download.
 *
 * @returns {{inputs: Float32Array, labels: Float32Array}} `[count, ...input]` and one-hot `[count, 10]`
 */
export function samples({ input, batch, batches }) {
  const [count, size] = [batch * batches, sizeOf(input)];
  const patterns = uniform(CLASSES * size);
  const noise = uniform(count * size, 0.5);
  const inputs = new Float32Array(count * size);
  const labels = new Float32Array(count * CLASSES);
  for (let n = 0; n < count; n++) {
    const label = (n * 7) % CLASSES;
    labels[n * CLASSES + label] = 1;
    for (let at = 0; at < size; at++) inputs[n * size + at] = Math.max(0, patterns[label * size + at] + noise[n * size + at]);
  }
  return { inputs, labels };
}
