/** What training a model adds to optimizers: accumulated gradients and scaled losses. */

import { installOptimizers } from '../optimizers.js';
import { Accumulator, checkAccumulation } from './accumulator.js';
import { LossScale } from './loss-scale.js';

/** Lets optimizers accumulate gradients and scale losses, and restore what they keep for both. */
export function installFitting(): void {
  installOptimizers({
    lossScale: (args) => new LossScale(args),
    accumulator: () => new Accumulator(),
    checkAccumulation,
    restored: async (optimizer, stored) => {
      if (stored.some(LossScale.isStored)) (optimizer.lossScale ??= new LossScale()).restore(stored);
      const rest = await (optimizer.accumulator ??= new Accumulator()).restore(stored);
      return rest.filter((w) => !LossScale.isStored(w));
    },
  });
}
