/** What models are stored with. */

export {
  browserFiles, copyModel, fromMemory, fromMemorySync, getLoadHandlers, getSaveHandlers, moveModel, registerLoadRouter, registerSaveRouter, withSaveHandler, withSaveHandlerSync,
} from './handlers.js';
export { browserHTTPRequest, http, isHTTPScheme } from './http.js';
export { listModels, removeModel } from './stores.js';
export type * from './types.js';
export { concatenateArrayBuffers } from './buffers.js';
export { decodeWeights, encodeWeights } from './weights.js';
export { getModelArtifactsInfoForJSON } from './artifacts.js';
