/** What layers are connected by. */

import type { DataType } from '../types.js';
import type { Kwargs, Layer } from './layer.js';

/** A shape with unknown dimensions. */
export type SymbolicShape = (number | null)[];

/** A value that a model will compute. */
export class SymbolicTensor {
  private static next = 0;
  readonly id = SymbolicTensor.next++;
  readonly rank: number;

  constructor(
    readonly dtype: DataType,
    readonly shape: SymbolicShape,
    /** The layer that makes it: null for one made by hand, which layers can be connected to and models cannot begin with. */
    readonly sourceLayer: Layer,
    readonly inputs: SymbolicTensor[],
    readonly name: string,
    public nodeIndex = 0,
    public tensorIndex = 0,
  ) {
    this.rank = shape.length;
  }
}

/** One use of a layer: its inputs and its outputs. */
export interface Node {
  readonly layer: Layer;
  readonly inputs: SymbolicTensor[];
  readonly outputs: SymbolicTensor[];
  /** What the layer is called with here beyond its inputs, whatever the model is called with. */
  readonly kwargs?: Kwargs;
  /** Whether a model that it is part of was disposed. */
  disposed?: boolean;
}
