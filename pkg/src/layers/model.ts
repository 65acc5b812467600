/** Models that train. */

import { tensor } from '../convert.js';
import { encode } from '../encode.js';
import { gradientsOf } from '../gradients.js';
import { concatenateArrayBuffers, encodeWeights, getSaveHandlers, type IOHandler, type ModelArtifacts, type SaveResult } from '../io/index.js';
import { type LossOrMetricFn, named } from '../losses.js';
import * as ops from '../ops/index.js';
import { type NamedTensor, Optimizer, optimizerOf } from '../optimizers.js';
import { wasm } from '../runtime.js';
import { fromRecord, keep, Tensor, tidy } from '../tensor.js';
import { coded, type NamedTensorMap } from '../types.js';
import type { History } from './callbacks.js';
import { givenOf, toKeras, toSnake } from './config.js';
import { Container, type ContainerArgs } from './container.js';
import { type LayerVariable, listOf, type Mask, type SymbolicShape, SymbolicTensor } from './layer.js';
import { printSummary } from './summary.js';
import { batchesOf, readScalars, train, type TrainingArgs } from './training.js';

type LossName = string | LossOrMetricFn;

export interface ModelCompileArgs {
  optimizer: string | Optimizer;
  loss: LossName | LossName[] | Record<string, LossName>;
  metrics?: LossName | LossName[] | Record<string, LossName | LossName[]>;
  /** What the loss of each output counts in the whole, 1 where it is not said. */
  lossWeights?: number[] | Record<string, number>;
}

export interface ModelFitArgs extends TrainingArgs {
  batchSize?: number;
  validationSplit?: number;
  validationData?: [Tensor | Tensor[], Tensor | Tensor[]];
  shuffle?: boolean;
  /** What each sample's loss counts: of shape [samples], for all outputs or for each. */
  sampleWeight?: Tensor | Tensor[];
}

export interface ModelEvaluateArgs {
  batchSize?: number;
  verbose?: number;
  sampleWeight?: Tensor | Tensor[];
}

interface Metric {
  readonly name: string;
  readonly output: number;
  readonly compute: LossOrMetricFn;
}

/** Tensors for a model's inputs or outputs: the only one, in order, or by name. */
export type Fed = Tensor | Tensor[] | Record<string, Tensor>;

export class LayersModel extends Container {
  static override className = 'Model';
  stopTraining = false;
  optimizer: Optimizer | null = null;
  loss: ModelCompileArgs['loss'] | null = null;
  metricsNames: string[] = [];
  history: History | null = null;
  isTraining = false;
  private lossFunctions: LossOrMetricFn[] = [];
  private lossWeights: (number | undefined)[] = [];
  private metrics: Metric[] = [];
  private compileArgs: ModelCompileArgs | null = null;
  /** What training moves: a model that is frozen after it was compiled, as within an adversarial one, still trains by itself. */
  private compiledWeights: LayerVariable[] = [];
  private userDefinedMetadata: object | undefined;

  constructor(args?: ContainerArgs) {
    super(args ?? {});
    if (args !== undefined) this.setGraph(listOf(args.inputs), listOf(args.outputs));
  }

  compile(args: ModelCompileArgs): void {
    if (args.loss === undefined || args.loss === null) args = { ...args, loss: [] };
    this.optimizer = typeof args.optimizer === 'string' ? optimizerOf(args.optimizer) : args.optimizer;
    if (!(this.optimizer instanceof Optimizer)) throw coded('argument', 'User-defined optimizer must be an instance of tf.Optimizer.');
    this.loss = args.loss;
    this.lossFunctions = this.perOutput(args.loss).map((loss, i) => {
      if (loss === undefined) throw coded('argument', `Output "${this.outputNames[i]}" is missing from loss dictionary.`);
      return typeof loss === 'function' ? loss : lossOf(loss);
    });
    this.lossWeights = args.lossWeights === undefined ? [] : this.perOutput<number>(args.lossWeights);
    this.metrics = this.outputs.flatMap((_, i) => this.metricsOfOutput(args.metrics, i));
    const several = this.outputs.length > 1;
    this.metricsNames = [
      'loss',
      ...(several ? this.outputNames.map((name) => `${name}_loss`) : []),
      ...this.metrics.map((m) => (several ? `${this.outputNames[m.output]}_${m.name}` : m.name)),
    ];
    this.compileArgs = args;
    this.compiledWeights = this.trainableWeights;
  }

