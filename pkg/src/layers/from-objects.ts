/** Models from objects that a page has. */

import { loadWeights } from '../io/loader.js';
import type { WeightsManifestConfig } from '../io/types.js';
import { dispose } from '../tensor.js';
import { type Config, toKeras } from './config.js';
import { topologyOf } from './load.js';
import { LayersModel } from './model.js';
import { Sequential } from './sequential.js';

/** A topology, and where its weights are: paths of a manifest after a prefix. */
export interface ModelAndWeightsConfig {
  modelTopology: object;
  weightsManifest?: WeightsManifestConfig;
  pathPrefix?: string;
}

/** A model from Keras JSON, of Keras 2 or 3. Weights are initialized, or read where a manifest comes with the topology. */
export async function modelFromJSON(json: string | object | ModelAndWeightsConfig): Promise<LayersModel> {
  const model = topologyOf(json);
  const { weightsManifest, pathPrefix } = json as Partial<ModelAndWeightsConfig>;
  if (weightsManifest != null) {
    const weights = await loadWeights(weightsManifest, pathPrefix);
    try {
      model.loadWeights(weights);
    } finally {
      dispose(weights);
    }
  }
  return model;
}

/** Has models be made again from what their `getConfig` gives. */
export function installFromConfig(): void {
  const made = LayersModel.fromConfig;
  LayersModel.fromConfig = <T>(cls: new (config: any) => T, config: Config): T => {
    const className = [LayersModel, Sequential].find((known) => (known as unknown) === cls)?.className;
    return className === undefined ? made(cls, config) : (topologyOf({ class_name: className, config: toKeras(config) }) as unknown as T);
  };
}
