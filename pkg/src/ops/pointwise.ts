/** Elementwise operations. */

import { toTensor, toTensors } from '../convert.js';
import { run1, type Tensor } from '../tensor.js';
import { coded, dtypeCode, type DataType, type TensorInput } from '../types.js';

type Unary = (x: TensorInput) => Tensor;
type Binary = (a: TensorInput, b: TensorInput) => Tensor;

function unary(name: string): Unary {
  return (x) => run1(name, [toTensor(x, 'x', name)]);
}

function binary(name: string): Binary {
  return (a, b) => {
    // A plain number takes the other operand's dtype, where that can hold it.
    const other = typeof a === 'number' ? b : a;
    const dtype = (x: TensorInput): DataType | undefined => {
      const like = (other as Tensor).dtype;
      return typeof x === 'number' && like === 'int32' && Number.isInteger(x) ? 'int32' : undefined;
    };
    return run1(name, [toTensor(a, 'a', name, dtype(a)), toTensor(b, 'b', name, dtype(b))]);
  };
}

export const abs = /* @__PURE__ */ unary('abs');
export const acos = /* @__PURE__ */ unary('acos');
export const acosh = /* @__PURE__ */ unary('acosh');
export const asin = /* @__PURE__ */ unary('asin');
export const asinh = /* @__PURE__ */ unary('asinh');
export const atan = /* @__PURE__ */ unary('atan');
export const atanh = /* @__PURE__ */ unary('atanh');
export const ceil = /* @__PURE__ */ unary('ceil');
export const cos = /* @__PURE__ */ unary('cos');
export const cosh = /* @__PURE__ */ unary('cosh');
export const elu = /* @__PURE__ */ unary('elu');
export const erf = /* @__PURE__ */ unary('erf');
export const exp = /* @__PURE__ */ unary('exp');
export const expm1 = /* @__PURE__ */ unary('expm1');
export const floor = /* @__PURE__ */ unary('floor');
export const isFinite = /* @__PURE__ */ unary('isFinite');
export const isInf = /* @__PURE__ */ unary('isInf');
export const isNaN = /* @__PURE__ */ unary('isNaN');
export const log = /* @__PURE__ */ unary('log');
export const log1p = /* @__PURE__ */ unary('log1p');
export const logSigmoid = /* @__PURE__ */ unary('logSigmoid');
export const logicalNot = /* @__PURE__ */ unary('logicalNot');
export const mish = /* @__PURE__ */ unary('mish');
export const neg = /* @__PURE__ */ unary('neg');
export const reciprocal = /* @__PURE__ */ unary('reciprocal');
export const relu = /* @__PURE__ */ unary('relu');
export const relu6 = /* @__PURE__ */ unary('relu6');
export const round = /* @__PURE__ */ unary('round');
export const rsqrt = /* @__PURE__ */ unary('rsqrt');
export const selu = /* @__PURE__ */ unary('selu');
export const sigmoid = /* @__PURE__ */ unary('sigmoid');
export const sign = /* @__PURE__ */ unary('sign');
export const sin = /* @__PURE__ */ unary('sin');
export const sinh = /* @__PURE__ */ unary('sinh');
export const softplus = /* @__PURE__ */ unary('softplus');
export const sqrt = /* @__PURE__ */ unary('sqrt');
export const square = /* @__PURE__ */ unary('square');
export const swish = /* @__PURE__ */ unary('swish');
export const tan = /* @__PURE__ */ unary('tan');
export const tanh = /* @__PURE__ */ unary('tanh');

export const add = /* @__PURE__ */ binary('add');
export const sub = /* @__PURE__ */ binary('sub');
export const mul = /* @__PURE__ */ binary('mul');
export const div = /* @__PURE__ */ binary('div');
export const divNoNan = /* @__PURE__ */ binary('divNoNan');
export const floorDiv = /* @__PURE__ */ binary('floorDiv');
export const maximum = /* @__PURE__ */ binary('maximum');
export const minimum = /* @__PURE__ */ binary('minimum');
export const mod = /* @__PURE__ */ binary('mod');
export const pow = /* @__PURE__ */ binary('pow');
export const squaredDifference = /* @__PURE__ */ binary('squaredDifference');
export const atan2 = /* @__PURE__ */ binary('atan2');
export const prelu = /* @__PURE__ */ binary('prelu');
export const equal = /* @__PURE__ */ binary('equal');
export const notEqual = /* @__PURE__ */ binary('notEqual');
export const less = /* @__PURE__ */ binary('less');
export const lessEqual = /* @__PURE__ */ binary('lessEqual');
export const greater = /* @__PURE__ */ binary('greater');
export const greaterEqual = /* @__PURE__ */ binary('greaterEqual');
export const logicalAnd = /* @__PURE__ */ binary('logicalAnd');
export const logicalOr = /* @__PURE__ */ binary('logicalOr');
export const logicalXor = /* @__PURE__ */ binary('logicalXor');
export const bitwiseAnd = /* @__PURE__ */ binary('bitwiseAnd');

export function leakyRelu(x: TensorInput, alpha = 0.2): Tensor {
  return run1('leakyRelu', [toTensor(x, 'x', 'leakyRelu')], [alpha]);
}

export function step(x: TensorInput, alpha = 0): Tensor {
  return run1('step', [toTensor(x, 'x', 'step'), toTensor(alpha, 'alpha', 'step')]);
}

export function clipByValue(x: TensorInput, min: number, max: number): Tensor {
  if (min > max) throw coded('argument', `Error in clip: min (${min}) must be less than or equal to max (${max}).`);
  const t = toTensor(x, 'x', 'clipByValue');
  return run1('clipByValue', [t, toTensor(min, 'min', 'clipByValue', t.dtype), toTensor(max, 'max', 'clipByValue', t.dtype)]);
}

export function where(condition: TensorInput, a: TensorInput, b: TensorInput): Tensor {
  return run1('where', [toTensor(condition, 'condition', 'where', 'bool'), toTensor(a, 'a', 'where'), toTensor(b, 'b', 'where')]);
}

export function addN(tensors: readonly TensorInput[]): Tensor {
  if (!Array.isArray(tensors) || tensors.length === 0) throw coded('argument', `Must pass at least one tensor to tf.addN(), but got ${tensors?.length ?? 0}`);
  return toTensors(tensors, 'tensors', 'addN').reduce((sum, t) => run1('add', [sum, t]));
}

export function cast(x: TensorInput, dtype: DataType): Tensor {
  return run1('cast', [toTensor(x, 'x', 'cast')], [dtypeCode(dtype)]);
}