  /** What is given once for all outputs, or for each by position or by name. */
  private perOutput<T>(value: T | T[] | Record<string, T>): (T | undefined)[] {
    if (Array.isArray(value)) return this.outputs.map((_, i) => (value.length === 1 ? value[0] : value[i]));
    if (value !== null && typeof value === 'object') return this.outputNames.map((name) => (value as Record<string, T>)[name]);
    return this.outputs.map(() => value as T);
  }

  /** A list of metrics holds for every output; an object names the outputs. */
  private metricsOfOutput(metrics: ModelCompileArgs['metrics'], output: number): Metric[] {
    if (metrics === undefined || metrics === null) return [];
    const byName = typeof metrics === 'object' && !Array.isArray(metrics);
    const mine = byName ? (metrics as Record<string, LossName | LossName[]>)[this.outputNames[output] as string] : metrics;
    return mine === undefined ? [] : [mine].flat().map((metric) => this.metricOf(metric, output));
  }

  private metricOf(metric: LossName, output: number): Metric {
    if (typeof metric === 'function') return { name: metric.name || 'metric', output, compute: metric };
    const shape = this.outputs[output]?.shape ?? [];
    if (metric === 'accuracy' || metric === 'acc') {
      const given = this.perOutput<LossName>(this.loss ?? [])[output];
      const loss = typeof given === 'string' ? camelLoss(given) : '';
      const kind =
        shape.at(-1) === 1 || loss === 'binaryCrossentropy' ? 'binaryAccuracy' : loss === 'sparseCategoricalCrossentropy' ? 'sparseCategoricalAccuracy' : 'categoricalAccuracy';
      return { name: 'acc', output, compute: named('metric', kind) };
    }
    const known = ['binaryAccuracy', 'categoricalAccuracy', 'sparseCategoricalAccuracy', 'precision', 'recall'];
    const camel = camelLoss(metric);
    return { name: metric, output, compute: known.includes(camel) ? named('metric', camel) : lossOf(metric) };
  }

  checkCompiled(): Optimizer {
    if (this.optimizer === null) throw coded('argument', 'You must compile a model before training/testing. Use LayersModel.compile(modelCompileArgs).');
    return this.optimizer;
  }

  feed(x: Fed, names: string[], what: string): Tensor[] {
    const list = x instanceof Tensor ? [x] : Array.isArray(x) ? x : names.map((name) => x[name] as Tensor);
    return list.map((t, i) => {
      if (!(t instanceof Tensor)) throw coded('argument', `${what} ${i} must be a tensor, but got ${t === undefined ? 'undefined' : typeof t}`);
      // A value for each sample.
      return t.rank === 1 ? ops.expandDims(t, 1) : t;
    });
  }

  /** Tensors for the model's inputs, whose shapes they must have. A model that is called as a layer takes what its layers take. */
  feedInputs(x: Fed): Tensor[] {
    const list = this.feed(x, this.inputNames, 'Input');
    this.inputs.forEach((x, i) => {
      const got = list[i]?.shape ?? x.shape;
      if (got.length !== x.rank) {
        throw coded('shape', `Error when checking : expected ${x.name} to have ${x.rank} dimension(s), but got array with shape [${got}]`);
      }
      x.shape.forEach((d, axis) => {
        if (axis > 0 && d !== null && d !== got[axis]) {
          throw coded('shape', `Error when checking : expected ${x.name} to have shape [${x.shape.map((n) => n ?? 'null')}] but got array with shape [${got}].`);
        }
      });
    });
    return list;
  }

