export * from './tensorflow.js';
export { fileSystem } from './files.js';
