/** What training changes in a model: its weights, what its layers and its optimizer carry, the seed of what comes. */

import * as tf from '../index.js';
import { coded } from '../types.js';
import { type Packed, packTensor, type PackedTensor, packValue, Turns, unpack, unpackTensor } from './tensors.js';

/** The state of a model; weights go by their places. */
export interface State {
  weights: PackedTensor[];
  /** What each carries besides. */
  layers: Packed[];
  /** Slots of weights, and what the optimizer keeps for no weight. */
  optimizer: { iterations: number; slots: { weight: number | null; slot: string; value: PackedTensor }[] } | null;
  seed: number;
}

/** A slot's name is that of its variable, and its own; what is kept for no variable has but its own. */
function split(name: string): [variable: string | null, slot: string] {
  const at = name.lastIndexOf('/');
  return at < 0 ? [null, name] : [name.slice(0, at), name.slice(at + 1)];
}

/** What an optimizer keeps, but for the number of its steps; with what frees the tensors that were made to tell it. */
async function keptBy(optimizer: tf.Optimizer): Promise<[kept: tf.NamedTensor[], free: () => void]> {
  const stored = await optimizer.getWeights();
  return [stored.filter(({ name }) => name !== 'iter'), () => tf.dispose(stored.filter(({ tensor }) => !tensor.kept))];
}

/** Reads the state. Its buffers join those to be moved. */
export async function readState(model: tf.LayersModel, transfer: ArrayBuffer[]): Promise<State> {
  const turns = new Turns();
  const all = async (list: tf.Tensor[]): Promise<PackedTensor[]> => {
    const packed: PackedTensor[] = [];
    for (const t of list) packed.push(await packTensor(t, transfer, turns));
    return packed;
  };
  const variables = model.orderedWeights.map((w) => w.variable);
  const layers: State['layers'] = [];
  for (const layer of model.flattenLayers()) layers.push(await packValue(layer.getState(), `the state of layer "${layer.name}"`, transfer, turns));
  let optimizer: State['optimizer'] = null;
  if (model.optimizer !== null) {
    const places = new Map(variables.map(({ name }, i) => [name, i]));
    const [kept, free] = await keptBy(model.optimizer);
    const slots: NonNullable<State['optimizer']>['slots'] = [];
    for (const { name, tensor } of kept) {
      const [variable, slot] = split(name);
      const weight = variable === null ? null : places.get(variable);
      if (weight !== undefined) slots.push({ weight, slot, value: await packTensor(tensor, transfer, turns) });
    }
    free();
    optimizer = { iterations: model.optimizer.iterations, slots };
  }
  return { weights: await all(variables), layers, optimizer, seed: tf.getSeed() };
}

/** Gives a variable a value of a message. */
export function write(weight: tf.LayerVariable, value: PackedTensor): void {
  const tensor = unpackTensor(value);
  weight.write(tensor);
  tensor.dispose();
}

/** Gives a model the state of another that is built alike. */
export async function writeState(model: tf.LayersModel, state: State): Promise<void> {
  const turns = new Turns();
  const weights = model.orderedWeights;
  if (weights.length !== state.weights.length) {
    throw coded('format', `The model in the worker is not built as the one in the page: it has ${weights.length} weights where ${state.weights.length} are expected.`);
  }
  for (const [i, weight] of weights.entries()) {
    await turns.next();
    write(weight, state.weights[i] as PackedTensor);
  }
  tf.tidy(() => model.flattenLayers().forEach((layer, i) => layer.setState(unpack(state.layers[i] as Packed))));
  const { optimizer } = model;
  if (optimizer !== null && state.optimizer !== null) {
    const mine = new Set<string | null>([null, ...weights.map((w) => w.variable.name)]);
    const given = [{ name: 'iter', tensor: tf.scalar(state.optimizer.iterations, 'int32') }];
    for (const { weight, slot, value } of state.optimizer.slots) {
      await turns.next();
      given.push({ name: weight === null ? slot : `${weights[weight]?.variable.name}/${slot}`, tensor: unpackTensor(value) });
    }
    // An optimizer may train other models too.
    const [kept, free] = await keptBy(optimizer);
    await optimizer.setWeights([...given, ...kept.filter(({ name }) => !mine.has(split(name)[0]))]);
    given.forEach(({ tensor }) => tensor.dispose());
    free();
  }
  tf.setSeed(state.seed);
}
