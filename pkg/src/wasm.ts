/** The WebAssembly module: which file, how it is started, and what it exports. */

import type { GpuHost } from './gpu-host.js';
import { nodeModule } from './node-module.js';

/** A tensor as numbers: handle, dtype, rank, dimensions. Several may follow one another. */
export type Records = Float64Array;

/** What the module exports. See the crate `headwater-web`. */
export interface Wasm {
  opNames(): string;
  invoke(op: number, inputs: Uint32Array, attrs: Float64Array): Records;
  tensorFromLanes(lanes: Uint32Array, dtype: number, shape: Uint32Array): Records;
  scalar(value: number, dtype: number): Records;
  clone(handle: number): Records;
  drop(handle: number): void;
  isComputed(handle: number): boolean;
  readSync(handle: number): Uint32Array<ArrayBuffer>;
  read(handle: number): Promise<Uint32Array<ArrayBuffer>>;
  gpuBuffer(handle: number): number;
  gpuTensor(like: number): Records;
  flush(): void;
  flushPart(milliseconds: number): boolean;
  memoryUse(): Float64Array;
  stats(): Float64Array;
  startTape(): void;
  endTape(y: number, dy: number, xs: Uint32Array): Records;
  abandonTape(): void;
  pauseTapes(pause: boolean): void;
  recordCustom(inputs: Uint32Array, output: number, backward: (y: number, dy: number) => Uint32Array): Records;
  createCpu(threads: number): number;
  createGpu(host: GpuHost): number;
  moveTensors(): Promise<void>;
  setDevice(device: number): void;
  destroyDevice(device: number): void;
  destroyDevice(device: number): void;
  layerCreate(className: string, config: Uint8Array): number;
  layerDrop(layer: number): void;
  layerConfig(layer: number): Uint8Array;
  layerWeights(layer: number, inputShapes: Uint8Array): Uint8Array;
  layerOutputShape(layer: number, inputShapes: Uint8Array): Uint8Array;
  layerCall(layer: number, inputs: Uint32Array, masks: Uint32Array, weights: Uint32Array, training: boolean, seed: number): Float64Array;
  layerMasks(layer: number, inputs: Uint32Array, masks: Uint32Array): Float64Array;
  initialize(config: Uint8Array, shape: Uint32Array, dtype: number, seed: number): Records;
  penalty(config: Uint8Array, weight: number): Records;
  constrain(config: Uint8Array, weight: number): Records;
  metricConfig(className: string, config: Uint8Array): Uint8Array;
  metricTerms(className: string, config: Uint8Array, truth: number, predicted: number, weight: number): Records;
  metricResult(className: string, config: Uint8Array, sums: Uint32Array): Records;
  placeholder(shape: Uint32Array, dtype: number): Records;
  setTapesAside(aside: boolean): void;
  vmapTraced(placeholders: Uint32Array, xs: Uint32Array, axes: Float64Array, results: Uint32Array, outAxis: number): Records;
  capture(placeholders: Uint32Array, results: Uint32Array): number;
  capturedCall(captured: number, operands: Uint32Array): Records;
  capturedDrop(captured: number): void;
  checkpoint(operands: Uint32Array, f: (operands: Uint32Array) => number, keepContractions: boolean): Records;
  timeKernels(on: boolean): boolean;
  takeTimes(): Promise<[labels: string, startsAndDurations: Float64Array]>;
  workerEntry?(): void;
}

interface Glue extends Wasm {
  default(options: { module_or_path: unknown; memory?: WebAssembly.Memory }): Promise<{ memory: WebAssembly.Memory }>;
}

/** What was started. */
export interface Started {
  readonly wasm: Wasm;
  /** Threads of the CPU engine, the caller's included. */
  readonly threads: number;
  /** The build's folder: those of smaller editions lie in `core/` and `lean/`. */
  readonly variant: string;
  /** Why there are not more threads; empty when there are. */
  readonly threadsReason: string;
}

/** The name of a folder, with the slash that makes it one. */
export const folder = (path: string): string => (path.endsWith('/') ? path : `${path}/`);

/** What a page says before it imports the package. */
const given = (globalThis as { headwater?: { wasmPath?: string; threads?: number } }).headwater;

/** The glue and the module of each build, as bundlers find them: `new URL('./file', import.meta.url)` in so many words. */
export type Files = Record<string, readonly [glue: URL, module: URL]>;

/** Where the module's files are, and how many threads to use. */
export const settings: { path: string | null; threads: number | null; edition: '' | 'core/' | 'lean/'; files: () => Files } = {
  // Which of the package's entries was imported: the smaller ones have modules in folders of their own.
  edition: '',
  files: () => ({}),
  path: given?.wasmPath === undefined ? null : folder(given.wasmPath),
  threads: given?.threads ?? null,
};

/** A module with one relaxed instruction: engines without them reject it. */
const RELAXED_PROBE = new Uint8Array([
  0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0, 10, 15, 1, 13, 0, 65, 1, 253, 15, 65, 2, 253, 15, 253, 128, 2,
  11,
]);

export const isNode = typeof process !== 'undefined' && process.versions?.node !== undefined;
const isWorker = typeof (globalThis as { WorkerGlobalScope?: unknown }).WorkerGlobalScope !== 'undefined';

