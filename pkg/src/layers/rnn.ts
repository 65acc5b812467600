/** Recurrent layers whose cells are written in JavaScript, and wrappers of layers that are. */

import { zeros } from '../create.js';
import * as ops from '../ops/core.js';
import { keep, type Tensor, tidy } from '../tensor.js';
import { coded } from '../types.js';
import type { State } from './callbacks.js';
import { type Config, toKeras, toSnake } from './config.js';
import { type Kwargs, Layer, type LayerArgs, listOf, type Mask, single } from './layer.js';
import { layerOf } from './load.js';
import { ModuleLayer } from './module-layer.js';
import { inScopeOf } from './names.js';
import { InputSpec } from './spec.js';
import type { SymbolicShape, SymbolicTensor } from './symbolic.js';

/** A layer, as it is or as a configuration has it. */
export function instantiate(value: unknown): Layer {
  if (value instanceof Layer) return value;
  return layerOf(((value as Config | null)?.class_name === undefined ? toKeras(value) : value) as Parameters<typeof layerOf>[0]);
}

const mapped = <T, U>(object: Record<string, T>, of: (key: string, value: T) => [string, U]): Record<string, U> => Object.fromEntries(Object.entries(object).map(([k, v]) => of(k, v)));
const written = (layer: Layer): Config => ({ className: layer.getClassName(), config: layer.getConfig() });

/** Builds a layer whose weights have the names of the layer it is in. */
function buildWithin(layer: Layer, shape: SymbolicShape): void {
  if (!layer.built) layer.build(shape);
  layer.built = true;
}

/** A layer around others, which its configuration has. */
abstract class Around extends Layer {
  /** The layers within, by the keys of the configuration. */
  protected abstract get held(): Record<string, Layer | Layer[]>;

  /** The rest of the configuration. */
  protected get options(): Config {
    return {};
  }

  override getConfig(): Config {
    return { ...super.getConfig(), ...this.options, ...mapped(this.held, (key, value) => [key, Array.isArray(value) ? value.map(written) : written(value)]) };
  }

  override kerasConfig(): Config {
    return { ...(toKeras({ ...super.getConfig(), ...this.options }) as Config), ...mapped(this.held, (key, value) => [toSnake(key), toKeras(value)]) };
  }
}

/** The base of cells: `call` takes `[input, ...states]` and gives `[output, ...states]`. */
export abstract class RNNCell extends Layer {
  static override className = 'RNNCell';
  /** The size of each state; the first is that of the output. */
  abstract stateSize: number | number[];
}

type Cell = Layer & { stateSize?: number | number[] };

/** The shapes of a cell's output and of its states, for a step's input. */
function shapesOf(cell: Cell, step: SymbolicShape): [output: SymbolicShape, ...states: SymbolicShape[]] {
  if (cell instanceof StackedRNNCells) return cell.shapes(step);
  if (cell instanceof ModuleLayer) return cell.computeOutputShape(step) as [SymbolicShape];
  const states = listOf(cell.stateSize as number | number[]).map((n) => [step[0] as number | null, n]);
  return [states[0] as SymbolicShape, ...states];
}

/** Cells, each fed by the one before; their states follow one another. */
export class StackedRNNCells extends Around {
  static override className = 'StackedRNNCells';
  readonly cells: Cell[];

  constructor(args: LayerArgs & { cells: unknown[] }) {
    super(args);
    this.cells = args.cells.map(instantiate);
  }

  get stateSize(): number[] {
    return this.cells.flatMap((cell) => cell.stateSize ?? []);
  }

  private each(step: SymbolicShape): { cell: Cell; step: SymbolicShape; states: SymbolicShape[] }[] {
    let next = step;
    return this.cells.map((cell) => {
      const [output, ...states] = shapesOf(cell, next);
      const own = { cell, step: next, states };
      next = output;
      return own;
    });
  }

  shapes(step: SymbolicShape): [SymbolicShape, ...SymbolicShape[]] {
    const each = this.each(step);
    const last = each.at(-1);
    return [last === undefined ? step : shapesOf(last.cell, last.step)[0], ...each.flatMap(({ states }) => states)];
  }

  override build(inputShape: SymbolicShape | SymbolicShape[]): void {
    this.each(stepOf(inputShape)).forEach(({ cell, step }, i) => inScopeOf(`RNNCell_${i}`, () => buildWithin(cell, step)));
    this.built = true;
  }

  override call(inputs: Tensor | Tensor[], kwargs: Kwargs): Tensor[] {
    let [x, ...rest] = inputs as [Tensor, ...Tensor[]];
    const states = this.each(x.shape).flatMap(({ cell, states: { length } }) => {
      const [output, ...next] = listOf(cell.call([x, ...rest.slice(0, length)], kwargs)) as [Tensor, ...Tensor[]];
      [x, rest] = [output, rest.slice(length)];
      return next;
    });
    return [x, ...states];
  }

