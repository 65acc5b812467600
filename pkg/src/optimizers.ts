/** Optimizers: what they keep between steps. The steps themselves are operations of the module. */

import { zerosLike, fill } from './create.js';
import { variableGrads } from './gradients.js';
import { wasm } from './runtime.js';
import { keep, run, tidy, variables, type Tensor, Variable } from './tensor.js';
import { coded, type NamedTensorMap } from './types.js';

export interface NamedTensor {
  name: string;
  tensor: Tensor;
}

export abstract class Optimizer {
  /** An optimizer of what `getConfig` gives. */
  static fromConfig<T>(cls: new (...args: never[]) => T, config: Record<string, unknown>): T {
    return new cls(...(Object.values(config) as never[]));
  }

  protected iterations_ = 0;
  /** Tensors kept for each variable, in the order of `slotNames`. */
  protected readonly slots = new Map<string, Tensor[]>();
  /** Slots restored before their variables were seen. */
  private restored: NamedTensor[] = [];

  protected abstract readonly op: string;
  protected abstract readonly slotNames: readonly string[];
  abstract learningRate: number;
  getClassName(): string {
    return (this.constructor as unknown as { className: string }).className;
  }
  abstract getConfig(): Record<string, unknown>;
  /** The numbers of step `t`, counted from 1. */
  protected abstract attributes(t: number): number[];

  get iterations(): number {
    return this.iterations_;
  }

  setLearningRate(rate: number): void {
    this.learningRate = rate;
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
    return variableGrads(f, varList);
  }

  /** Moves variables along gradients, by name. */
  applyGradients(gradients: NamedTensorMap | NamedTensor[]): void {
    const list = Array.isArray(gradients) ? gradients : Object.entries(gradients).map(([name, tensor]) => ({ name, tensor }));
    this.iterations_ += 1;
    tidy(() => {
      for (const { name, tensor } of list) {
        if (tensor === null || tensor === undefined) continue;
        const variable = variables.get(name);
        if (variable === undefined) throw coded('unknown', `Optimizer: there is no variable '${name}'`);
        this.step(variable, tensor);
      }
    });
    wasm().flush();
  }

  private step(variable: Variable, gradient: Tensor): void {
    const slots = this.slots.get(variable.name) ?? this.initialSlots(variable);
    const [next, ...nextSlots] = run(this.op, [variable, gradient, ...slots], this.attributes(this.iterations_)) as [Tensor, ...Tensor[]];
    variable.assign(next);
    slots.forEach((slot) => slot.dispose());
    this.slots.set(variable.name, nextSlots.map((slot) => keep(slot)));
  }

  protected initialSlots(variable: Variable): Tensor[] {
    const found = this.slotNames.map((slot) => this.restored.find(({ name }) => name === `${variable.name}/${slot}`)?.tensor);
    if (found.length > 0 && found.every((slot) => slot !== undefined)) return found as Tensor[];
    return this.slotNames.map(() => zerosLike(variable));
  }

  /** Everything kept, to be given to `setWeights` later. */
  async getWeights(): Promise<NamedTensor[]> {
    const weights: NamedTensor[] = [{ name: 'iter', tensor: fill([], this.iterations_, 'int32') }];
    for (const [variable, slots] of this.slots) {
      slots.forEach((tensor, i) => weights.push({ name: `${variable}/${this.slotNames[i]}`, tensor }));
    }
    return weights;
  }

  async setWeights(weights: NamedTensor[]): Promise<void> {
    const iterations = weights.find(({ name }) => name === 'iter');
    if (iterations !== undefined) this.iterations_ = (await iterations.tensor.data())[0] ?? 0;
    this.restored = weights.filter(({ name }) => name !== 'iter').map(({ name, tensor }) => ({ name, tensor: keep(tensor.clone()) }));
    this.slots.clear();
  }

  dispose(): void {
    for (const slots of this.slots.values()) slots.forEach((slot) => slot.dispose());
    this.restored.forEach(({ tensor }) => tensor.dispose());
    this.slots.clear();
    this.restored = [];
  }
}

export class SGDOptimizer extends Optimizer {
  static className = 'SGD';
  protected readonly op: string = 'optimizer/sgd';
  protected readonly slotNames: readonly string[] = [];
  constructor(public learningRate: number) {
    super();
  }
  getConfig(): Record<string, unknown> {
    return { learningRate: this.learningRate };
  }
  protected attributes(_t: number): number[] {
    return [this.learningRate];
  }
}

export class MomentumOptimizer extends SGDOptimizer {
  static override className = 'Momentum';
  protected override readonly op = 'optimizer/momentum';
  protected override readonly slotNames = ['momentum'];
  constructor(learningRate: number, private readonly momentum: number, private readonly useNesterov = false) {
    super(learningRate);
  }
  override getConfig(): Record<string, unknown> {
    return { learningRate: this.learningRate, momentum: this.momentum, useNesterov: this.useNesterov };
  }
  protected override attributes(): number[] {
    return [this.learningRate, this.momentum, Number(this.useNesterov)];
  }
}

