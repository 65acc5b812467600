/** What happens between the steps of training. */

import { dispose, keep, type Tensor } from '../tensor.js';
import { coded, type NamedTensorMap } from '../types.js';
import type { LayersModel } from './model.js';
import type { Run } from './training.js';

export type Logs = Record<string, number>;
type Handler<A extends unknown[], R = void> = (...args: A) => R | Promise<R>;

/** What is stored of something that is to go on later as it is now. `undefined` stands for nothing, and so does a missing name. */
export type State = undefined | null | boolean | number | string | Tensor | readonly State[] | { readonly [name: string]: State };

/** A point between two steps: before the first, after a batch, or after an epoch and all that its end does. */
export type Moment = 'begin' | 'batch' | 'epoch';

/** The batch of a step: a tensor for each input and each output of the model. */
export interface BatchData {
  inputs: Tensor[];
  targets: Tensor[];
  /** What each sample's loss counts, for each output; empty where all count the same. */
  weights: Tensor[];
}

/** What the loss of a batch is computed from. */
export interface BatchLoss {
  /** The whole loss, a scalar: that of the outputs, of layers and of regularizers. */
  loss: Tensor;
  outputs: Tensor[];
  inputs: Tensor[];
  targets: Tensor[];
}

/** What a batch leads to, before the weights move. */
export interface BatchGradients {
  loss: Tensor;
  /** By names of weights. */
  gradients: NamedTensorMap;
}

/** 'skip': the step is not made, and training goes on with the next batch; 'stop': it is not made, and training ends. Its `onBatchEnd` has no loss. */
export type Verdict = 'skip' | 'stop';

/**
 * What is called during training. Each function may set the optimizer's `learningRate`, change weights, and end training after the
 * batch with `model.stopTraining`.
 *
 * Those without logs see the tensors of a step and may change it. What they return belongs to the step, which disposes it; what they are
 * given is disposed after the step (`clone()` what is to stay); what else they make they dispose, with `tf.tidy` for instance.
 */
export interface CustomCallbackArgs {
  onTrainBegin?: Handler<[logs?: Logs]>;
  onTrainEnd?: Handler<[logs?: Logs]>;
  onEpochBegin?: Handler<[epoch: number, logs?: Logs]>;
  onEpochEnd?: Handler<[epoch: number, logs?: Logs]>;
  onBatchBegin?: Handler<[batch: number, logs?: Logs]>;
  onBatchEnd?: Handler<[batch: number, logs?: Logs]>;
  onYield?: Handler<[epoch: number, batch: number, logs: Logs]>;
  /** Called between two steps, when all other functions have been. */
  onProgress?: Handler<[run: Run, at: Moment]>;
  /** Called after `onProgress` of all: what is read here of the training is whole. */
  onCheckpoint?: Handler<[run: Run, at: Moment]>;
  /** What the callback has to know to go on in another program as it would in this one. */
  getState?(): State | Promise<State>;
  /** Takes what `getState` gave, after `onTrainBegin`. The tensors in it are the caller's. */
  setState?(state: any): void | Promise<void>;
  /** Called with a batch before its step. Tensors that it returns take the places of those given, in whatever number of samples. */
  onBatchData?: Handler<[batch: number, data: BatchData], Partial<BatchData> | Verdict | void>;
  /**
   * Called with the loss of a batch; a scalar that it returns takes its place, and gradients go through what it is made of. It cannot
   * wait, and what it makes goes with the step.
   */
  onLoss?: (batch: number, data: BatchLoss) => Tensor | void;
  /** Called with the gradients of a batch. Those that it returns take the places of those of the same names; one that is null leaves its weight as it is. */
  onGradients?: Handler<[batch: number, data: BatchGradients], Record<string, Tensor | null> | Verdict | void>;
  /** Milliseconds since some moment, for `yieldEvery`. */
  nowFunc?: () => number;
  /** What is waited for where training yields; `tf.nextFrame` by default. */
  nextFrameFunc?: () => Promise<unknown>;
}

