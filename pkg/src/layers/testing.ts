/** The loop of testing: losses and metrics over batches, with turns for others between them. */

import { tensor } from '../convert.js';
import * as ops from '../ops/core.js';
import { dispose, keep, type Tensor, tidy } from '../tensor.js';
import type { Measures } from './measures.js';
import type { LayersModel, Progress } from './model.js';
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

/** Sums with the values of another batch, of so many samples, in them; none are zero. The old ones are disposed. */
export function withBatch(sums: Tensor[], values: Tensor[], size: number): Tensor[] {
  // Zeros that are there like the sums of later batches: the first batch runs the same plan.
  const old = sums.length > 0 ? sums : values.map(() => tensor(new Float32Array(1), []));
  const next = tidy(() => values.map((v, i) => keep(ops.add(ops.mul(v, size), old[i] as Tensor))));
  dispose(old);
  return next;
}

/** The loss and the metrics over the batches of a test, which begins as it is made. */
export class Totals {
  private readonly measures: Measures;
  private sums: Tensor[] = [];
  private samples = 0;

  constructor(private readonly model: LayersModel) {
    this.measures = model.measures as Measures;
    this.measures.reset();
  }

  add({ size, tensors }: Batch): void {
    const values = tidy(() => {
      const [inputs, targets, weights] = tensors();
      return this.model.testStep(inputs, targets, weights);
    });
    this.sums = withBatch(this.sums, values, size);
    dispose(values);
    this.samples += size;
  }

  /** Scalars; none where there were no batches. */
  results(): Tensor[] {
    return this.samples === 0 ? [] : tidy(() => this.measures.merged(this.sums.map((sum) => ops.div(sum, this.samples)), this.measures.results()));
  }

  dispose(): void {
    dispose(this.sums);
  }
}

/** The loss and the metrics over batches, as scalars; none where there are no batches. */
export async function test(model: LayersModel, batches: Iterable<Batch> | AsyncIterable<Batch>, pause: Pause, show?: ReturnType<Progress>): Promise<Tensor[]> {
  // Between the steps of training, an epoch's metrics go on afterwards.
  const back = model.isTraining ? (model.measures as Measures).remember() : null;
  const totals = new Totals(model);
  let done = 0;
  try {
    for await (const batch of batches) {
      totals.add(batch);
      await pause.flush();
      if (pause.due()) await pause.rest();
      show?.((done += 1), false);
    }
    show?.(done, true);
    return totals.results();
  } finally {
    totals.dispose();
    back?.();
  }
}
