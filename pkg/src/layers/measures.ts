/** What a model measures beside its loss: functions of a batch, whose mean over samples is taken, and objects with a state. */

import { type LossOrMetricFn, named } from '../losses.js';
import * as ops from '../ops/core.js';
import { hasOp } from '../runtime.js';
import { dispose, keep, type Tensor, tidy } from '../tensor.js';
import { coded } from '../types.js';
import { type Config, fromKeras, toKeras } from './config.js';
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

interface Measure {
  readonly name: string;
  readonly output: number;
  readonly weighted: boolean;
  /** A function of the batch, or what keeps a state. */
  readonly by: LossOrMetricFn | StatefulMetric;
  /** Whether it was made here. */
  readonly own: boolean;
}

const isStateful = (by: unknown): by is StatefulMetric => typeof (by as StatefulMetric | null)?.updateState === 'function';

/** What the whole package knows of metrics. */
interface Known {
  /** The metric of Keras of a name; throws where there is none. */
  named(name: string): StatefulMetric;
  /** The mean of a function. */
  wrapped(fn: LossOrMetricFn, name: string): StatefulMetric;
  stored(className: string, config: Config): StatefulMetric;
}
let known: Known | null = null;

/** Makes metrics with a state known to models. */
export function installMeasures(by: Known): void {
  known = by;
}

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

/** Rates of counts: their mean over batches is not their value. */
const RATES = new Set(['precision', 'recall']);

/** A metric by its name. */
function metricOf(name: string, model: Measured, output: number): { name: string; by: LossOrMetricFn | StatefulMetric } {
  if (name === 'accuracy' || name === 'acc') return { name: 'acc', by: accuracyOf(model, output) };
  if (known !== null && RATES.has(name)) return { name, by: known.named(name) };
  const found = operation('metric', name) ?? operation('loss', name) ?? known?.named(name);
  if (found === undefined) throw coded('unknown', `Unknown metric ${name}`);
  return { name, by: found };
}

/** Another object of the same class and configuration: an object measures one output. */
function another(metric: StatefulMetric): StatefulMetric {
  const cls = metric.constructor as unknown as { new (config?: Config): StatefulMetric; fromConfig?(cls: unknown, config: Config): StatefulMetric };
  const config = metric.getConfig?.() ?? {};
  return cls.fromConfig === undefined ? new cls(config) : cls.fromConfig(cls, config);
}

/** The metrics of a model. */
export class Measures {
  private readonly list: Measure[];
  /** Their names in logs. */
  readonly names: string[];

