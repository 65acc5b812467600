/** Optimizers that TensorFlow.js lacks, and options and schedules for all. */

import { fill } from '../create.js';
import * as base from '../optimizers.js';
import { AdamOptimizer, installOptimizers, type LearningRate, Optimizer } from '../optimizers.js';
import { rateFrom, schedules } from '../schedules.js';
import type { Tensor, Variable } from '../tensor.js';
import type { LossScaleArgs } from './loss-scale.js';
import { type OptimizerOptions, Options, optionsOf } from './options.js';

type Config = Record<string, unknown>;

/** An optimizer with options, which replace those that it has. */
export function withOptions<T extends Optimizer>(optimizer: T, options?: OptimizerOptions): T {
  if (options !== undefined) optimizer.extras = new Options(options);
  return optimizer;
}

/** An optimizer with the loss scale that its configuration has. */
function scaling<T>(optimizer: T, { lossScale }: Config): T {
  if (lossScale) (optimizer as Optimizer).lossScale = base.lossScale(lossScale as LossScaleArgs);
  return optimizer;
}

/** Parameters of optimizers that average gradients and their squares. */
export interface AdamArgs extends OptimizerOptions {
  /** 0.9 by default. */
  beta1?: number;
  /** 0.999 by default. */
  beta2?: number;
  /** 1e-7 by default; it is added to the corrected deviation. */
  epsilon?: number;
}

export interface AmsgradArgs extends AdamArgs {
  /** Whether the deviation never falls (Reddi et al. 2018). */
  amsgrad?: boolean;
}

export interface LionArgs extends OptimizerOptions {
  /** The average's part of the direction; 0.9 by default. */
  beta1?: number;
  /** The part of the average that remains in a step; 0.99 by default. */
  beta2?: number;
}

export interface FtrlArgs extends OptimizerOptions {
  /** -0.5 by default. */
  learningRatePower?: number;
  /** 0.1 by default. */
  initialAccumulatorValue?: number;
  /** This and all that follow are 0 by default. */
  l1RegularizationStrength?: number;
  l2RegularizationStrength?: number;
  l2ShrinkageRegularizationStrength?: number;
  beta?: number;
}

/** Adam whose deviation never falls. */
export class AmsgradOptimizer extends AdamOptimizer {
  protected override readonly op: string = 'optimizer/amsgrad';
  protected override readonly slotNames: readonly string[] = ['m', 'v', 'vhat'];
  protected override parameters(): Config {
    return { ...super.parameters(), amsgrad: true };
  }
}

/** An optimizer of a learning rate and an object of parameters and options. */
abstract class Configured extends Optimizer {
  static override fromConfig<T>(cls: new (...args: never[]) => T, config: Config): T {
    return scaling(new cls(...([rateFrom(config.learningRate), config] as never[])), config);
  }
  constructor(learningRate: LearningRate, options: OptimizerOptions) {
    super();
    this.rate = learningRate;
    withOptions(this, optionsOf(options as Config));
  }
}

abstract class Averaging extends Configured {
  protected override readonly corrects: boolean = true;
  protected readonly slotNames: readonly string[] = ['m', 'v'];
  private readonly args: Required<Pick<AdamArgs, 'beta1' | 'beta2' | 'epsilon'>>;
  constructor(learningRate: LearningRate = 0.001, { beta1 = 0.9, beta2 = 0.999, epsilon = 1e-7, ...options }: AdamArgs = {}) {
    super(learningRate, options);
    this.args = { beta1, beta2, epsilon };
  }
  protected parameters(): Config {
    return { learningRate: this.rate, ...this.args };
  }
  protected attributes(t: number): number[] {
    return [this.learningRate, this.args.beta1, this.args.beta2, this.args.epsilon, t];
  }
}

