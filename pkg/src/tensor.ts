/** Tensors and their life. */

import { format } from './format.js';
import { opId, wasm } from './runtime.js';
import { BYTES, coded, DTYPES, type DataType, type DataTypeMap, type Shape } from './types.js';

/** The values of a tensor, which clones and reshapes share. */
interface Data {
  references: number;
  readonly bytes: number;
}

/** Frees handles of tensors that were collected without being disposed. */
const collected = new FinalizationRegistry<{ handle: number; data: Data }>(({ handle, data }) => {
  release(data);
  wasm().drop(handle);
});

const counts = { tensors: 0, buffers: 0, bytes: 0 };

function release(data: Data): void {
  counts.tensors -= 1;
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
  protected data_: Data;

  constructor(handle: number, dtype: DataType, shape: Shape, shares?: Tensor) {
    this.handle = handle;
    this.dtype = dtype;
    this.shape = shape;
    this.size = shape.reduce((a, b) => a * b, 1);
    if (shares === undefined) {
      this.data_ = { references: 0, bytes: this.size * BYTES[dtype] };
      counts.buffers += 1;
      counts.bytes += this.data_.bytes;
    } else {
      this.data_ = shares.data_;
    }
    this.data_.references += 1;
    counts.tensors += 1;
    collected.register(this, { handle, data: this.data_ }, this);
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
    const strides: number[] = [];
    for (let i = this.rank - 1, step = this.shape[i] ?? 1; i > 0; i--) {
      strides.unshift(step);
      step *= this.shape[i - 1] ?? 1;
    }
    return strides;
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
    release(this.data_);
    wasm().drop(this.handle);
    this.handle = 0;
  }

  [Symbol.dispose](): void {
    this.dispose();
  }

  /** The values in row-major order. */
  async data<D extends DataType = DataType>(): Promise<DataTypeMap[D]> {
    return (await wasm().read(this.live())) as DataTypeMap[D];
  }

  /** The values in row-major order, at once. */
  dataSync<D extends DataType = DataType>(): DataTypeMap[D] {
    return wasm().readSync(this.live()) as DataTypeMap[D];
  }

  /** The values as bytes. */
  async bytes(): Promise<Uint8Array> {
    const data = await this.data();
    return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
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
    // Its values are its own from now on, whatever it shared before.
    if (this.data_.references > 1) {
      this.data_.references -= 1;
      this.data_ = { references: 1, bytes: this.data_.bytes };
      counts.buffers += 1;
      counts.bytes += this.data_.bytes;
    }
    collected.register(this, { handle: this.handle, data: this.data_ }, this);
    wasm().drop(old);
  }

  override dispose(): void {
    if (variables.get(this.name) === this) variables.delete(this.name);
    super.dispose();
  }
}

/** Every variable by name. */
export const variables = new Map<string, Variable>();

function nest(shape: Shape, data: ArrayLike<number>, dtype: DataType): unknown {
  const element = (i: number): number | boolean => (dtype === 'bool' ? Boolean(data[i]) && 1 : data[i]) as number;
  if (shape.length === 0) return element(0);
  let at = 0;
  const build = (d: number): unknown[] => {
    const items: unknown[] = new Array(shape[d] ?? 0);
    for (let i = 0; i < items.length; i++) items[i] = d === shape.length - 1 ? Number(element(at++)) : build(d + 1);
    return items;
  };
  return build(0);
}

/** Tensors made since a scope began. */
interface Scope {
  readonly name: string;
  tracked: Tensor[];
}

const scopes: Scope[] = [];

function track(tensor: Tensor): void {
  scopes.at(-1)?.tracked.push(tensor);
}

export function startScope(name = ''): void {
  scopes.push({ name, tracked: [] });
}

/** Disposes what the innermost scope made but for `result`, which the next scope takes over. */
export function endScope(result?: unknown): void {
  const scope = scopes.pop();
  if (scope === undefined) return;
  const results = new Set(tensorsIn(result));
  for (const tensor of scope.tracked) {
    if (tensor.isDisposed || tensor.kept) continue;
    if (results.has(tensor)) track(tensor);
    else tensor.dispose();
  }
}

/** Calls `f` and disposes every tensor it made, but for those it returns and those it keeps. */
export function tidy<T>(nameOrFn: string | (() => T), fn?: () => T): T {
  const name = typeof nameOrFn === 'string' ? nameOrFn : '';
  const body = typeof nameOrFn === 'function' ? nameOrFn : fn;
  if (typeof body !== 'function') throw coded('argument', 'Please provide a function to tidy()');
  startScope(name);
  let result: T | undefined;
  try {
    result = body();
    if (result instanceof Promise) console.error('Cannot return a Promise inside of tidy.');
    return result;
  } finally {
    endScope(result);
  }
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
    unreliable: false,
    engineBytes: live,
    pooledBytes: pooled,
    wasmBytes: heap,
  };
}

/** The tensors of records. `shares` is the tensor whose values the first one shows. */
export function fromRecords(records: Float64Array, shares?: Tensor): Tensor[] {
  const tensors: Tensor[] = [];
  for (let at = 0; at < records.length; ) {
    const [tensor, next] = fromRecord(records, at, tensors.length === 0 ? shares : undefined);
    tensors.push(tensor);
    at = next;
  }
  return tensors;
}

/** The tensor of the record at a position, and where the next one begins. */
export function fromRecord(records: Float64Array, at: number, shares?: Tensor): [Tensor, number] {
  const [handle = 0, dtype = 0, rank = 0] = records.subarray(at, at + 3);
  const shape = [...records.subarray(at + 3, at + 3 + rank)];
  return [new Tensor(handle, DTYPES[dtype] ?? 'float32', shape, shares), at + 3 + rank];
}

/** Runs an operation. */
export function run(op: string, inputs: readonly Tensor[], attrs: readonly number[] = [], shares?: Tensor): Tensor[] {
  const handles = new Uint32Array(inputs.length);
  inputs.forEach((input, i) => {
    input.throwIfDisposed();
    handles[i] = input.handle;
  });
  return fromRecords(wasm().invoke(opId(op), handles, Float64Array.from(attrs)), shares);
}

/** Runs an operation with one result. */
export function run1(op: string, inputs: readonly Tensor[], attrs: readonly number[] = [], shares?: Tensor): Tensor {
  return run(op, inputs, attrs, shares)[0] as Tensor;
}
