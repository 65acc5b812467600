/** Layers and what connects them. */

import { decode, encode } from '../encode.js';
import { zeros } from '../create.js';
import { nextSeed } from '../random.js';
import { wasm } from '../runtime.js';
import { fromRecord, keep, Tensor, tidy, Variable } from '../tensor.js';
import { coded, dtypeCode, type DataType, isFloat, type Shape } from '../types.js';
import type { State } from './callbacks.js';
import { type Config, fromKeras, toKeras, toSnake } from './config.js';
import type { InputSpec } from './input-spec.js';
import { autocast, computing, mixedDtype } from './policy.js';

/** A shape with unknown dimensions. */
export type SymbolicShape = (number | null)[];

/** What a layer is called with beyond its inputs. */
export interface Kwargs {
  training?: boolean;
  /** Which steps of the inputs count. */
  mask?: Mask | Mask[];
  /** What a recurrent layer begins with: inputs that come after the sequence. */
  initialState?: Tensor[] | SymbolicTensor[];
  /** Takes the losses that layers compute of their outputs. */
  losses?: Tensor[];
  /** Takes the new values of weights that are being trained, for after their gradients. */
  updates?: [LayerVariable, Tensor][];
  /** Sees what each layer of a model computes. */
  watch?: (layer: Layer, outputs: Tensor[]) => void;
  [key: string]: unknown;
}

/** A bool tensor of which steps count; null: all do. */
export type Mask = Tensor | null;

export interface LayerArgs {
  name?: string;
  trainable?: boolean;
  inputShape?: SymbolicShape;
  batchInputShape?: SymbolicShape;
  batchSize?: number;
  /** A dtype, or a policy of mixed precision: 'mixed_float16' or 'mixed_bfloat16'. */
  dtype?: DataType | 'mixed_float16' | 'mixed_bfloat16';
  inputDType?: DataType;
  weights?: Tensor[];
  [key: string]: unknown;
}

/** A value that a model will compute. */
export class SymbolicTensor {
  private static next = 0;
  readonly id = SymbolicTensor.next++;
  readonly rank: number;

  constructor(
    readonly dtype: DataType,
    readonly shape: SymbolicShape,
    readonly sourceLayer: Layer,
    readonly inputs: SymbolicTensor[],
    readonly name: string,
    public nodeIndex = 0,
    public tensorIndex = 0,
  ) {
    this.rank = shape.length;
  }
}

/** One use of a layer: its inputs and its outputs. */
export interface Node {
  readonly layer: Layer;
  readonly inputs: SymbolicTensor[];
  readonly outputs: SymbolicTensor[];
  /** What the layer is called with here beyond its inputs, whatever the model is called with. */
  readonly kwargs?: Kwargs;
}

/** Called by layers with what they are called with. */
export type CallHook = (inputs: Tensor | Tensor[], kwargs: Kwargs) => void;

/** A weight: a variable with what training must know of it. */
export class LayerVariable {
  readonly variable: Variable;
  trainable: boolean;

  constructor(
    value: Tensor,
    readonly name: string,
    trainable = true,
    readonly regularizer: unknown = null,
    readonly constraint: unknown = null,
  ) {
    this.variable = new Variable(value, trainable, uniqueName(name));
    this.trainable = trainable;
  }

  get shape(): Shape {
    return this.variable.shape;
  }

  get dtype(): DataType {
    return this.variable.dtype;
  }

  /** The value; while a layer of mixed precision computes, as what it computes in. */
  read(): Tensor {
    return autocast(this.variable);
  }

  write(value: Tensor): this {
    if (value.shape.length !== this.shape.length || value.shape.some((d, i) => d !== this.shape[i])) {
      throw coded('shape', `Shape mismatch: [${value.shape}] vs. [${this.shape}] of weight '${this.name}'`);
    }
    this.variable.assign(value);
    return this;
  }

  dispose(): void {
    this.variable.dispose();
  }
}

const used = new Map<string, number>();

