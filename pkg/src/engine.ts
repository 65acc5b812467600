/** What TensorFlow.js calls its engine: scopes, back ends by name, kernels and gradients by name, profiles. */

import { env } from './env.js';
import type { GPUData, WebGPUData } from './gpu-data.js';
import { kernelOf, opOf } from './kernel_of.js';
import { customGrad, isRecording } from './gradients.js';
import * as runtime from './runtime.js';
import { endScope, keep, memory, type MemoryInfo, refuse, resetState, run, startScope, Tensor, tidy, variables, watch } from './tensor.js';
import { tensor } from './convert.js';
import { zeros } from './create.js';
import { coded, type DataType, isFloat, type NamedTensorMap, type Shape } from './types.js';
import { profile, type ProfileInfo, time, type TimingInfo } from './profile.js';

/** What stores and computes tensors elsewhere. Methods that a back end does not write throw. */
export class KernelBackend {
  refCount(_dataId: object): number {
    return missing('refCount');
  }
  incRef(_dataId: object): void {
    missing('incRef');
  }
  timerAvailable(): boolean {
    return true;
  }
  time(_f: () => void): Promise<unknown> {
    return missing('time');
  }
  read(_dataId: object): Promise<unknown> {
    return missing('read');
  }
  readSync(_dataId: object): unknown {
    return missing('readSync');
  }
  readToGPU(_dataId: object, _options?: object): GPUData {
    return missing('readToGPU');
  }
  createTensorFromGPUData(_values: WebGPUData, _shape: Shape, _dtype: DataType): Tensor {
    return missing('createTensorFromGPUData');
  }
  numDataIds(): number {
    return missing('numDataIds');
  }
  disposeData(_dataId: object, _force?: boolean): boolean {
    return missing('disposeData');
  }
  write(_values: unknown, _shape: Shape, _dtype: DataType): object {
    return missing('write');
  }
  move(_dataId: object, _values: unknown, _shape: Shape, _dtype: DataType, _refCount: number): void {
    missing('move');
  }
  memory(): { unreliable: boolean } {
    return missing('memory');
  }
  floatPrecision(): 16 | 32 {
    return missing('floatPrecision');
  }
  epsilon(): number {
    return this.floatPrecision() === 32 ? 1e-7 : 1e-4;
  }
  dispose(): void {
    missing('dispose');
  }
}

function missing(method: string): never {
  throw coded('argument', `'${method}' not yet implemented or not found in the registry. This kernel may not be supported by the tfjs backend you have chosen`);
}

/** One of this package's own engines, as a back end. */
class Own extends KernelBackend {
  constructor(readonly name: 'cpu' | 'webgpu') {
    super();
  }
  override numDataIds(): number {
    return memory().numDataBuffers;
  }
  /** The device of WebGPU, for code that shares buffers with the engine's. */
  get device(): GPUDevice | undefined {
    return this.name === 'webgpu' ? runtime.gpuHost()?.device : undefined;
  }
  override memory(): { unreliable: boolean } {
    return { unreliable: memory().unreliable };
  }
  override floatPrecision(): 32 {
    return 32;
  }
  override dispose(): void {}
  /** For kernels that users register. */
  makeTensorInfo(shape: Shape, dtype: DataType, values?: never): Tensor {
    return values === undefined ? zeros(shape, dtype) : tensor(values, shape, dtype);
  }
}

type Factory = () => KernelBackend | Promise<KernelBackend>;
interface Registered {
  factory: Factory;
  priority: number;
  instance?: KernelBackend;
  pending?: Promise<boolean>;
}

const backends = new Map<string, Registered>();
/** The name of the back end in use. */
let current: string | null = null;

export interface KernelConfig {
  kernelName: string;
  backendName: string;
  kernelFunc: (args: { inputs: any; attrs: any; backend: any }) => any;
  setupFunc?: (backend: any) => void;
  disposeFunc?: (backend: any) => void;
}
export interface GradConfig {
  kernelName: string;
  inputsToSave?: string[];
  saveAllInputs?: boolean;
  outputsToSave?: boolean[];
  gradFunc: (dy: any, saved: Tensor[], attrs: any) => Record<string, () => Tensor>;
}
const kernels = new Map<string, KernelConfig>();
const gradients = new Map<string, GradConfig>();
const key = (kernel: string, backend: string): string => `${backend}_${kernel}`;

