// Bundles the application as its author would: esbuild, and the package's WebAssembly copied beside the scripts.
import { cp, rm } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const path = (name) => fileURLToPath(new URL(`../${name}`, import.meta.url));

export async function bundle() {
  await rm(path('.build'), { recursive: true, force: true });
  await build({
    entryPoints: ['bundled', 'worker', 'bundled-training', 'own-worker'].map((name) => path(`app/${name}.js`)),
    outdir: path('.build'),
    bundle: true,
    minify: true,
    splitting: true,
    format: 'esm',
    target: 'es2022',
    external: ['node:*'],
    logLevel: 'warning',
  });
  await cp(path('../../pkg/dist/wasm'), path('.build/wasm'), { recursive: true });
}
