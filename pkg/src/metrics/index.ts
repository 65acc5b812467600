/** `tf.metrics`: TensorFlow.js's functions of a batch, and Keras's objects, which keep a state over batches. */

import { installMeasures } from '../layers/measures.js';
import { mean, sum } from '../ops/reduce.js';
import { div, square, sub } from '../ops/pointwise.js';
import { SerializationMap } from '../serialization.js';
import { Tensor, tidy } from '../tensor.js';
import { type LossOrMetricFn, metrics as functions } from './functions.js';
import { StatefulMeasures, storedMetric } from './measures.js';
import { Metric, type MetricArgs } from './metric.js';
import { MeanMetricWrapper, ModuleMetric } from './module.js';

/** A number, or one for each of several results, from 0 to 1. */
type Thresholds = number | readonly number[] | null;

interface AxisArgs extends MetricArgs {
  /** The axis of the classes or the elements; the last by default. */
  axis?: number;
}

export interface CrossentropyArgs extends MetricArgs {
  /** Whether predictions are logits. */
  fromLogits?: boolean;
  /** How far targets are moved towards all classes alike, from 0 to 1; 0 by default. */
  labelSmoothing?: number;
}

export interface ThresholdsArgs extends MetricArgs {
  /** What predictions must be above to be positive, 0.5 by default. */
  thresholds?: Thresholds;
}

export interface PrecisionArgs extends ThresholdsArgs {
  /** Only so many of the most probable classes count as predicted. */
  topK?: number | null;
  /** The only class that counts. */
  classId?: number | null;
}

export interface AtArgs extends MetricArgs {
  /** Thresholds that are tried, at equal distances; 200 by default. */
  numThresholds?: number;
  classId?: number | null;
}

export interface AUCArgs extends MetricArgs {
  /** Thresholds at equal distances; 200 by default. */
  numThresholds?: number;
  /** 'ROC' by default: true by false positive rates; 'PR': precision by recall; 'PRGAIN': their gains. */
  curve?: 'ROC' | 'PR' | 'PRGAIN';
  /** 'interpolation' by default. */
  summationMethod?: 'interpolation' | 'minoring' | 'majoring';
  /** Thresholds between 0 and 1 instead of `numThresholds`. */
  thresholds?: readonly number[] | null;
  /** Whether each label has an area of its own, of which the mean is taken. */
  multiLabel?: boolean;
  numLabels?: number | null;
  labelWeights?: readonly number[] | null;
  fromLogits?: boolean;
}

export interface F1ScoreArgs extends MetricArgs {
  /** How classes become one number; null, the default, gives one for each. */
  average?: 'micro' | 'macro' | 'weighted' | null;
  /** What a prediction must be above; null, the default, takes the most probable class. */
  threshold?: number | null;
}

interface OneHotIoUArgs extends AxisArgs {
  numClasses: number;
  /** A class whose targets do not count. */
  ignoreClass?: number | null;
  /** Whether predictions are class numbers rather than one score for each class. */
  sparseYPred?: boolean;
}

export interface MeanIoUArgs extends OneHotIoUArgs {
  /** Whether targets are class numbers, true by default. */
  sparseYTrue?: boolean;
}

interface TargetClasses {
  /** The classes whose mean is taken. */
  targetClassIds: readonly number[];
}

/** What classes take beside a name. */
interface ArgsOf {
  CosineSimilarity: AxisArgs;
  PearsonCorrelation: AxisArgs;
  ConcordanceCorrelation: AxisArgs;
  BinaryCrossentropy: CrossentropyArgs;
  CategoricalCrossentropy: CrossentropyArgs & AxisArgs;
  SparseCategoricalCrossentropy: AxisArgs & { fromLogits?: boolean; ignoreClass?: number | null };
  BinaryAccuracy: MetricArgs & { threshold?: number };
  TopKCategoricalAccuracy: MetricArgs & { k?: number };
  SparseTopKCategoricalAccuracy: MetricArgs & { k?: number; fromSortedIds?: boolean };
  TruePositives: ThresholdsArgs;
  FalsePositives: ThresholdsArgs;
  TrueNegatives: ThresholdsArgs;
  FalseNegatives: ThresholdsArgs;
  Precision: PrecisionArgs;
  Recall: PrecisionArgs;
  SensitivityAtSpecificity: AtArgs & { specificity: number };
  SpecificityAtSensitivity: AtArgs & { sensitivity: number };
  PrecisionAtRecall: AtArgs & { recall: number };
  RecallAtPrecision: AtArgs & { precision: number };
  AUC: AUCArgs;
  F1Score: F1ScoreArgs;
  FBetaScore: F1ScoreArgs & { beta?: number };
  IoU: MeanIoUArgs & TargetClasses;
  MeanIoU: MeanIoUArgs;
  OneHotIoU: OneHotIoUArgs & TargetClasses;
  OneHotMeanIoU: OneHotIoUArgs;
  BinaryIoU: MetricArgs & Partial<TargetClasses> & { threshold?: number };
  R2Score: MetricArgs & { classAggregation?: 'uniform_average' | 'variance_weighted_average' | null; numRegressors?: number };
}