export function registerKernel(config: KernelConfig): void {
  const name = key(config.kernelName, config.backendName);
  if (kernels.has(name)) console.warn(`The kernel '${config.kernelName}' for backend '${config.backendName}' is already registered`);
  kernels.set(name, config);
}
export function unregisterKernel(kernelName: string, backendName: string): void {
  if (!kernels.delete(key(kernelName, backendName))) throw coded('unknown', `The kernel '${kernelName}' for backend '${backendName}' is not registered`);
}
/** A kernel that was registered, or one of the operations of this package. */
export function getKernel(kernelName: string, backendName: string): KernelConfig | undefined {
  const own = backends.get(backendName)?.instance instanceof Own || backendName === 'cpu' || backendName === 'webgpu';
  return kernels.get(key(kernelName, backendName)) ?? (own && runtime.hasOp(opOf(kernelName)) ? ownKernel(kernelName, backendName) : undefined);
}
export const getKernelsForBackend = (backendName: string): KernelConfig[] => [...kernels.values()].filter((k) => k.backendName === backendName);
export function copyRegisteredKernels(from: string, to: string): void {
  for (const config of getKernelsForBackend(from)) registerKernel({ ...config, backendName: to });
}
export function registerGradient(config: GradConfig): void {
  if (gradients.has(config.kernelName) && env().getBool('DEBUG')) console.warn(`Overriding the gradient for '${config.kernelName}'`);
  gradients.set(config.kernelName, config);
}
export function unregisterGradient(kernelName: string): void {
  if (!gradients.delete(kernelName)) throw coded('unknown', `The gradient '${kernelName}' for backend is not registered`);
}
export const getGradient = (kernelName: string): GradConfig | undefined => gradients.get(kernelName);

const ownKernel = (kernelName: string, backendName: string): KernelConfig => ({
  kernelName,
  backendName,
  kernelFunc: ({ inputs, attrs }) => {
    const results = run(opOf(kernelName), Object.values(inputs as NamedTensorMap), Object.values((attrs ?? {}) as Record<string, number>).flat());
    return results.length === 1 ? results[0] : results;
  },
});

/** Back ends that could not be made. */
const failed = new WeakSet<Promise<boolean>>();

function find(name: string): Registered | undefined {
  const registered = backends.get(name);
  if (registered !== undefined && registered.instance === undefined && registered.pending === undefined) {
    try {
      const made = registered.factory();
      if (typeof (made as Promise<KernelBackend>).then === 'function') {
        registered.pending = (made as Promise<KernelBackend>).then(
          (instance) => {
            setUp(name, registered, instance);
            return true;
          },
          (error: unknown) => {
            console.warn(`Initialization of backend ${name} failed`, error);
            return false;
          },
        );
      } else setUp(name, registered, made as KernelBackend);
    } catch (error) {
      console.warn(`Initialization of backend ${name} failed`, error);
      failed.add((registered.pending = Promise.resolve(false)));
    }
  }
  return registered;
}

function setUp(name: string, registered: Registered, instance: KernelBackend): void {
  registered.instance = instance;
  for (const kernel of getKernelsForBackend(name)) kernel.setupFunc?.(instance);
}

export function registerBackend(name: string, factory: Factory, priority = 1): boolean {
  if (backends.has(name)) {
    console.warn(`${name} backend was already registered. Reusing existing backend factory.`);
    return false;
  }
  backends.set(name, { factory, priority });
  // What was chosen of itself may change.
  if (!chosen) current = null;
  return true;
}

export function removeBackend(name: string): void {
  const registered = backends.get(name);
  if (registered === undefined) throw coded('unknown', `${name} backend not found in registry`);
  if (registered.instance !== undefined) {
    for (const kernel of getKernelsForBackend(name)) kernel.disposeFunc?.(registered.instance);
    registered.instance.dispose();
  }
  backends.delete(name);
  if (current === name) forget();
}

let chosen = false;
function forget(): void {
  current = null;
  chosen = false;
  refuse(null);
}

export const findBackendFactory = (name: string): Factory | null => backends.get(name)?.factory ?? null;
export const findBackend = (name: string): KernelBackend | null => find(name)?.instance ?? null;

