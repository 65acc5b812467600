/** Models that compute, whether they train or not. */

import { concat, expandDims, slice } from '../ops/movement.js';
import { Tensor, tidy } from '../tensor.js';
import { coded, type NamedTensorMap } from '../types.js';
import { Container, type ContainerArgs } from './container.js';
import { listOf, single } from './layer.js';
import type { SymbolicTensor } from './symbolic.js';
import type { LayerVariable } from './variable.js';

/** Tensors for a model's inputs or outputs: the only one, in order, or by name. */
export type Fed = Tensor | Tensor[] | Record<string, Tensor>;

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

  feed(x: Fed, names: string[], what: string): Tensor[] {
    const list = x instanceof Tensor ? [x] : Array.isArray(x) ? x : names.map((name) => x[name] as Tensor);
    return list.map((t, i) => {
      if (!(t instanceof Tensor)) throw coded('argument', `${what} ${i} must be a tensor, but got ${t === undefined ? 'undefined' : typeof t}`);
      // A value for each sample.
      return t.rank === 1 ? expandDims(t, 1) : t;
    });
  }

  /** Tensors for the model's inputs, whose shapes they must have. A model that is called as a layer takes what its layers take. */
  feedInputs(x: Fed): Tensor[] {
    const list = this.feed(x, this.inputNames, 'Input');
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
  predict(x: Tensor | Tensor[], args: { batchSize?: number; verbose?: boolean | number } = {}): Tensor | Tensor[] {
    return tidy(() => {
      const inputs = this.feedInputs(x);
      const samples = inputs[0]?.shape[0] ?? 0;
      const size = args.batchSize ?? 32;
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

  predictOnBatch(x: Tensor | Tensor[]): Tensor | Tensor[] {
    return this.predict(x, { batchSize: Infinity });
  }

  /** The values of named layers' outputs. */
  execute(inputs: Tensor | Tensor[] | NamedTensorMap, outputs: string | string[]): Tensor | Tensor[] {
    const wanted = listOf(outputs).map((name) => this.getLayer(name).output as SymbolicTensor);
    const result = tidy(() => this.compute(this.feedInputs(inputs as Fed), wanted, { training: false }));
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
