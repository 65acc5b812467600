/** Weights of layers. */

import { type Tensor, Variable } from '../tensor.js';
import { coded, type DataType, type Shape } from '../types.js';
import { uniqueName } from './names.js';
import { precision } from './policy.js';

/** A weight: a variable with what training must know of it. */
export class LayerVariable {
  readonly variable: Variable;
  /** Whether it or its layer was frozen. Training heeds this at once, and a model's being frozen when it is compiled again. */
  frozen = false;

  constructor(
    value: Tensor,
    readonly name: string,
    /** Whether gradients move it where nothing is frozen: moving averages they never do. */
    readonly learned = true,
    readonly regularizer: unknown = null,
    readonly constraint: unknown = null,
  ) {
    this.variable = new Variable(value, learned, uniqueName(name));
  }

  get trainable(): boolean {
    return this.variable.trainable;
  }

  set trainable(value: boolean) {
    this.frozen = !value;
    this.variable.trainable = value;
  }

  /** Frozen, or not, with a model that it is part of. */
  follow(trainable: boolean): void {
    this.variable.trainable = trainable && this.learned && !this.frozen;
  }

  /** The name that the weight was made with; those of one name are told apart by their variables'. */
  get originalName(): string {
    return this.name;
  }

  get id(): number {
    return this.variable.id;
  }

  get shape(): Shape {
    return this.variable.shape;
  }

  get dtype(): DataType {
    return this.variable.dtype;
  }

  /** The value; while a layer of mixed precision computes, as what it computes in. */
  read(): Tensor {
    return precision.autocast(this.variable);
  }

  /** The variable, as TensorFlow.js calls it: what `tf.variableGrads` and `minimize` take. */
  get val(): Variable {
    return this.variable;
  }

  write(value: Tensor): this {
    if (value.shape.length !== this.shape.length || value.shape.some((d, i) => d !== this.shape[i])) {
      throw coded('shape', `Shape mismatch: [${value.shape}] vs. [${this.shape}] of weight '${this.name}'`);
    }
    this.variable.assign(value);
    return this;
  }

  dispose(): void {
    this.variable.dispose();
  }
}
