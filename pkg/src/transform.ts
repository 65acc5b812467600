/** Functions of functions beyond gradients: forward-mode derivatives, functions of one example applied to a batch, functions
 *  captured as one plan, and gradients that compute again rather than remember. */

import { toTensor } from './convert.js';
import { zerosLike } from './create.js';
import { gradientsOf, holdingSaved, isRecording } from './gradients.js';
import { add, mul } from './ops/pointwise.js';
import { sum } from './ops/reduce.js';
import { wasm } from './runtime.js';
import { endScope, fromRecord, fromRecords, handlesOf, startScope, Tensor, tidy } from './tensor.js';
import { coded, dtypeCode, type TensorInput } from './types.js';

/** A function of tensors. */
type Fn = (...xs: any[]) => Tensor;
type FnOfMany = (...xs: any[]) => Tensor | Tensor[];

function checkFunction(f: unknown, op: string): void {
  if (typeof f !== 'function') throw coded('argument', `The f passed in ${op}(f) must be a function`);
}

/** Operands as tensors of numbers. */
function operands(xs: readonly TensorInput[], op: string): Tensor[] {
  return xs.map((x, i) => {
    const t = toTensor(x, `args[${i}]`, op);
    if (t.dtype === 'complex64' || t.dtype === 'string') throw coded('dtype', `Error in ${op}: expected operands of numbers, received ${t.dtype}`);
    return t;
  });
}

function results(value: Tensor | Tensor[], op: string): Tensor[] {
  const list = [value].flat();
  if (list.length === 0 || !list.every((t) => t instanceof Tensor)) throw coded('argument', `The result returned by f() in ${op}(f) must be a tensor or an array of tensors.`);
  return list;
}

/**
 * The value of `f` and its derivative along `tangents`, one for each of `xs` and of its shape: the product of the
 * Jacobian with a direction. One pass whatever the number of inputs, where a gradient needs one for each output.
 */
export function jvp(f: Fn, xs: readonly TensorInput[], tangents: readonly TensorInput[]): { value: Tensor; tangent: Tensor } {
  checkFunction(f, 'jvp');
  if (xs.length !== tangents.length) throw coded('argument', `Error in jvp: expected ${xs.length} tangents, received ${tangents.length}`);
  return tidy(() => holdingSaved(() => {
    const [inputs, directions] = [operands(xs, 'jvp'), operands(tangents, 'jvp')];
    inputs.forEach((x, i) => {
      const v = directions[i] as Tensor;
      if (v.rank !== x.rank || v.shape.some((d, k) => d !== x.shape[k])) throw coded('shape', `Error in jvp: expected a tangent of shape [${x.shape}], received [${v.shape}]`);
    });
    let value: Tensor | undefined;
    let weight: Tensor | undefined;
    // The gradient is linear in its weight: its own gradient by the weight is what is wanted.
    wasm().startTape();
    let along: Tensor | undefined;
    try {
      const { value: y, grads } = gradientsOf(() => {
        value = f(...inputs);
        return value;
      }, inputs, () => (weight = zerosLike(value as Tensor)));
      value = y;
      grads.forEach((g, i) => {
        if (g === null) return;
        const part = sum(mul(g, directions[i] as Tensor));
        along = along === undefined ? part : add(along, part);
      });
    } catch (error) {
      wasm().abandonTape();
      throw error;
    }
    if (along === undefined) {
      wasm().abandonTape();
      return { value, tangent: zerosLike(value) };
    }
    const records = wasm().endTape(along.handle, 0, handlesOf([weight as Tensor]));
    return { value, tangent: records[0] === 0 ? zerosLike(value) : fromRecord(records, 0)[0] };
  }));
}

/** What `f` makes of placeholders for operands of the given shapes, away from tapes. */
function trace(f: FnOfMany, like: readonly { shape: number[]; dtype: Tensor['dtype'] }[], op: string): { placeholders: Tensor[]; value: Tensor[]; many: boolean } {
  const placeholders = like.map(({ shape, dtype }) => fromRecord(wasm().placeholder(Uint32Array.from(shape), dtypeCode(dtype)), 0)[0]);
  wasm().setTapesAside(true);
  try {
    const value = f(...placeholders);
    return { placeholders, value: results(value, op), many: Array.isArray(value) };
  } finally {
    wasm().setTapesAside(false);
  }
}

/**
 * `f`, a function of one example, for a batch of them: the examples lie along axis `inAxes` (of each operand, or one for
 * all; null for an operand that all examples share), those of the results along `outAxis`. `f` is called once, on tensors
 * without values, and must not read any; its operations are done for all examples together.
 */
