/**
 * Headwater: train and run models in the browser and in Node, with TensorFlow.js's API.
 *
 * Importing the module starts the CPU engine and waits for it, so that operations can follow at once, as in
 * TensorFlow.js; `await tf.ready()` tells whether it could start.
 */

import { fileSystem } from './io/files.js';
import { installFiles } from './io/handlers.js';
import { installQuantizedWeights } from './io/quantized.js';
import { installDatasetTraining } from './layers/dataset-training.js';
import { families } from './layers/families.js';
import { installFromConfig, modelFromJSON } from './layers/from-objects.js';
import { layers as layersOfModels } from './layers/index.js';
import { installInputSpecs } from './layers/layer.js';
import { installMetadata } from './layers/metadata.js';
import { installMixedPrecision } from './layers/mixed.js';
import { findLearningRate } from './layers/ready/finder.js';
import { installVerbose } from './layers/ready/index.js';
import { stepSeen } from './layers/seen-step.js';
import { assertInputs } from './layers/spec.js';
import { installSeenStep } from './layers/step.js';
import { installMetrics } from './metrics/index.js';
import { installFitting } from './optimizers/fitting.js';
import { train as optimizers } from './optimizers/more.js';
import { withPageEvents } from './page-events.js';
import { ready } from './runtime.js';
import { installOperations } from './surface.js';
import { settings } from './wasm.js';

installOperations();
installFiles(fileSystem);
installFitting();
installDatasetTraining();
installFromConfig();
installMetadata();
installMixedPrecision();
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

export * from './surface.js';
export * as data from './data/index.js';
export * as io from './io/index.js';
export type { ModelEvaluateDatasetArgs, ModelFitDatasetArgs } from './layers/dataset-training.js';
export * from './layers/index.js';
export { type ModelAndWeightsConfig, modelFromJSON } from './layers/from-objects.js';
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
export type { MetricGiven, MetricsGiven, StatefulMetric } from './layers/measures.js';
export { type AtArgs, type AUCArgs, type CrossentropyArgs, type F1ScoreArgs, type MeanIoUArgs, type Metric, type MetricArgs, metrics, type PrecisionArgs, type ThresholdsArgs } from './metrics/index.js';
export type { LearningRateSweep, LearningRateSweepArgs } from './layers/ready/finder.js';
export * as node from './node.js';

/** `tf.train`. */
export const train = { ...optimizers, findLearningRate };

/** `tf.models`. */
export const models = { modelFromJSON };

try {
  await withPageEvents(ready());
} catch {
  // Reported by the first operation, and by whoever awaits ready().
}
