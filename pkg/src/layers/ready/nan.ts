/** Training that went wrong: that it did, and where. */

import * as ops from '../../ops/core.js';
import { dispose, type Tensor, tidy } from '../../tensor.js';
import { isFloat } from '../../types.js';
import { type BatchData, type BatchGradients, Callback, type Logs } from '../callbacks.js';
import type { LayersModel } from '../model.js';
import type { LayerVariable } from '../variable.js';

/** A tensor and what it is called. */
type Named = [name: string, tensor: Tensor];

/** The name of the first tensor that has a value which is no finite number. */
async function firstBad(given: () => Named[]): Promise<string | undefined> {
  const names: string[] = [];
  const flags = tidy(() => {
    const floats = given().filter(([, { dtype }]) => isFloat(dtype));
    names.push(...floats.map(([name]) => name));
    return floats.length === 0 ? null : ops.stack(floats.map(([, tensor]) => ops.all(ops.isFinite(tensor))));
  });
  if (flags === null) return undefined;
  const finite = await flags.data();
  flags.dispose();
  return names.find((_, i) => !finite[i]);
}

const named = (weights: LayerVariable[]): Named[] => weights.map((w) => [`weight '${w.name}'`, w.variable]);

/** What a model's layers compute of a batch, in order. */
function outputsOf(model: LayersModel, inputs: Tensor[]): Named[] {
  const found: Named[] = [];
  model.callMasked(inputs, [], {
    training: true,
    losses: [],
    updates: [],
    watch: (layer, outputs) => outputs.forEach((output) => found.push([`the output of layer '${layer.name}'`, output])),
  });
  return found;
}

/**
 * Ends training when the loss or a gradient is no finite number, before weights move along it, and says which is the first such thing in the
 * step: an input, a target, a weight, the output of a layer, the loss, or, going back from it, the gradient of a weight. It waits for
 * every batch, unless it is to look at the losses of epochs only; by then, it can name weights.
 */
export class TerminateOnNaN extends Callback {
  private batch: BatchData | null = null;
  onBatchData?: (batch: number, data: BatchData) => void;
  onGradients?: (batch: number, data: BatchGradients) => Promise<'stop' | void>;

  constructor({ each = 'batch' }: { each?: 'batch' | 'epoch' } = {}) {
    super();
    if (each === 'epoch') return;
    this.onBatchData = (_, { inputs, targets }) => {
      dispose(this.batch);
      this.batch = tidy(() => ({ inputs: inputs.map((t) => t.clone()), targets: targets.map((t) => t.clone()), weights: [] }));
    };
    this.onGradients = (batch, data) => this.check(batch, data);
  }

  private async check(at: number, { loss, gradients }: BatchGradients): Promise<'stop' | void> {
    const { model, batch } = this;
    // With a loss scale, a step with infinite gradients is skipped as it is.
    const backward = Object.entries(model?.optimizer?.lossScale ? {} : gradients).reverse().map(([name, gradient]): Named => [`the gradient of weight '${name}'`, gradient]);
    const bad = await firstBad(() => [['the loss', loss], ...backward]);
    if (bad === undefined || model === null || batch === null) return;
    const given = (names: string[], what: string, tensors: Tensor[]): Named[] => tensors.map((t, i) => [`${what} '${names[i]}'`, t]);
    // Not moving averages, which the step has moved already: the layer that they are of is named by its output.
    const cause =
      (await firstBad(() => [...given(model.inputNames, 'input', batch.inputs), ...given(model.outputNames, 'the target of output', batch.targets), ...named(model.trainableWeights)])) ??
      (await firstBad(() => outputsOf(model, batch.inputs))) ??
      bad;
    console.warn(`Batch ${at}: Invalid loss, terminating training: ${cause} is not finite`);
    return 'stop';
  }

  override async onEpochEnd(epoch: number, { loss = 0 }: Logs = {}): Promise<void> {
    const { model } = this;
    if (Number.isFinite(loss) || model === null) return;
    const cause = (await firstBad(() => named(model.weights))) ?? 'the loss';
    console.warn(`Epoch ${epoch}: Invalid loss, terminating training: ${cause} is not finite`);
    model.stopTraining = true;
  }

  override async onTrainEnd(): Promise<void> {
    dispose(this.batch);
    this.batch = null;
  }
}
