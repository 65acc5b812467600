/** In which dtypes layers compute and keep weights. */

import { cast } from '../ops/pointwise.js';
import type { Optimizer } from '../optimizers.js';
import { LossScale, type LossScaleArgs } from '../optimizers/loss-scale.js';
import type { Tensor } from '../tensor.js';
import { coded, type DataType, isFloat } from '../types.js';
import { inDtype } from './module-layer.js';
import { installPrecision, isHalf, type Policy } from './policy.js';

/** What the policies of mixed precision compute in; weights are of float32. */
const MIXED: Record<string, DataType> = { mixed_float16: 'float16', mixed_bfloat16: 'bfloat16' };

let global = 'float32';

/**
 * `tf.mixedPrecision`: layers that compute in 16 bits and keep weights in 32, as in Keras. On a GPU with the
 * feature `shader-f16` a float16 takes 16 bits of memory, so that mixed_float16 halves what activations take and shaders read; products and sums
 * accumulate in float32. Elsewhere, and a bfloat16 everywhere (WGSL has none), it is held in 32 bits and rounded after each operation: the numbers
 * are those of 16 bits, but neither memory nor time is saved.
 */
export const mixedPrecision = {
  /** Sets the policy of layers made from now on that have no `dtype` of their own: 'float32', 'mixed_float16' or 'mixed_bfloat16'. */
  setGlobalPolicy(name: string): void {
    if (name !== 'float32' && !Object.hasOwn(MIXED, name)) {
      throw coded('argument', `setGlobalPolicy needs one of float32, ${Object.keys(MIXED).join(', ')}, but got ${name}.`);
    }
    global = name;
  },
  globalPolicy: (): string => global,
  /** Has an optimizer scale losses. `compile` does so for a model that computes in float16. */
  lossScaled<T extends Optimizer>(optimizer: T, args?: LossScaleArgs): T {
    optimizer.lossScale?.dispose();
    optimizer.lossScale = new LossScale(args);
    return optimizer;
  },
};

/** A layer's policy: what it computes in, where weights are of float32 and it is not. */
function policyOf(name: string | undefined): Policy | null {
  const policy = name ?? global;
  return Object.hasOwn(MIXED, policy) ? { name: policy, compute: MIXED[policy] as DataType } : null;
}

/** What weights are read as, and what that made, while a layer computes. */
let reading: { dtype: DataType | null; made: Tensor[] } | null = null;

/** A tensor as the layer that computes is to have it: of its floats, if it is one. */
function autocast(tensor: Tensor): Tensor {
  const { dtype = null } = reading ?? {};
  if (dtype === null || tensor.dtype === dtype || !isFloat(tensor.dtype)) return tensor;
  const made = cast(tensor, dtype);
  reading?.made.push(made);
  return made;
}

/** A half as float32; anything else as it is. */
const widened = (tensor: Tensor): Tensor => (isHalf(tensor) ? cast(tensor, 'float32') : tensor);

/**
 * Calls `f` with inputs of `dtype`, as which weights are read meanwhile. With null, of those that are given, and halves as
 * float32.
 */
function computed<X extends Tensor | Tensor[], Y>(dtype: DataType | null, inputs: X, f: (inputs: X) => Y): Y {
  const list = Array.isArray(inputs) ? inputs : [inputs];
  const wide = dtype === null && list.some(isHalf);
  if (dtype === null && !wide && reading === null) return f(inputs);
  const outer = reading;
  const mine = { dtype: wide ? ('float32' as const) : dtype, made: [] as Tensor[] };
  reading = mine;
  let result: Y | undefined;
  try {
    return (result = f((Array.isArray(inputs) ? inputs.map(autocast) : autocast(inputs)) as X));
  } finally {
    reading = outer;
    const kept: unknown[] = [result].flat();
    for (const made of mine.made) if (!kept.includes(made)) made.dispose();
  }
}

/** Layers that compute means and deviations, in float32 whatever the policy. */
const WIDE = /^(Batch|Layer|Group|RMS)Normalization$/;

/** Has layers compute by policies of mixed precision. */
export function installMixedPrecision(): void {
  installPrecision({
    names: Object.keys(MIXED),
    policyOf,
    autocast,
    widened,
    computing(policy, inputs, f, classes) {
      if (policy === null || classes === undefined) return computed(policy?.compute ?? null, inputs, f);
      const wide = classes.some((name) => WIDE.test(name ?? ''));
      const outputs = computed(wide ? 'float32' : policy.compute, inputs, f);
      const own = (x: Tensor): Tensor => (isFloat(x.dtype) ? inDtype(x, policy.compute) : x);
      return Array.isArray(outputs) ? outputs.map(own) : own(outputs);
    },
  });
}
