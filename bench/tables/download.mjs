// What a page has to load to run a network, with gzip.
import { readFile } from 'node:fs/promises';
import { gzipSync } from 'node:zlib';

const NPM = 'bench/node_modules/';
const ENTRIES = 'bench/.build/entries/';
const ORT = `${NPM}onnxruntime-web/dist/`;
const LITERT = `${NPM}@litertjs/core/wasm/`;
const TFJS = `${NPM}@tensorflow/tfjs-backend-wasm/dist/`;
const engine = (variant) => [
  `pkg/dist/wasm/${variant}/headwater_web.js`,
  `pkg/dist/wasm/${variant}/headwater_web_bg.wasm`,
];

const DOWNLOADS = {
  'headwater, one thread': [`${ENTRIES}headwater.js`, ...engine('relaxed-simd')],
  'headwater, threads': [`${ENTRIES}headwater.js`, ...engine('relaxed-simd-threads')],
  'TensorFlow.js, layers and WebAssembly': [`${ENTRIES}tfjs.js`, `${TFJS}tfjs-backend-wasm-threaded-simd.wasm`],
  'onnxruntime-web, WebAssembly': [`${ORT}ort.wasm.min.mjs`, `${ORT}ort-wasm-simd-threaded.mjs`, `${ORT}ort-wasm-simd-threaded.wasm`],
  'LiteRT.js, threads': [`${ENTRIES}litert.js`, `${LITERT}litert_wasm_threaded_internal.js`, `${LITERT}litert_wasm_threaded_internal.wasm`],
  'jax-js': [`${ENTRIES}jax.js`],
};

export async function download({ root }) {
  const rows = {};
  console.log('\nDownload (kB)'.padEnd(44), 'raw'.padStart(10), 'gzip'.padStart(10));
  for (const [name, files] of Object.entries(DOWNLOADS)) {
    try {
      const contents = await Promise.all(files.map((file) => readFile(new URL(file, root))));
      const raw = contents.reduce((sum, { length }) => sum + length, 0);
      const gzip = contents.reduce((sum, content) => sum + gzipSync(content, { level: 9 }).length, 0);
      rows[name] = { raw, gzip };
      console.log(name.padEnd(43), (raw / 1000).toFixed(0).padStart(10), (gzip / 1000).toFixed(0).padStart(10));
    } catch (error) {
      rows[name] = { failure: error.message };
      console.log(name.padEnd(43), error.message);
    }
  }
  return rows;
}
