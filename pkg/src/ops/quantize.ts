/** Affine quantisation: whole numbers of few bits that stand for `(q - zeroPoint) * scale`. */

import { toTensor } from '../convert.js';
import { run1, type Tensor } from '../tensor.js';
import { coded, type TensorInput } from '../types.js';

export interface QuantizeOptions {
  /** The axis along which each part has a scale and zero point of its own; one of both serves all unless given. */
  axis?: number;
  /** The dtype, which is the range: -128 to 127 (unless given), or 0 to 255. */
  dtype?: 'int8' | 'uint8';
}

function operands(op: string, x: TensorInput, scale: TensorInput, zeroPoint: TensorInput): Tensor[] {
  return [toTensor(x, 'x', op), toTensor(scale, 'scale', op, 'float32'), toTensor(zeroPoint, 'zeroPoint', op, 'int32')];
}

function numbers(op: string, { axis, dtype = 'int8' }: QuantizeOptions): number[] {
  const type = ['int8', 'uint8'].indexOf(dtype);
  if (type < 0) throw coded('dtype', `Error in ${op}: expected int8 or uint8, received ${String(dtype)}`);
  return axis === undefined ? [type] : [type, axis];
}

/** `round(x / scale) + zeroPoint` as int8 or uint8, limited to its range; halves are rounded to even, NaN gives 0. */
export function quantize(x: TensorInput, scale: TensorInput, zeroPoint: TensorInput = 0, options: QuantizeOptions = {}): Tensor {
  return run1('quantize', operands('quantize', x, scale, zeroPoint), numbers('quantize', options));
}

/** `(q - zeroPoint) * scale`. */
export function dequantize(q: TensorInput, scale: TensorInput, zeroPoint: TensorInput = 0, options: { axis?: number } = {}): Tensor {
  return run1('dequantize', operands('dequantize', q, scale, zeroPoint), options.axis === undefined ? [] : [options.axis]);
}

/** `x` as it is after `quantize` and `dequantize`. Its gradient passes straight through where `x` lies in the range. */
export function fakeQuantize(x: TensorInput, scale: TensorInput, zeroPoint: TensorInput = 0, options: QuantizeOptions = {}): Tensor {
  return run1('fakeQuantize', operands('fakeQuantize', x, scale, zeroPoint), numbers('fakeQuantize', options));
}