/** Adam with weight decay, 0.004 by default (Loshchilov & Hutter 2019). */
export class AdamWOptimizer extends Averaging {
  static className = 'AdamW';
  protected readonly op: string;
  protected override readonly slotNames: readonly string[];
  constructor(learningRate?: LearningRate, { amsgrad = false, weightDecay = 0.004, ...args }: AmsgradArgs = {}) {
    super(learningRate, { ...args, weightDecay });
    this.op = amsgrad ? 'optimizer/amsgrad' : 'optimizer/adam';
    this.slotNames = amsgrad ? ['m', 'v', 'vhat'] : ['m', 'v'];
  }
  protected override parameters(): Config {
    return { ...super.parameters(), amsgrad: this.slotNames.length === 3 };
  }
}

/** Adam with Nesterov's momentum (Dozat 2016). */
export class NadamOptimizer extends Averaging {
  static className = 'Nadam';
  // Its momenta are a product over the steps, whose number the program is to know.
  protected override readonly corrects = false;
  protected readonly op = 'optimizer/nadam';
  override get follows(): boolean {
    return true;
  }
  protected override attributes(): number[] {
    return super.attributes(this.iterations + 1);
  }
}

/** Adam with a trust ratio for each variable (You et al. 2020). */
export class LambOptimizer extends Averaging {
  static className = 'Lamb';
  protected readonly op = 'optimizer/lamb';
}

/** Steps along signs (Chen et al. 2023). */
export class LionOptimizer extends Configured {
  static className = 'Lion';
  protected readonly op = 'optimizer/lion';
  protected readonly slotNames = ['m'];
  private readonly betas: [number, number];
  constructor(learningRate: LearningRate = 0.001, { beta1 = 0.9, beta2 = 0.99, ...options }: LionArgs = {}) {
    super(learningRate, options);
    this.betas = [beta1, beta2];
  }
  protected parameters(): Config {
    return { learningRate: this.rate, beta1: this.betas[0], beta2: this.betas[1] };
  }
  protected attributes(): number[] {
    return [this.learningRate, ...this.betas];
  }
}

/** Follows the regularized leader (McMahan et al. 2013); the learning rate is above 0. */
export class FtrlOptimizer extends Configured {
  static className = 'Ftrl';
  protected readonly op = 'optimizer/ftrl';
  protected readonly slotNames = ['accumulator', 'linear'];
  private readonly args: Required<Omit<FtrlArgs, keyof OptimizerOptions>>;
  constructor(learningRate: LearningRate = 0.001, args: FtrlArgs = {}) {
    super(learningRate, args);
    const { learningRatePower = -0.5, initialAccumulatorValue = 0.1, l1RegularizationStrength = 0 } = args;
    const { l2RegularizationStrength = 0, l2ShrinkageRegularizationStrength = 0, beta = 0 } = args;
    this.args = { learningRatePower, initialAccumulatorValue, l1RegularizationStrength, l2RegularizationStrength, l2ShrinkageRegularizationStrength, beta };
  }
  protected override initialSlot(variable: Variable, i: number): Tensor {
    return i === 0 ? fill(variable.shape, this.args.initialAccumulatorValue) : super.initialSlot(variable, i);
  }
  protected parameters(): Config {
    return { learningRate: this.rate, ...this.args };
  }
  protected attributes(): number[] {
    const { learningRatePower, l1RegularizationStrength, l2RegularizationStrength, l2ShrinkageRegularizationStrength, beta } = this.args;
    return [this.learningRate, learningRatePower, l1RegularizationStrength, l2RegularizationStrength, l2ShrinkageRegularizationStrength, beta];
  }
}