const NAMES = [
  'Mean', 'Sum', 'MeanSquaredError', 'RootMeanSquaredError', 'MeanAbsoluteError', 'MeanAbsolutePercentageError', 'MeanSquaredLogarithmicError',
  'LogCoshError', 'Hinge', 'SquaredHinge', 'CategoricalHinge', 'KLDivergence', 'Poisson', 'CosineSimilarity', 'PearsonCorrelation',
  'ConcordanceCorrelation', 'BinaryCrossentropy', 'CategoricalCrossentropy', 'SparseCategoricalCrossentropy', 'Accuracy', 'BinaryAccuracy',
  'CategoricalAccuracy', 'SparseCategoricalAccuracy', 'TopKCategoricalAccuracy', 'SparseTopKCategoricalAccuracy', 'TruePositives',
  'FalsePositives', 'TrueNegatives', 'FalseNegatives', 'Precision', 'Recall', 'SensitivityAtSpecificity', 'SpecificityAtSensitivity',
  'PrecisionAtRecall', 'RecallAtPrecision', 'AUC', 'F1Score', 'FBetaScore', 'IoU', 'MeanIoU', 'OneHotIoU', 'OneHotMeanIoU', 'BinaryIoU', 'R2Score',
] as const;
type Name = (typeof NAMES)[number];
type Args<N extends Name> = N extends keyof ArgsOf ? ArgsOf[N] : MetricArgs;
/** Arguments, which may be left out where none must be there. */
type Given<A> = object extends A ? [args?: A] : [args: A];
type Classes = { [N in Name]: { new (...args: Given<Args<N>>): ModuleMetric; readonly className: N } };

const classes = Object.fromEntries(
  NAMES.map((name) => {
    const made = class extends ModuleMetric {
      static override className: string = name;
      constructor(args?: object) {
        super(name, args);
      }
    };
    return [name, Object.defineProperty(made, 'name', { value: name })];
  }),
) as unknown as Classes;

/** `auc` for `AUC`, `klDivergence` for `KLDivergence`. */
type Factory<N extends string> = N extends 'AUC' ? 'auc' : N extends 'KLDivergence' ? 'klDivergence' : Uncapitalize<N>;
const factoryName = (name: string): string => name.replace(/^[A-Z]+(?=[A-Z][a-z])|^[A-Z]+/, (start) => start.toLowerCase());
type Factories = { [N in Name as Factory<N>]: (...args: Given<Args<N>>) => ModuleMetric };

/** The coefficient of determination of a batch. */
const r2Score: LossOrMetricFn = (yTrue, yPred) => tidy(() => sub(1, div(sum(square(sub(yTrue, yPred))), sum(square(sub(yTrue, mean(yTrue)))))));

const ofBatches: Record<string, LossOrMetricFn> = { ...functions, r2Score };

/** A factory; where TensorFlow.js has a function of that name, tensors are given to it. */
function factory(name: Name): unknown {
  const fn = ofBatches[factoryName(name)];
  const made = (...args: unknown[]): unknown => (fn !== undefined && args[0] instanceof Tensor ? fn(args[0], args[1] as Tensor) : new classes[name](args[0] as never));
  return Object.defineProperty(made, 'name', { value: factoryName(name) });
}

const factories = Object.fromEntries(NAMES.map((name) => [factoryName(name), factory(name)])) as unknown as Factories & typeof functions & { r2Score: LossOrMetricFn };

/**
 * `tf.metrics`. Under Keras's names are classes, as in `new tf.metrics.AUC({ curve: 'PR' })`; under names that begin with a small
 * letter, functions that make their objects, as `tf.metrics.auc({ curve: 'PR' })`. Those that TensorFlow.js has are its functions
 * when they are called with tensors: `tf.metrics.precision(yTrue, yPred)`.
 */
export const metrics = { ...functions, ...factories, ...classes, Metric, MeanMetricWrapper };

/** Lets models know metrics by their names, and keep the state of those that are functions. */
export function installMetrics(): void {
  installMeasures({
    of: (...args) => new StatefulMeasures(...args),
    stored: storedMetric,
    restored: (className, config) => {
      const [custom, fromConfig] = SerializationMap.getMap().classNameMap[className] ?? [];
      if (custom === undefined) return new ModuleMetric(className, config);
      return (fromConfig === undefined ? new custom(config) : custom.fromConfig?.(custom, config)) as Metric;
    },
  });
}
export type { Metric, MetricArgs };
