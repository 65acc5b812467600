/** Graphs of layers. */

import { type Tensor } from '../tensor.js';
import { coded, type DataType } from '../types.js';
import type { Config } from './config.js';
import { InputLayer } from './input.js';
import { type Kwargs, Layer, type LayerArgs, listOf, type Mask, single, unique } from './layer.js';
import { type Node, type SymbolicShape, SymbolicTensor } from './symbolic.js';
import type { LayerVariable } from './variable.js';

export interface ContainerArgs extends LayerArgs {
  inputs: SymbolicTensor | SymbolicTensor[];
  outputs: SymbolicTensor | SymbolicTensor[];
}

/** The use of a layer that made a symbolic tensor. */
export const nodeOf = (x: SymbolicTensor): Node => x.sourceLayer.inboundNodes[x.nodeIndex] as Node;

/** The nodes that outputs need, each after those it reads. */
function sorted(outputs: SymbolicTensor[]): Node[] {
  const order: Node[] = [];
  const state = new Map<Node, 'open' | 'done'>();
  // With a stack of our own: deep networks would exhaust the engine's.
  const stack: { node: Node; next: number }[] = [];
  const visit = (node: Node): void => {
    if (state.has(node)) return;
    state.set(node, 'open');
    stack.push({ node, next: 0 });
    for (let top = stack.at(-1); top !== undefined; top = stack.at(-1)) {
      const input = top.node.inputs[top.next++];
      if (input === undefined) {
        state.set(top.node, 'done');
        order.push(top.node);
        stack.pop();
      } else if (!state.has(nodeOf(input))) {
        state.set(nodeOf(input), 'open');
        stack.push({ node: nodeOf(input), next: 0 });
      }
    }
  };
  outputs.forEach((output) => visit(nodeOf(output)));
  return order;
}

/** Arguments of a call that a file can hold. */
const stored = (kwargs: Kwargs = {}): Config => Object.fromEntries(Object.entries(kwargs).filter(([, value]) => ['boolean', 'number', 'string'].includes(typeof value)));

/** The layers of a graph in Keras's order, which is that of their weights: the farther from the outputs, the earlier. */
function layersOf(nodes: Node[], outputs: SymbolicTensor[]): Layer[] {
  const [ofNode, ofLayer] = [new Map<Node, number>(), new Map<Layer, number>()];
  for (const node of [...nodes].reverse()) {
    const depth = Math.max(ofNode.get(node) ?? 0, ofLayer.get(node.layer) ?? 0);
    ofLayer.set(node.layer, depth);
    for (const input of node.inputs) ofNode.set(nodeOf(input), Math.max(depth + 1, ofNode.get(nodeOf(input)) ?? 0));
  }
  // Those of one depth as they are met on the way from the outputs.
  const met = new Set<Node>();
  const stack = outputs.map(nodeOf).reverse();
  for (let node = stack.pop(); node !== undefined; node = stack.pop()) {
    if (met.has(node)) continue;
    met.add(node);
    stack.push(...node.inputs.map(nodeOf).reverse());
  }
  const layers = [...new Set([...met].map((node) => node.layer))];
  return layers.sort((a, b) => (ofLayer.get(b) ?? 0) - (ofLayer.get(a) ?? 0));
}

/** A graph of layers from inputs to outputs; itself a layer. */
export class Container extends Layer {
  inputs: SymbolicTensor[] = [];
  outputs: SymbolicTensor[] = [];
  inputNames: string[] = [];
  outputNames: string[] = [];
  layers: Layer[] = [];
  protected nodes: Node[] = [];

