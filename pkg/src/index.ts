/**
 * Headwater: train and run models in the browser and in Node, with TensorFlow.js's API.
 *
 * Importing the module starts the CPU engine and waits for it, so that operations can follow at once, as in
 * TensorFlow.js; `await tf.ready()` tells whether it could start.
 */

import { installMethods } from './chained.js';
import { modelFromJSON } from './layers/index.js';
import { ready } from './runtime.js';
import { memory, startScope, endScope } from './tensor.js';
import { wasm } from './runtime.js';

installMethods();

export * as browser from './browser.js';
export * from './create.js';
export * as data from './data.js';
export { customGrad, grad, grads, valueAndGrad, valueAndGrads, variableGrads } from './gradients.js';
export * as io from './io/index.js';
export * from './layers/index.js';
export { losses, metrics, Reduction } from './losses.js';
export * from './ops/index.js';
export * from './optimizers.js';
export { backendInfo, type BackendInfo, getBackend, getThreadsCount, ready, setBackend, setThreadsCount, setWasmPaths } from './runtime.js';
export { dispose, disposeVariables, keep, memory, type MemoryInfo, type Scalar, Tensor, type Tensor1D, type Tensor2D, type Tensor3D, type Tensor4D, type Tensor5D, type Tensor6D, tidy, Variable } from './tensor.js';
export type { DataType, NamedTensorMap, Rank, Shape, TensorContainer, TensorInput, TensorLike } from './types.js';
export * as util from './util.js';
export { nextFrame } from './util.js';

/** `tf.models`. */
export const models = { modelFromJSON };

/** `tf.image`. */
import { resizeBilinear, resizeNearestNeighbor } from './ops/index.js';
export const image = { resizeBilinear, resizeNearestNeighbor };

/** The part of TensorFlow.js's engine that programs use. */
export function engine(): { startScope(): void; endScope(): void; memory: typeof memory; flush(): void } {
  return { startScope, endScope: () => endScope(), memory, flush: () => wasm().flush() };
}

/** Runs, plans and kernels so far. */
export function stats(): { runs: number; plans: number; kernels: number } {
  const [runs = 0, plans = 0, kernels = 0] = wasm().stats();
  return { runs, plans, kernels };
}

export const version_core = '4.22.0';
/** The package's version; `version_core` is the TensorFlow.js version whose API it offers. */
export const version = { headwater: '0.1.0', 'tfjs-core': version_core };

try {
  await ready();
} catch {
  // Reported by the first operation, and by whoever awaits ready().
}
