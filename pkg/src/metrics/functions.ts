/** Losses and metrics of models by name: functions with one value per sample. */

import { run1, type Tensor } from '../tensor.js';

/** A function of targets and predictions with one value per sample. */
export type LossOrMetricFn = (yTrue: Tensor, yPred: Tensor) => Tensor;

/** The module's operation behind a loss or metric name. */
export function named(kind: 'loss' | 'metric', name: string): LossOrMetricFn {
  const fn: LossOrMetricFn = (yTrue, yPred) => run1(`${kind}/${name}`, [yTrue, yPred]);
  // Logs call a metric by its name.
  return Object.defineProperty(fn, 'name', { value: name });
}

const METRIC_NAMES = ['binaryAccuracy', 'categoricalAccuracy', 'sparseCategoricalAccuracy', 'precision', 'recall'] as const;
const LOSS_NAMES = [
  'binaryCrossentropy', 'categoricalCrossentropy', 'cosineProximity', 'meanAbsoluteError', 'meanAbsolutePercentageError', 'meanSquaredError',
] as const;

function table<T extends string>(kind: 'loss' | 'metric', names: readonly T[]): Record<T, LossOrMetricFn> {
  return Object.fromEntries(names.map((name) => [name, named(kind, name)])) as Record<T, LossOrMetricFn>;
}

/** `tf.metrics`, as TensorFlow.js has it. */
export const metrics = {
  ...table('metric', METRIC_NAMES),
  ...table('loss', LOSS_NAMES),
  mse: named('loss', 'meanSquaredError'),
  MSE: named('loss', 'meanSquaredError'),
  mape: named('loss', 'meanAbsolutePercentageError'),
  MAPE: named('loss', 'meanAbsolutePercentageError'),
};
