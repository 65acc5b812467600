/** `tf.layers`, `tf.initializers`, `tf.regularizers`, `tf.constraints`. */

import { SerializationMap } from '../serialization.js';
import { coded } from '../types.js';
import { type Config, givenOf, toSnake } from './config.js';
import { input, InputLayer } from './input.js';
import { Layer, type LayerArgs } from './layer.js';
import { ModuleLayer } from './module-layer.js';
import { Constraint, Initializer, Regularizer } from './rules.js';

/** Layers that the module has, by TensorFlow.js's factory name. */
const CLASSES = {
  dense: 'Dense', embedding: 'Embedding', activation: 'Activation', dropout: 'Dropout', flatten: 'Flatten', reshape: 'Reshape',
  permute: 'Permute', repeatVector: 'RepeatVector', conv2d: 'Conv2D', depthwiseConv2d: 'DepthwiseConv2D', conv2dTranspose: 'Conv2DTranspose',
  separableConv2d: 'SeparableConv2D', zeroPadding2d: 'ZeroPadding2D', cropping2D: 'Cropping2D', upSampling2d: 'UpSampling2D',
  maxPooling2d: 'MaxPooling2D', maxPool2d: 'MaxPooling2D', averagePooling2d: 'AveragePooling2D', avgPooling2d: 'AveragePooling2D', avgPool2d: 'AveragePooling2D',
  globalAveragePooling2d: 'GlobalAveragePooling2D', globalMaxPooling2d: 'GlobalMaxPooling2D', globalMaxPool2d: 'GlobalMaxPooling2D',
  add: 'Add', subtract: 'Subtract', multiply: 'Multiply', average: 'Average', maximum: 'Maximum', minimum: 'Minimum', concatenate: 'Concatenate',
  batchNormalization: 'BatchNormalization', layerNormalization: 'LayerNormalization', rescaling: 'Rescaling', spatialDropout1d: 'SpatialDropout1D', spatialDropout2d: 'SpatialDropout2D',
  gaussianNoise: 'GaussianNoise', gaussianDropout: 'GaussianDropout', reLU: 'ReLU', leakyReLU: 'LeakyReLU', elu: 'ELU', prelu: 'PReLU',
  softmax: 'Softmax', thresholdedReLU: 'ThresholdedReLU',
} as const;

/** Makers of layers around others, by class name: others may be the module's or written in JavaScript. */
const WRAPPERS = new Map<string, Wrapper>();

type Wrapper = (args?: LayerArgs, keras?: Config) => Layer;

/** Whether a value of a configuration has no layers but the module's. */
function ofModule(value: unknown): boolean {
  if (value instanceof Layer) return value instanceof ModuleLayer;
  if (Array.isArray(value)) return value.every(ofModule);
  const { className, config = {} } = (value ?? {}) as { className?: string; config?: Config };
  if (className === undefined) return true;
  if (!MODULE_CLASSES.has(className) || SerializationMap.getMap().classNameMap[className] !== undefined) return false;
  return ['cell', 'cells', 'layer', 'backwardLayer'].every((key) => ofModule(config[key]));
}

/** A factory of layers around those of `keys`: the module's where it has all of them, `make`'s otherwise. */
export function wrapper(className: string, keys: string[], make: (args: any) => Layer, of: (value: any) => unknown): Wrapper {
  const made: Wrapper = (args = {}, keras) => {
    if (keys.every((key) => ofModule(args[key]))) return new ModuleLayer(className, args, keras);
    const inner = keys.filter((key) => args[key] !== undefined).map((key) => [key, [keras?.[toSnake(key)] ?? args[key]].flat().map(of)] as const);
    return make({ ...args, ...Object.fromEntries(inner.map(([key, value]) => [key, Array.isArray(args[key]) ? value : value[0]])) });
  };
  WRAPPERS.set(className, made);
  return made;
}

type Factories<C> = { [K in keyof C]: (args?: LayerArgs) => Layer };

/** Layers that the module has by class name, and the class that stands for each here. */
const MODULE_CLASSES = new Map<string, typeof ModuleLayer>();

