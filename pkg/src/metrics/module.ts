/** Metrics that the module describes and computes. */

import { toTensor } from '../convert.js';
import { scalar } from '../create.js';
import { decode, encode } from '../encode.js';
import { type Config, fromKeras } from '../layers/config.js';
import { add } from '../ops/pointwise.js';
import { wasm } from '../runtime.js';
import { fromRecord, fromRecords, handlesOf, type Tensor, tidy } from '../tensor.js';
import type { TensorInput } from '../types.js';
import type { LossOrMetricFn } from './functions.js';
import { Metric, type MetricArgs } from './metric.js';

/** Keys as Keras writes them. */
const snake = (args: object): Config => Object.fromEntries(Object.entries(args).filter(([, v]) => v !== undefined).map(([k, v]) => [k.replace(/[A-Z]/g, (c) => `_${c.toLowerCase()}`), v]));

/** What is given for `Mean` and `Sum`: the values, and their weights. */
const VALUES_ONLY = new Set(['Mean', 'Sum']);

/** A metric of Keras, by its class name or a name that Keras knows it by. */
export class ModuleMetric extends Metric {
  private readonly kerasClass: string;
  private readonly config: Uint8Array;

  constructor(className: string, args: object = {}) {
    const [kerasClass, config] = decode(wasm().metricConfig(className, encode(snake(args)))) as [string, Config];
    super({ name: config.name as string });
    this.kerasClass = kerasClass;
    this.config = encode(config);
  }

  override getClassName(): string {
    return this.kerasClass;
  }

  updateState(yTrue: TensorInput, yPred?: TensorInput, sampleWeight?: TensorInput): void {
    const alone = VALUES_ONLY.has(this.kerasClass);
    tidy(() => {
      const truth = toTensor(yTrue, alone ? 'values' : 'yTrue', this.kerasClass);
      if (alone) this.add(truth, truth, yPred);
      else this.add(truth, toTensor(yPred as TensorInput, 'yPred', this.kerasClass), sampleWeight);
    });
  }

  /** Adds a batch, in the caller's scope. */
  protected add(truth: Tensor, predicted: Tensor, sampleWeight?: TensorInput): void {
    const given = sampleWeight === undefined || sampleWeight === null ? [] : [toTensor(sampleWeight, 'sampleWeight', this.kerasClass)];
    const [t, y, w] = handlesOf([truth, predicted, ...given]);
    const terms = fromRecords(wasm().metricTerms(this.kerasClass, this.config, t as number, y as number, w ?? 0));
    if (this.variables.length === 0) terms.forEach((term) => this.addVariable(term));
    else this.variables.forEach((sum, i) => sum.assign(add(sum, terms[i] as Tensor)));
  }

  result(): Tensor {
    if (this.variables.length === 0) return scalar(0);
    return fromRecord(wasm().metricResult(this.kerasClass, this.config, handlesOf(this.variables)), 0)[0];
  }

  /** The next batch may have another number of classes. */
  override resetState(): void {
    this.dispose();
  }

  override setState(state: readonly Tensor[]): void {
    this.dispose();
    state.forEach((sum) => this.addVariable(sum));
  }

  override getConfig(): Config {
    return fromKeras(decode(this.config)) as Config;
  }

  override kerasConfig(): Config {
    return decode(this.config);
  }
}

/** The mean of what a function of targets and predictions gives for each sample. */
export class MeanMetricWrapper extends ModuleMetric {
  static override className = 'MeanMetricWrapper';
  private readonly fn: LossOrMetricFn;

  constructor({ fn, name }: MetricArgs & { fn: LossOrMetricFn }) {
    super('Mean', { name: name ?? (fn.name || 'metric') });
    this.fn = fn;
  }

  override getClassName(): string {
    return MeanMetricWrapper.className;
  }

  override updateState(yTrue: TensorInput, yPred: TensorInput, sampleWeight?: TensorInput): void {
    tidy(() => {
      const values = this.fn(toTensor(yTrue, 'yTrue', this.name), toTensor(yPred, 'yPred', this.name));
      this.add(values, values, sampleWeight);
    });
  }

  override getConfig(): Config {
    return { ...super.getConfig(), fn: this.fn };
  }
}
