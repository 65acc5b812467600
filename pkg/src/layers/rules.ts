/** What weights begin as, are charged for and are kept to. */

import { encode } from '../encode.js';
import { nextSeed } from '../random.js';
import { wasm } from '../runtime.js';
import { fromRecord, type Tensor } from '../tensor.js';
import { type DataType, dtypeCode, type Shape } from '../types.js';
import { Serialized, toKeras } from './config.js';

/** The value that an initializer in any of its forms, a name or a configuration, gives a weight. */
export const initialized = (initializer: unknown, shape: Shape, dtype: DataType): Tensor =>
  fromRecord(wasm().initialize(encode(toKeras(initializer)), Uint32Array.from(shape), dtypeCode(dtype), nextSeed()), 0)[0];

/** The loss that a regularizer gives a weight. */
export const penalty = (regularizer: unknown, x: Tensor): Tensor => fromRecord(wasm().penalty(encode(toKeras(regularizer)), x.handle), 0)[0];

/** A weight where a constraint allows. */
export const constrained = (constraint: unknown, w: Tensor): Tensor => fromRecord(wasm().constrain(encode(toKeras(constraint)), w.handle), 0)[0];

/** Makes the value that a weight begins with. */
export class Initializer extends Serialized {
  apply(shape: Shape, dtype: DataType = 'float32'): Tensor {
    return initialized(this, shape, dtype);
  }
}

/** Charges a weight: what it gives is added to the loss. */
export class Regularizer extends Serialized {
  apply(x: Tensor): Tensor {
    return penalty(this, x);
  }
}

/** Moves a weight to where it may be, after each step. */
export class Constraint extends Serialized {
  apply(w: Tensor): Tensor {
    return constrained(this, w);
  }
}
