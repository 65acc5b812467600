/** Models that train. */

import { gradientsOf } from '../gradients.js';
import type { IOHandler, SaveResult } from '../io/core.js';
import type { LossOrMetricFn } from '../metrics/functions.js';
import * as ops from '../ops/core.js';
import { lossScale, Optimizer, optimizerOf } from '../optimizers.js';
import { dispose, keep, type Tensor, tidy } from '../tensor.js';
import { coded, type NamedTensorMap } from '../types.js';
import type { BatchLoss, History, State } from './callbacks.js';
import { givenOf } from './config.js';
import type { ContainerArgs } from './container.js';
import { type Mask, single } from './layer.js';
import { aside, lossOf, maskedMean, type Measures, measuresOf, type MetricsGiven } from './measures.js';
import type { Pause } from './pause.js';
import { precision } from './policy.js';
import { batchSizeOf, type Fed, Predictor, progressOf } from './predictor.js';
import { constrained, penalty } from './rules.js';
import { checkClassWeight, checkSamples, checkSampleWeight, type ClassWeights, classWeights, classWeightsOf } from './samples.js';
import { type SaveConfig, saveModel } from './saving.js';
import type { Backward, Part } from './step.js';
import { printSummary } from './summary.js';
import { inOrder, test, Totals } from './testing.js';
import { batchesOf, readScalars, readValues, train, type TrainingArgs } from './training.js';
import type { LayerVariable } from './variable.js';

export { type Fed, installProgress, type Progress, progressOf } from './predictor.js';

type LossName = string | LossOrMetricFn;

export interface ModelCompileArgs {
  optimizer: string | Optimizer;
  loss: LossName | LossName[] | Record<string, LossName>;
  /** Metrics of every output; a list of lists, one for each output; or those of outputs by their names. */
  metrics?: MetricsGiven | null;
  /** The same, of samples that count what `sampleWeight` and `classWeight` say. */
  weightedMetrics?: MetricsGiven | null;
  /** What the loss of each output counts in the whole, 1 where it is not said. */
  lossWeights?: number[] | Record<string, number>;
}

export interface ModelFitArgs extends TrainingArgs {
  batchSize?: number;
  validationSplit?: number;
  validationData?: [Fed, Fed];
  shuffle?: boolean;
  /** What each sample's loss counts: of shape [samples], for all outputs or for each. */
  sampleWeight?: Fed;
}

export interface ModelEvaluateArgs {
  batchSize?: number;
  verbose?: number;
  sampleWeight?: Fed;
}

/** Losses that are given one by one must be those of the outputs. */
function checkLosses(given: ModelCompileArgs['loss'], outputs: string[]): void {
  if (Array.isArray(given) && given.length > 0 && given.length !== outputs.length) {
    throw coded('argument', `A list of losses should have one entry per model output: the model has ${outputs.length} output(s), but the list ${given.length}.`);
  }
  const unknown = typeof given === 'object' && !Array.isArray(given) ? Object.keys(given).find((name) => !outputs.includes(name)) : undefined;
  if (unknown !== undefined) throw coded('argument', `Unknown entry in loss dictionary: "${unknown}". Only expected the following keys: ${outputs}`);
}

export class LayersModel extends Predictor {
  stopTraining = false;
  optimizer: Optimizer | null = null;
  /** Whether the optimizer goes with the model: one that was given may serve others. */
  ownsOptimizer = false;
  loss: ModelCompileArgs['loss'] | null = null;
  metricsNames: string[] = [];
  history: History | null = null;
  isTraining = false;
  private lossFunctions: LossOrMetricFn[] = [];
  private lossWeights: (number | undefined)[] = [];
  /** The metrics, and what they keep over batches. */
  measures: Measures | null = null;
  /** What the model was last compiled with. */
  compileArgs: ModelCompileArgs | null = null;
  /** What training moves: a model that is frozen after it was compiled, as within an adversarial one, still trains by itself. */
  private compiledWeights: LayerVariable[] = [];
  private knownWeights: ReadonlySet<LayerVariable> = new Set();
  userDefinedMetadata: object | undefined;

