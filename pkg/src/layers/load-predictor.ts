/** Models from their stored form, for predictions only. */

import { http } from '../io/http.js';
import type { IOHandler, LoadOptions } from '../io/types.js';
import { decodeWeights } from '../io/weights.js';
import { dispose, type Tensor } from '../tensor.js';
import { coded, type NamedTensorMap } from '../types.js';
import { Container } from './container.js';
import { InputLayer } from './input.js';
import type { Layer } from './layer.js';
import { ModuleLayer } from './module-layer.js';
import { Predictor } from './predictor.js';
import type { SymbolicTensor } from './symbolic.js';
import { type Made, readTopology } from './topology.js';

const MADE: Made<Predictor> = {
  layer: (className, config, args) => (className === 'InputLayer' ? new InputLayer(args) : new ModuleLayer(className, args, config)),
  graph: (args) => new Predictor(args),
  chain: ({ layers, name }) => {
    const [first] = layers;
    const batchInputShape = first instanceof Container ? first.inputs[0]?.shape : first?.batchInputShape;
    if (first === undefined || batchInputShape === undefined) throw coded('format', 'The first layer of a chain must have an input shape.');
    const begins = first instanceof InputLayer;
    const entry = begins ? first : new InputLayer({ batchInputShape, dtype: first.dtype, name: `${first.name}_input` });
    const input = entry.output as SymbolicTensor;
    const output = layers.slice(begins ? 1 : 0).reduce<SymbolicTensor>((x, layer: Layer) => layer.apply(x), input);
    return new Predictor({ inputs: [input], outputs: [output], ...(name === undefined ? {} : { name }) });
  },
};

/** Loads a model from a URL or a handler. */
export async function loadLayersModel(pathOrHandler: string | IOHandler, options: LoadOptions = {}): Promise<Predictor> {
  const handler = typeof pathOrHandler === 'string' ? http(pathOrHandler, options) : pathOrHandler;
  if (handler.load === undefined) throw coded('argument', 'Cannot proceed with model loading because the IOHandler provided does not have the `load` method implemented.');
  const { modelTopology, weightData, weightSpecs = [] } = await handler.load();
  if (modelTopology === undefined) throw coded('format', 'The model has no topology.');
  const model = readTopology(modelTopology as object, MADE);
  if (weightData === undefined) return model;
  const tensors = decodeWeights(weightData, weightSpecs, options.keepQuantized);
  // What an optimizer knew is of no use here.
  const specs = weightSpecs.filter((spec) => spec.group !== 'optimizer');
  const weights: NamedTensorMap = Object.fromEntries(specs.map(({ name }) => [name, tensors[name] as Tensor]));
  try {
    model.loadWeights(weights, options.strict ?? true);
  } finally {
    dispose(tensors);
  }
  return model;
}
