/** Gradients that wait for others before a step is made with their mean. */

import { scalar } from '../create.js';
import * as ops from '../ops/core.js';
import type { NamedTensor, Optimizer } from '../optimizers.js';
import { dispose, keep, type Tensor, tidy } from '../tensor.js';
import { coded } from '../types.js';

/** What a sum is stored as, after its variable's name. */
const SUM = '/gradient_accumulator';
/** What the numbers of parts and of their weights are stored as. */
const COUNTS = 'accumulated';

/** Refuses what `accumulateSteps` of training cannot be. */
export function checkAccumulation(optimizer: Optimizer, steps: number): void {
  if (!(Number.isInteger(steps) && steps > 0)) throw coded('argument', `accumulateSteps is a positive integer, but got ${steps}`);
  if ((optimizer.extras?.parts ?? 1) > 1) throw coded('argument', 'accumulateSteps is for optimizers that do not accumulate gradients themselves; this one has gradientAccumulationSteps.');
}

/** Weighted sums of gradients, in float32 whatever the variables' dtypes. */
export class Accumulator {
  private readonly sums = new Map<string, Tensor>();
  /** Parts that wait for more. */
  waiting = 0;

  /** Adds gradients that count `weight`, or nothing where they are not `finite`, a bool scalar. The weights are summed as one more gradient. */
  add(gradients: readonly NamedTensor[], weight: number, finite: Tensor | null): void {
    tidy(() => {
      for (const { name, tensor } of [{ name: COUNTS, tensor: scalar(1) }, ...gradients]) {
        if (tensor === null || tensor === undefined) continue;
        const old = this.sums.get(name);
        const term = ops.mul(ops.cast(tensor, 'float32'), weight);
        const counted = finite === null ? term : ops.where(finite, term, 0);
        this.sums.set(name, keep(old === undefined ? counted : ops.add(old, counted)));
        old?.dispose();
      }
    });
  }

  /** NaN where nothing counted. */
  means(): NamedTensor[] {
    const { [COUNTS]: weight, ...sums } = Object.fromEntries(this.sums);
    return Object.entries(sums).map(([name, sum]) => ({ name, tensor: ops.div(sum, weight as Tensor) }));
  }

  /** What goes into storage with the optimizer. */
  stored(): NamedTensor[] {
    if (this.waiting === 0) return [];
    return [...this.sums].map(([name, tensor]) => (name === COUNTS ? { name, tensor: tidy(() => ops.stack([scalar(this.waiting), tensor])) } : { name: name + SUM, tensor }));
  }

  /** Takes its own of what was stored; the rest. */
  async restore(stored: readonly NamedTensor[]): Promise<NamedTensor[]> {
    this.dispose();
    const counts = stored.find(({ name }) => name === COUNTS);
    if (counts === undefined) return [...stored];
    const [waiting = 0, weight = 0] = await counts.tensor.data();
    this.waiting = waiting;
    this.sums.set(COUNTS, keep(scalar(weight)));
    return stored.filter(({ name, tensor }) => {
      if (name.endsWith(SUM)) this.sums.set(name.slice(0, -SUM.length), keep(tensor.clone()));
      return name !== COUNTS && !name.endsWith(SUM);
    });
  }

  dispose(): void {
    dispose([...this.sums.values()]);
    this.sums.clear();
    this.waiting = 0;
  }
}
