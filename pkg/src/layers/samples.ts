/** Whether targets and weights of samples fit a model. */

import { tensor } from '../convert.js';
import * as ops from '../ops/core.js';
import { keep, Tensor, tidy } from '../tensor.js';
import { coded } from '../types.js';
import { camel } from './measures.js';
import type { LayersModel } from './model.js';
import { type Fed, isPlain } from './predictor.js';
import type { SymbolicShape } from './symbolic.js';

/** The number of samples of inputs and targets that fit together, and the model. */
export function checkSamples(model: LayersModel, x: Tensor[], y: Tensor[]): number {
  const samples = x[0]?.shape[0] ?? 0;
  if (y.length !== model.outputs.length) {
    throw coded('argument', `Error when checking model target: expected ${model.outputs.length} Tensor(s), but instead got ${y.length}.`);
  }
  for (const t of [...x, ...y]) {
    if (t.shape[0] !== samples) {
      throw coded('shape', `Input Tensors should have the same number of samples as target Tensors. Found ${samples} input sample(s) and ${t.shape[0]} target sample(s).`);
    }
  }
  y.forEach((t, i) => {
    const want = model.outputs[i]?.shape as SymbolicShape;
    const sparse = typeof model.loss === 'string' && camel(model.loss).startsWith('sparse');
    if (!sparse && typeof model.loss === 'string' && (t.rank !== want.length || want.some((d, axis) => axis > 0 && d !== null && d !== t.shape[axis]))) {
      throw coded('shape', `Error when checking target: expected ${model.outputNames[i]} to have shape [${want.map((d) => d ?? 'null')}] but got array with shape [${t.shape}].`);
    }
  });
  if (samples === 0) throw coded('shape', 'The input and target tensors have no samples.');
  return samples;
}

/** A weight of each sample for each output. Tensors that are made of arrays join `owned`, where it is given, and outlive scopes. */
export function checkSampleWeight(model: LayersModel, given: Fed | null | undefined, samples: number, owned?: Tensor[]): Tensor[] {
  if (given == null) return [];
  const forAll = !Array.isArray(given) || typeof given[0] === 'number' ? isPlain(given) || given instanceof Tensor : false;
  return model.perOutput<unknown>(forAll ? [given] : given).map((weight) => {
    const made = isPlain(weight);
    const w = made ? tensor(weight, undefined, 'float32') : weight;
    if (made) owned?.push(keep(w as Tensor));
    if (!(w instanceof Tensor) || w.rank !== 1 || w.shape[0] !== samples) {
      throw coded('shape', `sampleWeight must have shape [${samples}], one weight for each sample, but got ${w instanceof Tensor ? `[${w.shape}]` : String(w)}`);
    }
    return w;
  });
}

/** What the samples of each class count. */
export type ClassWeight = Record<number, number>;

/** That of a model's only output, or of each: in order, null where all classes count the same, or by name. */
export type ClassWeights = ClassWeight | readonly (ClassWeight | null)[] | Record<string, ClassWeight>;

/** The weights of the classes of each output that has some. */
export function classWeightsOf(model: LayersModel, given: ClassWeights | null | undefined): (ClassWeight | null | undefined)[] {
  if (given == null) return [];
  const { length } = model.outputs;
  const one = !Array.isArray(given) && Object.values(given).every((weight) => typeof weight === 'number');
  if (one ? length > 1 : Array.isArray(given) && given.length !== length) {
    throw coded('argument', `The model has ${length} outputs: classWeight must be a list of as many, or an object by their names.`);
  }
  return one ? [given as ClassWeight] : model.perOutput(given as Record<string, ClassWeight>);
}

/** Every class of the samples that are trained on must have a weight. */
export async function checkClassWeight(model: LayersModel, targets: Tensor[], samples: number, given?: ClassWeights): Promise<void> {
  for (const [i, classWeight] of classWeightsOf(model, given).entries()) {
    if (!classWeight) continue;
    const classes = tidy(() => classesOf(targets[i] as Tensor));
    const trained = new Set((await classes.data<'int32'>()).subarray(0, samples));
    classes.dispose();
    for (const c of trained) {
      if (classWeight[c] === undefined) {
        throw coded('argument', `classWeight must contain all classes in the training data. The class ${c} exists in the data but not in classWeight`);
      }
    }
  }
}

/** The class that each target names: its own number, or the place of its one. */
function classesOf(target: Tensor): Tensor {
  return target.rank > 1 && (target.shape.at(-1) ?? 1) > 1 ? ops.argMax(target, -1) : ops.reshape(target, [target.shape[0] ?? 0]).toInt();
}

/** A weight per sample from the class that its target names. */
export function classWeights(target: Tensor, classWeight: ClassWeight): Tensor {
  const largest = Math.max(...Object.keys(classWeight).map(Number));
  const table = tensor(Float32Array.from({ length: largest + 1 }, (_, i) => classWeight[i] ?? 1));
  return ops.gather(table, classesOf(target));
}
