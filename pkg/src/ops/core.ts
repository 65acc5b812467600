/** The operations of models and their training, as users call them: those that are made of several give back what they take
 *  on the way. */

import { scoped } from '../tensor.js';
import * as contract from './contract.js';
import * as movement from './movement.js';
import * as pointwise from './pointwise.js';
import * as reduce from './reduce.js';

export type { ExplicitPadding } from './contract.js';
export {
  abs, acos, acosh, asin, asinh, atan, atanh, ceil, cos, cosh, elu, erf, exp, expm1, floor, isFinite, isInf, isNaN, log, log1p, logSigmoid, logicalNot, mish, neg, reciprocal, relu, relu6, round, rsqrt, selu, sigmoid, sign, sin, sinh, softplus, sqrt, square, swish, tan, tanh, add, sub, mul, div, divNoNan, floorDiv, maximum, minimum, mod, pow, squaredDifference, atan2, prelu, equal, notEqual, less, lessEqual, greater, greaterEqual, logicalAnd, logicalOr, logicalXor,
} from './pointwise.js';
export { sum, mean, prod, max, min, any, all, logSumExp } from './reduce.js';

export const avgPool = /* @__PURE__ */ scoped(contract.avgPool);
export const batchNorm = /* @__PURE__ */ scoped(contract.batchNorm);
export const conv1d = /* @__PURE__ */ scoped(contract.conv1d);
export const conv2d = /* @__PURE__ */ scoped(contract.conv2d);
export const conv2dTranspose = /* @__PURE__ */ scoped(contract.conv2dTranspose);
export const depthwiseConv2d = /* @__PURE__ */ scoped(contract.depthwiseConv2d);
export const dot = /* @__PURE__ */ scoped(contract.dot);
export const dropout = /* @__PURE__ */ scoped(contract.dropout);
export const matMul = /* @__PURE__ */ scoped(contract.matMul);
export const maxPool = /* @__PURE__ */ scoped(contract.maxPool);
export const outerProduct = /* @__PURE__ */ scoped(contract.outerProduct);
export const resizeBilinear = /* @__PURE__ */ scoped(contract.resizeBilinear);
export const resizeNearestNeighbor = /* @__PURE__ */ scoped(contract.resizeNearestNeighbor);
export const separableConv2d = /* @__PURE__ */ scoped(contract.separableConv2d);
export const concat = /* @__PURE__ */ scoped(movement.concat);
export const gather = /* @__PURE__ */ scoped(movement.gather);
export const pad = /* @__PURE__ */ scoped(movement.pad);
export const split = /* @__PURE__ */ scoped(movement.split);
export const stack = /* @__PURE__ */ scoped(movement.stack);
export const tile = /* @__PURE__ */ scoped(movement.tile);
export const bitwiseAnd = /* @__PURE__ */ scoped(pointwise.bitwiseAnd);
export const leakyRelu = /* @__PURE__ */ scoped(pointwise.leakyRelu);
export const step = /* @__PURE__ */ scoped(pointwise.step);
export const clipByValue = /* @__PURE__ */ scoped(pointwise.clipByValue);
export const where = /* @__PURE__ */ scoped(pointwise.where);
export const addN = /* @__PURE__ */ scoped(pointwise.addN);
export const cast = /* @__PURE__ */ scoped(pointwise.cast);
export const argMax = /* @__PURE__ */ scoped(reduce.argMax);
export const argMin = /* @__PURE__ */ scoped(reduce.argMin);
export const moments = /* @__PURE__ */ scoped(reduce.moments);
export const softmax = /* @__PURE__ */ scoped(reduce.softmax);
export const logSoftmax = /* @__PURE__ */ scoped(reduce.logSoftmax);
export const broadcastTo = /* @__PURE__ */ scoped(movement.broadcastTo);
export const clone = /* @__PURE__ */ scoped(movement.clone);
export const expandDims = /* @__PURE__ */ scoped(movement.expandDims);
export const reshape = /* @__PURE__ */ scoped(movement.reshape);
export const reverse = /* @__PURE__ */ scoped(movement.reverse);
export const slice = /* @__PURE__ */ scoped(movement.slice);
export const squeeze = /* @__PURE__ */ scoped(movement.squeeze);
export const transpose = /* @__PURE__ */ scoped(movement.transpose);
export const unstack = /* @__PURE__ */ scoped(movement.unstack);
