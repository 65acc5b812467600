/** Tensors and the buffers of a page's own WebGPU code: data goes from one to the other without leaving the GPU. */

import { zeros } from './create.js';
import { backend, getBackend } from './engine.js';
import type { GpuHost } from './gpu-host.js';
import { host as platform } from './platform.js';
import { gpuHost, wasm } from './runtime.js';
import { fromRecords, scoped, Tensor } from './tensor.js';
import { coded, type DataType, type Shape } from './types.js';

/** GPUBufferUsage. */
const COPY_SRC = 0x4;
const COPY_DST = 0x8;
const STORAGE = 0x80;

/** A copy of a tensor's values in a buffer of the engine's device, `tf.backend().device`. */
export interface GPUData {
  /** Holds the buffer: disposing it destroys the buffer. */
  tensorRef: Tensor;
  /** The elements in row-major order, four bytes each: f32, i32, or u32 that are 0 and 1. Of usage STORAGE, COPY_SRC and COPY_DST. */
  buffer: GPUBuffer;
  /** The bytes of the elements. */
  bufSize: number;
}

/** A buffer of the engine's device that becomes a tensor, of usage STORAGE and COPY_SRC. */
export interface WebGPUData {
  buffer: GPUBuffer;
  /** Whether the tensor is the buffer rather than a copy. The buffer must live as long as the tensor and what is computed from it; disposing the tensor leaves it alone.
   *  Operations that have not run yet see what is written to it. */
  zeroCopy?: boolean;
}

declare module './tensor.js' {
  interface Tensor {
    /** Copies the values to a buffer on the GPU. Throws on an engine that has none. */
    dataToGPU(options?: object): GPUData;
  }
}

/** The GPU, where it is the back end in use. */
const hostInUse = (): GpuHost | null => (getBackend() === 'webgpu' ? gpuHost() : null);

/** A tensor over a buffer, otherwise like another. */
function over(host: GpuHost, buffer: GPUBuffer, like: Tensor, foreign = false): Tensor {
  const [made] = fromRecords(wasm().gpuTensor(like.handle)) as [Tensor];
  const id = wasm().gpuBuffer(made.handle);
  host.buffers.set(id, buffer);
  if (foreign) host.foreign.add(id);
  return made;
}

/** A buffer with the first bytes of another. */
function copyOf(device: GPUDevice, from: GPUBuffer, size: number): GPUBuffer {
  const buffer = device.createBuffer({ size: Math.max(size, 4), usage: STORAGE | COPY_SRC | COPY_DST });
  const encoder = device.createCommandEncoder();
  encoder.copyBufferToBuffer(from, 0, buffer, 0, size);
  device.queue.submit([encoder.finish()]);
  return buffer;
}

function dataToGPU(this: Tensor, options?: object): GPUData {
  this.throwIfDisposed();
  const host = hostInUse();
  if (host === null) return backend().readToGPU(this.dataId, options);
  const { dtype } = this;
  if (dtype === 'string') throw coded('dtype', 'Data is not on GPU but on CPU.');
  if (!['float32', 'int32', 'bool'].includes(dtype)) throw coded('dtype', `Does not support reading buffer for ${dtype} dtype.`);
  const bufSize = this.size * 4;
  const buffer = copyOf(host.device, host.buffers.get(wasm().gpuBuffer(this.handle))!, bufSize);
  return { tensorRef: over(host, buffer, this), buffer, bufSize };
}

const isGpuData = (values: unknown): values is WebGPUData => typeof GPUBuffer !== 'undefined' && (values as WebGPUData).buffer instanceof GPUBuffer;

const tensorOf = scoped((values: unknown, given: Shape | undefined, dtype: DataType): Tensor | null => {
  if (!isGpuData(values)) return null;
  if (dtype !== 'float32' && dtype !== 'int32') throw coded('dtype', `Creating tensor from GPU data only supports 'float32'|'int32' dtype, while the dtype is ${dtype}.`);
  const { buffer, zeroCopy } = values;
  const shape = given ?? [Math.floor(buffer.size / 4)];
  const host = hostInUse();
  if (host === null) return backend().createTensorFromGPUData(values, shape, dtype);
  const like = zeros(shape, dtype);
  const size = like.size * 4;
  if (buffer.size < size) throw coded('shape', `GPUBuffer size(${buffer.size}) is smaller than tensor size(${size})!`);
  const needed = STORAGE | COPY_SRC;
  if ((buffer.usage & needed) !== needed) throw coded('argument', 'GPUBuffer.usage should include GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC!');
  // Shaders bind it as a whole.
  if (zeroCopy && (buffer.size % 4 > 0 || buffer.size > host.maxBufferBytes)) throw coded('argument', `GPUBuffer size(${buffer.size}) cannot be bound!`);
  return over(host, zeroCopy ? buffer : copyOf(host.device, buffer, size), like, zeroCopy);
});

/** Gives tensors `dataToGPU`, and lets buffers become tensors. */
export function installGpuData(): void {
  Tensor.prototype.dataToGPU = dataToGPU;
  platform.tensorOf = tensorOf;
}