/** Names of variables are unique in the whole program, weights' only within their model. */
function uniqueName(name: string): string {
  const n = used.get(`weight ${name}`) ?? 0;
  used.set(`weight ${name}`, n + 1);
  return n === 0 ? name : `${name}_${n}`;
}

/** A name that no layer has had: `dense_Dense1`. */
export function uid(className: string): string {
  const n = (used.get(className) ?? 0) + 1;
  used.set(className, n);
  return `${toSnake(className)}_${className}${n}`;
}

export const listOf = <T>(value: T | T[]): T[] => (Array.isArray(value) ? value : [value]);
const scopes: string[] = [];

/** Calls `f`; names of weights that are made meanwhile begin with `name`. */
export function inScopeOf<T>(name: string, f: () => T): T {
  scopes.push(name);
  try {
    return f();
  } finally {
    scopes.pop();
  }
}

/** The only one of a list, or the list. */
export const single = <T>(list: T[]): T | T[] => (list.length === 1 ? (list[0] as T) : list);
export const unique = <T>(list: T[]): T[] => [...new Set(list)];

/** The base of all layers; subclasses write `build`, `call`, `computeOutputShape` and `getConfig`. */
export class Layer {
  static className = 'Layer';
  readonly name: string;
  batchInputShape: SymbolicShape | undefined;
  dtype: DataType;
  built = false;
  supportsMasking = false;
  inboundNodes: Node[] = [];
  outboundNodes: Node[] = [];
  protected weightList: LayerVariable[] = [];
  protected addedLosses: (() => Tensor)[] = [];
  /** What inputs must be like, where that is said. */
  inputSpec: InputSpec[] | null = null;
  private trainableFlag: boolean;
  private statefulFlag = false;
  private callHook: CallHook | null = null;
  private asking = false;
  private readonly initialWeights: Tensor[] | undefined;
  /** The policy of mixed precision, where there is one. */
  protected readonly policy: ReturnType<typeof mixedDtype>;

  constructor(args: LayerArgs = {}) {
    this.name = args.name ?? uid(this.getClassName());
    this.trainableFlag = args.trainable ?? true;
    this.initialWeights = args.weights;
    this.policy = mixedDtype(args.dtype ?? args.inputDType);
    this.dtype = this.policy === null ? ((args.dtype ?? args.inputDType ?? 'float32') as DataType) : 'float32';
    if (args.batchInputShape !== undefined) this.batchInputShape = args.batchInputShape;
    else if (args.inputShape !== undefined) this.batchInputShape = [args.batchSize ?? null, ...args.inputShape];
  }

  static fromConfig(cls: new (config: any) => unknown, config: Config): unknown {
    return new cls(config);
  }

  getClassName(): string {
    return (this.constructor as typeof Layer).className;
  }

  /** What the layer computes in; its weights are of `dtype`. */
  get computeDtype(): DataType {
    return this.policy?.compute ?? this.dtype;
  }

  /** Whether the layer or one in it computes in a dtype. */
  computesIn(dtype: DataType): boolean {
    return this.computeDtype === dtype;
  }

  /** What `of` says of the layers within: those that are properties of this one, or in a list that is. */
  private within<T>(of: (layer: Layer) => T[]): T[] {
    // One of them may refer back to this.
    if (this.asking) return [];
    this.asking = true;
    try {
      return Object.values(this).flat().filter((value): value is Layer => value instanceof Layer).flatMap(of);
    } finally {
      this.asking = false;
    }
  }

  get trainable(): boolean {
    return this.trainableFlag;
  }

  set trainable(value: boolean) {
    this.trainableFlag = value;
  }

  /** Whether the layer carries states from call to call. */
  get stateful(): boolean {
    return this.statefulFlag;
  }

  set stateful(value: boolean) {
    this.statefulFlag = value;
  }

  get weights(): LayerVariable[] {
    return [...this.trainableWeights, ...this.nonTrainableWeights];
  }

  get trainableWeights(): LayerVariable[] {
    return this.trainable ? unique([...this.weightList.filter((w) => w.trainable), ...this.within((l) => l.trainableWeights)]) : [];
  }