  /** The outputs for `x`, in batches. */
  predict(x: Tensor | Tensor[], args: { batchSize?: number; verbose?: boolean } = {}): Tensor | Tensor[] {
    return tidy(() => {
      const inputs = this.feedInputs(x);
      const samples = inputs[0]?.shape[0] ?? 0;
      const size = args.batchSize ?? 32;
      const parts: Tensor[][] = [];
      for (let at = 0; at < samples; at += size) {
        const batch = samples <= size ? inputs : inputs.map((t) => ops.slice(t, at, Math.min(size, samples - at)));
        parts.push(tidy(() => this.compute(batch, this.outputs, { training: false })));
      }
      const outputs = this.outputs.map((_, i) => (parts.length === 1 ? (parts[0]?.[i] as Tensor) : ops.concat(parts.map((p) => p[i] as Tensor))));
      return outputs.length === 1 ? (outputs[0] as Tensor) : outputs;
    });
  }

  predictOnBatch(x: Tensor | Tensor[]): Tensor | Tensor[] {
    return this.predict(x, { batchSize: Infinity });
  }

  /** The values of named layers' outputs. */
  execute(inputs: Tensor | Tensor[] | NamedTensorMap, outputs: string | string[]): Tensor | Tensor[] {
    const wanted = listOf(outputs).map((name) => this.getLayer(name).output as SymbolicTensor);
    const result = tidy(() => this.compute(this.feedInputs(inputs as Fed), wanted, { training: false }));
    return Array.isArray(outputs) ? result : (result[0] as Tensor);
  }

  /** The loss of each output, as scalars. Call on a tape to train. */
  private outputLosses(predicted: Tensor[], masks: Mask[], targets: Tensor[], weights: readonly Tensor[]): Tensor[] {
    return predicted.map((y, i) => {
      const loss = (this.lossFunctions[i] as LossOrMetricFn)(targets[i] as Tensor, y);
      const weight = weights[i];
      return maskedMean(weight === undefined ? loss : ops.mul(loss, ops.reshape(weight, loss.shape.map((d, axis) => (axis === 0 ? d : 1)))), masks[i] ?? null);
    });
  }

  /** The losses together, with those that layers add. */
  private totalLoss(losses: Tensor[], ofLayers: Tensor[]): Tensor {
    const weighted = losses.map((loss, i) => (this.lossWeights[i] === undefined ? loss : ops.mul(loss, this.lossWeights[i])));
    return [...weighted, ...ofLayers, ...this.losses.map((loss) => loss())].reduce((sum, term) => ops.add(sum, term));
  }

  /** What `metricsNames` names. */
  private values(total: Tensor, losses: Tensor[], predicted: Tensor[], masks: Mask[], targets: Tensor[]): Tensor[] {
    return [total, ...(losses.length > 1 ? losses : []), ...this.measure(predicted, masks, targets)];
  }

  private regularization(trained: LayerVariable[]): Tensor[] {
    return trained
      .filter((w) => w.regularizer !== null)
      .map((w) => fromRecord(wasm().penalty(encode(w.regularizer), w.variable.handle), 0)[0]);
  }

  /** One step of training; its loss and metrics as scalars that the caller disposes. */
  trainStep(inputs: Tensor[], targets: Tensor[], classWeight?: Record<number, number>, sampleWeight: readonly Tensor[] = []): Tensor[] {
    const optimizer = this.checkCompiled();
    return tidy(() => {
      const trained = this.compiledWeights.filter((w) => !w.frozen);
      let predicted: Tensor[] = [];
      let masks: Mask[] = [];
      let losses: Tensor[] = [];
      const updates: [LayerVariable, Tensor][] = [];
      const ofClass = classWeight === undefined ? null : classWeights(targets[0] as Tensor, classWeight);
      const weights = ofClass === null ? sampleWeight : [sampleWeight[0] === undefined ? ofClass : ops.mul(ofClass, sampleWeight[0])];
      const { value, grads } = gradientsOf(() => {
        const ofLayers: Tensor[] = [];
        ({ outputs: predicted, masks } = this.computeMasked(inputs, this.outputs, { training: true, losses: ofLayers, updates, trained: new Set(trained) }));
        losses = this.outputLosses(predicted, masks, targets, weights);
        return this.regularization(trained).reduce((sum, p) => ops.add(sum, p), this.totalLoss(losses, ofLayers));
      }, trained.map((w) => w.variable));
      const values = this.values(value, losses, predicted, masks, targets);
      updates.forEach(([weight, update]) => weight.write(update));
      const gradients: NamedTensorMap = {};
      trained.forEach((w, i) => {
        if (grads[i]) gradients[w.variable.name] = grads[i];
      });
      optimizer.applyGradients(gradients);
      for (const w of trained) {
        if (w.constraint !== null) w.write(fromRecord(wasm().constrain(encode(w.constraint), w.variable.handle), 0)[0]);
      }
      return values;
    });
  }

