/** Which learning rate to train with. */

import { Optimizer } from '../../optimizers.js';
import { keep } from '../../tensor.js';
import { coded } from '../../types.js';
import type { Fed, LayersModel } from '../model.js';

export interface LearningRateSweepArgs {
  /** The first rate; 1e-7 by default. */
  minRate?: number;
  /** The last rate; 10 by default. */
  maxRate?: number;
  /** Steps from the first to the last; 100 by default. */
  steps?: number;
  /** 32 by default. */
  batchSize?: number;
  /** How much of the smooth loss is that of the past; 0.9 by default. */
  smoothing?: number;
  /** The sweep ends when the smooth loss is so many times the lowest; 4 by default. */
  divergence?: number;
}

export interface LearningRateSweep {
  /** The rates of the steps that were made. */
  rates: number[];
  /** The loss of the batch of each step. */
  losses: number[];
  /** The rate in the middle of the range in which the smooth loss falls; null where it never falls. */
  suggestion: number | null;
}

/** Another optimizer of the same configuration, with nothing kept yet. */
function anew(optimizer: Optimizer): Optimizer {
  const cls = optimizer.constructor as unknown as { new (...args: never[]): Optimizer; fromConfig: typeof Optimizer.fromConfig };
  const copy = cls.fromConfig(cls, optimizer.getConfig());
  copy.extras = optimizer.extras;
  return copy;
}

/** Averages in which the past decays, without bias to the zero before the first. */
function smooth(losses: number[], decay: number): number[] {
  let average = 0;
  return losses.map((loss, i) => (average = decay * average + (1 - decay) * loss) / (1 - decay ** (i + 1)));
}

/** The rate in the middle of the valley that the losses go down: its length is that of their longest decreasing subsequence. */
function valley(rates: number[], losses: number[]): number | null {
  const lengths: number[] = [];
  losses.forEach((loss, i) => (lengths[i] = 1 + Math.max(0, ...lengths.filter((_, j) => loss < (losses[j] as number)))));
  const length = Math.max(...lengths);
  return length > 1 ? (rates[Math.floor(lengths.indexOf(length) - length / 2)] ?? null) : null;
}

/**
 * Trains a compiled model on batches of `x` and `y` while the learning rate rises exponentially from step to step (Smith 2017), and tells
 * what became of the loss. The model has its weights and its optimizer back afterwards.
 */
export async function findLearningRate(model: LayersModel, x: Fed, y: Fed, args: LearningRateSweepArgs = {}): Promise<LearningRateSweep> {
  const { minRate = 1e-7, maxRate = 10, steps = 100, batchSize = 32, smoothing = 0.9, divergence = 4 } = args;
  if (!(minRate > 0 && maxRate > minRate)) throw coded('argument', `findLearningRate needs 0 < minRate < maxRate, but got ${minRate} and ${maxRate}.`);
  if (!(Number.isInteger(steps) && steps > 1)) throw coded('argument', `findLearningRate needs a whole number of steps above 1, but got ${steps}.`);
  if (!(smoothing >= 0 && smoothing < 1)) throw coded('argument', `findLearningRate needs a smoothing in [0, 1), but got ${smoothing}.`);
  const { history } = model;
  const optimizer = model.checkCompiled();
  const weights = model.getWeights().map((w) => keep(w.clone()));
  const sweeping = anew(optimizer);
  const rateOf = (step: number): number => minRate * (maxRate / minRate) ** (step / (steps - 1));
  sweeping.setLearningRate(rateOf);
  const losses: number[] = [];
  let lowest = Infinity;
  const onBatchEnd = (_: number, logs?: Record<string, number>): void => {
    const loss = logs?.loss ?? NaN;
    if (Number.isFinite(loss)) losses.push(loss);
    const current = smooth(losses, smoothing).at(-1) ?? Infinity;
    lowest = Math.min(lowest, current);
    if (!Number.isFinite(loss) || losses.length === steps || current > divergence * lowest) model.stopTraining = true;
  };
  try {
    model.optimizer = sweeping;
    // No epoch has less than one step; the callback ends the last.
    await model.fit(x, y, { batchSize, epochs: steps, callbacks: { onBatchEnd } });
  } finally {
    model.optimizer = optimizer;
    model.setWeights(weights);
    model.history = history;
    weights.forEach((w) => w.dispose());
    sweeping.dispose();
  }
  const rates = losses.map((_, i) => rateOf(i));
  return { rates, losses, suggestion: valley(rates, smooth(losses, smoothing)) };
}