  get nonTrainableWeights(): LayerVariable[] {
    return this.trainable ? unique([...this.weightList.filter((w) => !w.trainable), ...this.within((l) => l.nonTrainableWeights)]) : this.orderedWeights;
  }

  /** Weights in the order they were added, then those of layers within: the order they are stored in. */
  get orderedWeights(): LayerVariable[] {
    return unique([...this.weightList, ...this.within((l) => l.orderedWeights)]);
  }

  build(_inputShape: SymbolicShape | SymbolicShape[]): void {
    this.built = true;
  }

  call(inputs: Tensor | Tensor[], _kwargs: Kwargs): Tensor | Tensor[] {
    return inputs;
  }

  computeOutputShape(inputShape: SymbolicShape | SymbolicShape[]): SymbolicShape | SymbolicShape[] {
    return inputShape;
  }

  /** The masks of the outputs from those of the inputs; a layer that does not support masks drops them. */
  computeMask(_inputs: Tensor | Tensor[], mask?: Mask | Mask[]): Mask | Mask[] {
    return this.supportsMasking ? (mask ?? null) : null;
  }

  /** The outputs and their masks. */
  callMasked(inputs: Tensor[], masks: Mask[], kwargs: Kwargs): { outputs: Tensor[]; masks: Mask[] } {
    // A list even of one, as in TensorFlow.js: what is written for that may read the first.
    const given = masks.some((m) => m !== null) ? (masks.length === 1 ? (masks[0] as Mask) : masks) : null;
    const outputs = listOf(this.computed(inputs, given === null ? kwargs : { ...kwargs, mask: given }));
    return { outputs, masks: listOf(this.computeMask(inputs, given ?? undefined)) };
  }

  /** The outputs, computed in the layer's dtype. */
  protected computed(inputs: Tensor | Tensor[], kwargs: Kwargs): Tensor | Tensor[] {
    return computing(this.policy?.compute ?? null, inputs, (x) => this.call(x, kwargs));
  }

  /** Sets what the layer and those within carry from call to call to zero. */
  resetStates(): void {
    this.within((layer) => [layer.resetStates()]);
  }

  /** Has `hook` called with what the layer is called with. */
  setCallHook(hook: CallHook): void {
    this.callHook = hook;
  }

  clearCallHook(): void {
    this.callHook = null;
  }

  protected invokeCallHook(inputs: Tensor | Tensor[], kwargs: Kwargs): void {
    this.callHook?.(inputs, kwargs);
  }

  /** What the layer carries from call to call besides its weights, for training that goes on in another program. */
  getState(): State {
    return null;
  }

  /** Takes what `getState` gave. The tensors in it are the caller's. */
  setState(_state: any): void {}

  getConfig(): Config {
    const config: Config = { name: this.name, trainable: this.trainable };
    if (this.batchInputShape !== undefined) config.batchInputShape = this.batchInputShape;
    config.dtype = this.policy?.name ?? this.dtype;
    return config;
  }

  /** The configuration in Keras's form. */
  kerasConfig(): Config {
    return toKeras(this.getConfig()) as Config;
  }

  /** Makes a weight of the layer; an initializer may be an object whose `apply(shape, dtype)` gives the value. */
  addWeight(name: string, shape: Shape, dtype?: DataType | null, initializer?: unknown, regularizer?: unknown, trainable = true, constraint?: unknown): LayerVariable {
    const type = dtype ?? 'float32';
    const own = initializer as { apply?(shape: Shape, dtype: DataType): Tensor } | null | undefined;
    const value = tidy(() =>
      typeof own?.apply === 'function'
        ? own.apply(shape, type)
        : fromRecord(wasm().initialize(encode(toKeras(initializer ?? 'zeros')), Uint32Array.from(shape), dtypeCode(type), nextSeed()), 0)[0],
    );
    const weight = new LayerVariable(value, `${scopes.length > 0 ? scopes.join('/') : this.name}/${name}`, trainable, toKeras(regularizer ?? null), toKeras(constraint ?? null));
    value.dispose();
    this.weightList.push(weight);
    return weight;
  }

