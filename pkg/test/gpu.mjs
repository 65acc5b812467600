// A GPU as a browser offers it: one that stores and copies, and computes nothing but the pixels of what is read at once.
const LIMITS = { maxBufferSize: 2 ** 28, maxStorageBufferBindingSize: 2 ** 27, maxStorageBuffersPerShaderStage: 8 };

class Gpu {
  limits = LIMITS;
  features = new Set();
  gone = false;
  lost = new Promise((resolve) => (this.lose = resolve));
  queue = {
    writeBuffer: (buffer, at, data) => new Uint8Array(buffer.data).set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), at),
    submit: (commands) => commands.flat().forEach((command) => command()),
  };
  addEventListener() {}
  createBuffer({ size, usage }) {
    const data = new ArrayBuffer(size);
    const mapAsync = async () => {
      if (this.gone) throw new Error('A valid external Instance reference no longer exists.');
    };
    return { size, usage, data, mapAsync, getMappedRange: () => data, destroy() {} };
  }
  createCommandEncoder() {
    const commands = [];
    let entries;
    const dispatchWorkgroups = () => {
      // Those of the engine have uniforms first.
      if (entries[0].resource.offset !== undefined) commands.push(pixelsOf(entries));
    };
    const pass = { setPipeline() {}, setBindGroup: (_, group) => ({ entries } = group), dispatchWorkgroups, end() {} };
    const copyBufferToBuffer = (from, _at, to, _to, size) => commands.push(() => new Uint8Array(to.data).set(new Uint8Array(from.data, 0, size)));
    const copyBufferToTexture = ({ buffer }, { texture }) => commands.push(() => texture.set(new Uint8Array(buffer.data)));
    return { beginComputePass: () => pass, copyBufferToBuffer, copyBufferToTexture, finish: () => commands };
  }
  createBindGroupLayout = () => ({});
  createPipelineLayout = () => ({});
  createShaderModule = () => ({});
  createComputePipeline = () => ({ getBindGroupLayout: () => ({}) });
  createBindGroup = (group) => group;
  async destroy() {
    this.gone = true;
    this.lose({ reason: 'unknown', message: 'the driver was reset' });
    await this.lost;
  }
}

/** Three bytes to an opaque pixel. */
const pixelsOf = ([words, pixels]) => () => {
  const from = new Uint8Array(words.resource.buffer.data, words.resource.offset, words.resource.size);
  const to = new Uint8Array(pixels.resource.buffer.data);
  for (let i = 0; i < to.length; i++) to[i] = i % 4 === 3 ? 255 : from[i - (i >> 2)];
};

/** Makes it the one that `navigator` offers; gives the list of those that are opened. */
export function install() {
  const opened = [];
  const adapter = { limits: LIMITS, features: new Set(), requestDevice: async () => (opened.push(new Gpu()), opened.at(-1)) };
  Object.defineProperty(globalThis, 'navigator', { configurable: true, value: { gpu: { requestAdapter: async () => adapter } } });
  return opened;
}
