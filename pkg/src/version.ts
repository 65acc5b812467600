/** What runs, in numbers. */

import { wasm } from './runtime.js';

/** Runs, plans and kernels so far. */
export function stats(): { runs: number; plans: number; kernels: number } {
  const [runs = 0, plans = 0, kernels = 0] = wasm().stats();
  return { runs, plans, kernels };
}

/** The version of TensorFlow.js whose API the package offers. */
export const version_core = '4.22.0';
/** The package's version, and what TensorFlow.js's parts would say. */
export const version = {
  headwater: '0.1.0',
  'tfjs-core': version_core,
  'tfjs-converter': version_core,
  'tfjs-data': version_core,
  'tfjs-layers': version_core,
  tfjs: version_core,
};
export { version_core as version_converter, version_core as version_layers };