  addLoss(loss: (() => Tensor) | (() => Tensor)[]): void {
    this.addedLosses.push(...listOf(loss));
  }

  /** Functions of losses that the layer adds to the model's. */
  get losses(): (() => Tensor)[] {
    return [...this.addedLosses, ...this.within((l) => l.losses)];
  }

  calculateLosses(): Tensor[] {
    return this.losses.map((loss) => loss());
  }

  getWeights(trainableOnly = false): Tensor[] {
    return (trainableOnly ? this.trainableWeights : this.weights).map((w) => w.read());
  }

  setWeights(weights: Tensor[]): void {
    const mine = this.weights;
    if (mine.length !== weights.length) {
      throw coded('argument', `You called setWeights(weights) on layer "${this.name}" with a weight list of length ${weights.length}, but the layer was expecting ${mine.length} weights.`);
    }
    mine.forEach((w, i) => w.write(weights[i] as Tensor));
  }

  countParams(): number {
    if (!this.built) throw coded('argument', `You tried to call countParams() on ${this.name}, but the layer is not built yet. Build it first by calling build(batchInputShape).`);
    return this.orderedWeights.reduce((n, w) => n + w.variable.size, 0);
  }

  /** Computes tensors, or connects symbolic ones. */
  apply(inputs: Tensor | Tensor[] | SymbolicTensor | SymbolicTensor[], kwargs: Kwargs = {}): any {
    const named = kwargs.initialState ?? kwargs.countWeights ?? null;
    if (named !== null) {
      const { initialState: _, countWeights: __, ...rest } = kwargs;
      return this.apply([...listOf(inputs as Tensor | Tensor[]), ...listOf(named as Tensor | Tensor[])], rest);
    }
    const list = listOf(inputs as Tensor | SymbolicTensor | (Tensor | SymbolicTensor)[]);
    const symbolic = list.filter((x) => x instanceof SymbolicTensor) as SymbolicTensor[];
    if (symbolic.length !== 0 && symbolic.length !== list.length) {
      throw coded('argument', 'Arguments to apply() must be all SymbolicTensors or all Tensors');
    }
    const shapes = list.map((x) => x.shape as SymbolicShape);
    this.inputSpec?.forEach((spec, i) => list[i] !== undefined && spec.check(this.name, { shape: shapes[i] as SymbolicShape }));
    this.ensureBuilt(Array.isArray(inputs) && inputs.length > 1 ? shapes : (shapes[0] as SymbolicShape));
    if (symbolic.length === 0) return this.computed(inputs as Tensor | Tensor[], kwargs);
    const shape = this.computeOutputShape(symbolic.length === 1 ? (shapes[0] as SymbolicShape) : shapes);
    const several = Array.isArray(shape[0]);
    const outputs = (several ? (shape as SymbolicShape[]) : [shape as SymbolicShape]).map(
      (s, i) => new SymbolicTensor(this.computeDtype, s, this, symbolic, i === 0 ? this.name : `${this.name}_${i}`, this.inboundNodes.length, i),
    );
    const { mask: _, ...rest } = kwargs;
    const node: Node = { layer: this, inputs: symbolic, outputs, ...(Object.keys(rest).length > 0 && { kwargs: rest }) };
    this.inboundNodes.push(node);
    for (const input of symbolic) input.sourceLayer.outboundNodes.push(node);
    return several ? outputs : outputs[0];
  }

  /** Builds the layer for inputs of a shape, unless it is built. */
  ensureBuilt(shape: SymbolicShape | SymbolicShape[]): void {
    if (this.built) return;
    inScopeOf(this.name, () => this.build(shape));
    this.built = true;
    if (this.initialWeights !== undefined) this.setWeights(this.initialWeights);
  }

  get input(): SymbolicTensor | SymbolicTensor[] {
    return single(this.onlyNode('input').inputs);
  }

