/** Saving a model while it is trained. */

import type { IOHandler } from '../../io/index.js';
import { coded } from '../../types.js';
import { Callback, type Logs, type Moment, Monitor, type MonitorArgs, type State } from '../callbacks.js';
import type { Run } from '../training.js';

export interface ModelCheckpointArgs extends MonitorArgs {
  /** When it is saved: after epochs, or after every so many batches, whose logs are the means of the epoch so far; 'epoch' by default. */
  saveFreq?: 'epoch' | number;
  /** Whether only what is better than all before it is saved. */
  saveBestOnly?: boolean;
  /** With `saveBestOnly`, what the first that is saved must be better than. */
  initialValueThreshold?: number;
  /** Saves after every so many epochs, where `saveFreq` is 'epoch'; 1 by default. */
  everyEpochs?: number;
  /** Whether the optimizer is saved too, so that training can go on. */
  includeOptimizer?: boolean;
  trainableOnly?: boolean;
  verbose?: number;
}

/**
 * Saves the model as it is trained: to a handler, or to a URL in which `{epoch}`, `{batch}` and names of logs in braces stand for
 * their values, as in `file://models/{epoch}-{val_loss}`. Epochs and batches count from 0, as in logs.
 */
export class ModelCheckpoint extends Callback {
  private readonly monitor: Monitor;
  private batches = 0;

  constructor(
    private readonly target: string | IOHandler,
    private readonly args: ModelCheckpointArgs = {},
  ) {
    super();
    const { everyEpochs = 1, saveFreq = 'epoch' } = args;
    if (!target) throw coded('argument', 'ModelCheckpoint needs a URL or a handler to save to.');
    for (const [name, value] of Object.entries({ everyEpochs, saveFreq })) {
      if (value === 'epoch') continue;
      if (!(Number(value) > 0) || !Number.isInteger(value)) throw coded('argument', `ModelCheckpoint: ${name} is a positive integer, but got ${value}.`);
    }
    if (saveFreq !== 'epoch' && args.everyEpochs !== undefined) throw coded('argument', `ModelCheckpoint saves by epochs or by batches, but got everyEpochs and saveFreq ${saveFreq}.`);
    // Best of all that is trained with this callback: what was saved before is not replaced by worse.
    this.monitor = new Monitor('ModelCheckpoint', args, args.initialValueThreshold);
  }

  override async onEpochEnd(epoch: number, logs: Logs = {}): Promise<void> {
    const { saveFreq = 'epoch', everyEpochs = 1 } = this.args;
    if (saveFreq === 'epoch' && (epoch + 1) % everyEpochs === 0) await this.save(`Epoch ${epoch}`, { epoch }, logs);
  }

  async onProgress(run: Run, at: Moment): Promise<void> {
    const { saveFreq = 'epoch' } = this.args;
    if (saveFreq === 'epoch' || at !== 'batch' || ++this.batches % saveFreq !== 0) return;
    const sums = await Promise.all(run.sums.map((sum) => sum.data()));
    const logs = Object.fromEntries(sums.map(([sum = NaN], i) => [run.model.metricsNames[i], sum / run.seen]));
    await this.save(`Epoch ${run.epoch}, batch ${run.batch - 1}`, { epoch: run.epoch, batch: run.batch - 1 }, logs);
  }

  getState(): State {
    return { best: this.monitor.best, batches: this.batches };
  }

  setState({ best, batches }: { best: number; batches: number }): void {
    this.monitor.best = best;
    this.batches = batches;
  }

  private async save(when: string, at: Logs, logs: Logs): Promise<void> {
    const { saveBestOnly, includeOptimizer, trainableOnly, verbose } = this.args;
    if (this.model === null || (saveBestOnly && !this.monitor.improved(logs))) return;
    const target = typeof this.target === 'string' ? named(this.target, { ...at, ...logs }) : this.target;
    await this.model.save(target, { includeOptimizer, trainableOnly });
    if (verbose) console.log(`${when}: ModelCheckpoint saved the model${typeof target === 'string' ? ` to ${target}` : ''}.`);
  }
}

/** A URL with values for the names in it. */
function named(url: string, logs: Logs): string {
  return url.replace(/\{(\w+)\}/g, (_, name: string) => {
    const value = logs[name];
    if (value === undefined) throw coded('argument', `ModelCheckpoint: the URL ${url} names ${name}, but there are only ${Object.keys(logs)}.`);
    return Number.isInteger(value) ? String(value) : value.toPrecision(4);
  });
}
