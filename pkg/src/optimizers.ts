/** Optimizers: what they keep between steps. The steps themselves are operations of the module. */

import { zerosLike, fill } from './create.js';
import { variableGrads } from './gradients.js';
import { lacks } from './lacking.js';
import * as ops from './ops/core.js';
import type { Accumulator } from './optimizers/accumulator.js';
import type { LossScale, LossScaleArgs } from './optimizers/loss-scale.js';
import { wasm } from './runtime.js';
import { keep, run, tidy, variables, type Tensor, Variable } from './tensor.js';
import { coded, type NamedTensorMap } from './types.js';

export interface NamedTensor {
  name: string;
  tensor: Tensor;
}

/** A learning rate: a number, or what it is after so many steps, counted from 0. */
export type LearningRate = number | ((step: number) => number) | { at(step: number): number };

type Config = Record<string, unknown>;

/** What an optimizer does besides its step. */
export interface StepExtras {
  /** Names of the tensors that it keeps after those of the step. */
  readonly slotNames: readonly string[];
  readonly config: Config;
  /** How many calls of `applyGradients` one step is made of. */
  readonly parts: number;
  /** Gradients as the step takes them. */
  gradients(gradients: Tensor[]): Tensor[];
  /** What the learning rate of a variable is multiplied by. */
  factor(name: string): number;
  /** A variable before its step, of float32 if it is another tensor. */
  before(variable: Tensor, rate: number): Tensor;
  /** A variable after step number `t`, less the steps before it that a loss scale skipped, and the tensors that are kept for it; what was
   *  kept before, if anything. */
  after(moved: Tensor, kept: (Tensor | undefined)[], t: number, skipped?: Tensor): Tensor[];
  /** What a variable becomes when training has ended, of what is kept. */
  final(kept: Tensor[]): Tensor | undefined;
}

/** Gradients by name as a list. */
const listed = (gradients: NamedTensorMap | NamedTensor[]): NamedTensor[] =>
  Array.isArray(gradients) ? gradients : Object.entries(gradients).map(([name, tensor]) => ({ name, tensor }));

/** Sets a variable to what is computed in float32. */
const assign = (variable: Variable, value: Tensor): void => variable.assign(value.dtype === variable.dtype ? value : value.cast(variable.dtype));

export abstract class Optimizer {
  /** An optimizer of what `getConfig` gives. */
  static fromConfig<T>(cls: new (...args: never[]) => T, config: Config): T {
    const given = withRate(config);
    return additions.configured(new cls(...(Object.values(given) as never[])), given);
  }

  /** Steps, those that a loss scale skipped included. */
  protected iterations_ = 0;
  /** As given: a number or a schedule. */
  protected rate: LearningRate = 0;
  /** Whether a step runs at once, rather than when something needs it. */
  flushes = true;
  /** What is done besides steps. */
  extras: StepExtras | null = null;
  /**
   * What scales losses that are computed in float16; `compile` gives one to the optimizer of a model with such layers.
   */
  lossScale: LossScale | null = null;
  /** Tensors kept for each variable by name, in the order of `allSlotNames`. */
  protected readonly slots = new Map<string, Tensor[]>();
  /** Gradients that the next step waits with, where there were any. */
  accumulator: Accumulator | null = null;

  protected abstract readonly op: string;
  protected abstract readonly slotNames: readonly string[];
  /** Whether the rule corrects averages by the number of the step. */
  protected readonly corrects: boolean = false;

  /** The learning rate of the next step. Any kind of rate may be assigned. */
  get learningRate(): number {
    const { rate } = this;
    if (typeof rate === 'number') return rate;
    // As in Keras, schedules count the calls that a step is made of.
    const { parts = 1 } = this.extras ?? {};
    const at = parts > 1 ? this.iterations * parts + (this.accumulator?.waiting ?? 0) : this.iterations;
    return typeof rate === 'function' ? rate(at) : rate.at(at);
  }
  set learningRate(rate: LearningRate) {
    this.rate = rate;
  }

  getClassName(): string {
    return (this.constructor as unknown as { className: string }).className;
  }
  getConfig(): Config {
    return { ...this.parameters(), ...this.extras?.config, ...(this.lossScale && { lossScale: this.lossScale.args }) };
  }
  /** The arguments of the constructor. */
  protected abstract parameters(): Config;
  /** The numbers of step `t`, counted from 1. The first is the learning rate. */
  protected abstract attributes(t: number): number[];

