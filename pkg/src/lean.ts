/**
 * What models and their training need, for pages to which every kilobyte counts: the same functions under the same names as
 * the whole package, without strings, sparse and ragged tensors, signals, linear algebra, volumes, geometry of images,
 * registries of kernels and helpers of tests.
 */

import { installMethods } from './chained.js';
import { modelFromJSON } from './layers/index.js';
import * as operations from './ops/core.js';
import { withPageEvents } from './page-events.js';
import { ready, wasm } from './runtime.js';
import { endScope, memory, startScope } from './tensor.js';
import { settings } from './wasm.js';

installMethods(operations);
settings.edition = 'lean/';
settings.files = () => ({
  'lean/simd': [new URL('./wasm/lean/simd/headwater_web.js', import.meta.url), new URL('./wasm/lean/simd/headwater_web_bg.wasm', import.meta.url)],
  'lean/simd-threads': [new URL('./wasm/lean/simd-threads/headwater_web.js', import.meta.url), new URL('./wasm/lean/simd-threads/headwater_web_bg.wasm', import.meta.url)],
  'lean/relaxed-simd': [new URL('./wasm/lean/relaxed-simd/headwater_web.js', import.meta.url), new URL('./wasm/lean/relaxed-simd/headwater_web_bg.wasm', import.meta.url)],
  'lean/relaxed-simd-threads': [new URL('./wasm/lean/relaxed-simd-threads/headwater_web.js', import.meta.url), new URL('./wasm/lean/relaxed-simd-threads/headwater_web_bg.wasm', import.meta.url)],
});

export * as browser from './browser.js';
export {
  buffer, eye, fill, linspace, oneHot, ones, onesLike, print, randomNormal, randomUniform, range, scalar, tensor, tensor1d, tensor2d, tensor3d, tensor4d, tensor5d,
  tensor6d, type TensorBuffer, truncatedNormal, variable, zeros, zerosLike,
} from './create.js';
export * as data from './data/webcam.js';
export { customGrad, grad, grads, valueAndGrad, valueAndGrads, variableGrads } from './gradients.js';
export * as io from './io/core.js';
export * from './layers/index.js';
export { losses, Reduction } from './losses.js';
export { metrics } from './metrics/functions.js';
export * from './ops/core.js';
export {
  AdadeltaOptimizer, AdagradOptimizer, AdamaxOptimizer, AdamOptimizer, type LearningRate, MomentumOptimizer, type NamedTensor, Optimizer, RMSPropOptimizer, SGDOptimizer, train,
} from './optimizers.js';
export { backendInfo, type BackendInfo, getBackend, getThreadsCount, ready, setBackend, setThreadsCount, setWasmPaths } from './runtime.js';
export * as serialization from './serialization.js';
export { dispose, disposeVariables, keep, memory, type MemoryInfo, type Scalar, Tensor, type Tensor1D, type Tensor2D, type Tensor3D, type Tensor4D, tidy, Variable } from './tensor.js';
export { Rank } from './types.js';
export type { DataType, NamedTensorMap, Shape, TensorContainer, TensorInput, TensorLike } from './types.js';
export { nextFrame } from './util.js';
export { stats, version } from './version.js';

/** `tf.models`. */
export const models = { modelFromJSON };

/** `tf.image`. */
export const image = { resizeBilinear: operations.resizeBilinear, resizeNearestNeighbor: operations.resizeNearestNeighbor };

/** Scopes by hand. */
export const engine = (): { startScope(): void; endScope(): void; memory: typeof memory; flush(): void } => ({
  startScope,
  endScope: () => endScope(),
  memory,
  flush: () => wasm().flush(),
});

try {
  await withPageEvents(ready());
} catch {
  // Reported by the first operation, and by whoever awaits ready().
}