  compile(args: ModelCompileArgs): void {
    if (args.loss === undefined || args.loss === null) args = { ...args, loss: [] };
    this.ownsOptimizer = typeof args.optimizer === 'string';
    this.optimizer = typeof args.optimizer === 'string' ? optimizerOf(args.optimizer) : args.optimizer;
    if (!(this.optimizer instanceof Optimizer)) throw coded('argument', 'User-defined optimizer must be an instance of tf.Optimizer.');
    if (this.optimizer.lossScale === null && this.computesIn('float16')) this.optimizer.lossScale = lossScale();
    this.loss = args.loss;
    checkLosses(args.loss, this.outputNames);
    this.lossFunctions = this.perOutput(args.loss).map((loss, i) => {
      if (loss === undefined) throw coded('argument', `Output "${this.outputNames[i]}" is missing from loss dictionary.`);
      return typeof loss === 'function' ? loss : lossOf(loss);
    });
    this.lossWeights = args.lossWeights === undefined ? [] : this.perOutput<number>(args.lossWeights);
    // What was compiled before goes once the new metrics are known to be ones.
    const measures = measuresOf({ outputNames: this.outputNames, outputShapes: this.outputs.map((o) => o.shape), losses: this.perOutput<LossName>(args.loss) }, args.metrics, args.weightedMetrics);
    this.measures?.dispose();
    this.measures = measures;
    this.metricsNames = ['loss', ...(this.outputs.length > 1 ? this.outputNames.map((name) => `${name}_loss`) : []), ...measures.names];
    this.compileArgs = args;
    this.compiledWeights = this.trainableWeights;
    this.knownWeights = new Set(this.orderedWeights);
  }

  /** What is given once for all outputs, or for each by position or by name. */
  perOutput<T>(value: T | T[] | Record<string, T>): (T | undefined)[] {
    if (Array.isArray(value)) return this.outputs.map((_, i) => (value.length === 1 ? value[0] : value[i]));
    if (value !== null && typeof value === 'object') return this.outputNames.map((name) => (value as Record<string, T>)[name]);
    return this.outputs.map(() => value as T);
  }

  override getState(): State {
    return this.measures === null ? null : { measures: this.measures.getState() };
  }

  override setState(state: { measures: Tensor[][] } | null): void {
    if (state !== null) this.measures?.setState(state.measures);
  }

  checkCompiled(): Optimizer {
    if (this.optimizer === null) throw coded('argument', 'You must compile a model before training/testing. Use LayersModel.compile(modelCompileArgs).');
    return this.optimizer;
  }