  get output(): SymbolicTensor | SymbolicTensor[] {
    return single(this.onlyNode('output').outputs);
  }

  get outputShape(): SymbolicShape | SymbolicShape[] {
    const shapes = this.onlyNode('output').outputs.map((o) => o.shape);
    return shapes.length === 1 ? (shapes[0] as SymbolicShape) : shapes;
  }

  private nodeAt(index: number, what: string): Node {
    const node = this.inboundNodes[index];
    if (node === undefined) throw coded('argument', `Asked to get ${what} at node ${index}, but the layer has only ${this.inboundNodes.length} inbound nodes.`);
    return node;
  }

  getInputAt(nodeIndex: number): SymbolicTensor | SymbolicTensor[] {
    return single(this.nodeAt(nodeIndex, 'input').inputs);
  }

  getOutputAt(nodeIndex: number): SymbolicTensor | SymbolicTensor[] {
    return single(this.nodeAt(nodeIndex, 'output').outputs);
  }

  private onlyNode(what: string): Node {
    const [node, second] = this.inboundNodes;
    if (node === undefined) throw coded('argument', `Layer ${this.name} is not connected, no ${what} to return.`);
    if (second !== undefined && what === 'input') throw coded('argument', `Layer ${this.name} has multiple inbound nodes, hence the notion of "layer ${what}" is ill-defined. Use \`getInputAt(nodeIndex)\` instead.`);
    return node;
  }

  dispose(): { refCountAfterDispose: number; numDisposedVariables: number } {
    const own = this.weightList;
    const others = this.within((layer) => [layer.dispose().numDisposedVariables]);
    own.forEach((w) => w.dispose());
    this.weightList = [];
    this.built = false;
    return { refCountAfterDispose: 0, numDisposedVariables: others.reduce((sum, n) => sum + n, own.length) };
  }
}

interface WeightSpec {
  name: string;
  shape: number[];
  dtype: DataType;
  initializer: unknown;
  regularizer: unknown;
  constraint: unknown;
  trainable: boolean;
  state: boolean;
}

/** A tensor in a dtype: another in its place where it has another. */
function inDtype(tensor: Tensor, dtype: DataType): Tensor {
  if (tensor.dtype === dtype) return tensor;
  const made = tensor.cast(dtype);
  tensor.dispose();
  return made;
}

const freed = new FinalizationRegistry<number>((handle) => wasm().layerDrop(handle));

/** Arguments that every layer takes and the module does not. */
const BASE_KEYS = new Set(['name', 'trainable', 'inputShape', 'batchInputShape', 'batchSize', 'inputDType', 'weights', 'inputLength']);

/** Layers that make a mask of an input that has none. */
const MASKERS = new Set(['Embedding', 'Masking']);

/** Layers that compute means and deviations, in float32 whatever the policy. */
const WIDE = /^(Batch|Layer|Group|RMS)Normalization$/;

/** The shape of inputs that older arguments say in other ways. */
function inputArgs(kerasClass: string, args: LayerArgs): LayerArgs {
  if (args.batchInputShape !== undefined || args.inputShape !== undefined) return args;
  const { inputLength, inputDim } = args as { inputLength?: number | number[]; inputDim?: number };
  const { batchSize = null } = args;
  if (kerasClass === 'Embedding' && inputLength !== undefined) return { ...args, batchInputShape: [batchSize, ...listOf(inputLength)] };
  if (kerasClass === 'Dense' && inputDim !== undefined) return { ...args, batchInputShape: [batchSize, inputDim] };
  if ((args.units ?? args.cell) !== undefined && inputDim !== undefined) return { ...args, batchInputShape: [batchSize, (inputLength as number | undefined) ?? null, inputDim] };
  return args;
}

/** A layer that the module describes and computes. */
export class ModuleLayer extends Layer {
  private readonly handle: number;
  private disposed = false;
  override supportsMasking = true;
  /** What the layer carries from call to call. */
  states: LayerVariable[] = [];
  /** Weights and states in the module's order. */
  private slots: LayerVariable[] = [];
  /** The layer that a wrapper has. */
  private readonly inner: unknown;
  /** How often it was called, for a layer with a seed of its own. */
  calls: number | null = null;

