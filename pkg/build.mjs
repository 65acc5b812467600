// Builds dist/: the bundled module, its types. The WebAssembly in dist/wasm is left as it is.
import { execFileSync } from 'node:child_process';
import { rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { minify } from 'terser';

const here = dirname(fileURLToPath(import.meta.url));
const path = (name) => join(here, name);

rmSync(path('dist/types'), { recursive: true, force: true });
const tsc = join(dirname(createRequire(import.meta.url).resolve('typescript/package.json')), 'bin/tsc');
execFileSync(process.execPath, [tsc, '--emitDeclarationOnly'], { cwd: here, stdio: 'inherit' });

const common = {
  bundle: true,
  format: 'esm',
  target: 'es2022',
  // The module runs in Node too, where it reads its files from disk.
  external: ['node:*'],
  logLevel: 'warning',
};

/** Bundles without what only people read. terser's names repeat more than esbuild's: 3 % less to download. */
async function buildMinified(options) {
  const { outputFiles } = await build({ ...options, minify: true, write: false });
  for (const { path: file, text } of outputFiles) {
    const { code } = await minify(text, { module: true, ecma: 2020, compress: { passes: 3 } });
    writeFileSync(file, code);
  }
}

for (const [entry, script] of [['index', 'headwater'], ['core', 'headwater.core'], ['lean', 'headwater.lean']]) {
  const entryPoints = [path(`src/${entry}.ts`)];
  await build({ ...common, entryPoints, outfile: path(`dist/${entry}.js`) });
  await buildMinified({ ...common, entryPoints, outfile: path(`dist/${script}.min.js`) });
}

// What is beside the package rather than in it: `files` are the names of modules that are imported, not bundled.
const beside = (files) => ({
  name: 'beside',
  setup: ({ onResolve }) => onResolve({ filter: /\/index\.js$/ }, ({ path: name }) => ({ path: files[name], external: true })),
});
for (const [min, whole, make] of [['', 'index.js', build], ['.min', 'headwater.min.js', buildMinified]]) {
  const [worker, script] = [`worker${min}.js`, `headwater.worker${min}.js`];
  const options = { ...common, plugins: [beside({ '../index.js': `./${whole}`, './index.js': `./${worker}` })], define: { SCRIPT: JSON.stringify(`./${script}`) } };
  await make({ ...options, entryPoints: [path('src/worker/index.ts')], outfile: path(`dist/${worker}`) });
  await make({ ...options, entryPoints: [path('src/worker/script.ts')], outfile: path(`dist/${script}`) });
}
