/** Layers and what connects them. */

import { decode, encode } from '../encode.js';
import { zeros } from '../create.js';
import { wasm } from '../runtime.js';
import { fromRecord, Tensor, tidy, Variable } from '../tensor.js';
import { coded, dtypeCode, type DataType, type Shape } from '../types.js';
import { type Config, fromKeras, toKeras, toSnake } from './config.js';
import { assertInputs, type InputSpec } from './spec.js';

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
  /** The weights that a step of training moves. */
  trained?: ReadonlySet<LayerVariable>;
  [key: string]: unknown;
}

/** A bool tensor of which steps count; null: all do. */
export type Mask = Tensor | null;

/** Called with what a layer is called with. */
export type CallHook = (inputs: Tensor | Tensor[], kwargs: Kwargs) => void;

export interface LayerArgs {
  name?: string;
  trainable?: boolean;
  inputShape?: SymbolicShape;
  batchInputShape?: SymbolicShape;
  batchSize?: number;
  dtype?: DataType;
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
}

/** A weight: a variable with what training must know of it. */
export class LayerVariable {
  readonly variable: Variable;
  /** Whether it or its layer was frozen. Training heeds this at once, and a model's being frozen when it is compiled again. */
  frozen = false;

  constructor(
    value: Tensor,
    readonly name: string,
    /** Whether gradients move it where nothing is frozen: moving averages they never do. */
    readonly learned = true,
    readonly regularizer: unknown = null,
    readonly constraint: unknown = null,
  ) {
    this.variable = new Variable(value, learned, uniqueName(name));
  }

  get trainable(): boolean {
    return this.variable.trainable;
  }

  set trainable(value: boolean) {
    this.frozen = !value;
    this.variable.trainable = value;
  }

  /** Frozen, or not, with a model that it is part of. */
  follow(trainable: boolean): void {
    this.variable.trainable = trainable && this.learned && !this.frozen;
  }

  get shape(): Shape {
    return this.variable.shape;
  }

  get dtype(): DataType {
    return this.variable.dtype;
  }

  read(): Tensor {
    return this.variable;
  }

