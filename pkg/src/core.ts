/**
 * Every operation of the package, on both engines, with gradients, transforms and optimizers, and no layers: what
 * `@tensorflow/tfjs-core` offers, and the operations beyond it. The names are those of the whole package.
 */

import { withPageEvents } from './page-events.js';
import { ready } from './runtime.js';
import { installOperations } from './surface.js';
import { settings } from './wasm.js';

installOperations();
settings.edition = 'core/';
settings.files = () => ({
  'core/simd': [new URL('./wasm/core/simd/headwater_web.js', import.meta.url), new URL('./wasm/core/simd/headwater_web_bg.wasm', import.meta.url)],
  'core/simd-threads': [new URL('./wasm/core/simd-threads/headwater_web.js', import.meta.url), new URL('./wasm/core/simd-threads/headwater_web_bg.wasm', import.meta.url)],
  'core/relaxed-simd': [new URL('./wasm/core/relaxed-simd/headwater_web.js', import.meta.url), new URL('./wasm/core/relaxed-simd/headwater_web_bg.wasm', import.meta.url)],
  'core/relaxed-simd-threads': [new URL('./wasm/core/relaxed-simd-threads/headwater_web.js', import.meta.url), new URL('./wasm/core/relaxed-simd-threads/headwater_web_bg.wasm', import.meta.url)],
});

export { train } from './optimizers/more.js';
export * from './surface.js';

try {
  await withPageEvents(ready());
} catch {
  // Reported by the first operation, and by whoever awaits ready().
}
