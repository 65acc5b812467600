/** Models that compute, whether they train or not. */

import { toTensor } from '../convert.js';
import { concat, expandDims, slice } from '../ops/movement.js';
import { keep, Tensor, tidy } from '../tensor.js';
import { coded, isTypedArray, type NamedTensorMap, type TensorInput, type TensorLike } from '../types.js';
import { Container, type ContainerArgs } from './container.js';
import { listOf, single } from './layer.js';
import type { SymbolicTensor } from './symbolic.js';
import type { LayerVariable } from './variable.js';

/** What tensors for a model's inputs or outputs are given as: the only one, in order, or by name, each a tensor or an array of numbers, nested or typed. */
export type Fed = TensorInput | readonly TensorInput[] | Record<string, TensorInput>;

/** What is given for each of so many. An array of arrays is the only one, or one for each of several. */
export function entriesOf(x: Fed, names: readonly string[]): unknown[] {
  if (x instanceof Tensor || isTypedArray(x)) return [x];
  if (!Array.isArray(x)) return names.map((name) => (x as Record<string, unknown> | null)?.[name]);
  return names.length > 1 || x.some((t) => t instanceof Tensor) ? x : [x];
}

/** Whether a tensor can be made of a value: its first element tells. */
export function isPlain(value: unknown): value is TensorLike {
  if (!Array.isArray(value)) return isTypedArray(value);
  return value.length === 0 || ['number', 'boolean', 'string'].includes(typeof value[0]) || isPlain(value[0]);
}

/** The samples of a batch: 32, where it is not said. */
export function batchSizeOf(given?: number | null): number {
  const size = given ?? 32;
  if (!(size > 0) || !Number.isInteger(size)) throw coded('argument', `batchSize is required to be a positive integer, but got ${size}`);
  return size;
}

/** Shows how many steps are done, as `verbose` asks for. */
export type Progress = (verbose: number | boolean | undefined, steps: number | null) => ((done: number, last: boolean) => void) | undefined;
let progress: Progress = () => undefined;
export function installProgress(by: Progress): void {
  progress = by;
}
export const progressOf: Progress = (verbose, steps) => progress(verbose, steps);

/** A graph of layers with weights, for predictions. */
export class Predictor extends Container {
  static override className = 'Model';

  constructor(args?: ContainerArgs) {
    super(args ?? {});
    if (args !== undefined) this.setGraph(listOf(args.inputs), listOf(args.outputs));
  }

  /** Tensors for the model's inputs or targets. Those that are made here join `owned`, where it is given, and outlive scopes. */
  feed(x: Fed, what: 'Input' | 'Target', owned?: Tensor[]): Tensor[] {
    const inputs = what === 'Input';
    return entriesOf(x, inputs ? this.inputNames : this.outputNames).map((given, i) => {
      if (!(given instanceof Tensor) && !isPlain(given)) throw coded('argument', `${what} ${i} must be a tensor or an array of numbers, but got ${given === null ? given : typeof given}`);
      const fed = tidy(() => {
        const t = given instanceof Tensor ? given : toTensor(given, `${what} ${i}`, this.name, (inputs && this.inputs[i]?.dtype) || 'float32');
        // A value for each sample.
        return t.rank === 1 ? expandDims(t, 1) : t;
      });
      if (fed !== given) owned?.push(keep(fed));
      return fed;
    });
  }

  /** Tensors for the model's inputs, whose shapes they must have. A model that is called as a layer takes what its layers take. */
  feedInputs(x: Fed, owned?: Tensor[]): Tensor[] {
    const list = this.feed(x, 'Input', owned);
    this.inputs.forEach((x, i) => {
      const got = list[i]?.shape ?? x.shape;
      if (got.length !== x.rank) {
        throw coded('shape', `Error when checking : expected ${x.name} to have ${x.rank} dimension(s), but got array with shape [${got}]`);
      }
      x.shape.forEach((d, axis) => {
        if (axis > 0 && d !== null && d !== got[axis]) {
          throw coded('shape', `Error when checking : expected ${x.name} to have shape [${x.shape.map((n) => n ?? 'null')}] but got array with shape [${got}].`);
        }
      });
    });
    return list;
  }

  /** The outputs for `x`, in batches. */
  predict(x: Fed, args: { batchSize?: number; verbose?: boolean | number } = {}): Tensor | Tensor[] {
    const size = args.batchSize === Infinity ? Infinity : batchSizeOf(args.batchSize);
    return tidy(() => {
      const inputs = this.feedInputs(x);
      const samples = inputs[0]?.shape[0] ?? 0;
      const show = progressOf(args.verbose, Math.ceil(samples / size));
      const parts: Tensor[][] = [];
      for (let at = 0; at < samples; at += size) {
        const batch = samples <= size ? inputs : inputs.map((t) => slice(t, at, Math.min(size, samples - at)));
        parts.push(tidy(() => this.compute(batch, this.outputs, { training: false })));
        show?.(parts.length, at + size >= samples);
      }
      const outputs = this.outputs.map((_, i) => (parts.length === 1 ? (parts[0]?.[i] as Tensor) : concat(parts.map((p) => p[i] as Tensor))));
      return single(outputs);
    });
  }

  predictOnBatch(x: Fed): Tensor | Tensor[] {
    return this.predict(x, { batchSize: Infinity });
  }

  /** The values of named layers' outputs. */
  execute(inputs: Fed, outputs: string | string[]): Tensor | Tensor[] {
    const wanted = listOf(outputs).map((name) => this.getLayer(name).output as SymbolicTensor);
    const result = tidy(() => this.compute(this.feedInputs(inputs), wanted, { training: false }));
    return Array.isArray(outputs) ? result : (result[0] as Tensor);
  }

  /** The names weights are stored under. Where layers of models within have one name, the later ones are numbered. */
  storedNames(): Map<LayerVariable, string> {
    const names = new Map<LayerVariable, string>();
    const count = new Map<string, number>();
    for (const w of this.orderedWeights) {
      const before = count.get(w.name) ?? 0;
      names.set(w, before === 0 ? w.name : `${w.name}_${before}`);
      count.set(w.name, before + 1);
    }
    return names;
  }

  /** Sets weights by name. */
  loadWeights(weights: NamedTensorMap, strict = true): void {
    const missing: string[] = [];
    const unused = new Set(Object.keys(weights));
    // Keras names a recurrent layer's weights with its cell: lstm/lstm_cell/kernel.
    const withCell = new Map([...unused].map((name) => [name.replace(/\/[^/]*cell[^/]*(?=\/[^/]*$)/, ''), name]));
    const total = this.storedNames();
    // Keras 3 numbers the weights of a layer: dense/0.
    if ([...unused].every((name) => /\/\d+$/.test(name))) {
      for (const { weights } of this.layers) weights.forEach((w, i) => total.set(w, w.name.replace(/[^/]*$/, `${i}`)));
    }
    for (const [weight, own] of total) {
      const name = weights[own] === undefined ? (withCell.get(own) ?? own) : own;
      const value = weights[name];
      if (value === undefined) missing.push(own);
      else {
        weight.write(value);
        unused.delete(name);
      }
    }
    if (!strict) return;
    if (missing.length > 0) throw coded('format', `${missing.length} of ${total.size} weights are not set: ${missing}`);
    if (unused.size > 0) throw coded('format', `Provided weight data has no target variable: ${[...unused].join(', ')}`);
  }
}
