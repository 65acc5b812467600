/** What the whole package and the one without layers have alike: operations and all that belongs to tensors. */

import { installMethods } from './chained.js';
import { installGpuData } from './gpu-data.js';
import { installSyncReads } from './gpu-sync.js';
import * as fusedOps from './ops/fused.js';
import * as operations from './ops/index.js';
import { installMoreOptimizers } from './optimizers/more.js';
import { conj, filled, runSpecial, toComplex } from './special.js';
import { installSpecial } from './special_hook.js';
import { scopedAll } from './tensor.js';

/** Puts in what smaller packages leave out. An entry calls it before the engine starts. */
export function installOperations(): void {
  installSpecial(scopedAll({ conj, filled, runSpecial, toComplex }));
  installMethods(operations);
  installSyncReads();
  installGpuData();
  installMoreOptimizers();
}

/** `tf.fused`. */
export const fused = /* @__PURE__ */ scopedAll(fusedOps);

/** `tf.math`. */
export const math = { confusionMatrix: operations.confusionMatrix };

export * as backend_util from './backend_util.js';
export * as browser from './browser.js';
export * from './complex.js';
export * from './create.js';
export * as device_util from './device_util.js';
export * from './distributions.js';
export * from './engine.js';
export { disableDeprecationWarnings, deprecationWarn, enableDebugMode, enableProdMode, ENV, env, Environment, getQueryParams, setPlatform } from './env.js';
export type { GPUData, WebGPUData } from './gpu-data.js';
export { customGrad, grad, grads, valueAndGrad, valueAndGrads, variableGrads } from './gradients.js';
export * as image from './image.js';
export * as io from './io/tensorflow.js';
export * from './kernel_names.js';
export { losses, Reduction } from './losses.js';
export * from './ops/index.js';
export { linalg } from './ops/linear.js';
export { signal, spectral } from './ops/spectral.js';
export {
  AdadeltaOptimizer, AdagradOptimizer, AdamaxOptimizer, AdamOptimizer, type LearningRate, MomentumOptimizer, type NamedTensor, Optimizer, RMSPropOptimizer, SGDOptimizer,
} from './optimizers.js';
export {
  type AdamArgs, AdamWOptimizer, type AmsgradArgs, type FtrlArgs, FtrlOptimizer, LambOptimizer, type LionArgs, LionOptimizer, NadamOptimizer,
} from './optimizers/more.js';
export type { OptimizerOptions, RateMultipliers } from './optimizers/options.js';
export * from './profile.js';
export { raggedGather, raggedRange, raggedTensorToTensor } from './ragged.js';
export { currentSeed as getSeed, setSeed } from './random.js';
export { backendInfo, type BackendInfo, getThreadsCount, setThreadsCount, setWasmPaths } from './runtime.js';
export {
  type CosineDecayArgs, type CosineDecayRestartsArgs, type ExponentialDecayArgs, LearningRateSchedule, type OneCycleArgs, type PiecewiseConstantDecayArgs, type PolynomialDecayArgs,
  type WarmUpArgs,
} from './schedules.js';
export * as serialization from './serialization.js';
export * as slice_util from './slice_util.js';
export * as sparse from './sparse.js';
export {
  dispose, disposeVariables, keep, memory, type MemoryInfo, op, type Scalar, Tensor, type Tensor1D, type Tensor2D, type Tensor3D, type Tensor4D, type Tensor5D, type Tensor6D, tidy, Variable,
} from './tensor.js';
export * as tensor_util from './tensor_util.js';
export * as test_util from './test_util.js';
export * as string from './text.js';
export { checkpoint, jit, type Jitted, jvp, vmap } from './transform.js';
export { Rank, sumOutType, upcastType } from './types.js';
export type { DataType, NamedTensorMap, Shape, TensorContainer, TensorInput, TensorLike } from './types.js';
export * as util from './util.js';
export { nextFrame } from './util.js';
export { stats, version, version_converter, version_core, version_layers } from './version.js';
