/** Tensors and their life. */

import { format } from './format.js';
import { toHalves } from './halves.js';
import { opId, wasm } from './runtime.js';
import { computeStrides, sizeOf } from './shape.js';
import { special } from './special_hook.js';
import { bytesOf, lengthOf, textOf } from './strings.js';
import { ARRAYS, BYTES, coded, DTYPES, type DataType, type DataTypeMap, type NumericType, type Shape } from './types.js';

/** The values of a tensor, which clones and reshapes share. */
interface Data {
  references: number;
  bytes: number;
  /** A copy of what was uploaded, where the engine cannot give it back at once. */
  host?: Numbers;
  /** Which count it is part of: none any more once the engine was reset. */
  readonly counts: Counts;
}

/** The values of a tensor; of strings, their numbers. */
export type Numbers = Float32Array | Int32Array | Uint8Array | Int8Array | Uint32Array;

interface Counts {
  tensors: number;
  buffers: number;
  bytes: number;
  strings: number;
}

/** Frees handles of tensors that were collected without being disposed. */
const collected = new FinalizationRegistry<{ handle: number; data: Data; dtype: DataType }>(({ handle, data, dtype }) => {
  release(data, dtype);
  wasm().drop(handle);
});

let counts: Counts = { tensors: 0, buffers: 0, bytes: 0, strings: 0 };

function release(data: Data, dtype: DataType): void {
  const { counts } = data;
  counts.tensors -= 1;
  if (dtype === 'string') counts.strings -= 1;
  data.references -= 1;
  if (data.references === 0) {
    counts.buffers -= 1;
    counts.bytes -= data.bytes;
  }
}

let nextId = 0;

/** An n-dimensional array. Operations on it run when a value is read. */
export class Tensor {
  readonly id: number = nextId++;
  shape: Shape;
  dtype: DataType;
  readonly size: number;
  /** Whether `tidy` leaves it alone. */
  kept = false;
  /** The handle in the module; 0 after disposal. */
  handle: number;
  /** What clones share. */
  data_: Data;

  constructor(handle: number, dtype: DataType, shape: Shape, shares?: Tensor) {
    this.handle = handle;
    this.dtype = dtype;
    this.shape = shape;
    this.size = sizeOf(shape);
    if (shares === undefined) {
      this.data_ = { references: 0, bytes: this.size * BYTES[dtype], counts };
      counts.buffers += 1;
      counts.bytes += this.data_.bytes;
    } else {
      this.data_ = shares.data_;
    }
    this.data_.references += 1;
    this.data_.counts.tensors += 1;
    if (dtype === 'string') this.data_.counts.strings += 1;
    collected.register(this, { handle, data: this.data_, dtype }, this);
    track(this);
  }

  get rank(): number {
    return this.shape.length;
  }

  get rankType(): string {
    return this.rank < 5 ? this.rank.toString() : 'higher';
  }

  /** Identifies the values: tensors that share them have the same. */
  get dataId(): object {
    return this.data_;
  }

  get strides(): number[] {
    return computeStrides(this.shape);
  }

  get isDisposed(): boolean {
    return this.handle === 0;
  }

  protected live(): number {
    if (this.handle === 0) throw coded('disposed', 'Tensor is disposed.');
    return this.handle;
  }

  throwIfDisposed(): void {
    this.live();
  }

  /** Gives the memory back. */
  dispose(): void {
    if (this.handle === 0) return;
    collected.unregister(this);
    release(this.data_, this.dtype);
    wasm().drop(this.handle);
    this.handle = 0;
  }

  [Symbol.dispose](): void {
    this.dispose();
  }

  /** The values in row-major order. */
  async data<D extends DataType = NumericType>(): Promise<DataTypeMap[D]> {
    return this.decode(await this.read()) as DataTypeMap[D];
  }

  /** The values in row-major order, at once. On WebGPU this stops the page until the GPU is done, and throws where a browser
   *  offers no way to it; the lean package has none. */
  dataSync<D extends DataType = NumericType>(): DataTypeMap[D] {
    return this.decode(this.readSync()) as DataTypeMap[D];
  }

  private async read(): Promise<Numbers> {
    const handle = this.live();
    return this.data_.host?.slice() ?? this.values(await wasm().read(handle));
  }

