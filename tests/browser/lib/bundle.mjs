// Bundles the application as its author would: esbuild, and the package's WebAssembly copied beside the scripts.
import { cp, rm } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const path = (name) => fileURLToPath(new URL(`../${name}`, import.meta.url));

/** Bundles scripts of `app/` into a folder of their own: tests may run at the same time. */
export async function bundle(folder, names) {
  const out = path(`.build/${folder}`);
  await rm(out, { recursive: true, force: true });
  await build({
    entryPoints: names.map((name) => path(`app/${name}.js`)),
    outdir: out,
    bundle: true,
    minify: true,
    splitting: true,
    format: 'esm',
    target: 'es2022',
    logLevel: 'warning',
  });
  await cp(path('../../pkg/dist/wasm'), `${out}/wasm`, { recursive: true });
}