/** The base of callbacks that are classes. */
export class Callback implements CustomCallbackArgs {
  protected model: LayersModel | null = null;
  params: Record<string, unknown> = {};
  setModel(model: LayersModel): void {
    this.model = model;
  }
  setParams(params: Record<string, unknown>): void {
    this.params = params;
  }
  async onTrainBegin(_logs?: Logs): Promise<void> {}
  async onTrainEnd(_logs?: Logs): Promise<void> {}
  async onEpochBegin(_epoch: number, _logs?: Logs): Promise<void> {}
  async onEpochEnd(_epoch: number, _logs?: Logs): Promise<void> {}
  async onBatchBegin(_batch: number, _logs?: Logs): Promise<void> {}
  async onBatchEnd(_batch: number, _logs?: Logs): Promise<void> {}
}

/** Losses and metrics by epoch. */
export class History extends Callback {
  epoch: number[] = [];
  history: Record<string, number[]> = {};
  override async onEpochEnd(epoch: number, logs: Logs = {}): Promise<void> {
    this.epoch.push(epoch);
    for (const [name, value] of Object.entries(logs)) (this.history[name] ??= []).push(value);
  }
  getState(): State {
    return { epoch: this.epoch, history: this.history };
  }
  setState({ epoch, history }: { epoch: number[]; history: Record<string, number[]> }): void {
    Object.assign(this, { epoch, history });
  }
}

/** A quantity among the logs of an epoch, and what counts as better. */
export interface MonitorArgs {
  /** 'val_loss' by default. */
  monitor?: string;
  /** A change that is no larger is none; 0 by default. */
  minDelta?: number;
  /** Whether less is better, or more; by default, more of what is named like an accuracy, a rate, a score or an area, and less of all else. */
  mode?: 'auto' | 'min' | 'max';
}

/** Names of accuracies, rates, scores and areas. */
const MORE_IS_BETTER = /acc|auc|precision|recall|sensitivity|specificity|score|io_?u|true_(pos|neg)|similarity|correlation/i;

/** Finds the best value of a quantity. */
export class Monitor {
  best: number;
  private readonly name: string;
  private readonly sign: number;

  constructor(
    private readonly owner: string,
    private readonly args: MonitorArgs,
    best?: number,
  ) {
    const { monitor = 'val_loss', mode = 'auto' } = args;
    this.name = monitor;
    this.sign = mode === 'max' || (mode === 'auto' && MORE_IS_BETTER.test(monitor)) ? 1 : -1;
    this.best = best ?? -this.sign * Infinity;
  }

  /** Whether the quantity is better than ever; undefined, with a warning, where the logs do not have it. */
  improved(logs: Logs): boolean | undefined {
    const current = logs[this.name];
    if (current === undefined) {
      console.warn(`Metric for ${this.owner} ${this.name} is not available. Available metrics are: ${Object.keys(logs)}`);
      return undefined;
    }
    const better = this.sign * (current - this.best) > Math.abs(this.args.minDelta ?? 0);
    if (better) this.best = current;
    return better;
  }
}

export interface EarlyStoppingArgs extends MonitorArgs {
  /** Epochs without improvement after which training ends; 0 by default. */
  patience?: number;
  verbose?: number;
  /** What is to be improved upon from the start. */
  baseline?: number;
  /** Whether the model ends with the weights of its best epoch. */
  restoreBestWeights?: boolean;
  /** The first epoch that counts; 0 by default. */
  startFromEpoch?: number;
}

/** Ends training when a quantity no longer improves. */
export class EarlyStopping extends Callback {
  private monitor!: Monitor;
  private waited = 0;
  private stoppedEpoch = 0;
  private bestWeights: Tensor[] = [];

  constructor(private readonly args: EarlyStoppingArgs = {}) {
    super();
    void this.onTrainBegin();
  }

  override async onTrainBegin(): Promise<void> {
    this.waited = this.stoppedEpoch = 0;
    this.monitor = new Monitor('EarlyStopping', this.args, this.args.baseline);
  }

