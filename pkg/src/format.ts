/** Tensors as text, laid out as TensorFlow.js prints them. */

import { sizeOf } from './shape.js';
import type { DataType, Shape } from './types.js';

/** Longer dimensions show their ends alone. */
const LIMIT = 20;
const ENDS = 3;
const DIGITS = 7;

/** The text of an element. */
type Show = (index: number) => string;

function shower(values: ArrayLike<number | string>, dtype: DataType): Show {
  const number = (i: number): string => parseFloat(Number(values[i] ?? 0).toFixed(DIGITS)).toString();
  if (dtype === 'bool') return (i) => (values[i] ? 'true' : 'false');
  if (dtype === 'string') return (i) => `'${values[i]}'`;
  if (dtype === 'complex64') return (i) => `${number(2 * i)} + ${number(2 * i + 1)}j`;
  return number;
}

/** The positions of a dimension that are shown; null where some are left out. */
function shown(size: number): (number | null)[] {
  if (size <= LIMIT) return Array.from({ length: size }, (_, i) => i);
  const first = Array.from({ length: ENDS }, (_, i) => i);
  return [...first, null, ...first.map((i) => size - ENDS + i)];
}

/** The widest value of each column, among those that are shown. */
function widths(show: Show, size: number, shape: Shape): number[] {
  const columns = shape.at(-1) ?? 1;
  const wide = new Array<number>(columns).fill(0);
  if (shape.length < 2) return wide;
  for (let row = 0; row < size; row += columns) {
    for (const c of shown(columns)) {
      if (c !== null) wide[c] = Math.max(wide[c] ?? 0, show(row + c).length);
    }
  }
  return wide;
}

function linesOf(show: Show, at: number, shape: Shape, wide: number[], last: boolean): string[] {
  const [size, ...rest] = shape;
  if (size === undefined) return [show(at)];
  if (rest.length === 0) {
    const items = shown(size).map((i) => (i === null ? '...' : show(at + i).padEnd(wide[i] ?? 0)));
    return [`[${items.join(', ')}]`];
  }
  const stride = sizeOf(rest);
  const lines = shown(size).flatMap((i) => (i === null ? ['...'] : linesOf(show, at + i * stride, rest, wide, i === size - 1)));
  const separator = rest.length === 1 ? ',' : '';
  const end = lines.length - 1;
  lines[0] = `[${size > 0 ? lines[0] + separator : ''}`;
  for (let i = 1; i < end; i++) lines[i] = ` ${lines[i]}${separator}`;
  lines[Math.max(end, 0)] = ` ${lines[Math.max(end, 0)]}]${last ? '' : `,\n${'\n'.repeat(rest.length - 1)}`}`;
  return lines;
}

/** The text of a tensor; `verbose` tells its dtype and shape too. */
export function format(values: ArrayLike<number | string>, shape: Shape, dtype: DataType, verbose: boolean): string {
  const head = verbose ? ['Tensor', `  dtype: ${dtype}`, `  rank: ${shape.length}`, `  shape: [${shape}]`, '  values:'] : ['Tensor'];
  // A lone text needs no quotes.
  const show = dtype === 'string' && shape.length === 0 ? () => String(values[0]) : shower(values, dtype);
    const lines = linesOf(show, 0, shape, widths(show, sizeOf(shape), shape), true);
  return [...head, lines.map((line) => `    ${line}`).join('\n')].join('\n');
}
