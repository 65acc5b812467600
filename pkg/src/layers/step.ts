/** Steps of training. */

import { lacks } from '../lacking.js';
import { type Tensor, tidy } from '../tensor.js';
import type { CallbackList } from './callbacks.js';
import type { LayersModel } from './model.js';
import type { Batch, TrainingArgs } from './training.js';
import type { LayerVariable } from './variable.js';

/** What the first half of a step finds. */
export interface Backward {
  /** The loss and the metrics. */
  values: Tensor[];
  gradients: [LayerVariable, Tensor][];
  /** New values of moving averages. */
  updates: [LayerVariable, Tensor][];
}

/** A part of a batch whose gradients are accumulated. */
export interface Part {
  /** Parts of the batch. */
  readonly parts: number;
  /** Samples of this one: what its gradients count. */
  readonly size: number;
}

/** The values of a step and its samples: none where callbacks had it not made. */
export interface Stepped {
  readonly values: Tensor[];
  readonly size: number;
}

/** Makes a step between the halves of which callbacks are called. See `seen-step.ts`. */
export type SeenStep = (callbacks: CallbackList, model: LayersModel, at: number, batch: Batch, args: TrainingArgs) => Promise<Stepped>;

let seenStep: SeenStep = lacks('Callbacks that see the tensors of a step');

/** Lets callbacks see the tensors of steps. */
export function installSeenStep(by: SeenStep): void {
  seenStep = by;
}

/** Makes a step, number `at` of its epoch. */
export function makeStep(callbacks: CallbackList, model: LayersModel, at: number, batch: Batch, args: TrainingArgs): Stepped | Promise<Stepped> {
  if (callbacks.seesSteps) return seenStep(callbacks, model, at, batch, args);
  const values = tidy(() => {
    const [inputs, targets, weights] = batch.tensors();
    return model.trainStep(inputs, targets, args.classWeight, weights, partOf(args, batch.size));
  });
  return { values, size: batch.size };
}

/** The part of a batch that a step is. */
export const partOf = ({ accumulateSteps }: TrainingArgs, size: number): Part | undefined => (accumulateSteps === undefined ? undefined : { parts: accumulateSteps, size });
