/** Models from Keras's JSON. */

import { coded } from '../types.js';
import { type Config, fromKeras } from './config.js';
import type { ContainerArgs } from './container.js';
import { type Kwargs, type Layer, type LayerArgs, single } from './layer.js';
import { precision } from './policy.js';
import type { SymbolicShape, SymbolicTensor } from './symbolic.js';

/** A layer made of others. */
type Network = Layer & { layers: Layer[] };

/** What a topology is made of. */
export interface Made<M extends Network> {
  /** A layer that is no model, of Keras's class name and configuration. */
  layer(className: string, config: Config, args: LayerArgs): Layer;
  graph(args: ContainerArgs): M;
  chain(args: { layers: Layer[]; name: string | undefined }): M;
  /** A model that is a class of its own, where there is one of the name. */
  custom?(className: string, config: Config): M | undefined;
}

export interface LayerJSON {
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

/** A dtype or a policy of mixed precision, of a name or a Keras 3 policy object; those that there are no tensors of become float32. */
function dtypeOf(value: unknown): NonNullable<LayerArgs['dtype']> {
  const name = typeof value === 'string' ? value : ((value as { config?: { name?: string } } | null)?.config?.name ?? 'float32');
  return (['int32', 'bool', ...precision.names].includes(name) ? name : 'float32') as 'float32';
}

/** Whether a layer's configuration was written by Keras 3, which has policies where others have names of dtypes. */
const ofKeras3 = (config: Config): boolean => (config.dtype as { class_name?: string } | undefined)?.class_name === 'DTypePolicy';

/**
 * A configuration with plain values for NumPy's; of Keras 3, with an activation's name here, where Keras 2 and TensorFlow.js have another
 * function of its name.
 */
function plain<T>(value: T, keras3: boolean, key = ''): T {
  if (keras3 && value === 'hard_sigmoid' && key.endsWith('activation')) return 'hard_sigmoid_3' as T;
  if (Array.isArray(value)) return value.map((v) => plain(v, keras3)) as T;
  if (value === null || typeof value !== 'object') return value;
  const { type, value: array } = value as { type?: unknown; value?: T };
  if (type === 'ndarray') return array as T;
  return Object.fromEntries(Object.entries(value).map(([k, v]) => [k, plain(v, keras3, k)])) as T;
}

/** The layer, or the model, of its JSON. */
export function readLayer<M extends Network>(json: LayerJSON, made: Made<M>): Layer {
  const { class_name: className } = json;
  if (isModel(json)) return (className === 'Sequential' ? chain : functional)(json.config as unknown as GraphJSON, made);
  const config = plain(json.config, ofKeras3(json.config));
  const args = fromKeras(config) as LayerArgs;
  args.dtype = dtypeOf(config.dtype);
  args.name = (config.name ?? json.name) as string;
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
  const named = (kwargs?: Config): Reference[] => NAMED_INPUTS.flatMap((name) => references(kwargs?.[name]));
  if (Array.isArray(value)) {
    if (typeof value[0] === 'string' && typeof value[1] === 'number') return [[value[0], value[1], (value[2] as number) ?? 0], ...named(value[3] as Config)];
    return value.flatMap(references);
  }
  if (value !== null && typeof value === 'object') {
    const { keras_history: history, args, kwargs, config } = value as { keras_history?: Reference; args?: unknown; kwargs?: Config; config?: unknown };
    if (history !== undefined) return [history];
    return [...references(args ?? config ?? []), ...named(kwargs)];
  }
  return [];
}

/** A call of a layer: what it reads, whether it is always one of training or of inference, and whether it takes no masks. */
interface Call {
  refs: Reference[];
  kwargs: Kwargs;
}

/** What is given with a call by name: an object in Keras 3, the last of each input's list in Keras 2. */
function kwargsOf(call: unknown): Config {
  if (!Array.isArray(call)) return (call as { kwargs?: Config } | null)?.kwargs ?? {};
  return typeof call[0] === 'string' ? ((call[3] as Config | undefined) ?? {}) : Object.assign({}, ...call.map(kwargsOf));
}

function calls(inbound: unknown): Call[] {
  if (!Array.isArray(inbound)) return [];
  return inbound
    .map((call) => {
      const { training, masked, initial_state: state } = kwargsOf(call);
      const kwargs: Kwargs = typeof training === 'boolean' ? { training } : {};
      // Keras 3 gives a layer no mask where it gives states.
      const second = (call as { args?: unknown[] } | null)?.args?.[1];
      if (masked === false || (!Array.isArray(call) && references(state ?? (Array.isArray(second) ? second : [])).length > 0)) kwargs.masked = false;
      return { refs: references(call), kwargs };
    })
    .filter(({ refs }) => refs.length > 0);
}

const nameOf = (json: LayerJSON): string => json.name ?? (json.config.name as string);

const isModel = (json: LayerJSON): boolean => ['Functional', 'Model', 'Sequential'].includes(json.class_name);

/** What the outputs are. Keras 3 counts the calls of models within from 1 here, and from 0 where layers read them. */
function outputsOf(graph: GraphJSON): Reference[] {
  const shifted = (json?: LayerJSON): boolean =>
    json !== undefined && isModel(json) && json.class_name !== 'Sequential' && Array.isArray(json.inbound_nodes) && json.inbound_nodes.some((call) => !Array.isArray(call));
  const byName = new Map(graph.layers.map((json) => [nameOf(json), json]));
  return references(graph.output_layers).map(([name, node, tensor]) => [name, node > 0 && shifted(byName.get(name)) ? node - 1 : node, tensor]);
}

/** The layers that outputs are computed from. Keras stores what computes masks as layers too, which layers here do themselves. */
function needed(graph: GraphJSON): LayerJSON[] {
  const open = outputsOf(graph).map(([name]) => name);
  if (open.length === 0) return graph.layers;
  const found = new Set<string>();
  const reads = new Map(graph.layers.map((json) => [nameOf(json), calls(json.inbound_nodes).flatMap(({ refs }) => refs)]));
  for (let name = open.pop(); name !== undefined; name = open.pop()) {
    if (found.has(name)) continue;
    found.add(name);
    open.push(...(reads.get(name) ?? []).map(([from]) => from));
  }
  return graph.layers.filter((json) => json.class_name === 'InputLayer' || found.has(nameOf(json)));
}

/** What Keras takes with a call and layers here have in their configuration. */
function withCalls(json: LayerJSON): LayerJSON {
  const given: unknown[] = Array.isArray(json.inbound_nodes) ? json.inbound_nodes : [];
  return given.some((call) => kwargsOf(call).use_causal_mask === true) ? { ...json, config: { ...json.config, use_causal_mask: true } } : json;
}

function functional<M extends Network>(given: GraphJSON, made: Made<M>): M {
  const graph = { ...given, layers: needed(given).map(withCalls) };
  const layers = new Map<string, Layer>();
  for (const json of graph.layers) {
    const layer = readLayer(json, made);
    layers.set(json.name ?? layer.name, layer);
  }
  const find = ([name, node, tensor]: Reference): SymbolicTensor | null => {
    const layer = layers.get(name);
    if (layer === undefined) throw coded('format', `The model's topology names a layer '${name}' that it does not have.`);
    return layer.inboundNodes[node - firstCall(name)]?.outputs[tensor] ?? null;
  };
  // Calls in the order of the file, those whose inputs are not there yet later.
  let open = graph.layers.flatMap((json) => calls(json.inbound_nodes).map((call, index) => ({ name: nameOf(json), index, ...call })));
  const outputs = outputsOf(graph);
  // Keras 2 counts the calls of models within from 1: their own graph is the first.
  const read = [...open.flatMap(({ refs }) => refs), ...outputs];
  const late = new Set(graph.layers.filter(isModel).map(nameOf).filter((name) => read.some(([from, node]) => from === name && node === open.filter((call) => call.name === name).length)));
  const firstCall = (name: string): number => (late.has(name) ? 1 : 0);
  while (open.length > 0) {
    const later = open.filter(({ name, index, refs, kwargs }) => {
      const inputs = refs.map(find);
      const layer = layers.get(name) as Layer;
      // A layer's calls are told apart by their order.
      if (inputs.some((x) => x === null) || layer.inboundNodes.length !== index) return true;
      layer.apply(single(inputs as SymbolicTensor[]), kwargs);
      return false;
    });
    if (later.length === open.length) throw coded('format', `The model's topology has a cycle at layer '${later[0]?.name}'.`);
    open = later;
  }
  const all = (refs: Reference[]): SymbolicTensor[] => refs.map((ref) => find(ref) as SymbolicTensor);
  const model = made.graph({ name: graph.name, inputs: all(references(graph.input_layers)), outputs: all(outputs) });
  // Where Keras computes masks by layers, theirs is another order.
  const order = [...layers.values()];
  model.layers.sort((a, b) => order.indexOf(a) - order.indexOf(b));
  return model;
}

function chain<M extends Network>(graph: GraphJSON | LayerJSON[], made: Made<M>): M {
  const list = Array.isArray(graph) ? graph : graph.layers;
  const layers = list.map((json) => readLayer(json, made));
  const given = (graph as unknown as { build_input_shape?: SymbolicShape }).build_input_shape;
  if (layers[0] !== undefined && layers[0].batchInputShape === undefined && given !== undefined) layers[0].batchInputShape = given;
  return made.chain({ layers, name: (graph as GraphJSON).name });
}

/** A model from Keras JSON, of Keras 2 or 3. */
export function readTopology<M extends Network>(json: string | object, made: Made<M>): M {
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
    default: {
      const model = made.custom?.(className, config ?? {});
      if (model === undefined) throw coded('format', `Expected a Sequential, Functional or Model topology, received ${String(className)}`);
      return model;
    }
  }
}
