/** A model's layers as a table, in TensorFlow.js's form. */

import { nodeOf } from './container.js';
import type { Layer } from './layer.js';
import type { Node, SymbolicTensor } from './symbolic.js';
import type { LayerVariable } from './variable.js';

const size = (weights: LayerVariable[]): number => weights.reduce((n, w) => n + w.variable.size, 0);

/** Whether the graph is a chain of layers that are used once. */
const isChain = (nodes: Node[]): boolean =>
  new Set(nodes.map((n) => n.layer)).size === nodes.length &&
  nodes.every(({ inputs }, i) => (i === 0 ? inputs.length === 0 : inputs.length === 1 && nodeOf(inputs[0] as SymbolicTensor) === nodes[i - 1]));

/**
 * Prints a row for each layer, and the numbers of weights.
 *
 * @param positions where the columns end: in characters, or in parts of the line
 */
export function printSummary(
  layers: Layer[],
  nodes: Node[],
  { trained, frozen }: { trained: LayerVariable[]; frozen: LayerVariable[] },
  lineLength: number | null | undefined,
  positions: number[] | null | undefined,
  print: (line: string) => void,
): void {
  const chain = isChain(nodes);
  const width = lineLength ?? (chain ? 90 : 115);
  let ends = positions ?? (chain ? [0.32, 0.61, 0.89, 1] : [0.24, 0.48, 0.7, 0.8, 1]);
  if ((ends.at(-1) ?? 0) <= 1) ends = ends.map((share) => Math.floor(width * share));
  const rule = (c: string): void => print(c.repeat(width));
  const row = (cells: string[]): void =>
    print(cells.reduce((line, cell, i) => ((i === 0 ? line : `${line.slice(0, -1)} `) + cell).slice(0, ends[i]).padEnd(ends[i] ?? 0), ''));

  rule('_');
  row(['Layer (type)', 'Input Shape', 'Output shape', 'Param #', ...(chain ? [] : ['Receives inputs'])]);
  rule('=');
  layers.forEach((layer, i) => {
    const uses = layer.inboundNodes;
    const inputs = uses.map((n) => JSON.stringify((n.inputs.length === 0 ? n.outputs : n.inputs).map((x) => x.shape))).join(',');
    const outputs = new Set(uses.map((n) => JSON.stringify(n.outputs.length === 1 ? n.outputs[0]?.shape : n.outputs.map((x) => x.shape))));
    const output = outputs.size === 1 ? [...outputs].join('') : 'multiple';
    const sources = chain ? [] : uses.filter((n) => nodes.includes(n)).flatMap((n) => n.inputs.map((x) => `${x.sourceLayer.name}[${x.nodeIndex}][${x.tensorIndex}]`));
    const [first = '', ...others] = sources;
    row([`${layer.name} (${layer.getClassName()})`, inputs, output, String(layer.countParams()), ...(chain ? [] : [first])]);
    for (const source of others) row(['', '', '', '', source]);
    rule(i === layers.length - 1 ? '=' : '_');
  });
  print(`Total params: ${size(trained) + size(frozen)}`);
  print(`Trainable params: ${size(trained)}`);
  print(`Non-trainable params: ${size(frozen)}`);
  rule('_');
}