  /** The loss of each output, as scalars. Call on a tape to train. */
  private outputLosses(predicted: Tensor[], masks: Mask[], targets: Tensor[], weights: readonly (Tensor | undefined)[]): Tensor[] {
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

  /** What of `metricsNames` is the batch's alone; metrics with a state take it in. */
  private values(total: Tensor, losses: Tensor[], predicted: Tensor[], masks: Mask[], targets: Tensor[], weights: readonly (Tensor | undefined)[]): Tensor[] {
    return [total, ...(losses.length > 1 ? losses : []), ...(this.measures?.update(predicted, masks, targets, weights) ?? [])];
  }

  private get trained(): LayerVariable[] {
    // Layers within layers may be built by the first call.
    const later = this.trainableWeights.filter((w) => !this.knownWeights.has(w));
    return [...this.compiledWeights, ...later].filter((w) => !w.frozen);
  }

  private regularization(trained: LayerVariable[]): Tensor[] {
    return trained
      .filter((w) => w.regularizer !== null)
      .map((w) => penalty(w.regularizer, w.variable));
  }

  /** One step of training; its loss, and the metrics that are the batch's alone, as scalars that the caller disposes. */
  trainStep(inputs: Tensor[], targets: Tensor[], classWeight?: ClassWeights, sampleWeight: readonly Tensor[] = [], part?: Part): Tensor[] {
    return tidy(() => {
      const step = this.backward(inputs, targets, classWeight, sampleWeight);
      this.advance(step, part);
      dispose(step.updates.map(([, update]) => update));
      return step.values;
    });
  }

  /** The first half of a step: the loss of a batch, and where to it leads. Runs in the caller's scope. */
  backward(inputs: Tensor[], targets: Tensor[], classWeight?: ClassWeights, sampleWeight: readonly Tensor[] = [], onLoss?: (data: BatchLoss) => Tensor): Backward {
    const { lossScale } = this.checkCompiled();
    const { trained } = this;
    let total = null as Tensor | null;
    let predicted: Tensor[] = [];
    let masks: Mask[] = [];
    let losses: Tensor[] = [];
    const updates: [LayerVariable, Tensor][] = [];
    const weights: (Tensor | undefined)[] = [...sampleWeight];
    classWeightsOf(this, classWeight).forEach((of, i) => {
      if (!of) return;
      const ofClass = classWeights(targets[i] as Tensor, of);
      weights[i] = weights[i] === undefined ? ofClass : ops.mul(ofClass, weights[i]);
    });
    const { value, grads } = gradientsOf(() => {
      const ofLayers: Tensor[] = [];
      ({ outputs: predicted, masks } = this.computeMasked(inputs, this.outputs, { training: true, losses: ofLayers, updates, trained: new Set(trained) }));
      predicted = predicted.map(precision.widened);
      losses = this.outputLosses(predicted, masks, targets, weights);
      const loss = this.regularization(trained).reduce((sum, p) => ops.add(sum, p), this.totalLoss(losses, ofLayers));
      dispose(ofLayers);
      total = onLoss === undefined ? loss : onLoss({ loss, outputs: predicted, inputs, targets });
      return lossScale === null ? total : lossScale.scaled(total);
    }, trained.map((w) => w.variable));
    const values = this.values(total ?? value, losses, predicted, masks, targets, weights);
    const gradients = trained.flatMap((w, i): Backward['gradients'] => (grads[i] ? [[w, lossScale === null ? grads[i] : lossScale.unscaled(grads[i])]] : []));
    return { values, gradients, updates };
  }

  /** The second half of a step: weights move along gradients. Of a part of a batch, they move with the last part. */
  advance({ gradients, updates }: Backward, part?: Part): void {
    const optimizer = this.checkCompiled();
    updates.forEach(([weight, update]) => weight.write(update));
    const named: NamedTensorMap = Object.fromEntries(gradients.map(([w, gradient]) => [w.variable.name, gradient]));
    if (part === undefined) optimizer.applyGradients(named);
    else if (!optimizer.accumulate(named, part.parts, part.size)) return;
    this.constrain();
  }

  /** Moves weights along the gradients of the parts of a batch that has no more. */
  endParts(): void {
    tidy(() => {
      if (this.checkCompiled().applyAccumulated()) this.constrain();
    });
  }

  private constrain(): void {
    for (const w of this.trained) {
      if (w.constraint !== null) w.write(constrained(w.constraint, w.variable));
    }
  }

  async trainOnBatch(x: Fed, y: Fed): Promise<number | number[]> {
    this.checkCompiled();
    this.measures?.reset();
    const values = tidy(() => {
      const [inputs, targets] = [this.feedInputs(x), this.feed(y, 'Target')];
      checkSamples(this, inputs, targets);
      return this.trainStep(inputs, targets);
    });
    const numbers = await readValues(this, await readScalars(values));
    await this.optimizer?.lossScale?.count();
    return single(numbers);
  }

  /** The loss and the metrics over `x` and `y`, as scalars. */
  evaluate(x: Fed, y: Fed, args: ModelEvaluateArgs = {}): Tensor | Tensor[] {
    const size = batchSizeOf(args.batchSize);
    this.checkCompiled();
    const run = (): Tensor[] => {
      const [inputs, targets] = [this.feedInputs(x), this.feed(y, 'Target')];
      const samples = checkSamples(this, inputs, targets);
      return this.test(inputs, targets, samples, size, checkSampleWeight(this, args.sampleWeight, samples), args.verbose);
    };
    // Between the steps of training, an epoch's metrics go on afterwards.
    const results = this.isTraining ? aside(this.measures as Measures, run) : tidy(run);
    return single(results);
  }

  /** The loss, and the metrics that are the batch's alone, as scalars. Runs in the caller's scope. */
  testStep(inputs: Tensor[], targets: Tensor[], sampleWeight: readonly Tensor[] = []): Tensor[] {
    const ofLayers: Tensor[] = [];
    const { outputs, masks } = this.computeMasked(inputs, this.outputs, { training: false, losses: ofLayers });
    const predicted = outputs.map(precision.widened);
    const losses = this.outputLosses(predicted, masks, targets, sampleWeight);
    const total = this.totalLoss(losses, ofLayers);
    dispose(ofLayers);
    return this.values(total, losses, predicted, masks, targets, sampleWeight);
  }

  private test(inputs: Tensor[], targets: Tensor[], samples: number, size: number, weights: Tensor[], verbose?: number): Tensor[] {
    const show = progressOf(verbose, Math.ceil(samples / size));
    const totals = new Totals(this);
    let done = 0;
    try {
      for (const batch of inOrder([inputs, targets, weights], samples, size)) {
        totals.add(batch);
        show?.((done += 1), done * size >= samples);
      }
      return totals.results();
    } finally {
      totals.dispose();
    }
  }

  async fit(x: Fed, y: Fed, args: ModelFitArgs = {}): Promise<History> {
    if (this.isTraining) throw coded('argument', 'Cannot start training because another fit() call is ongoing.');
    const batchSize = batchSizeOf(args.batchSize);
    this.checkCompiled();
    // Set before the first wait, against another call meanwhile.
    this.isTraining = true;
    const owned: Tensor[] = [];
    const fed = (x: Fed, y: Fed): { x: Tensor[]; y: Tensor[] } => ({ x: this.feedInputs(x, owned), y: this.feed(y, 'Target', owned) });
    try {
      const { x: inputs, y: targets } = fed(x, y);
      const all = checkSamples(this, inputs, targets);
      args = givenOf(args);
      const { validationSplit = 0, validationData } = args;
      if (validationSplit < 0 || validationSplit >= 1) throw coded('argument', `validationSplit must lie in [0, 1), but got ${validationSplit}`);
      const held = validationData === undefined ? null : fed(...validationData);
      const samples = held === null ? Math.floor(all * (1 - validationSplit)) : all;
      await checkClassWeight(this, targets, samples, args.classWeight);
      const weights = checkSampleWeight(this, args.sampleWeight, all, owned);
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
        samples,
        batchSize,
        batches: () => batchesOf([inputs, targets, weights], samples, batchSize, args.shuffle !== false),
        validate: validation && (async (pause: Pause) => readScalars(await test(this, inOrder([validation.x, validation.y, heldWeights], validation.x[0]?.shape[0] ?? 0, batchSize), pause))),
      };
      return await train(this, data, args);
    } finally {
      this.isTraining = false;
      dispose(owned);
    }
  }

  override setWeights(weights: Tensor[]): void {
    tidy(() => super.setWeights(weights));
  }

  /** Keeps an object that JSON can say, which is stored with the model. */
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
  async save(handlerOrURL: string | IOHandler, config: SaveConfig = {}): Promise<SaveResult> {
    return saveModel(this, handlerOrURL, config);
  }

  /** Prints the layers, their shapes and their parameters. */
  summary(lineLength?: number | null, positions?: number[] | null, printFn?: ((line: string) => void) | null): void {
    const weights = { trained: this.trainableWeights, frozen: this.nonTrainableWeights };
    printSummary(this.layers, this.nodes, weights, lineLength, positions, printFn ?? console.log);
  }

  override dispose(): { refCountAfterDispose: number; numDisposedVariables: number } {
    const result = super.dispose();
    if (this.ownsOptimizer) this.optimizer?.dispose();
    this.measures?.dispose();
    return result;
  }
}

/** A model from its inputs and outputs. */
export function model(args: ContainerArgs): LayersModel {
  return new LayersModel(args);
}

