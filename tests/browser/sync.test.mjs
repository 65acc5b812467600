// Values read from WebGPU at once, in a page and in a worker; and buffers that go to the GPU's engine and come from it.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CANVASES, reportOf } from './lib/browser.mjs';
import { siteOf } from './lib/site.mjs';

const site = await siteOf(CANVASES);

const NUMBERS = [0, 2, 4, 6];
const VALUES = {
  float32: ['Float32Array', NUMBERS],
  int32: ['Int32Array', NUMBERS],
  bool: ['Uint8Array', [0, 1, 1, 1]],
  float16: ['Float32Array', NUMBERS],
  bfloat16: ['Float32Array', NUMBERS],
  uint8: ['Uint8Array', NUMBERS],
  int8: ['Int8Array', NUMBERS],
  uint32: ['Uint32Array', NUMBERS],
  complex64: [2, -1, 3, -2, 4, -3, 5, -4],
  scalar: 10,
  parameter: 2.5,
  empty: [],
  array: [[7, 10], [15, 22]],
  text: 'Tensor\n    [[2, 3],\n     [4, 5]]',
  buffer: 4,
};

const HOST_OPS = {
  unique: [[2, 3, 5], [0, 0, 1, 2, 2]],
  nms: [0, 2],
  mask: [3, 5, 5],
  where: [[2], [3], [4]],
  broadcast: [2, 3],
  sparse: [[[0, 0], [1, 0], [2, 1], [3, 0]], [6, -1, 7, -1]],
  split: ['a', 'b', 'c'],
  grams: ['a|b', 'b|c'],
  printed: ['Tensor\n    [4, 4, 6, 10, 10]'],
};

const BUFFERS = {
  bufSize: 12,
  usage: 0x80 | 0x4 | 0x8,
  copied: [2, 3, 4],
  doubled: [4, 6, 8],
  kept: [2, 3, 4],
  copy: [[3], [4, 6, 8]],
  shared: [[1, 3], [8, 12, 16]],
  after: [16, 24, 32],
  whole: [3],
  ints: [0x41800000, 0x41c00000],
  scalar: [4],
  bool: [0, 1, 1],
  empty: [],
  errors: {
    small: 'GPUBuffer size(12) is smaller than tensor size(16)!',
    usage: 'GPUBuffer.usage should include GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC!',
    shape: 'Tensor must have a shape comprised of positive integers but got shape [-1].',
    odd: 'GPUBuffer size(18) cannot be bound!',
    dtype: "Creating tensor from GPU data only supports 'float32'|'int32' dtype, while the dtype is bool.",
    complex: 'Does not support reading buffer for complex64 dtype.',
    text: 'Data is not on GPU but on CPU.',
    narrow: 'Does not support reading buffer for float16 dtype.',
  },
  disposed: 'Tensor is disposed.',
};

const MISSING = (method) => `'${method}' not yet implemented or not found in the registry. This kernel may not be supported by the tfjs backend you have chosen`;

for (const where of ['page', 'worker']) {
  test(`values are read from WebGPU at once in a ${where}, to the last bit`, async (t) => {
    const report = await reportOf(site.browser, `${site.server.origin}tests/browser/app/sync.html?where=${where}`, 240_000);
    if (report.backend !== 'webgpu') {
      // Chromium brings a software adapter: the full tests insist on it.
      assert.ok(!process.env.HEADWATER_TEST_ALL, report.fallbackReason);
      return t.skip(report.fallbackReason);
    }
    assert.match(report.unasked[0], /await data\(\) instead/);
    assert.deepEqual(report.unasked.slice(1), [3, 3]);
    for (const [name, place] of Object.entries(report.exactness)) assert.equal(place, -1, `${name}: differs at ${place}`);
    assert.ok(Object.keys(report.exactness).length > 20);
    assert.deepEqual(report.values, VALUES);
    assert.equal(report.warnings.length, 1);
    assert.match(report.warnings[0], /await data\(\)/);
    assert.deepEqual(report.hostOps, HOST_OPS);
    assert.deepEqual(report.training.read, report.training.unread);
    assert.equal(new Set(report.training.seen).size, 6, 'the weight after every step');
    assert.deepEqual(report.buffers, BUFFERS);
    assert.match(report.lost.before, /the GPU was lost \(destroyed\)/);
    assert.equal(report.lost.after, 'webgpu engine: received a tensor of another device');
    assert.deepEqual([report.lost.anew, report.lost.goesOn], [true, [2, 2]]);
    assert.deepEqual(report.onCpu, { moved: [2, 4, 6], noDevice: true, toGPU: MISSING('readToGPU'), toTensor: MISSING('createTensorFromGPUData') });
  });
}
