/** Elementwise operations. */

import { beside, toTensor, toTensors } from '../convert.js';
import { run1, scoped, type Tensor } from '../tensor.js';
import { sameShape } from '../shape.js';
import { special } from '../special_hook.js';
import { coded, dtypeCode, type DataType, isWhole, type TensorInput, upcastType } from '../types.js';

type Unary = (x: TensorInput) => Tensor;
type Binary = (a: TensorInput, b: TensorInput) => Tensor;

function unary(name: string, expected: 'numeric' | 'float32' | 'bool' = 'numeric'): Unary {
  return scoped((x) => run1(name, [toTensor(x, 'x', name, expected)]));
}

function binary(name: string, expected: 'numeric' | 'bool' | 'string_or_numeric' = 'numeric', first = 'a', second = 'b'): Binary {
  return scoped((a, b) => {
    const [x, y] = [toTensor(a, first, name, beside(a, b, expected)), toTensor(b, second, name, beside(b, a, expected))];
    const dtype = upcastType(x.dtype, y.dtype);
    // The quotient of whole numbers is one.
    return run1(name === 'div' && isWhole(dtype) ? 'floorDiv' : name, [x, y]);
  });
}

export const abs = /* @__PURE__ */ unary('abs');
export const acos = /* @__PURE__ */ unary('acos');
export const acosh = /* @__PURE__ */ unary('acosh');
export const asin = /* @__PURE__ */ unary('asin');
export const asinh = /* @__PURE__ */ unary('asinh');
export const atan = /* @__PURE__ */ unary('atan');
export const atanh = /* @__PURE__ */ unary('atanh');
export const ceil = /* @__PURE__ */ unary('ceil', 'float32');
export const cos = /* @__PURE__ */ unary('cos', 'float32');
export const cosh = /* @__PURE__ */ unary('cosh', 'float32');
export const elu = /* @__PURE__ */ unary('elu', 'float32');
export const erf = /* @__PURE__ */ unary('erf');
export const exp = /* @__PURE__ */ unary('exp');
export const expm1 = /* @__PURE__ */ unary('expm1');
export const floor = /* @__PURE__ */ unary('floor', 'float32');
export const isFinite = /* @__PURE__ */ unary('isFinite');
export const isInf = /* @__PURE__ */ unary('isInf');
export const isNaN = /* @__PURE__ */ unary('isNaN');
export const log = /* @__PURE__ */ unary('log', 'float32');
export const log1p = /* @__PURE__ */ unary('log1p');
export const logSigmoid = /* @__PURE__ */ unary('logSigmoid');
export const logicalNot = /* @__PURE__ */ unary('logicalNot', 'bool');
export const mish = /* @__PURE__ */ unary('mish');
export const neg = /* @__PURE__ */ unary('neg');
export const reciprocal = /* @__PURE__ */ unary('reciprocal');
export const relu = /* @__PURE__ */ unary('relu');
export const relu6 = /* @__PURE__ */ unary('relu6');
export const round = /* @__PURE__ */ unary('round');
export const rsqrt = /* @__PURE__ */ unary('rsqrt', 'float32');
export const selu = /* @__PURE__ */ unary('selu');
export const sigmoid = /* @__PURE__ */ unary('sigmoid', 'float32');
export const sign = /* @__PURE__ */ unary('sign');
export const sin = /* @__PURE__ */ unary('sin', 'float32');
export const sinh = /* @__PURE__ */ unary('sinh');
export const softplus = /* @__PURE__ */ unary('softplus');
export const sqrt = /* @__PURE__ */ unary('sqrt', 'float32');
export const square = /* @__PURE__ */ unary('square');
export const swish = /* @__PURE__ */ unary('swish');
export const tan = /* @__PURE__ */ unary('tan', 'float32');
export const tanh = /* @__PURE__ */ unary('tanh', 'float32');

