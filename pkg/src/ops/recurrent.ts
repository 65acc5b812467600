/** Cells of recurrent networks, and moving averages. */

import { toTensor, toTensors } from '../convert.js';
import type { Tensor } from '../tensor.js';
import { coded, type TensorInput } from '../types.js';
import { matMul } from './contract.js';
import { concat, slice } from './movement.js';
import { add, div, mul, pow, sigmoid, sub, tanh } from './pointwise.js';

type Cell = (data: Tensor, c: Tensor, h: Tensor) => [Tensor, Tensor];

/** One step of an LSTM: the next cell state and output (Hochreiter & Schmidhuber 1997). */
export function basicLSTMCell(forgetBias: TensorInput, kernel: TensorInput, bias: TensorInput, data: TensorInput, c: TensorInput, h: TensorInput): [Tensor, Tensor] {
  const op = 'basicLSTMCell';
  const state = toTensor(c, 'c', op);
  const combined = concat([toTensor(data, 'data', op), toTensor(h, 'h', op)], 1);
  const gates = add(matMul(combined, toTensor(kernel, 'lstmKernel', op)), toTensor(bias, 'lstmBias', op));
  const [batch = 0, columns = 0] = gates.shape;
  const width = columns / 4;
  const gate = (k: number): Tensor => slice(gates, [0, k * width], [batch, width]);
  const next = add(mul(sigmoid(gate(0)), tanh(gate(1))), mul(state, sigmoid(add(toTensor(forgetBias, 'forgetBias', op), gate(2)))));
  return [next, mul(tanh(next), sigmoid(gate(3)))];
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
  const keep = sub(1, rate);
  let update = mul(sub(value, old), keep);
  if (zeroDebias) {
    if (step === undefined || step === null) throw coded('argument', 'When using zeroDebias: true, step is required.');
    update = div(update, sub(1, pow(rate, toTensor(step, 'step', op))));
  }
  return add(old, update);
}
