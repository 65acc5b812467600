/** What a layer expects of its inputs. */

import { coded, type DataType } from '../types.js';
import type { SymbolicShape } from './symbolic.js';

export interface InputSpecConfig {
  dtype?: DataType;
  shape?: SymbolicShape;
  ndim?: number;
  maxNDim?: number;
  minNDim?: number;
  /** Sizes of single axes; negative ones count from the last. */
  axes?: Record<number, number | null>;
}

/** The dtype, the rank and the sizes of an input. What is not given, or null, may be any. */
export class InputSpec {
  readonly dtype: DataType | undefined;
  readonly shape: SymbolicShape | undefined;
  readonly ndim: number | undefined;
  readonly maxNDim: number | undefined;
  readonly minNDim: number | undefined;
  readonly axes: Record<number, number | null>;

  constructor({ dtype, shape, ndim, maxNDim, minNDim, axes = {} }: InputSpecConfig) {
    [this.dtype, this.shape, this.maxNDim, this.minNDim, this.axes] = [dtype, shape, maxNDim, minNDim, axes];
    this.ndim = shape?.length ?? ndim;
  }
}

interface Given {
  readonly shape: SymbolicShape;
  readonly dtype: DataType;
}

/** Throws where an input is not what its layer expects. */
export function assertInputs(layer: string, specs: (InputSpec | null)[], inputs: Given[]): void {
  if (specs.length !== inputs.length) throw coded('argument', `Layer ${layer} expects ${specs.length} inputs, but it received ${inputs.length} input tensors.`);
  specs.forEach((spec, i) => {
    if (spec === null) return;
    const { shape, dtype } = inputs[i] as Given;
    const ndim = shape.length;
    const expect = (met: boolean, expected: string, found: unknown): void => {
      if (!met) throw coded('shape', `Input ${i} is incompatible with layer ${layer}: expected ${expected}, found ${found}.`);
    };
    expect(spec.ndim === undefined || ndim === spec.ndim, `ndim=${spec.ndim}`, `ndim=${ndim}`);
    expect(spec.maxNDim === undefined || ndim <= spec.maxNDim, `max_ndim=${spec.maxNDim}`, `ndim=${ndim}`);
    expect(spec.minNDim === undefined || ndim >= spec.minNDim, `min_ndim=${spec.minNDim}`, `ndim=${ndim}`);
    expect(spec.dtype === undefined || dtype === spec.dtype, `dtype=${spec.dtype}`, `dtype=${dtype}`);
    const sizes: [number, number | null][] = [...Object.entries(spec.axes).map(([axis, size]): [number, number | null] => [Number(axis), size]), ...(spec.shape ?? []).entries()];
    for (const [axis, size] of sizes) {
      const got = shape.at(axis) ?? null;
      expect(size === null || got === null || got === size, `axis ${axis} of input shape to have value ${size}`, `shape=[${shape.map((d) => d ?? 'null')}]`);
    }
  });
}