  /**
   * Steps that were made. As in Keras, those that a loss scale skipped do not count, nor for schedules. On a GPU in a page, where only the
   * engine knows of them, `fit` waits to know after each epoch, and after each step where the next one's numbers depend on it.
   */
  get iterations(): number {
    return this.iterations_ - (this.lossScale?.counted() ?? 0);
  }

  /** Whether the program is to know the number of the next step. */
  get follows(): boolean {
    return typeof this.rate !== 'number';
  }

  setLearningRate(rate: LearningRate): void {
    this.rate = rate;
  }

  /** One step on the value of `f`. */
  minimize(f: () => Tensor, returnCost = false, varList?: Variable[]): Tensor | null {
    const { value, grads } = this.computeGradients(f, varList);
    this.applyGradients(grads);
    for (const gradient of Object.values(grads)) gradient?.dispose();
    if (returnCost) return value;
    value.dispose();
    return null;
  }

  computeGradients(f: () => Tensor, varList?: Variable[]): { value: Tensor; grads: NamedTensorMap } {
    return (this.lossScale?.gradientsOf ?? variableGrads)(f, varList);
  }

  /** Moves variables along gradients, by name; with `gradientAccumulationSteps`, along the mean of those of so many calls. */
  applyGradients(gradients: NamedTensorMap | NamedTensor[]): void {
    const { parts = 1 } = this.extras ?? {};
    if (parts > 1) this.accumulate(gradients, parts);
    else this.move(listed(gradients), true);
  }

  /**
   * Adds gradients to those that the next step is made with, whose mean it takes, where these count `weight`. The step is made once there
   * are those of `parts` calls. Whether it was made.
   */
  accumulate(gradients: NamedTensorMap | NamedTensor[], parts: number, weight = 1): boolean {
    const accumulator = (this.accumulator ??= additions.accumulator());
    const list = listed(gradients);
    tidy(() => {
      const finite = this.lossScale?.finite(list.flatMap(({ tensor }) => tensor ?? [])) ?? null;
      accumulator.add(list, weight, finite);
      if (finite !== null) this.lossScale?.advance(finite, null);
    });
    if (accumulator.waiting + 1 >= parts) {
      this.moveByMean(accumulator);
      return true;
    }
    accumulator.waiting += 1;
    if (this.flushes) wasm().flush();
    return false;
  }

  /** Makes a step with the gradients that were accumulated. Whether there were any. */
  applyAccumulated(): boolean {
    if (!this.accumulator?.waiting) return false;
    this.moveByMean(this.accumulator);
    return true;
  }

  private moveByMean(accumulator: Accumulator): void {
    tidy(() => this.move(accumulator.means(), false));
    accumulator.dispose();
  }

  /** Moves along gradients, those of a loss or a mean of such. */
  private move(list: NamedTensor[], direct: boolean): void {
    const [rate = 0, ...numbers] = this.attributes(this.iterations_ + 1);
    this.iterations_ += 1;
    tidy(() => {
      const moving: Variable[] = [];
      let gradients: Tensor[] = [];
      for (const { name, tensor } of list) {
        if (tensor === null || tensor === undefined) continue;
        const variable = variables.get(name);
        if (variable === undefined) throw coded('unknown', `Optimizer: there is no variable '${name}'`);
        moving.push(variable);
        gradients.push(tensor);
      }
      // With a gradient that is not finite, all that follows is dropped where it is computed.
      const finite = this.lossScale?.finite(gradients) ?? null;
      if (this.extras !== null) gradients = this.extras.gradients(gradients);
      moving.forEach((variable, i) => this.step(variable, gradients[i] as Tensor, rate * (this.extras?.factor(variable.name) ?? 1), numbers, finite));
      if (finite !== null) this.lossScale?.advance(direct ? finite : null, finite);
    });
    if (this.flushes) wasm().flush();
  }

