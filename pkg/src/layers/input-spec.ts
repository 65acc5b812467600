/** What layers say of their inputs. */

import { coded, type DataType } from '../types.js';
import type { SymbolicShape } from './layer.js';

/** What a layer's inputs must be like. */
export class InputSpec {
  readonly dtype?: DataType;
  readonly shape?: SymbolicShape;
  readonly ndim?: number;
  readonly maxNDim?: number;
  readonly minNDim?: number;
  /** Sizes of some of the axes. */
  readonly axes: Record<number, number> = {};

  constructor(args: { dtype?: DataType; shape?: SymbolicShape; ndim?: number; maxNDim?: number; minNDim?: number; axes?: Record<number, number> }) {
    Object.assign(this, args);
    if (args.shape !== undefined) this.ndim = args.shape.length;
  }

  /** Refuses other inputs. */
  check(name: string, { shape }: { shape: SymbolicShape }): void {
    const expected = (what: string, got: number | null | undefined = shape.length): void => {
      throw coded('shape', `Input is incompatible with layer ${name}: expected ${what}, found ${got}`);
    };
    if (this.ndim !== undefined && shape.length !== this.ndim) expected(`ndim=${this.ndim}`);
    if (this.maxNDim !== undefined && shape.length > this.maxNDim) expected(`max_ndim=${this.maxNDim}`);
    if (this.minNDim !== undefined && shape.length < this.minNDim) expected(`min_ndim=${this.minNDim}`);
    for (const [axis, size] of [...Object.entries(this.axes), ...Object.entries(this.shape ?? [])]) {
      const got = shape.at(Number(axis));
      if (size !== null && got !== null && got !== size) expected(`axis ${axis} of size ${size}`, got);
    }
  }
}
