/** Where graphs begin. */

import { coded, type DataType } from '../types.js';
import type { Config } from './config.js';
import { Layer, type LayerArgs } from './layer.js';
import { uid } from './names.js';
import { type SymbolicShape, SymbolicTensor } from './symbolic.js';

/** Where a graph begins. */
export class InputLayer extends Layer {
  static override className = 'InputLayer';
  readonly sparse = false;

  constructor(args: LayerArgs & { shape?: SymbolicShape; batchShape?: SymbolicShape }) {
    super({ ...args, name: args.name ?? uid('Input').replace('_Input', ''), batchInputShape: args.batchInputShape ?? args.batchShape, inputShape: args.inputShape ?? args.shape });
    const { batchInputShape } = this;
    if (batchInputShape == null) throw coded('argument', 'An InputLayer should be passed either a `batchInputShape` or an `inputShape`.');
    this.built = true;
    const output = new SymbolicTensor(this.dtype, batchInputShape, this, [], this.name);
    this.inboundNodes.push({ layer: this, inputs: [], outputs: [output] });
  }

  override getConfig(): Config {
    return { batchInputShape: this.batchInputShape, dtype: this.dtype, sparse: this.sparse, name: this.name };
  }
}

/** A symbolic tensor to begin a model with. */
export function input(config: { shape?: SymbolicShape; batchShape?: SymbolicShape; name?: string; dtype?: DataType; sparse?: boolean }): SymbolicTensor {
  if (config.shape === undefined && config.batchShape === undefined) {
    throw coded('argument', 'Please provide to Input either a `shape` or a `batchShape` argument. Note that `shape` does not include the batch dimension.');
  }
  return new InputLayer(config).output as SymbolicTensor;
}
