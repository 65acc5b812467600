/** The loop of training: epochs, batches, and what happens between them. */

import { tensor } from '../convert.js';
import * as ops from '../ops/core.js';
import { checkAccumulation, type Optimizer } from '../optimizers.js';
import { currentSeed, nextSeed, shuffled } from '../random.js';
import { dispose, type Tensor, tidy } from '../tensor.js';
import { type Callback, CallbackList, type CustomCallbackArgs, History, type Logs, type Moment, type State } from './callbacks.js';
import type { LayersModel } from './model.js';
import { Pause, type YieldEvery } from './pause.js';
import type { ClassWeights } from './samples.js';
import { makeStep } from './step.js';
import { withBatch } from './testing.js';

/** How to train, whatever the data. */
export interface TrainingArgs {
  epochs?: number;
  initialEpoch?: number;
  /** What the whole package prints in Node: 1, a bar in a terminal and lines elsewhere; 2, a line after each epoch; 0 and by default, nothing. */
  verbose?: number;
  callbacks?: CustomCallbackArgs | Callback | (CustomCallbackArgs | Callback)[];
  /** What the samples of each class count: of the only output, or of each, in order or by name. */
  classWeight?: ClassWeights;
  /** When the page has its turn: by itself often enough that no task is long, unless a step is; after batches, epochs or milliseconds; or never. */
  yieldEvery?: YieldEvery;
  /** Ends training between two steps. */
  signal?: AbortSignal;
  /**
   * Batches whose gradients are accumulated until weights move along their mean: as with one batch of all their samples, for
   * which there is memory to spare. The last batches of an epoch may be fewer.
   */
  accumulateSteps?: number;
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
  /** Samples of an epoch and of a batch, where they are known. */
  readonly samples?: number;
  readonly batchSize?: number;
  /** The batches of an epoch. */
  batches(): Iterable<Batch> | AsyncIterable<Batch>;
  /** Losses and metrics after an epoch, in the order of the model's `metricsNames`. */
  readonly validate: ((pause: Pause) => Promise<number[]>) | null;
  /** What the batches of the epoch under way come from, besides the seed. */
  readonly source?: { getState(): State; setState(state: any): void };
}

/** Where training is: all that its loop knows from one step to the next. */
export interface Run {
  readonly model: LayersModel;
  readonly data: TrainingData;
  readonly callbacks: CallbackList;
  readonly signal: AbortSignal | undefined;
  epoch: number;
  /** Batches of the epoch that are done, and their samples. */
  batch: number;
  seen: number;
  /** Losses and metrics times samples, summed over them. They stay with the engine: reading every batch's would make it wait. */
  sums: Tensor[];
  /** What the random numbers of the epoch began with. */
  seed: number;
  /** The batches that are left of an epoch's, where training goes on within it. */
  left?: ((batches: ReturnType<TrainingData['batches']>) => AsyncIterable<Batch>) | undefined;
}

/** Trains a model, and tells what became of it. */
export async function train(model: LayersModel, data: TrainingData, args: TrainingArgs): Promise<History> {
  const { epochs = 1, initialEpoch = 0, verbose, signal } = args;
  const { optimizer } = model;
  if (args.accumulateSteps !== undefined) checkAccumulation(optimizer as Optimizer, args.accumulateSteps);
  const history = new History();
  const doValidation = data.validate !== null;
  const metrics = doValidation ? [...model.metricsNames, ...model.metricsNames.map((name) => `val_${name}`)] : model.metricsNames;
  const params = { epochs, initialEpoch, steps: data.steps, samples: data.samples, batchSize: data.batchSize, verbose, doValidation, metrics };
  const callbacks = new CallbackList(args.callbacks, history, model, params);
  const pause = new Pause(args.yieldEvery, callbacks);
  const run: Run = { model, data, callbacks, signal, epoch: initialEpoch, batch: 0, seen: 0, sums: [], seed: 0 };
  const reached = async (at: Moment): Promise<void> => {
    await callbacks.each('onProgress', run, at);
    await callbacks.each('onCheckpoint', run, at);
  };
  // Steps are run here, in parts.
  if (optimizer !== null) optimizer.flushes = false;
  model.isTraining = true;
  model.stopTraining = false;
  model.history = history;
  try {
    await callbacks.each('onTrainBegin');
    await reached('begin');
    for (; run.epoch < epochs && !ended(model, signal); run.epoch++) {
      if (run.batch === 0) await callbacks.each('onEpochBegin', run.epoch);
      const logs = await trainEpoch(run, args, pause, reached);
      (await data.validate?.(pause))?.forEach((v, i) => (logs[`val_${model.metricsNames[i]}`] = v));
      await callbacks.each('onEpochEnd', run.epoch, logs);
      await pause.afterEpoch();
      await reached('epoch');
      Object.assign(run, { batch: 0, seen: 0, sums: [], left: undefined });
    }
    model.optimizer?.finalizeVariableValues();
    await callbacks.each('onTrainEnd');
  } finally {
    if (optimizer !== null) optimizer.flushes = true;
    run.sums.forEach((t) => t.dispose());
    model.isTraining = false;
  }
  return history;
}

const ended = (model: LayersModel, signal?: AbortSignal): boolean => model.stopTraining || signal?.aborted === true;

async function trainEpoch(run: Run, args: TrainingArgs, pause: Pause, reached: (at: Moment) => Promise<void>): Promise<Logs> {
  const { model, data, callbacks, signal } = run;
  let values: Tensor[] = [];
  run.seed = currentSeed();
  if (run.batch === 0) model.measures?.reset();
  try {
    const batches = ended(model, signal) ? [] : data.batches();
    for await (const given of run.left?.(batches) ?? batches) {
      const { batch } = run;
      await callbacks.each('onBatchBegin', batch, { batch, size: given.size });
      const made = await makeStep(callbacks, model, batch, given, args);
      const { size } = made;
      values = made.values;
      if (size > 0) run.sums = withBatch(run.sums, values, size);
      run.seen += size;
      await pause.flush();
      if (model.optimizer?.follows) await model.optimizer.lossScale?.count();
      const logs: Logs = { batch, size };
      const read = async (): Promise<void> => (await readValues(model, await readScalars(values))).forEach((v, i) => (logs[model.metricsNames[i] as string] = v));
      if (callbacks.readsBatches) await read();
      await callbacks.each('onBatchEnd', batch, logs);
      run.batch += 1;
      const yields = pause.due();
      if (yields && callbacks.find('onYield') !== undefined && !callbacks.readsBatches) await read();
      dispose(values);
      if (yields) {
        await callbacks.each('onYield', run.epoch, batch, logs);
        await pause.rest();
      }
      await reached('batch');
      if (ended(model, signal)) break;
    }
    if (args.accumulateSteps !== undefined) model.endParts();
    await model.optimizer?.lossScale?.count();
  } catch (error) {
    dispose(values);
    throw error;
  }
  const logs: Logs = {};
  const means = (await readScalars(run.sums)).map((sum) => sum / run.seen);
  if (run.seen > 0) (await readValues(model, means)).forEach((v, i) => (logs[model.metricsNames[i] as string] = v));
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
  const values = await Promise.all(scalars.map(async (s) => (s.size > 1 ? ((await s.array()) as number) : ((await s.data())[0] ?? NaN))));
  scalars.forEach((s) => s.dispose());
  return values;
}

/** What `metricsNames` names: given values, and those of metrics with a state. */
export async function readValues({ measures }: LayersModel, values: number[]): Promise<number[]> {
  return measures === null ? values : measures.merged(values, await readScalars(tidy(() => measures.results())));
}
