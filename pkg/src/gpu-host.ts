/**
 * What the GPU engine needs of WebGPU: the methods of the trait `Host` of the crate `headwater-gpu`, called from
 * WebAssembly. Arrays that come from there are views of its memory, good for the length of the call.
 */

/** GPUBufferUsage, which TypeScript's own types lack. */
const USAGE = { MAP_READ: 0x1, COPY_SRC: 0x4, COPY_DST: 0x8, UNIFORM: 0x40, STORAGE: 0x80 };

/** Bind groups are made again when there are more. */
const MAX_BIND_GROUPS = 4096;

interface Layout {
  readonly group: GPUBindGroupLayout;
  readonly pipeline: GPUPipelineLayout;
}

interface Pipeline {
  readonly pipeline: GPUComputePipeline;
  readonly group: GPUBindGroupLayout;
  readonly layout: string;
}

/** Calls `done` with what a promise gives, or with an `Error`. */
function settle<T>(promise: Promise<T>, done: (result: T | Error) => void): void {
  promise.then(done, (error: unknown) => done(error instanceof Error ? error : new Error(String(error))));
}

/** Times the passes of a submission. See `gpu-times.ts`. */
export interface PassTimer {
  /** What pass `n` writes its beginning and end to. */
  writes(n: number): GPUComputePassTimestampWrites;
  /** Called with the encoder once all passes are in it. */
  resolve(encoder: GPUCommandEncoder): void;
  /** The beginning and end of each pass in milliseconds, once the submission has run. */
  read(): Promise<Float64Array>;
}

/** A GPU. */
export class GpuHost {
  /** Makes a timer for so many passes. Set by what wants times. */
  static timer: ((device: GPUDevice, passes: number) => PassTimer) | null = null;
  /** Reads the first words of a buffer at once; null where that cannot be done. See `gpu-sync.ts`. */
  static readAtOnce: ((device: GPUDevice, buffer: GPUBuffer, words: number) => Uint32Array | null) | null = null;
  readonly maxBufferBytes: number;
  readonly maxStorageBuffers: number;
  readonly buffers = new Map<number, GPUBuffer>();
  /** The buffers that are not ours to destroy. See `gpu-data.ts`. */
  readonly foreign = new Set<number>();
  private readonly pipelines = new Map<number, Pipeline>();
  private readonly layouts = new Map<string, Layout>();
  private readonly bindGroups = new Map<string, GPUBindGroup>();
  private uniforms: GPUBuffer | null = null;
  /** The first error that came without anyone to give it to. */
  private late: string | null = null;
  /** Why the GPU is gone, and all that it held. */
  lost: string | null = null;

  /** Opens the fastest adapter; says why there is none. */
  static async open(): Promise<GpuHost> {
    const gpu = globalThis.navigator?.gpu as GPU | undefined;
    if (gpu === undefined) throw new Error('this browser has no WebGPU');
    const adapter = await gpu.requestAdapter({ powerPreference: 'high-performance' });
    if (adapter === null) throw new Error('the browser offers no WebGPU adapter on this machine');
    const { maxBufferSize, maxStorageBufferBindingSize, maxStorageBuffersPerShaderStage } = adapter.limits;
    const wanted: GPUFeatureName[] = GpuHost.timer === null ? ['shader-f16'] : ['shader-f16', 'timestamp-query'];
    const device = await adapter.requestDevice({
      requiredFeatures: wanted.filter((feature) => adapter.features.has(feature)),
      requiredLimits: { maxBufferSize, maxStorageBufferBindingSize, maxStorageBuffersPerShaderStage },
    });
    return new GpuHost(device);
  }

  private constructor(readonly device: GPUDevice) {
    this.maxBufferBytes = Math.min(device.limits.maxBufferSize, device.limits.maxStorageBufferBindingSize);
    this.maxStorageBuffers = device.limits.maxStorageBuffersPerShaderStage;
    device.addEventListener('uncapturederror', (event) => {
      this.late ??= event.error.message;
    });
    void device.lost.then((info) => {
      this.lost = `the GPU was lost (${info.reason}), with the values it held: ${info.message}`;
    });
  }

  get timestamps(): boolean {
    return this.device.features.has('timestamp-query');
  }

  /** Whether shaders know `f16`. */
  get halves(): boolean {
    return this.device.features.has('shader-f16');
  }

  private throwLate(): void {
    const message = this.lost ?? this.late;
    this.late = null;
    if (message !== null) throw new Error(message);
  }

  createBuffer(id: number, size: number): void {
    this.throwLate();
    const usage = USAGE.STORAGE | USAGE.COPY_DST | USAGE.COPY_SRC;
    this.buffers.set(id, this.device.createBuffer({ size, usage }));
  }

  destroyBuffer(id: number): void {
    if (!this.foreign.delete(id)) this.buffers.get(id)?.destroy();
    this.buffers.delete(id);
    this.bindGroups.clear();
  }

  writeBuffer(id: number, words: Uint32Array<ArrayBuffer>): void {
    const buffer = this.buffers.get(id);
    if (buffer !== undefined) this.device.queue.writeBuffer(buffer, 0, words);
  }

