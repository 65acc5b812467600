/** What a model measures beside its loss: functions of a batch, whose mean over samples is taken. The whole package has objects with a state too. */

import { lacking } from '../lacking.js';
import { type LossOrMetricFn, named } from '../metrics/functions.js';
import * as ops from '../ops/core.js';
import { hasOp } from '../runtime.js';
import { type Tensor, tidy } from '../tensor.js';
import { coded } from '../types.js';
import { type Config, fromKeras } from './config.js';
import type { Mask } from './layer.js';

/** What keeps a state over batches: a `tf.metrics.Metric`, or anything that has its functions. */
export interface StatefulMetric {
  readonly name: string;
  updateState(yTrue: Tensor, yPred: Tensor, sampleWeight?: Tensor): void;
  result(): Tensor;
  resetState(): void;
  getState?(): Tensor[];
  setState?(state: readonly Tensor[]): void;
  getConfig?(): Config;
  dispose?(): void;
}

/** A metric as it is given to `compile`. */
export type MetricGiven = string | LossOrMetricFn | StatefulMetric;

/** Metrics of a model: a list for every output, a list of a list for each, or what each has by its name. */
export type MetricsGiven = MetricGiven | (MetricGiven | MetricGiven[] | null)[] | Record<string, MetricGiven | MetricGiven[]>;

/** A metric of an output. */
export interface Measure {
  readonly name: string;
  readonly output: number;
  readonly weighted: boolean;
  /** A function of the batch, or what keeps a state. */
  readonly by: LossOrMetricFn | StatefulMetric;
  /** Whether it was made here. */
  readonly own: boolean;
}

export const isStateful = (by: unknown): by is StatefulMetric => typeof (by as StatefulMetric | null)?.updateState === 'function';

export const camel = (name: string): string => name.replace(/_([a-z])/g, (_, c: string) => c.toUpperCase());
const ALIASES: Record<string, string> = { mse: 'meanSquaredError', MSE: 'meanSquaredError', mae: 'meanAbsoluteError', MAE: 'meanAbsoluteError', mape: 'meanAbsolutePercentageError', MAPE: 'meanAbsolutePercentageError', cosine: 'cosineProximity' };

/** The operation of a kind that a name means, if there is one. */
function operation(kind: 'loss' | 'metric', name: string): LossOrMetricFn | null {
  const full = ALIASES[name] ?? camel(name);
  return hasOp(`${kind}/${full}`) ? named(kind, full) : null;
}

export function lossOf(name: string): LossOrMetricFn {
  const found = operation('loss', name);
  if (found === null) throw coded('unknown', `Unknown loss ${name}`);
  return found;
}

/** What metrics must know of the model that they measure. */
export interface Measured {
  readonly outputNames: string[];
  readonly outputShapes: (number | null)[][];
  /** The loss of each output, as it was given. */
  readonly losses: unknown[];
}

/** Which accuracy a loss and an output have. */
function accuracyOf({ outputShapes, losses }: Measured, output: number): LossOrMetricFn {
  const given = losses[output];
  const loss = typeof given === 'string' ? camel(given) : '';
  const binary = outputShapes[output]?.at(-1) === 1 || loss === 'binaryCrossentropy';
  return named('metric', binary ? 'binaryAccuracy' : loss === 'sparseCategoricalCrossentropy' ? 'sparseCategoricalAccuracy' : 'categoricalAccuracy');
}

/** The function of a batch that the name of a metric means, if there is one. */
export function metricOf(name: string, model: Measured, output: number): LossOrMetricFn | null {
  return name === 'accuracy' || name === 'acc' ? accuracyOf(model, output) : (operation('metric', name) ?? operation('loss', name));
}

/** What logs call a metric of a name, or a function. */
export const calledIn = (given: string | LossOrMetricFn): string => (typeof given === 'function' ? given.name || 'metric' : given === 'accuracy' ? 'acc' : given);

/** The metrics of a model. */
export class Measures {
  protected readonly list: Measure[];
  /** Their names in logs. */
  readonly names: string[];

  constructor(model: Measured, metrics?: MetricsGiven | null, weightedMetrics?: MetricsGiven | null) {
    const every = (given: MetricsGiven | null | undefined, weighted: boolean): Measure[] =>
      model.outputNames.flatMap((name, output) => listFor(given, name, output, model.outputNames.length).map((metric) => this.measureOf(metric, model, output, weighted)));
    this.list = [...every(metrics, false), ...every(weightedMetrics, true)];
    const taken = new Set<string>();
    this.names = this.list.map(({ name, output, weighted }) => {
      const prefix = model.outputNames.length > 1 ? `${model.outputNames[output]}_` : '';
      let unique = prefix + name;
      if (taken.has(unique) && weighted) unique = `${prefix}weighted_${name}`;
      for (let n = 1, base = unique; taken.has(unique); n++) unique = `${base}_${n}`;
      taken.add(unique);
      return unique;
    });
  }

