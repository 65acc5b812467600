/** The loop of training: epochs, batches, and what happens between them. */

import { tensor } from '../convert.js';
import * as ops from '../ops/core.js';
import { shuffled } from '../random.js';
import { wasm } from '../runtime.js';
import { keep, type Tensor, tidy } from '../tensor.js';
import { nextFrame, now } from '../util.js';
import { type Callback, CallbackList, type CustomCallbackArgs, History, type Logs } from './callbacks.js';
import { nextSeed } from './layer.js';
import type { LayersModel } from './model.js';

/** How to train, whatever the data. */
export interface TrainingArgs {
  epochs?: number;
  initialEpoch?: number;
  verbose?: number;
  callbacks?: CustomCallbackArgs | Callback | (CustomCallbackArgs | Callback)[];
  classWeight?: Record<number, number>;
  yieldEvery?: 'auto' | 'batch' | 'epoch' | 'never' | number;
  /** Ends training between two steps. */
  signal?: AbortSignal;
}

/** Samples of one step. */
export interface Batch {
  readonly size: number;
  /** The inputs, the targets and the samples' weights for each output. What it makes goes with the step, in whose scope it is called. */
  tensors(): [inputs: Tensor[], targets: Tensor[], weights?: Tensor[]];
}

/** What to train on. */
export interface TrainingData {
  /** Batches of an epoch, where their number is known. */
  readonly steps: number | null;
  /** The batches of an epoch. */
  batches(): Iterable<Batch> | AsyncIterable<Batch>;
  /** Losses and metrics after an epoch, in the order of the model's `metricsNames`. */
  readonly validate: (() => Promise<number[]>) | null;
}

/** Milliseconds of work after which training lets the page have its turn. */
const YIELD_AFTER_MS = 16;

/** Trains a model, and tells what became of it. */
export async function train(model: LayersModel, data: TrainingData, args: TrainingArgs): Promise<History> {
  const { epochs = 1, initialEpoch = 0, verbose, signal } = args;
  const history = new History();
  const callbacks = new CallbackList(args.callbacks, history, model, { epochs, steps: data.steps, verbose, metrics: model.metricsNames });
  const pause = new Pause(args.yieldEvery ?? 'auto');
  model.isTraining = true;
  model.stopTraining = false;
  model.history = history;
  try {
    await callbacks.each('onTrainBegin');
    for (let epoch = initialEpoch; epoch < epochs && !ended(model, signal); epoch++) {
      await callbacks.each('onEpochBegin', epoch);
      const logs = await trainEpoch(model, data, epoch, args, callbacks, pause);
      (await data.validate?.())?.forEach((v, i) => (logs[`val_${model.metricsNames[i]}`] = v));
      await callbacks.each('onEpochEnd', epoch, logs);
      await pause.afterEpoch();
    }
    model.optimizer?.finalizeVariableValues();
    await callbacks.each('onTrainEnd');
  } finally {
    model.isTraining = false;
  }
  return history;
}

const ended = (model: LayersModel, signal?: AbortSignal): boolean => model.stopTraining || signal?.aborted === true;

async function trainEpoch(model: LayersModel, data: TrainingData, epoch: number, args: TrainingArgs, callbacks: CallbackList, pause: Pause): Promise<Logs> {
  // Sums stay with the engine: reading every batch's losses would make it wait.
  let sums: Tensor[] = [];
  let values: Tensor[] = [];
  let seen = 0;
  let batch = 0;
  model.measures?.reset();
  try {
    for await (const { size, tensors } of ended(model, args.signal) ? [] : data.batches()) {
      await callbacks.each('onBatchBegin', batch, { batch, size });
      values = tidy(() => {
        const [inputs, targets, weights] = tensors();
        return model.trainStep(inputs, targets, args.classWeight, weights);
      });
      const old = sums;
      sums = tidy(() => values.map((v, i) => (old.length === 0 ? ops.mul(v, size) : ops.add(ops.mul(v, size), old[i] as Tensor)))).map((t) => keep(t));
      old.forEach((t) => t.dispose());
      seen += size;
      wasm().flush();
      const logs: Logs = { batch, size };
      if (callbacks.readsBatches) (await readValues(model, await readScalars(values))).forEach((v, i) => (logs[model.metricsNames[i] as string] = v));
      else values.forEach((v) => v.dispose());
      await callbacks.each('onBatchEnd', batch, logs);
      if (await pause.afterBatch()) await callbacks.each('onYield', epoch, batch, logs);
      batch += 1;
      if (ended(model, args.signal)) break;
    }
  } catch (error) {
    for (const t of [...sums, ...values]) t.dispose();
    throw error;
  }
  const logs: Logs = {};
  const means = (await readScalars(sums)).map((sum) => sum / seen);
  if (seen > 0) (await readValues(model, means)).forEach((v, i) => (logs[model.metricsNames[i] as string] = v));
  return logs;
}

/** Batches of tensors, in a new order unless it is to be that of the samples. */
export function* batchesOf([inputs, targets, weights]: [Tensor[], Tensor[], Tensor[]], samples: number, batchSize: number, shuffle: boolean): Generator<Batch> {
  const order = shuffle ? shuffled(samples, nextSeed()) : Uint32Array.from({ length: samples }, (_, i) => i);
  for (let at = 0; at < samples; at += batchSize) {
    const picked = Int32Array.from(order.subarray(at, at + batchSize));
    const size = picked.length;
    yield {
      size,
      tensors() {
        const places = tensor(picked, [size], 'int32');
        const part = (t: Tensor): Tensor => ops.gather(t, places);
        return [inputs.map(part), targets.map(part), weights.map(part)];
      },
    };
  }
}

/** The values of scalars, which are disposed; of vectors, which metrics of several classes or thresholds give, lists. */
export async function readScalars(scalars: Tensor[]): Promise<number[]> {
  const values = await Promise.all(scalars.map(async (s) => (s.rank > 0 ? ((await s.array()) as number) : ((await s.data())[0] ?? NaN))));
  scalars.forEach((s) => s.dispose());
  return values;
}

/** What `metricsNames` names: given values, and those of metrics with a state. */
export async function readValues({ measures }: LayersModel, values: number[]): Promise<number[]> {
  return measures === null ? values : measures.merged(values, await readScalars(tidy(() => measures.results())));
}

/** When training lets others have their turn. */
class Pause {
  private last = now();
  constructor(private readonly every: NonNullable<TrainingArgs['yieldEvery']>) {}

  private async rest(): Promise<true> {
    await nextFrame();
    this.last = now();
    return true;
  }

  async afterBatch(): Promise<boolean> {
    const { every } = this;
    const due = every === 'batch' || (every === 'auto' && now() - this.last > YIELD_AFTER_MS) || (typeof every === 'number' && now() - this.last > every);
    return due ? this.rest() : false;
  }

  async afterEpoch(): Promise<void> {
    if (this.every === 'epoch') await this.rest();
  }
}
