/** Callbacks that change the learning rate. */

import type { Optimizer } from '../../optimizers.js';
import { coded } from '../../types.js';
import { Callback, type Logs, Monitor, type MonitorArgs, type State } from '../callbacks.js';

/** The optimizer of the model that is trained. A schedule of its own would be lost with the first rate that is set. */
function optimizerOf(callback: { model: { optimizer: Optimizer | null } | null }, name: string): Optimizer {
  const optimizer = callback.model?.optimizer;
  if (!optimizer) throw coded('argument', `${name} needs a compiled model.`);
  if (['object', 'function'].includes(typeof optimizer.getConfig().learningRate)) {
    throw coded('argument', `${name} needs an optimizer whose learning rate is a number, but it follows a schedule.`);
  }
  return optimizer;
}

/** The learning rate of an epoch, from its number and the rate so far. */
export type Schedule = (epoch: number, learningRate: number) => number | Promise<number>;

/** Sets the learning rate before each epoch. */
export class LearningRateScheduler extends Callback {
  constructor(
    private readonly schedule: Schedule,
    private readonly args: { verbose?: number } = {},
  ) {
    super();
    if (typeof schedule !== 'function') throw coded('argument', 'LearningRateScheduler needs a function of the epoch and the learning rate.');
  }

  override async onEpochBegin(epoch: number): Promise<void> {
    const optimizer = optimizerOf({ model: this.model }, 'LearningRateScheduler');
    const rate = await this.schedule(epoch, optimizer.learningRate);
    if (typeof rate !== 'number' || !Number.isFinite(rate)) throw coded('argument', `The schedule of a LearningRateScheduler must give a finite number, but gave ${rate} for epoch ${epoch}.`);
    optimizer.setLearningRate(rate);
    if (this.args.verbose) console.log(`Epoch ${epoch}: LearningRateScheduler setting learning rate to ${rate}.`);
  }
}

export interface ReduceLROnPlateauArgs extends MonitorArgs {
  /** What the rate is multiplied by, below 1; 0.1 by default. */
  factor?: number;
  /** Epochs without improvement before a reduction; 10 by default. */
  patience?: number;
  /** Epochs after a reduction until one counts again, as in Keras; 0 by default. */
  cooldown?: number;
  /** What the rate does not fall below; 0 by default. */
  minLr?: number;
  verbose?: number;
}

/** Reduces the learning rate when a quantity no longer improves by more than `minDelta` (0.0001 by default). */
export class ReduceLROnPlateau extends Callback {
  private monitor!: Monitor;
  private waited = 0;
  private cooling = 0;

  constructor(private readonly args: ReduceLROnPlateauArgs = {}) {
    super();
    const { factor = 0.1 } = args;
    if (!(factor < 1)) throw coded('argument', `ReduceLROnPlateau needs a factor below 1, but got ${factor}.`);
    void this.onTrainBegin();
  }

  override async onTrainBegin(): Promise<void> {
    this.waited = this.cooling = 0;
    this.monitor = new Monitor('ReduceLROnPlateau', { minDelta: 1e-4, ...this.args });
  }

  getState(): State {
    return { waited: this.waited, cooling: this.cooling, best: this.monitor.best };
  }

  setState({ waited, cooling, best }: { waited: number; cooling: number; best: number }): void {
    Object.assign(this, { waited, cooling });
    this.monitor.best = best;
  }

  override async onEpochEnd(epoch: number, logs: Logs = {}): Promise<void> {
    const { factor = 0.1, patience = 10, cooldown = 0, minLr = 0, verbose } = this.args;
    const improved = this.monitor.improved(logs);
    if (improved === undefined) return;
    if (this.cooling > 0) {
      this.cooling -= 1;
      this.waited = 0;
    }
    if (improved) this.waited = 0;
    if (improved || this.cooling > 0 || ++this.waited < patience) return;
    this.waited = 0;
    const optimizer = optimizerOf({ model: this.model }, 'ReduceLROnPlateau');
    const rate = Math.max(optimizer.learningRate * factor, minLr);
    if (rate >= optimizer.learningRate) return;
    optimizer.setLearningRate(rate);
    this.cooling = cooldown;
    if (verbose) console.log(`Epoch ${epoch}: ReduceLROnPlateau reducing learning rate to ${rate}.`);
  }
}
