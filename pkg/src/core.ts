/**
 * Every operation of the package, on both engines, with gradients, transforms and optimizers, and no layers: what
 * `@tensorflow/tfjs-core` offers, and the operations beyond it. The names are those of the whole package.
 */

import { ready } from './runtime.js';
import { installOperations } from './surface.js';
import { settings } from './wasm.js';

installOperations();
settings.edition = 'core/';

export { train } from './optimizers/more.js';
export * from './surface.js';

try {
  await ready();
} catch {
  // Reported by the first operation, and by whoever awaits ready().
}