  protected override get held(): Record<string, Layer[]> {
    return { cells: this.cells };
  }
}

/** The first of shapes. */
const stepOf = (shape: SymbolicShape | SymbolicShape[]): SymbolicShape => (Array.isArray(shape[0]) ? shape[0] : shape) as SymbolicShape;

/** The steps of a sequence, parted by halves: the gradient of a part is as large as the whole it is of. */
function stepsOf(x: Tensor): Tensor[] {
  const n = x.shape[1] ?? 0;
  if (n < 2) return n === 1 ? [ops.squeeze(x, [1])] : [];
  const half = n >> 1;
  return ops.split(x, [half, n - half], 1).flatMap(stepsOf);
}

/** `yes` where a step's mask is, `no` elsewhere. */
const choose = (mask: Tensor, yes: Tensor, no: Tensor): Tensor => ops.where(ops.reshape(mask, [...mask.shape, ...Array.from({ length: yes.rank - 1 }, () => 1)]), yes, no);

export interface RNNLayerArgs extends LayerArgs {
  /** A cell, or several that are stacked. */
  cell: unknown;
  returnSequences?: boolean;
  returnState?: boolean;
  goBackwards?: boolean;
  stateful?: boolean;
  unroll?: boolean;
}

/** A cell over the steps of a sequence. */
export class RNN extends Around {
  static override className: string = 'RNN';
  readonly cell: Cell;
  readonly returnSequences: boolean;
  readonly returnState: boolean;
  readonly goBackwards: boolean;
  readonly unroll: boolean;
  private carried: Tensor[] | null = null;
  private constantCount = 0;

  constructor(args: RNNLayerArgs) {
    const { cell, inputDim, inputLength, returnSequences = false, returnState = false, goBackwards = false, stateful = false, unroll = false } = args;
    const shaped = args.inputShape !== undefined || args.batchInputShape !== undefined || inputDim === undefined;
    super(shaped ? args : { ...args, inputShape: [(inputLength as number | undefined) ?? null, inputDim as number] });
    if (cell === undefined || cell === null) throw coded('argument', 'cell property is missing for the constructor of RNN.');
    this.cell = Array.isArray(cell) ? new StackedRNNCells({ cells: cell }) : instantiate(cell);
    if (!(this.cell instanceof ModuleLayer) && (this.cell.stateSize ?? null) === null) {
      throw coded('argument', 'The RNN cell should have an attribute `stateSize` (tuple of integers, one integer per RNN state).');
    }
    [this.returnSequences, this.returnState, this.goBackwards, this.unroll] = [returnSequences, returnState, goBackwards, unroll];
    this.stateful = stateful;
    this.supportsMasking = true;
    this.inputSpec = [new InputSpec({ minNDim: 3 })];
  }

  private step(inputShape: SymbolicShape | SymbolicShape[]): SymbolicShape {
    const [batch, , ...features] = stepOf(inputShape);
    return [batch as number | null, ...features];
  }

  override build(inputShape: SymbolicShape | SymbolicShape[]): void {
    buildWithin(this.cell, this.step(inputShape));
    this.built = true;
  }

  override computeOutputShape(inputShape: SymbolicShape | SymbolicShape[]): SymbolicShape | SymbolicShape[] {
    const [output, ...states] = shapesOf(this.cell, this.step(inputShape));
    const shape = this.returnSequences ? [output[0] as number | null, stepOf(inputShape)[1] as number | null, ...output.slice(1)] : output;
    return this.returnState ? [shape, ...states] : shape;
  }

  override computeMask(_inputs: Tensor | Tensor[], mask?: Mask | Mask[]): Mask | Mask[] {
    return this.returnSequences ? (listOf(mask ?? null)[0] as Mask) : null;
  }

  /** What the states begin with. */
  getInitialState(x: Tensor): Tensor[] {
    return shapesOf(this.cell, this.step(x.shape)).slice(1).map((shape) => zeros(shape as number[]));
  }

  /** States and constants come after the sequence. */
  protected override checkInputs([sequence, ...rest]: (Tensor | SymbolicTensor)[]): void {
    super.checkInputs([sequence as Tensor]);
    const [given, wanted] = [rest.length - this.constantCount, shapesOf(this.cell, this.step((sequence as Tensor).shape)).length - 1];
    if (given > 0 && given !== wanted) throw coded('argument', `Layer ${this.name} expected an initialState of ${wanted} tensors, received ${given}`);
  }

