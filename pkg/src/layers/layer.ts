/** Layers and what connects them. */

import { lacks } from '../lacking.js';
import { type Tensor, tidy } from '../tensor.js';
import { coded, type DataType, type Shape } from '../types.js';
import type { State } from './callbacks.js';
import { type Config, toKeras } from './config.js';
import { inScopeOf, uid, weightName } from './names.js';
import { type Policy, precision } from './policy.js';
import { initialized } from './rules.js';
import type { assertInputs, InputSpec } from './spec.js';
import { type Node, type SymbolicShape, SymbolicTensor } from './symbolic.js';
import { LayerVariable } from './variable.js';

/** What a layer is called with beyond its inputs. */
export interface Kwargs {
  training?: boolean;
  /** Which steps of the inputs count. */
  mask?: Mask | Mask[];
  /** Whether a layer of a graph computes with masks, which is so unless it is false here; they are handed on in any case. */
  masked?: boolean;
  /** What a recurrent layer begins with: inputs that come after the sequence. */
  initialState?: Tensor[] | SymbolicTensor[];
  /** Takes the losses that layers compute of their outputs. */
  losses?: Tensor[];
  /** Takes the new values of weights that are being trained, for after their gradients. */
  updates?: [LayerVariable, Tensor][];
  /** Sees what each layer of a model computes. */
  watch?: (layer: Layer, outputs: Tensor[]) => void;
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
  /** A dtype, or a policy of mixed precision: 'mixed_float16' or 'mixed_bfloat16'. */
  dtype?: DataType | 'mixed_float16' | 'mixed_bfloat16';
  inputDType?: DataType;
  weights?: Tensor[];
  [key: string]: unknown;
}

export const listOf = <T>(value: T | T[]): T[] => (Array.isArray(value) ? value : [value]);
/** The only one of a list, or the list. */
export const single = <T>(list: T[]): T | T[] => (list.length === 1 ? (list[0] as T) : list);
export const unique = <T>(list: T[]): T[] => [...new Set(list)];

let checkSpecs: typeof assertInputs = lacks('inputSpec');

/** Has layers check their inputs. */
export function installInputSpecs(by: typeof assertInputs): void {
  checkSpecs = by;
}

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
  private callHook: CallHook | null = null;
  private asking = false;
  private readonly initialWeights: Tensor[] | undefined;
  /** The policy of mixed precision, where there is one. */
  protected readonly policy: Policy | null;

  constructor(args: LayerArgs = {}) {
    this.name = args.name ?? uid(this.getClassName());
    this.trainableFlag = args.trainable ?? true;
    this.initialWeights = args.weights ?? undefined;
    this.policy = precision.policyOf(args.dtype ?? args.inputDType);
    this.dtype = this.policy === null ? ((args.dtype ?? args.inputDType ?? 'float32') as DataType) : 'float32';
    if (args.batchInputShape != null) this.batchInputShape = args.batchInputShape;
    // A number is taken for a shape of one dimension.
    else if (args.inputShape != null) this.batchInputShape = [args.batchSize ?? null].concat(args.inputShape);
  }

  static fromConfig<T>(cls: new (config: any) => T, config: Config): T {
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
      return unique(Object.values(this).flat().filter((value): value is Layer => value instanceof Layer)).flatMap(of);
    } finally {
      this.asking = false;
    }
  }

  /** The layer and those within it, at any depth. */
  flattenLayers(): Layer[] {
    return unique([this, ...this.within((layer) => layer.flattenLayers())]);
  }

  get trainable(): boolean {
    return this.trainableFlag;
  }

  /** Layers within keep their own flags; their weights are frozen with this one. */
  set trainable(value: boolean) {
    this.trainableFlag = value;
    for (const w of this.weightList) if (w.learned) w.trainable = value;
    this.within((layer) => [layer.follow(value)]);
  }

  /** Frozen, or not, with what holds the layer. */
  follow(trainable: boolean): void {
    this.heldFrozen = !trainable;
    for (const w of this.weightList) w.follow(trainable);
    this.within((layer) => [layer.follow(trainable && this.trainableFlag)]);
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

  /** Refuses inputs that `inputSpec` excludes. */
  protected checkInputs(inputs: (Tensor | SymbolicTensor)[]): void {
    if (this.inputSpec !== null) checkSpecs(this.name, listOf(this.inputSpec), inputs);
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
    const given = masks.some((m) => m !== null) ? single(masks) : null;
    const outputs = listOf(this.computed(inputs, given === null || kwargs.masked === false ? kwargs : { ...kwargs, mask: given }));
    return { outputs, masks: listOf(this.computeMask(inputs, given ?? undefined)) };
  }

  /** The outputs, computed in the layer's dtype. */
  protected computed(inputs: Tensor | Tensor[], kwargs: Kwargs): Tensor | Tensor[] {
    const outputs = precision.computing(this.policy, inputs, (x) => this.call(x, kwargs));
    // What is disposed as an output must not be an input too.
    const given = listOf(inputs);
    const apart = (y: Tensor): Tensor => (given.includes(y) ? y.clone() : y);
    return Array.isArray(outputs) ? outputs.map(apart) : apart(outputs);
  }

  /** Sets what the layer and those within carry from call to call to zero. */
  resetStates(): void {
    this.within((layer) => [layer.resetStates()]);
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
    const value = tidy(() => (typeof own?.apply === 'function' ? own.apply(shape, type) : initialized(initializer ?? 'zeros', shape, type)));
    const weight = new LayerVariable(value, weightName(this.name, name), trainable, toKeras(regularizer ?? null), toKeras(constraint ?? null));
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
  apply(inputs: Tensor | Tensor[] | SymbolicTensor | SymbolicTensor[], given?: Kwargs | null): any {
    const kwargs = given ?? {};
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
    this.checkInputs(list);
    const shapes = list.map((x) => x.shape as SymbolicShape);
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
    for (const input of symbolic) input.sourceLayer?.outboundNodes.push(node);
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
    return single(shapes);
  }

  /** The inputs of the layer's use of that index. */
  getInputAt(nodeIndex: number): SymbolicTensor | SymbolicTensor[] {
    return single(this.nodeAt(nodeIndex, 'input').inputs);
  }

  /** The outputs of the layer's use of that index. */
  getOutputAt(nodeIndex: number): SymbolicTensor | SymbolicTensor[] {
    return single(this.nodeAt(nodeIndex, 'output').outputs);
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
    const own = this.weightList;
    const others = this.within((layer) => [layer.dispose().numDisposedVariables]);
    own.forEach((w) => w.dispose());
    this.weightList = [];
    this.built = false;
    return { refCountAfterDispose: 0, numDisposedVariables: others.reduce((sum, n) => sum + n, own.length) };
  }
}