  protected setGraph(inputs: SymbolicTensor[], outputs: SymbolicTensor[]): void {
    this.inputs = inputs;
    this.outputs = outputs;
    this.nodes = sorted(outputs);
    if (new Set(inputs).size !== inputs.length) throw coded('argument', `The inputs of a model are redundant. Each should appear once, but found ${inputs.map((x) => x.name)}`);
    for (const node of this.nodes) {
      if (node.layer instanceof InputLayer && !inputs.some((i) => i.sourceLayer === node.layer)) {
        throw coded('argument', `Graph disconnected: cannot obtain value for tensor ${node.layer.name}. The following previous layers were accessed without issue: ${this.nodes.slice(0, this.nodes.indexOf(node)).map((n) => n.layer.name)}`);
      }
    }
    this.layers = layersOf(this.nodes, outputs);
    const names = this.layers.map((l) => l.name);
    const twice = names.find((name, i) => names.indexOf(name) !== i);
    if (twice !== undefined) throw coded('argument', `The name "${twice}" is used ${names.filter((n) => n === twice).length} times in the model. All layer names should be unique.`);
    this.inputNames = inputs.map((i) => i.sourceLayer.name);
    this.outputNames = outputs.map((o) => o.sourceLayer.name);
    this.batchInputShape = inputs[0]?.shape;
    this.built = true;
  }

  override get input(): SymbolicTensor | SymbolicTensor[] {
    return single(this.inputs);
  }

  override get output(): SymbolicTensor | SymbolicTensor[] {
    return single(this.outputs);
  }

  override get outputShape(): SymbolicShape | SymbolicShape[] {
    return this.outputs.length === 1 ? (this.outputs[0] as SymbolicTensor).shape : this.outputs.map((x) => x.shape);
  }

  override get trainableWeights(): LayerVariable[] {
    return this.trainable ? unique(this.layers.flatMap((l) => l.trainableWeights)) : [];
  }

  override get nonTrainableWeights(): LayerVariable[] {
    return this.trainable ? unique(this.layers.flatMap((l) => l.nonTrainableWeights)) : this.orderedWeights;
  }

  override get orderedWeights(): LayerVariable[] {
    return unique(this.layers.flatMap((l) => l.orderedWeights));
  }

  override get weights(): LayerVariable[] {
    return [...this.trainableWeights, ...this.nonTrainableWeights];
  }

  override get stateful(): boolean {
    return this.layers.some((l) => l.stateful);
  }

  // Decided by the layers.
  override set stateful(_value: boolean) {}

  override get losses(): (() => Tensor)[] {
    return this.layers.flatMap((l) => l.losses);
  }

  override countParams(): number {
    return this.orderedWeights.reduce((n, w) => n + w.variable.size, 0);
  }

  /** The layer of a name, or of a position. */
  getLayer(nameOrIndex: string | number, index?: number): Layer {
    const at = typeof nameOrIndex === 'number' ? nameOrIndex : index;
    const found = at === undefined ? this.layers.find((l) => l.name === nameOrIndex) : this.layers[at];
    if (found === undefined) {
      throw coded('unknown', at === undefined ? `No such layer: ${String(nameOrIndex)}` : `Was asked to retrieve layer at index ${at}, but model only has ${this.layers.length} layer(s).`);
    }
    return found;
  }

  override computeOutputShape(inputShape: SymbolicShape | SymbolicShape[]): SymbolicShape | SymbolicShape[] {
    const shapes = new Map<number, SymbolicShape>();
    const given = Array.isArray(inputShape[0]) ? (inputShape as SymbolicShape[]) : [inputShape as SymbolicShape];
    this.inputs.forEach((x, i) => shapes.set(x.id, given[i] as SymbolicShape));
    for (const node of this.nodes) {
      if (node.inputs.length === 0) continue;
      const from = node.inputs.map((x) => shapes.get(x.id) as SymbolicShape);
      const to = node.layer.computeOutputShape(single(from));
      const list = Array.isArray(to[0]) ? (to as SymbolicShape[]) : [to as SymbolicShape];
      node.outputs.forEach((x, i) => shapes.set(x.id, list[i] as SymbolicShape));
    }
    const result = this.outputs.map((o) => shapes.get(o.id) as SymbolicShape);
    return single(result);
  }

  override call(inputs: Tensor | Tensor[], kwargs: Kwargs): Tensor | Tensor[] {
    const outputs = this.compute(listOf(inputs), this.outputs, kwargs);
    return single(outputs);
  }

  override computeMask(inputs: Tensor | Tensor[], mask?: Mask | Mask[]): Mask | Mask[] {
    const { masks } = this.computeMasked(listOf(inputs), this.outputs, {}, mask === undefined ? [] : listOf(mask));
    return single(masks);
  }

