/** Learning rates as functions of the step, named and configured as in Keras. */

import { Serialized } from './layers/config.js';
import { coded } from './types.js';

/** A learning rate by the number of steps done, which is stored with a model's optimizer. */
export class LearningRateSchedule extends Serialized {
  constructor(
    className: string,
    config: Record<string, unknown>,
    /** The learning rate of step number `step`, counted from 0. */
    readonly at: (step: number) => number,
  ) {
    super(className, config);
  }
}

export interface ExponentialDecayArgs {
  initialLearningRate: number;
  /** Steps in which the rate is multiplied by `decayRate`. */
  decaySteps: number;
  decayRate: number;
  /** Whether it falls at once at the end of so many steps; false by default. */
  staircase?: boolean;
}

export interface PolynomialDecayArgs {
  initialLearningRate: number;
  decaySteps: number;
  /** 0.0001 by default. */
  endLearningRate?: number;
  /** 1, a line, by default. */
  power?: number;
  /** Whether it begins anew, over a longer time, rather than stay at the end; false by default. */
  cycle?: boolean;
}

export interface PiecewiseConstantDecayArgs {
  /** Steps, in ascending order: each the last one of its value. */
  boundaries: number[];
  /** One more than boundaries. */
  values: number[];
}

export interface CosineDecayArgs {
  initialLearningRate: number;
  decaySteps: number;
  /** The part of the rate that remains; 0 by default. */
  alpha?: number;
  /** The rate that the first `warmupSteps` rise to on a line, and that is decayed from; none by default. */
  warmupTarget?: number | null;
  warmupSteps?: number;
}

export interface CosineDecayRestartsArgs {
  initialLearningRate: number;
  /** Steps of the first wave. */
  firstDecaySteps: number;
  /** How much longer each wave is than the one before, at least 1; 2 by default. */
  tMul?: number;
  /** How much higher each wave is than the one before; 1 by default. */
  mMul?: number;
  /** The part of the rate that remains; 0 by default. */
  alpha?: number;
}

export interface OneCycleArgs {
  /** The highest rate. */
  maxLearningRate: number;
  totalSteps: number;
  /** The part of the steps that goes up; 0.3 by default. */
  warmupFraction?: number;
  /** How much lower than the highest rate it begins; 25 by default. */
  divFactor?: number;
  /** How much lower than it began it ends; 10000 by default. */
  finalDivFactor?: number;
}

export interface WarmUpArgs {
  /** What follows, from its beginning. */
  schedule: number | LearningRateSchedule;
  warmupSteps: number;
  /** The rate of step 0; 0 by default. */
  initialLearningRate?: number;
}

/** A schedule's factory: its defaults, and the function that its arguments make. */
function define<A extends object>(className: string, defaults: Partial<A>, rate: (args: Required<A>) => (step: number) => number): (args: A) => LearningRateSchedule {
  return (args) => {
    const config = { ...defaults, ...args } as Required<A>;
    for (const [name, value] of Object.entries(config)) {
      if (typeof value === 'number' && !Number.isFinite(value)) throw coded('argument', `${className}: expected a finite ${name}, received ${value}`);
    }
    return new LearningRateSchedule(className, config as Record<string, unknown>, rate(config));
  };
}

function positive(name: string, steps: unknown): number {
  if (!(Number(steps) > 0)) throw coded('argument', `A schedule needs ${name} above 0, but got ${String(steps)}.`);
  return steps as number;
}

/** Half a wave from `from` at part 0 to `to` at part 1. */
const wave = (from: number, to: number, part: number): number => to + (from - to) * 0.5 * (1 + Math.cos(Math.PI * part));
const line = (from: number, to: number, part: number): number => from + (to - from) * part;

/** How many times `decaySteps` have passed. */
function periodsOf({ decaySteps, staircase }: { decaySteps: number; staircase: boolean }): (step: number) => number {
  positive('decaySteps', decaySteps);
  return (step) => (staircase ? Math.floor(step / decaySteps) : step / decaySteps);
}

/** How many waves have passed, and which part of the current one. */
function restarted(step: number, first: number, longer: number): [waves: number, part: number] {
  if (longer === 1) return [Math.floor(step / first), (step / first) % 1];
  let [waves, left, length] = [0, step, first];
  for (; left >= length; waves++) {
    left -= length;
    length *= longer;
  }
  return [waves, left / length];
}

