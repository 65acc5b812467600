/** `tf.fused`: operations followed by a bias and an activation. The engine joins those wherever they follow one another. */

import { toTensor } from '../convert.js';
import { sameShape } from '../shape.js';
import type { Tensor } from '../tensor.js';
import { coded, type TensorInput } from '../types.js';
import * as plain from './contract.js';
import { reshape } from './movement.js';
import { add, elu, leakyRelu, prelu, relu, relu6, sigmoid } from './pointwise.js';

export type Activation = 'linear' | 'relu' | 'prelu' | 'elu' | 'relu6' | 'leakyrelu' | 'sigmoid';

interface After {
  bias?: TensorInput | null;
  activation?: Activation;
  preluActivationWeights?: TensorInput;
  leakyreluAlpha?: number;
}
interface Convolution extends After {
  x: TensorInput;
  filter: TensorInput;
  strides: number | [number, number];
  pad: plain.Pad;
  dataFormat?: 'NHWC' | 'NCHW';
  dilations?: number | [number, number];
  dimRoundingMode?: plain.Rounding;
}

function finish(y: Tensor, { bias, activation = 'linear', preluActivationWeights, leakyreluAlpha }: After, op: string, first = false): Tensor {
  const channels = y.shape[first ? y.rank - 3 : y.rank - 1] as number;
  let result = y;
  if (bias !== undefined && bias !== null) {
    const b = toTensor(bias, 'bias', `fused ${op}`);
    if (first) {
      if (b.rank > 1) throw coded('shape', `Fused ${op} only supports scalar or 1-D Tensor bias for NCHW format but got the bias of rank-${b.rank}.`);
      if (b.rank === 1 && b.size !== channels && b.size !== 1) throw coded('shape', `Fused ${op} bias shape (${b.shape}) is not compatible with the number of output channels (${channels})`);
    }
    result = add(y, first && b.rank === 1 ? reshape(b, [-1, 1, 1]) : b);
    if (!sameShape(result.shape, y.shape)) throw coded('shape', `Error in fused ${op}: bias of shape [${b.shape}] does not broadcast to [${y.shape}]`);
  }
  if (preluActivationWeights !== undefined) {
    const weights = toTensor(preluActivationWeights, 'prelu weights', `fused ${op}`);
    if (first && weights.rank > 0 && weights.rank !== 1 && weights.rank !== 3) throw coded('shape', `Fused ${op} only supports scalar, 1-D Tensor or 3-D Tensor PReLU activation weights but got a tensor of rank-${weights.rank}.`);
    if (first && weights.rank === 1 && weights.size !== 1 && weights.size !== channels) throw coded('shape', `Fused ${op} PReLU activation weights (${weights.shape}) is not compatible with the number of output channels (${channels}).`);
  }
  switch (activation) {
    case 'linear':
      return result;
    case 'relu':
      return relu(result);
    case 'elu':
      return elu(result);
    case 'relu6':
      return relu6(result);
    case 'sigmoid':
      return sigmoid(result);
    case 'leakyrelu':
      return leakyRelu(result, leakyreluAlpha ?? 0.2);
    case 'prelu': {
      const weights = toTensor(preluActivationWeights as TensorInput, 'prelu weights', `fused ${op}`);
      return prelu(result, first && weights.rank === 1 && weights.size > 1 ? reshape(weights, [-1, 1, 1]) : weights);
    }
    default:
      throw coded('unknown', `Unknown fused activation ${String(activation)}.`);
  }
}

export function conv2d({ x, filter, strides, pad, dataFormat = 'NHWC', dilations = [1, 1], dimRoundingMode, ...after }: Convolution): Tensor {
  return finish(plain.conv2d(x, filter, strides, pad, dataFormat, dilations, dimRoundingMode), after, 'conv2d', dataFormat === 'NCHW');
}

export function depthwiseConv2d({ x, filter, strides, pad, dataFormat = 'NHWC', dilations = [1, 1], dimRoundingMode, ...after }: Convolution): Tensor {
  return finish(plain.depthwiseConv2d(x, filter, strides, pad, dataFormat, dilations, dimRoundingMode), after, 'depthwiseConv2d', dataFormat === 'NCHW');
}

export function matMul({ a, b, transposeA = false, transposeB = false, ...after }: After & { a: TensorInput; b: TensorInput; transposeA?: boolean; transposeB?: boolean }): Tensor {
  return finish(plain.matMul(a, b, transposeA, transposeB), after, 'matMul');
}
