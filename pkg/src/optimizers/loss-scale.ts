/** Losses that are scaled so that gradients of 16 bits are neither 0 nor infinite. */

import { scalar } from '../create.js';
import { variableGrads } from '../gradients.js';
import * as ops from '../ops/core.js';
import type { NamedTensor } from '../optimizers.js';
import { dispose, keep, type Tensor, tidy } from '../tensor.js';
import { coded } from '../types.js';

export interface LossScaleArgs {
  /** What the loss is multiplied by at first; 2^15 by default. */
  initialScale?: number;
  /** Steps with finite gradients, one after the other, after which the scale is doubled; 2000 by default. */
  dynamicGrowthSteps?: number;
}

/** What is kept, as it is stored. */
const NAMES = ['dynamic_scale', 'step_counter', 'skipped_steps'] as const;

/**
 * A dynamic scale (Micikevicius et al. 2018), with the rules of Keras's LossScaleOptimizer: a step with a gradient that is not finite is skipped and
 * halves the scale. It is all done by the engine: nobody waits to know. Where gradients are accumulated, those that are not finite are left out, each
 * time halving the scale, and a step is skipped where none are left.
 */
export class LossScale {
  readonly args: Required<LossScaleArgs>;
  private kept: Tensor[] = [];
  /** Steps that are known to have been skipped, and whether there were steps since. */
  private known = 0;
  private stale = false;

  constructor({ initialScale = 2 ** 15, dynamicGrowthSteps = 2000 }: LossScaleArgs = {}) {
    if (!(initialScale > 0 && Number.isFinite(initialScale))) throw coded('argument', `A loss scale needs an initialScale above 0, but got ${initialScale}.`);
    if (!(Number.isInteger(dynamicGrowthSteps) && dynamicGrowthSteps > 0)) throw coded('argument', `A loss scale needs a positive integer of dynamicGrowthSteps, but got ${dynamicGrowthSteps}.`);
    this.args = { initialScale, dynamicGrowthSteps };
  }

  /** The scale, the finite steps since it changed, the steps that were skipped. */
  private get state(): [Tensor, Tensor, Tensor] {
    if (this.kept.length === 0) this.kept = [this.args.initialScale, 0, 0].map((x) => keep(scalar(x)));
    return this.kept as [Tensor, Tensor, Tensor];
  }

  /** What the loss is multiplied by now: a scalar that stays the optimizer's. */
  get scale(): Tensor {
    return this.state[0];
  }

  /** How many steps were skipped: a scalar that stays the optimizer's. */
  get skipped(): Tensor {
    return this.state[2];
  }

  /** How many steps were skipped, as far as that can be known without waiting. */
  counted(): number {
    if (!this.stale) return this.known;
    try {
      return this.knows(this.skipped.dataSync());
    } catch (error) {
      if ((error as { code?: string }).code !== 'would-block') throw error;
      return this.known;
    }
  }

  /** Waits to know how many steps were skipped. */
  async count(): Promise<number> {
    return this.stale ? this.knows(await this.skipped.data()) : this.known;
  }

  private knows([skipped = 0]: ArrayLike<number> & Iterable<number>): number {
    this.stale = false;
    return (this.known = skipped);
  }

  scaled(loss: Tensor): Tensor {
    return ops.mul(ops.cast(loss, 'float32'), this.scale);
  }

  /** The gradient of the loss from that of the scaled loss. */
  unscaled(gradient: Tensor): Tensor {
    return ops.div(ops.cast(gradient, 'float32'), this.scale);
  }

  /** As `variableGrads`, by way of the scaled loss. */
  readonly gradientsOf: typeof variableGrads = (f, variables) =>
    tidy(() => {
      const { value, grads } = variableGrads(() => this.scaled(f()), variables);
      return { value: this.unscaled(value), grads: Object.fromEntries(Object.entries(grads).map(([name, g]) => [name, g && this.unscaled(g)])) };
    });

  /** Whether all gradients are finite, a bool scalar; null where there are none. */
  finite(gradients: readonly Tensor[]): Tensor | null {
    return gradients.length === 0 ? null : ops.all(ops.stack(gradients.map((gradient) => ops.all(ops.isFinite(gradient)))));
  }

  /** Goes on after gradients that were finite, or were not; after a step, which counts where it was `made`. */
  advance(finite: Tensor | null, made: Tensor | null): void {
    const old = this.state;
    const [scale, steps, skipped] = old;
    this.kept = tidy(() => {
      const missed = made === null ? skipped.clone() : ops.where(made, skipped, ops.add(skipped, 1));
      if (finite === null) return [scale.clone(), steps.clone(), missed];
      const grows = ops.equal(steps, this.args.dynamicGrowthSteps - 1);
      const next = ops.where(grows, ops.mul(scale, 2), scale);
      const count = ops.where(grows, 0, ops.add(steps, 1));
      return [ops.where(finite, next, ops.div(scale, 2)), ops.where(finite, count, 0), missed];
    }).map((t) => keep(t));
    dispose(old);
    this.stale = true;
  }

  /** What goes into storage with the optimizer. */
  stored(): NamedTensor[] {
    return NAMES.map((name, i) => ({ name, tensor: this.state[i] as Tensor }));
  }

  /** Takes what was stored. */
  restore(stored: readonly NamedTensor[]): void {
    const found = NAMES.map((name) => stored.find((s) => s.name === name)?.tensor);
    if (found.some((tensor) => tensor === undefined)) return;
    this.dispose();
    this.kept = (found as Tensor[]).map((tensor) => keep(tensor.clone()));
    this.stale = true;
  }

  static isStored({ name }: NamedTensor): boolean {
    return (NAMES as readonly string[]).includes(name);
  }

  /** Begins anew. */
  dispose(): void {
    dispose(this.kept);
    this.kept = [];
    this.known = 0;
    this.stale = false;
  }
}