/** The name of the back end in use. */
export function getBackend(): string {
  pick();
  return current ?? runtime.getBackend();
}

/** The back ends, the preferred first. */
const byPriority = (): [string, Registered][] => [...backends].sort(([, a], [, b]) => b.priority - a.priority);

/** Chooses the back end of the highest priority, unless one was set. */
function pick(): void {
  if (current !== null) return;
  for (const [name] of byPriority()) {
    const found = find(name);
    if (found?.instance !== undefined) {
      choose(found.instance instanceof Own ? runtime.getBackend() : name);
      return;
    }
    if (found?.pending !== undefined && !failed.has(found.pending)) {
      throw coded('device', `The highest priority backend '${name}' has not yet been initialized. Make sure to await tf.ready() or await tf.setBackend() before calling other methods`);
    }
  }
}

function choose(name: string): void {
  current = name;
  const instance = find(name)?.instance;
  // The names of this package's own engines are those that the runtime knows.
  refuse(instance instanceof Own ? null : () => (backend() as KernelBackend).write([], [], 'float32'));
}

/** The back end in use. */
export function backend(): KernelBackend {
  const name = getBackend();
  const instance = find(name)?.instance;
  if (instance === undefined) throw coded('device', `Backend '${name}' has not yet been initialized. Make sure to await tf.ready() or await tf.setBackend() before calling other methods`);
  return instance;
}

/** Chooses the engine by name: `cpu` (also named `wasm`), `webgpu`, or one that was registered. Tensors follow. The promise
 *  gives false, and the engine stays, where the one asked for cannot run. */
export async function setBackend(name: string): Promise<boolean> {
  const own = name === 'wasm' ? 'cpu' : name;
  const registered = find(own);
  if (registered === undefined) throw coded('unknown', `Backend name '${name}' not found in registry`);
  const before = current;
  chosen = true;
  choose(own);
  if (registered.instance === undefined) {
    const success = (await registered.pending) ?? false;
    if (success && current === own) choose(own);
    return success;
  }
  if (!(registered.instance instanceof Own)) return true;
  const moved = await runtime.setBackend(registered.instance.name);
  if (!moved && current === own) choose(before ?? runtime.getBackend());
  return moved;
}

/** Resolves when an engine runs. */
export async function ready(): Promise<void> {
  await runtime.ready();
  for (const [name] of chosen && current !== null ? byPriority().filter(([n]) => n === current) : byPriority()) {
    const found = find(name);
    if (found?.pending !== undefined && !(await found.pending)) failed.add(found.pending);
    else {
      choose(!chosen && found?.instance instanceof Own ? runtime.getBackend() : name);
      return;
    }
  }
}

/** The own engines: webgpu is used when asked for. */
function registerOwn(): void {
  const make = (name: 'cpu' | 'webgpu') => (): Own => new Own(name);
  backends.set('cpu', { factory: make('cpu'), priority: 2 });
  backends.set('webgpu', { factory: make('webgpu'), priority: 0 });
}

/** Watches every operation for NaN and infinities, where the flag DEBUG says so. */
function check(op: string, results: Tensor[]): void {
  for (const t of results) {
    if (!isFloat(t.dtype)) continue;
    void t.data().then((values) => {
      const bad = values.find((v) => !Number.isFinite(v));
      if (bad !== undefined) console.warn(`Found ${bad} in the result of '${kernelOf(op)}'`);
    }, () => undefined);
  }
}
env().registerFlag('DEBUG', () => false, (on) => {
  watch(on ? (op, _, results) => check(op, results) : null);
  if (on) console.warn('Debugging mode is ON. The output of every math call will be downloaded to CPU and checked for NaNs. This significantly impacts performance. To disable, call tf.env().set("DEBUG", false).');
});