  private measure(predicted: Tensor[], masks: Mask[], targets: Tensor[]): Tensor[] {
    return this.metrics.map((m) => maskedMean(m.compute(targets[m.output] as Tensor, predicted[m.output] as Tensor), masks[m.output] ?? null));
  }

  /** The number of samples of inputs and targets that fit together, and the model. */
  checkSamples(x: Tensor[], y: Tensor[]): number {
    const samples = x[0]?.shape[0] ?? 0;
    if (y.length !== this.outputs.length) {
      throw coded('argument', `Error when checking model target: expected ${this.outputs.length} Tensor(s), but instead got ${y.length}.`);
    }
    for (const t of [...x, ...y]) {
      if (t.shape[0] !== samples) {
        throw coded('shape', `Input Tensors should have the same number of samples as target Tensors. Found ${samples} input sample(s) and ${t.shape[0]} target sample(s).`);
      }
    }
    y.forEach((t, i) => {
      const want = this.outputs[i]?.shape as SymbolicShape;
      const sparse = typeof this.loss === 'string' && camelLoss(this.loss).startsWith('sparse');
      if (!sparse && typeof this.loss === 'string' && (t.rank !== want.length || want.some((d, axis) => axis > 0 && d !== null && d !== t.shape[axis]))) {
        throw coded('shape', `Error when checking target: expected ${this.outputNames[i]} to have shape [${want.map((d) => d ?? 'null')}] but got array with shape [${t.shape}].`);
      }
    });
    if (samples === 0) throw coded('shape', 'The input and target tensors have no samples.');
    return samples;
  }

  /** A weight of each sample for each output. */
  private checkSampleWeight(given: Tensor | Tensor[] | null | undefined, samples: number): Tensor[] {
    if (given == null) return [];
    const weights = this.perOutput<Tensor>(given instanceof Tensor ? [given] : given) as Tensor[];
    for (const w of weights) {
      if (!(w instanceof Tensor) || w.rank !== 1 || w.shape[0] !== samples) {
        throw coded('shape', `sampleWeight must have shape [${samples}], one weight for each sample, but got ${w instanceof Tensor ? `[${w.shape}]` : String(w)}`);
      }
    }
    return weights;
  }

  /** Every class of the samples that are trained on must have a weight. */
  async checkClassWeight(targets: Tensor[], samples: number, classWeight?: Record<number, number>): Promise<void> {
    if (classWeight === undefined) return;
    if (targets.length > 1) throw coded('argument', `classWeight is for models with one output; this one has ${targets.length}.`);
    const classes = tidy(() => classesOf(targets[0] as Tensor));
    const trained = new Set((await classes.data<'int32'>()).subarray(0, samples));
    classes.dispose();
    for (const c of trained) {
      if (classWeight[c] === undefined) {
        throw coded('argument', `classWeight must contain all classes in the training data. The class ${c} exists in the data but not in classWeight`);
      }
    }
  }

  async trainOnBatch(x: Fed, y: Fed): Promise<number | number[]> {
    this.checkCompiled();
    const values = tidy(() => {
      const [inputs, targets] = [this.feedInputs(x), this.feed(y, this.outputNames, 'Target')];
      this.checkSamples(inputs, targets);
      return this.trainStep(inputs, targets);
    });
    const numbers = await readScalars(values);
    return numbers.length === 1 ? (numbers[0] as number) : numbers;
  }

