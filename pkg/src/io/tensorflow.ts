/** `tf.io` as TensorFlow.js has it. */

export * from './core.js';
export * from './buffers.js';
export { download } from './handlers.js';
export { loadWeights, weightsLoaderFactory } from './loader.js';
export { decodeWeightsStream } from './stream.js';
export { getFloat16Decoder } from './weights.js';
export { getModelArtifactsForJSON, getModelArtifactsForJSONSync, getModelJSONForModelArtifacts, getWeightSpecs } from './artifacts.js';
