/** Training on mixtures of samples. */

import { randomBeta, permutation } from '../../distributions.js';
import * as ops from '../../ops/core.js';
import { seedOf } from '../../random.js';
import { type Tensor, tidy } from '../../tensor.js';
import { coded, isFloat } from '../../types.js';
import { type BatchData, Callback } from '../callbacks.js';

export interface MixupArgs {
  /** Both parameters of the beta distribution that shares are drawn from; 0.2 by default. The larger it is, the more samples are mixed. */
  alpha?: number;
  /** Makes the mixtures repeatable: they depend on it, the number of the optimizer's step and that of the batch. */
  seed?: number;
}

/**
 * Trains on mixtures of each sample with another of its batch, in a share of its own that is drawn from a beta distribution (mixup: Zhang et
 * al. 2018). Inputs and targets are mixed, so targets are one-hot, probabilities or quantities, not numbers of classes. Where samples have
 * weights, a mixture has that of its parts, and each part's target counts in it by its own.
 */
export class Mixup extends Callback {
  private readonly alpha: number;

  constructor(private readonly args: MixupArgs = {}) {
    super();
    this.alpha = args.alpha ?? 0.2;
    if (!(this.alpha > 0)) throw coded('argument', `Mixup needs an alpha above 0, but got ${this.alpha}.`);
  }

  onBatchData(batch: number, data: BatchData): BatchData {
    const losses = [this.model?.loss ?? []].flat().flatMap((loss) => (typeof loss === 'object' ? Object.values(loss) : loss));
    if (losses.some((loss) => typeof loss === 'string' && /^sparse/i.test(loss))) {
      throw coded('argument', 'Mixup needs targets that can be mixed, such as one-hot vectors; those of a sparse loss are numbers of classes.');
    }
    const whole = data.inputs.find((x) => !isFloat(x.dtype));
    if (whole !== undefined) throw coded('dtype', `Mixup needs inputs that can be mixed, of floats, but got '${whole.dtype}'.`);
    const steps = this.model?.optimizer?.iterations ?? 0;
    const seed = this.args.seed === undefined ? seedOf() : (this.args.seed + Math.imul(steps, 0x9e3779b1) + Math.imul(batch, 0x85ebca6b)) >>> 0;
    return tidy(() => this.mixed(data, seed));
  }

  private mixed({ inputs, targets, weights }: BatchData, seed: number): BatchData {
    const samples = inputs[0]?.shape[0] ?? 0;
    const share = randomBeta([samples], this.alpha, this.alpha, seed);
    const others = permutation(samples, seed + 4);
    const along = (values: Tensor, t: Tensor): Tensor => ops.reshape(values, [samples, ...t.shape.slice(1).map(() => 1)]);
    const mix = (t: Tensor, part: Tensor): Tensor => {
      const own = isFloat(t.dtype) ? t : ops.cast(t, 'float32');
      const other = ops.gather(own, others);
      return ops.add(other, ops.mul(ops.sub(own, other), ops.cast(along(part, own), own.dtype)));
    };
    const mixedWeights = weights.map((w) => mix(w, share));
    // A target's share is that of its sample's weight in the mixture's; both weights may be 0.
    const partOf = (i: number): Tensor => (weights[i] === undefined ? share : ops.divNoNan(ops.mul(share, weights[i]), mixedWeights[i] as Tensor));
    return { inputs: inputs.map((x) => mix(x, share)), targets: targets.map((y, i) => mix(y, partOf(i))), weights: mixedWeights };
  }
}
