/** The place of what complex numbers and strings need, which the whole package fills and smaller ones leave empty. */

import { lacking } from './lacking.js';
import type { Tensor } from './tensor.js';
import type { Shape } from './types.js';

/** See `special.ts`. */
export interface Special {
  runSpecial(op: string, inputs: readonly Tensor[], attrs: readonly number[], shares?: Tensor): Tensor[];
  /** Complex numbers whose real parts are zeros or ones. */
  filled(real: 'zeros' | 'ones', shape: Shape): Tensor;
  toComplex(x: Tensor): Tensor;
  conj(x: Tensor): Tensor;
}

let installed: Special | null = null;

/** Has operations on complex numbers and strings done by `special`. */
export function installSpecial(special: Special): void {
  installed = special;
}

/** What does operations on complex numbers and strings. */
export function special(): Special {
  if (installed === null) throw lacking('Complex numbers and strings');
  return installed;
}