  constructor(
    private readonly kerasClass: string,
    args: LayerArgs = {},
    keras?: Config,
  ) {
    // The class name must be there before the base class makes a name of it.
    super({ ...inputArgs(kerasClass, args), name: args.name ?? uid(kerasClass) });
    const config = keras ?? (toKeras(Object.fromEntries(Object.entries(args).filter(([k]) => !BASE_KEYS.has(k)))) as Config);
    this.handle = wasm().layerCreate(kerasClass, encode(config));
    this.stateful = config.stateful === true;
    this.inner = config.layer;
    if (typeof config.seed === 'number') this.calls = 0;
    freed.register(this, this.handle);
  }

  override getClassName(): string {
    return this.kerasClass ?? 'Layer';
  }

  private shapes(shape: SymbolicShape | SymbolicShape[]): Uint8Array {
    return encode(Array.isArray(shape[0]) ? shape : [shape]);
  }

  override build(inputShape: SymbolicShape | SymbolicShape[]): void {
    const specs = decode(wasm().layerWeights(this.handle, this.shapes(inputShape))) as WeightSpec[];
    for (const s of specs) {
      const weight = this.addWeight(s.name, s.shape, s.dtype, s.initializer, s.regularizer ?? undefined, s.trainable, s.constraint ?? undefined);
      this.slots.push(weight);
      if (s.state) this.states.push(this.weightList.pop() as LayerVariable);
    }
    this.built = true;
  }

  override resetStates(): void {
    for (const state of this.states) tidy(() => state.write(zeros(state.shape)));
  }

  override getState(): State {
    return { calls: this.calls, states: this.states.map((state) => state.variable) };
  }

  override setState({ calls, states }: { calls: number | null; states: Tensor[] }): void {
    this.calls = calls;
    this.states.forEach((state, i) => state.write(states[i] as Tensor));
  }

  private masksOf(count: number, mask: Mask | Mask[] | undefined): Uint32Array {
    const list = mask === undefined || mask === null ? [] : listOf(mask);
    return list.every((m) => !m) ? new Uint32Array(0) : Uint32Array.from({ length: count }, (_, i) => list[i]?.handle ?? 0);
  }

  override computeMask(inputs: Tensor | Tensor[], mask?: Mask | Mask[]): Mask | Mask[] {
    const list = listOf(inputs);
    const masks = this.masksOf(list.length, mask);
    if (masks.length === 0 && !MASKERS.has(this.kerasClass)) return null;
    const records = wasm().layerMasks(this.handle, Uint32Array.from(list, (t) => t.handle), masks);
    const found: Mask[] = [];
    for (let at = 0; at < records.length; ) {
      if (records[at] === 0) {
        found.push(null);
        at += 1;
      } else {
        const [tensor, next] = fromRecord(records, at);
        found.push(tensor);
        at = next;
      }
    }
    return found.length === 1 ? (found[0] as Mask) : found;
  }

  override computeOutputShape(inputShape: SymbolicShape | SymbolicShape[]): SymbolicShape | SymbolicShape[] {
    const shapes = decode(wasm().layerOutputShape(this.handle, this.shapes(inputShape))) as SymbolicShape[];
    return shapes.length === 1 ? (shapes[0] as SymbolicShape) : shapes;
  }

