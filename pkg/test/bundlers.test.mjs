// What bundlers of pages need of the package's files. The pages themselves are tests/browser.
import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build } from 'esbuild';

const dist = new URL('../dist/', import.meta.url);
const SCRIPTS = ['index', 'lean', 'worker', 'headwater.worker'];
const textOf = (name) => readFileSync(new URL(`${name}.js`, dist), 'utf8');

test('bundlers find the files of every build', () => {
  for (const [name, edition] of [['index', ''], ['lean', 'lean/']]) {
    const urls = [...textOf(name).matchAll(/new URL\("(\.\/[^"]+)", import\.meta\.url\)/g)].map(([, url]) => url);
    const builds = ['simd', 'simd-threads', 'relaxed-simd', 'relaxed-simd-threads'];
    const expected = builds.flatMap((variant) => ['.js', '_bg.wasm'].map((end) => `./wasm/${edition}${variant}/headwater_web${end}`));
    assert.deepEqual(urls.sort(), expected.sort());
    // A quick build leaves some out.
    for (const url of urls) assert.equal(existsSync(new URL(url, dist)), existsSync(new URL('.', new URL(url, dist))), url);
  }
  // In one expression with the worker: webpack and Vite look for that.
  const scripts = [...textOf('worker').matchAll(/new URL\("([^"]+)", import\.meta\.url\)/g)].map(([, url]) => url);
  assert.deepEqual(scripts, ['./headwater.worker.js']);
  assert.match(textOf('worker'), /new Worker\(new URL\("\.\/headwater\.worker\.js", import\.meta\.url\), \{ type: "module"/);
});

test('no bundler of a page is shown the modules of Node', () => {
  for (const name of SCRIPTS) {
    assert.doesNotMatch(textOf(name), /^(?!.*source = `).*import\(\s*["'`]node:\w/m, name);
    for (const [, inside] of textOf(name).matchAll(/\bimport\(([^)]*)\)/g)) assert.match(inside, /webpackIgnore: true|^"\.\/|^'node:worker_threads'|^data\.glueUrl|^workerData\.glueUrl/, `${name}: ${inside}`);
  }
});

test('a bundle keeps what the package does when it is loaded', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'headwater-'));
  globalThis.headwater = { wasmPath: new URL('wasm', dist).href };
  try {
    for (const entry of ['index', 'lean']) {
      const outfile = join(folder, `${entry}.js`);
      const contents = `import { layers, ones, sequential } from ${JSON.stringify(fileURLToPath(new URL(`${entry}.js`, dist)))};
        const model = sequential({ layers: [layers.dense({ units: 1, inputShape: [2] })] });
        model.compile({ optimizer: 'adam', loss: 'meanSquaredError' });
        export const { history } = await model.fit(ones([4, 2]).add(1), ones([4, 1]), { epochs: 2 });`;
      const { warnings } = await build({ stdin: { contents, resolveDir: folder }, bundle: true, minify: true, format: 'esm', target: 'es2022', platform: 'browser', outfile, logLevel: 'silent' });
      assert.deepEqual(warnings, []);
      const { history } = await import(pathToFileURL(outfile).href);
      assert.ok(history.loss[1] !== history.loss[0] && history.loss.every(Number.isFinite));
    }
  } finally {
    delete globalThis.headwater;
    rmSync(folder, { recursive: true });
  }
});