/** `tf.train`: TensorFlow.js's factories, which take options as their last argument, and those of more optimizers. */
export const train = {
  sgd: (learningRate: LearningRate, options?: OptimizerOptions): base.SGDOptimizer => withOptions(base.train.sgd(learningRate), options),
  momentum: (learningRate: LearningRate, momentum: number, useNesterov = false, options?: OptimizerOptions): base.MomentumOptimizer =>
    withOptions(base.train.momentum(learningRate, momentum, useNesterov), options),
  adam: (learningRate?: LearningRate, beta1?: number, beta2?: number, epsilon?: number, { amsgrad, ...options }: OptimizerOptions & { amsgrad?: boolean } = {}): AdamOptimizer =>
    withOptions(new (amsgrad ? AmsgradOptimizer : AdamOptimizer)(learningRate, beta1, beta2, epsilon), options),
  adamax: (learningRate?: LearningRate, beta1?: number, beta2?: number, epsilon?: number, decay?: number, options?: OptimizerOptions): base.AdamaxOptimizer =>
    withOptions(base.train.adamax(learningRate, beta1, beta2, epsilon, decay), options),
  rmsprop: (learningRate: LearningRate, decay?: number, momentum?: number, epsilon?: number, centered?: boolean, options?: OptimizerOptions): base.RMSPropOptimizer =>
    withOptions(base.train.rmsprop(learningRate, decay, momentum, epsilon, centered), options),
  adagrad: (learningRate: LearningRate, initialAccumulatorValue?: number, options?: OptimizerOptions & { epsilon?: number }): base.AdagradOptimizer =>
    withOptions(base.train.adagrad(learningRate, initialAccumulatorValue, options?.epsilon), options),
  adadelta: (learningRate?: LearningRate, rho?: number, epsilon?: number, options?: OptimizerOptions): base.AdadeltaOptimizer =>
    withOptions(base.train.adadelta(learningRate, rho, epsilon), options),
  adamw: (learningRate?: LearningRate, args?: AmsgradArgs): AdamWOptimizer => new AdamWOptimizer(learningRate, args),
  nadam: (learningRate?: LearningRate, args?: AdamArgs): NadamOptimizer => new NadamOptimizer(learningRate, args),
  ftrl: (learningRate?: LearningRate, args?: FtrlArgs): FtrlOptimizer => new FtrlOptimizer(learningRate, args),
  lion: (learningRate?: LearningRate, args?: LionArgs): LionOptimizer => new LionOptimizer(learningRate, args),
  lamb: (learningRate?: LearningRate, args?: AdamArgs): LambOptimizer => new LambOptimizer(learningRate, args),
  withOptions,
  /** The optimizer of a class name and a configuration, as models are stored with. */
  deserialize: base.optimizerOf,
  schedules,
};

/** Makes names of these optimizers, stored options and stored schedules known to models. */
export function installMoreOptimizers(): void {
  installOptimizers({
    makers: {
      // As Keras stores them, whose SGD has a momentum and whose RMSprop calls its decay rho.
      sgd: ({ learningRate = 0.01, momentum, nesterov }) => (momentum ? train.momentum(learningRate, momentum, nesterov) : train.sgd(learningRate)),
      rmsprop: ({ learningRate = 0.001, rho, decay = rho, momentum, epsilon, centered }) => train.rmsprop(learningRate, decay, momentum, epsilon, centered),
      adam: ({ learningRate, beta1, beta2, epsilon, amsgrad }) => train.adam(learningRate, beta1, beta2, epsilon, { amsgrad }),
      adamw: ({ learningRate, ...args }) => train.adamw(learningRate, args),
      nadam: ({ learningRate, ...args }) => train.nadam(learningRate, args),
      ftrl: ({ learningRate, ...args }) => train.ftrl(learningRate, args),
      lion: ({ learningRate, ...args }) => train.lion(learningRate, args),
      lamb: ({ learningRate, ...args }) => train.lamb(learningRate, args),
    },
    rate: (stored) => rateFrom(stored as LearningRate),
    configured: (optimizer, config) => {
      const options = optionsOf(config);
      if (options !== undefined && !(optimizer instanceof Configured)) (optimizer as Optimizer).extras = new Options(options);
      return scaling(optimizer, config);
    },
  });
}
