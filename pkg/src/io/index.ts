export * from './handlers.js';
export type * from './types.js';
export { concatenateArrayBuffers, decodeWeights, encodeWeights, getModelArtifactsInfoForJSON } from './weights.js';
