/** Models from Keras's JSON. */

import { coded, type DataType } from '../types.js';
import { type Config, fromKeras } from './config.js';
import type { ContainerArgs } from './container.js';
import { InputLayer, type Layer, type LayerArgs, type SymbolicShape, type SymbolicTensor } from './layer.js';

/** What a topology is made of. */
export interface Made<M extends Layer> {
  /** A layer that is no model, of Keras's class name and configuration. */
  layer(className: string, config: Config, args: LayerArgs): Layer;
  graph(args: ContainerArgs): M;
  chain(args: { layers: Layer[]; name: string | undefined }): M;
}

interface LayerJSON {
  class_name: string;
  name?: string;
  config: Config;
  inbound_nodes?: unknown;
}

interface GraphJSON {
  name?: string;
  layers: LayerJSON[];
  input_layers?: unknown;
  output_layers?: unknown;
}

/** A dtype, of a name or a Keras 3 policy object; those that there are no tensors of become float32. */
function dtypeOf(value: unknown): DataType {
  const name = typeof value === 'string' ? value : ((value as { config?: { name?: string } } | null)?.config?.name ?? 'float32');
  return name === 'int32' || name === 'bool' ? name : 'float32';
}

function layerOf<M extends Layer>(json: LayerJSON, made: Made<M>): Layer {
  const { class_name: className, config } = json;
  if (className === 'Functional' || className === 'Model') return functional(config as unknown as GraphJSON, made);
  if (className === 'Sequential') return chain(config as unknown as GraphJSON, made);
  const args = fromKeras(config) as LayerArgs;
  args.dtype = dtypeOf(config.dtype);
  args.name = (json.name ?? config.name) as string;
  const shape = (config.batch_input_shape ?? config.batch_shape) as SymbolicShape | undefined;
  if (shape !== undefined && shape !== null) args.batchInputShape = shape;
  delete args.weights;
  return made.layer(className, config, args);
}

/** [layer, node, tensor] in Keras 2's lists and Keras 3's objects. */
type Reference = [string, number, number];

/** Named arguments of calls that are inputs, in the order in which layers take them. */
const NAMED_INPUTS = ['query', 'value', 'key', 'initial_state'];

function references(value: unknown): Reference[] {
  if (Array.isArray(value)) {
    if (typeof value[0] === 'string' && typeof value[1] === 'number') return [[value[0], value[1], (value[2] as number) ?? 0]];
    return value.flatMap(references);
  }
  if (value !== null && typeof value === 'object') {
    const { keras_history: history, args, kwargs, config } = value as { keras_history?: Reference; args?: unknown; kwargs?: Config; config?: unknown };
    if (history !== undefined) return [history];
    return [...references(args ?? config ?? []), ...NAMED_INPUTS.flatMap((name) => references(kwargs?.[name]))];
  }
  return [];
}

/** The calls of a layer, each a list of what it reads. */
function calls(inbound: unknown): Reference[][] {
  if (!Array.isArray(inbound)) return [];
  return inbound.map(references).filter((refs) => refs.length > 0);
}

const nameOf = (json: LayerJSON): string => json.name ?? (json.config.name as string);

/** The layers that outputs are computed from. Keras stores what computes masks as layers too, which layers here do themselves. */
function needed(graph: GraphJSON): LayerJSON[] {
  const open = references(graph.output_layers).map(([name]) => name);
  if (open.length === 0) return graph.layers;
  const found = new Set<string>();
  const reads = new Map(graph.layers.map((json) => [nameOf(json), calls(json.inbound_nodes).flat()]));
  for (let name = open.pop(); name !== undefined; name = open.pop()) {
    if (found.has(name)) continue;
    found.add(name);
    open.push(...(reads.get(name) ?? []).map(([from]) => from));
  }
  return graph.layers.filter((json) => json.class_name === 'InputLayer' || found.has(nameOf(json)));
}

/** What Keras takes with a call and layers here have in their configuration. */
function withCalls(json: LayerJSON): LayerJSON {
  const given = Array.isArray(json.inbound_nodes) ? (json.inbound_nodes as { kwargs?: Config }[]) : [];
  return given.some((call) => call.kwargs?.use_causal_mask === true) ? { ...json, config: { ...json.config, use_causal_mask: true } } : json;
}

function functional<M extends Layer>(given: GraphJSON, made: Made<M>): M {
  const graph = { ...given, layers: needed(given).map(withCalls) };
  const layers = new Map<string, Layer>();
  for (const json of graph.layers) {
    const layer = layerOf(json, made);
    layers.set(json.name ?? layer.name, layer);
  }
  const find = ([name, node, tensor]: Reference): SymbolicTensor | null => {
    const layer = layers.get(name);
    if (layer === undefined) throw coded('format', `The model's topology names a layer '${name}' that it does not have.`);
    return layer.inboundNodes[node]?.outputs[tensor] ?? null;
  };
  // Calls in the order of the file, those whose inputs are not there yet later.
  let open = graph.layers.flatMap((json) => calls(json.inbound_nodes).map((refs) => ({ name: nameOf(json), refs })));
  // A nested model's own graph is its first node; calls of it come after.
  const offset = new Map([...layers].map(([name, layer]) => [name, layer instanceof InputLayer ? 0 : layer.inboundNodes.length]));
  const shifted = (refs: Reference[]): Reference[] => refs.map(([name, node, tensor]) => [name, node + (offset.get(name) ?? 0), tensor]);
  while (open.length > 0) {
    const later = open.filter(({ name, refs }) => {
      const inputs = shifted(refs).map(find);
      if (inputs.some((x) => x === null)) return true;
      (layers.get(name) as Layer).apply(inputs.length === 1 ? (inputs[0] as SymbolicTensor) : (inputs as SymbolicTensor[]));
      return false;
    });
    if (later.length === open.length) throw coded('format', `The model's topology has a cycle at layer '${later[0]?.name}'.`);
    open = later;
  }
  const all = (value: unknown): SymbolicTensor[] => shifted(references(value)).map((ref) => find(ref) as SymbolicTensor);
  return made.graph({ name: graph.name, inputs: all(graph.input_layers), outputs: all(graph.output_layers) });
}

function chain<M extends Layer>(graph: GraphJSON | LayerJSON[], made: Made<M>): M {
  const list = Array.isArray(graph) ? graph : graph.layers;
  const layers = list.map((json) => layerOf(json, made));
  const given = (graph as unknown as { build_input_shape?: SymbolicShape }).build_input_shape;
  if (layers[0] !== undefined && layers[0].batchInputShape === undefined && given !== undefined) layers[0].batchInputShape = given;
  return made.chain({ layers, name: (graph as GraphJSON).name });
}

/** A model from Keras JSON, of Keras 2 or 3. */
export function readTopology<M extends Layer>(json: string | object, made: Made<M>): M {
  let topology = (typeof json === 'string' ? JSON.parse(json) : json) as Record<string, unknown>;
  topology = (topology.modelTopology ?? topology) as Record<string, unknown>;
  topology = (topology.model_config ?? topology) as Record<string, unknown>;
  const { class_name: className, config } = topology as unknown as LayerJSON;
  switch (className) {
    case 'Sequential':
      return chain(config as unknown as GraphJSON, made);
    case 'Functional':
    case 'Model':
      return functional(config as unknown as GraphJSON, made);
    default:
      throw coded('format', `Expected a Sequential, Functional or Model topology, received ${String(className)}`);
  }
}