  /** The variable, as TensorFlow.js calls it: what `tf.variableGrads` and `minimize` take. */
  get val(): Variable {
    return this.variable;
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

let seed = Math.floor(Math.random() * 2 ** 31);
/** Another number each time, for layers and initializers that draw. */
export const nextSeed = (): number => (seed = (seed + 0x9e3779b9) >>> 0);

/** Makes what initializers, random layers and the order of samples are drawn from repeatable. */
export function setSeed(value: number): void {
  seed = value >>> 0;
}

export const listOf = <T>(value: T | T[]): T[] => (Array.isArray(value) ? value : [value]);

/** The base of all layers; subclasses write `build`, `call`, `computeOutputShape` and `getConfig`. */
export class Layer {
  static className = 'Layer';
  readonly name: string;
  batchInputShape: SymbolicShape | undefined;
  dtype: DataType;
  built = false;
  supportsMasking = false;
  /** What the inputs must be, for a layer of one's own to set; one for each input. */
  inputSpec: (InputSpec | null)[] | null = null;
  inboundNodes: Node[] = [];
  outboundNodes: Node[] = [];
  protected weightList: LayerVariable[] = [];
  protected addedLosses: (() => Tensor)[] = [];
  private trainableFlag: boolean;
  /** Whether a model that holds the layer is frozen. */
  private heldFrozen = false;
  private statefulFlag = false;
  private readonly initialWeights: Tensor[] | undefined;
  private callHook: CallHook | null = null;

  /** The layer of a configuration. */
  static fromConfig(cls: new (config: any) => Layer, config: Config): Layer {
    return new cls(config);
  }

  constructor(args: LayerArgs = {}) {
    this.name = args.name ?? uid(this.getClassName());
    this.trainableFlag = args.trainable ?? true;
    this.initialWeights = args.weights ?? undefined;
    this.dtype = args.dtype ?? args.inputDType ?? 'float32';
    if (args.batchInputShape != null) this.batchInputShape = args.batchInputShape;
    else if (args.inputShape != null) this.batchInputShape = [args.batchSize ?? null, ...args.inputShape];
  }

  getClassName(): string {
    return (this.constructor as typeof Layer).className;
  }

  get trainable(): boolean {
    return this.trainableFlag;
  }

  set trainable(value: boolean) {
    this.trainableFlag = value;
    for (const w of this.weightList) if (w.learned) w.trainable = value;
  }

  /** Frozen, or not, with a model that holds the layer. */
  follow(trainable: boolean): void {
    this.heldFrozen = !trainable;
    for (const w of this.weightList) w.follow(trainable);
  }

  /** Whether a step trains the layer, where it knows the weights that it trains; else whether nothing is frozen. */
  protected isTrained({ trained }: Kwargs): boolean {
    const learned = this.weightList.filter((w) => w.learned);
    return trained !== undefined && learned.length > 0 ? learned.some((w) => trained.has(w)) : this.trainableFlag && !this.heldFrozen;
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
    return this.trainable ? this.weightList.filter((w) => w.trainable) : [];
  }

  get nonTrainableWeights(): LayerVariable[] {
    return this.trainable ? this.weightList.filter((w) => !w.trainable) : this.weightList;
  }

  /** Weights in the order they were added: the one they are stored in. */
  get orderedWeights(): LayerVariable[] {
    return this.weightList;
  }

  build(_inputShape: SymbolicShape | SymbolicShape[]): void {
    this.built = true;
  }

  call(inputs: Tensor | Tensor[], _kwargs: Kwargs): Tensor | Tensor[] {
    return inputs;
  }

  /** Calls `hook` whenever the layer is called. A layer of one's own says so with `invokeCallHook`. */
  setCallHook(hook: CallHook): void {
    this.callHook = hook;
  }

  clearCallHook(): void {
    this.callHook = null;
  }

  invokeCallHook(inputs: Tensor | Tensor[], kwargs: Kwargs = {}): void {
    this.callHook?.(inputs, kwargs);
  }

  computeOutputShape(inputShape: SymbolicShape | SymbolicShape[]): SymbolicShape | SymbolicShape[] {
    return inputShape;
  }

  /** The masks of the outputs from those of the inputs; a layer that does not support masks drops them. */
  computeMask(_inputs: Tensor | Tensor[], mask?: Mask | Mask[]): Mask | Mask[] {
    return this.supportsMasking ? (mask ?? null) : null;
  }

  /** The outputs and their masks. Within a model a layer is called with a list, be it of one tensor. */
  callMasked(x: Tensor[], masks: Mask[], kwargs: Kwargs): { outputs: Tensor[]; masks: Mask[] } {
    const given = masks.some((m) => m !== null) ? (masks.length === 1 ? (masks[0] as Mask) : masks) : null;
    const outputs = listOf(this.call(x, given === null ? kwargs : { ...kwargs, mask: given }));
    return { outputs, masks: listOf(this.computeMask(x, given ?? undefined)) };
  }

  /** Sets what the layer carries from call to call to zero. */
  resetStates(): void {}

  getConfig(): Config {
    const config: Config = { name: this.name, trainable: this.trainable };
    if (this.batchInputShape !== undefined) config.batchInputShape = this.batchInputShape;
    config.dtype = this.dtype;
    return config;
  }

  /** The configuration in Keras's form. */
  kerasConfig(): Config {
    return toKeras(this.getConfig()) as Config;
  }

  addWeight(name: string, shape: Shape, dtype: DataType = 'float32', initializer: unknown = 'zeros', regularizer?: unknown, trainable = true, constraint?: unknown): LayerVariable {
    const value = tidy(() => fromRecord(wasm().initialize(encode(toKeras(initializer)), Uint32Array.from(shape), dtypeCode(dtype), nextSeed()), 0)[0]);
    const weight = new LayerVariable(value, `${this.name}/${name}`, trainable, regularizer === undefined ? null : toKeras(regularizer), constraint === undefined ? null : toKeras(constraint));
    value.dispose();
    if (trainable && !this.trainableFlag) weight.trainable = false;
    else if (this.heldFrozen) weight.follow(false);
    this.weightList.push(weight);
    return weight;
  }

  addLoss(loss: (() => Tensor) | (() => Tensor)[]): void {
    this.addedLosses.push(...listOf(loss));
  }

  /** Functions of losses that the layer adds to the model's. */
  get losses(): (() => Tensor)[] {
    return this.addedLosses;
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
    return this.weightList.reduce((n, w) => n + w.variable.size, 0);
  }

  /** Computes tensors, or connects symbolic ones. */
  apply(inputs: Tensor | Tensor[] | SymbolicTensor | SymbolicTensor[], kwargs: Kwargs = {}): any {
    if (kwargs.initialState !== undefined && kwargs.initialState !== null) {
      const { initialState, ...rest } = kwargs;
      return this.apply([...listOf(inputs as Tensor | Tensor[]), ...listOf(initialState as Tensor[])], rest);
    }
    const list = listOf(inputs as Tensor | SymbolicTensor | (Tensor | SymbolicTensor)[]);
    const symbolic = list.filter((x) => x instanceof SymbolicTensor) as SymbolicTensor[];
    if (symbolic.length !== 0 && symbolic.length !== list.length) {
      throw coded('argument', 'Arguments to apply() must be all SymbolicTensors or all Tensors');
    }
    if (this.inputSpec !== null) assertInputs(this.name, listOf(this.inputSpec), list);
    const shapes = list.map((x) => x.shape as SymbolicShape);
    this.ensureBuilt(Array.isArray(inputs) && inputs.length > 1 ? shapes : (shapes[0] as SymbolicShape));
    if (symbolic.length === 0) return this.call(inputs as Tensor | Tensor[], kwargs);
    const shape = this.computeOutputShape(symbolic.length === 1 ? (shapes[0] as SymbolicShape) : shapes);
    const several = Array.isArray(shape[0]);
    const outputs = (several ? (shape as SymbolicShape[]) : [shape as SymbolicShape]).map(
      (s, i) => new SymbolicTensor(this.dtype, s, this, symbolic, i === 0 ? this.name : `${this.name}_${i}`, this.inboundNodes.length, i),
    );
    const node: Node = { layer: this, inputs: symbolic, outputs };
    this.inboundNodes.push(node);
    for (const input of symbolic) input.sourceLayer.outboundNodes.push(node);
    return several ? outputs : outputs[0];
  }

  protected ensureBuilt(shape: SymbolicShape | SymbolicShape[]): void {
    if (this.built) return;
    this.build(shape);
    this.built = true;
    if (this.initialWeights !== undefined) this.setWeights(this.initialWeights);
  }

  get input(): SymbolicTensor | SymbolicTensor[] {
    const inputs = this.onlyNode('input').inputs;
    return inputs.length === 1 ? (inputs[0] as SymbolicTensor) : inputs;
  }

  get output(): SymbolicTensor | SymbolicTensor[] {
    const outputs = this.onlyNode('output').outputs;
    return outputs.length === 1 ? (outputs[0] as SymbolicTensor) : outputs;
  }

  get outputShape(): SymbolicShape | SymbolicShape[] {
    const shapes = this.onlyNode('output').outputs.map((o) => o.shape);
    return shapes.length === 1 ? (shapes[0] as SymbolicShape) : shapes;
  }

  /** The inputs of the layer's use of that index. */
  getInputAt(nodeIndex: number): SymbolicTensor | SymbolicTensor[] {
    const { inputs } = this.nodeAt(nodeIndex, 'input');
    return inputs.length === 1 ? (inputs[0] as SymbolicTensor) : inputs;
  }

  /** The outputs of the layer's use of that index. */
  getOutputAt(nodeIndex: number): SymbolicTensor | SymbolicTensor[] {
    const { outputs } = this.nodeAt(nodeIndex, 'output');
    return outputs.length === 1 ? (outputs[0] as SymbolicTensor) : outputs;
  }

  private nodeAt(index: number, what: string): Node {
    const { length } = this.inboundNodes;
    if (length === 0) throw coded('argument', `The layer has never been called and thus has no defined ${what}.`);
    const node = this.inboundNodes[index];
    if (node === undefined) throw coded('argument', `Asked to get ${what} at node ${index}, but the layer has only ${length} inbound nodes.`);
    return node;
  }

  private onlyNode(what: string): Node {
    const [node, second] = this.inboundNodes;
    if (node === undefined) throw coded('argument', `Layer ${this.name} is not connected, no ${what} to return.`);
    if (second !== undefined && what === 'input') throw coded('argument', `Layer ${this.name} has multiple inbound nodes, hence the notion of "layer ${what}" is ill-defined. Use \`getInputAt(nodeIndex)\` instead.`);
    return node;
  }

  dispose(): { refCountAfterDispose: number; numDisposedVariables: number } {
    const count = this.weightList.length;
    this.weightList.forEach((w) => w.dispose());
    this.weightList = [];
    this.built = false;
    return { refCountAfterDispose: 0, numDisposedVariables: count };
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

const freed = new FinalizationRegistry<number>((handle) => wasm().layerDrop(handle));

/** Arguments that every layer takes and the module does not. */
const BASE_KEYS = new Set(['name', 'trainable', 'inputShape', 'batchInputShape', 'batchSize', 'inputDType', 'weights', 'inputLength']);

/** Layers that make a mask of an input that has none. */
const MASKERS = new Set(['Embedding', 'Masking']);

/** The shape of inputs that older arguments say in other ways. */
function inputArgs(kerasClass: string, args: LayerArgs): LayerArgs {
  if (args.batchInputShape !== undefined || args.inputShape !== undefined) return args;
  const { inputLength, inputDim } = args as { inputLength?: number | number[]; inputDim?: number };
  const { batchSize = null } = args;
  if (kerasClass === 'Embedding' && inputLength !== undefined) return { ...args, batchInputShape: [batchSize, ...listOf(inputLength)] };
  if (kerasClass === 'Dense' && inputDim !== undefined) return { ...args, batchInputShape: [batchSize, inputDim] };
  if (args.units !== undefined && inputDim !== undefined) return { ...args, batchInputShape: [batchSize, (inputLength as number | undefined) ?? null, inputDim] };
  return args;
}

/** A layer that the module describes and computes. */
export class ModuleLayer extends Layer {
  private readonly handle: number;
  private disposed = false;
  override supportsMasking = true;
  /** What the layer carries from call to call. */
  private states: LayerVariable[] = [];
  /** Weights and states in the module's order. */
  private slots: LayerVariable[] = [];
  /** How often it was called, for a layer with a seed of its own. */
  private calls: number | null = null;

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
    this.describe();
    if (typeof config.seed === 'number') this.calls = 0;
    freed.register(this, this.handle);
  }

  override getClassName(): string {
    return this.kerasClass ?? 'Layer';
  }

  /** Makes plain parameters readable as TensorFlow.js has them: `layer.units`. */
  private describe(): void {
    for (const [key, value] of Object.entries(fromKeras(decode(wasm().layerConfig(this.handle))) as Config)) {
      if (!(key in this) && !key.endsWith('ctivation') && (value === null || typeof value !== 'object' || Array.isArray(value))) Object.assign(this, { [key]: value });
    }
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

  /** The states that a stateful layer carries. */
  getStates(): Tensor[] {
    return this.states.map((state) => state.read());
  }

  setStates(states: Tensor[]): void {
    this.states.forEach((state, i) => state.write(states[i] as Tensor));
  }

  override resetStates(): void {
    for (const state of this.states) tidy(() => state.write(zeros(state.shape)));
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
    this.invokeCallHook(inputs, kwargs);
    if (this.disposed) throw coded('disposed', `Layer '${this.name}' is already disposed.`);
    const list = listOf(inputs);
    this.ensureBuilt(list.length > 1 ? list.map((t) => t.shape) : (list[0] as Tensor).shape);
    const handles = Uint32Array.from(list, (t) => {
      t.throwIfDisposed();
      return t.handle;
    });
    const weights = Uint32Array.from(this.slots, (w) => w.variable.handle);
    const seed = this.calls === null ? nextSeed() : this.calls++;
    // As in Keras, a frozen batch normalization neither follows nor uses the batch's statistics.
    const training = kwargs.training === true && (this.kerasClass !== 'BatchNormalization' || this.isTrained(kwargs));
    const result = wasm().layerCall(this.handle, handles, this.masksOf(list.length, kwargs.mask), weights, training, seed);
    let at = 0;
    const next = (): Tensor => {
      const [tensor, after] = fromRecord(result, at);
      at = after;
      return tensor;
    };
    const outputs = Array.from({ length: result[at++] ?? 0 }, next);
    for (let updates = result[at++] ?? 0; updates > 0; updates--) {
      const weight = this.slots[result[at++] ?? 0] as LayerVariable;
      const value = next();
      if (weight.learned && kwargs.updates !== undefined) kwargs.updates.push([weight, value]);
      else {
        weight.write(value);
        value.dispose();
      }
    }
    for (let losses = result[at++] ?? 0; losses > 0; losses--) {
      const loss = next();
      if (kwargs.losses !== undefined) kwargs.losses.push(loss);
      else loss.dispose();
    }
    return outputs.length === 1 ? (outputs[0] as Tensor) : outputs;
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