  override call(inputs: Tensor | Tensor[], kwargs: Kwargs): Tensor | Tensor[] {
    if (this.disposed) throw coded('disposed', `Layer '${this.name}' is already disposed.`);
    this.invokeCallHook(inputs, kwargs);
    const list = listOf(inputs);
    this.ensureBuilt(list.length > 1 ? list.map((t) => t.shape) : (list[0] as Tensor).shape);
    const handles = Uint32Array.from(list, (t) => {
      t.throwIfDisposed();
      return t.handle;
    });
    const weights = Uint32Array.from(this.slots, (w) => w.read().handle);
    const seed = this.calls === null ? nextSeed() : this.calls++;
    const result = wasm().layerCall(this.handle, handles, this.masksOf(list.length, kwargs.mask), weights, kwargs.training ?? false, seed);
    let at = 0;
    const next = (): Tensor => {
      const [tensor, after] = fromRecord(result, at);
      at = after;
      return tensor;
    };
    const outputs = Array.from({ length: result[at++] ?? 0 }, next);
    for (let updates = result[at++] ?? 0; updates > 0; updates--) {
      const weight = this.slots[result[at++] ?? 0] as LayerVariable;
      const value = inDtype(next(), weight.dtype);
      // Kept: a layer around this one may have a scope. Who takes them disposes them.
      if (weight.trainable && kwargs.updates !== undefined) kwargs.updates.push([weight, keep(value)]);
      else {
        weight.write(value);
        value.dispose();
      }
    }
    for (let losses = result[at++] ?? 0; losses > 0; losses--) {
      const loss = inDtype(next(), 'float32');
      if (kwargs.losses !== undefined) kwargs.losses.push(keep(loss));
      else loss.dispose();
    }
    return outputs.length === 1 ? (outputs[0] as Tensor) : outputs;
  }

  protected override computed(inputs: Tensor | Tensor[], kwargs: Kwargs): Tensor | Tensor[] {
    const { policy } = this;
    if (policy === null) return super.computed(inputs, kwargs);
    const wide = WIDE.test(this.kerasClass) || WIDE.test((this.inner as { class_name?: string } | undefined)?.class_name ?? '');
    const outputs = computing(wide ? 'float32' : policy.compute, inputs, (x) => this.call(x, kwargs));
    const own = (x: Tensor): Tensor => (isFloat(x.dtype) ? inDtype(x, policy.compute) : x);
    return Array.isArray(outputs) ? outputs.map(own) : own(outputs);
  }

  override dispose(): { refCountAfterDispose: number; numDisposedVariables: number } {
    this.disposed = true;
    this.states.forEach((state) => state.dispose());
    [this.states, this.slots] = [[], []];
    return super.dispose();
  }

  override getConfig(): Config {
    return { ...super.getConfig(), ...(fromKeras(decode(wasm().layerConfig(this.handle))) as Config) };
  }

  override kerasConfig(): Config {
    return { ...(toKeras(super.getConfig()) as Config), ...(decode(wasm().layerConfig(this.handle)) as Config) };
  }
}

/** Where a graph begins. */
export class InputLayer extends Layer {
  static override className = 'InputLayer';
  readonly sparse = false;

  constructor(args: LayerArgs & { shape?: SymbolicShape; batchShape?: SymbolicShape }) {
    const batchInputShape = args.batchInputShape ?? args.batchShape ?? (args.inputShape ?? args.shape ? [args.batchSize ?? null, ...((args.inputShape ?? args.shape) as SymbolicShape)] : undefined);
    if (batchInputShape === undefined) throw coded('argument', 'An InputLayer should be passed either a `batchInputShape` or an `inputShape`.');
    super({ ...args, name: args.name ?? uid('Input').replace('_Input', ''), batchInputShape });
    this.built = true;
    const output = new SymbolicTensor(this.dtype, batchInputShape, this, [], this.name);
    this.inboundNodes.push({ layer: this, inputs: [], outputs: [output] });
  }

  override getConfig(): Config {
    return { batchInputShape: this.batchInputShape, dtype: this.dtype, sparse: this.sparse, name: this.name };
  }
}

/** A symbolic tensor to begin a model with. */
export function input(config: { shape?: SymbolicShape; batchShape?: SymbolicShape; name?: string; dtype?: DataType; sparse?: boolean }): SymbolicTensor {
  if (config.shape === undefined && config.batchShape === undefined) {
    throw coded('argument', 'Please provide to Input either a `shape` or a `batchShape` argument. Note that `shape` does not include the batch dimension.');
  }
  return new InputLayer(config).output as SymbolicTensor;
}