  override async onEpochEnd(epoch: number, logs: Logs = {}): Promise<void> {
    const { patience = 0, restoreBestWeights, startFromEpoch = 0 } = this.args;
    if (epoch < startFromEpoch) return;
    const improved = this.monitor.improved(logs);
    const { model } = this;
    if (improved === undefined || model === null) return;
    if (improved) {
      this.waited = 0;
      if (restoreBestWeights) {
        dispose(this.bestWeights);
        this.bestWeights = model.getWeights().map((w) => keep(w.clone()));
      }
    } else if (++this.waited >= patience) {
      this.stoppedEpoch = epoch;
      model.stopTraining = true;
    }
  }

  getState(): State {
    return { waited: this.waited, stoppedEpoch: this.stoppedEpoch, best: this.monitor.best, weights: this.bestWeights };
  }

  setState({ waited, stoppedEpoch, best, weights }: { waited: number; stoppedEpoch: number; best: number; weights: Tensor[] }): void {
    dispose(this.bestWeights);
    Object.assign(this, { waited, stoppedEpoch, bestWeights: weights.map((w) => keep(w.clone())) });
    this.monitor.best = best;
  }

  override async onTrainEnd(): Promise<void> {
    if (this.stoppedEpoch > 0 && this.args.verbose) console.log(`Epoch ${this.stoppedEpoch}: early stopping.`);
    if (this.bestWeights.length > 0) this.model?.setWeights(this.bestWeights);
    dispose(this.bestWeights);
    this.bestWeights = [];
  }
}

/** `tf.callbacks`. */
export const callbacks = { earlyStopping: (args?: EarlyStoppingArgs): EarlyStopping => new EarlyStopping(args) };

/** What training that is as verbose as a level, or more so, makes and calls. */
export const registered: { level: number; cls: new () => Callback }[] = [];

/** What callbacks are told, and do not answer. */
type Told = Exclude<keyof CustomCallbackArgs, 'onBatchData' | 'onLoss' | 'onGradients' | 'getState' | 'setState' | 'nowFunc' | 'nextFrameFunc'>;

/** Callbacks called together. */
export class CallbackList {
  readonly list: readonly CustomCallbackArgs[];

  constructor(given: CustomCallbackArgs | Callback | (CustomCallbackArgs | Callback)[] | null | undefined, history: History, model: LayersModel, params: Record<string, unknown>) {
    const level = Number(params.verbose ?? 1);
    this.list = [history, ...registered.filter((r) => r.level <= level).map(({ cls }) => new cls()), ...(given == null ? [] : [given].flat())];
    for (const callback of this.list) {
      if (callback === null || typeof callback !== 'object') throw coded('argument', 'A callback must be an object with functions such as onEpochEnd.');
      if (callback instanceof Callback) {
        callback.setModel(model);
        callback.setParams(params);
      }
    }
  }

  /** Whether some callback reads a batch's losses; only then are they fetched. */
  get readsBatches(): boolean {
    return this.list.some(({ onBatchEnd }) => onBatchEnd !== undefined && onBatchEnd !== Callback.prototype.onBatchEnd);
  }

  /** Whether some callback sees the tensors of steps. */
  get seesSteps(): boolean {
    return (this.list as CustomCallbackArgs[]).some((callback) => callback.onBatchData ?? callback.onLoss ?? callback.onGradients);
  }

  /** The functions of a name. */
  having<K extends keyof CustomCallbackArgs>(name: K): NonNullable<CustomCallbackArgs[K]>[] {
    return (this.list as CustomCallbackArgs[]).flatMap((callback) => (callback[name] === undefined ? [] : [(callback[name] as Function).bind(callback)]));
  }

  /** A function that some callback has. */
  find<K extends keyof CustomCallbackArgs>(name: K): CustomCallbackArgs[K] {
    return (this.list as CustomCallbackArgs[]).find((callback) => callback[name] !== undefined)?.[name];
  }

  async each<K extends Told>(name: K, ...args: Parameters<NonNullable<CustomCallbackArgs[K]>>): Promise<void> {
    for (const callback of this.list) {
      const handler = (callback as CustomCallbackArgs)[name] as Handler<unknown[]> | undefined;
      if (handler !== undefined) await handler.apply(callback, args);
    }
  }
}
