// Values that are read from WebGPU at once, and buffers that go to it and come from it.
import * as tf from '/pkg/dist/index.js';

/** Words of every pattern: NaN with payloads, zeros with signs, every byte in every place. */
function patterns(size) {
  const words = new Uint32Array(size);
  for (let i = 0, state = 12345; i < size; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) | 0;
    words[i] = i < 1024 ? (i & 255) << (8 * (i >> 8)) : state ^ (state >>> 15);
  }
  return words;
}

const SPECIAL = [0x00000000, 0x80000000, 0x7f800000, 0xff800000, 0x7fc00001, 0xffffffff, 0x7f800001, 0x00000001, 0x807fffff];

/** Where words read differ from those written; -1 where nowhere. */
const difference = (found, words) => (found.length === words.length ? words.findIndex((word, i) => word !== found[i]) : found.length);

/** More than is kept off the GPU. */
const LARGE = 70_001;

function exactness() {
  const found = {};
  for (const size of [LARGE, 786_431, 786_432, 786_433, 2 * 786_432 + 7]) {
    const words = patterns(size);
    words.set(SPECIAL, size - SPECIAL.length);
    const x = tf.tensor1d(words, 'uint32');
    found[size] = difference(x.dataSync(), words);
    for (const count of size === LARGE ? [1, 2, 3, 4, 5, 767, 768, 769, 1536, 1537] : []) {
      found[`slice ${count}`] = difference(x.slice([1021], [count]).dataSync(), words.slice(1021, 1021 + count));
    }
    const floats = tf.tensor1d(new Float32Array(words.buffer));
    found[`float32 ${size}`] = difference(new Uint32Array(floats.dataSync().buffer), words);
    const ints = tf.tensor1d(new Int32Array(words.buffer), 'int32');
    found[`int32 ${size}`] = difference(new Uint32Array(ints.dataSync().buffer), words);
    tf.dispose([x, floats, ints]);
  }
  return found;
}

/** Sets `console.warn` and `console.log` aside and gives what `f` wrote by one of them. */
async function written(name, f) {
  const before = console[name];
  const lines = [];
  console[name] = (line) => lines.push(line);
  try {
    await f();
  } finally {
    console[name] = before;
  }
  return lines;
}

function values() {
  const x = tf.tensor2d([[1, 2], [3, 4]]);
  const found = {};
  for (const dtype of ['float32', 'int32', 'bool', 'float16', 'bfloat16', 'uint8', 'int8', 'uint32']) {
    const data = x.sub(1).mul(2).cast(dtype).dataSync();
    found[dtype] = [data.constructor.name, [...data]];
  }
  found.complex64 = [...tf.complex(x.add(1), x.neg()).dataSync()];
  found.scalar = x.sum().dataSync()[0];
  found.parameter = tf.scalar(2.5).dataSync()[0];
  found.empty = x.slice([0, 0], [0, 2]).add(1).arraySync();
  found.array = x.matMul(x).arraySync();
  found.text = x.add(1).toString();
  found.buffer = x.add(1).bufferSync().get(1, 0);
  return found;
}

/** A tensor that the GPU computed, and that is nowhere else. */
const computed = (t) => t.mul(1).cast(t.dtype);

async function hostOps() {
  const x = tf.tensor1d([1, 1, 2, 4, 4]).add(1);
  const { values: unique, indices } = tf.unique(x);
  const boxes = tf.tensor2d([[0, 0, 1, 1], [0, 0.1, 1, 1.1], [0, 10, 1, 11]]);
  const filled = tf.sparse.sparseFillEmptyRows(...[[[0, 0], [2, 1]], [6, 7], [4, 3], -1].map((given) => computed(tf.tensor(given, undefined, 'int32'))));
  const grams = tf.string.stringNGrams(tf.tensor1d(['a', 'b', 'c', 'd']), computed(tf.tensor1d([0, 3, 4], 'int32')), '|', [2], '', '', 0, false);
  return {
    unique: [unique.arraySync(), indices.arraySync()],
    nms: tf.image.nonMaxSuppression(computed(boxes), computed(tf.tensor1d([0.9, 0.75, 0.6])), 3, 0.5).arraySync(),
    mask: (await tf.booleanMaskAsync(x, x.greater(2))).arraySync(),
    where: (await tf.whereAsync(x.greater(2))).arraySync(),
    broadcast: tf.broadcastArgs(computed(tf.tensor1d([1, 3], 'int32')), computed(tf.tensor1d([2, 1], 'int32'))).arraySync(),
    sparse: [filled.outputIndices.arraySync(), filled.outputValues.arraySync()],
    split: tf.string.stringSplit(tf.tensor1d(['a b', 'c']), ' ').values.arraySync(),
    grams: grams.nGrams.arraySync(),
    printed: await written('log', () => x.mul(2).print()),
  };
}

/** Values read between the steps of training, which go on. */
async function training() {
  const learn = async (callbacks) => {
    const model = tf.sequential({ layers: [tf.layers.dense({ units: 1, inputShape: [2], kernelInitializer: 'ones' })] });
    model.compile({ optimizer: tf.train.sgd(0.1), loss: 'meanSquaredError' });
    const { history } = await model.fit(tf.tensor2d([[1, 2], [3, 4], [0, 1], [2, 2]]), tf.tensor2d([[1], [2], [3], [4]]), { epochs: 3, batchSize: 2, shuffle: false, verbose: 0, callbacks: callbacks(model) });
    return history.loss;
  };
  const seen = [];
  const read = await learn((model) => ({ onBatchEnd: () => void seen.push(model.getWeights()[0].square().sum().dataSync()[0]) }));
  return { read, unread: await learn(() => ({})), seen };
}

