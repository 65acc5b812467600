export { Callback, callbacks, type CustomCallbackArgs, EarlyStopping, History, type Logs } from './callbacks.js';
export { Serialized } from './config.js';
export { Container, type ContainerArgs } from './container.js';
export { constraints, initializers, layers, regularizers } from './factories.js';
export { input, InputLayer, Layer, type LayerArgs, LayerVariable, setSeed, type SymbolicShape, SymbolicTensor } from './layer.js';
export { loadLayersModel, modelFromJSON } from './load.js';
export { LayersModel, model, type ModelCompileArgs, type ModelEvaluateArgs, type ModelFitArgs } from './model.js';
export { InputSpec, type InputSpecConfig } from './spec.js';
export { Sequential, sequential } from './sequential.js';
