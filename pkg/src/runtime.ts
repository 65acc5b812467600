/** The engine that runs: starting it, choosing it. */

import { GpuHost } from './gpu-host.js';
import { coded } from './types.js';
import { folder, settings, start, type Started, type Wasm } from './wasm.js';

let started: Started | null = null;
let starting: Promise<Started> | null = null;
let failure: unknown = null;
let ops: Map<string, number> | null = null;
let fallbackReason = '';

/** An engine that was opened, by the number of its device. */
interface Opened {
  readonly name: 'cpu' | 'webgpu';
  readonly device: number;
  readonly gpu?: GpuHost;
}
let cpu: Opened | null = null;
let webgpu: Opened | null = null;
let current: Opened | null = null;

/** The running module. */
export function wasm(): Wasm {
  if (started === null) {
    const why = failure === null ? 'await tf.ready() before the first operation' : `it could not be started: ${String(failure)}`;
    throw coded('device', `The engine is not ready: ${why}.`);
  }
  return started.wasm;
}

/** The number of an operation. */
export function opId(name: string): number {
  const module = wasm();
  ops ??= new Map(module.opNames().split('\n').map((op, i) => [op, i]));
  const id = ops.get(name);
  if (id === undefined) throw coded('unknown', `Unknown op: '${name}'`);
  return id;
}

/** Whether there is an operation of that name. */
export function hasOp(name: string): boolean {
  ops ??= new Map(wasm().opNames().split('\n').map((op, i) => [op, i]));
  return ops.has(name);
}

/** Resolves when the engine runs. */
export async function ready(): Promise<void> {
  if (started !== null) return;
  starting ??= start();
  try {
    const result = await starting;
    if (started === null) {
      current = cpu = { name: 'cpu', device: result.wasm.createCpu(result.threads) };
      result.wasm.setDevice(cpu.device);
      started = result;
      failure = null;
    }
  } catch (error) {
    failure = error instanceof Error ? error.message : error;
    starting = null;
    throw coded('device', `The cpu engine could not be started: ${String(failure)}`);
  }
}

/** Chooses the engine: `cpu` (also named `wasm`) or `webgpu`. Tensors follow. Where the engine asked for cannot run,
 *  the one that runs stays, the console says so and the promise gives false; `backendInfo().fallbackReason` says why.
 *  Where the GPU was lost, this chooses the CPU or opens the GPU anew; reading the tensors that it held throws. */
export async function setBackend(name: string): Promise<boolean> {
  await ready();
  if (name === 'cpu' || name === 'wasm') {
    fallbackReason = '';
    await use(cpu as Opened);
    return true;
  }
  if (name !== 'webgpu') throw coded('unknown', `Backend name '${name}' not found in registry`);
  try {
    if (webgpu !== null && webgpu !== current) giveUp(webgpu);
    // Opened once; a browser that refused may be asked again.
    if (webgpu === null || isLost(webgpu)) {
      const gpu = await GpuHost.open();
      webgpu = { name: 'webgpu', device: wasm().createGpu(gpu), gpu };
    }
    await use(webgpu);
    fallbackReason = '';
    return true;
  } catch (error) {
    fallbackReason = error instanceof Error ? error.message : String(error);
    console.warn(`headwater: the webgpu engine cannot be used: ${fallbackReason}; using '${getBackend()}' instead.`);
    return false;
  }
}

const isLost = (engine: Opened): boolean => (engine.gpu?.lost ?? null) !== null;

/** Leaves an engine, and what it held, where its GPU was lost; says whether it was. */
function giveUp(engine: Opened): boolean {
  if (!isLost(engine)) return false;
  wasm().destroyDevice(engine.device);
  if (engine === webgpu) webgpu = null;
  return true;
}

function take(engine: Opened): void {
  wasm().setDevice(engine.device);
  current = engine;
}

async function use(engine: Opened): Promise<void> {
  const before = current as Opened;
  if (engine === before) return;
  take(engine);
  const lost = giveUp(before);
  try {
    await wasm().moveTensors();
  } catch (error) {
    if (lost) throw error;
    if (giveUp(before)) return;
    // What was moved is moved back: nothing is lost.
    take(before);
    await wasm().moveTensors();
    throw error;
  }
}

/** The engine's name. */
export function getBackend(): string {
  return current?.name ?? 'cpu';
}

/** The GPU that the engine runs on; null for another engine. */
export const gpuHost = (): GpuHost | null => current?.gpu ?? null;

/** What runs, and why not something faster. */
export interface BackendInfo {
  readonly name: string;
  readonly variant: string;
  readonly threads: number;
  /** Why there is one thread; empty when there are more. */
  readonly threadsReason: string;
  /** Why the engine asked for is not the one that runs; empty when it is. */
  readonly fallbackReason: string;
}

/** What runs, and why not something faster. */
export function backendInfo(): BackendInfo {
  return {
    name: getBackend(),
    variant: started?.variant ?? '',
    threads: started?.threads ?? 1,
    threadsReason: started?.threadsReason ?? '',
    fallbackReason,
  };
}

/** Says what a call that came after the start would have needed. */
function tooLate(call: string, key: string): void {
  console.warn(`headwater: ${call} came after the engine was started, which importing the package does. Set globalThis.headwater = { ${key} } before the import instead.`);
}

/** Where the folder `wasm` is served, for pages that move it: before the engine runs, or when it could not be found. The
 *  engine starts with the import, so that a page sets `globalThis.headwater = { wasmPath }` before. */
export function setWasmPaths(path: string): void {
  if (started !== null) tooLate('setWasmPaths()', 'wasmPath');
  else settings.path = folder(path);
}

/** The number of threads to use. The engine starts with the import: a page sets `globalThis.headwater = { threads }` before. */
export function setThreadsCount(threads: number): void {
  if (started !== null && started.threads !== threads) tooLate('setThreadsCount()', 'threads');
  settings.threads = threads;
}

/** The number of threads in use. */
export function getThreadsCount(): number {
  return started?.threads ?? -1;
}
