/** Layers of the module. */

import { zeros } from '../create.js';
import { decode, encode } from '../encode.js';
import { nextSeed } from '../random.js';
import { wasm } from '../runtime.js';
import { fromRecord, keep, type Tensor, tidy } from '../tensor.js';
import { coded, type DataType } from '../types.js';
import type { State } from './callbacks.js';
import { type Config, fromKeras, toCamel, toKeras } from './config.js';
import { type Kwargs, Layer, type LayerArgs, listOf, type Mask, single } from './layer.js';
import { uid } from './names.js';
import { precision } from './policy.js';
import { type SymbolicShape, SymbolicTensor } from './symbolic.js';
import type { LayerVariable } from './variable.js';

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
export function inDtype(tensor: Tensor, dtype: DataType): Tensor {
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
    try {
      this.handle = wasm().layerCreate(kerasClass, encode(config));
    } catch (error) {
      // Arguments by the names that they were given under, and the class that was asked for rather than one that it is made of.
      if (keras === undefined && error instanceof Error) error.message = error.message.replace(/^Error in \w+/, `Error in ${kerasClass}`).replace(/'\w+'/g, toCamel);
      throw error;
    }
    this.stateful = config.stateful === true;
    this.inner = config.layer;
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

  /** Symbolic inputs of a layer that has weights must be what they are for: tensors show it when they are computed with. */
  protected override checkInputs(inputs: (Tensor | SymbolicTensor)[]): void {
    super.checkInputs(inputs);
    const shapes = inputs.map((x) => x.shape as SymbolicShape);
    if (this.slots.length === 0 || this.states.length > 0 || !(inputs[0] instanceof SymbolicTensor) || shapes.some((shape) => shape.slice(1).includes(null))) return;
    (decode(wasm().layerWeights(this.handle, this.shapes(shapes))) as WeightSpec[]).forEach(({ name, shape }, i) => {
      const own = (this.slots[i] as LayerVariable).shape;
      if (`${shape}` !== `${own}`) {
        throw coded('shape', `Input of shape ${JSON.stringify(single(shapes))} is incompatible with layer ${this.name}, whose '${name}' has the shape [${own}]`);
      }
    });
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
    return found.length === 0 ? null : single(found);
  }

  override computeOutputShape(inputShape: SymbolicShape | SymbolicShape[]): SymbolicShape | SymbolicShape[] {
    const shapes = decode(wasm().layerOutputShape(this.handle, this.shapes(inputShape))) as SymbolicShape[];
    return single(shapes);
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
      const value = inDtype(next(), weight.dtype);
      // Kept: a layer around this one may have a scope. Who takes them disposes them.
      if (weight.learned && kwargs.updates !== undefined) kwargs.updates.push([weight, keep(value)]);
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
    return single(outputs);
  }

  protected override computed(inputs: Tensor | Tensor[], kwargs: Kwargs): Tensor | Tensor[] {
    return precision.computing(this.policy, inputs, (x) => this.call(x, kwargs), [this.kerasClass, (this.inner as { class_name?: string } | undefined)?.class_name]);
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
