// Threads in Node.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { test } from 'node:test';
import { promisify } from 'node:util';
import * as tf from '../dist/index.js';

const BUILT = existsSync(new URL('../dist/wasm/simd-threads/headwater_web_bg.wasm', import.meta.url));

test('Node computes on all processors, where the build with threads is there (3830)', () => {
  const { threads, threadsReason, variant } = tf.backendInfo();
  // Left out by a quick build only.
  if (!BUILT) assert.ok(!process.env.HEADWATER_TEST_ALL, 'dist/wasm/simd-threads is missing');
  const wanted = BUILT ? Math.min(8, availableParallelism()) : 1;
  assert.equal(threads, wanted);
  assert.equal(variant, wanted > 1 ? 'simd-threads' : 'simd');
  assert.equal(threadsReason === '', wanted > 1, threadsReason);
});

test('a product is right on any number of threads', () => {
  const n = 200;
  const [a, b] = [1, 2].map((seed) => tf.randomNormal([n, n], 0, 1, 'float32', seed));
  const [x, y, z] = [a, b, tf.matMul(a, b)].map((t) => t.dataSync());
  for (const [i, j] of [[0, 0], [17, 199], [199, 3], [101, 100]]) {
    let wanted = 0;
    for (let k = 0; k < n; k++) wanted += x[i * n + k] * y[k * n + j];
    assert.ok(Math.abs(z[i * n + j] - wanted) < 1e-3, `element ${i}, ${j}: ${z[i * n + j]}, expected ${wanted}`);
  }
});

test('what threads share may be more than a gigabyte', { skip: !BUILT }, () => {
  // TensorFlow.js's simple-object-detection holds its images in memory.
  const parts = Array.from({ length: 18 }, (_, i) => tf.fill([16 * 2 ** 20], i));
  assert.deepEqual(parts.map((part) => part.max().dataSync()[0]), parts.map((_, i) => i));
  tf.dispose(parts);
});

test('waiting threads do not keep a program alive', async () => {
  const script = `import * as tf from ${JSON.stringify(new URL('../dist/index.js', import.meta.url).href)}; await new Promise((resolve) => setTimeout(resolve, 100)); console.log(tf.ones([64, 64]).matMul(tf.ones([64, 64])).sum().dataSync()[0]);`;
  // Several times: threads may still be starting when the program ends, and what they throw must not end it.
  for (let i = 0; i < 5; i++) {
    const { stdout, stderr } = await promisify(execFile)(process.execPath, ['--input-type=module', '--eval', script], { timeout: 30_000 });
    assert.deepEqual([stdout.trim(), stderr], [String(64 ** 3), '']);
  }
});

test('a program says where the files are and how many threads it wants before it imports the package (8513)', async () => {
  const script = `globalThis.headwater = { threads: 1, wasmPath: ${JSON.stringify(new URL('../dist/wasm', import.meta.url).href)} };
    const tf = await import(${JSON.stringify(new URL('../dist/index.js', import.meta.url).href)});
    tf.setThreadsCount(3);
    console.log(JSON.stringify([tf.backendInfo().threads, tf.backendInfo().threadsReason, tf.scalar(2).square().dataSync()[0]]));`;
  const { stdout, stderr } = await promisify(execFile)(process.execPath, ['--input-type=module', '--eval', script], { timeout: 30_000 });
  assert.deepEqual(JSON.parse(stdout), [1, 'one thread was asked for', 4]);
  assert.match(stderr, /setThreadsCount\(\) came after the engine was started/);
});
