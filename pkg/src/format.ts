/** Tensors as text, laid out as TensorFlow.js prints them. */

import type { DataType, Shape } from './types.js';

/** Longer dimensions show their ends alone. */
const LIMIT = 20;
const ENDS = 3;
const DIGITS = 7;

function show(value: number, dtype: DataType): string {
  if (dtype === 'bool') return value === 0 ? 'false' : 'true';
  return parseFloat(value.toFixed(DIGITS)).toString();
}

/** The positions of a dimension that are shown; null where some are left out. */
function shown(size: number): (number | null)[] {
  if (size <= LIMIT) return Array.from({ length: size }, (_, i) => i);
  const first = Array.from({ length: ENDS }, (_, i) => i);
  return [...first, null, ...first.map((i) => size - ENDS + i)];
}

/** The widest value of each column, among those that are shown. */
function widths(values: ArrayLike<number>, shape: Shape, dtype: DataType): number[] {
  const columns = shape.at(-1) ?? 1;
  const wide = new Array<number>(columns).fill(0);
  if (shape.length < 2) return wide;
  for (let row = 0; row < values.length; row += columns) {
    for (const c of shown(columns)) {
      if (c !== null) wide[c] = Math.max(wide[c] ?? 0, show(values[row + c] ?? 0, dtype).length);
    }
  }
  return wide;
}

function linesOf(values: ArrayLike<number>, at: number, shape: Shape, dtype: DataType, wide: number[], last: boolean): string[] {
  const [size, ...rest] = shape;
  if (size === undefined) return [show(values[at] ?? 0, dtype)];
  if (rest.length === 0) {
    const items = shown(size).map((i) => (i === null ? '...' : show(values[at + i] ?? 0, dtype).padEnd(wide[i] ?? 0)));
    return [`[${items.join(', ')}]`];
  }
  const stride = rest.reduce((a, b) => a * b, 1);
  const lines = shown(size).flatMap((i) => (i === null ? ['...'] : linesOf(values, at + i * stride, rest, dtype, wide, i === size - 1)));
  const separator = rest.length === 1 ? ',' : '';
  const end = lines.length - 1;
  lines[0] = `[${size > 0 ? lines[0] + separator : ''}`;
  for (let i = 1; i < end; i++) lines[i] = ` ${lines[i]}${separator}`;
  lines[Math.max(end, 0)] = ` ${lines[Math.max(end, 0)]}]${last ? '' : `,\n${'\n'.repeat(rest.length - 1)}`}`;
  return lines;
}

/** The text of a tensor; `verbose` tells its dtype and shape too. */
export function format(values: ArrayLike<number>, shape: Shape, dtype: DataType, verbose: boolean): string {
  const head = verbose ? ['Tensor', `  dtype: ${dtype}`, `  rank: ${shape.length}`, `  shape: [${shape}]`, '  values:'] : ['Tensor'];
  const lines = linesOf(values, 0, shape, dtype, widths(values, shape, dtype), true);
  return [...head, lines.map((line) => `    ${line}`).join('\n')].join('\n');
}
