/** The loop of training: epochs, batches, and what happens between them. */

import { tensor } from '../convert.js';
import * as ops from '../ops/core.js';
import { shuffled } from '../random.js';
import { dispose, type Tensor, tidy } from '../tensor.js';
import { type Callback, CallbackList, type CustomCallbackArgs, History, type Logs } from './callbacks.js';
import { nextSeed } from './layer.js';
import type { LayersModel } from './model.js';
import { Pause, type YieldEvery } from './pause.js';
import { withBatch } from './testing.js';

/** How to train, whatever the data. */
export interface TrainingArgs {
  epochs?: number;
  initialEpoch?: number;
  verbose?: number;
  callbacks?: CustomCallbackArgs | Callback | (CustomCallbackArgs | Callback)[];
  classWeight?: Record<number, number>;
  /** When the page has its turn: by itself often enough that no task is long, unless a step is; after batches, epochs or milliseconds; or never. */
  yieldEvery?: YieldEvery;
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
  readonly validate: ((pause: Pause) => Promise<number[]>) | null;
}

/** Trains a model, and tells what became of it. */
export async function train(model: LayersModel, data: TrainingData, args: TrainingArgs): Promise<History> {
  const { epochs = 1, initialEpoch = 0, verbose, signal } = args;
  const history = new History();
  const callbacks = new CallbackList(args.callbacks, history, model, { epochs, steps: data.steps, verbose, metrics: model.metricsNames });
  const pause = new Pause(args.yieldEvery, callbacks);
  const { optimizer } = model;
  // Steps are run here, in parts.
  if (optimizer !== null) optimizer.flushes = false;
  model.isTraining = true;
  model.stopTraining = false;
  model.history = history;
  try {
    await callbacks.each('onTrainBegin');
    for (let epoch = initialEpoch; epoch < epochs && !ended(model, signal); epoch++) {
      await callbacks.each('onEpochBegin', epoch);
      const logs = await trainEpoch(model, data, epoch, args, callbacks, pause);
      (await data.validate?.(pause))?.forEach((v, i) => (logs[`val_${model.metricsNames[i]}`] = v));
      await callbacks.each('onEpochEnd', epoch, logs);
      await pause.afterEpoch();
    }
    model.optimizer?.finalizeVariableValues();
    await callbacks.each('onTrainEnd');
  } finally {
    if (optimizer !== null) optimizer.flushes = true;
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
  try {
    for await (const { size, tensors } of ended(model, args.signal) ? [] : data.batches()) {
      await callbacks.each('onBatchBegin', batch, { batch, size });
      values = tidy(() => {
        const [inputs, targets, weights] = tensors();
        return model.trainStep(inputs, targets, args.classWeight, weights);
      });
      sums = withBatch(sums, values, size);
      seen += size;
      await pause.flush();
      const logs: Logs = { batch, size };
      const read = async (): Promise<void> => (await readScalars(values)).forEach((v, i) => (logs[model.metricsNames[i] as string] = v));
      if (callbacks.readsBatches) await read();
      await callbacks.each('onBatchEnd', batch, logs);
      const yields = pause.due();
      if (yields && callbacks.find('onYield') !== undefined && !callbacks.readsBatches) await read();
      dispose(values);
      if (yields) {
        await callbacks.each('onYield', epoch, batch, logs);
        await pause.rest();
      }
      batch += 1;
      if (ended(model, args.signal)) break;
    }
  } catch (error) {
    dispose([sums, values]);
    throw error;
  }
  const logs: Logs = {};
  (await readScalars(sums)).forEach((sum, i) => (logs[model.metricsNames[i] as string] = sum / seen));
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

/** The values of scalars, which are disposed. */
export async function readScalars(scalars: Tensor[]): Promise<number[]> {
  const values = await Promise.all(scalars.map(async (s) => (await s.data())[0] ?? NaN));
  scalars.forEach((s) => s.dispose());
  return values;
}
