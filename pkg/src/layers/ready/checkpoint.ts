/** Saving a model while it is trained. */

import type { IOHandler } from '../../io/index.js';
import { coded } from '../../types.js';
import { Callback, type Logs, Monitor, type MonitorArgs } from '../callbacks.js';

export interface ModelCheckpointArgs extends MonitorArgs {
  /** Whether only an epoch that is better than all before it is saved. */
  saveBestOnly?: boolean;
  /** With `saveBestOnly`, what the first that is saved must be better than. */
  initialValueThreshold?: number;
  /** Saves after every so many epochs; 1 by default. */
  everyEpochs?: number;
  /** Whether the optimizer is saved too, so that training can go on. */
  includeOptimizer?: boolean;
  trainableOnly?: boolean;
  verbose?: number;
}

/**
 * Saves the model after epochs: to a handler, or to a URL in which `{epoch}` and names of logs in braces stand for their values,
 * as in `file://models/{epoch}-{val_loss}`. Epochs count from 0, as in logs.
 */
export class ModelCheckpoint extends Callback {
  private readonly monitor: Monitor;

  constructor(
    private readonly target: string | IOHandler,
    private readonly args: ModelCheckpointArgs = {},
  ) {
    super();
    const { everyEpochs = 1 } = args;
    if (!target) throw coded('argument', 'ModelCheckpoint needs a URL or a handler to save to.');
    if (!(everyEpochs > 0) || !Number.isInteger(everyEpochs)) throw coded('argument', `ModelCheckpoint: everyEpochs is a positive integer, but got ${everyEpochs}.`);
    // Best of all that is trained with this callback: what was saved before is not replaced by worse.
    this.monitor = new Monitor('ModelCheckpoint', args, args.initialValueThreshold);
  }

  override async onEpochEnd(epoch: number, logs: Logs = {}): Promise<void> {
    const { saveBestOnly, everyEpochs = 1, includeOptimizer, trainableOnly, verbose } = this.args;
    if (this.model === null || (epoch + 1) % everyEpochs !== 0 || (saveBestOnly && !this.monitor.improved(logs))) return;
    const target = typeof this.target === 'string' ? named(this.target, { epoch, ...logs }) : this.target;
    await this.model.save(target, { includeOptimizer, trainableOnly });
    if (verbose) console.log(`Epoch ${epoch}: ModelCheckpoint saved the model${typeof target === 'string' ? ` to ${target}` : ''}.`);
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
