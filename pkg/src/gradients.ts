/** Gradients of functions. */

import { toTensor } from './convert.js';
import { wasm } from './runtime.js';
import { endScope, fromRecord, handlesOf, keep, startScope, Tensor, tidy, variables, Variable } from './tensor.js';
import { coded, isFloat, type NamedTensorMap, type TensorInput } from './types.js';

const NO_PATH =
  'Cannot compute gradient of y=f(x) with respect to x. Make sure that the f you passed encloses all operations that lead from x to y.';

/** How many gradients are being recorded. */
let recording = 0;
export const isRecording = (): boolean => recording > 0;

/** How many gradients are being computed, one inside the other. */
let depth = 0;
/** What custom gradients saved. Those of a gradient inside another may be asked for until the outermost is known. */
let saved: Tensor[] = [];

/** Calls `f`, which ends every tape that it starts, and disposes what custom gradients saved for them. */
export function holdingSaved<T>(f: () => T): T {
  depth += 1;
  try {
    return f();
  } finally {
    depth -= 1;
    if (depth === 0) {
      for (const tensor of saved) tensor.dispose();
      saved = [];
    }
  }
}

/** The value of `f` and its gradients by `xs`, weighted by `dy`, which may be made once the value is known; null where the
 *  value does not depend on one. */
export function gradientsOf(f: () => Tensor, xs: readonly Tensor[], dy?: Tensor | (() => Tensor)): { value: Tensor; grads: (Tensor | null)[] } {
  return holdingSaved(() => onTape(f, xs, dy));
}

function onTape(f: () => Tensor, xs: readonly Tensor[], dy?: Tensor | (() => Tensor)): { value: Tensor; grads: (Tensor | null)[] } {
  if (xs.length === 0) throw coded('argument', 'gradients() received an empty list of xs.');
  if (dy instanceof Tensor && !isFloat(dy.dtype)) throw coded('dtype', `dy must have 'float32' dtype, but has '${dy.dtype}'`);
  const handles = handlesOf(xs);
  wasm().startTape();
  recording += 1;
  let value: Tensor;
  try {
    value = f();
    if (!(value instanceof Tensor)) throw coded('gradient', 'The result y returned by f() must be a tensor.');
  } catch (error) {
    wasm().abandonTape();
    throw error;
  } finally {
    recording -= 1;
  }
  const weight = typeof dy === 'function' ? dy() : dy;
  const records = wasm().endTape(value.handle, weight?.handle ?? 0, handles);
  const grads: (Tensor | null)[] = [];
  for (let at = 0; at < records.length; ) {
    if (records[at] === 0) {
      grads.push(null);
      at += 3;
    } else {
      const [grad, next] = fromRecord(records, at);
      grads.push(grad);
      at = next;
    }
  }
  return { value, grads };
}

function complete(grads: (Tensor | null)[]): Tensor[] {
  if (grads.some((g) => g === null)) throw coded('gradient', NO_PATH);
  return grads as Tensor[];
}

function checkDy(value: Tensor, dy?: Tensor): void {
  if (dy !== undefined && (dy.rank !== value.rank || dy.shape.some((d, i) => d !== value.shape[i]))) {
    throw coded('shape', `The shape of dy passed in grad(f)(x, dy) must match the shape returned by f(x): ${value.shape} and ${dy.shape}`);
  }
}

export function valueAndGrads(f: (...xs: Tensor[]) => Tensor): (xs: readonly TensorInput[], dy?: TensorInput) => { value: Tensor; grads: Tensor[] } {
  if (typeof f !== 'function') throw coded('argument', 'The f passed in valueAndGrads(f) must be a function');
  return (xs, dy) =>
    tidy(() => {
      const inputs = xs.map((x, i) => toTensor(x, `args[${i}]`, 'tf.grads'));
      const weight = dy === undefined ? undefined : toTensor(dy, 'dy', 'tf.grads');
      const { value, grads } = gradientsOf(() => {
        const y = f(...inputs);
        if (y instanceof Tensor) checkDy(y, weight);
        return y;
      }, inputs, weight);
      return { value, grads: complete(grads) };
    });
}

export function grads(f: (...xs: Tensor[]) => Tensor): (xs: readonly TensorInput[], dy?: TensorInput) => Tensor[] {
  const both = valueAndGrads(f);
  return (xs, dy) =>
    tidy(() => {
      const result = both(xs, dy);
      result.value.dispose();
      return result.grads;
    });
}

export function valueAndGrad(f: (x: Tensor) => Tensor): (x: TensorInput, dy?: TensorInput) => { value: Tensor; grad: Tensor } {
  const both = valueAndGrads(f as (...xs: Tensor[]) => Tensor);
  return (x, dy) => {
    const { value, grads } = both([x], dy);
    return { value, grad: grads[0] as Tensor };
  };
}