  private layout(reads: number, writes: number): Layout {
    const key = `${reads},${writes}`;
    const known = this.layouts.get(key);
    if (known !== undefined) return known;
    const visibility = 4; // GPUShaderStage.COMPUTE
    const entries: GPUBindGroupLayoutEntry[] = [{ binding: 0, visibility, buffer: { type: 'uniform', hasDynamicOffset: true } }];
    for (let n = 1; n <= reads + writes; n++) {
      entries.push({ binding: n, visibility, buffer: { type: n <= reads ? 'read-only-storage' : 'storage' } });
    }
    const group = this.device.createBindGroupLayout({ entries });
    const layout = { group, pipeline: this.device.createPipelineLayout({ bindGroupLayouts: [group] }) };
    this.layouts.set(key, layout);
    return layout;
  }

  createPipeline(id: number, source: string, reads: number, writes: number): void {
    this.throwLate();
    const { group, pipeline: layout } = this.layout(reads, writes);
    const module = this.device.createShaderModule({ code: source });
    const pipeline = this.device.createComputePipeline({ layout, compute: { module, entryPoint: 'main' } });
    this.pipelines.set(id, { pipeline, group, layout: `${reads},${writes}` });
  }

  /** `commands`: pipeline, workgroups (3), uniform offset and size in bytes, the number of buffers, buffers; and again. With
   *  `done`, each of the `timed` commands is a pass of its own, whose times `done` is called with. */
  submit(commands: Uint32Array, uniforms: Uint32Array<ArrayBuffer>, timed: number, done?: (result: Float64Array | Error) => void): void {
    this.throwLate();
    const { device } = this;
    if (this.uniforms === null || this.uniforms.size < uniforms.byteLength) {
      this.uniforms?.destroy();
      let size = 1 << 16;
      while (size < uniforms.byteLength) size *= 2;
      this.uniforms = device.createBuffer({ size, usage: USAGE.UNIFORM | USAGE.COPY_DST });
      this.bindGroups.clear();
    }
    device.queue.writeBuffer(this.uniforms, 0, uniforms);
    const encoder = device.createCommandEncoder();
    const timer = done === undefined ? null : GpuHost.timer!(device, timed);
    const begin = (n: number): GPUComputePassEncoder => encoder.beginComputePass(timer === null ? {} : { timestampWrites: timer.writes(n) });
    let pass = begin(0);
    let bound = -1;
    for (let at = 0, n = 0; at < commands.length; n++) {
      if (timer !== null && n > 0) {
        pass.end();
        pass = begin(n);
        bound = -1;
      }
      const [id, x, y, z, offset, size, count] = commands.subarray(at, at + 7) as unknown as number[];
      const buffers = commands.subarray(at + 7, at + 7 + count!);
      at += 7 + count!;
      const pipeline = this.pipelines.get(id!)!;
      if (bound !== id) pass.setPipeline(pipeline.pipeline);
      bound = id!;
      pass.setBindGroup(0, this.bindGroup(pipeline, size!, buffers), [offset!]);
      pass.dispatchWorkgroups(x!, y, z);
    }
    pass.end();
    timer?.resolve(encoder);
    device.queue.submit([encoder.finish()]);
    if (timer !== null) settle(timer.read(), done!);
  }

  private bindGroup(pipeline: Pipeline, size: number, buffers: Uint32Array): GPUBindGroup {
    const key = `${pipeline.layout};${size};${buffers.join()}`;
    const known = this.bindGroups.get(key);
    if (known !== undefined) return known;
    const entries: GPUBindGroupEntry[] = [{ binding: 0, resource: { buffer: this.uniforms!, size } }];
    buffers.forEach((id, n) => entries.push({ binding: n + 1, resource: { buffer: this.buffers.get(id)! } }));
    const group = this.device.createBindGroup({ layout: pipeline.group, entries });
    if (this.bindGroups.size >= MAX_BIND_GROUPS) this.bindGroups.clear();
    this.bindGroups.set(key, group);
    return group;
  }

  /** Calls `done` with the first words of a buffer, or with an `Error`: at once, where that is asked for and can be done. */
  readBuffer(id: number, words: number, atOnce: boolean, done: (result: Uint32Array | Error) => void): void {
    if (atOnce && GpuHost.readAtOnce !== null) {
      let result: Uint32Array | Error | null;
      try {
        this.throwLate();
        result = GpuHost.readAtOnce(this.device, this.buffers.get(id)!, words);
      } catch (error) {
        result = error as Error;
      }
      if (result !== null) return done(result);
    }
    settle(this.read(id, words * 4), done);
  }

  private async read(id: number, size: number): Promise<Uint32Array> {
    const { device } = this;
    const staging = device.createBuffer({ size, usage: USAGE.MAP_READ | USAGE.COPY_DST });
    try {
      const encoder = device.createCommandEncoder();
      encoder.copyBufferToBuffer(this.buffers.get(id)!, 0, staging, 0, size);
      device.queue.submit([encoder.finish()]);
      await staging.mapAsync(1 /* GPUMapMode.READ */);
      this.throwLate();
      return new Uint32Array(staging.getMappedRange().slice(0));
    } catch (error) {
      // An error that came late says more than a failed mapping.
      this.throwLate();
      throw error;
    } finally {
      staging.destroy();
    }
  }
}