/** Factories of the module's layers by class name, with what TensorFlow.js's default is and Keras's is not. */
export function factoriesOf<C extends Record<string, string>>(classes: C, defaults: Record<string, LayerArgs> = {}, made: Record<string, typeof ModuleLayer> = {}): Factories<C> {
  return Object.fromEntries(
    Object.entries(classes).map(([name, className]) => {
      const Made = made[name] ?? ModuleLayer;
      MODULE_CLASSES.set(className, Made);
      return [name, (args: LayerArgs = {}) => new Made(className, { ...defaults[name], ...args })];
    }),
  ) as unknown as Factories<C>;
}

const factories = factoriesOf(CLASSES);

export const layers = { ...factories, Layer, input, inputLayer: (args: LayerArgs): InputLayer => new InputLayer(args) };

/** The layer of a Keras class name and configuration. */
export function deserializeLayer(className: string, keras: Config, args: LayerArgs): Layer {
  const [custom, fromConfig] = SerializationMap.getMap().classNameMap[className] ?? [];
  if (custom !== undefined) return fromConfig === undefined ? new custom(args) : custom.fromConfig?.(custom, args);
  if (className === 'InputLayer') return new InputLayer(args);
  const wrapped = WRAPPERS.get(className);
  if (wrapped !== undefined) return wrapped(args, keras);
  const Made = MODULE_CLASSES.get(className);
  if (Made === undefined) {
    throw coded(
      'unknown',
      `Unknown layer: ${className}. This may be due to one of the following reasons:\n1. The layer is defined in Python, in which case it needs to be ported to JavaScript.\n2. The custom layer is defined in JavaScript, but is not registered properly with tf.serialization.registerClass().`,
    );
  }
  return new Made(className, args, keras);
}

type Maker<T> = (args?: Config) => T;
type Rule<T> = new (className: string, config: Config) => T;

/** A factory of those of a class name, with what TensorFlow.js's configurations say where nothing is given. */
const maker = <T>(Class: Rule<T>, className: string, defaults: Config = {}): Maker<T> => (args) => {
  if (typeof (args ?? {}) !== 'object') throw coded('argument', `Error in ${className}: expected an object of options, received ${String(args)}`);
  return new Class(className, { ...defaults, ...givenOf(args) });
};

/** Factories by class names, whose first letter is small in theirs. */
const makers = <T, C extends Record<string, Config>>(Class: Rule<T>, classes: C): { [K in keyof C & string as Uncapitalize<K>]: Maker<T> } =>
  Object.fromEntries(Object.entries(classes).map(([name, defaults]) => [(name[0] as string).toLowerCase() + name.slice(1), maker(Class, name, defaults)])) as never;

const normal = { mean: 0, stddev: 0.05 };
export const initializers = makers(Initializer, {
  Zeros: {}, Ones: {}, Constant: {}, RandomUniform: { minval: -0.05, maxval: 0.05 }, RandomNormal: normal, TruncatedNormal: normal, Identity: { gain: 1 },
  VarianceScaling: { scale: 1, mode: 'fanIn', distribution: 'normal' }, GlorotUniform: {}, GlorotNormal: {}, HeNormal: {}, HeUniform: {}, LeCunNormal: {}, LeCunUniform: {}, Orthogonal: { gain: 1 },
});
const [l1, l2] = [{ l1: 0.01 }, { l2: 0.01 }];
export const regularizers = {
  l1l2: maker(Regularizer, 'L1L2', { ...l1, ...l2 }), l1: maker(Regularizer, 'L1', l1), l2: maker(Regularizer, 'L2', l2), orthogonal: maker(Regularizer, 'OrthogonalRegularizer'),
};
const axis = 0;
export const constraints = makers(Constraint, { MaxNorm: { maxValue: 2, axis }, UnitNorm: { axis }, NonNeg: {}, MinMaxNorm: { minValue: 0, maxValue: 1, rate: 1, axis }, RadialConstraint: {} });