  override callMasked(inputs: Tensor[], masks: Mask[], kwargs: Kwargs): { outputs: Tensor[]; masks: Mask[] } {
    return this.computeMasked(inputs, this.outputs, kwargs, masks);
  }

  /** Its layers have dtypes, not the graph. */
  protected override computed(inputs: Tensor | Tensor[], kwargs: Kwargs): Tensor | Tensor[] {
    return this.call(inputs, kwargs);
  }

  override computesIn(dtype: DataType): boolean {
    return this.layers.some((layer) => layer.computesIn(dtype));
  }

  override resetStates(): void {
    this.layers.forEach((layer) => layer.resetStates());
  }

  /** The values of symbolic tensors of the graph. */
  protected compute(inputs: Tensor[], wanted: SymbolicTensor[], kwargs: Kwargs): Tensor[] {
    return this.computeMasked(inputs, wanted, kwargs).outputs;
  }

  /** The values of symbolic tensors of the graph, and which steps of them count. */
  protected computeMasked(inputs: Tensor[], wanted: SymbolicTensor[], kwargs: Kwargs, given: Mask[] = []): { outputs: Tensor[]; masks: Mask[] } {
    if (inputs.length !== this.inputs.length) {
      throw coded('argument', `Error when checking model: the Array of Tensors that you are passing to your model is not the size the model expected. Expected to see ${this.inputs.length} Tensor(s), but instead got ${inputs.length} Tensors(s).`);
    }
    const values = new Map<number, Tensor>();
    const masks = new Map<number, Mask>();
    this.inputs.forEach((x, i) => {
      values.set(x.id, inputs[i] as Tensor);
      masks.set(x.id, given[i] ?? null);
    });
    const needed = wanted === this.outputs ? this.nodes : sorted(wanted);
    for (const node of needed) {
      if (node.inputs.length === 0 || node.outputs.every((x) => values.has(x.id))) continue;
      const from = node.inputs.map((x) => values.get(x.id) as Tensor);
      const to = node.layer.callMasked(from, node.inputs.map((x) => masks.get(x.id) ?? null), node.kwargs === undefined ? kwargs : { ...kwargs, ...node.kwargs });
      kwargs.watch?.(node.layer, to.outputs);
      node.outputs.forEach((x, i) => {
        values.set(x.id, to.outputs[i] as Tensor);
        masks.set(x.id, to.masks[i] ?? null);
      });
    }
    return { outputs: wanted.map((x) => values.get(x.id) as Tensor), masks: wanted.map((x) => masks.get(x.id) ?? null) };
  }

  override getConfig(): Config {
    const at = (x: SymbolicTensor): [string, number, number] => {
      const nodes = this.nodes.filter((n) => n.layer === x.sourceLayer);
      return [x.sourceLayer.name, nodes.indexOf(nodeOf(x)), x.tensorIndex];
    };
    const layers = this.layers.map((layer) => ({
      name: layer.name,
      className: layer.getClassName(),
      config: layer.getConfig(),
      inboundNodes: this.nodes.filter((n) => n.layer === layer && n.inputs.length > 0).map((n) => n.inputs.map((x) => [...at(x), stored(n.kwargs)])),
    }));
    return { name: this.name, layers, inputLayers: this.inputs.map(at), outputLayers: this.outputs.map(at) };
  }

  override kerasConfig(): Config {
    const config = this.getConfig() as { layers: { name: string; className: string; inboundNodes: unknown }[]; inputLayers: unknown; outputLayers: unknown };
    return {
      name: this.name,
      layers: config.layers.map(({ name, className, inboundNodes }, i) => ({
        name, class_name: className, config: (this.layers[i] as Layer).kerasConfig(), inbound_nodes: inboundNodes,
      })),
      input_layers: config.inputLayers,
      output_layers: config.outputLayers,
    };
  }

  /** Disposes the layers, but for those that another model calls too. */
  override dispose(): { refCountAfterDispose: number; numDisposedVariables: number } {
    this.nodes.forEach((node) => (node.disposed = true));
    const free = this.layers.filter((l) => l.inboundNodes.every((node) => node.disposed));
    const numDisposedVariables = free.reduce((n, l) => n + l.dispose().numDisposedVariables, 0);
    return { refCountAfterDispose: 0, numDisposedVariables };
  }
}