  protected measureOf(given: MetricGiven, model: Measured, output: number, weighted: boolean): Measure {
    const by = typeof given === 'string' ? metricOf(given, model, output) : given;
    if (weighted || typeof by !== 'function') throw lacking(weighted ? 'weightedMetrics' : `The metric ${typeof given === 'string' ? given : 'with a state'}`);
    return { name: calledIn(given as string | LossOrMetricFn), output, weighted, by, own: true };
  }

  /** Forgets all batches. */
  reset(): void {}

  /** Adds a batch to those with a state, and gives the values of the others. Runs in the caller's scope. */
  update(predicted: Tensor[], masks: Mask[], targets: Tensor[], weights: readonly (Tensor | undefined)[]): Tensor[] {
    return this.list.flatMap((measure) => this.measured(measure, targets[measure.output] as Tensor, predicted[measure.output] as Tensor, masks[measure.output] ?? null, weights));
  }

  /** The value of a batch; none where a state takes it in. */
  protected measured({ by }: Measure, target: Tensor, predicted: Tensor, mask: Mask, _weights: readonly (Tensor | undefined)[]): Tensor[] {
    return [maskedMean((by as LossOrMetricFn)(target, predicted), mask)];
  }

  /** The values of those with a state. */
  results(): Tensor[] {
    return [];
  }

  /** Losses and values of functions, with the values of those with a state in their places. */
  merged<T>(values: readonly T[], _results: readonly T[]): T[] {
    return [...values];
  }

  /** The states themselves, which later batches change. */
  getState(): Tensor[][] {
    return [];
  }

  /** Goes on with what `getState` gave. */
  setState(_states: readonly (readonly Tensor[])[]): void {}

  /** What sets the states back to what they are now, once. */
  remember(): () => void {
    return () => {};
  }

  /** Disposes the states of metrics that were given by name. */
  dispose(): void {}
}

/** What the whole package knows of metrics. */
export interface Measuring {
  of(...args: ConstructorParameters<typeof Measures>): Measures;
  /** The stored form of a metric that is not given by name; null where it has none. */
  stored(metric: LossOrMetricFn | StatefulMetric): unknown;
  restored(className: string, config: Config): StatefulMetric;
}

let measuring: Measuring = {
  of: (...args) => new Measures(...args),
  stored: () => null,
  restored: (className) => {
    throw lacking(`The metric ${className}`);
  },
};

/** Has models measure with metrics that have a state. */
export function installMeasures(by: Measuring): void {
  measuring = by;
}

/** The metrics of a model that is compiled. */
export const measuresOf: Measuring['of'] = (...args) => measuring.of(...args);

/** The metrics of an output. */
function listFor(given: MetricsGiven | null | undefined, name: string, output: number, outputs: number): MetricGiven[] {
  if (given === undefined || given === null) return [];
  if (typeof given === 'object' && !Array.isArray(given) && !isStateful(given)) given = given[name] ?? [];
  // Lists of lists: one for each output.
  else if (Array.isArray(given) && given.length === outputs && given.every((of) => of === null || Array.isArray(of))) given = given[output] ?? [];
  return ([given].flat() as (MetricGiven | null)[]).filter((metric) => metric !== null);
}

/** The mean over what counts; the mask has the leading axes of the values. */
export function maskedMean(values: Tensor, mask: Mask): Tensor {
  if (mask === null || values.rank < mask.rank) return ops.mean(values);
  const weight = ops.reshape(ops.cast(mask, 'float32'), [...mask.shape, ...Array.from({ length: values.rank - mask.rank }, () => 1)]);
  return ops.div(ops.mean(ops.mul(values, weight)), ops.add(ops.mean(weight), 1e-7 / Math.max(1, weight.size)));
}

/** Metrics as they are stored: names, and objects by class and configuration. Functions have no stored form. */
export function storedMetrics(given: MetricsGiven | null | undefined): unknown {
  if (given === undefined || given === null || typeof given === 'string') return given ?? null;
  if (Array.isArray(given)) return given.map((metric) => storedMetrics(metric)).filter((metric) => metric !== null);
  if (typeof given === 'function' || isStateful(given)) return measuring.stored(given);
  return Object.fromEntries(Object.entries(given).map(([name, of]) => [name, storedMetrics(of)]));
}

/** What `storedMetrics` wrote. */
export function restoredMetrics(stored: unknown): MetricsGiven | undefined {
  if (Array.isArray(stored)) return stored.map(restoredMetrics) as MetricsGiven;
  if (stored === null || typeof stored !== 'object') return (stored ?? undefined) as string | undefined;
  const { class_name: className, config } = stored as { class_name?: string; config?: Config };
  if (className !== undefined) return measuring.restored(className, fromKeras(config) as Config);
  return Object.fromEntries(Object.entries(stored).map(([name, of]) => [name, restoredMetrics(of)])) as MetricsGiven;
}

/** Runs `f` on metrics without a state, and sets them back. */
export function aside<T>(measures: Measures, f: () => T): T {
  const back = measures.remember();
  try {
    return tidy(f);
  } finally {
    back();
  }
}