  /** The loss and the metrics over `x` and `y`, as scalars. */
  evaluate(x: Tensor | Tensor[], y: Tensor | Tensor[], args: ModelEvaluateArgs = {}): Tensor | Tensor[] {
    this.checkCompiled();
    const results = tidy(() => {
      const [inputs, targets] = [this.feedInputs(x), this.feed(y, this.outputNames, 'Target')];
      const samples = this.checkSamples(inputs, targets);
      return this.test(inputs, targets, samples, args.batchSize ?? 32, this.checkSampleWeight(args.sampleWeight, samples));
    });
    return results.length === 1 ? (results[0] as Tensor) : results;
  }

  /** The loss and the metrics of one batch, as scalars. Runs in the caller's scope. */
  testStep(inputs: Tensor[], targets: Tensor[], sampleWeight: readonly Tensor[] = []): Tensor[] {
    const ofLayers: Tensor[] = [];
    const { outputs: predicted, masks } = this.computeMasked(inputs, this.outputs, { training: false, losses: ofLayers });
    const losses = this.outputLosses(predicted, masks, targets, sampleWeight);
    return this.values(this.totalLoss(losses, ofLayers), losses, predicted, masks, targets);
  }

  private test(inputs: Tensor[], targets: Tensor[], samples: number, size: number, weights: readonly Tensor[] = []): Tensor[] {
    let sums: Tensor[] = [];
    for (let at = 0; at < samples; at += size) {
      const count = Math.min(size, samples - at);
      const old = sums;
      sums = tidy(() => {
        const part = (t: Tensor): Tensor => (samples <= size ? t : ops.slice(t, at, count));
        const values = this.testStep(inputs.map(part), targets.map(part), weights.map(part)).map((v) => ops.mul(v, count));
        return old.length === 0 ? values : values.map((v, i) => ops.add(v, old[i] as Tensor));
      });
      old.forEach((t) => t.dispose());
    }
    return sums.map((sum) => ops.div(sum, samples));
  }

  async fit(x: Fed, y: Fed, args: ModelFitArgs = {}): Promise<History> {
    if (this.isTraining) throw coded('argument', 'Cannot start training because another fit() call is ongoing.');
    this.checkCompiled();
    const [inputs, targets] = [this.feedInputs(x), this.feed(y, this.outputNames, 'Target')];
    const all = this.checkSamples(inputs, targets);
    args = givenOf(args);
    const { batchSize = 32, validationSplit = 0, validationData } = args;
    if (!(batchSize > 0) || !Number.isInteger(batchSize)) throw coded('argument', `batchSize is a positive integer, but got ${batchSize}`);
    if (validationSplit < 0 || validationSplit >= 1) throw coded('argument', `validationSplit must lie in [0, 1), but got ${validationSplit}`);
    const held = validationData === undefined ? null : { x: this.feedInputs(validationData[0]), y: this.feed(validationData[1], this.outputNames, 'Target') };
    const samples = held === null ? Math.floor(all * (1 - validationSplit)) : all;
    await this.checkClassWeight(targets, samples, args.classWeight);
    const weights = this.checkSampleWeight(args.sampleWeight, all);
    const passed = new Set([x, y, ...(validationData ?? [])].flatMap((side) => (side instanceof Tensor ? side : Object.values(side))));
    const owned = [...inputs, ...targets, ...(held?.x ?? []), ...(held?.y ?? [])].filter((t) => !passed.has(t));
    let heldWeights: Tensor[] = [];
    let validation = held;
    if (held === null && samples < all) {
      const rest = (t: Tensor): Tensor => keep(tidy(() => ops.slice(t, samples)));
      validation = { x: inputs.map(rest), y: targets.map(rest) };
      heldWeights = weights.map(rest);
      owned.push(...validation.x, ...validation.y, ...heldWeights);
    }
    const data = {
      steps: Math.ceil(samples / batchSize),
      batches: () => batchesOf([inputs, targets, weights], samples, batchSize, args.shuffle !== false),
      validate: validation && (() => readScalars(tidy(() => this.test(validation.x, validation.y, validation.x[0]?.shape[0] ?? 0, batchSize, heldWeights)))),
    };
    try {
      return await train(this, data, args);
    } finally {
      owned.forEach((t) => t.dispose());
    }
  }