  private readSync(): Numbers {
    const handle = this.live();
    return this.data_.host?.slice() ?? this.values(wasm().readSync(handle));
  }

  /** The values of 32-bit lanes. */
  private values(lanes: Uint32Array<ArrayBuffer>): Numbers {
    const type = this.dtype === 'string' ? Int32Array : (ARRAYS[this.dtype] as Float32ArrayConstructor);
    return type.BYTES_PER_ELEMENT === 4 ? new type(lanes.buffer) : type.from(lanes);
  }

  private decode(data: Numbers): unknown {
    return this.dtype === 'string' ? Array.from(data, textOf) : data;
  }

  /** The values as bytes, as files hold them; of strings, the bytes of each. */
  async bytes(): Promise<Uint8Array | Uint8Array[]> {
    let data: Numbers | Uint16Array = await this.read();
    if (this.dtype === 'string') return Array.from(data, bytesOf);
    if (BYTES[this.dtype] === 2) data = toHalves(data as Float32Array, this.dtype);
    return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  }

  /** The bytes of strings, at once. */
  bytesSync(): Uint8Array[] {
    return Array.from(this.readSync(), bytesOf);
  }

  /** The bytes of strings, which others must count once they are there. */
  countBytes(numbers: ArrayLike<number>): void {
    this.data_.bytes = Array.from(numbers, lengthOf).reduce((a, b) => a + b, 0);
    this.data_.counts.bytes += this.data_.bytes;
  }

  /** The values as nested arrays. */
  async array(): Promise<any> {
    return nest(this.shape, await this.data(), this.dtype);
  }

  /** The values as nested arrays, at once. */
  arraySync(): any {
    return nest(this.shape, this.dataSync(), this.dtype);
  }

  toString(verbose = false): string {
    return format(this.dataSync(), this.shape, this.dtype, verbose);
  }

  print(verbose = false): void {
    console.log(this.toString(verbose));
  }
}

export type Scalar = Tensor;
export type Tensor1D = Tensor;
export type Tensor2D = Tensor;
export type Tensor3D = Tensor;
export type Tensor4D = Tensor;
export type Tensor5D = Tensor;
export type Tensor6D = Tensor;

/** A tensor whose value can be replaced; training changes it. */
export class Variable extends Tensor {
  readonly name: string;
  trainable: boolean;

  constructor(initial: Tensor, trainable = true, name?: string) {
    initial.throwIfDisposed();
    const [handle] = wasm().clone(initial.handle);
    super(handle ?? 0, initial.dtype, initial.shape, initial);
    this.trainable = trainable;
    this.name = name ?? `variable_${this.id}`;
    this.kept = true;
    if (variables.has(this.name)) {
      this.dispose();
      throw coded('argument', `Variable with name ${this.name} was already registered`);
    }
    variables.set(this.name, this);
  }

  /** Replaces the value. The new one must have the same shape and dtype. */
  assign(value: Tensor): void {
    if (value.dtype !== this.dtype) {
      throw coded('dtype', `dtype of the new value (${value.dtype}) and previous value (${this.dtype}) must match`);
    }
    if (value.shape.length !== this.shape.length || value.shape.some((d, i) => d !== this.shape[i])) {
      throw coded('shape', `shape of the new value (${value.shape}) and previous value (${this.shape}) must match`);
    }
    const old = this.live();
    const [handle] = wasm().clone(value.handle);
    collected.unregister(this);
    this.handle = handle ?? 0;
    release(this.data_, this.dtype);
    this.data_ = value.data_;
    this.data_.references += 1;
    this.data_.counts.tensors += 1;
    collected.register(this, { handle: this.handle, data: this.data_, dtype: this.dtype }, this);
    wasm().drop(old);
  }

  override dispose(): void {
    if (variables.get(this.name) === this) variables.delete(this.name);
    super.dispose();
  }
}

/** Every variable by name. */
export const variables = new Map<string, Variable>();