export function vmap<F extends FnOfMany>(f: F, inAxes: number | (number | null)[] = 0, outAxis = 0): (...xs: TensorInput[]) => ReturnType<F> {
  checkFunction(f, 'vmap');
  return (...xs) =>
    tidy(() => {
      const inputs = operands(xs, 'vmap');
      const axes = Array.isArray(inAxes) ? inAxes : inputs.map(() => inAxes);
      if (axes.length !== inputs.length) throw coded('argument', `Error in vmap: expected an axis for each of ${inputs.length} operands, received ${axes.length}`);
      const example = ({ shape, dtype }: Tensor, i: number): { shape: number[]; dtype: Tensor['dtype'] } => {
        const axis = axes[i];
        if (axis === null || axis === undefined) return { shape, dtype };
        const at = axis < 0 ? axis + shape.length : axis;
        if (!(at in shape)) throw coded('argument', `Error in vmap: expected an axis of shape [${shape}], received ${axis}`);
        return { shape: shape.filter((_, d) => d !== at), dtype };
      };
      const { placeholders, value, many } = trace(f, inputs.map(example), 'vmap');
      const all = Float64Array.from(axes, (axis) => axis ?? Number.NaN);
      const mapped = fromRecords(wasm().vmapTraced(handlesOf(placeholders), handlesOf(inputs), all, handlesOf(value), outAxis));
      return (many ? mapped : mapped[0]) as ReturnType<F>;
    });
}

/** A captured function. */
export interface Jitted<F extends FnOfMany> {
  (...xs: TensorInput[]): ReturnType<F>;
  /** Forgets the plans and the tensors they hold. */
  dispose(): void;
}

/**
 * `f` captured as one plan for each combination of shapes and dtypes it is called with: later calls run the plan and do not
 * call `f`, which must not read values. What `f` takes from elsewhere, such as variables, numbers and seeds, stays as it was
 * at the first call: pass what changes as an operand. Where gradients are being recorded, `f` itself is called.
 */
export function jit<F extends FnOfMany>(f: F): Jitted<F> {
  checkFunction(f, 'jit');
  const plans = new Map<string, { plan: number; many: boolean }>();
  const call = (...xs: TensorInput[]): ReturnType<F> =>
    tidy(() => {
      const inputs = operands(xs, 'jit');
      if (isRecording()) return f(...inputs) as ReturnType<F>;
      const key = inputs.map((t) => `${t.dtype} ${t.shape}`).join(';');
      let found = plans.get(key);
      if (found === undefined) {
        const { placeholders, value, many } = trace(f, inputs, 'jit');
        found = { plan: wasm().capture(handlesOf(placeholders), handlesOf(value)), many };
        plans.set(key, found);
      }
      const values = fromRecords(wasm().capturedCall(found.plan, handlesOf(inputs)));
      return (found.many ? values : values[0]) as ReturnType<F>;
    });
  const dispose = (): void => {
    plans.forEach(({ plan }) => wasm().capturedDrop(plan));
    plans.clear();
  };
  return Object.assign(call, { dispose });
}

/**
 * `f` with a gradient that calls `f` again rather than keeping what it computed on the way: less memory for more time. With
 * `keep: 'contractions'`, the results of matrix products and convolutions are kept. All tensors and variables that `f` uses
 * receive their gradients. `f` must do the same each time.
 */
export function checkpoint(f: Fn, { keep = 'nothing' }: { keep?: 'nothing' | 'contractions' } = {}): (...xs: TensorInput[]) => Tensor {
  checkFunction(f, 'checkpoint');
  if (keep !== 'nothing' && keep !== 'contractions') throw coded('argument', `Error in checkpoint: expected keep to be 'nothing' or 'contractions', received '${String(keep)}'`);
  return (...xs) =>
    tidy(() => {
      const inputs = operands(xs, 'checkpoint');
      if (!isRecording()) return f(...inputs);
      // The module holds the operands until the gradient; the tensors of a call live as long as it.
      const again = (given: Uint32Array): number => {
        startScope('checkpoint');
        try {
          const own = inputs.map(({ dtype, shape }, i) => new Tensor(given[i] as number, dtype, shape));
          return wasm().clone(f(...own).handle)[0] ?? 0;
        } finally {
          endScope();
        }
      };
      return fromRecord(wasm().checkpoint(handlesOf(inputs), again, keep === 'contractions'), 0)[0];
    });
}