  override setWeights(weights: Tensor[]): void {
    tidy(() => super.setWeights(weights));
  }

  /** Sets weights by name. */
  loadWeights(weights: NamedTensorMap, strict = true): void {
    const missing: string[] = [];
    const unused = new Set(Object.keys(weights));
    // Keras names a recurrent layer's weights with its cell: lstm/lstm_cell/kernel.
    const withCell = new Map([...unused].map((name) => [name.replace(/\/[^/]*cell[^/]*(?=\/[^/]*$)/, ''), name]));
    const total = this.orderedWeights;
    for (const weight of total) {
      const name = weights[weight.name] === undefined ? (withCell.get(weight.name) ?? weight.name) : weight.name;
      const value = weights[name];
      if (value === undefined) missing.push(weight.name);
      else {
        weight.write(value);
        unused.delete(name);
      }
    }
    if (!strict) return;
    if (missing.length > 0) throw coded('format', `${missing.length} of ${total.length} weights are not set: ${missing}`);
    if (unused.size > 0) throw coded('format', `Provided weight data has no target variable: ${[...unused].join(', ')}`);
  }

  setUserDefinedMetadata(metadata: object): void {
    this.userDefinedMetadata = metadata;
  }

  getUserDefinedMetadata(): object | undefined {
    return this.userDefinedMetadata;
  }

  /** The topology as Keras JSON. */
  toJSON(_unused?: unknown, returnString = true): string | object {
    const json = { class_name: this.getClassName(), config: this.kerasConfig(), keras_version: 'headwater 0.1.0', backend: 'tensor_flow.js' };
    return returnString ? JSON.stringify(json) : json;
  }

  /** Writes the model to a URL or a handler. */
  async save(handlerOrURL: string | IOHandler, config: { trainableOnly?: boolean; includeOptimizer?: boolean } = {}): Promise<SaveResult> {
    const handler = typeof handlerOrURL === 'string' ? getSaveHandlers(handlerOrURL)[0] : handlerOrURL;
    if (handler?.save === undefined) throw coded('argument', `Cannot find any save handlers for URL '${String(handlerOrURL)}'`);
    const weights = config.trainableOnly ? this.trainableWeights : this.orderedWeights;
    const { data, specs } = await encodeWeights(weights.map((w) => ({ name: w.name, tensor: w.variable })), 'model');
    const artifacts: ModelArtifacts = {
      modelTopology: this.toJSON(null, false) as object,
      format: 'layers-model',
      generatedBy: 'headwater 0.1.0',
      convertedBy: null,
      weightSpecs: specs,
      weightData: data,
    };
    if (config.includeOptimizer && this.optimizer !== null && this.compileArgs !== null) {
      const stored = this.renamed(await this.optimizer.getWeights(), (w) => [w.variable.name, w.name]);
      const optimizer = await encodeWeights(stored, 'optimizer');
      artifacts.trainingConfig = this.trainingConfig();
      artifacts.weightSpecs = [...specs, ...optimizer.specs];
      artifacts.weightData = concatenateArrayBuffers([data, optimizer.data]);
    }
    if (this.userDefinedMetadata !== undefined) artifacts.userDefinedMetadata = this.userDefinedMetadata;
    return handler.save(artifacts);
  }

  /** An optimizer's tensors under other names of their variables: unique in the program here, within the model in storage. */
  private renamed(tensors: NamedTensor[], names: (w: LayerVariable) => [from: string, to: string]): NamedTensor[] {
    const known = new Map(this.orderedWeights.map(names));
    return tensors.map(({ name, tensor }) => {
      const at = name.lastIndexOf('/');
      return { name: at < 0 ? name : (known.get(name.slice(0, at)) ?? name.slice(0, at)) + name.slice(at), tensor };
    });
  }