  private step(variable: Variable, gradient: Tensor, rate: number, numbers: number[], finite: Tensor | null): void {
    const { extras, slotNames, lossScale } = this;
    // Rules that are told the number of the step are told how many before it were skipped.
    const skipped = lossScale !== null && this.corrects ? [lossScale.skipped] : [];
    const kept = this.allSlotNames.map((_, i) => this.slot(variable, i));
    const slots = slotNames.map((_, i) => kept[i] ?? this.initialSlot(variable, i));
    const start = extras?.before(variable, rate) ?? variable;
    let [next, ...nextSlots] = run(this.op, [start, gradient, ...slots, ...skipped], [rate, ...numbers]) as [Tensor, ...Tensor[]];
    if (extras !== null) {
      const [final, ...more] = extras.after(next, kept.slice(slotNames.length), this.iterations_, lossScale?.skipped) as [Tensor, ...Tensor[]];
      next = final;
      nextSlots.push(...more);
    }
    if (finite !== null) {
      next = ops.where(finite, next, variable);
      nextSlots = nextSlots.map((slot, i) => ops.where(finite, slot, slots[i] ?? kept[i] ?? variable));
    }
    assign(variable, next);
    for (const slot of [...slots, ...kept.slice(slotNames.length)]) slot?.dispose();
    this.slots.set(variable.name, nextSlots.map((slot) => keep(slot)));
  }

  private get allSlotNames(): readonly string[] {
    return [...this.slotNames, ...(this.extras?.slotNames ?? [])];
  }

  /** What is kept for a variable, as number `i`. */
  private slot(variable: Variable, i: number): Tensor | undefined {
    return this.slots.get(variable.name)?.[i];
  }

  /** What slot `i` begins with. */
  protected initialSlot(variable: Variable, _i: number): Tensor {
    return zerosLike(variable);
  }

  /** Gives variables what is to remain after training: their averages, where such are kept. */
  finalizeVariableValues(): void {
    const { extras } = this;
    if (extras === null) return;
    tidy(() => {
      for (const [name, slots] of this.slots) {
        const variable = variables.get(name);
        const final = extras.final(slots.slice(this.slotNames.length));
        if (variable !== undefined && final !== undefined) assign(variable, final);
      }
    });
  }

  /** Everything kept, to be given to `setWeights` later. */
  async getWeights(): Promise<NamedTensor[]> {
    await this.lossScale?.count();
    const weights: NamedTensor[] = [{ name: 'iter', tensor: fill([], this.iterations, 'int32') }];
    // All variables' first, then all their second: TensorFlow.js tells them apart by order.
    this.allSlotNames.forEach((slot, i) => {
      for (const [variable, slots] of this.slots) if (slots[i] !== undefined) weights.push({ name: `${variable}/${slot}`, tensor: slots[i] });
    });
    return [...weights, ...(this.accumulator?.stored() ?? []), ...(this.lossScale?.stored() ?? [])];
  }

  async setWeights(weights: NamedTensor[]): Promise<void> {
    const iterations = weights.find(({ name }) => name === 'iter');
    if (iterations !== undefined) this.iterations_ = (await iterations.tensor.data())[0] ?? 0;
    const given = new Map<string, Tensor[]>();
    const others = await additions.restored(this, weights);
    if (iterations !== undefined) this.iterations_ += (await this.lossScale?.count()) ?? 0;
    for (const { name, tensor } of others) {
      const at = Math.max(0, name.lastIndexOf('/'));
      const [variable, place] = [name.slice(0, at), this.allSlotNames.indexOf(name.slice(at + 1))];
      if (place < 0) continue;
      // Where some are missing, they begin anew.
      const slots = given.get(variable) ?? [];
      slots[place] = keep(tensor.clone());
      given.set(variable, slots);
    }
    this.disposeSlots();
    given.forEach((slots, variable) => this.slots.set(variable, slots));
  }

  private disposeSlots(): void {
    for (const slots of this.slots.values()) slots.forEach((slot) => slot.dispose());
    this.slots.clear();
  }

  dispose(): void {
    this.disposeSlots();
    this.accumulator?.dispose();
    this.lossScale?.dispose();
  }
}

export class SGDOptimizer extends Optimizer {
  static className = 'SGD';
  protected readonly op: string = 'optimizer/sgd';
  protected readonly slotNames: readonly string[] = [];
  constructor(learningRate: LearningRate) {
    super();
    this.rate = learningRate;
  }
  protected parameters(): Config {
    return { learningRate: this.rate };
  }
  protected attributes(_t: number): number[] {
    return [this.learningRate];
  }
}

