/** The loop of testing: losses and metrics over batches, with turns for others between them. */

import * as ops from '../ops/core.js';
import { wasm } from '../runtime.js';
import { dispose, keep, type Tensor, tidy } from '../tensor.js';
import type { LayersModel } from './model.js';
import type { Pause } from './pause.js';
import type { Batch } from './training.js';

/** Batches of tensors in the order of their samples. */
export function* inOrder([inputs, targets, weights]: [Tensor[], Tensor[], Tensor[]], samples: number, batchSize: number): Generator<Batch> {
  for (let at = 0; at < samples; at += batchSize) {
    const size = Math.min(batchSize, samples - at);
    const part = (t: Tensor): Tensor => (samples <= batchSize ? t : ops.slice(t, at, size));
    yield { size, tensors: () => [inputs.map(part), targets.map(part), weights.map(part)] };
  }
}

/** The loss and the metrics over batches, as scalars; none where there are no batches. */
export async function test(model: LayersModel, batches: Iterable<Batch> | AsyncIterable<Batch>, pause: Pause): Promise<Tensor[]> {
  let sums: Tensor[] = [];
  let samples = 0;
  try {
    for await (const { size, tensors } of batches) {
      const old = sums;
      sums = tidy(() => {
        const [inputs, targets, weights] = tensors();
        return model.testStep(inputs, targets, weights).map((v, i) => (old.length === 0 ? ops.mul(v, size) : ops.add(ops.mul(v, size), old[i] as Tensor)));
      }).map((t) => keep(t));
      dispose(old);
      samples += size;
      wasm().flush();
      await pause.afterBatch();
    }
    return tidy(() => sums.map((sum) => ops.div(sum, samples)));
  } finally {
    dispose(sums);
  }
}
