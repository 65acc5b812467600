/** The place of policies of mixed precision, which the whole package fills: without them, layers compute in what they are given. */

import { lacking } from '../lacking.js';
import type { Tensor } from '../tensor.js';
import { BYTES, type DataType } from '../types.js';

/** What a layer computes in, where its weights are of float32 and it is not. */
export interface Policy {
  readonly name: string;
  readonly compute: DataType;
}

/** See `mixed.ts`. */
export interface Precision {
  /** Names of policies. Stored layers of others compute in float32. */
  readonly names: readonly string[];
  /** The policy of a dtype that is given to a layer. */
  policyOf(name: string | undefined): Policy | null;
  /** A tensor as the layer that computes is to have it. */
  autocast(tensor: Tensor): Tensor;
  /** A half as float32; anything else as it is. */
  widened(tensor: Tensor): Tensor;
  /** Calls `f` with inputs as a policy has them; for a layer of the module, with its class and that of the layer in it. */
  computing<X extends Tensor | Tensor[]>(policy: Policy | null, inputs: X, f: (inputs: X) => Tensor | Tensor[], classes?: (string | undefined)[]): Tensor | Tensor[];
}

/** Whether values have 16 bits. */
export const isHalf = ({ dtype }: Tensor): boolean => BYTES[dtype] === 2;

/** What layers compute with. */
export let precision: Precision = {
  names: [],
  policyOf(name) {
    if (name?.startsWith('mixed_')) throw lacking('Mixed precision');
    return null;
  },
  autocast: (tensor) => tensor,
  widened: (tensor) => tensor,
  computing(_policy, inputs, f) {
    if ([inputs].flat().some((x) => isHalf(x as Tensor))) throw lacking('Layers of 16-bit floats');
    return f(inputs);
  },
};

/** Has layers compute by policies. */
export function installPrecision(by: Precision): void {
  precision = by;
}