export class MomentumOptimizer extends SGDOptimizer {
  static override className = 'Momentum';
  protected override readonly op = 'optimizer/momentum';
  protected override readonly slotNames = ['velocity'];
  constructor(learningRate: LearningRate, private readonly momentum: number, private readonly useNesterov = false) {
    super(learningRate);
  }
  protected override parameters(): Config {
    return { learningRate: this.rate, momentum: this.momentum, useNesterov: this.useNesterov };
  }
  protected override attributes(): number[] {
    return [this.learningRate, this.momentum, Number(this.useNesterov)];
  }
  /** What TensorFlow.js stored as `momentum` is a velocity that has yet to be multiplied by the rate. */
  override async setWeights(weights: NamedTensor[]): Promise<void> {
    const velocity = ({ name, tensor }: NamedTensor) =>
      name.endsWith('/momentum') ? { name: name.replace(/momentum$/, 'velocity'), tensor: ops.mul(tensor, this.learningRate) } : { name, tensor: tensor.clone() };
    const own = weights.map(velocity);
    await super.setWeights(own);
    own.forEach(({ tensor }) => tensor.dispose());
  }
}

export class AdamOptimizer extends Optimizer {
  static className = 'Adam';
  protected override readonly corrects = true;
  protected readonly op: string = 'optimizer/adam';
  protected readonly slotNames: readonly string[] = ['m', 'v'];
  constructor(learningRate: LearningRate = 0.001, protected readonly beta1 = 0.9, protected readonly beta2 = 0.999, protected readonly epsilon = 1e-7) {
    super();
    this.rate = learningRate;
  }
  protected parameters(): Config {
    return { learningRate: this.rate, beta1: this.beta1, beta2: this.beta2, epsilon: this.epsilon };
  }
  protected attributes(t: number): number[] {
    return [this.learningRate, this.beta1, this.beta2, this.epsilon, t];
  }
}

export class AdamaxOptimizer extends AdamOptimizer {
  static override className = 'Adamax';
  protected override readonly op = 'optimizer/adamax';
  constructor(learningRate: LearningRate = 0.002, beta1 = 0.9, beta2 = 0.999, epsilon = 1e-7, private readonly decay = 0) {
    super(learningRate, beta1, beta2, epsilon);
  }
  protected override parameters(): Config {
    return { ...super.parameters(), decay: this.decay };
  }
  protected override attributes(t: number): number[] {
    return [this.learningRate / (1 + (this.decay && this.decay * this.iterations)), this.beta1, this.beta2, this.epsilon, t];
  }
}

export class RMSPropOptimizer extends Optimizer {
  static className = 'RMSProp';
  protected readonly op = 'optimizer/rmsprop';
  protected readonly slotNames: readonly string[];
  constructor(learningRate: LearningRate, private readonly decay = 0.9, private readonly momentum = 0, private readonly epsilon = 1e-7, private readonly centered = false) {
    super();
    if (learningRate === undefined || learningRate === null) throw coded('argument', 'learningRate for RMSPropOptimizer must be defined.');
    this.rate = learningRate;
    this.slotNames = centered ? ['rms', 'momentum', 'mg'] : ['rms', 'momentum'];
  }
  protected parameters(): Config {
    const { rate, decay, momentum, epsilon, centered } = this;
    return { learningRate: rate, decay, momentum, epsilon, centered };
  }
  protected attributes(): number[] {
    return [this.learningRate, this.decay, this.momentum, this.epsilon, Number(this.centered)];
  }
}

export class AdagradOptimizer extends Optimizer {
  static className = 'Adagrad';
  protected readonly op = 'optimizer/adagrad';
  protected readonly slotNames = ['accumulator'];
  constructor(learningRate: LearningRate, private readonly initialAccumulatorValue = 0.1, private readonly epsilon = 1e-7) {
    super();
    this.rate = learningRate;
  }
  protected parameters(): Config {
    return { learningRate: this.rate, initialAccumulatorValue: this.initialAccumulatorValue, epsilon: this.epsilon };
  }
  protected override initialSlot(variable: Variable): Tensor {
    return fill(variable.shape, this.initialAccumulatorValue);
  }
  protected attributes(): number[] {
    return [this.learningRate, this.epsilon];
  }
}

