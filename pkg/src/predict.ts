/**
 * What predictions need, under the names of the whole package: models are loaded, pixels become tensors, results are read.
 * The entry of what `cargo xtask build --for MODEL --predict-only` makes.
 */

import { fromPixels } from './browser.js';
import { fromMemory } from './io/handlers.js';
import { http } from './io/http.js';
import * as movement from './ops/movement.js';
import * as pointwise from './ops/pointwise.js';
import * as reduce from './ops/reduce.js';
import { ready } from './runtime.js';
import { scoped } from './tensor.js';

export { scalar, tensor } from './convert.js';
export { loadLayersModel } from './layers/load-predictor.js';
export type { Predictor as LayersModel } from './layers/predictor.js';
export { backendInfo, type BackendInfo, getBackend, ready, setThreadsCount, setWasmPaths } from './runtime.js';
export { dispose, keep, memory, type MemoryInfo, Tensor, tidy } from './tensor.js';
export { version } from './version.js';

/** `tf.browser`. */
export const browser = { fromPixels };

/** `tf.io`. */
export const io = { fromMemory, http };

export { add, div, mul, sub } from './ops/pointwise.js';
export { max, mean } from './ops/reduce.js';
export const argMax = /* @__PURE__ */ scoped(reduce.argMax);
export const cast = /* @__PURE__ */ scoped(pointwise.cast);
export const concat = /* @__PURE__ */ scoped(movement.concat);
export const expandDims = /* @__PURE__ */ scoped(movement.expandDims);
export const reshape = /* @__PURE__ */ scoped(movement.reshape);
export const slice = /* @__PURE__ */ scoped(movement.slice);
export const softmax = /* @__PURE__ */ scoped(reduce.softmax);
export const squeeze = /* @__PURE__ */ scoped(movement.squeeze);
export const stack = /* @__PURE__ */ scoped(movement.stack);
export const topk = /* @__PURE__ */ scoped(movement.topk);

try {
  await ready();
} catch {
  // Reported by the first operation, and by whoever awaits ready().
}