  constructor(model: Measured, metrics?: MetricsGiven | null, weightedMetrics?: MetricsGiven | null) {
    const every = (given: MetricsGiven | null | undefined, weighted: boolean): Measure[] =>
      model.outputNames.flatMap((name, output) => listFor(given, name, output, model.outputNames.length).map((metric) => measureOf(metric, model, output, weighted)));
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

  private get stateful(): StatefulMetric[] {
    return this.list.map(({ by }) => by).filter(isStateful);
  }

  /** Forgets all batches. */
  reset(): void {
    for (const metric of this.stateful) metric.resetState();
  }

  /** Adds a batch to those with a state, and gives the values of the others. Runs in the caller's scope. */
  update(predicted: Tensor[], masks: Mask[], targets: Tensor[], weights: readonly Tensor[]): Tensor[] {
    return this.list.flatMap(({ by, output, weighted }) => {
      const [t, y, mask] = [targets[output] as Tensor, predicted[output] as Tensor, masks[output] ?? null];
      if (!isStateful(by)) return [maskedMean(by(t, y), mask)];
      by.updateState(t, y, weightOf(weighted ? weights[output] : undefined, mask));
      return [];
    });
  }

  /** The values of those with a state. */
  results(): Tensor[] {
    return this.stateful.map((metric) => metric.result());
  }

  /** Losses and values of functions, with the values of those with a state in their places. */
  merged<T>(values: readonly T[], results: readonly T[]): T[] {
    const [rest, kept] = [[...values], [...results]];
    const losses = rest.splice(0, values.length - (this.list.length - results.length));
    return [...losses, ...this.list.map(({ by }) => (isStateful(by) ? kept : rest).shift() as T)];
  }

  /** The states themselves, which later batches change. */
  getState(): Tensor[][] {
    return this.stateful.map((metric) => metric.getState?.() ?? []);
  }

  /** Goes on with what `getState` gave. */
  setState(states: readonly (readonly Tensor[])[]): void {
    this.stateful.forEach((metric, i) => metric.setState?.(states[i] ?? []));
  }

  /** What sets the states back to what they are now, once. */
  remember(): () => void {
    const before = this.stateful.map((metric) => [metric, (metric.getState?.() ?? []).map((state) => keep(state.clone()))] as const);
    return () => {
      for (const [metric, state] of before) {
        metric.setState?.(state);
        dispose(state);
      }
    };
  }

  /** Disposes the states of metrics that were given by name. */
  dispose(): void {
    for (const { by, own } of this.list) if (own && isStateful(by)) by.dispose?.();
  }
}

/** The metrics of an output. */
function listFor(given: MetricsGiven | null | undefined, name: string, output: number, outputs: number): MetricGiven[] {
  if (given === undefined || given === null) return [];
  if (typeof given === 'object' && !Array.isArray(given) && !isStateful(given)) given = given[name] ?? [];
  // Lists of lists: one for each output.
  else if (Array.isArray(given) && given.length === outputs && given.every((of) => of === null || Array.isArray(of))) given = given[output] ?? [];
  return ([given].flat() as (MetricGiven | null)[]).filter((metric) => metric !== null);
}

/** As in Keras, a class stands for an object of it. */
function madeOf<T>(given: T): T {
  if (typeof given !== 'function' || !isStateful(given.prototype)) return given;
  return new (given as unknown as { new (): T })();
}

function measureOf(given: MetricGiven, model: Measured, output: number, weighted: boolean): Measure {
  given = madeOf(given);
  // What was given for all outputs is the first one's.
  if (isStateful(given)) return { name: given.name, output, weighted, by: output === 0 ? given : another(given), own: output > 0 };
  const { name, by } = typeof given === 'function' ? { name: given.name || 'metric', by: given } : metricOf(given, model, output);
  if (isStateful(by) || !weighted) return { name, output, weighted, by, own: true };
  if (known === null) throw coded('argument', `weightedMetrics of this package are objects with a state, but got ${name}.`);
  return { name, output, weighted, by: known.wrapped(by, name), own: true };
}

/** What each sample or step counts; a mask has the axes of the samples and of the steps. */
function weightOf(weight: Tensor | undefined, mask: Mask): Tensor | undefined {
  if (mask === null) return weight;
  const counts = ops.cast(mask, 'float32');
  return weight === undefined ? counts : ops.mul(counts, ops.reshape(weight, mask.shape.map((d, axis) => (axis === 0 ? d : 1))));
}

/** The mean over what counts; the mask has the leading axes of the values. */
export function maskedMean(values: Tensor, mask: Mask): Tensor {
  if (mask === null || values.rank < mask.rank) return ops.mean(values);
  const weight = ops.reshape(ops.cast(mask, 'float32'), [...mask.shape, ...Array.from({ length: values.rank - mask.rank }, () => 1)]);
  return ops.div(ops.mean(ops.mul(values, weight)), ops.add(ops.mean(weight), 1e-7 / Math.max(1, weight.size)));
}

/** Metrics as they are stored: names, and objects by class and configuration. Functions have no stored form. */
export function storedMetrics(given: MetricsGiven | null | undefined): unknown {
  given = madeOf(given);
  if (isStateful(given)) return toKeras(given);
  if (Array.isArray(given)) return given.map((metric) => storedMetrics(metric)).filter((metric) => metric !== null);
  if (given !== null && typeof given === 'object') return Object.fromEntries(Object.entries(given).map(([name, of]) => [name, storedMetrics(of)]));
  return typeof given === 'string' ? given : null;
}

/** What `storedMetrics` wrote. */
export function restoredMetrics(stored: unknown): MetricsGiven | undefined {
  if (Array.isArray(stored)) return stored.map(restoredMetrics) as MetricsGiven;
  if (stored === null || typeof stored !== 'object') return (stored ?? undefined) as string | undefined;
  const { class_name: className, config } = stored as { class_name?: string; config?: Config };
  if (className === undefined) return Object.fromEntries(Object.entries(stored).map(([name, of]) => [name, restoredMetrics(of)])) as MetricsGiven;
  if (known === null) throw coded('unknown', `Unknown metric ${className}`);
  return known.stored(className, fromKeras(config) as Config);
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
