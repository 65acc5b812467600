export {
  type BatchData, type BatchGradients, type BatchLoss, Callback, callbacks, type CustomCallbackArgs, EarlyStopping, History, type Logs, type Moment, type State, type Verdict,
} from './callbacks.js';
export { Serialized } from './config.js';
export { Container, type ContainerArgs } from './container.js';
export { constraints, initializers, layers, regularizers } from './factories.js';
export { input, InputLayer } from './input.js';
export { Layer, type LayerArgs } from './layer.js';
export { type SymbolicShape, SymbolicTensor } from './symbolic.js';
export type { Constraint, Initializer, Regularizer } from './rules.js';
export { LayerVariable } from './variable.js';
export { currentSeed as getSeed, setSeed } from '../random.js';
export { loadLayersModel, modelFromJSON } from './load.js';
export { LayersModel, model, type ModelCompileArgs, type ModelEvaluateArgs, type ModelFitArgs } from './model.js';
export type { ClassWeight, ClassWeights } from './samples.js';
export type { Run } from './training.js';
export { Sequential, sequential } from './sequential.js';
