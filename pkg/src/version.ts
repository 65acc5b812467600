/** What runs, in numbers. */

import { wasm } from './runtime.js';

/** Runs, plans and kernels so far. */
export function stats(): { runs: number; plans: number; kernels: number } {
  const [runs = 0, plans = 0, kernels = 0] = wasm().stats();
  return { runs, plans, kernels };
}

export const version_core = '4.22.0';
/** The package's version; `version_core` is the TensorFlow.js version whose API it offers. */
export const version = { headwater: '0.1.0', 'tfjs-core': version_core };
