// Builds dist/: the bundled module, its types. The WebAssembly in dist/wasm is left as it is.
import { execFileSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

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
for (const [entry, script] of [['index', 'headwater'], ['lean', 'headwater.lean']]) {
  const entryPoints = [path(`src/${entry}.ts`)];
  await build({ ...common, entryPoints, outfile: path(`dist/${entry}.js`) });
  await build({ ...common, entryPoints, outfile: path(`dist/${script}.min.js`), minify: true });
}

// What is beside the package rather than in it: `files` are the names of modules that are imported, not bundled.
const beside = (files) => ({
  name: 'beside',
  setup: ({ onResolve }) => onResolve({ filter: /\/index\.js$/ }, ({ path: name }) => ({ path: files[name], external: true })),
});
for (const [min, whole] of [['', 'index.js'], ['.min', 'headwater.min.js']]) {
  const [worker, script] = [`worker${min}.js`, `headwater.worker${min}.js`];
  const options = { ...common, minify: min !== '', plugins: [beside({ '../index.js': `./${whole}`, './index.js': `./${worker}` })], define: { SCRIPT: JSON.stringify(`./${script}`) } };
  await build({ ...options, entryPoints: [path('src/worker/index.ts')], outfile: path(`dist/${worker}`) });
  await build({ ...options, entryPoints: [path('src/worker/script.ts')], outfile: path(`dist/${script}`) });
}