  /** States begin with those given as `initialState`; `constants` are what the cell is given at every step. */
  override apply(inputs: any, kwargs?: Kwargs | null): any {
    const { constants, initialState, ...rest } = (kwargs ?? {}) as Kwargs & { constants?: Tensor[] };
    if (constants === undefined || constants === null) return super.apply(inputs, kwargs);
    this.constantCount = constants.length;
    return super.apply([...listOf(inputs), ...listOf((initialState ?? []) as Tensor[]), ...constants], rest);
  }

  override call(inputs: Tensor | Tensor[], kwargs: Kwargs): Tensor | Tensor[] {
    return tidy(() => {
      this.invokeCallHook(inputs, kwargs);
      const [x, ...given] = listOf(inputs) as [Tensor, ...Tensor[]];
      const constants = given.splice(given.length - this.constantCount);
      const { mask, ...rest } = kwargs;
      const forCell = constants.length > 0 ? { ...rest, constants } : rest;
      let states = given.length > 0 ? given : ((this.stateful ? this.carried : null) ?? this.getInitialState(x));
      const masks = listOf(mask ?? null)[0];
      const steps = stepsOf(x).map((step, i) => ({ step, i }));
      const counted = masks ? stepsOf(ops.cast(masks, 'bool')) : null;
      const outputs: Tensor[] = [];
      let last: Tensor | null = null;
      for (const { step, i } of this.goBackwards ? steps.reverse() : steps) {
        const [output, ...next] = listOf(this.cell.call([step, ...states], forCell)) as [Tensor, ...Tensor[]];
        const on = counted?.[i];
        last = on === undefined ? output : choose(on, output, last ?? ops.mul(output, 0));
        states = on === undefined ? next : next.map((state, k) => choose(on, state, states[k] as Tensor));
        if (this.returnSequences) outputs.push(last);
      }
      if (this.stateful) this.carry(states);
      const [shape] = shapesOf(this.cell, this.step(x.shape));
      if (last === null) last = zeros(this.returnSequences ? [x.shape[0] as number, 0, ...(shape.slice(1) as number[])] : (shape as number[]));
      else if (this.returnSequences) last = ops.stack(outputs, 1);
      return this.returnState ? [last, ...states] : last;
    });
  }

  private carry(states: Tensor[] | null): void {
    const before = this.carried;
    this.carried = states === null ? null : tidy(() => states.map((state) => keep(state.clone())));
    before?.forEach((state) => state.dispose());
  }

  /** Sets what is carried from call to call to zero, or to states. */
  override resetStates(states?: Tensor | Tensor[] | null): void {
    if (!this.stateful) throw coded('argument', 'Cannot call resetStates() on an RNN Layer that is not stateful.');
    this.carry(states === undefined || states === null ? null : listOf(states));
  }

  override getState(): State {
    return this.carried;
  }

  override setState(states: Tensor[] | null): void {
    this.carry(states);
  }

  protected override get options(): Config {
    const { returnSequences, returnState, goBackwards, stateful, unroll } = this;
    return { returnSequences, returnState, goBackwards, stateful, unroll };
  }

  protected override get held(): Record<string, Layer> {
    // A class of its own makes its cell itself, of the cell's configuration.
    return this.getClassName() === RNN.className ? { cell: this.cell } : {};
  }

  override getConfig(): Config {
    return this.getClassName() === RNN.className ? super.getConfig() : { ...this.cell.getConfig(), ...super.getConfig() };
  }

  override kerasConfig(): Config {
    return this.getClassName() === RNN.className ? super.kerasConfig() : (toKeras(this.getConfig()) as Config);
  }

  override dispose(): { refCountAfterDispose: number; numDisposedVariables: number } {
    this.carry(null);
    return super.dispose();
  }
}

const MERGES: Record<string, (a: Tensor, b: Tensor) => Tensor> = {
  concat: (a, b) => ops.concat([a, b], -1),
  sum: ops.add,
  mul: ops.mul,
  ave: (a, b) => ops.mul(ops.add(a, b), 0.5),
};

/** A recurrent layer over a sequence in both directions. */
export class Bidirectional extends Around {
  static override className = 'Bidirectional';
  readonly forwardLayer: Layer;
  readonly backwardLayer: Layer;
  readonly mergeMode: string | null;
  private readonly returnSequences: boolean;

