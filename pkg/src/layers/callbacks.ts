/** What happens between the steps of training. */

import type { Tensor } from '../tensor.js';
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

export interface EarlyStoppingArgs {
  monitor?: string;
  minDelta?: number;
  patience?: number;
  verbose?: number;
  mode?: 'auto' | 'min' | 'max';
  baseline?: number;
  restoreBestWeights?: boolean;
}

/** Ends training when a quantity no longer improves. */
export class EarlyStopping extends Callback {
  private best: number;
  private waited = 0;
  private stoppedEpoch = 0;
  private bestWeights: Tensor[] = [];
  private readonly sign: number;

  constructor(private readonly args: EarlyStoppingArgs = {}) {
    super();
    const { monitor = 'val_loss', mode = 'auto' } = args;
    const rises = mode === 'max' || (mode === 'auto' && monitor.includes('acc'));
    this.sign = rises ? 1 : -1;
    this.best = args.baseline ?? (rises ? -Infinity : Infinity);
  }

  override async onEpochEnd(epoch: number, logs: Logs = {}): Promise<void> {
    const { monitor = 'val_loss', minDelta = 0, patience = 0, restoreBestWeights = false } = this.args;
    const current = logs[monitor];
    if (current === undefined) {
      console.warn(`Metric for EarlyStopping ${monitor} is not available. Available metrics are: ${Object.keys(logs)}`);
      return;
    }
    if (this.sign * (current - this.best) > Math.abs(minDelta)) {
      this.best = current;
      this.waited = 0;
      if (restoreBestWeights && this.model !== null) {
        this.bestWeights.forEach((w) => w.dispose());
        this.bestWeights = this.model.getWeights().map((w) => {
          const copy = w.clone();
          copy.kept = true;
          return copy;
        });
      }
      return;
    }
    this.waited += 1;
    if (this.waited >= patience && this.model !== null) {
      this.stoppedEpoch = epoch;
      this.model.stopTraining = true;
    }
  }

  override async onTrainEnd(): Promise<void> {
    if (this.stoppedEpoch > 0 && this.args.verbose) console.log(`Epoch ${this.stoppedEpoch}: early stopping.`);
    if (this.bestWeights.length > 0) this.model?.setWeights(this.bestWeights);
    this.bestWeights.forEach((w) => w.dispose());
    this.bestWeights = [];
  }
}

/** `tf.callbacks`. */
export const callbacks = { earlyStopping: (args?: EarlyStoppingArgs): EarlyStopping => new EarlyStopping(args) };

/** Callbacks called together. */
export class CallbackList {
  private readonly list: (CustomCallbackArgs | Callback)[];

  constructor(given: CustomCallbackArgs | Callback | (CustomCallbackArgs | Callback)[] | undefined, history: History, model: LayersModel, params: Record<string, unknown>) {
    this.list = [history, ...(given === undefined ? [] : [given].flat())];
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
