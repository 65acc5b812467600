/** What happens between the steps of training. */

import { dispose, keep, type Tensor } from '../tensor.js';
import { coded } from '../types.js';
import type { LayersModel } from './model.js';

export type Logs = Record<string, number>;
type Handler<A extends unknown[]> = (...args: A) => void | Promise<void>;

export interface CustomCallbackArgs {
  onTrainBegin?: Handler<[logs?: Logs]>;
  onTrainEnd?: Handler<[logs?: Logs]>;
  onEpochBegin?: Handler<[epoch: number, logs?: Logs]>;
  onEpochEnd?: Handler<[epoch: number, logs?: Logs]>;
  onBatchBegin?: Handler<[batch: number, logs?: Logs]>;
  onBatchEnd?: Handler<[batch: number, logs?: Logs]>;
  onYield?: Handler<[epoch: number, batch: number, logs: Logs]>;
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
}

/** A quantity among the logs of an epoch, and what counts as better. */
export interface MonitorArgs {
  /** 'val_loss' by default. */
  monitor?: string;
  /** A change that is no larger is none; 0 by default. */
  minDelta?: number;
  /** Whether less is better, or more; by default, more of what is named like an accuracy, and less of all else. */
  mode?: 'auto' | 'min' | 'max';
}

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
    this.sign = mode === 'max' || (mode === 'auto' && monitor.includes('acc')) ? 1 : -1;
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

  override async onTrainEnd(): Promise<void> {
    if (this.stoppedEpoch > 0 && this.args.verbose) console.log(`Epoch ${this.stoppedEpoch}: early stopping.`);
    if (this.bestWeights.length > 0) this.model?.setWeights(this.bestWeights);
    dispose(this.bestWeights);
    this.bestWeights = [];
  }
}

/** `tf.callbacks`. */
export const callbacks = { earlyStopping: (args?: EarlyStoppingArgs): EarlyStopping => new EarlyStopping(args) };

/** Callbacks called together. */
export class CallbackList {
  private readonly list: (CustomCallbackArgs | Callback)[];

  constructor(given: CustomCallbackArgs | Callback | (CustomCallbackArgs | Callback)[] | null | undefined, history: History, model: LayersModel, params: Record<string, unknown>) {
    this.list = [history, ...(given == null ? [] : [given].flat())];
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

  async each<K extends keyof CustomCallbackArgs>(name: K, ...args: Parameters<NonNullable<CustomCallbackArgs[K]>>): Promise<void> {
    for (const callback of this.list) {
      const handler = (callback as CustomCallbackArgs)[name] as Handler<unknown[]> | undefined;
      if (handler !== undefined) await handler.apply(callback, args);
    }
  }
}
