import { KERNELS, PICTURE_SHAPE, channelsFirst, meanMagnitude, picture, sizeOf, uniform } from '../work.js';

const DIST = '/bench/node_modules/onnxruntime-web/dist/';
let ort;
let provider;
let device = null;

export async function start(options) {
  provider = options.backend;
  ort = await import(`${DIST}ort.${provider === 'webgpu' ? 'webgpu' : 'wasm'}.min.mjs`);
  ort.env.wasm.wasmPaths = location.origin + DIST;
  ort.env.wasm.numThreads = options.threads;
  return `onnxruntime-web ${ort.env.versions.web}, ${provider}`;
}

function session(name, options = {}) {
  return ort.InferenceSession.create(`/.assets/bench/${name}.onnx`, {
    executionProviders: [provider],
    graphOptimizationLevel: 'all',
    logSeverityLevel: 3,
    ...options,
  });
}

const channelsFirstShape = ([batch, height, width, channels]) => [batch, channels, height, width];

/** An input on the device, with what frees it. */
function place(values, shape) {
  if (device === null) return { tensor: new ort.Tensor('float32', values, shape), free() {} };
  const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_DST | GPUBufferUsage.COPY_SRC;
  const buffer = device.createBuffer({ size: values.byteLength, usage });
  device.queue.writeBuffer(buffer, 0, values);
  return { tensor: ort.Tensor.fromGpuBuffer(buffer, { dataType: 'float32', dims: shape }), free: () => buffer.destroy() };
}

export async function kernel(name) {
  const { family, shapes } = KERNELS[name];
  const chained = family === 'elementwise';
  const location = provider === 'webgpu' ? { preferredOutputLocation: 'gpu-buffer' } : {};
  const once = await session(chained ? `${name}-x1` : name, location);
  const chain = chained ? await session(`${name}-x5`, location) : null;
  device = provider === 'webgpu' ? await ort.env.webgpu.device : null;
  const inputs = shapes.map((shape) => {
    const values = uniform(sizeOf(shape));
    return shape.length === 4 ? place(channelsFirst(values, shape), channelsFirstShape(shape)) : place(values, shape);
  });
  const feeds = Object.fromEntries(inputs.map(({ tensor }, index) => ['ab'[index], tensor]));

  async function time(net, count) {
    const start = performance.now();
    let result;
    for (let index = 0; index < count; index++) {
      if (device !== null) result?.y.dispose();
      result = await net.run(feeds);
    }
    await device?.queue.onSubmittedWorkDone();
    const ms = (performance.now() - start) / count;
    if (device !== null) result.y.dispose();
    return ms;
  }
  return {
    /** Element-wise work is dwarfed by copies in and out: four of a chain of five, by difference. */
    run: async (count) => (chain === null ? time(once, count) : ((await time(chain, count)) - (await time(once, count))) / 4),
    async check() {
      const { y } = await once.run(feeds);
      const values = device === null ? y.data : await y.getData();
      return meanMagnitude(values);
    },
    async dispose() {
      await once.release();
      await chain?.release();
      inputs.forEach(({ free }) => free());
    },
  };
}

export async function model() {
  const net = await session('mobilenet');
  const input = new ort.Tensor('float32', channelsFirst(picture(), PICTURE_SHAPE), channelsFirstShape(PICTURE_SHAPE));
  const values = async () => (await net.run({ input })).logits.data;
  return {
    async run(count) {
      const start = performance.now();
      for (let index = 0; index < count; index++) await values();
      return (performance.now() - start) / count;
    },
    check: async () => meanMagnitude(await values()),
    dispose: () => net.release(),
  };
}
