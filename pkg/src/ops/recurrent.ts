/** Cells of recurrent networks, and moving averages. */

import { toTensor, toTensors } from '../convert.js';
import { run, run1, type Tensor } from '../tensor.js';
import { coded, type TensorInput } from '../types.js';

type Cell = (data: Tensor, c: Tensor, h: Tensor) => [Tensor, Tensor];

/** One step of an LSTM: the next cell state and output (Hochreiter & Schmidhuber 1997). */
export function basicLSTMCell(forgetBias: TensorInput, kernel: TensorInput, bias: TensorInput, data: TensorInput, c: TensorInput, h: TensorInput): [Tensor, Tensor] {
  const op = 'basicLSTMCell';
  const inputs = { forgetBias, lstmKernel: kernel, lstmBias: bias, data, c, h };
  return run(op, Object.entries(inputs).map(([name, x]) => toTensor(x, name, op))) as [Tensor, Tensor];
}

/** One step of cells on top of each other. */
export function multiRNNCell(cells: Cell[], data: TensorInput, c: TensorInput[], h: TensorInput[]): [Tensor[], Tensor[]] {
  const op = 'multiRNNCell';
  const [states, outputs] = [toTensors(c, 'c', op), toTensors(h, 'h', op)];
  let input = toTensor(data, 'data', op);
  const [nextStates, nextOutputs]: [Tensor[], Tensor[]] = [[], []];
  cells.forEach((cell, i) => {
    const [state, output] = cell(input, states[i] as Tensor, outputs[i] as Tensor);
    nextStates.push(state);
    nextOutputs.push(output);
    input = output;
  });
  return [nextStates, nextOutputs];
}

/** The average `v` moved towards `x`; with `zeroDebias` as if it had not begun at zero. */
export function movingAverage(v: TensorInput, x: TensorInput, decay: TensorInput, step?: TensorInput, zeroDebias = true): Tensor {
  const op = 'movingAverage';
  const [old, value, rate] = [toTensor(v, 'v', op), toTensor(x, 'x', op), toTensor(decay, 'decay', op)];
  if (old.dtype !== value.dtype) throw coded('dtype', `The dtypes of the first(${old.dtype}) and second(${value.dtype}) input must match`);
  if (old.rank !== value.rank || old.shape.some((d, i) => d !== value.shape[i])) throw coded('shape', `Shape mismatch in v and x: ${old.shape} vs ${value.shape}`);
  if (!zeroDebias) return run1(op, [old, value, rate]);
  if (step === undefined || step === null) throw coded('argument', 'When using zeroDebias: true, step is required.');
  return run1(op, [old, value, rate, toTensor(step, 'step', op)]);
}
