/** Models that are a chain of layers. */

import type { Tensor } from '../tensor.js';
import { coded } from '../types.js';
import type { Config } from './config.js';
import { Container } from './container.js';
import { InputLayer } from './input.js';
import { type Kwargs, Layer } from './layer.js';
import { LayersModel } from './model.js';
import type { SymbolicShape, SymbolicTensor } from './symbolic.js';

export class Sequential extends LayersModel {
  static override className = 'Sequential';
  /** The layers as added; the graph's input is not among them. */
  private readonly chain: Layer[] = [];

  constructor(args: { layers?: Layer[]; name?: string } = {}) {
    super();
    if (args.name !== undefined) (this as { name: string }).name = args.name;
    this.built = false;
    args.layers?.forEach((layer) => this.add(layer));
  }

  add(layer: Layer): void {
    if (!(layer instanceof Layer)) throw coded('argument', `The added layer must be an instance of class Layer. Found: ${String(layer)}`);
    const first = this.outputs.length === 0;
    if (first) {
      if (layer instanceof InputLayer) {
        this.setGraph([layer.output as SymbolicTensor], [layer.output as SymbolicTensor]);
        return;
      }
      let shape = layer.batchInputShape;
      if (shape === undefined && layer instanceof Container) shape = layer.inputs[0]?.shape;
      if (shape === undefined) {
        throw coded('argument', 'The first layer in a Sequential model must get an `inputShape` or `batchInputShape` argument.');
      }
      const entry = new InputLayer({ batchInputShape: shape, dtype: layer.dtype, name: `${layer.name}_input` });
      this.setGraph([entry.output as SymbolicTensor], [entry.output as SymbolicTensor]);
    }
    const output = layer.apply(this.outputs[0] as SymbolicTensor) as SymbolicTensor | SymbolicTensor[];
    if (Array.isArray(output)) throw coded('argument', 'All layers in a Sequential model should have a single output tensor. For multi-output layers, use the functional API.');
    this.chain.push(layer);
    this.setGraph(this.inputs, [output]);
    this.layers = [...this.chain];
  }

  pop(): void {
    const layer = this.chain.pop();
    if (layer === undefined) throw coded('argument', 'There are no layers in the model.');
    const node = layer.inboundNodes.pop();
    this.setGraph(this.inputs, [node?.inputs[0] as SymbolicTensor]);
    this.layers = [...this.chain];
  }

  override build(_inputShape?: SymbolicShape | SymbolicShape[]): void {
    if (this.outputs.length === 0) throw coded('argument', `Sequential model cannot be built: model is empty. Add some layers first.`);
    this.built = true;
  }

  override call(inputs: Tensor | Tensor[], kwargs: Kwargs): Tensor | Tensor[] {
    this.build();
    return super.call(inputs, kwargs);
  }

  override getConfig(): Config {
    // The first layer carries the input's shape.
    const configOf = (layer: Layer, i: number): Config => (i > 0 ? layer.getConfig() : { ...layer.getConfig(), batchInputShape: this.inputs[0]?.shape });
    return { name: this.name, layers: this.chain.map((layer, i) => ({ className: layer.getClassName(), config: configOf(layer, i) })) };
  }

  override kerasConfig(): Config {
    const configOf = (layer: Layer, i: number): Config => (i > 0 ? layer.kerasConfig() : { ...layer.kerasConfig(), batch_input_shape: this.inputs[0]?.shape });
    return { name: this.name, layers: this.chain.map((layer, i) => ({ class_name: layer.getClassName(), config: configOf(layer, i) })) };
  }
}

export function sequential(args?: { layers?: Layer[]; name?: string }): Sequential {
  return new Sequential(args);
}