/** The part of TensorFlow.js's engine that programs use. */
export class Engine {
  startScope(name?: string): void {
    startScope(name);
  }
  endScope(result?: unknown): void {
    endScope(result);
  }
  tidy<T>(nameOrFn: string | (() => T), fn?: () => T): T {
    return tidy(nameOrFn, fn);
  }
  keep<T extends Tensor>(t: T): T {
    return keep(t);
  }
  memory(): MemoryInfo {
    return memory();
  }
  profile(f: () => unknown): Promise<ProfileInfo> {
    return profile(f);
  }
  time(f: () => unknown): Promise<TimingInfo> {
    return time(f);
  }
  ready(): Promise<void> {
    return ready();
  }
  /** Starts what was asked for and not computed. */
  flush(): void {
    runtime.wasm().flush();
  }
  get backend(): KernelBackend {
    return backend();
  }
  get backendName(): string {
    return getBackend();
  }
  get registeredVariables(): Record<string, Tensor> {
    return Object.fromEntries(variables);
  }
  get state(): { numTensors: number; numBytes: number; numDataBuffers: number; registeredVariables: Record<string, Tensor> } {
    const { numTensors, numBytes, numDataBuffers } = memory();
    return { numTensors, numBytes, numDataBuffers, registeredVariables: this.registeredVariables };
  }
  registerBackend = registerBackend;
  removeBackend = removeBackend;
  findBackend = findBackend;
  findBackendFactory = findBackendFactory;
  setBackend = setBackend;
  isTapeOn(): boolean {
    return isRecording();
  }
  /** Forgets variables, scopes, and back ends that were chosen. */
  reset(): void {
    resetState();
    watch(null);
    for (const registered of backends.values()) {
      if (registered.instance instanceof Own) continue;
      registered.instance?.dispose();
      delete registered.instance;
      delete registered.pending;
    }
    forget();
  }

  /** A tensor of what a kernel returned. */
  makeTensorFromDataId(dataId: object, shape: Shape, dtype: DataType = 'float32'): Tensor {
    const made = dtype === 'complex64' ? new Tensor(zeros([...shape, 2]).handle, dtype, shape) : zeros(shape, dtype);
    Object.defineProperty(made, 'dataId', { value: dataId });
    return made;
  }

  /** Runs a kernel that was registered, or one of this package's operations by its TensorFlow.js name. */
  runKernel(kernelName: string, inputs: any, attrs: any = {}): any {
    const instance = backend();
    const config = getKernel(kernelName, getBackend());
    if (config === undefined) throw coded('unknown', `Kernel '${kernelName}' not registered for backend '${getBackend()}'`);
    if (!kernels.has(key(kernelName, getBackend()))) return config.kernelFunc({ inputs, attrs, backend: instance });
    const call = (): Tensor[] => {
      const before = instance.numDataIds();
      const made = [config.kernelFunc({ inputs, attrs, backend: instance })].flat();
      const leaked = instance.numDataIds() - before - made.reduce((n: number, t) => n + (t.dtype === 'complex64' ? 3 : 1), 0);
      if (leaked > 0 && !(instance instanceof Own)) throw coded('argument', `Backend '${getBackend()}' has an internal memory leak (${leaked} data ids) after running '${kernelName}'`);
      refuse(null);
      try {
        return made.map((t) => (t instanceof Tensor ? t : this.makeTensorFromDataId(t.dataId, t.shape, t.dtype)));
      } finally {
        choose(getBackend());
      }
    };
    const list = Object.values(inputs).flat() as Tensor[];
    if (!isRecording() || list.length === 0) {
      const results = call();
      return results.length === 1 ? results[0] : results;
    }
    const gradient = gradients.get(kernelName);
    let saved: Tensor[] = [];
    const value = customGrad((...xs: any[]) => {
      const results = call();
      if (gradient?.saveAllInputs && !Array.isArray(inputs)) throw coded('argument', 'saveAllInputs is true, expected inputs to be an array.');
      const kept = gradient?.saveAllInputs ? xs.slice(0, -1) : (gradient?.inputsToSave ?? []).map((name) => inputs[name]);
      saved = [...kept, ...results.filter((_, i) => gradient?.outputsToSave?.[i])];
      return {
        value: results[0] as Tensor,
        gradFunc: (dy: Tensor) => {
          if (gradient === undefined) throw coded('gradient', `Cannot compute gradient: gradient function not found for ${kernelName}.`);
          const by = gradient.gradFunc(dy, saved, attrs);
          return Object.keys(inputs).map((name) => (by[name] as () => Tensor)());
        },
      };
    })(...list);
    return value;
  }
}

registerOwn();
const ENGINE = new Engine();

/** The engine. */
export const engine = (): Engine => ENGINE;