  /** Gives the optimizer the tensors that were stored with the model. */
  async loadOptimizer(tensors: NamedTensor[]): Promise<void> {
    await this.optimizer?.setWeights(this.renamed(tensors, (w) => [w.name, w.variable.name]));
  }

  private trainingConfig(): object {
    const { loss, metrics } = this.compileArgs as ModelCompileArgs;
    if (typeof loss !== 'string') throw coded('argument', 'Serialization of non-string loss is not supported.');
    const config = this.optimizer?.getConfig();
    if (typeof config?.learningRate === 'function') throw coded('argument', 'A learning rate that is a function cannot be stored; use one of tf.train.schedules.');
    return {
      loss: toSnake(loss),
      metrics: [metrics ?? []].flat().filter((m) => typeof m === 'string'),
      optimizer_config: { class_name: this.optimizer?.getClassName(), config: toKeras(config) },
    };
  }

  /** Prints the layers, their shapes and their parameters. */
  summary(lineLength?: number | null, positions?: number[] | null, printFn?: ((line: string) => void) | null): void {
    const weights = { trained: this.trainableWeights, frozen: this.nonTrainableWeights };
    printSummary(this.layers, this.nodes, weights, lineLength, positions, printFn ?? console.log);
  }

  override dispose(): { refCountAfterDispose: number; numDisposedVariables: number } {
    const result = super.dispose();
    this.optimizer?.dispose();
    return result;
  }
}

/** The mean over what counts; the mask has the leading axes of the values. */
function maskedMean(values: Tensor, mask: Mask): Tensor {
  if (mask === null || values.rank < mask.rank) return ops.mean(values);
  const weight = ops.reshape(ops.cast(mask, 'float32'), [...mask.shape, ...Array.from({ length: values.rank - mask.rank }, () => 1)]);
  return ops.div(ops.mean(ops.mul(values, weight)), ops.add(ops.mean(weight), 1e-7 / Math.max(1, weight.size)));
}

const camelLoss = (name: string): string => name.replace(/_([a-z])/g, (_, c: string) => c.toUpperCase());
const ALIASES: Record<string, string> = { mse: 'meanSquaredError', MSE: 'meanSquaredError', mae: 'meanAbsoluteError', MAE: 'meanAbsoluteError', mape: 'meanAbsolutePercentageError', MAPE: 'meanAbsolutePercentageError', cosine: 'cosineProximity' };
const LOSSES = new Set([
  'meanSquaredError', 'meanAbsoluteError', 'meanAbsolutePercentageError', 'meanSquaredLogarithmicError', 'squaredHinge', 'hinge', 'categoricalHinge', 'logcosh',
  'huber', 'categoricalCrossentropy', 'sparseCategoricalCrossentropy', 'binaryCrossentropy', 'kullbackLeiblerDivergence', 'poisson', 'cosineProximity',
]);

function lossOf(name: string): LossOrMetricFn {
  const camel = ALIASES[name] ?? camelLoss(name);
  if (!LOSSES.has(camel)) throw coded('unknown', `Unknown loss ${name}`);
  return named('loss', camel);
}

/** The class that each target names: its own number, or the place of its one. */
function classesOf(target: Tensor): Tensor {
  return target.rank > 1 && (target.shape.at(-1) ?? 1) > 1 ? ops.argMax(target, -1) : ops.reshape(target, [target.shape[0] ?? 0]).toInt();
}

/** A weight per sample from the class that its target names. */
function classWeights(target: Tensor, classWeight: Record<number, number>): Tensor {
  const largest = Math.max(...Object.keys(classWeight).map(Number));
  const table = tensor(Float32Array.from({ length: largest + 1 }, (_, i) => classWeight[i] ?? 1));
  return ops.gather(table, classesOf(target));
}

/** A model from its inputs and outputs. */
export function model(args: ContainerArgs): LayersModel {
  return new LayersModel(args);
}

