/** Models on their way into storage. */

import { concatenateArrayBuffers, encodeWeights, getSaveHandlers, type IOHandler, type ModelArtifacts, type SaveResult } from '../io/core.js';
import type { NamedTensor } from '../optimizers.js';
import { coded } from '../types.js';
import { toKeras, toSnake } from './config.js';
import { storedMetrics } from './measures.js';
import type { LayersModel, ModelCompileArgs } from './model.js';
import type { LayerVariable } from './variable.js';

/** What of a model is stored. */
export interface SaveConfig {
  trainableOnly?: boolean;
  includeOptimizer?: boolean;
}

/** Writes a model to a URL or a handler. */
export async function saveModel(model: LayersModel, handlerOrURL: string | IOHandler, config: SaveConfig): Promise<SaveResult> {
  const handler = typeof handlerOrURL === 'string' ? getSaveHandlers(handlerOrURL)[0] : handlerOrURL;
  if (handler?.save === undefined) throw coded('argument', `Cannot find any save handlers for URL '${String(handlerOrURL)}'`);
  const weights = config.trainableOnly ? model.trainableWeights : model.orderedWeights;
  const names = model.storedNames();
  const { data, specs } = await encodeWeights(weights.map((w) => ({ name: names.get(w) as string, tensor: w.variable })), 'model');
  const artifacts: ModelArtifacts = {
    modelTopology: model.toJSON(null, false) as object,
    format: 'layers-model',
    generatedBy: 'headwater 0.1.0',
    convertedBy: null,
    weightSpecs: specs,
    weightData: data,
  };
  if (config.includeOptimizer && model.optimizer !== null && model.compileArgs !== null) {
    const stored = renamed(model, await model.optimizer.getWeights(), (w, name) => [w.variable.name, name]);
    const optimizer = await encodeWeights(stored, 'optimizer');
    artifacts.trainingConfig = trainingConfig(model);
    artifacts.weightSpecs = [...specs, ...optimizer.specs];
    artifacts.weightData = concatenateArrayBuffers([data, optimizer.data]);
  }
  const metadata = model.getUserDefinedMetadata();
  if (metadata !== undefined) artifacts.userDefinedMetadata = metadata;
  return handler.save(artifacts);
}

/** An optimizer's tensors under other names of their variables: unique in the program here, within the model in storage. */
function renamed(model: LayersModel, tensors: NamedTensor[], names: (w: LayerVariable, name: string) => [from: string, to: string]): NamedTensor[] {
  const known = new Map([...model.storedNames()].map(([w, name]) => names(w, name)));
  return tensors.map(({ name, tensor }) => {
    const at = name.lastIndexOf('/');
    return { name: at < 0 ? name : (known.get(name.slice(0, at)) ?? name.slice(0, at)) + name.slice(at), tensor };
  });
}

/** Gives a model's optimizer the tensors that were stored with the model. */
export async function loadOptimizer(model: LayersModel, tensors: NamedTensor[]): Promise<void> {
  await model.optimizer?.setWeights(renamed(model, tensors, (w, name) => [name, w.variable.name]));
}

/** Losses by their names, each or in the lists and objects that they were given in. */
function storedLoss(loss: ModelCompileArgs['loss']): unknown {
  if (typeof loss === 'string') return toSnake(loss);
  if (typeof loss === 'function') throw coded('argument', 'Serialization of non-string loss is not supported.');
  return Array.isArray(loss) ? loss.map(storedLoss) : Object.fromEntries(Object.entries(loss).map(([name, of]) => [name, storedLoss(of)]));
}

function trainingConfig(model: LayersModel): object {
  const { loss, metrics, weightedMetrics } = model.compileArgs as ModelCompileArgs;
  const config = model.optimizer?.getConfig();
  if (typeof config?.learningRate === 'function') throw coded('argument', 'A learning rate that is a function cannot be stored; use one of tf.train.schedules.');
  return {
    loss: storedLoss(loss),
    metrics: storedMetrics(metrics) ?? [],
    weighted_metrics: storedMetrics(weightedMetrics),
    optimizer_config: { class_name: model.optimizer?.getClassName(), config: toKeras(config) },
  };
}