/** `tf.train.schedules`. */
export const schedules = {
  /** `initialLearningRate * decayRate ** (step / decaySteps)`. */
  exponentialDecay: /* @__PURE__ */ define<ExponentialDecayArgs>('ExponentialDecay', { staircase: false }, (args) => {
    const periods = periodsOf(args);
    return (step) => args.initialLearningRate * args.decayRate ** periods(step);
  }),
  /** `initialLearningRate / (1 + decayRate * step / decaySteps)`. */
  inverseTimeDecay: /* @__PURE__ */ define<ExponentialDecayArgs>('InverseTimeDecay', { staircase: false }, (args) => {
    const periods = periodsOf(args);
    return (step) => args.initialLearningRate / (1 + args.decayRate * periods(step));
  }),
  /** From one rate to another in so many steps, as a power of the part that remains. */
  polynomialDecay: /* @__PURE__ */ define<PolynomialDecayArgs>('PolynomialDecay', { endLearningRate: 1e-4, power: 1, cycle: false }, (args) => {
    const { initialLearningRate, endLearningRate, power, cycle } = args;
    const decaySteps = positive('decaySteps', args.decaySteps);
    return (step) => {
      const steps = cycle ? decaySteps * Math.max(1, Math.ceil(step / decaySteps)) : decaySteps;
      return line(endLearningRate, initialLearningRate, (1 - Math.min(1, step / steps)) ** power);
    };
  }),
  /** One rate after another. */
  piecewiseConstantDecay: /* @__PURE__ */ define<PiecewiseConstantDecayArgs>('PiecewiseConstantDecay', {}, ({ boundaries, values }) => {
    if (values.length !== boundaries.length + 1) throw coded('argument', `PiecewiseConstantDecay: expected ${boundaries.length + 1} values for ${boundaries.length} boundaries, received ${values.length}`);
    // Where no boundary is left, the index is -1: the last value.
    return (step) => values.at(boundaries.findIndex((last) => step <= last)) as number;
  }),
  /** Half a wave down, after a line up if `warmupTarget` is given. */
  cosineDecay: /* @__PURE__ */ define<CosineDecayArgs>('CosineDecay', { alpha: 0, warmupTarget: null, warmupSteps: 0 }, (args) => {
    const { initialLearningRate, alpha, warmupTarget } = args;
    const decaySteps = positive('decaySteps', args.decaySteps);
    const warmupSteps = warmupTarget === null ? 0 : args.warmupSteps;
    const top = warmupTarget ?? initialLearningRate;
    return (step) =>
      step < warmupSteps ? line(initialLearningRate, top, step / warmupSteps) : wave(top, alpha * top, Math.min(1, (step - warmupSteps) / decaySteps));
  }),
  /** Half waves down, one after another. */
  cosineDecayRestarts: /* @__PURE__ */ define<CosineDecayRestartsArgs>('CosineDecayRestarts', { tMul: 2, mMul: 1, alpha: 0 }, (args) => {
    const { initialLearningRate, tMul, mMul, alpha } = args;
    const first = positive('firstDecaySteps', args.firstDecaySteps);
    if (!(tMul >= 1)) throw coded('argument', `CosineDecayRestarts: expected tMul of at least 1, received ${tMul}`);
    return (step) => {
      const [waves, part] = restarted(step, first, tMul);
      return initialLearningRate * (wave(1 - alpha, 0, part) * mMul ** waves + alpha);
    };
  }),
  /** A half wave up, and one down far below the beginning (Smith & Topin 2018). */
  oneCycle: /* @__PURE__ */ define<OneCycleArgs>('OneCycle', { warmupFraction: 0.3, divFactor: 25, finalDivFactor: 1e4 }, (args) => {
    const { maxLearningRate, warmupFraction, divFactor, finalDivFactor } = args;
    const end = positive('totalSteps', args.totalSteps) - 1;
    const top = warmupFraction * args.totalSteps - 1;
    const first = maxLearningRate / divFactor;
    return (step) => {
      if (step < top) return wave(first, maxLearningRate, step / top);
      return wave(maxLearningRate, first / finalDivFactor, end > top ? Math.min(1, (step - top) / (end - top)) : 1);
    };
  }),
  /** A line up to the first rate of another schedule, which follows. */
  warmUp: /* @__PURE__ */ define<WarmUpArgs>('WarmUp', { initialLearningRate: 0 }, ({ schedule, warmupSteps, initialLearningRate }) => {
    positive('warmupSteps', warmupSteps);
    const after = typeof schedule === 'number' ? () => schedule : schedule.at;
    return (step) => (step < warmupSteps ? line(initialLearningRate, after(0), step / warmupSteps) : after(step - warmupSteps));
  }),
};

/** A class name and a configuration, as stored models have it. */
export interface StoredSchedule {
  className: string;
  config: Record<string, unknown>;
}

/** A stored learning rate. */
export function rateFrom<T>(stored: T | StoredSchedule): T | LearningRateSchedule {
  const { className, config } = (stored ?? {}) as StoredSchedule;
  if (typeof stored !== 'object' || className === undefined) return stored as T;
  const name = (className[0] ?? '').toLowerCase() + className.slice(1);
  if (!Object.hasOwn(schedules, name)) throw coded('unknown', `Unknown schedule ${className}`);
  const make = schedules[name as keyof typeof schedules] as (args: object) => LearningRateSchedule;
  return make(config.schedule === undefined ? config : { ...config, schedule: rateFrom(config.schedule) });
}
