/** Metrics with a state, as models measure with them. */

import { toKeras, type Config } from '../layers/config.js';
import type { Mask } from '../layers/layer.js';
import { calledIn, isStateful, type Measure, type Measured, Measures, type MetricGiven, metricOf, type StatefulMetric } from '../layers/measures.js';
import * as ops from '../ops/core.js';
import { dispose, keep, type Tensor } from '../tensor.js';
import type { LossOrMetricFn } from './functions.js';
import { MeanMetricWrapper, ModuleMetric } from './module.js';

/** Rates of counts: their mean over batches is not their value. */
const RATES = new Set(['precision', 'recall']);

/** Another object of the same class and configuration: an object measures one output. */
function another(metric: StatefulMetric): StatefulMetric {
  const cls = metric.constructor as unknown as { new (config?: Config): StatefulMetric; fromConfig?(cls: unknown, config: Config): StatefulMetric };
  const config = metric.getConfig?.() ?? {};
  return cls.fromConfig === undefined ? new cls(config) : cls.fromConfig(cls, config);
}

/** As in Keras, a class stands for an object of it. */
function madeOf<T>(given: T): T {
  if (typeof given !== 'function' || !isStateful(given.prototype)) return given;
  return new (given as unknown as { new (): T })();
}

/** What each sample or step counts; a mask has the axes of the samples and of the steps. */
function weightOf(weight: Tensor | undefined, mask: Mask): Tensor | undefined {
  if (mask === null) return weight;
  const counts = ops.cast(mask, 'float32');
  return weight === undefined ? counts : ops.mul(counts, ops.reshape(weight, mask.shape.map((d, axis) => (axis === 0 ? d : 1))));
}

/** The metrics of a model, some of which keep a state over batches. */
export class StatefulMeasures extends Measures {
  protected override measureOf(given: MetricGiven, model: Measured, output: number, weighted: boolean): Measure {
    given = madeOf(given);
    // What was given for all outputs is the first one's.
    if (isStateful(given)) return { name: given.name, output, weighted, by: output === 0 ? given : another(given), own: output > 0 };
    const name = calledIn(given);
    const by = typeof given === 'function' ? given : (RATES.has(given) ? null : metricOf(given, model, output)) ?? new ModuleMetric(given);
    return { name, output, weighted, by: weighted && !isStateful(by) ? new MeanMetricWrapper({ fn: by, name }) : by, own: true };
  }

  private get stateful(): StatefulMetric[] {
    return this.list.map(({ by }) => by).filter(isStateful);
  }

  override reset(): void {
    for (const metric of this.stateful) metric.resetState();
  }

  protected override measured(measure: Measure, target: Tensor, predicted: Tensor, mask: Mask, weights: readonly (Tensor | undefined)[]): Tensor[] {
    const { by, weighted, output } = measure;
    if (!isStateful(by)) return super.measured(measure, target, predicted, mask, weights);
    by.updateState(target, predicted, weightOf(weighted ? weights[output] : undefined, mask));
    return [];
  }

  override results(): Tensor[] {
    return this.stateful.map((metric) => metric.result());
  }

  override merged<T>(values: readonly T[], results: readonly T[]): T[] {
    const [rest, kept] = [[...values], [...results]];
    const losses = rest.splice(0, values.length - (this.list.length - results.length));
    return [...losses, ...this.list.map(({ by }) => (isStateful(by) ? kept : rest).shift() as T)];
  }

  override getState(): Tensor[][] {
    return this.stateful.map((metric) => metric.getState?.() ?? []);
  }

  override setState(states: readonly (readonly Tensor[])[]): void {
    this.stateful.forEach((metric, i) => metric.setState?.(states[i] ?? []));
  }

  override remember(): () => void {
    const before = this.stateful.map((metric) => [metric, (metric.getState?.() ?? []).map((state) => keep(state.clone()))] as const);
    return () => {
      for (const [metric, state] of before) {
        metric.setState?.(state);
        dispose(state);
      }
    };
  }

  override dispose(): void {
    for (const { by, own } of this.list) if (own && isStateful(by)) by.dispose?.();
  }
}

/** The stored form of a metric: its class and its configuration. */
export function storedMetric(given: LossOrMetricFn | StatefulMetric): unknown {
  const metric = madeOf(given);
  return isStateful(metric) ? toKeras(metric) : null;
}
