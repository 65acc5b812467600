/** A step of training whose batch, loss and gradients callbacks see and may change. */

import { Tensor, tensorsIn, tidy } from '../tensor.js';
import { coded, type NamedTensorMap } from '../types.js';
import type { BatchData, BatchLoss } from './callbacks.js';
import { checkSamples, checkSampleWeight } from './samples.js';
import { type Backward, partOf, type SeenStep, type Stepped } from './step.js';
import type { Batch } from './training.js';
import type { LayerVariable } from './variable.js';

/** Makes a step between the halves of which callbacks are called. */
export const stepSeen: SeenStep = async (callbacks, model, at, batch, args) => {
  const instead = (hook: string, answer: string): Stepped => {
    if (answer !== 'skip' && answer !== 'stop') throw coded('argument', `${hook} returns tensors, 'skip', 'stop' or nothing, but returned '${answer}'.`);
    if (answer === 'stop') model.stopTraining = true;
    return { values: [], size: 0 };
  };
  const owned = new Set<Tensor>();
  const own = <T>(tensors: T): T => {
    tensorsIn(tensors).forEach((t) => owned.add(t));
    return tensors;
  };
  try {
    // Clones: what the source of batches keeps stays its own.
    const [inputs, targets, given = []] = tidy(() => batch.tensors().map((list) => list?.map((t) => t.clone()))) as ReturnType<Batch['tensors']>;
    let data = own<BatchData>({ inputs, targets, weights: given });
    for (const hook of callbacks.having('onBatchData')) {
      const answer = await hook(at, data);
      if (typeof answer === 'string') return instead('onBatchData', answer);
      data = own({ ...data, ...answer });
    }
    for (const [name, list] of Object.entries(data)) {
      if (!Array.isArray(list) || !list.every((t) => t instanceof Tensor)) throw coded('argument', `onBatchData returns ${name} as a list of tensors, but returned ${list}.`);
    }
    const size = checkSamples(model, data.inputs, data.targets);
    const weights = checkSampleWeight(model, data.weights.length === 0 ? undefined : data.weights, size);
    const losses = callbacks.having('onLoss');
    const onLoss = (found: BatchLoss): Tensor => losses.reduce((loss, hook) => scalar(hook(at, { ...found, loss }) ?? loss), found.loss);
    // Moving averages move with the outputs, and metrics count them: without the step they are to be what they were.
    const judges = callbacks.having('onGradients');
    const still = judges.length === 0 ? [] : model.nonTrainableWeights.map((w): [LayerVariable, Tensor] => [w, own(w.variable.clone())]);
    const measured = judges.length === 0 ? [] : own(model.measures?.getState().map((states) => states.map((state) => state.clone())) ?? []);
    const { values, gradients, updates } = tidy(() => model.backward(data.inputs, data.targets, args.classWeight, weights, onLoss));
    own([values, gradients.map(([, gradient]) => gradient), updates.map(([, update]) => update)]);
    let named: Record<string, Tensor | null> = Object.fromEntries(gradients.map(([w, gradient]) => [w.name, gradient]));
    for (const hook of judges) {
      const answer = await hook(at, { loss: values[0] as Tensor, gradients: Object.fromEntries(Object.entries(named).filter(([, g]) => g !== null)) as NamedTensorMap });
      if (typeof answer === 'string') {
        still.forEach(([w, value]) => w.write(value));
        model.measures?.setState(measured);
        return instead('onGradients', answer);
      }
      named = { ...named, ...own(answer) };
    }
    tidy(() => model.advance({ values, gradients: replaced(gradients, named), updates }, partOf(args, size)));
    values.forEach((value) => owned.delete(value));
    return { values, size };
  } finally {
    owned.forEach((tensor) => tensor.dispose());
  }
};

/** Gradients by the names of their weights, each of which must have one. */
function replaced(gradients: Backward['gradients'], named: Record<string, Tensor | null>): Backward['gradients'] {
  const weights = new Map(gradients.map(([weight]) => [weight.name, weight]));
  return Object.entries(named).flatMap(([name, gradient]): Backward['gradients'] => {
    const weight = weights.get(name);
    if (weight === undefined) throw coded('unknown', `onGradients: there is no gradient of '${name}', only of ${[...weights.keys()]}.`);
    if (gradient === null) return [];
    if (gradient.shape.join() !== weight.shape.join()) throw coded('shape', `onGradients: the gradient of '${name}' must have shape [${weight.shape}], but got [${gradient.shape}].`);
    return [[weight, gradient]];
  });
}

function scalar(loss: Tensor): Tensor {
  if (!(loss instanceof Tensor) || loss.rank !== 0) throw coded('shape', `onLoss returns a scalar tensor or nothing, but returned ${loss instanceof Tensor ? `a tensor of shape [${loss.shape}]` : typeof loss}.`);
  return loss;
}