/** A kernel of the page's own, on the engine's device: doubles what a buffer holds. */
function double(buffer) {
  const { device } = tf.backend();
  const code = '@group(0) @binding(0) var<storage, read_write> x: array<f32>; @compute @workgroup_size(1) fn main(@builtin(global_invocation_id) at: vec3u) { x[at.x] *= 2.0; }';
  const pipeline = device.createComputePipeline({ layout: 'auto', compute: { module: device.createShaderModule({ code }), entryPoint: 'main' } });
  const encoder = device.createCommandEncoder();
  const pass = encoder.beginComputePass();
  pass.setPipeline(pipeline);
  pass.setBindGroup(0, device.createBindGroup({ layout: pipeline.getBindGroupLayout(0), entries: [{ binding: 0, resource: { buffer } }] }));
  pass.dispatchWorkgroups(buffer.size / 4);
  pass.end();
  device.queue.submit([encoder.finish()]);
}

const failure = (f) => {
  try {
    f();
  } catch (error) {
    return error.message;
  }
};

function buffers() {
  const { device } = tf.backend();
  const x = tf.tensor1d([1, 2, 3]).add(1);
  const { tensorRef, buffer, bufSize } = x.dataToGPU();
  const found = { bufSize, usage: buffer.usage, copied: [...tensorRef.dataSync()] };
  double(buffer);
  found.doubled = [...tensorRef.add(0).dataSync()];
  found.kept = [...x.dataSync()];
  const copy = tf.tensor({ buffer }, [3]);
  const shared = tf.tensor({ buffer, zeroCopy: true }, [1, 3], 'float32');
  double(buffer);
  found.copy = [copy.shape, [...copy.dataSync()]];
  found.shared = [shared.shape, [...shared.mul(1).dataSync()]];
  shared.dispose();
  // The buffer is still there.
  double(buffer);
  found.after = [...tensorRef.mul(1).dataSync()];
  found.whole = tf.tensor({ buffer }).shape;
  found.ints = [...tf.tensor({ buffer }, [2], 'int32').dataSync()];
  found.scalar = [...tf.scalar(3).dataToGPU().tensorRef.add(1).dataSync()];
  found.bool = [...x.greater(2).dataToGPU().tensorRef.dataSync()];
  found.empty = [...tf.zeros([0, 2]).dataToGPU().tensorRef.dataSync()];
  const odd = device.createBuffer({ size: 18, usage: GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC });
  const readable = device.createBuffer({ size: 16, usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST });
  found.errors = {
    small: failure(() => tf.tensor({ buffer }, [4])),
    usage: failure(() => tf.tensor({ buffer: readable }, [4])),
    shape: failure(() => tf.tensor({ buffer }, [-1])),
    odd: failure(() => tf.tensor({ buffer: odd, zeroCopy: true }, [4])),
    dtype: failure(() => tf.tensor({ buffer }, [3], 'bool')),
    complex: failure(() => tf.complex(x, x).dataToGPU()),
    text: failure(() => tf.tensor1d(['a']).dataToGPU()),
    narrow: failure(() => x.cast('float16').dataToGPU()),
  };
  tensorRef.dispose();
  found.disposed = failure(() => tensorRef.dataToGPU());
  return found;
}

/** What was on a GPU that is lost and opened anew is no buffer of the new one. */
async function lostGpu() {
  const { device } = tf.backend();
  const held = tf.ones([3]).mul(2);
  tf.dispose(held.dataToGPU().tensorRef);
  device.destroy();
  await device.lost;
  const before = failure(() => held.dataSync());
  await tf.setBackend('webgpu');
  return { anew: tf.backend().device !== device, before, after: failure(() => held.dataToGPU()), goesOn: [...tf.ones([2]).add(1).dataSync()] };
}

export async function program() {
  await tf.setBackend('webgpu');
  const report = { backend: tf.getBackend(), fallbackReason: tf.backendInfo().fallbackReason };
  if (report.backend !== 'webgpu') return report;
  // The tests' GPU is software: its canvases must be asked for.
  const asked = tf.ones([2]).mul(3);
  report.unasked = [failure(() => asked.dataSync()), ...(await asked.data())];
  tf.env().set('WEBGPU_CANVAS_ON_SOFTWARE', true);
  report.warnings = await written('warn', async () => {
    report.exactness = exactness();
    report.values = values();
  });
  report.hostOps = await hostOps();
  report.training = await training();
  report.buffers = tf.tidy(buffers);
  const { buffer } = tf.tensor1d([1, 2, 3]).mul(2).dataToGPU();
  const shared = tf.tensor({ buffer, zeroCopy: true });
  await tf.setBackend('cpu');
  report.onCpu = {
    moved: [...shared.dataSync()],
    noDevice: tf.backend().device === undefined,
    toGPU: failure(() => shared.dataToGPU()),
    toTensor: failure(() => tf.tensor({ buffer })),
  };
  await tf.setBackend('webgpu');
  report.lost = await lostGpu();
  return report;
}
