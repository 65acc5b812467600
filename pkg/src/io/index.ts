export { fileSystem } from './files.js';
export * from './handlers.js';
export { browserHTTPRequest, http, isHTTPScheme, loadWeights, weightsLoaderFactory } from './http.js';
export { listModels, removeModel } from './stores.js';
export type * from './types.js';
export * from './buffers.js';
export { decodeWeights, decodeWeightsStream, encodeWeights, getFloat16Decoder } from './weights.js';
export { getModelArtifactsForJSON, getModelArtifactsForJSONSync, getModelArtifactsInfoForJSON, getModelJSONForModelArtifacts, getWeightSpecs } from './artifacts.js';