/** Values as nested arrays; complex ones as real and imaginary parts, one after the other. */
export function nest(shape: Shape, data: ArrayLike<unknown>, dtype?: DataType): unknown {
  if (shape.length === 0) return data[0];
  const last = shape.length - 1;
  let at = 0;
  const build = (d: number): unknown[] =>
    Array.from({ length: (shape[d] ?? 0) * (d === last && dtype === 'complex64' ? 2 : 1) }, () => (d === last ? data[at++] : build(d + 1)));
  // Nothing lies in an array without elements, however deep.
  return shape.includes(0) ? [] : build(0);
}

/** Tensors made since a scope began. */
interface Scope {
  readonly name: string;
  tracked: Tensor[];
}

let scopes: Scope[] = [];

function track(tensor: Tensor): void {
  scopes.at(-1)?.tracked.push(tensor);
}

/** Forgets all scopes, variables and counts. */
export function resetState(): void {
  disposeVariables();
  scopes = [];
  counts = { tensors: 0, buffers: 0, bytes: 0, strings: 0 };
}

export function startScope(name = ''): void {
  scopes.push({ name, tracked: [] });
}

/** Disposes what the innermost scope made but for `result`, which the next scope takes over. */
export function endScope(result?: unknown): void {
  const scope = scopes.pop();
  if (scope === undefined) return;
  const results = result instanceof Tensor ? null : new Set(tensorsIn(result));
  for (const tensor of scope.tracked) {
    if (tensor.isDisposed || tensor.kept) continue;
    if (results === null ? tensor === result : results.has(tensor)) track(tensor);
    else tensor.dispose();
  }
}

/** Calls `f` and disposes every tensor it made, but for those it returns and those it keeps. */
export function tidy<T>(nameOrFn: string | (() => T), fn?: () => T): T {
  const name = typeof nameOrFn === 'string' ? nameOrFn : '';
  if (fn !== undefined && name === '' && typeof nameOrFn !== 'string') throw coded('argument', 'When calling with two arguments, the first argument to tidy() must be a string');
  const body = typeof nameOrFn === 'function' ? nameOrFn : fn;
  if (typeof body !== 'function') throw coded('argument', 'Please provide a function to tidy()');
  return inScope(() => {
    const result = body();
    if (result instanceof Promise) console.error('Cannot return a Promise inside of tidy.');
    return result;
  }, name);
}

/** Calls `f` in a scope of its own, which its result leaves. */
function inScope<T>(f: () => T, name?: string): T {
  startScope(name);
  let result: T | undefined;
  try {
    return (result = f());
  } finally {
    endScope(result);
  }
}

/** `f` as an operation: what it makes on the way to its result is disposed. */
export function scoped<F extends (...args: any[]) => unknown>(f: F): F {
  return function (this: unknown, ...args: unknown[]) {
    return inScope(() => f.apply(this, args));
  } as F;
}

/** The functions of a namespace as operations; asynchronous ones are left as they are. */
export function scopedAll<T extends object>(functions: T): T {
  const entries = Object.entries(functions).map(([name, f]) => [name, typeof f === 'function' && !name.endsWith('Async') ? scoped(f) : f]);
  return Object.fromEntries(entries) as T;
}

/** Makes an operation of the only function of an object, by its name. */
export function op<F extends (...args: any[]) => unknown>(functions: Record<string, F>): F {
  const names = Object.keys(functions);
  if (names.length !== 1) throw coded('argument', `Please provide an object with a single key (operation name) mapping to a function. Got an object with ${names.length} keys.`);
  const name = names[0] as string;
  return Object.defineProperty(scoped(functions[name] as F), 'name', { value: `${name.replace(/_$/, '')}__op`, configurable: true });
}

/** Keeps a tensor beyond the scope that made it. */
export function keep<T extends Tensor>(tensor: T): T {
  tensor.kept = true;
  return tensor;
}

/** The tensors of a nested structure. */
export function tensorsIn(container: unknown): Tensor[] {
  const found: Tensor[] = [];
  const seen = new Set<object>();
  const walk = (value: unknown): void => {
    if (value instanceof Tensor) {
      found.push(value);
    } else if (value !== null && typeof value === 'object' && !ArrayBuffer.isView(value) && !seen.has(value)) {
      seen.add(value);
      for (const item of Array.isArray(value) ? value : Object.values(value)) walk(item);
    }
  };
  walk(container);
  return found;
}

