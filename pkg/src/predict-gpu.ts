/** As `predict.ts`, with both engines. */

export * from './predict.js';
export { setBackend } from './runtime.js';
