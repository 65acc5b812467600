// Builds the demo into dist/, a folder that can be served from any path. With --tests it bundles the
// unit tests instead. DIST names another output folder.
import { build } from 'esbuild';
import { cp, mkdir, readdir, rm } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = dirname(fileURLToPath(import.meta.url));
const dist = process.env.DIST ?? join(here, 'dist');
const assets = join(here, '../assets');

const common = {
  bundle: true,
  format: 'esm',
  target: 'es2022',
  logLevel: 'warning',
};

async function buildTests() {
  const outdir = join(here, 'node_modules/.cache/tests');
  await rm(outdir, { recursive: true, force: true });
  const files = await readdir(join(here, 'test'));
  const entryPoints = files.filter((file) => file.endsWith('.test.ts')).map((file) => join(here, 'test', file));
  await build({ ...common, entryPoints, outdir, platform: 'node' });
}

async function buildPage() {
  await rm(dist, { recursive: true, force: true });
  await mkdir(join(dist, 'assets'), { recursive: true });
  await build({
    ...common,
    entryPoints: [join(here, 'src/page.ts'), join(here, 'src/worker.ts')],
    outdir: dist,
    // Reached in Node only.
    external: ['node:*'],
    splitting: true,
    minify: true,
    sourcemap: true,
    chunkNames: 'chunk-[hash]',
  });
  for (const file of ['index.html', 'icon.svg']) await cp(join(here, 'src', file), join(dist, file));
  await copyEngine();
  for (const asset of ['mobilenet_v2_uint8', 'gestures.mjpeg']) {
    const from = join(assets, asset);
    if (!existsSync(from)) throw new Error(`${from} is missing: run \`cargo xtask assets\` first.`);
    await cp(from, join(dist, 'assets', asset), { recursive: true });
  }
}

/** The engine's WebAssembly files are fetched at run time, from beside the script that asks for them. */
async function copyEngine() {
  const filter = (path) => !/\.d\.ts$|\/\.[^/]*$/.test(path);
  await cp(join(here, 'node_modules/headwater/dist/wasm'), join(dist, 'wasm'), { recursive: true, filter });
}

if (process.argv.includes('--tests')) await buildTests();
else await buildPage();