/** How many threads the page allows, and why not more. */
async function threadsAllowed(): Promise<{ threads: number; reason: string }> {
  const processors = isNode ? (await nodeModule<typeof import('node:os')>('os')).availableParallelism() : (globalThis.navigator?.hardwareConcurrency ?? 1);
  const wanted = settings.threads ?? Math.min(8, processors);
  if (wanted <= 1) return { threads: 1, reason: settings.threads === null ? 'the machine has one processor' : 'one thread was asked for' };
  if (isNode) return { threads: wanted, reason: '' };
  if (!globalThis.crossOriginIsolated) {
    return { threads: 1, reason: 'the page is not cross-origin isolated: serve it with COOP and COEP headers' };
  }
  if (!isWorker) return { threads: 1, reason: 'threads run from a Web Worker: a page may not wait for them' };
  return { threads: wanted, reason: '' };
}

/** The glue and the module of a build. */
function urlsOf(build: string): string[] {
  const files = settings.path === null ? settings.files()[build] : undefined;
  if (files !== undefined) return files.map(({ href }) => href);
  // Said in other words than those that bundlers read: a folder is nothing that they could take along.
  const here = import.meta.url;
  const base = settings.path ?? new URL('./wasm/', here).href;
  return ['.js', '_bg.wasm'].map((end) => new URL(`${build}/headwater_web${end}`, new URL(base, globalThis.location?.href ?? here)).href);
}

/** Loads and starts the module with the best variant that this place allows. */
export async function start(): Promise<Started> {
  const { threads, reason } = await threadsAllowed();
  const relaxed = !isNode && WebAssembly.validate(RELAXED_PROBE);
  const wanted = `${relaxed ? 'relaxed-simd' : 'simd'}${threads > 1 ? '-threads' : ''}`;
  // A smaller installation may carry the whole edition or the plain build only.
  const variants = [...new Set([wanted, 'simd'])];
  const builds = [...new Set([settings.edition, ''])].flatMap((edition) => variants.map((variant) => [edition, variant] as const));
  let failure: unknown;
  for (const [edition, variant] of builds) {
    try {
      const why = variant === wanted ? reason : `the build '${wanted}' could not be loaded`;
      return await startVariant(edition, variant, variant === wanted ? threads : 1, why);
    } catch (error) {
      failure ??= error;
    }
  }
  throw failure;
}

/** Memory that threads share: more than the module begins with, and up to 4 GiB, of which browsers on small devices give a part. */
function sharedMemory(): WebAssembly.Memory {
  for (let maximum = 65536; ; maximum /= 2) {
    try {
      return new WebAssembly.Memory({ initial: 128, maximum, shared: true });
    } catch (error) {
      if (maximum <= 4096) throw error;
    }
  }
}

async function startVariant(edition: string, variant: string, threads: number, threadsReason: string): Promise<Started> {
  const [glueUrl, wasmUrl] = urlsOf(edition + variant) as [string, string];
  const glue = (await import(/* @vite-ignore */ /* webpackIgnore: true */ glueUrl)) as Glue;
  const module = await compile(wasmUrl);
  const { memory } = await glue.default({ module_or_path: module, ...(threads > 1 && { memory: sharedMemory() }) });
  if (threads > 1) await (isNode ? spawnNodeThreads : spawnThreads)(glueUrl, module, memory, threads - 1);
  return { wasm: glue, threads, variant: edition + variant, threadsReason };
}

async function compile(url: string): Promise<WebAssembly.Module> {
  if (isNode && url.startsWith('file:')) {
    const { readFile } = await nodeModule<typeof import('node:fs/promises')>('fs/promises');
    return WebAssembly.compile(await readFile(new URL(url)));
  }
  const response = await fetch(url);
  if (!response.ok) throw new Error(`${url} could not be loaded: HTTP ${response.status}`);
  // A server that names another type than application/wasm makes streaming fail.
  if (response.headers.get('content-type')?.startsWith('application/wasm')) return WebAssembly.compileStreaming(response);
  return WebAssembly.compile(await response.arrayBuffer());
}

/** Starts threads of Node that share the module's memory; they do not keep the program alive. */
async function spawnNodeThreads(glueUrl: string, module: WebAssembly.Module, memory: WebAssembly.Memory, count: number): Promise<void> {
  const { Worker } = await nodeModule<typeof import('node:worker_threads')>('worker_threads');
  // As a script or as a module: a program's flags say which of them evaluated text is.
  const source = `import('node:worker_threads').then(async ({ workerData }) => {
    const glue = await import(workerData.glueUrl);
    await glue.default({ module_or_path: workerData.module, memory: workerData.memory });
    glue.workerEntry();
  });`;
  for (let i = 0; i < count; i++) {
    const worker = new Worker(source, { eval: true, execArgv: [], name: `headwater-${i + 1}`, workerData: { glueUrl, module, memory } });
    // The others do its work.
    worker.on('error', (error) => console.warn(`headwater: a thread could not be started: ${String(error)}`));
    worker.unref();
  }
}

/** Starts Web Workers that share the module's memory and enter the thread pool as soon as it exists. */
function spawnThreads(glueUrl: string, module: WebAssembly.Module, memory: WebAssembly.Memory, count: number): void {
  const source = `onmessage = async ({ data }) => {
    const glue = await import(data.glueUrl);
    await glue.default({ module_or_path: data.module, memory: data.memory });
    glue.workerEntry();
  };`;
  const url = URL.createObjectURL(new Blob([source], { type: 'text/javascript' }));
  for (let i = 0; i < count; i++) {
    const worker = new Worker(url, { type: 'module', name: `headwater-${i + 1}` });
    worker.postMessage({ glueUrl, module, memory });
  }
}
