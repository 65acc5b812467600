/** The base of metrics that keep a state over batches. */

import { type Config, toKeras } from '../layers/config.js';
import { Serializable } from '../serialization.js';
import { zerosLike } from '../create.js';
import { dispose, type Tensor, tidy, Variable, variables as named } from '../tensor.js';
import type { TensorInput } from '../types.js';

export interface MetricArgs {
  /** What logs call it; by default what Keras calls it. */
  name?: string;
}

/**
 * A value over all batches since `resetState`, whatever their sizes. Subclasses make their state with `addVariable`, and write
 * `updateState`, `result`, and `getConfig` where they have a configuration; registered with `tf.serialization.registerClass`, they
 * are stored with models.
 */
export abstract class Metric extends Serializable {
  static className = 'Metric';
  readonly name: string;
  private readonly states: Variable[] = [];

  constructor({ name }: MetricArgs = {}) {
    super();
    this.name = name ?? this.getClassName().replace(/(?<=.)(?=[A-Z][a-z])|(?<=[a-z0-9])(?=[A-Z])/g, '_').toLowerCase();
  }

  /** The state, which only this metric changes. */
  get variables(): readonly Variable[] {
    return this.states;
  }

  /** A part of the state, which begins with `value`. */
  protected addVariable(value: Tensor): Variable {
    const state = new Variable(value, false);
    // It goes with the metric: not one of the program's, which `disposeVariables` would take.
    named.delete(state.name);
    this.states.push(state);
    return state;
  }

  /** Adds a batch. */
  abstract updateState(yTrue: TensorInput, yPred?: TensorInput, sampleWeight?: TensorInput): void;

  /** The value over all batches. */
  abstract result(): Tensor;

  /** Forgets all batches. */
  resetState(): void {
    for (const state of this.states) tidy(() => state.assign(zerosLike(state)));
  }

  /** The state itself, which later batches change. */
  getState(): Tensor[] {
    return [...this.states];
  }

  /** Goes on with a state that `getState` gave. */
  setState(state: readonly Tensor[]): void {
    this.states.forEach((variable, i) => variable.assign(state[i] as Tensor));
  }

  getConfig(): Config {
    return { name: this.name };
  }

  /** The configuration as Keras writes it, in models that are stored. */
  kerasConfig(): Config {
    return toKeras(this.getConfig()) as Config;
  }

  dispose(): void {
    dispose(this.states.splice(0));
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}