export class AdamOptimizer extends Optimizer {
  static className = 'Adam';
  protected readonly op: string = 'optimizer/adam';
  protected readonly slotNames: readonly string[] = ['m', 'v'];
  constructor(public learningRate = 0.001, protected readonly beta1 = 0.9, protected readonly beta2 = 0.999, protected readonly epsilon = 1e-7) {
    super();
  }
  getConfig(): Record<string, unknown> {
    return { learningRate: this.learningRate, beta1: this.beta1, beta2: this.beta2, epsilon: this.epsilon };
  }
  protected attributes(t: number): number[] {
    return [this.learningRate, this.beta1, this.beta2, this.epsilon, t];
  }
}

export class AdamaxOptimizer extends AdamOptimizer {
  static override className = 'Adamax';
  protected override readonly op = 'optimizer/adamax';
  constructor(learningRate = 0.002, beta1 = 0.9, beta2 = 0.999, epsilon = 1e-7, private readonly decay = 0) {
    super(learningRate, beta1, beta2, epsilon);
  }
  override getConfig(): Record<string, unknown> {
    return { ...super.getConfig(), decay: this.decay };
  }
  protected override attributes(t: number): number[] {
    return [this.learningRate / (1 + this.decay * (t - 1)), this.beta1, this.beta2, this.epsilon, t];
  }
}

export class RMSPropOptimizer extends Optimizer {
  static className = 'RMSProp';
  protected readonly op = 'optimizer/rmsprop';
  protected readonly slotNames: readonly string[];
  constructor(public learningRate: number, private readonly decay = 0.9, private readonly momentum = 0, private readonly epsilon = 1e-7, private readonly centered = false) {
    super();
    if (learningRate === undefined || learningRate === null) throw coded('argument', 'learningRate for RMSPropOptimizer must be defined.');
    this.slotNames = centered ? ['rms', 'momentum', 'mg'] : ['rms', 'momentum'];
  }
  getConfig(): Record<string, unknown> {
    const { learningRate, decay, momentum, epsilon, centered } = this;
    return { learningRate, decay, momentum, epsilon, centered };
  }
  protected attributes(): number[] {
    return [this.learningRate, this.decay, this.momentum, this.epsilon, Number(this.centered)];
  }
}

export class AdagradOptimizer extends Optimizer {
  static className = 'Adagrad';
  protected readonly op = 'optimizer/adagrad';
  protected readonly slotNames = ['accumulator'];
  constructor(public learningRate: number, private readonly initialAccumulatorValue = 0.1) {
    super();
  }
  getConfig(): Record<string, unknown> {
    return { learningRate: this.learningRate, initialAccumulatorValue: this.initialAccumulatorValue };
  }
  protected override initialSlots(variable: Variable): Tensor[] {
    return [fill(variable.shape, this.initialAccumulatorValue)];
  }
  protected attributes(): number[] {
    return [this.learningRate, 1e-7];
  }
}

export class AdadeltaOptimizer extends Optimizer {
  static className = 'Adadelta';
  protected readonly op = 'optimizer/adadelta';
  protected readonly slotNames = ['accum_grad', 'accum_var'];
  constructor(public learningRate = 0.001, private readonly rho = 0.95, private readonly epsilon = 1e-7) {
    super();
  }
  getConfig(): Record<string, unknown> {
    return { learningRate: this.learningRate, rho: this.rho, epsilon: this.epsilon };
  }
  protected attributes(): number[] {
    return [this.learningRate, this.rho, this.epsilon];
  }
}

/** TensorFlow.js's factories. */
export const train = {
  sgd: (learningRate: number): SGDOptimizer => new SGDOptimizer(learningRate),
  momentum: (learningRate: number, momentum: number, useNesterov = false): MomentumOptimizer =>
    new MomentumOptimizer(learningRate, momentum, useNesterov),
  adam: (learningRate?: number, beta1?: number, beta2?: number, epsilon?: number): AdamOptimizer =>
    new AdamOptimizer(learningRate, beta1, beta2, epsilon),
  adamax: (learningRate?: number, beta1?: number, beta2?: number, epsilon?: number, decay?: number): AdamaxOptimizer =>
    new AdamaxOptimizer(learningRate, beta1, beta2, epsilon, decay),
  rmsprop: (learningRate: number, decay?: number, momentum?: number, epsilon?: number, centered?: boolean): RMSPropOptimizer =>
    new RMSPropOptimizer(learningRate, decay, momentum, epsilon, centered),
  adagrad: (learningRate: number, initialAccumulatorValue?: number): AdagradOptimizer =>
    new AdagradOptimizer(learningRate, initialAccumulatorValue),
  adadelta: (learningRate?: number, rho?: number, epsilon?: number): AdadeltaOptimizer => new AdadeltaOptimizer(learningRate, rho, epsilon),
};

/** The optimizer of a name that `compile` takes. */
export function optimizerOf(name: string): Optimizer {
  switch (name.toLowerCase()) {
    case 'sgd':
      return new SGDOptimizer(0.01);
    case 'adam':
      return new AdamOptimizer();
    case 'adamax':
      return new AdamaxOptimizer();
    case 'rmsprop':
      return new RMSPropOptimizer(0.001);
    case 'adagrad':
      return new AdagradOptimizer(0.01);
    case 'adadelta':
      return new AdadeltaOptimizer(0.001);
    default:
      throw coded('unknown', `Unknown Optimizer ${name}`);
  }
}

