// Bundles an adapter for each library, and each library by itself to be weighed.
import { cp, rm } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const here = fileURLToPath(new URL('.', import.meta.url));
const LIBRARIES = ['headwater', 'tfjs', 'ort', 'litert', 'jax'];
/** What an application that loads a model and trains imports; onnxruntime-web ships its own bundle. */
const ENTRIES = {
  headwater: `export * from 'headwater';`,
  tfjs: `export * from '@tensorflow/tfjs'; export * as wasm from '@tensorflow/tfjs-backend-wasm';`,
  litert: `export * from '@litertjs/core';`,
  jax: `export * from '@jax-js/jax';`,
};

const common = {
  bundle: true,
  minify: true,
  format: 'esm',
  target: 'es2022',
  logLevel: 'error',
  absWorkingDir: here,
  // Libraries that also run in Node name its modules.
  external: ['fs', 'fs/promises', 'path', 'url', 'util', 'os', 'crypto', 'worker_threads', 'node:*', 'perf_hooks', '/bench/*'],
};

/** @returns {Promise<Record<string, string>>} what failed to build, by library */
export async function bundle() {
  await rm(new URL('.build', import.meta.url), { recursive: true, force: true });
  const failures = {};
  for (const library of LIBRARIES) {
    try {
      await build({ ...common, entryPoints: [`www/adapters/${library}.js`], outdir: '.build/adapters' });
      if (ENTRIES[library] === undefined) continue;
      const stdin = { contents: ENTRIES[library], resolveDir: here };
      await build({ ...common, stdin, outfile: `.build/entries/${library}.js` });
    } catch (error) {
      failures[library] = error.message;
    }
  }
  // The package fetches its WebAssembly from beside the script that asks for it.
  await cp(new URL('../pkg/dist/wasm', import.meta.url), new URL('.build/adapters/wasm', import.meta.url), {
    recursive: true,
  }).catch((error) => (failures.headwater ??= error.message));
  return failures;
}
