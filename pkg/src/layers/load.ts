/** Models from their stored form. */

import { decodeWeights, getLoadHandlers, type IOHandler, type LoadOptions, type ModelArtifacts } from '../io/core.js';
import { optimizerOf } from '../optimizers.js';
import { dispose } from '../tensor.js';
import { SerializationMap } from '../serialization.js';
import { coded } from '../types.js';
import { type Config, fromKeras } from './config.js';
import { deserializeLayer } from './factories.js';
import type { Layer, LayerArgs } from './layer.js';
import { restoredMetrics } from './measures.js';
import { LayersModel, type ModelCompileArgs } from './model.js';
import { loadOptimizer } from './saving.js';
import { Sequential } from './sequential.js';
import type { SymbolicShape } from './symbolic.js';
import { type LayerJSON, type Made, readLayer, readTopology } from './topology.js';

const MADE: Made<LayersModel> = {
  layer: deserializeLayer,
  graph: (args) => new LayersModel(args),
  chain: (args) => new Sequential(args),
  custom(className, { build_input_shape: shape, ...config }) {
    const model = SerializationMap.getMap().classNameMap[className] && deserializeLayer(className, config, fromKeras(config) as LayerArgs);
    if (!(model instanceof LayersModel)) return undefined;
    if (shape !== undefined && shape !== null) model.build(shape as SymbolicShape);
    return model;
  },
};

/** The layer, or the model, of its JSON. */
export const layerOf = (json: LayerJSON): Layer => readLayer(json, MADE);

/** A model from Keras JSON, of Keras 2 or 3; weights are initialized. */
export const topologyOf = (json: string | object): LayersModel => readTopology(json, MADE);

/** What `topologyOf` makes, later. */
export async function modelFromJSON(json: string | object): Promise<LayersModel> {
  return topologyOf(json);
}

/** Loads a model from a URL (`http`, `indexeddb`, `localstorage`, `file` in Node) or a handler. */
export async function loadLayersModel(pathOrHandler: string | IOHandler, options: LoadOptions = {}): Promise<LayersModel> {
  const handler = typeof pathOrHandler === 'string' ? getLoadHandlers(pathOrHandler, options)[0] : pathOrHandler;
  if (handler?.load === undefined) {
    throw coded('argument', 'Cannot proceed with model loading because the IOHandler provided does not have the `load` method implemented.');
  }
  const artifacts: ModelArtifacts = await handler.load();
  if (artifacts.modelTopology === undefined) throw coded('format', 'The model has no topology.');
  const model = topologyOf(artifacts.modelTopology);
  if (artifacts.trainingConfig !== undefined) {
    const { optimizer_config: optimizer, loss, metrics, weighted_metrics: weighted } = artifacts.trainingConfig as {
      optimizer_config: { class_name: string; config: Config };
      loss: ModelCompileArgs['loss'];
      metrics?: unknown;
      weighted_metrics?: unknown;
    };
    model.compile({ optimizer: optimizerOf(optimizer.class_name, fromKeras(optimizer.config) as Config), loss, metrics: restoredMetrics(metrics), weightedMetrics: restoredMetrics(weighted) });
    model.ownsOptimizer = true;
  }
  // What is stored was checked, or is not of `setUserDefinedMetadata`.
  model.userDefinedMetadata = artifacts.userDefinedMetadata;
  if (artifacts.weightData !== undefined) {
    const specs = artifacts.weightSpecs ?? [];
    const tensors = decodeWeights(artifacts.weightData, specs, options.keepQuantized);
    const optimizerNames = new Set(specs.filter((s) => s.group === 'optimizer').map((s) => s.name));
    const weights = Object.fromEntries(Object.entries(tensors).filter(([name]) => !optimizerNames.has(name)));
    try {
      model.loadWeights(weights, options.strict ?? true);
      if (optimizerNames.size > 0) {
        await loadOptimizer(model, [...optimizerNames].map((name) => ({ name, tensor: tensors[name] as never })));
      }
    } finally {
      dispose(tensors);
    }
  }
  return model;
}