export const add = /* @__PURE__ */ binary('add');
export const sub = /* @__PURE__ */ binary('sub');
export const mul = /* @__PURE__ */ binary('mul');
export const div = /* @__PURE__ */ binary('div');
export const divNoNan = /* @__PURE__ */ binary('divNoNan');
export const floorDiv = /* @__PURE__ */ binary('floorDiv');
export const maximum = /* @__PURE__ */ binary('maximum');
export const minimum = /* @__PURE__ */ binary('minimum');
export const mod = /* @__PURE__ */ binary('mod');
export const pow = /* @__PURE__ */ binary('pow', 'numeric', 'base', 'exp');
export const squaredDifference = /* @__PURE__ */ binary('squaredDifference');
export const atan2 = /* @__PURE__ */ binary('atan2');
export const prelu = /* @__PURE__ */ binary('prelu', 'numeric', 'x', 'alpha');
export const equal = /* @__PURE__ */ binary('equal', 'string_or_numeric');
export const notEqual = /* @__PURE__ */ binary('notEqual', 'string_or_numeric');
export const less = /* @__PURE__ */ binary('less', 'string_or_numeric');
export const lessEqual = /* @__PURE__ */ binary('lessEqual', 'string_or_numeric');
export const greater = /* @__PURE__ */ binary('greater', 'string_or_numeric');
export const greaterEqual = /* @__PURE__ */ binary('greaterEqual', 'string_or_numeric');
export const logicalAnd = /* @__PURE__ */ binary('logicalAnd', 'bool');
export const logicalOr = /* @__PURE__ */ binary('logicalOr', 'bool');
export const logicalXor = /* @__PURE__ */ binary('logicalXor', 'bool');
/* What TensorFlow.js lacks. */
export const digamma = /* @__PURE__ */ unary('digamma');
export const gelu = /* @__PURE__ */ unary('gelu');
export const hardSwish = /* @__PURE__ */ unary('hardSwish');
export const lgamma = /* @__PURE__ */ unary('lgamma');
export const logaddexp = /* @__PURE__ */ binary('logaddexp');

const bits = /* @__PURE__ */ binary('bitwiseAnd');
export function bitwiseAnd(x: TensorInput, y: TensorInput): Tensor {
  const [a, b] = [toTensor(x, 'x', 'bitwiseAnd'), toTensor(y, 'y', 'bitwiseAnd')];
  if (!sameShape(a.shape, b.shape)) throw coded('shape', `BitwiseAnd: Tensors must have the same shape. x: ${a.shape}, y: ${b.shape}`);
  if (!isWhole(a.dtype) || a.dtype !== b.dtype) throw coded('dtype', `BitwiseAnd: Only supports 'int32' values in tensor, found type of x: ${a.dtype} and type of y: ${b.dtype}`);
  return bits(a, b);
}

export function leakyRelu(x: TensorInput, alpha = 0.2): Tensor {
  return run1('leakyRelu', [toTensor(x, 'x', 'leakyRelu')], [alpha]);
}

export function step(x: TensorInput, alpha = 0): Tensor {
  const t = toTensor(x, 'x', 'step');
  const y = run1('step', [t, toTensor(alpha, 'alpha', 'step', beside(alpha, t, 'numeric'))]);
  return isWhole(t.dtype) ? run1('cast', [y], [dtypeCode(t.dtype)]) : y;
}

export function clipByValue(x: TensorInput, min: number, max: number): Tensor {
  if (min > max) throw coded('argument', `Error in clip: min (${min}) must be less than or equal to max (${max}).`);
  const t = toTensor(x, 'x', 'clipByValue');
  return run1('clipByValue', [t, toTensor(min, 'min', 'clipByValue', t.dtype), toTensor(max, 'max', 'clipByValue', t.dtype)]);
}

export function where(condition: TensorInput, a: TensorInput, b: TensorInput): Tensor {
  return run1('where', [toTensor(condition, 'condition', 'where', 'bool'), toTensor(a, 'a', 'where', beside(a, b, 'numeric')), toTensor(b, 'b', 'where', beside(b, a, 'numeric'))]);
}

export function addN(tensors: readonly TensorInput[]): Tensor {
  if (!Array.isArray(tensors)) throw coded('argument', 'The argument passed to tf.addN() must be a list of tensors');
  if (tensors.length === 0) throw coded('argument', `Must pass at least one tensor to tf.addN(), but got ${tensors.length}`);
  const list = toTensors(tensors, 'tensors', 'addN');
  const first = list[0] as Tensor;
  for (const t of list) {
    if (t.dtype !== first.dtype) throw coded('dtype', 'All tensors passed to tf.addN() must have the same dtype');
    if (!sameShape(t.shape, first.shape)) throw coded('shape', 'All tensors passed to tf.addN() must have the same shape');
  }
  return list.length === 1 ? run1('reshape', list, first.shape, first) : list.reduce((sum, t) => run1('add', [sum, t]));
}

export function cast(x: TensorInput, dtype: DataType): Tensor {
  const t = toTensor(x, 'x', 'cast', 'string_or_numeric');
  if ((t.dtype === 'string') !== (dtype === 'string')) throw coded('dtype', `Only strings can be casted to strings`);
  if (t.dtype === dtype) return run1('reshape', [t], t.shape, t);
  if (dtype === 'complex64') return special().toComplex(t);
  return run1('cast', [t], [dtypeCode(dtype)]);
}
