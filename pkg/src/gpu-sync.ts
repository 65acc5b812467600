/**
 * Reading a buffer of a GPU at once. WebGPU gives a buffer's bytes only later; the pixels of a canvas that WebGPU drew on can
 * be read at once, and the browser waits for the GPU to that end. A shader makes opaque pixels of the bytes, three to each:
 * pixels that are not opaque would lose bits of their colours on the way.
 */

import { ENV } from './env.js';
import { GpuHost } from './gpu-host.js';

/** GPUBufferUsage, and of GPUTextureUsage how a canvas is written. */
const COPY_SRC = 0x4;
const COPY_DST = 0x8;
const STORAGE = 0x80;
const TEXTURE_COPY_DST = 0x2;

/** Pixels of a row, words whose bytes they hold, and the most rows of one canvas. A canvas of words begins at a multiple of
 *  256 bytes, as bindings must. */
const WIDTH = 1024;
const ROW = 768;
const MOST_ROWS = 1024;

/** Each invocation makes four pixels of three words. Reading past the end of a binding gives any word of it. */
const SHADER = `
@group(0) @binding(0) var<storage> words: array<u32>;
@group(0) @binding(1) var<storage, read_write> pixels: array<vec4u>;
@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) at: vec3u) {
  let i = 3 * at.x;
  let b = words[i + 1];
  let c = words[i + 2];
  pixels[at.x] = vec4u(words[i], (words[i] >> 24) | (b << 8), (b >> 16) | (c << 16), c >> 8) | vec4u(255 << 24);
}`;

/** Gives the first words of a buffer. */
type Read = (buffer: GPUBuffer, words: number) => Uint32Array;

/** How one canvas is drawn on another. Where the GPUs of the two differ, some browsers draw nothing in one of these ways. */
type Show = (canvas: OffscreenCanvas) => OffscreenCanvas | ImageBitmap;
const WAYS: readonly Show[] = [(canvas) => canvas.transferToImageBitmap(), (canvas) => canvas];

/** What reads the buffers of a device by way of a canvas; throws where the browser has none for WebGPU. */
function readerBy(show: Show, device: GPUDevice): Read {
  const canvas = new OffscreenCanvas(WIDTH, 1);
  const drawn = canvas.getContext('webgpu') as unknown as GPUCanvasContext;
  const seen = new OffscreenCanvas(WIDTH, 1).getContext('2d', { willReadFrequently: true })!;
  drawn.configure({ device, format: 'rgba8unorm', usage: TEXTURE_COPY_DST, alphaMode: 'premultiplied' });
  const module = device.createShaderModule({ code: SHADER });
  const pipeline = device.createComputePipeline({ layout: 'auto', compute: { module, entryPoint: 'main' } });

  /** The pixels that hold so many rows of words, those of the buffer from `offset` on. */
  const pixelsOf = (buffer: GPUBuffer, offset: number, rows: number): Uint32Array => {
    if (canvas.height !== rows) canvas.height = seen.canvas.height = rows;
    const pixels = device.createBuffer({ size: rows * WIDTH * 4, usage: STORAGE | COPY_SRC });
    const size = Math.min(rows * ROW * 4, buffer.size - offset);
    const entries = [{ binding: 0, resource: { buffer, offset, size } }, { binding: 1, resource: { buffer: pixels } }];
    const encoder = device.createCommandEncoder();
    const pass = encoder.beginComputePass();
    pass.setPipeline(pipeline);
    pass.setBindGroup(0, device.createBindGroup({ layout: pipeline.getBindGroupLayout(0), entries }));
    pass.dispatchWorkgroups(rows * 4);
    pass.end();
    encoder.copyBufferToTexture({ buffer: pixels, bytesPerRow: WIDTH * 4 }, { texture: drawn.getCurrentTexture() }, [WIDTH, rows]);
    device.queue.submit([encoder.finish()]);
    pixels.destroy();
    const image = show(canvas);
    // What was there is covered, and what is not drawn is transparent.
    seen.globalCompositeOperation = 'copy';
    seen.drawImage(image, 0, 0);
    if (image !== canvas) (image as ImageBitmap).close();
    return new Uint32Array(seen.getImageData(0, 0, WIDTH, rows).data.buffer);
  };

  return (buffer, words) => {
    const result = new Uint32Array(Math.ceil(words / 3) * 3);
    let opaque = -1;
    for (let from = 0; from < words; from += MOST_ROWS * ROW) {
      const rows = Math.min(Math.ceil((words - from) / ROW), MOST_ROWS);
      const pixels = pixelsOf(buffer, from * 4, rows);
      const end = Math.min(from + rows * ROW, result.length);
      for (let to = from, at = 0; to < end; to += 3, at += 4) {
        const [a, b, c, d] = [pixels[at]!, pixels[at + 1]!, pixels[at + 2]!, pixels[at + 3]!];
        opaque &= a & b & c & d;
        result[to] = (a & 0xffffff) | (b << 24);
        result[to + 1] = ((b >>> 8) & 0xffff) | (c << 16);
        result[to + 2] = ((c >>> 16) & 0xff) | (d << 8);
      }
    }
    if (opaque >>> 24 !== 0xff) throw new Error('the browser did not draw the values');
    return result.subarray(0, words);
  };
}

/** Whether canvases of a GPU that is software are used: Chromium may draw pages on another device than that, and then loses
 *  its GPU process to the first canvas. */
const SOFTWARE = 'WEBGPU_CANVAS_ON_SOFTWARE';
ENV.registerFlag(SOFTWARE, () => false);

/** What reads the buffers of a device; null where nothing reads them as they are: some browsers have no such canvas or draw
 *  nothing, some change pixels lest a page recognise the machine by them. */
function readerOf(device: GPUDevice): Read | null {
  const words = Uint32Array.from({ length: ROW }, (_, i) => Math.imul(i + 1, 0x9e3779b1));
  const buffer = device.createBuffer({ size: words.byteLength, usage: STORAGE | COPY_DST });
  device.queue.writeBuffer(buffer, 0, words);
  for (const show of WAYS) {
    try {
      const read = readerBy(show, device);
      const found = read(buffer, ROW);
      if (words.every((word, i) => word === found[i])) return read;
    } catch {
      // The next way.
    }
  }
  return null;
}

const readers = new WeakMap<GPUDevice, Read | null>();

function readAtOnce(device: GPUDevice, buffer: GPUBuffer, words: number): Uint32Array | null {
  let read = readers.get(device);
  if (read === undefined) {
    if (device.adapterInfo?.isFallbackAdapter && !ENV.getBool(SOFTWARE)) return null;
    readers.set(device, (read = readerOf(device)));
    if (read !== null) console.warn('headwater: dataSync() stops the page until the GPU is done: await data() instead.');
  }
  return read === null ? null : read(buffer, words);
}

/** Lets values be read at once on WebGPU. */
export function installSyncReads(): void {
  GpuHost.readAtOnce = readAtOnce;
}