/** Disposes the tensors of a nested structure. */
export function dispose(container: unknown): void {
  for (const tensor of tensorsIn(container)) tensor.dispose();
}

/** Disposes all variables. */
export function disposeVariables(): void {
  for (const variable of [...variables.values()]) variable.dispose();
}

/** What is held. */
export interface MemoryInfo {
  numTensors: number;
  numDataBuffers: number;
  numBytes: number;
  unreliable: boolean;
  /** Why numBytes is not exact. */
  reasons?: string[];
  /** Bytes that the engine's buffers take, and that it keeps for reuse. */
  engineBytes: number;
  pooledBytes: number;
  /** Bytes of WebAssembly memory. */
  wasmBytes: number;
}

/** What is held. */
export function memory(): MemoryInfo {
  const [live = 0, pooled = 0, , heap = 0] = wasm().memoryUse();
  return {
    numTensors: counts.tensors,
    numDataBuffers: counts.buffers,
    numBytes: counts.bytes,
    unreliable: counts.strings > 0,
    ...(counts.strings > 0 ? { reasons: ['Memory usage by string tensors is approximate (2 bytes per character)'] } : {}),
    engineBytes: live,
    pooledBytes: pooled,
    wasmBytes: heap,
  };
}

/** The tensors of records. `shares` is the tensor whose values the first one shows, `dtype` what the module's numbers stand
 *  for where that is not their own dtype. */
export function fromRecords(records: Float64Array, shares?: Tensor, as?: DataType): Tensor[] {
  const tensors: Tensor[] = [];
  for (let at = 0; at < records.length; ) {
    const [tensor, next] = fromRecord(records, at, tensors.length === 0 ? shares : undefined, as);
    tensors.push(tensor);
    at = next;
  }
  return tensors;
}

/** The tensor of the record at a position, and where the next one begins. */
export function fromRecord(records: Float64Array, at: number, shares?: Tensor, as?: DataType): [Tensor, number] {
  const [handle = 0, dtype = 0, rank = 0] = records.subarray(at, at + 3);
  const shape = [...records.subarray(at + 3, at + 3 + rank)];
  if (as === 'complex64') shape.pop();
  return [new Tensor(handle, as ?? DTYPES[dtype] ?? 'float32', shape, shares), at + 3 + rank];
}

/** What the module knows tensors by; throws where one is disposed. */
export function handlesOf(tensors: readonly Tensor[]): Uint32Array {
  const handles = new Uint32Array(tensors.length);
  tensors.forEach((tensor, i) => {
    tensor.throwIfDisposed();
    handles[i] = tensor.handle;
  });
  return handles;
}

/** Runs an operation. */
export function run(op: string, inputs: readonly Tensor[], attrs: readonly number[] = [], shares?: Tensor): Tensor[] {
  if (inputs.some((x) => x.dtype === 'complex64' || x.dtype === 'string')) return special().runSpecial(op, inputs, attrs, shares);
  return runNumbers(op, inputs, attrs, shares);
}

/** Runs an operation on what the module holds. The results are of dtype `as`, where that is given. */
export function runNumbers(op: string, inputs: readonly Tensor[], attrs: readonly number[] = [], shares?: Tensor, as?: DataType): Tensor[] {
  refusal?.();
  const results = fromRecords(wasm().invoke(opId(op), handlesOf(inputs), Float64Array.from(attrs)), shares, as);
  watcher?.(op, inputs, results);
  return results;
}

/** Called before every operation, where another back end is in use. */
let refusal: (() => unknown) | null = null;

/** Has every operation refused by what throws. */
export function refuse(by: (() => unknown) | null): void {
  refusal = by;
}

/** Sees every operation. */
export type Watcher = (op: string, inputs: readonly Tensor[], results: Tensor[]) => void;
let watcher: Watcher | null = null;

/** Has every operation seen, until called with null. */
export function watch(by: Watcher | null): void {
  watcher = by;
}

/** Runs an operation with one result. */
export function run1(op: string, inputs: readonly Tensor[], attrs: readonly number[] = [], shares?: Tensor): Tensor {
  return run(op, inputs, attrs, shares)[0] as Tensor;
}
