/**
 * Headwater: train and run models in the browser and in Node, with TensorFlow.js's API.
 *
 * Importing the module starts the CPU engine and waits for it, so that operations can follow at once, as in
 * TensorFlow.js; `await tf.ready()` tells whether it could start.
 */

import { installMethods } from './chained.js';
import { installGpuData } from './gpu-data.js';
import { installSyncReads } from './gpu-sync.js';
import { fileSystem } from './io/files.js';
import { installFiles } from './io/handlers.js';
import { installQuantizedWeights } from './io/quantized.js';
import { installDatasetTraining } from './layers/dataset-training.js';
import { families } from './layers/families.js';
import { layers as layersOfModels, modelFromJSON } from './layers/index.js';
import { installInputSpecs } from './layers/layer.js';
import { installMixedPrecision } from './layers/mixed.js';
import { installVerbose } from './layers/ready/index.js';
import { stepSeen } from './layers/seen-step.js';
import { assertInputs } from './layers/spec.js';
import { installSeenStep } from './layers/step.js';
import { installMetrics } from './metrics/index.js';
import { installMoreOptimizers } from './optimizers/more.js';
import { scopedAll } from './tensor.js';
import * as operations from './ops/index.js';
import { withPageEvents } from './page-events.js';
import { ready } from './runtime.js';
import { conj, filled, runSpecial, toComplex } from './special.js';
import { installSpecial } from './special_hook.js';
import { settings } from './wasm.js';

installSpecial(scopedAll({ conj, filled, runSpecial, toComplex }));
installMethods(operations);
installSyncReads();
installGpuData();
installDatasetTraining();
installMoreOptimizers();
installMixedPrecision();
installFiles(fileSystem);
installQuantizedWeights();
installInputSpecs(assertInputs);
installSeenStep(stepSeen);
installVerbose();
installMetrics();
settings.files = () => ({
  'simd': [new URL('./wasm/simd/headwater_web.js', import.meta.url), new URL('./wasm/simd/headwater_web_bg.wasm', import.meta.url)],
  'simd-threads': [new URL('./wasm/simd-threads/headwater_web.js', import.meta.url), new URL('./wasm/simd-threads/headwater_web_bg.wasm', import.meta.url)],
  'relaxed-simd': [new URL('./wasm/relaxed-simd/headwater_web.js', import.meta.url), new URL('./wasm/relaxed-simd/headwater_web_bg.wasm', import.meta.url)],
  'relaxed-simd-threads': [new URL('./wasm/relaxed-simd-threads/headwater_web.js', import.meta.url), new URL('./wasm/relaxed-simd-threads/headwater_web_bg.wasm', import.meta.url)],
});

export * as browser from './browser.js';
export * from './complex.js';
export * from './create.js';
export * as data from './data/index.js';
export * from './distributions.js';
export { customGrad, grad, grads, valueAndGrad, valueAndGrads, variableGrads } from './gradients.js';
export * as io from './io/index.js';
export * from './kernel_names.js';
export type { ModelEvaluateDatasetArgs, ModelFitDatasetArgs } from './layers/dataset-training.js';
export * from './layers/index.js';
export {
  BackupAndRestore, type BackupAndRestoreArgs, callbacks, CSVLogger, type CSVLoggerArgs, CustomCallback, LearningRateScheduler, ModelCheckpoint, type ModelCheckpointArgs, Mixup, type MixupArgs, ProgbarLogger,
  type ProgbarLoggerArgs, ProgressBar, type ProgressBarArgs, ReduceLROnPlateau, type ReduceLROnPlateauArgs, registerCallbackConstructor, type Schedule, TensorBoard, type TensorBoardArgs, TerminateOnNaN, type TextSink,
} from './layers/ready/index.js';
export { mixedPrecision } from './layers/mixed.js';
export { InputSpec, type InputSpecConfig } from './layers/spec.js';
export { RNN, RNNCell, type RNNLayerArgs } from './layers/rnn.js';
export { Model } from './layers/subclass.js';
/** `tf.layers`. */
export const layers = { ...layersOfModels, ...families };
export { losses, Reduction } from './losses.js';
export type { MetricGiven, MetricsGiven, StatefulMetric } from './layers/measures.js';
export { type AtArgs, type AUCArgs, type CrossentropyArgs, type F1ScoreArgs, type MeanIoUArgs, type Metric, type MetricArgs, metrics, type PrecisionArgs, type ThresholdsArgs } from './metrics/index.js';
export * from './ops/index.js';
export {
  AdadeltaOptimizer, AdagradOptimizer, AdamaxOptimizer, AdamOptimizer, type LearningRate, MomentumOptimizer, type NamedTensor, Optimizer, RMSPropOptimizer, SGDOptimizer,
} from './optimizers.js';
export {
  type AdamArgs, AdamWOptimizer, type AmsgradArgs, type FtrlArgs, FtrlOptimizer, LambOptimizer, type LionArgs, LionOptimizer, NadamOptimizer, train,
} from './optimizers/more.js';
export type { LearningRateSweep, LearningRateSweepArgs } from './layers/ready/finder.js';
export type { OptimizerOptions, RateMultipliers } from './optimizers/options.js';
export {
  type CosineDecayArgs, type CosineDecayRestartsArgs, type ExponentialDecayArgs, LearningRateSchedule, type OneCycleArgs, type PiecewiseConstantDecayArgs, type PolynomialDecayArgs,
  type WarmUpArgs,
} from './schedules.js';
export * from './engine.js';
export type { GPUData, WebGPUData } from './gpu-data.js';
export * from './profile.js';
export { disableDeprecationWarnings, deprecationWarn, enableDebugMode, enableProdMode, ENV, env, Environment, getQueryParams, setPlatform } from './env.js';
export { backendInfo, type BackendInfo, getThreadsCount, setThreadsCount, setWasmPaths } from './runtime.js';
export * as tensor_util from './tensor_util.js';
export * as test_util from './test_util.js';
export { Rank, sumOutType, upcastType } from './types.js';
export { dispose, disposeVariables, keep, memory, type MemoryInfo, type Scalar, Tensor, type Tensor1D, type Tensor2D, type Tensor3D, type Tensor4D, type Tensor5D, type Tensor6D, tidy, Variable } from './tensor.js';
export type { DataType, NamedTensorMap, Shape, TensorContainer, TensorInput, TensorLike } from './types.js';
export * as util from './util.js';
export { nextFrame } from './util.js';

import * as fusedOps from './ops/fused.js';
/** `tf.fused`. */
export const fused = /* @__PURE__ */ scopedAll(fusedOps);
export * as image from './image.js';
export * as node from './node.js';
export * as sparse from './sparse.js';

/** `tf.math`. */
export const math = { confusionMatrix: operations.confusionMatrix };

/** `tf.models`. */
export const models = { modelFromJSON };

export * as backend_util from './backend_util.js';
export * as device_util from './device_util.js';
export { raggedGather, raggedRange, raggedTensorToTensor } from './ragged.js';
export * as serialization from './serialization.js';
export { op } from './tensor.js';
export { linalg } from './ops/linear.js';
export { signal, spectral } from './ops/spectral.js';
export { checkpoint, jit, type Jitted, jvp, vmap } from './transform.js';
export * as slice_util from './slice_util.js';
export * as string from './text.js';

export { stats, version, version_core } from './version.js';

try {
  await withPageEvents(ready());
} catch {
  // Reported by the first operation, and by whoever awaits ready().
}
