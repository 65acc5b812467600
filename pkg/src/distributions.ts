/** Draws of distributions, made in the engine: a seed gives the same on each. */

import { toTensor } from './convert.js';
import { randomUniform } from './create.js';
import { add, cast, div, log, sigmoid, sub } from './ops/pointwise.js';
import { seedOf } from './random.js';
import { assertNonNegativeIntegerDimensions } from './shape.js';
import { run1, scoped, type Tensor } from './tensor.js';
import { coded, type DataType, type Shape, type TensorInput } from './types.js';

/** Whole numbers from `minval` up to and without `maxval`. */
export const randomUniformInt = /* @__PURE__ */ scoped((shape: Shape, minval: number, maxval: number, seed?: number | string): Tensor => {
  assertNonNegativeIntegerDimensions(shape);
  const low = Math.ceil(minval);
  // Where there is none between the bounds, the lower one, as in TensorFlow.js.
  return run1('randomInt', [], [seedOf(seed), low, Math.max(Math.ceil(maxval), low + 1), ...shape]);
});

/** Draws of the gamma distribution with shape parameter `alpha` and rate `beta`; both may be tensors that broadcast to the
 *  shape. */
export const randomGamma = /* @__PURE__ */ scoped((shape: Shape, alpha: TensorInput, beta: TensorInput | null = 1, dtype?: DataType | null, seed?: number): Tensor => {
  assertNonNegativeIntegerDimensions(shape);
  const type = dtype ?? 'float32';
  if (type !== 'float32' && type !== 'int32') throw coded('dtype', `Unsupported data type ${type}`);
  const parameters = [toTensor(alpha, 'alpha', 'randomGamma', 'float32'), toTensor(beta ?? 1, 'beta', 'randomGamma', 'float32')];
  const x = run1('randomGamma', parameters, [seedOf(seed), ...shape]);
  return type === 'float32' ? x : cast(run1('round', [x]), type);
});

/** Counts of events that come with a rate, or with one for each element of a tensor that broadcasts to the shape. */
export const randomPoisson = /* @__PURE__ */ scoped((shape: Shape, rate: TensorInput, seed?: number | string): Tensor => {
  assertNonNegativeIntegerDimensions(shape);
  return run1('randomPoisson', [toTensor(rate, 'rate', 'randomPoisson', 'float32')], [seedOf(seed), ...shape]);
});

/** Draws of the exponential distribution. */
export const randomExponential = /* @__PURE__ */ scoped((shape: Shape, rate = 1, seed?: number | string): Tensor => {
  assertNonNegativeIntegerDimensions(shape);
  return run1('randomExponential', [], [seedOf(seed), rate, ...shape]);
});

/** Draws of the standard Gumbel distribution. */
export const gumbel = /* @__PURE__ */ scoped((shape: Shape, seed?: number | string): Tensor => {
  assertNonNegativeIntegerDimensions(shape);
  return run1('gumbel', [], [seedOf(seed), ...shape]);
});

/** True with probability `p`; as many draws as `p` has elements, or of a shape that it broadcasts to. */
export const bernoulli = /* @__PURE__ */ scoped((p: TensorInput, shape?: Shape | null, seed?: number | string): Tensor => {
  const t = toTensor(p, 'p', 'bernoulli', 'float32');
  const dims = shape ?? t.shape;
  assertNonNegativeIntegerDimensions(dims);
  return run1('bernoulli', [t], [seedOf(seed), ...dims]);
});

/** The numbers below `n` in random order. */
export const permutation = /* @__PURE__ */ scoped((n: number, seed?: number | string): Tensor => {
  return run1('permutation', [], [seedOf(seed), n]);
});

/** Class numbers drawn by unnormalized log-probabilities, or by probabilities. */
export const multinomial = /* @__PURE__ */ scoped((logits: TensorInput, numSamples: number, seed?: number, normalized = false): Tensor => {
  const t = toTensor(logits, 'logits', 'multinomial');
  const classes = t.size;
  if (classes < 2) throw coded('argument', `Error in multinomial: you need at least 2 outcomes, but got ${classes}.`);
  if (t.rank > 2) throw coded('shape', `Rank of probabilities must be 1 or 2, but is ${t.rank}`);
  return run1('multinomial', [normalized ? run1('log', [t]) : t], [seedOf(seed), numSamples]);
});

/** Draws of the beta distribution with parameters `a` and `b` above 0; both may be tensors that broadcast to the shape. */
export const randomBeta = /* @__PURE__ */ scoped((shape: Shape, a: TensorInput, b: TensorInput, seed?: number | string): Tensor => {
  const first = seedOf(seed);
  // A quotient of gamma variables, by their logarithms: those of small parameters are 0 in float32.
  const logGamma = (parameter: TensorInput, name: string, seed: number): Tensor => {
    const p = toTensor(parameter, name, 'randomBeta', 'float32');
    return add(log(randomGamma(shape, add(p, 1), 1, 'float32', seed)), div(log(sub(1, randomUniform(shape, 0, 1, 'float32', seed + 1))), p));
  };
  return sigmoid(sub(logGamma(a, 'a', first), logGamma(b, 'b', first + 2)));
});
