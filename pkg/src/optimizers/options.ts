/** What any optimizer may do besides its step: to gradients before it, and to variables before and after. */

import * as ops from '../ops/core.js';
import type { StepExtras } from '../optimizers.js';
import { run, type Tensor } from '../tensor.js';
import { coded } from '../types.js';

/** Factors of the learning rate: by a variable's name, or by names of variables or of the layers they belong to. */
export type RateMultipliers = Record<string, number> | ((variable: string) => number);

/** Options of any optimizer, named as in Keras. At most one of the three limits is given. */
export interface OptimizerOptions {
  /** The part of a variable, times the learning rate, that is taken from it in a step, apart from its gradient. */
  weightDecay?: number;
  /** How far elements of gradients are from 0 at most. */
  clipvalue?: number;
  /** How large the Euclidean norm of each gradient is at most. */
  clipnorm?: number;
  /** How large the Euclidean norm of all gradients together is at most. */
  globalClipnorm?: number;
  /** Whether moving averages of variables are kept; `fit` ends with them in the variables' places. */
  useEma?: boolean;
  /** The part of an average that remains in a step; 0.99 by default. */
  emaMomentum?: number;
  /** Steps after which variables become their averages, again and again; never by default. */
  emaOverwriteFrequency?: number | null;
  /** Calls of `applyGradients` whose gradients make one step, along their mean; `fit` makes such a call for each batch. At least 2.
   *  As in Keras, schedules of the learning rate count calls, not steps. Averages go on with steps. */
  gradientAccumulationSteps?: number | null;
  /** Rates that differ between variables; 0 leaves a variable as it is. Not stored with a model. */
  rateMultipliers?: RateMultipliers;
}

const CLIPS = ['clipvalue', 'clipnorm', 'globalClipnorm'] as const;
/** The options that are stored. */
const STORED = ['weightDecay', ...CLIPS, 'useEma', 'emaMomentum', 'emaOverwriteFrequency', 'gradientAccumulationSteps'] as const;

function check(options: OptimizerOptions): void {
  const given = CLIPS.filter((name) => options[name] != null);
  if (given.length > 1) throw coded('argument', `An optimizer takes one of clipvalue, clipnorm and globalClipnorm, but got ${given.join(' and ')}.`);
  for (const name of given) {
    if (!((options[name] as number) > 0)) throw coded('argument', `An optimizer's ${name} must be above 0, but got ${options[name]}.`);
  }
  const { weightDecay = 0, emaMomentum = 0.99, emaOverwriteFrequency, gradientAccumulationSteps: parts } = options;
  if (weightDecay !== null && !(weightDecay >= 0)) throw coded('argument', `An optimizer's weightDecay must be at least 0, but got ${weightDecay}.`);
  if (!(emaMomentum >= 0 && emaMomentum <= 1)) throw coded('argument', `An optimizer's emaMomentum must lie in [0, 1], but got ${emaMomentum}.`);
  if (emaOverwriteFrequency != null && !(Number.isInteger(emaOverwriteFrequency) && emaOverwriteFrequency > 0)) {
    throw coded('argument', `An optimizer's emaOverwriteFrequency must be a positive integer, but got ${emaOverwriteFrequency}.`);
  }
  if (parts != null && !(Number.isInteger(parts) && parts > 1)) throw coded('argument', `An optimizer's gradientAccumulationSteps must be an integer of at least 2, but got ${parts}.`);
}

/** The options among the entries of a configuration; undefined where there are none. */
export function optionsOf(config: Record<string, unknown>): OptimizerOptions | undefined {
  const names = [...STORED, 'rateMultipliers'].filter((name) => config[name] != null);
  return names.length === 0 ? undefined : Object.fromEntries(names.map((name) => [name, config[name]]));
}

/** The steps that options add. */
export class Options implements StepExtras {
  readonly slotNames: readonly string[];

  constructor(private readonly options: OptimizerOptions) {
    check(options);
    this.slotNames = options.useEma ? ['average'] : [];
  }

  get config(): Record<string, unknown> {
    return Object.fromEntries(STORED.filter((name) => this.options[name] != null).map((name) => [name, this.options[name]]));
  }

  get parts(): number {
    return this.options.gradientAccumulationSteps ?? 1;
  }

  gradients(gradients: Tensor[]): Tensor[] {
    const clip = CLIPS.find((name) => this.options[name] != null);
    if (clip === undefined || gradients.length === 0) return gradients;
    const [op, limit] = [`optimizer/${clip}`, [this.options[clip] as number]];
    return clip === 'globalClipnorm' ? run(op, gradients, limit) : gradients.flatMap((gradient) => run(op, [gradient], limit));
  }

  factor(name: string): number {
    const { rateMultipliers = {} } = this.options;
    if (typeof rateMultipliers === 'function') return rateMultipliers(name);
    return rateMultipliers[name] ?? rateMultipliers[name.slice(0, Math.max(0, name.lastIndexOf('/')))] ?? 1;
  }

  before(variable: Tensor, rate: number): Tensor {
    const { weightDecay } = this.options;
    return weightDecay ? (run('optimizer/decay', [variable], [rate * weightDecay])[0] as Tensor) : variable;
  }

  after(moved: Tensor, [average]: (Tensor | undefined)[], t: number, skipped?: Tensor): Tensor[] {
    const { useEma, emaMomentum = 0.99, emaOverwriteFrequency: every } = this.options;
    if (!useEma) return [moved];
    const first = moved.cast('float32');
    let next = average === undefined ? first : (run('optimizer/average', [average, moved], [emaMomentum])[0] as Tensor);
    if (skipped === undefined) return [every && t % every === 0 ? next : moved, next];
    // The number of the step, which only the engine knows.
    const number = ops.sub(t, skipped);
    next = ops.where(ops.equal(number, 1), first, next);
    return [every ? ops.where(ops.equal(ops.mod(number, every), 0), next, first) : moved, next];
  }

  final([average]: Tensor[]): Tensor | undefined {
    return average;
  }
}