  constructor(args: LayerArgs & { layer: unknown; backwardLayer?: unknown; mergeMode?: string | null }) {
    super(args);
    const { mergeMode = 'concat' } = args;
    if (mergeMode !== null && MERGES[mergeMode] === undefined) {
      throw coded('argument', `mergeMode must be one of ${Object.keys(MERGES)} or null, but got ${mergeMode}`);
    }
    const layer = instantiate(args.layer);
    const turned = (): Config => {
      const config = layer.kerasConfig();
      return { class_name: layer.getClassName(), config: { ...config, name: `backward_${layer.name.replace(/^forward_/, '')}`, go_backwards: config.go_backwards !== true } };
    };
    [this.forwardLayer, this.backwardLayer, this.mergeMode] = [layer, instantiate(args.backwardLayer ?? turned()), mergeMode];
    this.returnSequences = layer.getConfig().returnSequences === true;
    this.supportsMasking = true;
  }

  override build(inputShape: SymbolicShape | SymbolicShape[]): void {
    const shape = stepOf(inputShape);
    this.forwardLayer.ensureBuilt(shape);
    this.backwardLayer.ensureBuilt(shape);
    this.built = true;
  }

  private shapes(layer: Layer, inputShape: SymbolicShape | SymbolicShape[]): [SymbolicShape, ...SymbolicShape[]] {
    const shapes = layer.computeOutputShape(stepOf(inputShape));
    return (Array.isArray(shapes[0]) ? shapes : [shapes]) as [SymbolicShape];
  }

  override computeOutputShape(inputShape: SymbolicShape | SymbolicShape[]): SymbolicShape | SymbolicShape[] {
    const [a, ...states] = this.shapes(this.forwardLayer, inputShape);
    const [b, ...others] = this.shapes(this.backwardLayer, inputShape);
    const joined = [...a.slice(0, -1), (a.at(-1) ?? 0) + (b.at(-1) ?? 0)];
    return single([...(this.mergeMode === null ? [a, b] : [this.mergeMode === 'concat' ? joined : a]), ...states, ...others]);
  }

  override computeMask(_inputs: Tensor | Tensor[], mask?: Mask | Mask[]): Mask | Mask[] {
    const own = this.returnSequences ? (listOf(mask ?? null)[0] as Mask) : null;
    return this.mergeMode === null ? [own, own] : own;
  }

  override call(inputs: Tensor | Tensor[], kwargs: Kwargs): Tensor | Tensor[] {
    const [x, ...states] = listOf(inputs) as [Tensor, ...Tensor[]];
    const half = states.length / 2;
    const run = (layer: Layer, own: Tensor[]): [Tensor, ...Tensor[]] => listOf(layer.call([x, ...own], kwargs)) as [Tensor];
    const [a, ...ends] = run(this.forwardLayer, states.slice(0, half));
    const [turned, ...others] = run(this.backwardLayer, states.slice(half));
    const b = this.returnSequences ? ops.reverse(turned, 1) : turned;
    const merge = this.mergeMode === null ? null : MERGES[this.mergeMode];
    return single([...(merge ? [merge(a, b)] : [a, b]), ...ends, ...others]);
  }

  protected override get options(): Config {
    return { mergeMode: this.mergeMode };
  }

  protected override get held(): Record<string, Layer> {
    return { layer: this.forwardLayer, backwardLayer: this.backwardLayer };
  }
}

/** A layer, or a model, for every step of a sequence. */
export class TimeDistributed extends Around {
  static override className = 'TimeDistributed';
  readonly layer: Layer;

  constructor(args: LayerArgs & { layer: unknown }) {
    super(args);
    this.layer = instantiate(args.layer);
    this.supportsMasking = true;
    this.inputSpec = [new InputSpec({ minNDim: 2 })];
  }

  private step([batch, , ...rest]: SymbolicShape): SymbolicShape {
    return [batch as number | null, ...rest];
  }

  override build(inputShape: SymbolicShape | SymbolicShape[]): void {
    buildWithin(this.layer, this.step(inputShape as SymbolicShape));
    this.built = true;
  }

  override computeOutputShape(inputShape: SymbolicShape | SymbolicShape[]): SymbolicShape {
    const [batch, ...rest] = this.layer.computeOutputShape(this.step(inputShape as SymbolicShape)) as SymbolicShape;
    return [batch as number | null, inputShape[1] as number | null, ...rest];
  }

  override call(inputs: Tensor | Tensor[], kwargs: Kwargs): Tensor {
    const [x] = listOf(inputs) as [Tensor];
    const [batch, steps, ...rest] = x.shape as [number, number];
    const { mask: _, ...given } = kwargs;
    const { outputs } = this.layer.callMasked([ops.reshape(x, [batch * steps, ...rest])], [null], given);
    const y = outputs[0] as Tensor;
    return ops.reshape(y, [batch, steps, ...y.shape.slice(1)]);
  }

  protected override get held(): Record<string, Layer> {
    return { layer: this.layer };
  }
}