export class AdadeltaOptimizer extends Optimizer {
  static className = 'Adadelta';
  protected readonly op = 'optimizer/adadelta';
  protected readonly slotNames = ['accum_grad', 'accum_var'];
  constructor(learningRate: LearningRate = 0.001, private readonly rho = 0.95, private readonly epsilon = 1e-7) {
    super();
    this.rate = learningRate;
  }
  protected parameters(): Config {
    return { learningRate: this.rate, rho: this.rho, epsilon: this.epsilon };
  }
  protected attributes(): number[] {
    return [this.learningRate, this.rho, this.epsilon];
  }
}

/** A function that makes objects of a class. */
const factory = <C extends new (...args: any[]) => unknown>(cls: C) => (...args: ConstructorParameters<C>): InstanceType<C> => new cls(...args) as InstanceType<C>;

/** TensorFlow.js's factories. */
export const train = {
  sgd: factory(SGDOptimizer),
  momentum: factory(MomentumOptimizer),
  adam: factory(AdamOptimizer),
  adamax: factory(AdamaxOptimizer),
  rmsprop: factory(RMSPropOptimizer),
  adagrad: factory(AdagradOptimizer),
  adadelta: factory(AdadeltaOptimizer),
};

/** Makes an optimizer of its configuration; what is missing is as Keras has it. */
type Maker = (config: any) => Optimizer;

const makers: Record<string, Maker> = {
  sgd: ({ learningRate = 0.01 }) => new SGDOptimizer(learningRate),
  momentum: ({ learningRate = 0.01, momentum = 0.9, useNesterov = false }) => new MomentumOptimizer(learningRate, momentum, useNesterov),
  adam: ({ learningRate, beta1, beta2, epsilon }) => new AdamOptimizer(learningRate, beta1, beta2, epsilon),
  adamax: ({ learningRate, beta1, beta2, epsilon, decay }) => new AdamaxOptimizer(learningRate, beta1, beta2, epsilon, decay),
  rmsprop: ({ learningRate = 0.001, decay, momentum, epsilon, centered }) => new RMSPropOptimizer(learningRate, decay, momentum, epsilon, centered),
  adagrad: ({ learningRate = 0.01, initialAccumulatorValue, epsilon }) => new AdagradOptimizer(learningRate, initialAccumulatorValue, epsilon),
  adadelta: ({ learningRate, rho, epsilon }) => new AdadeltaOptimizer(learningRate, rho, epsilon),
};

/** What a package adds to the optimizers that TensorFlow.js has. */
export interface Additions {
  readonly makers: Record<string, Maker>;
  /** A stored learning rate as one. */
  rate(stored: unknown): LearningRate;
  /** An optimizer with the options that its configuration has. */
  configured<T>(optimizer: T, config: Config): T;
  lossScale(args?: LossScaleArgs): LossScale;
  accumulator(): Accumulator;
  /** Throws where an optimizer cannot accumulate the gradients of so many parts. */
  checkAccumulation(optimizer: Optimizer, parts: number): void;
  /** Gives an optimizer what was stored of it besides what it keeps for variables; the rest. */
  restored(optimizer: Optimizer, stored: NamedTensor[]): Promise<NamedTensor[]>;
}

const accumulation = lacks('Accumulation of gradients');

let additions: Additions = {
  makers: {},
  rate: (stored) => stored as LearningRate,
  configured: (optimizer) => optimizer,
  lossScale: lacks('Training in float16'),
  accumulator: accumulation,
  checkAccumulation: accumulation,
  restored: async (_, stored) => stored,
};

export const lossScale = (args?: LossScaleArgs): LossScale => additions.lossScale(args);
export const checkAccumulation: Additions['checkAccumulation'] = (optimizer, parts) => additions.checkAccumulation(optimizer, parts);

/** Adds optimizers, options and schedules, or what training a model adds to optimizers. */
export function installOptimizers(more: Partial<Additions>): void {
  additions = { ...additions, ...more };
}

const withRate = (config: Config): Config => ('learningRate' in config ? { ...config, learningRate: additions.rate(config.learningRate) } : config);

/** The optimizer of a name that `compile` takes, or of a class that is stored, with its configuration. */
export function optimizerOf(name: string, config: Config = {}): Optimizer {
  const all = { ...makers, ...additions.makers };
  const key = name.toLowerCase();
  if (!Object.hasOwn(all, key)) throw coded('unknown', `Unknown Optimizer ${name}`);
  const given = withRate(config);
  return additions.configured((all[key] as Maker)(given), given);
}
