/** `tf.losses`: losses with weights and a reduction. */

import { toTensor } from './convert.js';
import { ones } from './create.js';
import * as ops from './ops/core.js';
import { assertSameShape } from './shape.js';
import { run1, scopedAll, type Tensor } from './tensor.js';
import { coded, type TensorInput } from './types.js';

export enum Reduction {
  NONE,
  MEAN,
  SUM,
  SUM_BY_NONZERO_WEIGHTS,
}

function computeWeightedLoss(losses: TensorInput, weights?: TensorInput, reduction = Reduction.SUM_BY_NONZERO_WEIGHTS): Tensor {
  const loss = toTensor(losses, 'losses', 'computeWeightedLoss');
  const weight = weights === undefined ? null : toTensor(weights, 'weights', 'computeWeightedLoss');
  const weighted = weight === null ? loss : ops.mul(loss, weight);
  switch (reduction) {
    case Reduction.NONE:
      return weighted;
    case Reduction.SUM:
      return ops.sum(weighted);
    case Reduction.MEAN: {
      if (weight === null) return ops.mean(weighted);
      const broadcast = loss.size / weight.size;
      const mean = ops.div(ops.sum(weighted), ops.sum(weight));
      return broadcast > 1 ? ops.div(mean, broadcast) : mean;
    }
    case Reduction.SUM_BY_NONZERO_WEIGHTS: {
      if (weight === null) return ops.div(ops.sum(weighted), loss.size);
      const counted = ops.mul(weight, ones(loss.shape));
      return ops.div(ops.sum(weighted), ops.sum(ops.cast(ops.notEqual(counted, 0), 'float32')));
    }
    default:
      throw coded('argument', `Unknown reduction: ${String(reduction)}`);
  }
}

function pairOf(labels: TensorInput, predictions: TensorInput, op: string, weights?: TensorInput, names = ['labels', 'predictions']): [Tensor, Tensor] {
  const [a, b] = [toTensor(labels, names[0] as string, op), toTensor(predictions, names[1] as string, op)];
  if (weights !== undefined && weights !== null) toTensor(weights, 'weights', op);
  assertSameShape(a.shape, b.shape, `Error in ${op}: `);
  return [a, b];
}

export const losses = /* @__PURE__ */ scopedAll({
  computeWeightedLoss,
  absoluteDifference(labels: TensorInput, predictions: TensorInput, weights?: TensorInput, reduction?: Reduction): Tensor {
    const [a, b] = pairOf(labels, predictions, 'absoluteDifference', weights);
    return computeWeightedLoss(ops.abs(ops.sub(a, b)), weights, reduction);
  },
  meanSquaredError(labels: TensorInput, predictions: TensorInput, weights?: TensorInput, reduction?: Reduction): Tensor {
    const [a, b] = pairOf(labels, predictions, 'meanSquaredError', weights);
    return computeWeightedLoss(ops.squaredDifference(a, b), weights, reduction);
  },
  huberLoss(labels: TensorInput, predictions: TensorInput, weights?: TensorInput, delta = 1, reduction?: Reduction): Tensor {
    const [a, b] = pairOf(labels, predictions, 'huberLoss', weights);
    const error = ops.abs(ops.sub(b, a));
    const quadratic = ops.minimum(error, delta);
    return computeWeightedLoss(ops.add(ops.mul(0.5, ops.square(quadratic)), ops.mul(delta, ops.sub(error, quadratic))), weights, reduction);
  },
  hingeLoss(labels: TensorInput, predictions: TensorInput, weights?: TensorInput, reduction?: Reduction): Tensor {
    const [a, b] = pairOf(labels, predictions, 'hingeLoss', weights);
    return computeWeightedLoss(ops.relu(ops.sub(1, ops.mul(ops.sub(ops.mul(2, a), 1), b))), weights, reduction);
  },
  logLoss(labels: TensorInput, predictions: TensorInput, weights?: TensorInput, epsilon = 1e-7, reduction?: Reduction): Tensor {
    const [a, b] = pairOf(labels, predictions, 'logLoss', weights);
    const hit = ops.mul(a, ops.log(ops.add(b, epsilon)));
    const miss = ops.mul(ops.sub(1, a), ops.log(ops.add(ops.sub(1, b), epsilon)));
    return computeWeightedLoss(ops.neg(ops.add(hit, miss)), weights, reduction);
  },
  cosineDistance(labels: TensorInput, predictions: TensorInput, axis: number, weights?: TensorInput, reduction?: Reduction): Tensor {
    const [a, b] = pairOf(labels, predictions, 'cosineDistance', weights);
    return computeWeightedLoss(ops.sub(1, ops.sum(ops.mul(a, b), axis, true)), weights, reduction);
  },
  sigmoidCrossEntropy(labels: TensorInput, logits: TensorInput, weights?: TensorInput, labelSmoothing = 0, reduction?: Reduction): Tensor {
    const [a, b] = pairOf(labels, logits, 'sigmoidCrossEntropy', weights, ['multiClassLabels', 'logits']);
    const smooth = labelSmoothing > 0 ? ops.add(ops.mul(a, 1 - labelSmoothing), 0.5 * labelSmoothing) : a;
    return computeWeightedLoss(run1('sigmoidCrossEntropy', [smooth, b]), weights, reduction);
  },
  softmaxCrossEntropy(labels: TensorInput, logits: TensorInput, weights?: TensorInput, labelSmoothing = 0, reduction?: Reduction): Tensor {
    const [a, b] = pairOf(labels, logits, 'softmaxCrossEntropy', weights, ['onehotLabels', 'logits']);
    const classes = a.shape.at(-1) ?? 1;
    const smooth = labelSmoothing > 0 ? ops.add(ops.mul(a, 1 - labelSmoothing), labelSmoothing / classes) : a;
    return computeWeightedLoss(run1('softmaxCrossEntropy', [smooth, b]), weights, reduction);
  },
});