export function grad(f: (x: Tensor) => Tensor): (x: TensorInput, dy?: TensorInput) => Tensor {
  if (typeof f !== 'function') throw coded('argument', 'The f passed in grad(f) must be a function');
  const all = grads(f as (...xs: Tensor[]) => Tensor);
  return (x, dy) => all([x], dy)[0] as Tensor;
}

export function variableGrads(f: () => Tensor, varList?: Variable[]): { value: Tensor; grads: NamedTensorMap } {
  if (typeof f !== 'function') throw coded('argument', 'The f passed in variableGrads(f) must be a function');
  if (varList !== undefined && !varList.every((v) => v instanceof Variable)) {
    throw coded('argument', 'The varList passed in variableGrads(f, varList) must be an array of variables');
  }
  const specified = varList !== undefined;
  const all = varList ?? [...variables.values()];
  const trained = all.filter((v) => v.trainable);
  if (trained.length === 0) {
    throw coded('gradient', `variableGrads() expects at least one of the input variables to be trainable, but none of the ${all.length} variables is trainable.`);
  }
  const { value, grads: found } = tidy(() => gradientsOf(f, trained));
  if (found.every((g) => g === null)) {
    throw coded('gradient', 'Cannot find a connection between any variable and the result of the loss function y=f(x). Please make sure the operations that use variables are inside the function f passed to minimize().');
  }
  if (value.rank !== 0) {
    throw coded('shape', `The f passed in variableGrads(f) must return a scalar, but it returned a rank-${value.rank} tensor`);
  }
  const named: NamedTensorMap = {};
  trained.forEach((v, i) => {
    const g = found[i];
    if (g) named[v.name] = g;
  });
  if (specified) varList.filter((v) => !v.trainable).forEach((v) => (named[v.name] = null as unknown as Tensor));
  return { value, grads: named };
}

export type CustomGradient = (...inputs: any[]) => { value: Tensor; gradFunc: (dy: Tensor, saved: Tensor[]) => Tensor | Tensor[] };

/** A function with a gradient of its own. `f` receives its inputs and a function `save`. */
export function customGrad(f: CustomGradient): (...args: Tensor[]) => Tensor {
  if (typeof f !== 'function') throw coded('argument', 'The f passed in customGrad(f) must be a function.');
  return (...inputs) => {
    if (!inputs.every((t) => t instanceof Tensor)) throw coded('argument', 'The args passed in customGrad(f)(x1, x2,...) must all be tensors');
    let mine: Tensor[] = [];
    const save = (tensors: Tensor[]): void => {
      // Without a tape nobody asks for the gradient.
      if (depth === 0) return;
      mine = tensors.map((t) => keep(fromRecord(wasm().clone(t.handle), 0, t)[0]));
      saved.push(...mine);
    };
    wasm().pauseTapes(true);
    let result: ReturnType<CustomGradient>;
    try {
      result = tidy(() => f(...inputs, save));
    } finally {
      wasm().pauseTapes(false);
    }
    const { value, gradFunc } = result;
    if (!(value instanceof Tensor)) throw coded('gradient', 'The function f passed in customGrad(f) must return an object where `obj.value` is a tensor');
    if (typeof gradFunc !== 'function') throw coded('gradient', 'The function f passed in customGrad(f) must return an object where `obj.gradFunc` is a function.');
    const backward = (yHandle: number, dyHandle: number): Uint32Array => {
      wasm().drop(yHandle);
      startScope('customGrad');
      try {
        const dy = new Tensor(dyHandle, isFloat(value.dtype) ? value.dtype : 'float32', value.shape);
        const results = [gradFunc(dy, mine)].flat();
        if (results.length !== inputs.length) {
          throw coded('gradient', 'The function f passed in customGrad(f) must return an object where `obj.gradFunc` is a function that returns the same number of tensors as inputs passed to f(...).');
        }
        if (!results.every((g) => g instanceof Tensor)) {
          throw coded('gradient', 'The function f passed in customGrad(f) must return an object where `obj.gradFunc` is a function that returns a list of only tensors.');
        }
        // The module takes the handles over: clones, as the scope disposes the tensors.
        return Uint32Array.from(results, (g) => wasm().clone(g.handle)[0] ?? 0);
      } finally {
        endScope();
      }
    };
    const handles = Uint32Array.from(inputs, (t) => t.handle);
    const output = fromRecord(wasm().recordCustom(handles, value.handle, backward), 0, value)[0];
    if (!inputs.includes(value)) value.dispose();
    return output;
  };
}

